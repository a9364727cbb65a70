"""三個研究：四代網路、資料增強、少量標註的階梯，各三個種子；外加事先訓練好的兩個網路。

要跑好幾分鐘，所以事先跑好，存在 ``records/computer_vision/cnn_fundamentals-study.json``::

    python -m dlbook.computer_vision.cnn_study --part digits --seed 0   # 每一部分再跑 1 與 2，結果會併在一起；fashion 的種子 0 是檢查點
"""

import argparse
import functools
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dlbook import paths
from dlbook.computer_vision.affine import random_affine
from dlbook.computer_vision.augmentation import (
    cutmix,
    cutout,
    predict_tta,
    rand_augment,
    random_crop,
    random_flip,
    weak_augment,
)
from dlbook.computer_vision.cnn_models import depthwise_net, digit_cnn, lenet, resnet, vgg
from dlbook.computer_vision.fashion import (
    ImageData,
    accuracy,
    class_scores,
    digit_images,
    fashion_data,
    train_images,
)
from dlbook.computer_vision.semi_supervised import choose_labelled, train_semi
from dlbook.supervised_learning.regularization import mixup
from dlbook.training import History

CHECKPOINTS = paths.PACKAGE / "checkpoints/computer_vision"
PER_CLASS = 10
Settings = Mapping[str, Any]

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "LeNet": lenet,
    "VGG": vgg,
    "很深，沒有捷徑": functools.partial(resnet, blocks=4, shortcut=False),
    "很深，有捷徑": functools.partial(resnet, blocks=4),
    "ResNet（淺）": resnet,
    "深度可分離": depthwise_net,
}


def small_crop(x: Tensor) -> Tensor:
    """翻轉，再平移最多 1 像素。"""
    return random_crop(random_flip(x), 1)


AUGMENTATIONS: dict[str, Settings] = {
    "什麼都不做": {},
    "左右翻轉": {"view": random_flip},
    "上下翻轉": {"view": lambda x: torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(2), x)},
    "翻轉＋裁切": {"view": weak_augment},
    "翻轉＋仿射": {"view": lambda x: random_affine(random_flip(x))},
    "翻轉＋裁切＋cutout": {"view": lambda x: cutout(weak_augment(x))},
    "翻轉＋裁切＋mixup": {"view": weak_augment, "mix": lambda x, y: mixup(x, y, 0.4)},
    "翻轉＋裁切＋CutMix": {"view": weak_augment, "mix": cutmix},
    "翻轉＋裁切＋RandAugment": {"view": lambda x: rand_augment(weak_augment(x))},
}

SIMPLE, MEDIUM, STRONG, BOSS = (
    "simple：只用標註",
    "medium：加弱增強",
    "strong：加 pseudo-label",
    "boss：改用 FixMatch",
)
RUNGS: dict[str, dict[str, Any]] = {
    SIMPLE: {"method": None, "steps": 1_500, "augment": False},
    MEDIUM: {"method": None, "steps": 1_500},
    STRONG: {"method": "pseudo", "steps": 1_500},
    BOSS: {"method": "fixmatch", "steps": 1_500},
}
# 資料 → (讀取, 弱增強)；數字不能左右翻轉
LADDERS: dict[str, tuple[Callable[[], ImageData], Callable[[Tensor], Tensor]]] = {
    "digits": (digit_images, random_crop),
    "clothes": (fashion_data, weak_augment),
}

PRETRAINED: dict[str, tuple[Callable[[], nn.Sequential], Callable[[], ImageData], Settings]] = {
    "fashion": (
        functools.partial(resnet, (32, 64, 128)),
        fashion_data,
        {"epochs": 14, "batch_size": 64, "lr": 1e-2, "view": small_crop},
    ),
    "digits": (digit_cnn, digit_images, {"epochs": 4, "view": random_affine}),
}


def compare_architectures(data: ImageData, seed: int, *, count: int, epochs: int) -> dict[str, Any]:
    """每一種網路：每個 epoch 的訓練損失，與最後的驗證、測試正確率。"""
    results = {}
    for name, make in ARCHITECTURES.items():
        x, y = data.train_x[:count], data.train_y[:count]
        model, history = train_images(make, x, y, seed=seed, epochs=epochs)
        results[name] = {"loss": history.epoch_loss} | _two_accuracies(model, data)
    return results


def compare_augmentations(data: ImageData, seed: int, *, count: int, epochs: int) -> dict[str, Any]:
    """每一種增強：只用 ``count`` 張訓練同一個 ResNet，驗證與測試正確率。"""
    results = {}
    x, y = data.train_x[:count], data.train_y[:count]
    for name, options in AUGMENTATIONS.items():
        model, _ = train_images(
            resnet, x, y, seed=seed, epochs=epochs, batch_size=64, lr=4e-3, **options
        )
        results[name] = _two_accuracies(model, data)
    return results


def few_labels(data: ImageData, seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """每類 10 個標註，與其餘的訓練影像；由 ``seed`` 決定留下哪些。"""
    labelled, unlabelled = choose_labelled(data.train_y, PER_CLASS, seed)
    parts = [(data.train_x[part], data.train_y[part]) for part in (labelled, unlabelled)]
    return parts[0], parts[1]


def climb_ladder(
    data: ImageData, weak: Callable[[Tensor], Tensor], seed: int, *, every: int = 150
) -> dict[str, Any]:
    """四階各訓練一次，網路都是 LeNet：過程與最後的驗證、測試正確率。"""
    (labelled, unlabelled), results = few_labels(data, seed), {}
    for name, settings in RUNGS.items():
        model, history = train_semi(
            lenet, labelled, unlabelled, **settings, weak=weak, seed=seed, every=every,
            evaluate=lambda m: accuracy(class_scores(m, data.valid_x), data.valid_y),
        )  # fmt: skip
        results[name] = _two_accuracies(model, data) | {
            "steps": history.steps, "valid_curve": history.score, "sure": history.sure,
            "right": history.right, "first_losses": history.loss[:20],
        }  # fmt: skip
    return results


def train_pretrained(
    name: str, seed: int, only: int | None = None, device: torch.device | str = "cpu"
) -> tuple[nn.Sequential, History]:
    """訓練 ``PRETRAINED`` 裡的一個網路；``only`` 只跑前幾步。"""
    make, load, settings = PRETRAINED[name]
    data = load()
    x, y = data.train_x, data.train_y
    model, history = train_images(make, x, y, seed=seed, only=only, device=device, **settings)
    assert isinstance(model, nn.Sequential)
    return model, history


def measure_pretrained(model: nn.Module, data: ImageData) -> dict[str, float]:
    """驗證、測試正確率，以及加上 TTA（原圖與鏡像平均）的。"""
    flipped = {
        f"{part}_tta": accuracy(torch.cat([predict_tta(model, p) for p in x.split(500)]), y)
        for part, x, y in [
            ("valid", data.valid_x, data.valid_y),
            ("test", data.test_x, data.test_y),
        ]
    }
    return _two_accuracies(model, data) | flipped


def load_pretrained(name: str) -> tuple[nn.Sequential, dict[str, Any]]:
    """事先訓練好的網路（fashion 或 digits，種子 0，評估模式），與它的紀錄。

    Raises:
        FileNotFoundError: 檢查點不在；訊息說明怎麼產生。
    """
    file = CHECKPOINTS / f"cnn_fundamentals-{name}.safetensors"
    if not file.exists():
        raise FileNotFoundError(
            f"沒有「{name}」的檢查點；用 python tools/make_cnn_checkpoints.py {name} 產生。"
        )
    model = PRETRAINED[name][0]()
    model.load_state_dict(load_file(file))
    return model.eval(), json.loads(file.with_suffix(".json").read_text("utf-8"))


def _two_accuracies(model: nn.Module, data: ImageData) -> dict[str, float]:
    return {
        "valid": accuracy(class_scores(model, data.valid_x), data.valid_y),
        "test": accuracy(class_scores(model, data.test_x), data.test_y),
    }


def study_path() -> Path:
    """紀錄檔的位置。"""
    return paths.checkout() / "records/computer_vision/cnn_fundamentals-study.json"


def load_study() -> dict[str, Any]:
    """讀出事先跑好的結果：部分 → 種子 → 名稱 → 數字。"""
    return json.loads(study_path().read_text("utf-8"))


def run_part(part: str, seed: int) -> dict[str, Any]:
    """跑一個部分的一個種子，連秒數。"""
    start = time.perf_counter()
    if part == "fashion":
        model, _ = train_pretrained("fashion", seed)
        results: dict[str, Any] = measure_pretrained(model, fashion_data())
    elif part == "architectures":
        results = compare_architectures(fashion_data(), seed, count=18_000, epochs=5)
    elif part == "augmentations":
        results = compare_augmentations(fashion_data(), seed, count=2_000, epochs=25)
    else:
        load, weak = LADDERS[part]
        results = climb_ladder(load(), weak, seed)
    return {"seconds": round(time.perf_counter() - start, 1), "results": results}


PARTS = ("fashion", "architectures", "augmentations", *LADDERS)


def main() -> None:
    """跑一個部分，併進紀錄檔。"""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = run_part(arguments.part, arguments.seed)
    path = study_path()
    content = load_study() if path.exists() else {}
    content |= {
        "command": "python -m dlbook.computer_vision.cnn_study --part 部分 --seed 種子",
        "torch": torch.__version__,
        "recorded": datetime.now(UTC).date().isoformat(),
    }
    runs = content.setdefault(arguments.part, {}) | {str(arguments.seed): found}
    content[arguments.part] = dict(sorted(runs.items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
