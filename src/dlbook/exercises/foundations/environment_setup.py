"""environment_setup 的練習。"""

import math

import torch
from jaxtyping import Float, Int
from torch import nn

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.foundations.first_training import train_digits


@exercise(
    stars=1,
    hints=[
        "輸出有 m × n 個元素，每個要 k 次乘法、k 次加法。",
        "三個矩陣各搬一次：(m·k + k·n + m·n) 個數，每個 itemsize 個位元組。",
    ],
)
def matmul_intensity(m: int, k: int, n: int, itemsize: int) -> float:
    """運算強度

    `(m, k)` 的矩陣乘 `(k, n)` 的矩陣，每個數佔 `itemsize` 個位元組，三個矩陣各搬一次。
    傳回運算強度：每搬一個位元組，做幾次浮點運算（乘與加各算一次）。
    """
    return 2 * m * k * n / (itemsize * (m * k + k * n + m * n))


@matmul_intensity.cases
def _(rng: torch.Generator):
    sizes = torch.randint(1, 500, (4, 3), generator=rng).tolist()
    return [(1, 4096, 4096, 4), (256, 4096, 4096, 2), *[(*s, 4) for s in sizes]]


@matmul_intensity.verify
def _(case, output):
    m, k, n, itemsize = case
    flops, moved = 2 * m * k * n, itemsize * (m * k + k * n + m * n)
    assert isinstance(output, (int, float)), f"要傳回一個數，你傳回的是 {type(output).__name__}。"
    shape = f"({m}, {k}) @ ({k}, {n})、每個數 {itemsize} 個位元組"
    assert not math.isclose(output, flops / moved / 2, rel_tol=1e-6), (
        f"{shape}：你的答案剛好少一半。乘與加各算一次，所以是 2mkn。"
    )
    assert not math.isclose(output, flops / moved * itemsize, rel_tol=1e-6) or itemsize == 1, (
        f"{shape}：你數的是「幾個數」，要的是「幾個位元組」，別忘了乘上 itemsize。"
    )
    assert math.isclose(output, flops / moved, rel_tol=1e-6), (
        f"{shape}：要做 {flops:,} 次運算、搬 {moved:,} 個位元組（三個矩陣都要算），"
        f"強度是 {flops / moved:.4f}；你的是 {output:.4f}。"
    )


@matmul_intensity.wrong("只算乘法")
def _(m, k, n, itemsize):
    return m * k * n / (itemsize * (m * k + k * n + m * n))


@matmul_intensity.wrong("數的是幾個數，不是幾個位元組")
def _(m, k, n, itemsize):
    return 2 * m * k * n / (m * k + k * n + m * n)


@matmul_intensity.wrong("忘了輸出也要寫回記憶體")
def _(m, k, n, itemsize):
    return 2 * m * k * n / (itemsize * (m * k + k * n))


@exercise(
    stars=1,
    hints=[
        "torch.Generator() 是一個獨立的亂數產生器，manual_seed 設它的種子。",
        "torch.rand、torch.randn 都有 generator= 這個參數。",
    ],
)
def private_random(seed: int, count: int) -> Float[torch.Tensor, " count"]:
    """自己的亂數

    傳回 `count` 個標準常態的亂數（`torch.randn`）。同一個 `seed` 永遠得到同樣的數，
    不管之前別人用掉多少亂數；也**不可以**動到全域的亂數，別人接下來抽到的數要和沒呼叫你時一樣。
    """
    return torch.randn(count, generator=torch.Generator().manual_seed(seed))


@private_random.cases
def _(rng: torch.Generator):
    return [(int(torch.randint(10_000, (1,), generator=rng)), 50) for _ in range(3)]


@private_random.run
def _(answer, case):
    seed, count = case
    with torch.random.fork_rng():
        torch.manual_seed(123)
        first = answer(seed, count)
        following = torch.rand(5)
        torch.rand(7)
        again, other = answer(seed, count), answer(seed + 1, count)
    return first, again, other, following


def _fresh(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@private_random.verify
def _(case, output):
    seed, count = case
    first, again, other, following = output
    assert isinstance(first, torch.Tensor), f"要傳回張量，你傳回的是 {type(first).__name__}。"
    assert first.shape == (count,), f"要 {count} 個數，你的形狀是 {tuple(first.shape)}。"
    assert torch.equal(first, again), (
        f"種子 {seed} 呼叫兩次，得到不同的數；中間別人抽了 7 個亂數。亂數要來自自己的產生器。"
    )
    assert not torch.equal(first, other), "換了種子，數字卻一樣：seed 沒有用到。"
    assert torch.equal(following, torch.rand(5, generator=_fresh(123))), (
        "呼叫之後，別人抽到的全域亂數變了。torch.manual_seed 會重設全域的狀態；"
        "請用 torch.Generator().manual_seed(seed)。"
    )
    expected = torch.randn(count, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(first, expected), "要用 torch.randn（標準常態），其他分布不算。"


@private_random.wrong("用 torch.manual_seed：動到全域的亂數")
def _(seed, count):
    torch.manual_seed(seed)
    return torch.randn(count)


@private_random.wrong("沒有用種子")
def _(seed, count):
    return torch.randn(count)


@private_random.wrong("種子寫死")
def _(seed, count):
    return torch.randn(count, generator=torch.Generator().manual_seed(0))


@private_random.wrong("抽成均勻分布")
def _(seed, count):
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


@exercise(
    stars=2,
    hints=[
        "loss 是張量，還牽著計算圖；backward() 之後中間結果雖已釋放，圖的節點仍在，它也不是 Python 的數。",
        "loss.item() 是一個 Python 的數，和計算圖無關。",
    ],
)
def plain_history(
    network: nn.Module, x: Float[torch.Tensor, "count inputs"], lr: float, steps: int
) -> list[float]:
    """不牽著計算圖的訓練紀錄

    用 SGD（`p -= lr * p.grad`）把 `network(x).square().mean()` 降低 `steps` 步，每一步都用全部的 `x`。
    傳回每一步**更新之前**的損失，是一串 Python 的 float。損失不可以還牽著計算圖。
    """
    history = []
    for _ in range(steps):
        loss = network(x).square().mean()
        history.append(loss.item())
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter -= lr * parameter.grad
    return history


@plain_history.cases
def _(rng: torch.Generator):
    cases = []
    for lr in (0.1, 0.3):
        weight, bias = (torch.randn(*s, generator=rng) for s in [(3, 4), (3,)])
        cases.append((weight, bias, torch.randn(20, 4, generator=rng), lr, 6))
    return cases


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(4, 3)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


@plain_history.run
def _(answer, case):
    weight, bias, x, lr, steps = case
    history = answer(_linear(weight, bias), x, lr, steps)
    graphs = sum(isinstance(v, torch.Tensor) and v.requires_grad for v in history)
    return (
        [float(torch.as_tensor(v).detach()) for v in history],
        [type(v).__name__ for v in history],
        graphs,
    )


@plain_history.verify
def _(case, output):
    weight, bias, x, lr, steps = case
    values, kinds, graphs = output
    assert len(values) == steps, f"要 {steps} 個數，你傳回了 {len(values)} 個。"
    assert graphs == 0, f"有 {graphs} 個損失還牽著計算圖。存 loss.item()。"
    assert set(kinds) == {"float"}, f"要 Python 的 float，你存的是 {kinds[0]}。用 loss.item()。"
    expected = plain_history.reference(_linear(weight, bias), x, lr, steps)
    assert not all(math.isclose(v, values[0], rel_tol=1e-6) for v in values), (
        "損失一直沒變：參數沒有更新到。更新要就地改（parameter -= …），放在 torch.no_grad() 裡。"
    )
    for step, (mine, right) in enumerate(zip(values, expected, strict=True)):
        assert math.isclose(mine, right, rel_tol=1e-4, abs_tol=1e-7), (
            f"第 {step} 步的損失應是 {right:.5f}，你的是 {mine:.5f}。"
            "存的要是更新之前的損失；每一步都要先把梯度歸零，不然會越積越多。"
        )


@plain_history.wrong("存了連著計算圖的張量")
def _(network, x, lr, steps):
    history = []
    for _ in range(steps):
        loss = network(x).square().mean()
        history.append(loss)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.sub_(lr * parameter.grad)
    return history


@plain_history.wrong("忘了把梯度歸零")
def _(network, x, lr, steps):
    history = []
    for _ in range(steps):
        loss = network(x).square().mean()
        history.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.sub_(lr * parameter.grad)
    return history


@plain_history.wrong("沒有就地更新：參數沒變")
def _(network, x, lr, steps):
    history = []
    for _ in range(steps):
        loss = network(x).square().mean()
        history.append(loss.item())
        network.zero_grad()
        loss.backward()
        for parameter in network.parameters():
            parameter = torch.sub(parameter, lr * parameter.grad)
    return history


@exercise(
    stars=2,
    hints=[
        "寫出批次 b 的運算次數 2·b·inputs·outputs，與搬運的位元組。",
        "運算的時間是 F / flops，搬運的時間是 B / bandwidth；找運算追上搬運的 b。",
        "等式是 b 的一次式：解出 b，再無條件進位。斜率不是正的，就永遠追不上。",
    ],
)
def ridge_batch(
    inputs: int, outputs: int, itemsize: int, flops: float, bandwidth: float
) -> int | None:
    """屋脊批次

    沒有偏置的線性層 `inputs → outputs`，每個數 `itemsize` 個位元組。輸入、權重、輸出各搬一次。
    機器每秒做 `flops` 次運算、搬 `bandwidth` 個位元組。傳回**最小的**批次（至少 1），
    使得運算的時間不少於搬運的時間；不管批次多大都追不上時，傳回 `None`。
    """
    per_sample = 2 * inputs * outputs / flops - itemsize * (inputs + outputs) / bandwidth
    if per_sample <= 0:
        return None
    return max(1, math.ceil(itemsize * inputs * outputs / bandwidth / per_sample))


@ridge_batch.cases
def _(rng: torch.Generator):
    fixed = [(4096, 4096, 4, 100e9, 40e9), (256, 256, 2, 500e9, 40e9), (8, 8, 4, 1e12, 1e9)]
    sizes = torch.randint(64, 3000, (3, 2), generator=rng).tolist()
    return [*fixed, (512, 512, 4, 1e9, 1e12), *[(i, o, 4, 80e9, 30e9) for i, o in sizes]]


@ridge_batch.verify
def _(case, output):
    inputs, outputs, itemsize, flops, bandwidth = case

    def bound(batch: int) -> bool:
        moved = itemsize * (batch * inputs + inputs * outputs + batch * outputs)
        return 2 * batch * inputs * outputs / flops >= moved / bandwidth * (1 - 1e-9)

    where = f"{inputs} → {outputs}、{itemsize} 位元組、{flops:.0e} FLOP/s、{bandwidth:.0e} B/s"
    if not bound(10**9):
        assert output is None, (
            f"{where}：批次再大，輸入與輸出的搬運也跟著變多，永遠追不上，要傳回 None；你的是 {output}。"
        )
        return
    assert isinstance(output, int), f"要傳回整數，你傳回的是 {output!r}。"
    assert output >= 1, f"批次至少是 1，你的是 {output}。"
    assert bound(output), (
        f"{where}：批次 {output} 時，搬運還是比運算久。輸入與輸出也要搬；最後無條件進位。"
    )
    assert output == 1 or not bound(output - 1), (
        f"{where}：批次 {output - 1} 就夠了，{output} 不是最小的。"
    )


@ridge_batch.wrong("只搬權重，忘了輸入與輸出")
def _(inputs, outputs, itemsize, flops, bandwidth):
    return max(1, math.ceil(itemsize * flops / (2 * bandwidth)))


@ridge_batch.wrong("捨去小數，少了一筆")
def _(inputs, outputs, itemsize, flops, bandwidth):
    answer = ridge_batch.reference(inputs, outputs, itemsize, flops, bandwidth)
    return None if answer is None else max(1, answer - 1)


@ridge_batch.wrong("追不上時傳回無限大的批次")
def _(inputs, outputs, itemsize, flops, bandwidth):
    answer = ridge_batch.reference(inputs, outputs, itemsize, flops, bandwidth)
    return 10**9 if answer is None else answer


@exercise(
    stars=3,
    hints=[
        "對每個寬度呼叫一次 train_digits(…, seed=seed, hidden=寬度, steps=steps)。",
        "正確率是 (network(valid_x).argmax(dim=1) == valid_y).float().mean().item()。",
        "量正確率要用驗證的影像；訓練過的影像會讓你高估。",
    ],
)
def accuracy_by_width(
    train_x: Float[torch.Tensor, "count pixels"],
    train_y: Int[torch.Tensor, " count"],
    valid_x: Float[torch.Tensor, "valids pixels"],
    valid_y: Int[torch.Tensor, " valids"],
    widths: list[int],
    seed: int,
    steps: int,
) -> list[float]:
    """實驗－網路要多寬

    用課文的 `train_digits` 各訓練一個網路，隱藏單元數依序是 `widths` 裡的每一個，
    種子都是 `seed`，步數都是 `steps`，其餘用預設值。傳回每個網路在**驗證**影像上的正確率，順序與 `widths` 相同。寬度是一個選擇，選擇不能用測試集。
    """
    accuracies = []
    for width in widths:
        network = train_digits(train_x, train_y, seed=seed, hidden=width, steps=steps)
        with torch.inference_mode():
            correct = network(valid_x).argmax(dim=1) == valid_y
        accuracies.append(correct.float().mean().item())
    return accuracies


@accuracy_by_width.cases
def _(rng: torch.Generator):
    data = datasets.digits()
    images, labels = data.train_images.flatten(1).float() / 16, data.train_labels
    seed = int(torch.randint(1000, (1,), generator=rng))
    fitted, held_out = slice(600), slice(600, None)
    parts = (images[fitted], labels[fitted], images[held_out], labels[held_out])
    return [(*parts, [2, 32, 48], seed, 100)]


@accuracy_by_width.verify
def _(case, output):
    train_x, train_y, _, _, widths, *_ = case
    assert isinstance(output, list), f"要傳回 list，你傳回的是 {type(output).__name__}。"
    assert len(output) == len(widths), f"要 {len(widths)} 個正確率，你傳回了 {len(output)} 個。"
    right = accuracy_by_width.reference(*case)
    training = accuracy_by_width.reference(train_x, train_y, train_x, train_y, *case[4:])
    for width, mine, expected, flattering in zip(widths, output, right, training, strict=True):
        assert abs(mine - expected) < 1e-4 or abs(mine - flattering) > 1e-4, (
            f"寬度 {width}：{mine:.3f} 是**訓練**影像上的正確率，驗證影像上是 {expected:.3f}。"
        )
        assert abs(mine - expected) < 1e-4, (
            f"寬度 {width}：驗證正確率應是 {expected:.3f}，你的是 {mine:.3f}。"
            "每個寬度重新訓練一次，種子都用 seed，argmax 沿類別（dim=1）取。"
        )


@accuracy_by_width.wrong("在訓練影像上量")
def _(train_x, train_y, valid_x, valid_y, widths, seed, steps):
    return accuracy_by_width.reference(train_x, train_y, train_x, train_y, widths, seed, steps)


@accuracy_by_width.wrong("每個寬度用不同的種子")
def _(train_x, train_y, valid_x, valid_y, widths, seed, steps):
    data = (train_x, train_y, valid_x, valid_y)
    return [
        accuracy_by_width.reference(*data, [width], seed + i, steps)[0]
        for i, width in enumerate(widths)
    ]


@accuracy_by_width.wrong("沒有用到 widths")
def _(train_x, train_y, valid_x, valid_y, widths, seed, steps):
    return accuracy_by_width.reference(
        train_x, train_y, valid_x, valid_y, [64] * len(widths), seed, steps
    )
