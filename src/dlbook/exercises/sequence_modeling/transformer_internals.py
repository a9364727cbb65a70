"""transformer_internals 的練習。"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlbook.exercise import exercise


@exercise(
    stars=1,
    hints=[
        "每一層、每個 key/value 頭、每個位置，各存一個 head_dim 維的向量。",
        "存的是 key 和 value 兩份；query 用完就丟，不必存。",
        "2 · layers · kv_heads · head_dim · length · bytes_per_number",
    ],
)
def kv_cache_bytes(
    layers: int, heads: int, kv_heads: int, head_dim: int, length: int, bytes_per_number: int
) -> int:
    """KV cache 要多少記憶體

    模型有 `layers` 層，每層有 `heads` 個 query 頭、`kv_heads` 個 key/value 頭，每個頭寬 `head_dim`；
    每個數占 `bytes_per_number` 個位元組。傳回一段 `length` 個 token 的對話（批次大小 1）
    需要的 KV cache 位元組數（整數）。
    """
    return 2 * layers * kv_heads * head_dim * length * bytes_per_number


@kv_cache_bytes.cases
def _(rng: torch.Generator):
    real = [(30, 9, 3, 64, 8192, 4), (32, 32, 8, 128, 4096, 2)]
    layers, kv_heads, group, dim, length = torch.randint(2, 9, (5,), generator=rng).tolist()
    return [*real, (layers, kv_heads * group, kv_heads, 8 * dim, 100 * length, 2)]


@kv_cache_bytes.verify
def _(case, output):
    layers, heads, kv_heads, head_dim, length, size = case
    expected = 2 * layers * kv_heads * head_dim * length * size
    assert isinstance(output, int), f"要傳回整數，你傳回的是 {type(output).__name__}。"
    assert output * 2 != expected, "剛好少了一半：key 和 value 都要存。"
    assert output * kv_heads != expected * heads or heads == kv_heads, (
        f"你用了 query 的頭數 {heads}；留在快取裡的只有 key/value 的 {kv_heads} 個頭。"
    )
    assert output * size != expected, (
        f"你算的是數字的個數，不是位元組數：每個數占 {size} 個位元組。"
    )
    assert output == expected, f"{case} 應該是 {expected:,} 個位元組，你的是 {output:,}。"


@kv_cache_bytes.wrong("只存了 key，忘了 value")
def _(layers, heads, kv_heads, head_dim, length, bytes_per_number):
    return layers * kv_heads * head_dim * length * bytes_per_number


@kv_cache_bytes.wrong("用了 query 的頭數")
def _(layers, heads, kv_heads, head_dim, length, bytes_per_number):
    return 2 * layers * heads * head_dim * length * bytes_per_number


@kv_cache_bytes.wrong("數了有幾個數，忘了乘位元組")
def _(layers, heads, kv_heads, head_dim, length, bytes_per_number):
    return 2 * layers * kv_heads * head_dim * length


@exercise(
    stars=2,
    hints=[
        "前半 x[:d/2] 是各平面的橫座標，後半 x[d/2:] 是縱座標。",
        "第 i 個平面的角度是 position · theta ** (−2i/d)，i = 0, 1, …, d/2 − 1。",
        "逆時針轉 a：(x cos a − y sin a, x sin a + y cos a)，最後把兩半接回去。",
    ],
)
def rotate_to_position(
    x: Float[Tensor, " dim"], position: float, theta: float
) -> Float[Tensor, " dim"]:
    """手轉一次 RoPE

    `x` 是一個頭的 query（或 key）向量，第 i 維和第 i + dim/2 維配成一個平面。
    把第 i 個平面逆時針轉 `position · theta^(−2i/dim)` 弧度，傳回轉好的向量。
    不要呼叫 `apply_rope`。
    """
    half = len(x) // 2
    angle = position * theta ** (-2 * torch.arange(half) / len(x))
    a, b = x[:half], x[half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()])


@rotate_to_position.cases
def _(rng: torch.Generator):
    return [
        (torch.tensor([1.0, 0.0]), 1.0, 10000.0),
        (torch.tensor([0.0, 1.0, 0.0, 0.0]), 50.0, 10000.0),
        (torch.randn(16, generator=rng), 7.0, 100000.0),
        (torch.randn(8, generator=rng), 0.0, 500.0),
        (torch.randn(8, generator=rng), 2.5, 500.0),
    ]


@rotate_to_position.verify
def _(case, output):
    x, position, theta = case
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == x.shape, (
        f"形狀應與 x 相同 {tuple(x.shape)}，你的是 {tuple(output.shape)}。"
    )

    def near(y):
        return torch.allclose(output, y, atol=1e-4)

    if near(rotate_to_position(x, position, theta)):
        return
    assert not near(rotate_to_position(x, -position, theta)), (
        "轉反了：應該逆時針，(1, 0) 往 (0, 1) 的方向轉。檢查 sin 前面的正負號。"
    )
    pairs = rotate_to_position(x.unflatten(0, (-1, 2)).T.flatten(), position, theta)
    assert not near(pairs.unflatten(0, (2, -1)).T.flatten()), (
        "配錯了：你把相鄰的兩維配成平面；這裡是第 i 維配第 i + dim/2 維。"
    )
    assert torch.isclose(output.norm(), x.norm(), atol=1e-4), (
        f"旋轉不會改變長度：應是 {x.norm():.4f}，你的是 {output.norm():.4f}。cos 與 sin 用的是同一個角度嗎？"
    )
    raise AssertionError(
        f"位置 {position}、theta {theta} 的角度不對：第 i 個平面是 position · theta ** (−2i/dim)。"
    )


@rotate_to_position.wrong("轉反了")
def _(x, position, theta):
    return rotate_to_position(x, -position, theta)


@rotate_to_position.wrong("相鄰兩維配成平面")
def _(x, position, theta):
    out = rotate_to_position(x.unflatten(0, (-1, 2)).T.flatten(), position, theta)
    return out.unflatten(0, (2, -1)).T.flatten()


@rotate_to_position.wrong("每個平面都轉一樣快")
def _(x, position, theta):
    a, b = x.chunk(2)
    angle = torch.tensor(float(position))
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()])


@rotate_to_position.wrong("兩半共用了正號")
def _(x, position, theta):
    a, b = x.chunk(2)
    angle = position * theta ** (-2 * torch.arange(len(a)) / len(x))
    return torch.cat([a * angle.cos() + b * angle.sin(), a * angle.sin() + b * angle.cos()])


@exercise(
    stars=2,
    hints=[
        "先由大到小排序，再從頭累加。",
        "一個 token 該不該留，看排在它「前面」的機率總和是不是還不到 p。",
        "排序會打亂順序，最後要用 scatter（或反排序）放回原來的位置。",
    ],
)
def top_p_keep(probabilities: Float[Tensor, " vocab"], p: float) -> Bool[Tensor, " vocab"]:
    """top-p 留下哪些 token

    `probabilities` 是各 token 的機率（總和 1，彼此不同）。把機率由大到小累加，留下總和第一次達到
    `p` 為止的那些 token——跨過門檻的那一個也留。傳回布林張量，`True` 代表留下；順序和輸入相同。
    """
    ordered, order = probabilities.sort(descending=True)
    keep = ordered.cumsum(0) - ordered < p
    return torch.empty_like(keep).scatter(0, order, keep)


@top_p_keep.cases
def _(rng: torch.Generator):
    fixed = torch.tensor([0.06, 0.5, 0.14, 0.3])
    random = (4 * torch.randn(12, generator=rng)).softmax(0)
    return [(fixed, 0.3), (fixed, 0.6), (fixed, 0.85), (random, 0.9), (random, 0.99)]


@top_p_keep.verify
def _(case, output):
    probabilities, p = case
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.dtype == torch.bool, f"要傳回布林張量，你的是 {output.dtype}。"
    assert output.shape == probabilities.shape, (
        f"形狀應是 {tuple(probabilities.shape)}，你的是 {tuple(output.shape)}。"
    )
    assert output.any(), "一個都沒留：再小的 p，也至少要留機率最大的那一個。"
    rounded = [round(q, 3) for q in probabilities.tolist()]
    assert probabilities[output].min() >= probabilities.max() or (
        probabilities[output].min() > probabilities[~output].max() if (~output).any() else True
    ), (
        f"留下的應該是機率最大的幾個。機率 {rounded}，你留了 {output.tolist()}；排序之後放回原位了嗎？"
    )
    total = probabilities[output].sum().item()
    assert total >= p, f"留下的總和只有 {total:.3f}，不到 p = {p}：跨過門檻的那一個也要留。"
    smallest = probabilities[output].min().item()
    assert total - smallest < p, (
        f"留太多了：少留機率 {smallest:.3f} 的那一個，總和 {total - smallest:.3f} 也已達到 p = {p}。"
    )


@top_p_keep.wrong("丟掉了跨過門檻的那一個")
def _(probabilities, p):
    ordered, order = probabilities.sort(descending=True)
    keep = ordered.cumsum(0) <= p
    keep[0] = True
    return torch.empty_like(keep).scatter(0, order, keep)


@top_p_keep.wrong("p 比最大的機率還小時一個都不留")
def _(probabilities, p):
    ordered, order = probabilities.sort(descending=True)
    keep = ordered.cumsum(0) <= p
    return torch.empty_like(keep).scatter(0, order, keep)


@top_p_keep.wrong("忘了放回原來的順序")
def _(probabilities, p):
    ordered = probabilities.sort(descending=True).values
    return ordered.cumsum(0) - ordered < p


@top_p_keep.wrong("把 p 當成單一 token 的門檻")
def _(probabilities, p):
    return probabilities >= min(p, probabilities.max().item())


@top_p_keep.wrong("多留了一個")
def _(probabilities, p):
    ordered, order = probabilities.sort(descending=True)
    keep = ordered.cumsum(0) - ordered < p
    keep[min(int(keep.sum()), len(keep) - 1)] = True
    return torch.empty_like(keep).scatter(0, order, keep)


@exercise(
    stars=3,
    hints=[
        "位置 t 的 query 看前一個字，就是看 key t − 1：權重矩陣主對角線下面的那一條。",
        "maps.diagonal(-1, dim1=-2, dim2=-1) 取出每個頭的那一條，形狀 [layers, batch, heads, length − 1]。",
        "再對批次與位置取平均。",
    ],
)
def previous_token_scores(
    maps: Float[Tensor, "layers batch heads length length"],
) -> Float[Tensor, "layers heads"]:
    """找出「看前一個字」的頭

    歸納頭要能找到「上次出現的下一個」，得先有別的頭在每個位置記下「我前面是誰」。
    `maps` 是 `attention_maps` 的輸出：倒數第二軸是 query，最後一軸是 key。
    傳回每一層、每個頭平均把多少注意力放在前一個字上（第 0 個位置前面沒有字，不算）。
    做完之後，下一格會用你的函數找出這些頭、在真的模型上關掉它們，看歸納頭還剩多少。
    """
    return maps.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(1, -1))


@previous_token_scores.cases
def _(rng: torch.Generator):
    scores = 3 * torch.randn(3, 2, 4, 6, 6, generator=rng)
    hidden = torch.ones(6, 6, dtype=torch.bool).triu(1)
    perfect = torch.zeros(1, 1, 2, 5, 5)
    perfect[0, 0, 0, range(1, 5), range(4)] = 1
    perfect[0, 0, 0, 0, 0] = perfect[0, 0, 1, :, 0] = 1
    return [(perfect,), (scores.masked_fill(hidden, -torch.inf).softmax(-1),)]


@previous_token_scores.verify
def _(case, output):
    (maps,) = case
    layers, _, heads, length, _ = maps.shape
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == (layers, heads), (
        f"形狀應是 [layers, heads] = [{layers}, {heads}]，你的是 {list(output.shape)}：批次與位置要平均掉。"
    )

    def mean_of(offset):
        return maps.diagonal(offset, dim1=-2, dim2=-1).mean(dim=(1, -1))

    right = mean_of(-1)
    if torch.allclose(output, right, atol=1e-5):
        return
    assert not output.eq(0).all(), "全部是 0：你看的是後一個字（未來），因果遮罩底下那裡永遠是 0。"
    assert not torch.allclose(output, mean_of(0), atol=1e-5), (
        "這是看「自己」的分數：前一個字在對角線再往下一條。"
    )
    assert not torch.allclose(output, right * (length - 1) / length, atol=1e-5), (
        f"分母多算了一個：只有 {length - 1} 個位置有前一個字，不是 {length} 個。"
    )
    raise AssertionError("分數不對：一個每次都看前一個字的頭應該剛好得 1 分，對批次與位置取平均。")


@previous_token_scores.wrong("看成了自己")
def _(maps):
    return maps.diagonal(0, dim1=-2, dim2=-1).mean(dim=(1, -1))


@previous_token_scores.wrong("query 與 key 弄反，看的是未來")
def _(maps):
    return maps.diagonal(1, dim1=-2, dim2=-1).mean(dim=(1, -1))


@previous_token_scores.wrong("分母把第 0 個位置也算進去")
def _(maps):
    return maps.diagonal(-1, dim1=-2, dim2=-1).sum(-1).mean(1) / maps.shape[-1]


@previous_token_scores.wrong("沒有對批次取平均")
def _(maps):
    return maps.diagonal(-1, dim1=-2, dim2=-1).mean(-1)


@exercise(
    stars=3,
    hints=[
        "最快的平面（i = 0）頻率永遠是 1，和 θ 無關：它自動不變。",
        "最慢的平面 i = dim/2 − 1，頻率是 θ^(−(dim−2)/dim)。要求新的頻率是舊的 1/factor。",
        "θ'^(−(dim−2)/dim) = θ^(−(dim−2)/dim) / factor，兩邊取次方解出 θ'。",
    ],
)
def ntk_theta(theta: float, dim: int, factor: float) -> float:
    """不動位置，改動 θ

    位置內插把所有平面都放慢 `factor` 倍，連分辨左右鄰居的快平面也糊了。換個辦法：位置照舊，
    把 θ 換成 θ'，使得**最慢的平面剛好慢 `factor` 倍、最快的平面不變**。
    頭的寬度是 `dim`，第 i 個平面的頻率是 θ^(−2i/dim)，i = 0, …, dim/2 − 1。傳回 θ'。
    做完之後，下一格會用你的 θ' 在真的模型上比較三種做法。
    """
    return theta * factor ** (dim / (dim - 2))


@ntk_theta.cases
def _(rng: torch.Generator):
    factor = 1 + 8 * torch.rand(1, generator=rng).item()
    return [(100000.0, 64, 2.0), (10000.0, 128, 4.0), (10000.0, 8, 1.0), (500.0, 4, factor)]


@ntk_theta.verify
def _(case, output):
    theta, dim, factor = case
    assert isinstance(output, float | int), f"要傳回一個數，你傳回的是 {type(output).__name__}。"
    assert output > 0, f"θ' 應該是正數，你的是 {output}。"
    last = -(dim - 2) / dim
    slowed = theta**last / output**last
    if abs(slowed / factor - 1) < 1e-6:
        return
    assert abs(slowed * factor - 1) > 1e-6, "方向反了：θ 越大轉得越慢，要放慢就要把 θ 加大。"
    assert abs(output - theta * factor) > 1e-6 * theta, (
        f"把 θ 乘上 factor 的話，最慢的平面只慢了 {slowed:.4f} 倍，不是 {factor:.4f} 倍："
        f"它的指數是 −(dim − 2)/dim，不是 −1。"
    )
    raise AssertionError(
        f"θ = {theta}、dim = {dim}、factor = {factor:.4f} 時，你的 θ' 讓最慢的平面慢了 {slowed:.4f} 倍。"
    )


@ntk_theta.wrong("直接乘上 factor")
def _(theta, dim, factor):
    return theta * factor


@ntk_theta.wrong("方向反了")
def _(theta, dim, factor):
    return theta * factor ** (-dim / (dim - 2))


@ntk_theta.wrong("最慢的平面算成 i = dim/2")
def _(theta, dim, factor):
    return theta * factor ** (dim / (dim + 2))
