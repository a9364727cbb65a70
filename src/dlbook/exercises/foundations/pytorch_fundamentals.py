"""pytorch_fundamentals 的練習。"""

import numpy as np
import torch
from jaxtyping import Float, Int

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
    return [tuple(torch.randn(2, *s, generator=rng).double().numpy()) for s in shapes]


@tanh.run
def _(answer, case):
    data, weight = case
    x = Tensor(data)
    y = answer(x)
    (y * weight).sum().backward()
    return np.asarray(y.data), np.asarray(x.grad)


@tanh.verify
def _(case, output):
    data, weight = case
    value, grad = output
    assert np.allclose(value, np.tanh(data)), "前向的值不對：應該是 np.tanh(x.data)。"
    assert np.any(grad), "x.grad 全是 0：新的節點沒有把 x 記成 parent，梯度傳不回去。"
    right = weight * (1 - np.tanh(data) ** 2)
    assert not np.allclose(grad, 1 - np.tanh(data) ** 2), "反向規則忘了乘上收到的梯度 g。"
    assert np.allclose(grad, right), "梯度不對：tanh 的導數是 1 − tanh(x)²，再乘上收到的 g。"


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


@momentum_step.verify
def _(case, output):
    parameters, gradients, velocities, lr, momentum = case
    assert isinstance(output, tuple), "要傳回兩個串列：（新的參數, 新的速度）。"
    assert len(output) == 2, "要傳回兩個串列：（新的參數, 新的速度）。"
    new_parameters, new_velocities = output
    for p, g, v, new_p, new_v in zip(
        parameters, gradients, velocities, new_parameters, new_velocities, strict=True
    ):
        leaf = p.clone().requires_grad_()
        optimizer = torch.optim.SGD([leaf], lr=lr, momentum=momentum)
        optimizer.state[leaf]["momentum_buffer"] = v.clone()
        leaf.grad = g
        optimizer.step()
        buffer = optimizer.state[leaf]["momentum_buffer"]
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
    """實驗：每個隱藏單元有多重要

    `weights` 是這一課的 MLP（784 → 32 → 10）訓練好的四個張量：第一層的權重、偏置，
    第二層的權重、偏置。一次拿掉**一個**隱藏單元（讓它的輸出不再影響分數），在 `(x, y)` 上量正確率，
    傳回長度 32 的張量：第 i 個數是拿掉單元 i 之後，正確率**掉了**多少（變好就是負的）。
    前向可以用上面的 `mlp_logits(x, weights)`。
    """

    def accuracy(outgoing: torch.Tensor) -> Tensor:
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
