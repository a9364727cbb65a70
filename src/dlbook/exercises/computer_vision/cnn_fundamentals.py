"""cnn_fundamentals 的練習。"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from dlbook import datasets
from dlbook.computer_vision.cnn_study import load_pretrained
from dlbook.computer_vision.convolution import output_size
from dlbook.computer_vision.fashion import as_images
from dlbook.exercise import exercise


@exercise(
    stars=1,
    hints=[
        "三個數各自一層一層更新：邊長、感受野、相鄰兩格差幾個輸入像素（jump）。",
        "邊長的公式是 (邊長 + 2·padding − kernel) // stride + 1。",
        "先用目前的 jump 更新感受野：field += (kernel − 1) · jump，再把 jump 乘上 stride。",
    ],
)
def trace_layers(side: int, layers: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """每一層之後多大、看到多少

    輸入的邊長是 `side`；`layers` 是每一層的 (kernel, stride, padding)，卷積與池化都這樣寫。
    傳回每一層之後的 (輸出的邊長, 感受野的邊長)，都是整數；感受野不管補邊。
    """
    field, jump, found = 1, 1, []
    for kernel, stride, padding in layers:
        side = (side + 2 * padding - kernel) // stride + 1
        field += (kernel - 1) * jump
        jump *= stride
        found.append((side, field))
    return found


@trace_layers.cases
def _(rng: torch.Generator):
    lenet = [(5, 1, 2), (2, 2, 0), (5, 1, 0), (2, 2, 0)]
    deep = [(3, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 1)]
    drawn = []
    for _ in range(5):
        kernel, stride = (int(torch.randint(1, high, (), generator=rng)) for high in (6, 4))
        drawn.append((kernel, stride, kernel // 2))
    return [(28, [(3, 1, 0)]), (28, lenet), (224, deep), (97, drawn)]


@trace_layers.verify
def _(case, output):
    side, layers = case
    assert isinstance(output, list | tuple), "要傳回一個串列，每層一個 (邊長, 感受野)。"
    assert len(output) == len(layers), f"有 {len(layers)} 層，你傳回了 {len(output)} 組。"
    jump, field = 1, 1
    for number, ((kernel, stride, padding), got) in enumerate(zip(layers, output, strict=True), 1):
        before = side
        side = output_size(side, kernel, stride, padding)
        right = field + (kernel - 1) * jump
        early = field + (kernel - 1) * jump * stride
        layer = f"第 {number} 層（kernel {kernel}、stride {stride}、padding {padding}）"
        assert got[0] == side, (
            f"{layer}：輸入邊長 {before}，輸出應是 {side}，你的是 {got[0]}。"
            "兩側各補 padding，除不盡就捨去。"
        )
        assert int(got[1]) != early or early == right, (
            f"{layer}：感受野應是 {right}，你的是 {int(got[1])}：先加感受野，再把 jump 乘上 stride。"
        )
        assert int(got[1]) == right, (
            f"{layer}：感受野應是 {right}，你的是 {int(got[1])}。"
            f"這一層相鄰兩格差 {jump} 個輸入像素，所以要加 (kernel − 1) · {jump}。"
        )
        field, jump = right, jump * stride


@trace_layers.wrong("感受野忘了乘上前面的 stride")
def _(side, layers):
    field, found = 1, []
    for kernel, stride, padding in layers:
        side = (side + 2 * padding - kernel) // stride + 1
        field += kernel - 1
        found.append((side, field))
    return found


@trace_layers.wrong("只補了一側")
def _(side, layers):
    right = trace_layers.reference(side, layers)
    found = []
    for (kernel, stride, padding), (_, field) in zip(layers, right, strict=True):
        side = (side + padding - kernel) // stride + 1
        found.append((side, field))
    return found


@trace_layers.wrong("先乘 stride 才加感受野")
def _(side, layers):
    field, jump, found = 1, 1, []
    for kernel, stride, padding in layers:
        side = (side + 2 * padding - kernel) // stride + 1
        jump *= stride
        field += (kernel - 1) * jump
        found.append((side, field))
    return found


@exercise(
    stars=2,
    hints=[
        "擴張（dilation）d 的 k×k 卷積核，等於把核拉開：相鄰的兩個權重差 d 格，實際跨 d·(k−1)+1 格。",
        "輸出的邊長是 H − d·(k−1)（stride 1、不補邊）。",
        "對核的每一格 (i, j)：把 x 的 [i·d : i·d+OH, j·d : j·d+OW] 那一塊乘上 weight[:, :, i, j]，加起來。",
    ],
)
def dilated_conv2d(
    x: Float[Tensor, "N C H W"], weight: Float[Tensor, "O C K K"], dilation: int
) -> Float[Tensor, "N O OH OW"]:
    """擴張卷積

    卷積核的相鄰兩格，在輸入上隔 `dilation` 格（1 就是普通卷積）。stride 是 1，不補邊，沒有 bias。
    感受野變大，參數不變。不能用 `F.conv2d` 的 `dilation`；對核的 K×K 格跑迴圈沒關係。
    """
    side = weight.shape[2]
    rows, columns = (n - dilation * (side - 1) for n in x.shape[2:])
    y = x.new_zeros(len(x), len(weight), rows, columns)
    for i in range(side):
        for j in range(side):
            top, left = i * dilation, j * dilation
            piece = x[:, :, top : top + rows, left : left + columns]
            y += torch.einsum("nchw,oc->nohw", piece, weight[:, :, i, j])
    return y


@dilated_conv2d.cases
def _(rng: torch.Generator):
    def case(shape, out, side, dilation):
        x = torch.randn(*shape, generator=rng, dtype=torch.float64)
        weight = torch.randn(out, shape[1], side, side, generator=rng, dtype=torch.float64)
        return x, weight, dilation

    sizes = [((1, 1, 5, 5), 1, 3, 1), ((2, 3, 9, 8), 4, 3, 2), ((1, 2, 11, 11), 2, 2, 3)]
    return [case(*size) for size in sizes]


@dilated_conv2d.verify
def _(case, output):
    x, weight, dilation = case
    right = F.conv2d(x, weight, dilation=dilation)
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == right.shape, (
        f"dilation = {dilation} 時形狀應是 {tuple(right.shape)}，你的是 {tuple(output.shape)}。"
        f"核實際跨 {dilation * (weight.shape[2] - 1) + 1} 格。"
    )
    output = output.to(right.dtype)
    flipped = torch.allclose(output, F.conv2d(x, weight.flip(2, 3), dilation=dilation), atol=1e-4)
    assert not flipped, "卷積核被翻轉了：深度學習的卷積不翻核。"
    turned = torch.allclose(
        output, F.conv2d(x, weight.transpose(2, 3), dilation=dilation), atol=1e-4
    )
    assert not turned, "列與行弄反了：weight[o, c, i, j] 的 i 是往下，j 是往右。"
    assert torch.allclose(output, right, atol=1e-4), (
        f"dilation = {dilation} 時數字不對。weight[:, :, i, j] 要乘上往下 i·{dilation}、"
        f"往右 j·{dilation} 的那一塊，所有輸入通道加總。"
    )


@dilated_conv2d.wrong("沒有擴張")
def _(x, weight, dilation):
    return F.conv2d(x, weight)


@dilated_conv2d.wrong("把輸入（而不是核）隔著取")
def _(x, weight, dilation):
    side = weight.shape[2]
    rows, columns = (n - dilation * (side - 1) for n in x.shape[2:])
    y = F.conv2d(x[:, :, ::dilation, ::dilation], weight)
    return F.interpolate(y, size=(rows, columns))


@dilated_conv2d.wrong("翻轉了卷積核")
def _(x, weight, dilation):
    return dilated_conv2d.reference(x, weight.flip(2, 3), dilation)


@dilated_conv2d.wrong("列與行弄反")
def _(x, weight, dilation):
    return dilated_conv2d.reference(x, weight.transpose(2, 3), dilation)


@exercise(
    stars=2,
    hints=[
        "評估模式的 BatchNorm 是每個通道一條直線：y = γ · (z − μ) / √(σ² + ε) + β。",
        "z 是卷積的輸出，直線的斜率 s = γ / √(σ² + ε) 可以先乘進卷積核：每個輸出通道乘自己的 s。",
        "剩下的常數就是新的 bias：β − μ · s。",
    ],
)
def fuse_batch_norm(
    weight: Float[Tensor, "O C K K"],
    mean: Float[Tensor, " O"],
    var: Float[Tensor, " O"],
    gamma: Float[Tensor, " O"],
    beta: Float[Tensor, " O"],
    eps: float,
) -> tuple[Float[Tensor, "O C K K"], Float[Tensor, " O"]]:
    """把 BatchNorm 收進卷積

    卷積（沒有 bias）後面接**評估模式**的 BatchNorm（累積的平均 `mean`、變異數 `var`，參數 `gamma`、`beta`）。
    傳回一組新的 (weight, bias)，讓一個帶 bias 的卷積就等於原本的兩層。部署時都這樣做：少一層、答案不變。
    """
    scale = gamma / (var + eps).sqrt()
    return weight * scale[:, None, None, None], beta - mean * scale


@fuse_batch_norm.cases
def _(rng: torch.Generator):
    def case(out, channels, eps):
        weight = torch.randn(out, channels, 3, 3, generator=rng, dtype=torch.float64)
        mean, gamma, beta = torch.randn(3, out, generator=rng, dtype=torch.float64)
        return weight, mean, torch.rand(out, generator=rng).double() + 0.1, gamma, beta, eps

    return [case(4, 2, 1e-5), case(3, 3, 0.2), case(1, 1, 1e-3)]


@fuse_batch_norm.verify
def _(case, output):
    weight, mean, var, gamma, beta, eps = case
    assert isinstance(output, tuple | list), "要傳回兩個張量：(weight, bias)。"
    assert len(output) == 2, f"要傳回兩個張量，你傳回了 {len(output)} 個。"
    new_weight, bias = output
    assert new_weight.shape == weight.shape, (
        f"weight 的形狀應是 {tuple(weight.shape)}，你的是 {tuple(new_weight.shape)}。"
        "每個**輸出**通道（第 0 軸）乘自己的倍率。"
    )
    assert bias.shape == beta.shape, (
        f"bias 的形狀應是 {tuple(beta.shape)}，你的是 {tuple(bias.shape)}。"
    )
    scale = gamma / (var + eps).sqrt()
    right = weight * scale[:, None, None, None]
    no_root = weight * (gamma / (var + eps))[:, None, None, None]
    assert not torch.allclose(new_weight, no_root, atol=1e-10), "除的是標準差：別忘了開根號。"
    assert torch.allclose(new_weight, right, atol=1e-10), (
        "weight 不對：第 o 個輸出通道要乘 γ / √(σ² + ε)，ε 在根號裡面。"
    )
    assert not torch.allclose(bias, beta - mean, atol=1e-10), (
        "bias 不對：平均也被放大了，要減的是 μ · γ / √(σ² + ε)。"
    )
    assert torch.allclose(bias, beta - mean * scale, atol=1e-10), (
        "bias 不對：把 z = 0 代進 BatchNorm，得到的就是新的 bias：β − μ · γ / √(σ² + ε)。"
    )


@fuse_batch_norm.wrong("平均沒有乘上倍率")
def _(weight, mean, var, gamma, beta, eps):
    right, _ = fuse_batch_norm.reference(weight, mean, var, gamma, beta, eps)
    return right, beta - mean


@fuse_batch_norm.wrong("除的是變異數")
def _(weight, mean, var, gamma, beta, eps):
    scale = gamma / (var + eps)
    return weight * scale[:, None, None, None], beta - mean * scale


@fuse_batch_norm.wrong("eps 加在根號外面")
def _(weight, mean, var, gamma, beta, eps):
    scale = gamma / (var.sqrt() + eps)
    return weight * scale[:, None, None, None], beta - mean * scale


@fuse_batch_norm.wrong("忘了 β")
def _(weight, mean, var, gamma, beta, eps):
    right, bias = fuse_batch_norm.reference(weight, mean, var, gamma, beta, eps)
    return right, bias - beta


@exercise(
    stars=2,
    hints=[
        "先由弱增強的分數得到機率，取最大的那一類當假標籤，它的機率就是把握。",
        "假標籤是答案，不是要練的東西：弱增強的分數要先 detach。",
        '交叉熵用 reduction="none"，乘上「把握 ≥ threshold」，最後對**全部**的影像取平均。',
    ],
)
def fixmatch_loss(
    weak: Float[Tensor, "U K"], strong: Float[Tensor, "U K"], threshold: float
) -> Float[Tensor, ""]:
    """FixMatch 的未標註損失

    `weak`、`strong` 是同一批未標註影像，弱增強與強增強之後的分數。用弱的猜、把握（最大的機率）至少 `threshold` 才算，
    練強的；不夠把握的影像損失是 0，但平均的分母是**全部** U 張。梯度只能流進 `strong`。
    """
    best = weak.detach().softmax(dim=1).max(dim=1)
    losses = F.cross_entropy(strong, best.indices, reduction="none")
    return (losses * (best.values >= threshold)).mean()


@fixmatch_loss.cases
def _(rng: torch.Generator):
    def case(count, classes, threshold):
        weak, strong = 2.5 * torch.randn(2, count, classes, generator=rng, dtype=torch.float64)
        return weak, strong, threshold

    return [case(12, 4, 0.8), case(20, 10, 0.7), case(5, 3, 0.999999)]


@fixmatch_loss.run
def _(answer, case):
    weak, strong, threshold = (
        v.detach().clone().requires_grad_() if isinstance(v, Tensor) else v for v in case
    )
    loss = torch.as_tensor(answer(weak, strong, threshold))
    gradients = [None, None]  # 沒有一張夠把握時，直接傳回 0 也對
    if loss.requires_grad:
        gradients = torch.autograd.grad(loss, (weak, strong), allow_unused=True)
    found = [torch.zeros_like(weak) if g is None else g for g in gradients]
    return float(loss.detach()), found[0].detach(), found[1].detach()


@fixmatch_loss.verify
def _(case, output):
    weak, strong, threshold = case
    loss, weak_gradient, strong_gradient = output
    best = weak.softmax(dim=1).max(dim=1)
    sure = best.values >= threshold
    losses = F.cross_entropy(strong, best.indices, reduction="none")
    right = float((losses * sure).mean())
    assert weak_gradient.abs().max() == 0, (
        "梯度流進了弱增強的分數：假標籤要當成固定的答案，先 detach。"
    )
    if abs(loss - right) < 1e-8:
        assert strong_gradient.abs().sum() > 0 or not sure.any(), "梯度沒有流進強增強的分數。"
        return
    assert loss == loss, "出現 nan：沒有一張夠把握時損失是 0，不能除以 0。"
    assert not sure.any() or abs(loss - float(losses[sure].mean())) > 1e-8, (
        f"分母不對：{len(sure)} 張裡只有 {int(sure.sum())} 張夠把握，但平均要除以全部 {len(sure)} 張。"
    )
    assert abs(loss - float(losses.mean())) > 1e-8, (
        f"門檻沒有用上：把握不到 {threshold} 的影像不該算進損失。"
    )
    assert not sure.any() or abs(loss - float((losses * sure).sum())) > 1e-8, (
        f"這是總和：最後要除以全部 {len(sure)} 張。"
    )
    raise AssertionError(
        f"應是 {right:.4f}，你的是 {loss:.4f}。標籤與把握由**弱**增強決定，交叉熵算在**強**增強上。"
    )


@fixmatch_loss.wrong("除以夠把握的張數")
def _(weak, strong, threshold):
    best = weak.detach().softmax(dim=1).max(dim=1)
    sure = best.values >= threshold
    return F.cross_entropy(strong[sure], best.indices[sure])


@fixmatch_loss.wrong("不管把握")
def _(weak, strong, threshold):
    return F.cross_entropy(strong, weak.detach().argmax(dim=1))


@fixmatch_loss.wrong("用強增強的分數來猜")
def _(weak, strong, threshold):
    return fixmatch_loss.reference(strong, strong, threshold)


@fixmatch_loss.wrong("拉近兩邊的機率，梯度流進了弱增強")
def _(weak, strong, threshold):
    p = weak.softmax(dim=1)
    sure = p.max(dim=1).values >= threshold
    return (-(p * strong.log_softmax(dim=1)).sum(dim=1) * sure).mean()


@exercise(
    stars=3,
    hints=[
        "遮住的位置從 (0, 0) 起，每次移 step 格，直到右下角：共 (28 − side) // step + 1 個位置（每一邊）。",
        "先把所有遮過的影像做成一個批次，一次算完；clone 之後再改，別動到原圖。",
        "每一格是「原圖的機率 − 遮住之後的機率」，只看 label 那一類。",
    ],
)
def occlusion_map(
    probabilities: Callable[[Tensor], Tensor],
    image: Float[Tensor, "1 28 28"],
    label: int,
    side: int,
    step: int,
) -> Float[Tensor, "rows columns"]:
    """實驗－遮住哪裡，模型就認不得

    `probabilities` 把影像 (N, 1, 28, 28) 變成十類的機率（這裡是本課的數字網路）。把 `side` × `side` 的方塊塗黑（0），
    左上角從 (0, 0) 起每次移 `step` 格，傳回每個位置讓 `label` 的機率**少了多少**（多了就是負的），形狀是 (rows, columns)。`label` 不一定是正確答案。
    """
    places = range(0, 28 - side + 1, step)
    covered = []
    for top in places:
        for left in places:
            copy = image.clone()
            copy[:, top : top + side, left : left + side] = 0
            covered.append(copy)
    p = probabilities(torch.stack([image, *covered]))[:, label]
    return (p[0] - p[1:]).reshape(len(places), len(places))


@occlusion_map.cases
def _(rng: torch.Generator):
    data = datasets.mnist()
    chosen = torch.randint(len(data.test_images), (3,), generator=rng).tolist()
    sizes = [(8, 4), (6, 3), (10, 6)]
    return [
        (as_images(data.test_images[i : i + 1])[0], int(data.test_labels[i] + other) % 10, *size)
        for i, other, size in zip(chosen, (3, 0, 0), sizes, strict=True)
    ]


@occlusion_map.run
def _(answer, case):
    model, _ = load_pretrained("digits")
    with torch.no_grad():
        return answer(lambda x: model(x).softmax(dim=1), *case)


@occlusion_map.verify
def _(case, output):
    image, label, side, step = case
    model, _ = load_pretrained("digits")
    rows = (28 - side) // step + 1
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == (rows, rows), (
        f"side = {side}、step = {step} 時有 {rows} × {rows} 個位置，你的形狀是 {tuple(output.shape)}。"
    )
    right = torch.zeros(rows, rows)
    with torch.no_grad():
        base = model(image[None]).softmax(dim=1)[0, label]
        for i in range(rows):
            for j in range(rows):
                covered = image.clone()
                covered[:, i * step : i * step + side, j * step : j * step + side] = 0
                right[i, j] = base - model(covered[None]).softmax(dim=1)[0, label]
    if torch.allclose(output, right, atol=1e-4):
        return
    assert not torch.allclose(output, -right, atol=1e-4), "正負號反了：是「原圖減遮住之後」。"
    assert not torch.allclose(output, base - right, atol=1e-4), (
        "這是遮住之後的機率；要的是它比原圖**少了多少**。"
    )
    assert not torch.allclose(output.T, right, atol=1e-4), "列與行弄反了：列是往下，行是往右。"
    raise AssertionError(
        "數字不對。每個位置都從**原圖**開始遮（先 clone），遮的地方塗成 0，而且只看 label 那一類的機率。"
    )


@occlusion_map.wrong("傳回遮住之後的機率")
def _(probabilities, image, label, side, step):
    base = probabilities(image[None])[0, label]
    return base - occlusion_map.reference(probabilities, image, label, side, step)


@occlusion_map.wrong("忘了 clone，越遮越多")
def _(probabilities, image, label, side, step):
    places, image = range(0, 28 - side + 1, step), image.clone()
    base, drops = probabilities(image[None])[0, label], []
    for top in places:
        for left in places:
            image[:, top : top + side, left : left + side] = 0
            drops.append(base - probabilities(image[None])[0, label])
    return torch.stack(drops).reshape(len(places), len(places))


@occlusion_map.wrong("看的是模型最有把握的那一類")
def _(probabilities, image, label, side, step):
    def most(x: Tensor) -> Tensor:
        p = probabilities(x).max(dim=1).values
        return p[:, None].expand(-1, 10)

    return occlusion_map.reference(most, image, label, side, step)


@occlusion_map.wrong("正負號反了")
def _(probabilities, image, label, side, step):
    return -occlusion_map.reference(probabilities, image, label, side, step)
