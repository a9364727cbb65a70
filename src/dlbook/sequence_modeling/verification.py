"""語者驗證：兩段聲音是不是同一個人；以及它的尺，等錯誤率（equal error rate, EER）。"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


def trial_scores(
    embeddings: Float[Tensor, "files dim"], trials: Int[Tensor, "trials 2"]
) -> Float[Tensor, " trials"]:
    """每一對檔案的餘弦相似度。"""
    unit = F.normalize(embeddings, dim=-1)
    return (unit[trials[:, 0]] * unit[trials[:, 1]]).sum(dim=-1)


def error_rates(
    scores: Float[Tensor, " trials"], same: Bool[Tensor, " trials"]
) -> tuple[Float[Tensor, " cuts"], Float[Tensor, " cuts"], Float[Tensor, " cuts"]]:
    """(門檻、誤認率、誤拒率)：分數不低於門檻就判「同一人」。門檻由高到低，每個出現過的分數一個。

    誤認（false acceptance）：不同人判成同一人；誤拒（false rejection）：同一人判成不同人。
    最前面多一個無限大的門檻：誰都不認。只有一種答案時丟出 ValueError。
    """
    if same.all() or not same.any():
        raise ValueError("要有同一人、也要有不同人的配對，才量得出兩種錯誤")
    order = scores.argsort(descending=True)
    ordered, hits = scores[order].double(), same[order].double()
    last = torch.cat([ordered[1:] != ordered[:-1], torch.ones(1, dtype=torch.bool)])  # 同分一起判
    accepted_same, accepted_different = hits.cumsum(0)[last], (1 - hits).cumsum(0)[last]
    start = torch.zeros(1, dtype=torch.float64)
    false_accept = torch.cat([start, accepted_different / (1 - hits).sum()])
    false_reject = torch.cat([start + 1, 1 - accepted_same / hits.sum()])
    return torch.cat([start + torch.inf, ordered[last]]), false_accept, false_reject


def equal_error_rate(scores: Float[Tensor, " trials"], same: Bool[Tensor, " trials"]) -> float:
    """誤認率與誤拒率相等時的錯誤率；兩個門檻之間用直線內插。0 是完美，0.5 是亂猜。"""
    _, accept, reject = error_rates(scores, same)
    gap = accept - reject  # 由 −1 一路升到 1
    i = int((gap >= 0).nonzero()[0])
    share = -gap[i - 1] / (gap[i] - gap[i - 1])
    return float(accept[i - 1] + share * (accept[i] - accept[i - 1]))
