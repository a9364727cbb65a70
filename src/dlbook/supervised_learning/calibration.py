"""校準（calibration）：模型說「八成把握」的時候，是不是真的對八成。

Guo et al., On Calibration of Modern Neural Networks, arXiv:1706.04599。
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dlbook.supervised_learning.softmax import cross_entropy


def reliability(
    log_p: Float[Tensor, "batch classes"], targets: Int[Tensor, " batch"], bins: int = 15
) -> tuple[Float[Tensor, " bins"], Float[Tensor, " bins"], Float[Tensor, " bins"]]:
    """按把握（最大的機率）分成等寬的 ``bins`` 箱；傳回每箱的（平均把握, 正確率, 筆數佔比）。

    沒有資料的箱，三個數都是 0。

    Raises:
        ValueError: ``bins`` 小於 1。
    """
    if bins < 1:
        raise ValueError(f"bins 要至少是 1，現在是 {bins}。")
    log_confidence, predicted = log_p.double().max(dim=-1)
    confidence = log_confidence.exp()
    box = (confidence * bins).ceil().long().clamp(1, bins) - 1  # 第 b 箱是 (b/bins, (b+1)/bins]
    count = torch.bincount(box, minlength=bins).double()
    sums = [
        torch.bincount(box, weights=w.double(), minlength=bins)
        for w in (confidence, predicted == targets)
    ]
    mean_confidence, accuracy = (s / count.clamp(min=1) for s in sums)
    return mean_confidence, accuracy, count / len(log_p)


def expected_calibration_error(
    log_p: Float[Tensor, "batch classes"], targets: Int[Tensor, " batch"], bins: int = 15
) -> float:
    """ECE：各箱 |正確率 − 平均把握| 以筆數加權的平均；0 是完全校準。"""
    confidence, accuracy, share = reliability(log_p, targets, bins)
    return float((share * (accuracy - confidence).abs()).sum())


def fit_temperature(z: Float[Tensor, "batch classes"], targets: Int[Tensor, " batch"]) -> float:
    """讓 softmax(z / T) 的交叉熵最小的溫度 T；``z`` 與 ``targets`` 要來自**驗證集**。

    損失對 β = 1/T 是凸函數，一維的 LBFGS 幾步就到底。
    """
    z = z.detach().double()
    beta = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([beta], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(z * beta, targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    return 1 / beta.item()
