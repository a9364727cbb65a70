"""遷移學習：凍結的網路當特徵抽取器，上面只練一個線性分類器。

Yosinski et al., How transferable are features in deep neural networks?, arXiv:1411.1792。
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from dlbook.computer_vision.complexity import channels_last
from dlbook.computer_vision.mobilenet_v2 import MobileNetV2, normalize_pixels

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # LogisticRegression 的 C：越小，正則化越強


@torch.no_grad()
def layer_features(
    model: MobileNetV2,
    images: UInt8[Tensor, "N 3 H W"],
    config: Mapping[str, Any],
    size: int = 224,
    blocks: tuple[int, ...] = (18,),
) -> dict[int, Float[Tensor, "N C"]]:
    """第 ``blocks`` 個區塊的輸出，對高與寬平均：每個通道一個數。影像先放大到 ``size``。"""
    channels_last(model)
    device = next(model.parameters()).device
    found: dict[int, list[Tensor]] = {block: [] for block in blocks}
    for part in images.split(4):  # 小批次：特徵圖留在快取裡，反而快
        x = F.interpolate(part / 255, size=(size, size), mode="bilinear", antialias=True)
        x = normalize_pixels(x, config).to(device)
        for number, y in enumerate(model.block_outputs(x)):
            if number in found:
                found[number].append(y.mean(dim=(2, 3)).cpu())
    return {block: torch.cat(parts) for block, parts in found.items()}


def raw_pixels(images: UInt8[Tensor, "N 3 H W"], side: int) -> Float[Tensor, "N C"]:
    """縮成 ``side`` × ``side`` 再攤平的像素，當作對照組。"""
    return F.interpolate(images / 255, size=(side, side), mode="area").flatten(1)


def linear_probe(strength: float) -> Pipeline:
    """標準化（只用訓練資料的統計量）接多類別的羅吉斯迴歸。"""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2_000))


def fit_probe(
    x: Float[Tensor, "N C"], y: Int[Tensor, " N"], groups: Int[Tensor, " N"]
) -> tuple[Pipeline, float, float]:
    """以**按群組切**的三折交叉驗證挑正則化的強度；傳回（用全部訓練資料重練的分類器, C, 交叉驗證正確率）。"""
    features, labels, folds = x.numpy(), y.numpy(), GroupKFold(3)
    scores = [
        cross_val_score(linear_probe(c), features, labels, groups=groups.numpy(), cv=folds).mean()
        for c in STRENGTHS
    ]
    best = int(np.argmax(scores))
    probe = linear_probe(STRENGTHS[best]).fit(features, labels)
    return probe, STRENGTHS[best], float(scores[best])


def separability(x: Float[Tensor, "N C"], y: Int[Tensor, " N"]) -> float:
    """每一筆（在同一份資料裡）最近的另一筆同類的比例：特徵空間裡，同類有沒有聚在一起。"""
    distance = torch.cdist(x, x).fill_diagonal_(torch.inf)
    return float((y[distance.argmin(dim=1)] == y).double().mean())
