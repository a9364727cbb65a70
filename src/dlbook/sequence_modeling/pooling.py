"""把長短不一的一串向量收成一個：平均，或是讓注意力決定每一框占多少。

自注意力池化（self-attentive pooling, SAP）：Zhu et al., Self-Attentive Speaker Embeddings for
Text-Independent Speaker Verification, Interspeech 2018；語者辨識上的分析：Safari et al., arXiv:2008.01077。
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class MeanPooling(nn.Module):
    """真的框取平均；補的框不算。"""

    def weights(
        self, h: Float[Tensor, "batch time dim"], seen: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time"]:
        """每一框占多少：真的框平分，補的框是 0。"""
        return seen.to(h.dtype) / seen.sum(dim=1, keepdim=True).clamp(min=1)

    def forward(
        self, h: Float[Tensor, "batch time dim"], seen: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch dim"]:
        return torch.einsum("bt,btd->bd", self.weights(h, seen), h)


class SelfAttentivePooling(MeanPooling):
    """每一框先打分數 v·tanh(W h)，softmax 之後當權重：該聽哪幾框，由資料決定。

    分數的那一層一開始是 0，所以訓練從平均池化出發。
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(dim, hidden)
        self.second = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(self.second.weight)

    def weights(
        self, h: Float[Tensor, "batch time dim"], seen: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time"]:
        scores = self.second(self.first(h).tanh())[..., 0]
        return scores.masked_fill(~seen, -torch.inf).softmax(dim=1)
