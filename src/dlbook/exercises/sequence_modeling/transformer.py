"""transformer 的練習。"""

import itertools
import math
from collections import Counter
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dlbook.exercise import exercise
from dlbook.sequence_modeling import translation_study
from dlbook.sequence_modeling.beam_search import beam_search, length_penalty
from dlbook.sequence_modeling.translation import bleu, pad_batch, translation_loss


@exercise(
    stars=1,
    hints=[
        "解碼器的輸入以 bos 開頭，不含最後的 eos；答案不含 bos，以 eos 結尾。兩者一樣長，錯開一格。",
        "同一批裡短的句子，輸入與答案都在後面補 pad。",
    ],
)
def teacher_forcing(
    sentences: list[list[int]], bos: int, eos: int, pad: int
) -> tuple[Int[Tensor, "batch length"], Int[Tensor, "batch length"]]:
    """錯開一格

    `sentences` 是一批譯文，每一句是一串 token 的編號（不含 bos 與 eos）。傳回 `(inputs, labels)`：
    解碼器在第 i 個位置讀 `inputs[:, i]`，要猜的是 `labels[:, i]`。短的句子在後面補 `pad`。
    """
    longest = max(map(len, sentences)) + 1
    inputs = torch.full((len(sentences), longest), pad)
    labels = torch.full((len(sentences), longest), pad)
    for row, tokens in enumerate(sentences):
        inputs[row, : len(tokens) + 1] = torch.tensor([bos, *tokens])
        labels[row, : len(tokens) + 1] = torch.tensor([*tokens, eos])
    return inputs, labels


@teacher_forcing.cases
def _(rng: torch.Generator):
    def sentence() -> list[int]:
        length = int(torch.randint(1, 7, (1,), generator=rng))
        return torch.randint(3, 50, (length,), generator=rng).tolist()

    return [([[5, 6, 7], [8]], 1, 2, 0), ([sentence() for _ in range(4)], 1, 2, 0)]


@teacher_forcing.verify
def _(case, output):
    sentences, bos, eos, _pad = case
    assert isinstance(output, tuple) and len(output) == 2, "要傳回 (inputs, labels) 兩個張量。"  # noqa: PT018
    inputs, labels = output
    right_inputs, right_labels = teacher_forcing.reference(*case)
    assert inputs.shape == labels.shape, (
        f"輸入是 {tuple(inputs.shape)}、答案是 {tuple(labels.shape)}：兩者要一樣長，每個位置都有一個要猜的 token。"
    )
    assert (inputs[:, 0] == bos).all(), (
        f"輸入的第一個 token 要是 bos（{bos}），你的是 {inputs[:, 0].tolist()}。"
    )
    assert not torch.equal(inputs, labels), (
        "輸入和答案完全相同：每個位置的答案就是它自己，模型只要照抄。"
    )
    assert (labels == eos).sum() == len(sentences), (
        f"每一句的答案都要剛好有一個 eos（{eos}），模型才學得會什麼時候停。"
    )
    assert inputs.shape == right_inputs.shape, (
        f"形狀應是 {tuple(right_inputs.shape)}（最長的句子加 1），你的是 {tuple(inputs.shape)}。"
    )
    assert torch.equal(labels, right_labels), (
        f"第一句的答案應是 {right_labels[0].tolist()}，你的是 {labels[0].tolist()}。"
    )
    assert torch.equal(inputs, right_inputs), (
        f"第一句的輸入應是 {right_inputs[0].tolist()}，你的是 {inputs[0].tolist()}。"
    )


@teacher_forcing.wrong("沒有錯開：輸入就是答案")
def _(sentences, bos, eos, pad):
    inputs, _ = teacher_forcing.reference(sentences, bos, eos, pad)
    return inputs, inputs.clone()


@teacher_forcing.wrong("答案沒有 eos")
def _(sentences, bos, eos, pad):
    inputs, labels = teacher_forcing.reference(sentences, bos, eos, pad)
    return inputs, labels.masked_fill(labels == eos, pad)


@teacher_forcing.wrong("輸入多了 eos，比答案長一格")
def _(sentences, bos, eos, pad):
    _, labels = teacher_forcing.reference(sentences, bos, eos, pad)
    start = torch.full((len(sentences), 1), bos)
    return torch.cat([start, labels], 1), labels


@exercise(
    stars=2,
    hints=[
        "一對的票數是它在每個字裡出現幾次，乘上那個字的次數，全部加起來。",
        "Counter 的 max(…, key=…) 遇到同票會取先看到的；題目要取編號小的，用 (-票數, 一對) 排序。",
        "替換由左到右：換掉一對之後，接著看下一個還沒看過的位置。",
    ],
)
def one_merge(
    words: dict[tuple[int, ...], int], new: int
) -> tuple[tuple[int, int], dict[tuple[int, ...], int]]:
    """BPE 走一步

    `words` 的鍵是一個字目前切成的 token，值是這個字出現幾次。找出現最多次的相鄰一對
    （同票取編號小的），把每個字裡的這一對由左到右換成 `new`。傳回 `(那一對, 換過的 words)`。
    """
    counts: Counter[tuple[int, int]] = Counter()
    for word, times in words.items():
        for pair in itertools.pairwise(word):
            counts[pair] += times
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    merged: dict[tuple[int, ...], int] = {}
    for word, times in words.items():
        tokens: list[int] = []
        i = 0
        while i < len(word):
            if word[i : i + 2] == best:
                tokens.append(new)
                i += 2
            else:
                tokens.append(word[i])
                i += 1
        merged[tuple(tokens)] = merged.get(tuple(tokens), 0) + times
    return best, merged


@one_merge.cases
def _(rng: torch.Generator):
    words: dict[tuple[int, ...], int] = {}
    for _ in range(12):
        length = int(torch.randint(2, 7, (1,), generator=rng))
        word = tuple(torch.randint(0, 4, (length,), generator=rng).tolist())
        words[word] = int(torch.randint(1, 9, (1,), generator=rng))
    return [
        ({(1, 1, 1): 2, (1, 2): 3}, 9),
        ({(0, 1): 9, (2, 3, 2, 3): 2, (2, 3): 4}, 7),
        ({(2, 3, 2, 3): 2, (0, 1): 1}, 7),
        (words, 50),
    ]


@one_merge.verify
def _(case, output):
    words, new = case
    pair, merged = output
    best, right = one_merge.reference(words, new)
    unweighted: Counter[tuple[int, int]] = Counter()
    for word in words:
        unweighted.update(itertools.pairwise(word))
    assert tuple(pair) == best or unweighted[tuple(pair)] < max(unweighted.values()), (
        f"{words}：選到 {pair}，應是 {best}。一個字出現幾次，它裡面的每一對就算幾票；同票取編號小的。"
    )
    assert tuple(pair) == best, f"{words}：選到 {pair}，應是 {best}（同票取編號小的）。"
    total = sum(words.values())
    assert sum(merged.values()) == total, (
        f"換過之後字的總次數變成 {sum(merged.values())}，應是 {total}：兩個字換成一樣的時候，次數要相加。"
    )
    for word, times in right.items():
        assert merged.get(word) == times, (
            f"{words} 換掉 {best} 之後，應該有 {word}（{times} 次）；你的是 {merged}。由左到右換，不重疊。"
        )


@one_merge.wrong("沒有乘上字的次數")
def _(words, new):
    return one_merge.reference(dict.fromkeys(words, 1), new)[0], one_merge.reference(words, new)[1]


@one_merge.wrong("重疊的也換")
def _(words, new):
    best, _ = one_merge.reference(words, new)
    merged: dict[tuple[int, ...], int] = {}
    for word, times in words.items():
        tokens = [new if pair == best else pair[0] for pair in itertools.pairwise(word)]
        key = (*tokens, word[-1])
        merged[key] = merged.get(key, 0) + times
    return best, merged


@one_merge.wrong("只換第一個")
def _(words, new):
    best, _ = one_merge.reference(words, new)
    merged: dict[tuple[int, ...], int] = {}
    for word, times in words.items():
        found = next((i for i in range(len(word) - 1) if word[i : i + 2] == best), None)
        key = word if found is None else (*word[:found], new, *word[found + 2 :])
        merged[key] = merged.get(key, 0) + times
    return best, merged


@exercise(
    stars=2,
    hints=[
        "每個位置的目標分布：答案是 1 − ε + ε/K，其他每一個是 ε/K，K 是詞彙大小。",
        "交叉熵是 −Σ 目標 · log 機率；log_softmax 沿最後一軸。",
        "先用遮罩挑出不是 pad 的位置，再取平均；pad 的位置連分母也不算。",
    ],
)
def smoothed_loss(
    logits: Float[Tensor, "batch length vocab"],
    labels: Int[Tensor, "batch length"],
    pad: int,
    smoothing: float,
) -> Float[Tensor, ""]:
    """標籤平滑的損失

    每個位置的目標是：答案 1 − ε + ε/K，其餘每個 token ε/K（K 是詞彙大小，ε 是 `smoothing`）。
    傳回**不是** `pad` 的位置的平均交叉熵。不要用 `F.cross_entropy` 的 `label_smoothing`。
    """
    log_p = logits.log_softmax(-1)
    right = log_p.gather(-1, labels[..., None])[..., 0]
    losses = -(1 - smoothing) * right - smoothing * log_p.mean(-1)
    return losses[labels != pad].mean()


@smoothed_loss.cases
def _(rng: torch.Generator):
    cases = []
    for smoothing in (0.0, 0.1, 0.3):
        logits = 2 * torch.randn(3, 5, 11, generator=rng)
        labels = torch.randint(1, 11, (3, 5), generator=rng)
        labels[0, 3:], labels[2, 1:] = 0, 0
        cases.append((logits, labels, 0, smoothing))
    return cases


@smoothed_loss.verify
def _(case, output):
    logits, labels, pad, smoothing = case
    value = float(output)
    right = float(translation_loss(logits, labels, pad, smoothing))
    everywhere = float(translation_loss(logits, labels, -100, smoothing))
    total = right * float((labels != pad).double().mean())
    assert not math.isnan(value), "結果是 NaN。"
    assert abs(value - everywhere) > 1e-5, "補齊的位置也算進去了：用 labels != pad 挑出真的 token。"
    assert abs(value - total) > 1e-5, (
        "補齊的位置雖然是 0，卻還在分母裡：除以真的 token 數，不是格子數。"
    )
    assert math.isclose(value, right, rel_tol=1e-4), (
        f"ε = {smoothing}：應是 {right:.4f}，你的是 {value:.4f}。"
        "ε = 0 時就是普通的交叉熵；ε > 0 時，答案自己也分到 ε/K。"
    )


@smoothed_loss.wrong("補齊的位置也算")
def _(logits, labels, pad, smoothing):
    return translation_loss(logits, labels, -100, smoothing)


@smoothed_loss.wrong("分母是全部的格子")
def _(logits, labels, pad, smoothing):
    loss = translation_loss(logits, labels, pad, smoothing)
    return loss * (labels != pad).float().mean()


@smoothed_loss.wrong("ε 只分給其他的 token")
def _(logits, labels, pad, smoothing):
    log_p = logits.log_softmax(-1)
    right = log_p.gather(-1, labels[..., None])[..., 0]
    others = (log_p.sum(-1) - right) / (logits.shape[-1] - 1)
    return (-(1 - smoothing) * right - smoothing * others)[labels != pad].mean()


@exercise(
    stars=3,
    hints=[
        "p_n 的分子：每個 n-gram 在譯文與參考裡次數的較小值（clipped），全部句子加起來；分母是譯文的 n-gram 總數。",
        "Counter 之間的 & 就是取較小值。",
        "長度懲罰：c 是譯文總長、r 是參考總長；c < r 時乘 exp(1 − r/c)，否則乘 1。",
        "BLEU = 100 · 長度懲罰 · exp(四個 ln p_n 的平均)；有一個 p_n 是 0 就是 0。",
    ],
)
def bleu_by_hand(translations: list[str], references: list[str]) -> float:
    """自己算 BLEU

    中文逐字算：每一句是一串字元，全部句子一起算一個分數（語料層級）。n 從 1 到 4，權重相同，
    沒有平滑：某個 n 一個都沒對到，分數就是 0。傳回 0 到 100。
    """
    logs = []
    for n in range(1, 5):
        matched = total = 0
        for translation, reference in zip(translations, references, strict=True):
            ours, theirs = (
                Counter(text[i : i + n] for i in range(len(text) - n + 1))
                for text in (translation, reference)
            )
            matched += (ours & theirs).total()
            total += ours.total()
        if matched == 0:
            return 0.0
        logs.append(math.log(matched / total))
    written, wanted = (sum(map(len, texts)) for texts in (translations, references))
    brevity = min(0.0, 1 - wanted / written)
    return 100 * math.exp(brevity + sum(logs) / 4)


@bleu_by_hand.cases
def _(rng: torch.Generator):
    words = "開啟關閉檔案視窗選取儲存格列印預覽"

    def text(length: int) -> str:
        return "".join(words[i] for i in torch.randint(0, 12, (length,), generator=rng).tolist())

    references = [text(30) for _ in range(6)]
    shorter = [t[:22] + text(3) for t in references]
    longer = [t[:25] + text(9) for t in references]
    uneven = [t[: 8 + 4 * i] + text(6) for i, t in enumerate(references)]
    return [
        (["開啟檔案視窗", "選取儲存格"], ["開啟檔案視窗", "選取儲存格"]),
        (["開開開開開開開"], ["開啟檔案視窗。"]),
        (shorter, references),
        (longer, references),
        (uneven, references),
    ]


@bleu_by_hand.verify
def _(case, output):
    translations, references = case
    right = bleu_by_hand.reference(translations, references)
    value = float(output)
    assert math.isfinite(value), f"分數是 {value}：有一個 p_n 是 0 時要傳回 0。"
    shown = f"譯文 {translations[0]!r}…、參考 {references[0]!r}…"
    written, wanted = (sum(map(len, texts)) for texts in (translations, references))
    if written < wanted and right > 0:
        unpunished = right / math.exp(1 - wanted / written)
        assert not math.isclose(value, unpunished, rel_tol=1e-3), (
            f"{shown}：譯文比參考短，要乘上長度懲罰 exp(1 − r/c)；不然只譯最有把握的一小段就能拿高分。"
        )
    assert not 0 < value <= 1 or right <= 1, f"{shown}：分數要乘 100，你的是 {value:.3f}。"
    assert math.isclose(value, right, rel_tol=1e-3, abs_tol=1e-6), (
        f"{shown}：應是 {right:.2f}，你的是 {value:.2f}。分子取較小值（重複的字不能一再得分），"
        "而且先把全部句子的分子、分母各自加起來，再相除。"
    )


@bleu_by_hand.wrong("沒有長度懲罰")
def _(translations, references):
    right = bleu_by_hand.reference(translations, references)
    written, wanted = (sum(map(len, texts)) for texts in (translations, references))
    return right / math.exp(min(0.0, 1 - wanted / written))


@bleu_by_hand.wrong("分子沒有取較小值")
def _(translations, references):
    logs = []
    for n in range(1, 5):
        grams = [
            [(t[i : i + n], t[i : i + n] in r) for i in range(len(t) - n + 1)]
            for t, r in zip(translations, references, strict=True)
        ]
        hits = sum(found for row in grams for _, found in row)
        if hits == 0:
            return 0.0
        logs.append(math.log(hits / sum(map(len, grams))))
    written, wanted = (sum(map(len, texts)) for texts in (translations, references))
    return 100 * math.exp(min(0.0, 1 - wanted / written) + sum(logs) / 4)


@bleu_by_hand.wrong("每一句各算一個，再平均")
def _(translations, references):
    pairs = zip(translations, references, strict=True)
    each = [bleu_by_hand.reference([t], [r]) for t, r in pairs]
    return sum(each) / len(each)


Candidate = tuple[str, float, int]  # 譯文、log 機率、長度（含 eos）


@exercise(
    stars=3,
    hints=[
        "對每個 alpha：每一句挑 log 機率 / length_penalty(長度, alpha) 最高的候選。",
        "挑好之後，用 bleu(挑出的譯文, references) 算一個分數。",
        "比較各個 alpha 的分數；同分取小的 alpha。",
    ],
)
def best_alpha(
    candidates: list[list[Candidate]], references: list[str], alphas: list[float]
) -> dict[str, float]:
    """實驗－長度懲罰該多重

    `candidates[i]` 是課文的模型替第 i 句寫的幾個譯文，各是（譯文、log 機率、長度）。對每個 `alpha`，
    每一句挑「log 機率 ÷ `length_penalty(長度, alpha)`」最高的候選，算整份的 `bleu`。傳回
    `{"alpha": 最好的 alpha, "bleu": 它的 BLEU}`；同分取小的。可以用課文的 `length_penalty` 與 `bleu`。
    """
    scores = {}
    for alpha in alphas:
        picked = [
            max(options, key=lambda c, a=alpha: c[1] / length_penalty(c[2], a))[0]
            for options in candidates
        ]
        scores[alpha] = bleu(picked, references)
    best = min(alphas, key=lambda alpha: (-scores[alpha], alpha))
    return {"alpha": best, "bleu": scores[best]}


@cache
def _written(count: int, beam: int) -> tuple[list[list[Candidate]], list[str]]:
    """課文的 Transformer 替驗證集的前幾句寫的候選。"""
    model, tokenizer = (
        translation_study.load_translator("transformer"),
        translation_study.load_tokenizer(),
    )
    rows = translation_study.pairs("valid")[:count]
    source = pad_batch([[*tokenizer.encode(s), tokenizer.eos] for s, _ in rows])
    found = beam_search(
        model.writer(source),
        count,
        beam=beam,
        max_length=60,
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        alpha=0.0,
    )
    candidates = [
        [(tokenizer.decode(h.tokens), h.log_prob, len(h.tokens) + 1) for h in each]
        for each in found
    ]
    return candidates, [target for _, target in rows]


@best_alpha.cases
def _(rng: torch.Generator):
    candidates, references = _written(48, 6)
    part = torch.randperm(48, generator=rng)[:32].tolist()
    toy = [[("短", -1.0, 2), ("長一點的譯文", -1.9, 7)]]
    return [
        (toy, ["長一點的譯文"], [0.0, 0.5, 1.0]),
        ([candidates[i] for i in part], [references[i] for i in part], [0.0, 0.5, 1.0, 1.5, 2.0]),
    ]


@best_alpha.verify
def _(case, output):
    candidates, references, alphas = case
    assert isinstance(output, dict) and set(output) == {"alpha", "bleu"}, (  # noqa: PT018
        '要傳回字典 {"alpha": …, "bleu": …}。'
    )
    right = best_alpha.reference(candidates, references, alphas)
    shortest = [max(options, key=lambda c: c[1])[0] for options in candidates]
    assert output["alpha"] in alphas, f"alpha 要是 {alphas} 裡的一個，你的是 {output['alpha']}。"
    assert not (
        math.isclose(output["bleu"], bleu(shortest, references), rel_tol=1e-6)
        and not math.isclose(output["bleu"], right["bleu"], rel_tol=1e-6)
    ), "你的 BLEU 等於完全沒有長度懲罰的：log 機率要除以 length_penalty(長度, alpha)。"
    assert math.isclose(output["bleu"], right["bleu"], rel_tol=1e-6), (
        f"最好的 BLEU 應是 {right['bleu']:.2f}，你的是 {output['bleu']:.2f}。log 機率是負的：除以越大的數，分數越高。"
    )
    assert output["alpha"] == right["alpha"], (
        f"BLEU 對了，alpha 應是 {right['alpha']}，你的是 {output['alpha']}；同分取小的。"
    )


@best_alpha.wrong("忘了長度懲罰")
def _(candidates, references, alphas):
    picked = [max(options, key=lambda c: c[1])[0] for options in candidates]
    return {"alpha": alphas[0], "bleu": bleu(picked, references)}


@best_alpha.wrong("乘上懲罰，不是除")
def _(candidates, references, alphas):
    scores = {
        alpha: bleu(
            [max(o, key=lambda c, a=alpha: c[1] * length_penalty(c[2], a))[0] for o in candidates],
            references,
        )
        for alpha in alphas
    }
    best = max(scores, key=scores.__getitem__)
    return {"alpha": best, "bleu": scores[best]}


@best_alpha.wrong("挑 BLEU 最低的")
def _(candidates, references, alphas):
    scores = {a: best_alpha.reference(candidates, references, [a])["bleu"] for a in alphas}
    worst = min(scores, key=scores.__getitem__)
    return {"alpha": worst, "bleu": scores[worst]}
