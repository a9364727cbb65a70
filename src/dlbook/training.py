"""全課程共用的監督式訓練迴圈；pytorch_fundamentals 逐行解說它。"""

import contextlib
import copy
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm


@dataclass
class History:
    """一次訓練的紀錄：每一步與每個 epoch 的損失、每個 epoch 的評估分數、最好的 epoch（從 0 起算）。"""

    step_loss: list[float] = field(default_factory=list)
    epoch_loss: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    best_epoch: int = -1
    seconds: float = 0.0

    @property
    def best_score(self) -> float:
        """最好的評估分數；還沒評估過是負無限大。"""
        return self.score[self.best_epoch] if self.best_epoch >= 0 else -math.inf


class TrainingState:
    """訓練中會變的一切：參數、最佳化器、排程、參數平均、最好的參數、亂數狀態與紀錄。"""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
        ema: float | None = None,
    ) -> None:
        self.model = model
        self.history = History()
        self.best: dict[str, torch.Tensor] | None = None
        self.averaged: AveragedModel | None = None
        self.parts: dict[str, Any] = {"model": model, "optimizer": optimizer}
        if scheduler is not None:
            self.parts["scheduler"] = scheduler
        if ema is not None:
            average = get_ema_multi_avg_fn(ema)
            self.averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
            self.parts["averaged"] = self.averaged

    @property
    def evaluated_model(self) -> nn.Module:
        """拿來評估的模型：有參數平均時是平均後的那一個。"""
        return self.model if self.averaged is None else self.averaged.module

    def score(self, evaluate: Callable[[nn.Module], float]) -> None:
        """評估一次；比以前都好就把參數記下來。"""
        model, best_so_far = self.evaluated_model.eval(), self.history.best_score
        with torch.no_grad():
            self.history.score.append(float(evaluate(model)))
        if self.history.score[-1] > best_so_far:
            self.history.best_epoch = len(self.history.score) - 1
            self.best = copy.deepcopy(model.state_dict())

    def restore_best(self) -> None:
        """把參數換回最好的一次；沒有評估過就用最後的（平均後的）參數。模型停在評估模式。"""
        self.model.load_state_dict(self.best or self.evaluated_model.state_dict())
        self.model.eval()

    def save(self, path: Path) -> None:
        """先寫到暫存檔再改名，中途斷電也不會留下半個檔案。"""
        content: dict[str, Any] = {name: part.state_dict() for name, part in self.parts.items()}
        content |= {
            "best": self.best,
            "history": asdict(self.history),
            "rng": torch.get_rng_state(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(path.suffix + ".part")
        torch.save(content, temporary)
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        """接著上次存檔的地方；連亂數狀態也還原，所以結果與沒有中斷時逐位元相同。"""
        content = torch.load(path, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(content[name])
        self.best = content["best"]
        self.history = History(**content["history"])
        torch.set_rng_state(content["rng"])


def fit(
    model: nn.Module,
    loader: Iterable[tuple[torch.Tensor, torch.Tensor]],
    loss_fn: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    evaluate: Callable[[nn.Module], float] | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    clip: float | None = None,
    ema: float | None = None,
    patience: int | None = None,
    amp: bool = False,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
    """訓練 ``model``，結束時參數是評估分數最好的一次。

    Args:
        model: 任何 ``nn.Module``；資料會搬到它所在的裝置。
        loader: 每次產生 ``(x, y)``；每個 epoch 走一遍。打亂順序要用全域亂數，續跑才會相同。
        loss_fn: ``loss_fn(model(x), y)`` 回傳純量損失。
        optimizer: 任何 ``torch.optim`` 最佳化器。
        epochs: 訓練幾個 epoch（續跑時包含已經跑過的）。
        evaluate: ``evaluate(model)`` 回傳越大越好的分數，每個 epoch 結束時呼叫。
        scheduler: 學習率排程，每一步走一格。
        clip: 梯度總範數的上限。
        ema: 參數指數移動平均的衰減率，例如 .999。
        patience: 連續這麼多個 epoch 沒有進步就提早停止（early stopping）。
        amp: 前向用 bfloat16 混合精度。
        checkpoint: 每個 epoch 存檔的位置；檔案已存在就從那裡續跑。
        progress: 顯示進度條。

    Raises:
        FloatingPointError: 損失變成 nan 或無限大。
        ValueError: 給了 patience 卻沒有 evaluate，或 loader 沒有產生任何資料。
    """
    if patience is not None and evaluate is None:
        raise ValueError("要提早停止就得有評估分數：給了 patience，也要給 evaluate。")
    state = TrainingState(model, optimizer, scheduler, ema)
    if checkpoint is not None and checkpoint.exists():
        state.load(checkpoint)
    device = next(model.parameters()).device
    precision = torch.autocast(device.type, torch.bfloat16) if amp else contextlib.nullcontext()
    start = time.perf_counter() - state.history.seconds

    for epoch in range(len(state.history.epoch_loss), epochs):
        if patience is not None and epoch - state.history.best_epoch > patience:
            break
        model.train()
        losses = []
        for x, y in tqdm(loader, f"epoch {epoch + 1}/{epochs}", leave=False, disable=not progress):
            with precision:
                loss = loss_fn(model(x.to(device)), y.to(device))
            if not loss.isfinite():
                raise FloatingPointError(
                    f"第 {epoch + 1} 個 epoch 的損失變成 {loss.item()}，先試試較小的學習率。"
                )
            optimizer.zero_grad()
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            if state.averaged is not None:
                state.averaged.update_parameters(model)
            losses.append(loss.item())
        if not losses:
            raise ValueError(
                "loader 沒有產生任何資料；產生器只能走一遍，請改用 DataLoader 或串列。"
            )
        state.history.step_loss += losses
        state.history.epoch_loss.append(sum(losses) / len(losses))
        if evaluate is not None:
            state.score(evaluate)
        state.history.seconds = time.perf_counter() - start
        if checkpoint is not None:
            state.save(checkpoint)

    state.restore_best()
    return state.history
