"""rnn_lstm 的練習。"""

import itertools
import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from dlbook.exercise import exercise
from dlbook.sequence_modeling.poem_corpus import END, PUNCTUATION, UNKNOWN, CharacterVocabulary
from dlbook.sequence_modeling.poem_model import PoemLSTM


@exercise(
    stars=1,
    hints=[
        "第 i 列真的最後一步是 lengths[i] − 1，不是 −1。",
        "h[torch.arange(len(h)), index] 一次替每一列挑一步。",
    ],
)
def last_real_step(
    h: Float[Tensor, "batch time hidden"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch hidden"]:
    """補齊的批次，真的最後一步

    單向的遞迴層讀了一批**右邊補齊**的序列，`h` 是每一步的輸出，`lengths` 是每一列真的有幾步。
    傳回每一列真的最後一步的輸出：與用 packed sequence 得到的最後狀態相同。
    """
    return h[torch.arange(len(h)), lengths - 1]


@last_real_step.cases
def _(rng: torch.Generator):
    sizes = [[5, 5], [4, 1, 6], [2, 7, 3, 7]]
    return [(torch.randn(len(s), max(s), 3, generator=rng), torch.tensor(s)) for s in sizes]


@last_real_step.verify
def _(case, output):
    h, lengths = case
    shape = (len(h), h.shape[2])
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == shape, f"形狀應是 {shape}，你的是 {tuple(output.shape)}。"
    right = torch.stack([row[n - 1] for row, n in zip(h, lengths.tolist(), strict=True)])
    if torch.equal(output, right):
        return
    assert not torch.equal(output, h[:, -1]), (
        f"lengths = {lengths.tolist()} 時，你取的是 h[:, -1]：短的序列拿到的是補的位置。"
    )
    assert not torch.equal(output, h.sum(dim=1) / lengths[:, None]), "要最後一步，不是平均。"
    row = int((output != right).any(dim=1).nonzero()[0])
    raise AssertionError(
        f"第 {row} 列不對：它有 {int(lengths[row])} 步，最後一步的索引是 {int(lengths[row]) - 1}。"
    )


@last_real_step.wrong("取 h[:, -1]，拿到補的位置")
def _(h, lengths):
    return h[:, -1]


@last_real_step.wrong("索引差一")
def _(h, lengths):
    return h[torch.arange(len(h)), lengths.clamp(max=h.shape[1] - 1)]


@last_real_step.wrong("整批都用最短的那一列")
def _(h, lengths):
    return h[:, int(lengths.min()) - 1]


@exercise(
    stars=2,
    hints=[
        "所有梯度攤平、接成一個大向量，它的長度才是「總範數」。",
        "總範數超過 limit 時，每個梯度都乘上同一個數 limit / 總範數；沒超過就一點都不動。",
    ],
)
def clip_gradients(gradients: list[Tensor], limit: float) -> list[Tensor]:
    """梯度裁剪

    `gradients` 是各個參數的梯度（形狀各異）。把它們看成**一個**大向量：長度超過 `limit` 就整個縮短到
    剛好 `limit`，方向不變；沒超過就原樣傳回。傳回新的串列，不要改到輸入。
    """
    total = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    scale = min(1.0, limit / total) if total > 0 else 1.0
    return [g * scale for g in gradients]


@clip_gradients.cases
def _(rng: torch.Generator):
    def case(scale, limit):
        shapes = [(3, 4), (5,), (2, 2, 2)]
        sizes = (1.0, 0.1, 3.0)
        return [
            scale * s * torch.randn(shape, generator=rng, dtype=torch.float64)
            for s, shape in zip(sizes, shapes, strict=True)
        ], limit

    zero = ([torch.zeros(2), torch.zeros(3)], 1.0)
    return [case(1.0, 1.0), case(0.01, 1.0), case(100.0, 5.0), zero]


@clip_gradients.verify
def _(case, output):
    gradients, limit = case
    assert isinstance(output, list | tuple), "要傳回一個串列，每個參數一個梯度。"
    assert len(output) == len(gradients), f"有 {len(gradients)} 個梯度，你傳回了 {len(output)} 個。"
    for g, mine in zip(gradients, output, strict=True):
        assert g.shape == mine.shape, f"形狀要不變：{tuple(g.shape)} 變成了 {tuple(mine.shape)}。"
        assert mine.isfinite().all(), "出現 nan：梯度全是 0 時，別除以 0。"
    before = torch.cat([g.flatten() for g in gradients])
    after = torch.cat([g.flatten() for g in output])
    norm = float(before.norm())
    if norm <= limit:
        assert torch.allclose(before, after), (
            f"總範數 {norm:.3f} 沒有超過 {limit}，應該原樣傳回（裁剪不會把短的拉長）。"
        )
        return
    assert abs(float(after.norm()) - limit) < 1e-6 * limit, (
        f"裁剪後的總範數應是 {limit}，你的是 {float(after.norm()):.3f}。"
        "總範數是所有參數合起來算的，不是一個一個算。"
    )
    cosine = float(before @ after / before.norm() / after.norm())
    assert cosine > 1 - 1e-9, (
        f"方向變了（與原本的夾角餘弦 {cosine:.3f}）：每個梯度要乘同一個數，不能逐元素截斷。"
    )


@clip_gradients.wrong("每個參數各自裁剪")
def _(gradients, limit):
    return [g * min(1.0, limit / max(float(g.norm()), 1e-12)) for g in gradients]


@clip_gradients.wrong("逐元素截斷")
def _(gradients, limit):
    return [g.clamp(-limit, limit) for g in gradients]


@clip_gradients.wrong("短的也拉到 limit")
def _(gradients, limit):
    total = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    return [g * limit / max(total, 1e-12) for g in gradients]


@exercise(
    stars=2,
    hints=[
        "先切掉零頭，view 成 (batch, -1)：每一列是文字裡連續的一大段。",
        "第 k 批是第 k·length 到 (k+1)·length 欄；目標是往右移一格的同樣大小。",
        "目標也要湊得齊，所以一列只有 (欄數 − 1) // length 批。",
    ],
)
def stream_batches(
    stream: Int[Tensor, " total"], batch: int, length: int
) -> list[tuple[Int[Tensor, "batch length"], Int[Tensor, "batch length"]]]:
    """狀態接得起來的批次

    一長串文字 `stream` 要用截斷的 BPTT 訓練：切成 `batch` 條**連續**的長條（零頭丟掉），每一批從每條各拿接下來的
    `length` 個字。這樣第 k+1 批的第 i 列，剛好接在第 k 批的第 i 列後面，狀態可以直接帶過去。
    傳回（輸入, 目標）的串列；目標是下一個字。湊不滿 `length` 的最後一批不要。
    """
    rows = stream[: len(stream) // batch * batch].view(batch, -1)
    count = (rows.shape[1] - 1) // length
    return [
        (rows[:, k * length : (k + 1) * length], rows[:, k * length + 1 : (k + 1) * length + 1])
        for k in range(count)
    ]


@stream_batches.cases
def _(rng: torch.Generator):
    start, extra = torch.randint(100, (2,), generator=rng).tolist()
    return [
        (torch.arange(20), 1, 4), (torch.arange(26), 2, 4), (torch.arange(50), 3, 5),
        (start + torch.arange(41 + extra), 4, 3),
    ]  # fmt: skip


@stream_batches.verify
def _(case, output):
    stream, batch, length = case
    columns = len(stream) // batch
    count = (columns - 1) // length
    setting = f"{len(stream)} 個字、batch = {batch}、length = {length}"
    assert isinstance(output, list | tuple), "要傳回（輸入, 目標）的串列。"
    assert len(output) == count, f"{setting} 時應有 {count} 批，你給了 {len(output)} 批。"
    for x, y in output:
        for name, t in (("輸入", x), ("目標", y)):
            assert tuple(t.shape) == (batch, length), (
                f"{name}的形狀應是 {(batch, length)}，你的是 {tuple(t.shape)}。"
            )
        assert torch.equal(y, x + 1), (  # 這裡的字剛好是 0, 1, 2, …
            "目標要是下一個字（測試的字是連續整數，目標應是輸入加 1）。"
        )
    for (x, _), (following, _) in itertools.pairwise(output):
        assert torch.equal(following[:, 0], x[:, -1] + 1), (
            f"第二批的第 i 列沒有接在第一批的第 i 列後面：{x[:, -1].tolist()} 之後是 {following[:, 0].tolist()}。"
            "每一列要是文字裡連續的一大段，先 view(batch, -1) 再切。"
        )
    starts = output[0][0][:, 0].tolist()
    expected = [int(stream[0]) + i * columns for i in range(batch)]
    assert starts == expected, f"每條長條應從 {expected} 開始，你的從 {starts} 開始。"


@stream_batches.wrong("每一批各取連續的一塊，列與列接不起來")
def _(stream, batch, length):
    count = (len(stream) // batch - 1) // length
    pieces = stream[: count * batch * length].view(count, batch, length)
    targets = stream[1 : count * batch * length + 1].view(count, batch, length)
    return list(zip(pieces, targets, strict=True))


@stream_batches.wrong("目標沒有往右移")
def _(stream, batch, length):
    return [(x, x) for x, _ in stream_batches.reference(stream, batch, length)]


@stream_batches.wrong("view 的方向錯了")
def _(stream, batch, length):
    rows = stream[: len(stream) // batch * batch].view(-1, batch).T
    count = (rows.shape[1] - 1) // length
    return [
        (rows[:, k * length : (k + 1) * length], rows[:, k * length + 1 : (k + 1) * length + 1])
        for k in range(count)
    ]


@exercise(
    stars=3,
    hints=[
        "每一句佔 width + 1 個位置（含標點）。第 i 句的第一個字在 i · (width + 1)。",
        "先做「每個位置都准用漢字」的遮罩，再改標點的位置、句首的位置、最後的 END。",
        "句首只准用指定的那個字：整列設成 False，再把那個字設成 True。",
    ],
)
def acrostic_mask(
    heads: str, width: int, vocabulary: CharacterVocabulary
) -> Bool[Tensor, "steps vocab"]:
    """藏頭詩

    傳回寫藏頭詩用的遮罩：`len(heads)` 句、每句 `width` 個字，第 i 句的第一個字一定是 `heads[i]`；
    奇數句（第 1、3…句）後面是「，」，偶數句後面是「。」，最後一步只准 END。其餘位置准用任何漢字
    （不准標點、END、UNKNOWN）。`heads` 裡有不在詞彙裡的字，丟出 ValueError。
    """
    missing = [c for c in heads if c not in vocabulary.index]
    if missing:
        raise ValueError(f"詞彙裡沒有 {'、'.join(missing)}，換一個字。")
    hanzi = torch.tensor([c not in PUNCTUATION for c in vocabulary.characters])
    hanzi[[END, UNKNOWN]] = False
    mask = hanzi.repeat(len(heads) * (width + 1) + 1, 1)

    def only(position: int, token: int) -> None:
        mask[position] = False
        mask[position, token] = True

    for i, head in enumerate(heads):
        only(i * (width + 1), vocabulary.index[head])
        only(i * (width + 1) + width, vocabulary.index["。" if i % 2 else "，"])
    only(len(mask) - 1, END)
    return mask


@acrostic_mask.cases
def _(rng: torch.Generator):
    words = "春夏秋冬山水風花雪月天地"
    vocabulary = CharacterVocabulary("，。？！" + words)
    drawn = "".join(words[i] for i in torch.randint(12, (4,), generator=rng).tolist())
    return [
        (drawn, 7, vocabulary),
        ("春夏秋冬", 5, vocabulary), ("山水", 7, vocabulary), ("花月花月", 7, vocabulary),
        ("電腦", 5, vocabulary),
    ]  # fmt: skip


@acrostic_mask.run
def _(answer: Callable, case):
    try:
        return answer(*case)
    except ValueError as error:
        return error


@acrostic_mask.verify
def _(case, output):
    heads, width, vocabulary = case
    if any(c not in vocabulary.index for c in heads):
        assert isinstance(output, ValueError), f"「{heads}」有詞彙裡沒有的字，應丟出 ValueError。"
        return
    assert isinstance(output, Tensor), f"「{heads}」都在詞彙裡，要傳回遮罩，卻得到 {output!r}。"
    shape = (len(heads) * (width + 1) + 1, len(vocabulary))
    assert tuple(output.shape) == shape, (
        f"{len(heads)} 句、每句 {width} 字，形狀應是 {shape}（每句含一個標點，最後再加 END），"
        f"你的是 {tuple(output.shape)}。"
    )
    assert output.dtype == torch.bool, f"遮罩要是布林，你的是 {output.dtype}。"
    for t, row in enumerate(output):
        allowed = {vocabulary.characters[int(i)] for i in row.nonzero().flatten()}
        verse, place = divmod(t, width + 1)
        if t == shape[0] - 1:
            assert allowed == {"∎"}, f"最後一步只准 END，你准了 {sorted(allowed)[:5]}。"
        elif place == 0:
            assert allowed == {heads[verse]}, (
                f"第 {verse + 1} 句的開頭只准「{heads[verse]}」，你准了 {sorted(allowed)[:5]}。"
            )
        elif place == width:
            want = "。" if verse % 2 else "，"
            assert allowed == {want}, (
                f"第 {verse + 1} 句後面只准「{want}」，你准了 {sorted(allowed)[:5]}。"
            )
        else:
            assert not allowed & {*PUNCTUATION, "∎", "□"}, (
                f"第 {t} 步是句子中間，不准標點、END、UNKNOWN。"
            )
            assert len(allowed) == len(vocabulary) - 6, f"第 {t} 步應准用所有的漢字。"


@acrostic_mask.wrong("忘了標點也佔一個位置")
def _(heads, width, vocabulary):
    mask = acrostic_mask.reference(heads, width, vocabulary)
    return mask[: len(heads) * width + 1]


@acrostic_mask.wrong("句首也准用別的字")
def _(heads, width, vocabulary):
    mask = acrostic_mask.reference(heads, width, vocabulary)
    for i in range(len(heads)):
        mask[i * (width + 1)] |= mask[1]
    return mask


@acrostic_mask.wrong("標點全用句號")
def _(heads, width, vocabulary):
    mask = acrostic_mask.reference(heads, width, vocabulary)
    for i in range(len(heads)):
        mask[i * (width + 1) + width] = mask[2 * width + 1]
    return mask


@acrostic_mask.wrong("不認得的字變成 UNKNOWN，沒有報錯")
def _(heads, width, vocabulary):
    known = "".join(c if c in vocabulary.index else "□" for c in heads)
    return acrostic_mask.reference(known, width, vocabulary)


@exercise(
    stars=2,
    hints=[
        "每個目標字 poem[t]（t ≥ 1）對應一個小窗 poem[max(0, t − k) : t]，最多 k 個字。",
        "小窗長短不一：一個一個餵（從 0 的狀態開始），或用 pack_padded_sequence 一次餵。",
        "損失是自然對數，除以 ln 2 才是位元；所有字一起平均。",
    ],
)
def bits_with_context(model: PoemLSTM, poems: list[Int[Tensor, " length"]], k: int) -> float:
    """實驗－只准看前面 k 個字

    對每首詩的每個目標字（第一個字 END 以外的每個字），只讓模型從頭（狀態是 0）讀它前面的**至多 k 個**字，
    再猜這個字。傳回平均每個字幾個位元（log₂）。k 夠大時，就等於 `bits_per_char`。
    """
    windows = [p[max(0, t - k) : t] for p in poems for t in range(1, len(p))]
    targets = torch.cat([p[1:] for p in poems])
    lengths = torch.tensor([len(w) for w in windows])
    with torch.no_grad():
        padded = nn.utils.rnn.pad_sequence(windows, batch_first=True)
        packed = pack_padded_sequence(
            model.embedding(padded), lengths, batch_first=True, enforce_sorted=False
        )
        _, (h, _) = model.lstm(packed)
        scale = model.embedding.embedding_dim**0.5
        logits = model.output(h[0]) @ model.embedding.weight.T * scale
        return float(F.cross_entropy(logits, targets)) / math.log(2)


@bits_with_context.cases
def _(rng: torch.Generator):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(1000, (1,), generator=rng)))
        model = PoemLSTM(30, 8, 16).eval()
    with torch.no_grad():
        for parameter in model.lstm.parameters():
            parameter.mul_(4)  # 讓狀態真的有影響
    poems = [F.pad(torch.randint(2, 30, (n,), generator=rng), (1, 1)) for n in (9, 5, 12)]
    return [(model, poems, k) for k in (1, 3, 50)]


def _one_by_one(model: PoemLSTM, poems: list[Tensor], k: int) -> float:
    losses = []
    with torch.no_grad():
        for poem in poems:
            for t in range(1, len(poem)):
                logits = model(poem[None, max(0, t - k) : t])[:, -1]
                losses.append(float(F.cross_entropy(logits, poem[t : t + 1])))
    return sum(losses) / len(losses)


@bits_with_context.verify
def _(case, output):
    model, poems, k = case
    assert isinstance(output, float | int | Tensor), "要傳回一個數字。"
    value, nats = float(output), _one_by_one(model, poems, k)
    if abs(value - nats / math.log(2)) < 1e-4:
        return
    assert abs(value - nats) > 1e-4, "這是 nat（自然對數）；除以 ln 2 才是位元。"
    for wrong_k, why in (
        (k + 1, "多看了一個字"),
        (k - 1, "少看了一個字"),
        (1000, "看到了前面全部"),
    ):
        if wrong_k > 0 and wrong_k != k:
            other = _one_by_one(model, poems, wrong_k) / math.log(2)
            assert abs(value - other) > 1e-4 or abs(other - nats / math.log(2)) < 1e-4, (
                f"k = {k} 時{why}：小窗是 poem[max(0, t − k) : t]。"
            )
    raise AssertionError(
        f"k = {k} 時應是 {nats / math.log(2):.4f}，你的是 {value:.4f}。"
        "每個小窗都要從 0 的狀態開始，補的位置不能被讀進去，所有字一起平均。"
    )


@bits_with_context.wrong("忘了換成位元")
def _(model, poems, k):
    return bits_with_context.reference(model, poems, k) * math.log(2)


@bits_with_context.wrong("沒有限制，看到前面全部")
def _(model, poems, k):
    return bits_with_context.reference(model, poems, 1000)


@bits_with_context.wrong("多看一個字")
def _(model, poems, k):
    return bits_with_context.reference(model, poems, k + 1)


@bits_with_context.wrong("補的位置也讀進去")
def _(model, poems, k):
    windows = [p[max(0, t - k) : t] for p in poems for t in range(1, len(p))]
    with torch.no_grad():
        logits = model(nn.utils.rnn.pad_sequence(windows, batch_first=True))[:, -1]
    return float(F.cross_entropy(logits, torch.cat([p[1:] for p in poems]))) / math.log(2)
