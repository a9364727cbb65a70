"""AM-Softmax（additive margin softmax）：只看夾角，而且要贏別人一段距離才算數。

Wang et al., Additive Margin Softmax for Face Verification, arXiv:1801.05599。
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


class CosineHead(nn.Module):
    """每一類一個方向；分數是向量與那個方向的夾角餘弦，在 −1 與 1 之間。"""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, dim))
        nn.init.xavier_normal_(self.weight)

    def forward(self, x: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch classes"]:
        return F.normalize(x, dim=-1) @ F.normalize(self.weight, dim=-1).T


def am_softmax_loss(
    cosines: Float[Tensor, "batch classes"],
    y: Int[Tensor, " batch"],
    scale: float = 30.0,
    margin: float = 0.2,
) -> Float[Tensor, ""]:
    """答案那一類的餘弦先減去 margin，全部乘上 scale，再算交叉熵。

    margin = 0 就是只看夾角的 softmax（normalised softmax）。margin 是負的或 scale 不是正的時丟出 ValueError。
    """
    if margin < 0 or scale <= 0:
        raise ValueError(f"margin 不能是負的、scale 要是正的，收到 margin={margin}、scale={scale}")
    answer = F.one_hot(y, cosines.shape[1]).to(cosines.dtype)
    return F.cross_entropy(scale * (cosines - margin * answer), y)
