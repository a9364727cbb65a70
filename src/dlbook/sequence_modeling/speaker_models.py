"""辨識語者的網路：換編碼器、換池化、換輸出層，其他都一樣。"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlbook.sequence_modeling.conformer import ConformerBlock
from dlbook.sequence_modeling.encoder import EncoderLayer, FeedForward
from dlbook.sequence_modeling.margin_softmax import CosineHead
from dlbook.sequence_modeling.pooling import MeanPooling, SelfAttentivePooling
from dlbook.sequence_modeling.positions import sinusoidal_positions
from dlbook.sequence_modeling.speaker_data import pad_files, seen_frames


class FrameLayer(nn.Module):
    """只有前饋網路、沒有注意力的一層：每一框各算各的，看不到別框。"""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch time dim"], mask: object = None) -> Tensor:
        return x + self.dropout(self.feed_forward(self.norm(x)))


LAYERS = {"frame": FrameLayer, "encoder": EncoderLayer, "conformer": ConformerBlock}


class SpeakerNet(nn.Module):
    """log-mel → 幾層編碼 → 池化 → 語者向量 → 每位語者的分數。

    ``kind`` 是 frame、encoder 或 conformer；``cosine`` 時分數是餘弦，配 AM-Softmax 用。
    """

    def __init__(
        self,
        speakers: int,
        *,
        kind: str = "encoder",
        attentive: bool = False,
        cosine: bool = False,
        positions: bool = False,
        dim: int = 64,
        heads: int = 4,
        layers: int = 2,
        dropout: float = 0.1,
        mels: int = 40,
        longest: int = 256,
    ) -> None:
        super().__init__()
        self.prenet = nn.Linear(mels, dim)
        table = sinusoidal_positions(longest, dim) if positions else torch.zeros(1, dim)
        self.positions = nn.Buffer(table, persistent=False)
        self.layers = nn.ModuleList(
            LAYERS[kind](dim, heads, 2 * dim, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.pooling = SelfAttentivePooling(dim, dim) if attentive else MeanPooling()
        self.embedding = nn.Linear(dim, dim)
        self.head = CosineHead(dim, speakers) if cosine else nn.Linear(dim, speakers)

    def encode(self, x: Float[Tensor, "batch time marked"]) -> Float[Tensor, "batch time dim"]:
        """每一框的向量，還沒有池化。"""
        mask = seen_frames(x)[:, None, None]
        h = self.prenet(x[..., :-1])
        h = h + (self.positions[: h.shape[1]] if len(self.positions) > 1 else self.positions)
        for layer in self.layers:
            h = layer(h, mask)
        return self.norm(h)

    def embed(self, x: Float[Tensor, "batch time marked"]) -> Float[Tensor, "batch dim"]:
        """語者向量。"""
        return self.embedding(self.pooling(self.encode(x), seen_frames(x)))

    def forward(self, x: Float[Tensor, "batch time marked"]) -> Float[Tensor, "batch speakers"]:
        return self.head(self.embed(x))


@torch.no_grad()
def embed_files(
    model: SpeakerNet, files: Sequence[Float[Tensor, "frames mels"]], batch_size: int = 64
) -> Float[Tensor, "files dim"]:
    """每個檔案（整個，不剪）的語者向量，照原來的順序。"""
    device = next(model.parameters()).device
    order = torch.tensor([len(x) for x in files]).argsort()
    out = torch.cat(
        [
            model.embed(pad_files([files[i] for i in batch.tolist()]).to(device)).cpu()
            for batch in order.split(batch_size)
        ]
    )
    return out[order.argsort()]
