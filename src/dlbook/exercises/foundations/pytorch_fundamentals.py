"""pytorch_fundamentals 的練習。"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.foundations.autograd import Tensor
from dlbook.foundations.mlp import init_weights, mlp_logits, train_by_engine


@exercise(
    stars=1,
    hints=[
        "最後一軸的鄰居在記憶體裡就是下一格，所以它的步幅是 1。",
        "往前一軸，走一步要跨過後面所有軸的元素：步幅是後面那些長度的乘積。",
    ],
)
def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """算出步幅

    形狀是 `shape` 的張量，元素一列接一列（最後一軸走得最快）排在記憶體裡。
    傳回每一軸的步幅：這一軸的索引加一時，要在記憶體裡跨過幾個元素。
    例如 `contiguous_strides((2, 3, 4))` 是 `(12, 4, 1)`。
    """
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


@contiguous_strides.cases
def _(rng: torch.Generator):
    fixed = [((5,),), ((2, 3),), ((2, 3, 4),), ((4, 1, 3),), ((),)]
    return [*fixed, (tuple(torch.randint(2, 7, (4,), generator=rng).tolist()),)]


@contiguous_strides.verify
def _(case, output):
    (shape,) = case
    assert isinstance(output, tuple), f"要傳回 tuple，你傳回的是 {type(output).__name__}。"
    whole = all(isinstance(step, (int, np.integer)) for step in output)
    assert whole, f"步幅要是整數，你傳回的是 {output}。"
    assert len(output) == len(shape), f"{shape} 有 {len(shape)} 軸，你傳回了 {len(output)} 個步幅。"
    expected = torch.empty(shape).stride()
    assert output == expected, (
        f"形狀 {shape} 的步幅應是 {expected}，你的是 {output}。"
        "想一想：第一軸加一時，要跨過多少個元素？最後一軸呢？"
    )


@contiguous_strides.wrong("從第一軸開始累乘（第一軸走得最快）")
def _(shape):
    strides, step = [], 1
    for size in shape:
        strides.append(step)
        step *= size
    return tuple(strides)


@contiguous_strides.wrong("把自己這一軸的長度也乘進去")
def _(shape):
    return tuple(int(np.prod(shape[axis:])) for axis in range(len(shape)))


@contiguous_strides.wrong("把形狀當成步幅")
def _(shape):
    return tuple(shape)


@exercise(
    stars=2,
    hints=[
        "仿照引擎裡的 exp：先算出 y，再傳回 Tensor(y, [(x, 反向規則)])。",
        "tanh 的導數可以用輸出寫：1 − y²。",
        "反向規則收到的 g 是損失對 y 的梯度，別忘了乘上去。",
    ],
)
def tanh(x: Tensor) -> Tensor:
    """替引擎加一個運算

    為自己的引擎加上雙曲正切 tanh：收到一個 `Tensor`，傳回一個新的 `Tensor`，
    值是 `np.tanh(x.data)`，並帶著正確的反向規則：`Tensor(值, [(x, 反向規則)])`。
    """
    y = np.tanh(x.data)
    return Tensor(y, [(x, lambda g: g * (1 - y**2))])


@tanh.cases
def _(rng: torch.Generator):
    shapes = [(3,), (2, 4)]
    random = [tuple(torch.randn(2, *s, generator=rng).double().numpy()) for s in shapes]
    return [*random, (np.array([-1000.0, 0.0, 1000.0]), np.array([1.0, 2.0, 3.0]))]


@tanh.run
def _(answer, case):
    data, weight = case
    x = Tensor(data)
    y = answer(x)
    value = np.array(y.data)
    (y * weight).sum().backward()
    return value, np.array(x.grad), np.array(y.grad), np.array(x.data)


@tanh.verify
def _(case, output):
    data, weight = case
    value, grad, grad_of_y, data_after = output
    slope = 1 - np.tanh(data) ** 2
    assert np.array_equal(data_after, data), (
        "x.data 被改掉了：運算要產生新的陣列，不能就地修改輸入。"
    )
    assert np.isfinite(value).all(), "輸入 ±1000 時出現 nan 或無限大：直接用 np.tanh 就不會溢位。"
    assert np.allclose(value, np.tanh(data)), "前向的值不對：應該是 np.tanh(x.data)。"
    assert np.any(grad), "x.grad 全是 0：新的節點沒有把 x 記成 parent，梯度傳不回去。"
    assert np.allclose(grad_of_y, weight), (
        "收到的梯度 g 被改掉了：反向規則裡不要就地修改 g（例如 g *= …）。"
    )
    assert not np.allclose(grad, slope), "反向規則忘了乘上收到的梯度 g。"
    assert np.allclose(grad, weight * slope), (
        "梯度不對：tanh 的導數是 1 − tanh(x)²，再乘上收到的 g。"
    )


@tanh.wrong("忘了乘上游的梯度")
def _(x):
    y = np.tanh(x.data)
    return Tensor(y, [(x, lambda g: 1 - y**2)])


@tanh.wrong("導數用輸入寫成 1 − x²")
def _(x):
    return Tensor(np.tanh(x.data), [(x, lambda g: g * (1 - x.data**2))])


@tanh.wrong("沒有記下 parents，圖斷掉了")
def _(x):
    return Tensor(np.tanh(x.data))


@tanh.wrong("反向規則就地改掉了收到的梯度")
def _(x):
    y = np.tanh(x.data)

    def rule(g):
        g *= 1 - y**2
        return g

    return Tensor(y, [(x, rule)])


@exercise(
    stars=2,
    hints=[
        "平均與標準差不是要學的參數，但要跟著模型存檔、跟著模型搬家：用 register_buffer。",
        '在 __init__ 裡 self.register_buffer("mean", mean)，之後就能用 self.mean。',
        "forward 傳回 (x − mean) / (std + eps)。",
    ],
)
class Standardize(nn.Module):
    """把標準化寫成模組

    寫一個 `nn.Module`：建立時收到每個特徵的平均 `mean` 與標準差 `std`（形狀都是 (features,)），
    `forward` 把 `x`（batch, features）變成 `(x - mean) / (std + eps)`，`eps` 是 1e-6。
    `mean` 與 `std` **不能**被最佳化器更新，但要出現在 `state_dict` 裡，也要跟著 `.double()` 之類的
    轉換一起走。
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / (self.std + 1e-6)


@Standardize.cases
def _(rng: torch.Generator):
    x = torch.randn(6, 4, generator=rng) * 3 + 5
    return [(x, x.mean(dim=0), x.std(dim=0)), (x, x.mean(dim=0), torch.zeros(4))]


@Standardize.run
def _(answer, case):
    x, mean, std = case
    module = answer(mean, std)
    trained = [name for name, _ in module.named_parameters()]
    saved = sorted(module.state_dict())
    return module(x), trained, saved, str(module.double()(x.double()).dtype)


@Standardize.verify
def _(case, output):
    x, mean, std = case
    result, trained, saved, dtype = output
    assert torch.isfinite(result).all(), "標準差是 0 的特徵除出了無限大：分母要加上 eps。"
    expected = (x - mean) / (std + 1e-6)
    assert result.shape == expected.shape, (
        f"形狀應是 {tuple(expected.shape)}，你的是 {tuple(result.shape)}。"
    )
    assert torch.allclose(result, expected), (
        "結果不對：應是 (x − mean) / (std + eps)，分母是標準差不是變異數。"
    )
    assert not trained, (
        f"{'、'.join(trained)} 會被最佳化器更新：統計量不是參數，用 register_buffer。"
    )
    assert len(saved) == 2, (
        f"state_dict 裡應有兩個張量，現在是 {saved}；普通屬性不會被存檔，用 register_buffer。"
    )
    assert dtype == "torch.float64", f".double() 之後的輸出是 {dtype}：統計量沒有跟著轉換。"


@Standardize.wrong("存成普通屬性，不會跟著存檔與搬家")
class _Plain(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x):
        return (x - self.mean) / (self.std + 1e-6)


@Standardize.wrong("存成 Parameter，會被訓練")
class _Learned(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = nn.Parameter(mean), nn.Parameter(std)

    def forward(self, x):
        return (x - self.mean) / (self.std + 1e-6)


@Standardize.wrong("忘了 eps，標準差是 0 就除以零")
class _NoEps(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x):
        return (x - self.mean) / self.std


@exercise(
    stars=2,
    hints=[
        "先更新速度，再用新的速度更新參數。",
        "torch.optim.SGD 的速度是 v ← momentum·v + g；學習率只乘在更新參數的時候。",
    ],
)
def momentum_step(
    parameters: list[torch.Tensor],
    gradients: list[torch.Tensor],
    velocities: list[torch.Tensor],
    lr: float,
    momentum: float,
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """帶動量的 SGD

    做一步帶動量的梯度下降，傳回（新的參數串列, 新的速度串列），結果要與
    `torch.optim.SGD(..., lr=lr, momentum=momentum)` 相同。不要就地修改傳進來的張量。
    """
    new_velocities = [momentum * v + g for v, g in zip(velocities, gradients, strict=True)]
    new_parameters = [p - lr * v for p, v in zip(parameters, new_velocities, strict=True)]
    return new_parameters, new_velocities


@momentum_step.cases
def _(rng: torch.Generator):
    def tensors():
        return [torch.randn(s, generator=rng, dtype=torch.float64) for s in [(3, 2), (2,)]]

    return [
        (tensors(), tensors(), tensors(), 0.1, 0.9),
        (tensors(), tensors(), tensors(), 0.5, 0.3),
    ]


@momentum_step.run
def _(answer, case):
    output = answer(*case)
    return output, case[0], case[2]  # 連同呼叫之後的參數與速度，看有沒有被就地修改


@momentum_step.verify
def _(case, output):
    parameters, gradients, velocities, lr, momentum = case
    answer, parameters_after, velocities_after = output
    assert isinstance(answer, tuple), "要傳回兩個串列：（新的參數, 新的速度）。"
    assert len(answer) == 2, "要傳回兩個串列：（新的參數, 新的速度）。"
    before, after = [*parameters, *velocities], [*parameters_after, *velocities_after]
    untouched = all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert untouched, "傳進來的參數或速度被就地修改了：不要用 add_、sub_、+= 這類運算。"
    new_parameters, new_velocities = answer
    for p, g, v, new_p, new_v in zip(
        parameters, gradients, velocities, new_parameters, new_velocities, strict=True
    ):
        leaf = p.clone().requires_grad_()
        optimizer = torch.optim.SGD([leaf], lr=lr, momentum=momentum)
        optimizer.state[leaf]["momentum_buffer"] = v.clone()
        leaf.grad = g
        optimizer.step()
        buffer = optimizer.state[leaf]["momentum_buffer"]
        assert new_p.shape == p.shape, (
            f"參數的形狀變成 {tuple(new_p.shape)}，應是 {tuple(p.shape)}。"
        )
        assert torch.allclose(new_v, buffer), (
            "速度不對：v ← momentum·v + g。g 前面沒有別的係數，學習率也不進到速度裡。"
        )
        assert torch.allclose(new_p, leaf.detach()), (
            "參數不對：p ← p − lr·v，用的是剛更新好的速度。"
        )


@momentum_step.wrong("學習率乘進了速度裡")
def _(parameters, gradients, velocities, lr, momentum):
    new_v = [momentum * v + lr * g for v, g in zip(velocities, gradients, strict=True)]
    return [p - v for p, v in zip(parameters, new_v, strict=True)], new_v


@momentum_step.wrong("寫成移動平均：g 前面乘了 1 − momentum")
def _(parameters, gradients, velocities, lr, momentum):
    new_v = [momentum * v + (1 - momentum) * g for v, g in zip(velocities, gradients, strict=True)]
    return [p - lr * v for p, v in zip(parameters, new_v, strict=True)], new_v


@momentum_step.wrong("用舊的速度更新參數")
def _(parameters, gradients, velocities, lr, momentum):
    new_v = [momentum * v + g for v, g in zip(velocities, gradients, strict=True)]
    return [p - lr * v for p, v in zip(parameters, velocities, strict=True)], new_v


@momentum_step.wrong("就地修改傳進來的張量")
def _(parameters, gradients, velocities, lr, momentum):
    for p, g, v in zip(parameters, gradients, velocities, strict=True):
        v.mul_(momentum).add_(g)
        p.sub_(lr * v)
    return parameters, velocities


@exercise(
    stars=3,
    hints=[
        "拿掉第 i 個隱藏單元，等於把第二層權重的第 i 列（weights[2][i]）設成 0。記得先 clone。",
        "對每個單元算：完整網路的正確率 − 拿掉它之後的正確率。",
        "正確率是 (mlp_logits(x, …).argmax(dim=1) == y).double().mean()。",
    ],
)
def unit_importance(
    weights: list[Float[torch.Tensor, "..."]],
    x: Float[torch.Tensor, "count 784"],
    y: Int[torch.Tensor, " count"],
) -> Float[torch.Tensor, " units"]:
    """實驗－每個隱藏單元有多重要

    `weights` 是一個訓練好的 MLP（784 → 隱藏單元 → 10）的四個張量：第一層的權重、偏置，
    第二層的權重、偏置。一次拿掉**一個**隱藏單元（讓它的輸出不再影響分數），在 `(x, y)` 上量正確率，
    傳回的張量長度等於隱藏單元數：第 i 個數是拿掉單元 i 之後，正確率**掉了**多少（變好就是負的）。
    前向可以用上面的 `mlp_logits(x, weights)`。
    """

    def accuracy(outgoing: torch.Tensor) -> torch.Tensor:
        logits = mlp_logits(x, [weights[0], weights[1], outgoing, weights[3]])
        return (logits.argmax(dim=1) == y).double().mean()

    drops = []
    for unit in range(len(weights[2])):
        without = weights[2].clone()
        without[unit] = 0
        drops.append(accuracy(weights[2]) - accuracy(without))
    return torch.stack(drops)


@unit_importance.cases
def _(rng: torch.Generator):
    data = datasets.mnist()
    chosen = torch.randperm(60_000, generator=rng)[:4_000]
    x = data.train_images[chosen].flatten(1).double() / 255
    y = data.train_labels[chosen]
    seed = int(torch.randint(1_000, (1,), generator=rng))
    trained, _ = train_by_engine(
        init_weights([784, 32, 10], np.random.default_rng(seed)),
        x[:3_000].numpy(),
        y[:3_000].numpy(),
        lr=0.2,
        epochs=3,
        batch_size=50,
        rng=np.random.default_rng(seed),
    )
    return [([torch.from_numpy(w.data) for w in trained], x[3_000:], y[3_000:])]


@unit_importance.verify
def _(case, output):
    weights, x, y = case
    hidden = (x @ weights[0] + weights[1]).relu()

    def accuracy(keep: torch.Tensor) -> float:
        logits = (hidden * keep) @ weights[2] + weights[3]
        return (logits.argmax(dim=1) == y).double().mean().item()

    units = hidden.shape[1]
    full = accuracy(torch.ones(units))
    right = torch.tensor([full - accuracy(keep) for keep in 1 - torch.eye(units)])
    assert isinstance(output, torch.Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == (units,), f"要 {units} 個數，你的形狀是 {tuple(output.shape)}。"
    output = output.to(right.dtype)
    assert not torch.allclose(output, -right), (
        "正負號反了：掉了多少 = 完整的正確率 − 拿掉之後的正確率。"
    )
    worst = int((output - right).abs().argmax())
    assert torch.allclose(output, right, atol=1e-6), (
        f"單元 {worst}：拿掉它，正確率從 {full:.3f} 變成 {full - right[worst]:.3f}，"
        f"掉了 {right[worst]:.3f}；你的答案是 {output[worst]:.3f}。"
        "每次只拿掉一個，量完要放回去；權重的大小不等於重要性。"
    )


@unit_importance.wrong("用輸出權重的大小代替，沒有真的量")
def _(weights, x, y):
    return weights[2].norm(dim=1)


@unit_importance.wrong("正負號反了")
def _(weights, x, y):
    return -unit_importance.reference(weights, x, y)


@unit_importance.wrong("就地修改權重，越拿越多")
def _(weights, x, y):
    full = (mlp_logits(x, weights).argmax(dim=1) == y).double().mean()
    drops = []
    for unit in range(len(weights[2])):
        weights[2][unit] = 0
        drops.append(full - (mlp_logits(x, weights).argmax(dim=1) == y).double().mean())
    return torch.stack(drops)
