"""attention_mechanism 的練習。"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.sequence_modeling.attention import padding_mask
from dlbook.sequence_modeling.multihead import MultiHeadAttention
from dlbook.sequence_modeling.speaker_data import pad_files, speaker_features
from dlbook.sequence_modeling.speaker_training import load_speaker


def _expect(output: object, right: Tensor) -> Tensor:
    """輸出要是形狀相同的張量。"""
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == right.shape, (
        f"形狀應是 {tuple(right.shape)}，你的是 {tuple(output.shape)}。"
    )
    assert output.isfinite().all(), (
        "輸出裡有 nan 或無限大：檢查有沒有哪一列全部被遮住，或指數溢位了。"
    )
    return output.to(right.dtype)


@exercise(
    stars=1,
    hints=[
        "分數是 q @ k.transpose(-1, -2)，形狀 (queries, keys)；除以 √dim。",
        "看不到的位置（mask 是 False）先填 −∞，再做 softmax；順序反過來，權重的總和就不是 1 了。",
        "softmax 沿著 keys，也就是最後一軸：每個 query 的權重加起來是 1。",
    ],
)
def masked_attention(
    q: Float[Tensor, "queries dim"],
    k: Float[Tensor, "keys dim"],
    v: Float[Tensor, "keys value_dim"],
    mask: Bool[Tensor, "queries keys"],
) -> Float[Tensor, "queries value_dim"]:
    """一個頭的注意力，加上遮罩

    傳回 softmax(q kᵀ / √dim) v。`mask` 是 True 的位置看得到，False 的看不到；每個 query 至少看得到一個 key。
    不要用 `F.scaled_dot_product_attention`。
    """
    scores = q @ k.T / q.shape[-1] ** 0.5
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1) @ v


@masked_attention.cases
def _(rng: torch.Generator):
    def case(queries, keys, dim, hidden):
        q, k = (torch.randn(n, dim, generator=rng) for n in (queries, keys))
        mask = torch.rand(queries, keys, generator=rng) > hidden
        mask[:, 0] = True
        return q, k, torch.randn(keys, 3, generator=rng), mask

    return [case(4, 6, 8, -1.0), case(5, 5, 16, 0.4), case(3, 7, 64, 0.6)]


@masked_attention.verify
def _(case, output):
    q, k, v, mask = case
    right = F.scaled_dot_product_attention(q[None], k[None], v[None], mask[None])[0]
    output = _expect(output, right)
    if torch.allclose(output, right, atol=1e-5):
        return
    scores = q @ k.T
    hidden = scores.masked_fill(~mask, -torch.inf)
    unscaled = torch.allclose(output, hidden.softmax(-1) @ v, atol=1e-5)
    assert not unscaled, f"忘了除以 √dim（這裡是 √{q.shape[1]}）。"
    scaled = scores / q.shape[1] ** 0.5
    late = torch.allclose(output, scaled.softmax(-1).masked_fill(~mask, 0) @ v, atol=1e-5)
    assert not late, (
        "遮罩要在 softmax **之前**把分數填成 −∞；softmax 之後才歸零，權重的總和小於 1。"
    )
    wrong_axis = (
        scaled.masked_fill(~mask, -torch.inf).softmax(dim=0).nan_to_num() @ v if q.numel() else v
    )
    assert not torch.allclose(output, wrong_axis, atol=1e-5), (
        "softmax 的軸錯了：要沿著 keys（最後一軸），讓每個 query 的權重加起來是 1。"
    )
    raise AssertionError(
        "數值不對。檢查遮罩的方向：True 是**看得到**，要填 −∞ 的是 ~mask；再檢查 softmax 的軸。"
    )


@masked_attention.wrong("忘了除以 √dim")
def _(q, k, v, mask):
    return (q @ k.T).masked_fill(~mask, -torch.inf).softmax(dim=-1) @ v


@masked_attention.wrong("遮罩的方向反了")
def _(q, k, v, mask):
    scores = q @ k.T / q.shape[-1] ** 0.5
    return scores.masked_fill(mask, -1e9).softmax(dim=-1) @ v


@masked_attention.wrong("softmax 沿著 queries")
def _(q, k, v, mask):
    scores = q @ k.T / q.shape[-1] ** 0.5
    return scores.masked_fill(~mask, -1e9).softmax(dim=0) @ v


@masked_attention.wrong("先 softmax 才遮")
def _(q, k, v, mask):
    weights = (q @ k.T / q.shape[-1] ** 0.5).softmax(dim=-1)
    return weights.masked_fill(~mask, 0.0) @ v


@exercise(
    stars=2,
    hints=[
        "x @ w_q.T 是 (batch, length, dim)；unflatten(-1, (heads, -1)) 再 transpose(1, 2) 就是 (batch, heads, length, d)。",
        "每個頭的寬度是 d = dim / heads，縮放要除以 √d，不是 √dim。",
        "合併時先 transpose(1, 2) 回到 (batch, length, heads, d)，再把最後兩軸攤平，最後乘 w_o。",
    ],
)
def multi_head(
    x: Float[Tensor, "batch length dim"], w: Float[Tensor, "4 dim dim"], heads: int
) -> Float[Tensor, "batch length dim"]:
    """多頭自注意力，只用矩陣運算

    `w` 依序是 w_q、w_k、w_v、w_o，都沒有偏置，用法與 `nn.Linear` 相同（`x @ w_q.T`）。
    第 h 個頭用 q、k、v 的第 h·d 到 (h+1)·d 維（d = dim / heads）。不要用迴圈，也不要用現成的注意力。
    """
    q, k, v = (
        (x @ matrix.T).unflatten(-1, (heads, -1)).transpose(1, 2) for matrix in (w[0], w[1], w[2])
    )
    weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)
    return (weights @ v).transpose(1, 2).flatten(-2) @ w[3].T


@multi_head.cases
def _(rng: torch.Generator):
    def case(batch, length, dim, heads):
        return (
            torch.randn(batch, length, dim, generator=rng),
            torch.randn(4, dim, dim, generator=rng) / dim**0.5,
            heads,
        )

    return [case(2, 5, 8, 1), case(2, 6, 12, 3), case(3, 4, 16, 4)]


@multi_head.verify
def _(case, output):
    x, w, heads = case
    layer = MultiHeadAttention(x.shape[-1], heads, bias=False)
    with torch.no_grad():
        for linear, matrix in zip(
            (layer.q_proj, layer.k_proj, layer.v_proj, layer.o_proj), w, strict=True
        ):
            linear.weight.copy_(matrix)
        right = layer(x, x, x)
    output = _expect(output, right)
    if torch.allclose(output, right, atol=1e-4):
        return
    assert heads > 1, "只有一個頭也不對：先檢查 w 的用法（x @ w_q.T）與縮放 √d。"
    d = x.shape[-1] // heads
    big = _heads(x, w, heads, x.shape[-1] ** 0.5)
    assert not torch.allclose(output, big, atol=1e-4), (
        f"縮放要用每個頭的寬度 √{d}，你用的是 √{x.shape[-1]}。"
    )
    raise AssertionError(
        f"{heads} 個頭時不對（一個頭時對）。切：最後一軸 unflatten 成 (heads, d) 再 transpose(1, 2)；"
        "合：先 transpose(1, 2) 回來，再攤平最後兩軸。直接 reshape 會把不同的位置混在一起。"
    )


def _heads(x: Tensor, w: Tensor, heads: int, scale: float) -> Tensor:
    """參考的做法，縮放可以換。"""
    q, k, v = ((x @ m.T).unflatten(-1, (heads, -1)).transpose(1, 2) for m in (w[0], w[1], w[2]))
    return ((q @ k.mT / scale).softmax(-1) @ v).transpose(1, 2).flatten(-2) @ w[3].T


@multi_head.wrong("縮放用了整個寬度")
def _(x, w, heads):
    return _heads(x, w, heads, x.shape[-1] ** 0.5)


@multi_head.wrong("切頭時直接 reshape，位置與頭混在一起")
def _(x, w, heads):
    b, n, dim = x.shape
    q, k, v = ((x @ m.T).reshape(b, heads, n, dim // heads) for m in (w[0], w[1], w[2]))
    weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
    return (weights @ v).reshape(b, n, dim) @ w[3].T


@multi_head.wrong("合併前忘了轉回來")
def _(x, w, heads):
    q, k, v = ((x @ m.T).unflatten(-1, (heads, -1)).transpose(1, 2) for m in (w[0], w[1], w[2]))
    out = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
    return out.reshape(x.shape) @ w[3].T


@exercise(
    stars=2,
    hints=[
        "權重是 softmax：補的框先把分數填成 −∞。",
        "平均 μ = Σ α_t h_t；變異數 = Σ α_t h_t² − μ²，可能因為捨入略小於 0，先 clamp(min=1e-8) 再開根號。",
        "torch.cat([μ, σ], dim=-1)。",
    ],
)
def statistics_pooling(
    h: Float[Tensor, "batch time dim"],
    scores: Float[Tensor, "batch time"],
    seen: Bool[Tensor, "batch time"],
) -> Float[Tensor, "batch twice"]:
    """連起伏也要：attentive statistics pooling

    自注意力池化只留加權平均。arXiv:1803.10963 把加權的**標準差**也接上去：每一維說話時起伏多大，也是聲音的特徵。
    權重 α 是 `scores` 在真的框（`seen`）上的 softmax。傳回 [平均, 標準差]，形狀 (batch, 2·dim)；
    變異數至少當作 1e-8。
    """
    alpha = scores.masked_fill(~seen, -torch.inf).softmax(dim=1)[..., None]
    mean = (alpha * h).sum(dim=1)
    variance = (alpha * h.square()).sum(dim=1) - mean.square()
    return torch.cat([mean, variance.clamp(min=1e-8).sqrt()], dim=-1)


@statistics_pooling.cases
def _(rng: torch.Generator):
    def case(lengths, dim):
        longest = max(lengths) + 1
        h = 2 + torch.randn(len(lengths), longest, dim, generator=rng)
        scores = torch.randn(len(lengths), longest, generator=rng)
        return h, scores, padding_mask(torch.tensor(lengths), longest)

    return [case([5], 3), case([4, 7, 2], 4)]


@statistics_pooling.verify
def _(case, output):
    h, scores, seen = case
    rows = []
    for x, s, real in zip(h.double(), scores.double(), seen, strict=True):
        alpha = s[real].softmax(0)[:, None]
        mean = (alpha * x[real]).sum(0)
        rows.append(torch.cat([mean, (alpha * (x[real] - mean).square()).sum(0).sqrt()]))
    right = torch.stack(rows)
    output = _expect(output, right)
    if torch.allclose(output, right, atol=1e-4):
        return
    dim = h.shape[-1]
    assert torch.allclose(output[:, :dim], right[:, :dim], atol=1e-4), (
        "前半（加權平均）就不對：補的框（seen 是 False）要在 softmax 之前填 −∞，softmax 沿著時間（dim=1）。"
    )
    squared = torch.allclose(output[:, dim:], right[:, dim:].square(), atol=1e-4)
    assert not squared, "後半還是變異數，要開根號。"
    raise AssertionError(
        "後半（標準差）不對：用同一組權重 α，σ² = Σ α (h − μ)²，也等於 Σ α h² − μ²；不是不加權的 std。"
    )


@statistics_pooling.wrong("補的框也算進去")
def _(h, scores, seen):
    return statistics_pooling.reference(h, scores, torch.ones_like(seen))


@statistics_pooling.wrong("忘了開根號")
def _(h, scores, seen):
    mean, std = statistics_pooling.reference(h, scores, seen).chunk(2, dim=-1)
    return torch.cat([mean, std.square()], dim=-1)


@statistics_pooling.wrong("標準差沒有加權")
def _(h, scores, seen):
    mean, _std = statistics_pooling.reference(h, scores, seen).chunk(2, dim=-1)
    return torch.cat([mean, h.std(dim=1)], dim=-1)


@exercise(
    stars=3,
    hints=[
        "每個 query 記三樣：到目前為止的最大分數 m、分母 l（Σ e^{s−m}）、分子 o（Σ e^{s−m} v）。",
        "讀到新的一段，新的最大值是 max(m, 這段的最大)；舊的 l 與 o 都要乘上 e^{m_舊 − m_新}，才與新的基準一致。",
        "讀完全部，輸出是 o / l。m 從 −∞、l 與 o 從 0 開始。",
    ],
)
def streaming_attention(
    q: Float[Tensor, "queries dim"],
    k: Float[Tensor, "keys dim"],
    v: Float[Tensor, "keys value_dim"],
    chunk: int,
) -> Float[Tensor, "queries value_dim"]:
    """一段一段讀 key，不存整張權重

    注意力的記憶體是長度的平方，因為存了整張 (queries, keys) 的權重。其實不必：每次只看 `chunk` 個 key，
    邊讀邊更新（online softmax，FlashAttention 的核心，arXiv:2205.14135）。結果要與 softmax(q kᵀ / √dim) v 相同，
    分數大到上千也不能變成 nan。
    """
    best = torch.full((len(q), 1), -torch.inf, dtype=q.dtype)
    total = torch.zeros(len(q), 1, dtype=q.dtype)
    out = torch.zeros(len(q), v.shape[1], dtype=q.dtype)
    for keys, values in zip(k.split(chunk), v.split(chunk), strict=True):
        scores = q @ keys.T / q.shape[1] ** 0.5
        higher = torch.maximum(best, scores.max(dim=1, keepdim=True).values)
        shrink, weights = (best - higher).exp(), (scores - higher).exp()
        total = shrink * total + weights.sum(dim=1, keepdim=True)
        out = shrink * out + weights @ values
        best = higher
    return out / total


@streaming_attention.cases
def _(rng: torch.Generator):
    def case(queries, keys, chunk, size=1.0):
        q, k = (size * torch.randn(n, 8, generator=rng).double() for n in (queries, keys))
        return q, k, torch.randn(keys, 3, generator=rng).double(), chunk

    return [case(3, 8, 8), case(4, 12, 4), case(2, 11, 3), case(3, 10, 2, 40.0)]


@streaming_attention.verify
def _(case, output):
    q, k, v, chunk = case
    right = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.isfinite().all(), (
        "分數很大時出現 nan：指數裡要先減去目前為止的最大值，而不是直接取 exp。"
    )
    output = _expect(output, right)
    if torch.allclose(output, right, atol=1e-8):
        return
    parts = zip(k.split(chunk), v.split(chunk), strict=True)
    each = [F.scaled_dot_product_attention(q[None], a[None], b[None])[0] for a, b in parts]
    averaged = torch.allclose(output, torch.stack(each).mean(0), atol=1e-8)
    assert not averaged, "各段不能各做各的 softmax 再平均：哪一段占多少，要看它的分數。"
    only = "只有一段時就不對，先檢查縮放 √dim" if chunk >= len(k) else "只有一段時對、好幾段時不對"
    raise AssertionError(
        f"{only}。最大值換了以後，舊的分母與分子都要乘上 exp(舊的最大 − 新的最大)；分子分母用同一個基準。"
    )


@streaming_attention.wrong("各段各自 softmax 再平均")
def _(q, k, v, chunk):
    parts = zip(k.split(chunk), v.split(chunk), strict=True)
    return torch.stack([(q @ a.T / q.shape[1] ** 0.5).softmax(-1) @ b for a, b in parts]).mean(0)


@streaming_attention.wrong("最大值換了，舊的沒有跟著縮")
def _(q, k, v, chunk):
    total, out = torch.zeros(len(q), 1, dtype=q.dtype), torch.zeros(len(q), v.shape[1]).to(q)
    for a, b in zip(k.split(chunk), v.split(chunk), strict=True):
        scores = q @ a.T / q.shape[1] ** 0.5
        weights = (scores - scores.max(dim=1, keepdim=True).values).exp()
        total, out = total + weights.sum(1, keepdim=True), out + weights @ b
    return out / total


@streaming_attention.wrong("直接取指數，分數大就溢位")
def _(q, k, v, chunk):
    weights = (q @ k.T / q.shape[1] ** 0.5).exp()
    return weights @ v / weights.sum(1, keepdim=True)


@exercise(
    stars=2,
    hints=[
        "每個檔案取前 limit 框：x[:limit]；比 limit 短的整個留著。",
        "模型要 pad_files 排好的一批；它會自己看出哪些框是補的。",
        "整批一起算：model(pad_files([...])).argmax(dim=1)，用 torch.no_grad()。",
    ],
)
def accuracy_by_length(
    files: list[Float[Tensor, "frames 40"]], speakers: Int[Tensor, " files"], limits: list[int]
) -> list[float]:
    """實驗－聽多久才認得出來

    用本課事先訓練好的編碼器（`load_speaker("encoder")`，傳回 (模型, 紀錄)），讓它只聽每個檔案的**前** `limit` 框
    （一框 0.016 秒；不到這麼長的整個聽），傳回每個 `limit` 的正確率，順序與 `limits` 相同。
    """
    model, _record = load_speaker("encoder")
    curve = []
    for limit in limits:
        with torch.no_grad():
            scores = model(pad_files([x[:limit] for x in files]))
        curve.append(float((scores.argmax(dim=1) == speakers).double().mean()))
    return curve


@accuracy_by_length.cases
def _(rng: torch.Generator):
    data = datasets.speakers()
    features = speaker_features(data)
    chosen = data.valid[torch.randperm(len(data.valid), generator=rng)[:150]]
    return [([features[i] for i in chosen.tolist()], data.speakers[chosen], [5, 15, 200])]


@accuracy_by_length.verify
def _(case, output):
    files, speakers, limits = case
    assert isinstance(output, list), f"要傳回串列，你傳回的是 {type(output).__name__}。"
    assert len(output) == len(limits), f"要 {len(limits)} 個正確率，你給了 {len(output)} 個。"
    model, _record = load_speaker("encoder")

    def curve(cut) -> list[float]:
        with torch.no_grad():
            found = [model(pad_files([cut(x, n) for x in files])).argmax(1) for n in limits]
        return [float((f == speakers).double().mean()) for f in found]

    def close(other: list[float]) -> bool:
        return all(abs(float(a) - b) < 0.011 for a, b in zip(output, other, strict=True))

    right = curve(lambda x, n: x[:n])
    if close(right):
        return
    silent = curve(lambda x, n: torch.cat([x[:n], torch.zeros_like(x[n:])]))
    assert not close(silent), (
        "後面的框要拿掉，不是填 0：填 0 的框模型仍然當成真的聲音（0 是平均的大小，不是安靜）。"
    )
    assert not close(curve(lambda x, n: x[-n:])), "要聽**前** limit 框，你聽的是最後 limit 框。"
    raise AssertionError(
        f"limits = {limits} 時應是 {[round(r, 3) for r in right]}，你的是 {[round(float(o), 3) for o in output]}。"
        "檢查：模型是 load_speaker 載入的那一個、每個檔案都剪到 limit 框、比較的是 argmax 與 speakers。"
    )


@accuracy_by_length.wrong("後面的框填 0，沒有拿掉")
def _(files, speakers, limits):
    model, _record = load_speaker("encoder")
    curve = []
    for n in limits:
        with torch.no_grad():
            z = model(pad_files([torch.cat([x[:n], torch.zeros_like(x[n:])]) for x in files]))
        curve.append(float((z.argmax(1) == speakers).double().mean()))
    return curve


@accuracy_by_length.wrong("聽的是最後幾框")
def _(files, speakers, limits):
    return accuracy_by_length.reference([x.flip(0) for x in files], speakers, limits)


@accuracy_by_length.wrong("每次都聽整個檔案")
def _(files, speakers, limits):
    return accuracy_by_length.reference(files, speakers, [1000 for _ in limits])
