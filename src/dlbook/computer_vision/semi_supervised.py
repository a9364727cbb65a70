"""少量標註加大量未標註：pseudo-label 與 FixMatch，同一個迴圈。

Lee, Pseudo-Label, ICML 2013 Workshop；Sohn et al., FixMatch, arXiv:2001.07685；
distribution alignment：Berthelot et al., ReMixMatch, arXiv:1911.09785。
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.computer_vision.augmentation import strong_augment, weak_augment
from dlbook.computer_vision.complexity import channels_last

View = Callable[[Tensor], Tensor]


def choose_labelled(
    y: Int[Tensor, " N"], per_class: int, seed: int
) -> tuple[Int[Tensor, " L"], Int[Tensor, " U"]]:
    """每類隨機留下 ``per_class`` 個標註，其餘當作沒有標註；傳回兩份的位置。"""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    labelled = torch.cat([order[y[order] == k][:per_class] for k in range(int(y.max()) + 1)])
    hidden = torch.ones(len(y), dtype=torch.bool)
    hidden[labelled] = False
    return labelled, hidden.nonzero().flatten()


def confident_guesses(
    scores: Float[Tensor, "N K"], threshold: float, usual: Float[Tensor, " K"] | None = None
) -> tuple[Int[Tensor, " N"], Bool[Tensor, " N"]]:
    """猜的類別，以及把握有沒有達到 ``threshold``；不帶梯度。

    ``usual`` 是模型近來平均給每一類多少機率。各類其實一樣多，所以先除以它再正規化
    （distribution alignment）：猜得太勤的類別打折，冷落的類別補回來。
    """
    p = scores.detach().softmax(dim=1)
    if usual is not None:
        p = p / usual
        p = p / p.sum(dim=1, keepdim=True)
    best = p.max(dim=1)
    return best.indices, best.values >= threshold


def consistency_loss(
    scores: Float[Tensor, "N K"], guess: Int[Tensor, " N"], sure: Bool[Tensor, " N"]
) -> Float[Tensor, ""]:
    """只有把握夠的才算交叉熵，但除以**全部**的張數：一開始沒幾張夠把握，這一項自然就小。"""
    return (F.cross_entropy(scores, guess, reduction="none") * sure).mean()


@dataclass
class SemiHistory:
    """``loss`` 每一步一個；其餘每 ``every`` 步一個：步數、夠把握的比例、猜對的比例、評估分數。"""

    loss: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)


def unlabelled_views(method: str, weak: View) -> tuple[View, View]:
    """（猜標籤時看的影像，練的時候看的影像）。pseudo 與 fixmatch 只差在這裡。

    Raises:
        ValueError: 不認得 ``method``。
    """
    if method == "pseudo":
        return (lambda u: u), weak
    if method == "fixmatch":
        return weak, (lambda u: strong_augment(u, weak))
    raise ValueError(f"method 要是 None、pseudo 或 fixmatch，現在是「{method}」。")


def train_semi(
    make: Callable[[], nn.Module],
    labelled: tuple[Float[Tensor, "L 1 28 28"], Int[Tensor, " L"]],
    unlabelled: tuple[Float[Tensor, "U 1 28 28"], Int[Tensor, " U"]],
    *,
    seed: int,
    steps: int,
    method: str | None,
    weak: View = weak_augment,
    augment: bool = True,
    threshold: float = 0.95,
    ratio: int = 3,
    batch_size: int = 48,
    lr: float = 3e-3,
    align: bool = True,
    every: int = 100,
    evaluate: Callable[[nn.Module], float] | None = None,
    stop_after: int | None = None,
    device: torch.device | str = "cpu",
) -> tuple[nn.Module, SemiHistory]:
    """訓練 ``steps`` 步；回傳停在評估模式的模型與紀錄。

    ``method`` 是 None（只用標註）、pseudo 或 fixmatch。未標註資料的答案只用來量「猜對幾成」，不進損失。
    ``weak`` 是弱增強，也用在標註影像上（``augment=False`` 就不用）；``align`` 見
    :func:`confident_guesses`。每一步用 ``ratio`` 倍的未標註影像；``stop_after`` 只跑前幾步。

    Raises:
        ValueError: 不認得 ``method``。
    """
    views = unlabelled_views(method, weak) if method is not None else None
    torch.manual_seed(seed)
    model = channels_last(make()).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    history, sure, right = SemiHistory(), [], []
    classes = int(labelled[1].max()) + 1
    usual = torch.full((classes,), 1 / classes, device=device)
    for step in range(1, (stop_after or steps) + 1):
        x, y = draw(*labelled, batch_size)
        x, y = (weak(x) if augment else x).to(device), y.to(device)
        if views is None:
            loss = F.cross_entropy(model(x), y)
        else:
            guess_view, train_view = views
            u, truth = draw(*unlabelled, ratio * batch_size)
            with torch.no_grad():
                guess_scores = model(guess_view(u).to(device))
                usual.lerp_(guess_scores.softmax(dim=1).mean(dim=0), 0.02)
                guess, mask = confident_guesses(guess_scores, threshold, usual if align else None)
            scores = model(torch.cat([x, train_view(u).to(device)]))  # 一起過，BatchNorm 才一致
            loss = F.cross_entropy(scores[: len(x)], y)
            loss = loss + consistency_loss(scores[len(x) :], guess, mask)
            sure.append(float(mask.float().mean()))
            right.append(float((guess.cpu() == truth)[mask.cpu()].float().mean()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        history.loss.append(loss.item())
        if evaluate is not None and step % every == 0:
            history.steps.append(step)
            history.score.append(evaluate(model.eval()))
            model.train()
            history.sure.append(sum(sure) / max(len(sure), 1))
            known = [value for value in right if value == value]  # 一張都不夠把握時是 nan
            history.right.append(sum(known) / max(len(known), 1))
            sure, right = [], []
    return model.eval(), history


def draw(x: Tensor, y: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """隨機抽 ``count`` 筆（可重複）。"""
    index = torch.randint(len(x), (count,))
    return x[index], y[index]
