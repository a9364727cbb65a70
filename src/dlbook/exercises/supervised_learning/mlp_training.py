"""mlp_training 的練習。"""

import copy
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.supervised_learning.digit_mlp import NORMS, digit_mlp
from dlbook.supervised_learning.optimizers import AdamW


@exercise(
    stars=1,
    hints=[
        "nn.Linear 的權重形狀是 (輸出, 輸入)：fan_in 是哪一個？",
        "標準差是 √(2 / fan_in)；torch.randn 的標準差是 1，乘上去就好。",
        "torch.randn(輸出, 輸入, generator=generator) * math.sqrt(2 / 輸入)",
    ],
)
def he_weight(
    fan_in: int, fan_out: int, generator: torch.Generator
) -> Float[Tensor, "fan_out fan_in"]:
    """He 初始化

    傳回一個給 `nn.Linear(fan_in, fan_out)` 用的權重：形狀是 (fan_out, fan_in)，
    元素是平均 0 的常態亂數（用給定的 `generator`），標準差讓 ReLU 網路的訊號大小每一層都差不多。
    """
    return torch.randn(fan_out, fan_in, generator=generator) * math.sqrt(2 / fan_in)


@he_weight.cases
def _(rng: torch.Generator):
    seed = int(torch.randint(1_000, (1,), generator=rng))
    return [(800, 100, seed), (100, 800, seed), (400, 400, seed)]


@he_weight.run
def _(answer, case):
    fan_in, fan_out, seed = case
    return answer(fan_in, fan_out, torch.Generator().manual_seed(seed))


@he_weight.verify
def _(case, output):
    fan_in, fan_out, _ = case
    shape = (fan_out, fan_in)
    assert isinstance(output, Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == shape, (
        f"形狀應是 (fan_out, fan_in) = {shape}，你的是 {tuple(output.shape)}。"
    )
    want, got = math.sqrt(2 / fan_in), output.std().item()
    assert abs(output.mean().item()) < want / 20, "平均不是 0：權重要正負對稱。"
    assert abs(got / want - 1) < 0.03, (
        f"fan_in = {fan_in}、fan_out = {fan_out} 時標準差應是 √(2/fan_in) = {want:.4f}，"
        f"你的是 {got:.4f}。2/fan_in 是變異數，要開根號；而且只看 fan_in。"
    )
    tails = (output.abs() > 2 * want).double().mean().item()
    assert tails > 0.03, "分布不是常態（沒有尾巴）：用 torch.randn，不是 torch.rand。"


@he_weight.wrong("把變異數當成標準差")
def _(fan_in, fan_out, generator):
    return torch.randn(fan_out, fan_in, generator=generator) * (2 / fan_in)


@he_weight.wrong("用 fan_out 算")
def _(fan_in, fan_out, generator):
    return torch.randn(fan_out, fan_in, generator=generator) * math.sqrt(2 / fan_out)


@he_weight.wrong("形狀轉置了")
def _(fan_in, fan_out, generator):
    return torch.randn(fan_in, fan_out, generator=generator) * math.sqrt(2 / fan_in)


@he_weight.wrong("少了 2，是給線性與 tanh 的")
def _(fan_in, fan_out, generator):
    return torch.randn(fan_out, fan_in, generator=generator) * math.sqrt(1 / fan_in)


@exercise(
    stars=2,
    hints=[
        "先更新兩個移動平均：m 記梯度，v 記梯度的平方。",
        "m 與 v 都從 0 開始，第 t 步只累積了 1 − βᵗ 的份量，所以除回來。",
        "p − lr · m̂ / (√v̂ + eps)：先修正 v 再開根號，eps 加在根號外面。",
    ],
)
def adam_step(
    p: Float[Tensor, "..."],
    g: Float[Tensor, "..."],
    m: Float[Tensor, "..."],
    v: Float[Tensor, "..."],
    t: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam 的一步

    第 `t` 步（從 1 起算）：由參數 `p`、梯度 `g`、上一步的 `m` 與 `v`，傳回（新的 p, 新的 m, 新的 v），
    與 `torch.optim.Adam` 相同，包含起步的偏差修正。不要就地修改傳進來的張量。
    """
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m_hat / (v_hat.sqrt() + eps), m, v


@adam_step.cases
def _(rng: torch.Generator):
    def tensor():
        return torch.randn(4, 3, generator=rng, dtype=torch.float64)

    zero = torch.zeros(4, 3, dtype=torch.float64)
    return [
        (tensor(), tensor(), zero, zero, 1, 0.1, (0.9, 0.999), 1e-8),
        (tensor(), tensor(), tensor(), tensor().square(), 7, 0.02, (0.8, 0.95), 1e-2),
    ]


@adam_step.run
def _(answer, case):
    output = answer(*case)
    return output, case[:4]


@adam_step.verify
def _(case, output):
    p, g, m, v, t, lr, betas, eps = case
    answer, after = output
    untouched = all(torch.equal(a, b) for a, b in zip(case[:4], after, strict=True))
    assert untouched, "傳進來的張量被就地修改了：不要用 mul_、add_、+= 這類運算。"
    assert isinstance(answer, tuple), "要傳回三個張量：（新的 p, 新的 m, 新的 v）。"
    assert len(answer) == 3, "要傳回三個張量：（新的 p, 新的 m, 新的 v）。"
    leaf = p.clone().requires_grad_()
    optimizer = torch.optim.Adam([leaf], lr, betas, eps)
    optimizer.state[leaf] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": m.clone(),
        "exp_avg_sq": v.clone(),
    }
    leaf.grad = g
    optimizer.step()
    state = optimizer.state[leaf]
    assert torch.allclose(answer[1], state["exp_avg"]), (
        "m 不對：m ← β₁ m + (1 − β₁) g。傳回的是修正之前的 m，修正過的只用在這一步。"
    )
    assert torch.allclose(answer[2], state["exp_avg_sq"]), (
        "v 不對：v ← β₂ v + (1 − β₂) g²。傳回的是修正之前的 v。"
    )
    moved, right = (p - answer[0]).abs().mean().item(), (p - leaf.detach()).abs().mean().item()
    assert torch.allclose(answer[0], leaf.detach(), atol=1e-12), (
        f"第 {t} 步平均該走 {right:.5f}，你走了 {moved:.5f}。"
        "檢查偏差修正（除以 1 − βᵗ）、根號，以及 eps 加在根號外面。"
    )


@adam_step.wrong("沒有修正偏差")
def _(p, g, m, v, t, lr, betas, eps):
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    return p - lr * m / (v.sqrt() + eps), m, v


@adam_step.wrong("eps 加在根號裡面")
def _(p, g, m, v, t, lr, betas, eps):
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return p - lr * m_hat / (v_hat + eps).sqrt(), m, v


@adam_step.wrong("把修正過的 m、v 存回去")
def _(p, g, m, v, t, lr, betas, eps):
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    m, v = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return p - lr * m / (v.sqrt() + eps), m, v


@adam_step.wrong("忘了開根號")
def _(p, g, m, v, t, lr, betas, eps):
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    return p - lr * (m / (1 - betas[0] ** t)) / (v / (1 - betas[1] ** t) + eps), m, v


@exercise(
    stars=1,
    hints=[
        "前 warmup 步：第 0 步是 peak / warmup，第 warmup − 1 步剛好是 peak。",
        "之後把「走了多少比例」換成角度：0 到 π，餘弦由 1 到 −1。",
        "peak · (1 + cos(π · (step − warmup) / (total − warmup))) / 2",
    ],
)
def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """warm-up 加 cosine

    傳回第 `step` 步（從 0 起算，共 `total` 步）的學習率：前 `warmup` 步由 `peak / warmup` 直線升到
    `peak`，從第 `warmup` 步開始沿半個餘弦由 `peak` 降向 0（第 `total` 步才會到 0）。`warmup` 可以是 0。
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


@learning_rate.cases
def _(rng: torch.Generator):
    fixed = [(0, 100, 10, 0.4), (9, 100, 10, 0.4), (10, 100, 10, 0.4), (55, 100, 10, 0.4)]
    step = int(torch.randint(20, 200, (1,), generator=rng))
    return [*fixed, (99, 100, 10, 0.4), (0, 50, 0, 1.0), (step, 200, 20, 3e-3)]


@learning_rate.verify
def _(case, output):
    step, total, warmup, peak = case
    if step < warmup:
        want, part = peak * (step + 1) / warmup, "還在 warm-up"
    else:
        want = peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
        part = "在 cosine 段"
    assert isinstance(output, (int, float)), f"要傳回一個數，你傳回的是 {type(output).__name__}。"
    assert math.isclose(output, want, rel_tol=1e-9, abs_tol=1e-15), (
        f"共 {total} 步、warm-up {warmup} 步、最高 {peak}：第 {step} 步{part}，"
        f"應是 {want:.6g}，你的是 {output:.6g}。"
    )


@learning_rate.wrong("餘弦從第 0 步就開始算")
def _(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * step / total)) / 2


@learning_rate.wrong("warm-up 從 0 開始，第一步什麼都沒學")
def _(step, total, warmup, peak):
    if step < warmup:
        return peak * step / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


@learning_rate.wrong("走了一整個餘弦，最後又升回去")
def _(step, total, warmup, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(2 * math.pi * (step - warmup) / (total - warmup))) / 2


@exercise(
    stars=2,
    hints=[
        "訓練：用這個批次的平均與變異數（除以 N）做標準化。",
        "累積：新 = (1 − momentum) · 舊 + momentum · 這一批；累積的變異數除以 N − 1。",
        "評估：用傳進來的 mean 與 var，而且原封不動傳回去。",
    ],
)
def batch_norm(
    x: Float[Tensor, "batch width"],
    mean: Float[Tensor, " width"],
    var: Float[Tensor, " width"],
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """BatchNorm 的前向

    傳回（標準化之後的 x, 新的 mean, 新的 var），沒有 scale 與 offset。`mean`、`var` 是累積的統計量：
    `training` 時用這個批次的統計量標準化，並更新累積的；不是 `training` 時用累積的，不更新。
    與 `torch.nn.functional.batch_norm` 相同；不要就地修改。
    """
    if not training:
        return (x - mean) / (var + eps).sqrt(), mean, var
    now, spread = x.mean(dim=0), x.var(dim=0, correction=0)
    unbiased = spread * len(x) / (len(x) - 1)
    new_mean = (1 - momentum) * mean + momentum * now
    new_var = (1 - momentum) * var + momentum * unbiased
    return (x - now) / (spread + eps).sqrt(), new_mean, new_var


@batch_norm.cases
def _(rng: torch.Generator):
    x = torch.randn(6, 3, generator=rng, dtype=torch.float64) * 4 + 2
    mean = torch.randn(3, generator=rng, dtype=torch.float64)
    var = torch.rand(3, generator=rng, dtype=torch.float64) + 0.5
    return [(x, mean, var, True), (x, mean, var, False), (x[:1], mean, var, False)]


@batch_norm.run
def _(answer, case):
    output = answer(*case)
    return output, case[:3]


@batch_norm.verify
def _(case, output):
    x, mean, var, training = case
    answer, after = output
    untouched = all(torch.equal(a, b) for a, b in zip(case[:3], after, strict=True))
    assert untouched, "傳進來的張量被就地修改了：要傳回新的 mean 與 var。"
    assert isinstance(answer, tuple), "要傳回（標準化之後的 x, 新的 mean, 新的 var）。"
    assert len(answer) == 3, "要傳回（標準化之後的 x, 新的 mean, 新的 var）。"
    new_mean, new_var = mean.clone(), var.clone()
    right = nn.functional.batch_norm(x, new_mean, new_var, training=training)
    mode = "訓練" if training else "評估"
    which = "這個批次的（變異數除以 N）" if training else "累積的"
    assert answer[0].shape == x.shape, f"輸出的形狀應和 x 一樣是 {tuple(x.shape)}。"
    assert torch.allclose(answer[0], right), (
        f"{mode}時的輸出不對：要減去{which}平均、除以{which} √(變異數 + eps)。"
    )
    rule = "(1 − momentum) · 舊 + momentum · 這一批" if training else "評估時不更新"
    assert torch.allclose(answer[1], new_mean), f"{mode}後的 mean 不對：{rule}。"
    assert torch.allclose(answer[2], new_var), (
        f"{mode}後的 var 不對：{rule}；累積的變異數用除以 N − 1 的那一種。"
    )


@batch_norm.wrong("評估時還用這個批次的統計量")
def _(x, mean, var, training, momentum=0.1, eps=1e-5):
    now, spread = x.mean(dim=0), x.var(dim=0, correction=0)
    if not training:
        return (x - now) / (spread + eps).sqrt(), mean, var
    new_var = (1 - momentum) * var + momentum * x.var(dim=0)
    return (x - now) / (spread + eps).sqrt(), (1 - momentum) * mean + momentum * now, new_var


@batch_norm.wrong("累積的變異數用了除以 N 的")
def _(x, mean, var, training, momentum=0.1, eps=1e-5):
    if not training:
        return (x - mean) / (var + eps).sqrt(), mean, var
    now, spread = x.mean(dim=0), x.var(dim=0, correction=0)
    new_mean = (1 - momentum) * mean + momentum * now
    return (x - now) / (spread + eps).sqrt(), new_mean, (1 - momentum) * var + momentum * spread


@batch_norm.wrong("momentum 乘到舊的那一邊去了")
def _(x, mean, var, training, momentum=0.1, eps=1e-5):
    return batch_norm.reference(x, mean, var, training, 1 - momentum, eps)


@batch_norm.wrong("沿著特徵做，變成 LayerNorm")
def _(x, mean, var, training, momentum=0.1, eps=1e-5):
    rows = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + eps).sqrt()
    _, new_mean, new_var = batch_norm.reference(x, mean, var, training, momentum, eps)
    return rows, new_mean, new_var


@exercise(
    stars=2,
    hints=[
        "標籤先變成 one-hot，才能混：nn.functional.one_hot(y, classes)。",
        "影像與標籤要用同一個 lam、同一個 order。",
        "lam · x + (1 − lam) · x[order]；標籤也是。",
    ],
)
def mixup_batch(
    x: Float[Tensor, "batch features"],
    y: Int[Tensor, " batch"],
    lam: float,
    order: Int[Tensor, " batch"],
    classes: int,
) -> tuple[Float[Tensor, "batch features"], Float[Tensor, "batch classes"]]:
    """mixup 一個批次

    把第 i 筆和第 `order[i]` 筆混在一起：自己占 `lam`，對方占 `1 - lam`。
    傳回（混好的 x, 混好的標籤），標籤是 (batch, classes) 的機率分布，浮點數。
    """
    target = nn.functional.one_hot(y, classes).to(x.dtype)
    return lam * x + (1 - lam) * x[order], lam * target + (1 - lam) * target[order]


@mixup_batch.cases
def _(rng: torch.Generator):
    x = torch.randn(6, 4, generator=rng)
    y = torch.tensor([0, 1, 2, 2, 3, 4])
    order = torch.tensor([1, 2, 3, 4, 5, 0])
    return [(x, y, 0.7, order, 5), (x, y, 0.0, order, 5), (x, y, 0.25, order, 8)]


@mixup_batch.verify
def _(case, output):
    x, y, lam, order, classes = case
    assert isinstance(output, tuple), "要傳回（混好的 x, 混好的標籤）。"
    assert len(output) == 2, "要傳回（混好的 x, 混好的標籤）。"
    mixed, target = output
    assert mixed.shape == x.shape, f"x 的形狀應是 {tuple(x.shape)}，你的是 {tuple(mixed.shape)}。"
    assert target.shape == (len(y), classes), (
        f"標籤要是 (batch, classes) = {(len(y), classes)} 的機率分布，你的是 {tuple(target.shape)}。"
    )
    assert torch.allclose(mixed, lam * x + (1 - lam) * x[order]), (
        f"lam = {lam} 時，x 應是 lam · x + (1 − lam) · x[order]：lam 是自己占的份。"
    )
    for i in range(len(y)):
        own, other = y[i].item(), y[order[i]].item()
        want = (lam if own != other else 1.0, 1 - lam if own != other else 1.0)
        got = (target[i, own].item(), target[i, other].item())
        assert all(abs(a - b) < 1e-6 for a, b in zip(want, got, strict=True)), (
            f"第 {i} 筆：自己是 {own}、對方是 {other}，標籤在這兩格應是 "
            f"{want[0]:.2f} 與 {want[1]:.2f}，你的是 {got[0]:.2f} 與 {got[1]:.2f}。"
        )
    assert torch.allclose(target.sum(1), torch.ones(len(y))), "每一筆的標籤要加總成 1。"


@mixup_batch.wrong("只混影像，標籤沒混")
def _(x, y, lam, order, classes):
    return lam * x + (1 - lam) * x[order], nn.functional.one_hot(y, classes).float()


@mixup_batch.wrong("把類別編號直接混，變成平均的編號")
def _(x, y, lam, order, classes):
    return lam * x + (1 - lam) * x[order], lam * y + (1 - lam) * y[order]


@mixup_batch.wrong("自己與對方的份量對調了")
def _(x, y, lam, order, classes):
    return mixup_batch.reference(x, y, 1 - lam, order, classes)


@mixup_batch.wrong("影像與標籤用了不同的 lam")
def _(x, y, lam, order, classes):
    return (
        mixup_batch.reference(x, y, lam, order, classes)[0],
        mixup_batch.reference(x, y, 0.5, order, classes)[1],
    )


@exercise(
    stars=3,
    hints=[
        "平均的是參數，不是輸出：對 state_dict 裡每一個張量做 (1 − t) · a + t · b。",
        "準備一個複本 copy.deepcopy(first)，用 load_state_dict 換上混好的張量，再量錯誤率。",
        "記得 eval()：評估時 BatchNorm 才會用累積的（混好的）統計量。",
    ],
)
def path_errors(
    first: nn.Module,
    second: nn.Module,
    x: Float[Tensor, "count 784"],
    y: Int[Tensor, " count"],
    ts: list[float],
) -> list[float]:
    """實驗－兩個模型之間的路

    `first` 與 `second` 是架構相同、訓練好的兩個模型。對 `ts` 裡的每一個 t，把兩邊 `state_dict` 的每個
    張量（參數與 BatchNorm 的統計量都要）混成 `(1 - t) · first + t · second`，在 `(x, y)` 上量錯誤率
    （評估模式），傳回錯誤率的串列。傳進來的兩個模型不能被改動。
    """
    model = copy.deepcopy(first).eval()
    a, b = first.state_dict(), second.state_dict()
    errors = []
    for t in ts:
        model.load_state_dict({name: (1 - t) * a[name] + t * b[name] for name in a})
        with torch.no_grad():
            errors.append((model(x).argmax(dim=1) != y).double().mean().item())
    return errors


@path_errors.cases
def _(rng: torch.Generator):
    data = datasets.mnist()
    chosen = torch.randperm(60_000, generator=rng)[:3_000]
    x = (data.train_images[chosen].flatten(1).float() / 255 - 0.13) / 0.31
    y = data.train_labels[chosen]
    models = []
    for _ in range(2):
        torch.manual_seed(int(torch.randint(1_000, (1,), generator=rng)))
        model = digit_mlp(32, NORMS["batch"], dropout=0.1)
        optimizer = AdamW(model.parameters(), 3e-3)
        for i in range(60):
            batch = slice(100 * (i % 20), 100 * (i % 20 + 1))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        models.append(model)  # 停在訓練模式
    return [(*models, x[2_000:], y[2_000:], [0.0, 0.3, 0.5, 1.0])]


@path_errors.run
def _(answer, case):
    output = answer(*case)
    return output, [dict(model.state_dict()) for model in case[:2]]


@path_errors.verify
def _(case, output):
    first, second, x, y, ts = case
    answer, after = output
    changed = any(
        not torch.equal(old, new[name])
        for model, new in zip((first, second), after, strict=True)
        for name, old in model.state_dict().items()
    )
    assert not changed, "傳進來的模型被改動了：先 copy.deepcopy，再換參數；量的時候切到 eval()。"
    assert isinstance(answer, list), f"要傳回串列，你傳回的是 {type(answer).__name__}。"
    assert len(answer) == len(ts), f"ts 有 {len(ts)} 個，你傳回了 {len(answer)} 個錯誤率。"
    model = copy.deepcopy(first).eval()
    for t, got in zip(ts, answer, strict=True):
        mixed = second.state_dict()
        for name, value in first.state_dict().items():
            mixed[name] = torch.lerp(value, mixed[name], t)
        model.load_state_dict(mixed)
        with torch.no_grad():
            want = (model(x).argmax(dim=1) != y).double().mean().item()
        assert abs(got - want) < 3e-3, (
            f"t = {t} 時錯誤率應是 {want:.3f}，你的是 {got:.3f}。"
            "混的是參數與統計量（不是輸出），t = 0 是 first，而且要在評估模式。"
        )


@path_errors.wrong("平均了兩個模型的輸出，不是參數")
def _(first, second, x, y, ts):
    a, b = copy.deepcopy(first).eval(), copy.deepcopy(second).eval()
    with torch.no_grad():
        mixed = [(1 - t) * a(x).softmax(1) + t * b(x).softmax(1) for t in ts]
    return [(m.argmax(1) != y).double().mean().item() for m in mixed]


@path_errors.wrong("只混參數，BatchNorm 的統計量留在 first 的")
def _(first, second, x, y, ts):
    model, errors = copy.deepcopy(first).eval(), []
    for t in ts:
        for mine, a, b in zip(
            model.parameters(), first.parameters(), second.parameters(), strict=True
        ):
            mine.data = (1 - t) * a.data + t * b.data
        errors.append((model(x).argmax(1) != y).double().mean().item())
    return errors


@path_errors.wrong("忘了 eval()，dropout 還開著")
def _(first, second, x, y, ts):
    model, errors = copy.deepcopy(first).train(), []
    a, b = first.state_dict(), second.state_dict()
    for t in ts:
        model.load_state_dict({name: (1 - t) * a[name] + t * b[name] for name in a})
        errors.append((model(x).argmax(1) != y).double().mean().item())
    return errors


@path_errors.wrong("就地改動傳進來的模型")
def _(first, second, x, y, ts):
    errors = path_errors.reference(first, second, x, y, ts)
    with torch.no_grad():
        for p, q in zip(first.parameters(), second.parameters(), strict=True):
            p.lerp_(q, ts[-1])
    return errors
