"""classification 的練習。"""

import itertools

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.supervised_learning.phoneme_models import least_squares_classifier
from dlbook.supervised_learning.speech_features import context_window, utterance_features


@exercise(
    stars=1,
    hints=[
        "〈原理〉推過：一筆資料的梯度是 p − q，整個批次的損失取平均，所以還要除以 N。",
        "p 是 softmax(z)。先減去每列的最大值，分數大到一萬也不會變成 nan。",
        "q：每一類先拿 smoothing / K，答案那一類再加 1 − smoothing。",
    ],
)
def smoothed_gradient(
    z: Float[Tensor, "N K"], targets: Int[Tensor, " N"], smoothing: float
) -> Float[Tensor, "N K"]:
    """手算標籤平滑的梯度

    分數 `z`（N 筆、K 類）、答案 `targets`。損失是標籤平滑的交叉熵，對 N 筆**平均**；
    smoothing 平分給所有 K 類（答案那一類也有份）。傳回損失對 `z` 的梯度，不要用 autograd。
    """
    p = (z - z.max(dim=1, keepdim=True).values).exp()
    p = p / p.sum(dim=1, keepdim=True)
    q = torch.full_like(z, smoothing / z.shape[1])
    q[torch.arange(len(z)), targets] += 1 - smoothing
    return (p - q) / len(z)


@smoothed_gradient.cases
def _(rng: torch.Generator):
    def case(count, classes, smoothing):
        z = 3 * torch.randn(count, classes, generator=rng, dtype=torch.float64)
        return z, torch.randint(classes, (count,), generator=rng), smoothing

    huge = torch.tensor([[10_000.0, 0.0, -10_000.0]], dtype=torch.float64)
    return [case(6, 4, 0.0), case(5, 4, 0.1), case(4, 10, 0.3), (huge, torch.tensor([1]), 0.1)]


@smoothed_gradient.verify
def _(case, output):
    z, targets, smoothing = case
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == z.shape, f"形狀應是 {tuple(z.shape)}，你的是 {tuple(output.shape)}。"
    leaf = z.clone().requires_grad_()
    F.cross_entropy(leaf, targets, label_smoothing=smoothing).backward()
    right = leaf.grad
    assert right is not None
    assert output.isfinite().all(), "分數是 10000 時出現 nan：取指數之前，先減去每列的最大值。"
    output = output.to(right.dtype)
    scaled = torch.allclose(output, right * len(z), atol=1e-8)
    assert len(z) == 1 or not scaled, "忘了除以 N：損失是對整個批次的平均。"
    assert torch.allclose(output.sum(dim=1), torch.zeros(len(z), dtype=output.dtype), atol=1e-8), (
        "每一列的梯度加起來應是 0（p 與 q 都加總成 1）。"
        "檢查 softmax 是不是沿著類別那一軸（dim=1），q 的總和是不是 1。"
    )
    assert torch.allclose(output, right, atol=1e-8), (
        f"smoothing = {smoothing} 時不對。q：每一類都得 smoothing / K，答案那一類再加 1 − smoothing"
        "（答案那一類也有平分到的一份）。"
    )


@smoothed_gradient.wrong("忘了除以 N")
def _(z, targets, smoothing):
    return smoothed_gradient.reference(z, targets, smoothing) * len(z)


@smoothed_gradient.wrong("softmax 沿著批次那一軸")
def _(z, targets, smoothing):
    q = torch.full_like(z, smoothing / z.shape[1])
    q[torch.arange(len(z)), targets] += 1 - smoothing
    return (z.softmax(dim=0) - q) / len(z)


@smoothed_gradient.wrong("smoothing 只分給答案以外的類別")
def _(z, targets, smoothing):
    q = torch.full_like(z, smoothing / (z.shape[1] - 1))
    q[torch.arange(len(z)), targets] = 1 - smoothing
    return (z.softmax(dim=1) - q) / len(z)


@smoothed_gradient.wrong("直接取指數，大的分數會溢位")
def _(z, targets, smoothing):
    q = torch.full_like(z, smoothing / z.shape[1])
    q[torch.arange(len(z)), targets] += 1 - smoothing
    return (z.exp() / z.exp().sum(dim=1, keepdim=True) - q) / len(z)


@exercise(
    stars=2,
    hints=[
        "先替每一框算出它所屬句子的第一框與最後一框是第幾列：torch.repeat_interleave 很好用。",
        "要取的列號是 自己的列號 + (−radius … radius)，再夾在句子的第一框與最後一框之間。",
        "index 的形狀是 (total, 2·radius+1)，frames[index] 就是 (total, 2·radius+1, dims)，最後攤平。",
    ],
)
def splice(
    frames: Float[Tensor, "total dims"], lengths: list[int], radius: int
) -> Float[Tensor, "total windowed"]:
    """上下文視窗，不跨句子

    `frames` 是好幾句的特徵頭尾相接，`lengths` 是每句幾框。每一框接上前後各 `radius` 框，由早到晚排成一列，
    形狀是 (total, (2·radius+1)·dims)。超出**自己那一句**的位置，用那一句最前（或最後）一框代替。
    """
    counts = torch.tensor(lengths)
    ends = counts.cumsum(dim=0)
    first = (ends - counts).repeat_interleave(counts)[:, None]
    last = (ends - 1).repeat_interleave(counts)[:, None]
    index = torch.arange(len(frames))[:, None] + torch.arange(-radius, radius + 1)
    return frames[index.clamp(first, last)].flatten(1)


@splice.cases
def _(rng: torch.Generator):
    def case(lengths, radius):
        return torch.randn(sum(lengths), 3, generator=rng), lengths, radius

    return [case([7], 0), case([7], 2), case([4, 6, 5], 2), case([2, 1, 8], 3)]


@splice.verify
def _(case, output):
    frames, lengths, radius = case
    right = torch.cat([context_window(part, radius) for part in frames.split(lengths)])
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == right.shape, (
        f"形狀應是 {tuple(right.shape)}，你的是 {tuple(output.shape)}。"
    )
    if torch.equal(output, right):
        return
    across = torch.equal(output, context_window(frames, radius))
    assert not across, (
        f"lengths = {lengths} 時，視窗跨到別句去了：一句的第一框，前面不能是上一句的最後一框。"
    )
    shape = (len(frames), 2 * radius + 1, -1)
    backwards = torch.equal(output.reshape(shape).flip(1), right.reshape(shape))
    assert not backwards, "順序反了：由早到晚，最左邊是 t − radius。"
    middle = output.reshape(shape)[:, radius]
    assert torch.equal(middle, frames), "正中間那一塊應該是這一框自己。"
    row = int((output != right).any(dim=1).nonzero()[0])
    raise AssertionError(
        f"第 {row} 列不對（lengths = {lengths}、radius = {radius}）："
        "超出句子的位置要重複那一句最前或最後的一框，不是補 0，也不是繞回另一頭。"
    )


@splice.wrong("視窗跨過了句子的邊界")
def _(frames, lengths, radius):
    return context_window(frames, radius)


@splice.wrong("超出的位置補 0")
def _(frames, lengths, radius):
    rows = []
    for part in frames.split(lengths):
        padded = F.pad(part, (0, 0, radius, radius))
        rows.append(padded.unfold(0, 2 * radius + 1, 1).transpose(1, 2).flatten(1))
    return torch.cat(rows)


@splice.wrong("用 roll，頭尾繞了回來")
def _(frames, lengths, radius):
    offsets = range(radius, -radius - 1, -1)
    return torch.cat(
        [torch.cat([p.roll(k, 0) for k in offsets], dim=1) for p in frames.split(lengths)]
    )


@splice.wrong("由晚到早排")
def _(frames, lengths, radius):
    right = splice.reference(frames, lengths, radius).reshape(len(frames), 2 * radius + 1, -1)
    return right.flip(1).flatten(1)


@exercise(
    stars=2,
    hints=[
        "先按把握排序：order = confidence.argsort()。",
        "torch.tensor_split(x, bins) 把 x 切成 bins 段，長度最多差 1。",
        "每段的權重是那一段的筆數除以總筆數。",
    ],
)
def equal_mass_ece(
    confidence: Float[Tensor, " N"], correct: Bool[Tensor, " N"], bins: int
) -> float:
    """每箱一樣多的 ECE

    等寬的箱子常常大半是空的。把 N 筆按把握由小到大排好，切成 `bins` 段（用 `torch.tensor_split`，長度最多差 1），
    傳回 Σ（段的筆數 / N）× |段的正確率 − 段的平均把握|。
    """
    order = confidence.argsort()
    total = 0.0
    for box in order.tensor_split(bins):
        gap = correct[box].double().mean() - confidence[box].double().mean()
        total += len(box) / len(order) * abs(float(gap))
    return total


@equal_mass_ece.cases
def _(rng: torch.Generator):
    def case(count, bins):
        confidence = torch.rand(count, generator=rng).double() ** 0.3
        return confidence, torch.rand(count, generator=rng) < confidence**3, bins

    sure = torch.tensor([0.9, 0.2, 0.8, 0.1, 0.7]).double()
    right = torch.tensor([True, False, True, True, False])
    return [(sure, right, 2), case(50, 1), case(60, 6), case(203, 10)]


@equal_mass_ece.verify
def _(case, output):
    confidence, correct, bins = case
    pairs = sorted(zip(confidence.tolist(), correct.tolist(), strict=True))
    short, extra = divmod(len(pairs), bins)
    gaps, weights, start = [], [], 0
    for b in range(bins):
        box = pairs[start : start + short + (b < extra)]
        start += len(box)
        gaps.append(sum(right for _, right in box) / len(box) - sum(c for c, _ in box) / len(box))
        weights.append(len(box) / len(pairs))
    right = sum(w * abs(g) for w, g in zip(weights, gaps, strict=True))
    assert isinstance(output, float | int | Tensor), "要傳回一個數字。"
    value = float(output)
    if abs(value - right) < 1e-6:
        return
    signed = sum(w * g for w, g in zip(weights, gaps, strict=True))
    assert min(abs(value - signed), abs(value + signed)) > 1e-6, (
        "少了絕對值：有的箱太有把握、有的太沒把握，不取絕對值會互相抵消。"
    )
    even = sum(abs(g) for g in gaps) / bins
    assert abs(value - even) > 1e-6, "各段的筆數不一定相同，要用筆數 / N 加權。"
    raise AssertionError(
        f"{len(pairs)} 筆、{bins} 段時應是 {right:.4f}，你的是 {value:.4f}。"
        "段是按「把握」排序後切的，每段筆數（幾乎）相同；差距是段的平均，不是逐筆相減。"
    )


@equal_mass_ece.wrong("用了等寬的箱子")
def _(confidence, correct, bins):
    box = (confidence * bins).ceil().long().clamp(1, bins) - 1
    total = 0.0
    for b in range(bins):
        inside = box == b
        if inside.any():
            gap = correct[inside].double().mean() - confidence[inside].mean()
            total += float(inside.double().mean() * gap.abs())
    return total


@equal_mass_ece.wrong("沒有排序就切")
def _(confidence, correct, bins):
    total = 0.0
    for box in torch.arange(len(confidence)).tensor_split(bins):
        gap = correct[box].double().mean() - confidence[box].mean()
        total += len(box) / len(confidence) * float(gap.abs())
    return total


@equal_mass_ece.wrong("忘了絕對值")
def _(confidence, correct, bins):
    return float(confidence.mean() - correct.double().mean())


@equal_mass_ece.wrong("各段直接平均，沒有加權")
def _(confidence, correct, bins):
    boxes = confidence.argsort().tensor_split(bins)
    gaps = [(correct[b].double().mean() - confidence[b].mean()).abs() for b in boxes]
    return float(torch.stack(gaps).mean())


@exercise(
    stars=3,
    hints=[
        "狀態不是音素，而是「走到 sequence 的第幾個」：第 s 個只能從第 s 個（留著）或第 s−1 個（往前）來。",
        "起點一定是第 0 個：best 一開始除了第 0 個都是 −inf。終點一定是最後一個。",
        "每一框記下「這一步有沒有往前」，最後從終點倒著走回來。",
    ],
)
def forced_align(
    log_emission: Float[Tensor, "T K"], sequence: Int[Tensor, " S"]
) -> Int[Tensor, " T"]:
    """強制對齊

    已經知道這一句依序是哪些音素 `sequence`（相鄰的不會相同，S ≤ T），只差每個音素從哪一框開始。
    傳回每一框的音素：依 `sequence` 的順序，每個至少佔一框、一個都不能跳過，並且讓
    `log_emission[t, 第 t 框的音素]` 的總和最大。本課的標籤就是這樣來的（模型是 pocketsphinx 的）。
    """
    scores = log_emission[:, sequence]  # (T, S)
    best = torch.full_like(scores[0], -torch.inf)
    best[0] = scores[0, 0]
    moves = []
    for score in scores[1:]:
        step = F.pad(best[:-1], (1, 0), value=-torch.inf)
        moves.append(step > best)
        best = torch.maximum(best, step) + score
    position = len(sequence) - 1
    path = [position]
    for moved in reversed(moves):
        position -= int(moved[position])
        path.append(position)
    return sequence[torch.tensor(path[::-1])]


@forced_align.cases
def _(rng: torch.Generator):
    def case(frames, phones, length):
        log_p = (2 * torch.randn(frames, phones, generator=rng).double()).log_softmax(dim=1)
        sequence = [int(torch.randint(phones, (1,), generator=rng))]
        while len(sequence) < length:
            nxt = int(torch.randint(phones, (1,), generator=rng))
            sequence += [nxt] if nxt != sequence[-1] else []
        return log_p, torch.tensor(sequence)

    sizes = [(5, 3, 1), (4, 3, 4), (7, 3, 3), (9, 4, 4), (10, 4, 5)]
    return [case(*size) for size in sizes]


@forced_align.verify
def _(case, output):
    log_emission, sequence = case
    frames, count = len(log_emission), len(sequence)
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == (frames,), (
        f"要 {frames} 個音素（每框一個），你的形狀是 {tuple(output.shape)}。"
    )
    collapsed = torch.unique_consecutive(output).tolist()
    assert collapsed == sequence.tolist(), (
        f"依序應是 {sequence.tolist()}，你的路徑併起來是 {collapsed}："
        "只能留著或往前一個，從第一個開始、到最後一個結束，不能跳過。"
    )

    def score(path: Tensor) -> float:
        return float(log_emission[torch.arange(frames), path].sum())

    best = max(
        score(sequence[torch.bucketize(torch.arange(frames), torch.tensor(cuts), right=True)])
        for cuts in itertools.combinations(range(1, frames), count - 1)
    )
    assert score(output) >= best - 1e-9, (
        f"順序對了，但總分 {score(output):.3f}，還有更好的切法（{best:.3f}）。"
        "每一步要比較「留著」與「往前」哪一個分數高。"
    )


@forced_align.wrong("每一框各挑最像的，不管順序")
def _(log_emission, sequence):
    return sequence[log_emission[:, sequence].argmax(dim=1)]


@forced_align.wrong("平均分配")
def _(log_emission, sequence):
    return sequence[torch.arange(len(log_emission)) * len(sequence) // len(log_emission)]


@forced_align.wrong("終點挑分數最高的，沒有走到最後一個")
def _(log_emission, sequence):
    scores = log_emission[:, sequence]
    best = torch.full_like(scores[0], -torch.inf)
    best[0] = scores[0, 0]
    moves = []
    for score in scores[1:]:
        step = F.pad(best[:-1], (1, 0), value=-torch.inf)
        moves.append(step > best)
        best = torch.maximum(best, step) + score
    path = [int(best.argmax())]
    for moved in reversed(moves):
        path.append(path[-1] - int(moved[path[-1]]))
    return sequence[torch.tensor(path[::-1])]


@forced_align.wrong("一有機會就往前走（貪婪）")
def _(log_emission, sequence):
    position, path = 0, [0]
    for t in range(1, len(log_emission)):
        left = len(log_emission) - t
        must = len(sequence) - 1 - position >= left
        ahead = position + 1 < len(sequence)
        here = log_emission[t, sequence[position]]
        if must or (ahead and log_emission[t, sequence[position + 1]] > here):
            position += 1
        path.append(position)
    return sequence[torch.tensor(path)]


@exercise(
    stars=2,
    hints=[
        "視窗要一句一句做：torch.cat([context_window(f, radius) for f in …])。",
        "分類器用 least_squares_classifier(x, y, 39)；打分數時記得在特徵後面接一欄 1。",
        "訓練只用 train，正確率只在 valid 上量。",
    ],
)
def context_curve(
    train_x: list[Float[Tensor, "frames dims"]],
    train_y: list[Int[Tensor, " frames"]],
    valid_x: list[Float[Tensor, "frames dims"]],
    valid_y: list[Int[Tensor, " frames"]],
    radii: list[int],
) -> list[float]:
    """實驗－上下文看多寬才夠

    四個串列都是一句一個張量（特徵已經標準化）。對每個 `radius`：用 `context_window` 逐句做視窗，
    以訓練集擬合 `least_squares_classifier`（39 類），傳回它在**驗證集**上的逐框正確率，順序與 `radii` 相同。
    """
    curve = []
    for radius in radii:
        x, seen = (
            torch.cat([context_window(f, radius) for f in part]) for part in (train_x, valid_x)
        )
        weights = least_squares_classifier(x, torch.cat(train_y), 39)
        scores = torch.cat([seen, torch.ones(len(seen), 1)], dim=1) @ weights
        curve.append(float((scores.argmax(dim=1) == torch.cat(valid_y)).double().mean()))
    return curve


@context_curve.cases
def _(rng: torch.Generator):
    data = datasets.phonemes()
    raw = utterance_features(data)
    chosen = data.train[torch.randperm(len(data.train), generator=rng)[:60]].tolist()
    train, valid = chosen[:40], chosen[40:]
    together = torch.cat([raw[i] for i in train])
    scaled = {i: (raw[i] - together.mean(dim=0)) / together.std(dim=0) for i in chosen}
    parts = [([scaled[i] for i in p], [data.phones(i) for i in p]) for p in (train, valid)]
    return [(*parts[0], *parts[1], [0, 1, 4])]


@context_curve.verify
def _(case, output):
    *lists, radii = case
    assert isinstance(output, list | tuple), "要傳回一個串列，每個 radius 一個正確率。"
    assert len(output) == len(radii), f"有 {len(radii)} 個 radius，你傳回了 {len(output)} 個數。"
    train_x, train_y, valid_x, valid_y = lists
    right = context_curve.reference(train_x, train_y, valid_x, valid_y, radii)
    on_train = context_curve.reference(train_x, train_y, train_x, train_y, radii)
    values = [float(v) for v in output]

    def close(other: list[float]) -> bool:
        return all(abs(a - b) < 2e-3 for a, b in zip(values, other, strict=True))

    assert not close(on_train), "這是訓練集上的正確率；要在驗證集上量。"
    assert all(0 <= v <= 1 for v in values), "正確率要在 0 到 1 之間（不是百分比）。"
    assert not close(right[::-1]), "順序反了：第 i 個數對應 radii[i]。"
    assert close(right), (
        f"radii = {radii} 時應約是 {[round(v, 3) for v in right]}，"
        f"你的是 {[round(v, 3) for v in values]}。"
        "視窗要逐句做（不跨句子），訓練與驗證用同樣的 radius，打分數時接上一欄 1。"
    )


@context_curve.wrong("在訓練集上量正確率")
def _(train_x, train_y, valid_x, valid_y, radii):
    return context_curve.reference(train_x, train_y, train_x, train_y, radii)


@context_curve.wrong("忘了偏置：接的是一欄 0")
def _(train_x, train_y, valid_x, valid_y, radii):
    curve = []
    for radius in radii:
        x, seen = (torch.cat([context_window(f, radius) for f in p]) for p in (train_x, valid_x))
        weights = least_squares_classifier(x, torch.cat(train_y), 39)
        scores = torch.cat([seen, torch.zeros(len(seen), 1)], dim=1) @ weights
        curve.append(float((scores.argmax(dim=1) == torch.cat(valid_y)).double().mean()))
    return curve


@context_curve.wrong("拿驗證集來擬合")
def _(train_x, train_y, valid_x, valid_y, radii):
    return context_curve.reference(valid_x, valid_y, valid_x, valid_y, radii)


@context_curve.wrong("radius 固定成第一個")
def _(train_x, train_y, valid_x, valid_y, radii):
    return context_curve.reference(train_x, train_y, valid_x, valid_y, [radii[0]] * len(radii))
