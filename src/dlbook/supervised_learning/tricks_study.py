"""訓練技巧的研究：一樣一樣加到基準上、一樣一樣從全套裡拿掉，三個種子。

一個種子要跑六、七分鐘，所以事先跑好，存在 ``records/supervised_learning/mlp_training-tricks.json``::

    python -m dlbook.supervised_learning.tricks_study --seed 0   # 再跑 1 與 2，結果會併在一起
"""

import argparse
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dlbook.paths import checkout
from dlbook.supervised_learning.digit_mlp import DigitData, digit_data, error_rate, train_digits

Settings = dict[str, Any]

EPOCHS = 8
FAST = {"schedule": True, "lr": 4e-3}  # 有 warm-up 才敢用的學習率

ADDED: dict[str, Settings] = {
    "warm-up + cosine": {"schedule": True},
    "warm-up + cosine，學習率 4 倍": FAST,
    "只把學習率乘 4": {"lr": 4e-3},
    "BatchNorm": {"norm": "batch"},
    "LayerNorm": {"norm": "layer"},
    "dropout 0.2": {"dropout": 0.2},
    "權重衰減 0.05": {"weight_decay": 0.05},
    "標籤平滑 0.1": {"smoothing": 0.1},
    "梯度裁剪 1.0": {"clip": 1.0},
    "mixup 0.2": {"mixup_alpha": 0.2},
    "平移 1 像素": {"most_shift": 1},
    "EMA 0.999": {"ema": 0.999},
    "SWA（最後 3 個 epoch）": {"swa": 3},
    "批次 512": {"batch_size": 512},
    "GELU": {"activation": nn.GELU},
    "SGD + Nesterov": {"optimizer": "sgd", "lr": 0.05},
    "Muon": {"optimizer": "muon", "lr": 0.02},
    "兩倍寬": {"width": 512},
}

EVERYTHING: Settings = FAST | {
    "norm": "batch",
    "dropout": 0.2,
    "weight_decay": 0.05,
    "smoothing": 0.1,
    "clip": 1.0,
    "mixup_alpha": 0.2,
    "most_shift": 1,
    "ema": 0.999,
}

REMOVED: dict[str, Settings] = {
    "warm-up + cosine，學習率 4 倍": {"schedule": False, "lr": 1e-3},
    "BatchNorm": {"norm": "none"},
    "dropout 0.2": {"dropout": 0.0},
    "權重衰減 0.05": {"weight_decay": 0.0},
    "標籤平滑 0.1": {"smoothing": 0.0},
    "梯度裁剪 1.0": {"clip": None},
    "mixup 0.2": {"mixup_alpha": 0.0},
    "平移 1 像素": {"most_shift": 0},
    "EMA 0.999": {"ema": None},
}

# 看種子 0 的驗證集決定：從全套裡拿掉 dropout、裁剪、mixup 與 EMA。
LEAN: Settings = FAST | {
    "norm": "batch",
    "weight_decay": 0.05,
    "smoothing": 0.1,
    "most_shift": 1,
}


def variants() -> dict[str, Settings]:
    """所有要訓練的設定，鍵是「基準」「加：…」「全套」「拿掉：…」「精簡」。"""
    added = {f"加：{name}": changes for name, changes in ADDED.items()}
    removed = {f"拿掉：{name}": EVERYTHING | changes for name, changes in REMOVED.items()}
    return {"基準": {}, **added, "全套": EVERYTHING, **removed, "精簡": LEAN}


def validation_errors(
    data: DigitData, settings: Mapping[str, Settings], seed: int, *, count: int, epochs: int
) -> dict[str, float]:
    """每一種設定用前 ``count`` 張訓練，在驗證集上的錯誤率。"""
    x, y = data.train_x[:count], data.train_y[:count]
    errors = {}
    for name, changes in settings.items():
        model = train_digits(seed, x, y, epochs=epochs, **changes)
        errors[name] = error_rate(model, data.valid_x, data.valid_y)
    return errors


def study_path() -> Path:
    """紀錄檔的位置。"""
    return checkout() / "records/supervised_learning/mlp_training-tricks.json"


def load_study() -> dict[str, Any]:
    """讀出事先跑好的結果。"""
    return json.loads(study_path().read_text("utf-8"))


def run_study(seed: int) -> None:
    """跑一個種子，併進紀錄檔；另存一份小規模的結果，讓測試能很快重跑。"""
    data, settings = digit_data(), variants()
    start = time.perf_counter()
    full = validation_errors(data, settings, seed, count=55_000, epochs=EPOCHS)
    seconds = round(time.perf_counter() - start, 1)
    small = validation_errors(data, settings, seed, count=2_000, epochs=2)
    path = study_path()
    content = load_study() if path.exists() else {"runs": {}}
    content |= {
        "command": "python -m dlbook.supervised_learning.tricks_study --seed 種子",
        "about": "55,000 張訓練、8 個 epoch；驗證集 5,000 張的錯誤率。small：2,000 張、2 個 epoch。",
        "torch": torch.__version__,
        "recorded": datetime.now(UTC).date().isoformat(),
    }
    content["runs"][str(seed)] = {"seconds": seconds, "errors": full, "small": small}
    content["runs"] = dict(sorted(content["runs"].items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    torch.set_num_threads(1)
    run_study(parser.parse_args().seed)
