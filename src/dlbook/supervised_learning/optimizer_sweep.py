"""每種最佳化器用哪個學習率：同樣的 200 步，相隔約三倍的五個學習率，三個種子。

要跑一分鐘左右，所以事先跑好，存在 ``records/supervised_learning/mlp_training-optimizers.json``::

    python -m dlbook.supervised_learning.optimizer_sweep
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dlbook.paths import checkout
from dlbook.supervised_learning.digit_mlp import (
    DigitData,
    digit_data,
    digit_mlp,
    error_rate,
    train_steps,
)
from dlbook.supervised_learning.muon import Muon, muon_groups
from dlbook.supervised_learning.optimizers import SGD, Adam, AdamW, RMSProp

SEEDS = (0, 1, 2)
STEPS, COUNT, WIDTH = 200, 10_000, 128

MAKERS: dict[str, Callable[[nn.Module, float], torch.optim.Optimizer]] = {
    "SGD": lambda net, lr: SGD(net.parameters(), lr),
    "動量": lambda net, lr: SGD(net.parameters(), lr, momentum=0.9),
    "Nesterov": lambda net, lr: SGD(net.parameters(), lr, momentum=0.9, nesterov=True),
    "RMSProp": lambda net, lr: RMSProp(net.parameters(), lr),
    "Adam": lambda net, lr: Adam(net.parameters(), lr),
    "AdamW": lambda net, lr: AdamW(net.parameters(), lr, weight_decay=0.05),
    "Muon": lambda net, lr: Muon(muon_groups(net, lr=lr, adam_lr=2e-3, weight_decay=0.05), lr),
}

_ADAM_RATES = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2]
RATES: dict[str, list[float]] = {
    "SGD": [0.01, 0.03, 0.1, 0.3, 1.0],
    "動量": [0.003, 0.01, 0.03, 0.1, 0.3],
    "Nesterov": [0.003, 0.01, 0.03, 0.1, 0.3],
    "RMSProp": _ADAM_RATES,
    "Adam": _ADAM_RATES,
    "AdamW": _ADAM_RATES,
    "Muon": [1e-3, 3e-3, 1e-2, 3e-2, 0.1],
}


def sweep_error(data: DigitData, name: str, lr: float, seed: int) -> float:
    """訓練一次，傳回驗證錯誤率。"""
    torch.manual_seed(seed)
    net = digit_mlp(WIDTH)
    x, y = data.train_x[:COUNT], data.train_y[:COUNT]
    train_steps(net, MAKERS[name](net, lr), x, y, STEPS, seed=seed)
    return error_rate(net, data.valid_x, data.valid_y)


def sweep_path() -> Path:
    """紀錄檔的位置。"""
    return checkout() / "records/supervised_learning/mlp_training-optimizers.json"


def load_sweep() -> dict[str, Any]:
    """讀出事先跑好的結果；``errors[最佳化器][學習率]`` 是每個種子的驗證錯誤率。"""
    return json.loads(sweep_path().read_text("utf-8"))


def best_rates(errors: dict[str, dict[str, list[float]]]) -> dict[str, float]:
    """每種最佳化器，平均驗證錯誤率最低的學習率。"""
    return {name: float(min(row, key=lambda lr: sum(row[lr]))) for name, row in errors.items()}


def run_sweep() -> None:
    """全部跑一遍，寫進紀錄檔。"""
    data, start = digit_data(), time.perf_counter()
    errors = {
        name: {str(lr): [sweep_error(data, name, lr, seed) for seed in SEEDS] for lr in rates}
        for name, rates in RATES.items()
    }
    content = {
        "command": "python -m dlbook.supervised_learning.optimizer_sweep",
        "about": f"{COUNT:,} 張、寬 {WIDTH}、{STEPS} 步；驗證集 5,000 張的錯誤率，種子 0、1、2。",
        "torch": torch.__version__,
        "recorded": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.perf_counter() - start, 1),
        "errors": errors,
    }
    sweep_path().write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_sweep()
