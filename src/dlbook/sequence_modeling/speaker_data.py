"""語者資料：把每個檔案變成標準化的 log-mel，長短不一的排成一批，並標出哪些框是真的。"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from dlbook.datasets import Speakers
from dlbook.supervised_learning.phoneme_models import mark


def speaker_features(data: Speakers) -> list[Float[Tensor, "frames 40"]]:
    """每個檔案的 log-mel，每一條減去**訓練集**的平均、除以訓練集的標準差。"""
    raw = data.log_mels()
    train = torch.cat([raw[i] for i in data.train.tolist()])
    mean, std = train.mean(dim=0), train.std(dim=0)
    return [(x - mean) / std for x in raw]


def pad_files(files: Sequence[Float[Tensor, "frames mels"]]) -> Float[Tensor, "batch time marked"]:
    """短的補 0 到和最長的一樣長；多出來的最後一維，真的框是 1、補的框是 0。"""
    return pad_sequence([mark(x) for x in files], batch_first=True)


def seen_frames(x: Float[Tensor, "batch time marked"]) -> Bool[Tensor, "batch time"]:
    """哪些框是真的：:func:`pad_files` 標在最後一維。"""
    return x[..., -1] > 0


class CropLoader:
    """每個 epoch 每個檔案隨機剪一段（最多 crop 框）；長度相近的排在同一批，少補一些。"""

    def __init__(
        self,
        files: Sequence[Float[Tensor, "frames mels"]],
        y: Int[Tensor, " files"],
        *,
        crop: int,
        batch_size: int,
    ) -> None:
        if len(files) != len(y):
            raise ValueError(f"有 {len(files)} 個檔案、{len(y)} 個標籤；兩者要一樣多。")
        self.files, self.y, self.crop, self.batch_size = list(files), y, crop, batch_size
        self.lengths = torch.tensor([min(len(x), crop) for x in files])

    def __len__(self) -> int:
        return -(-len(self.files) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        near = self.lengths + 8 * torch.rand(len(self.lengths))  # 大致照長度，每次略有不同
        batches = near.argsort().split(self.batch_size)
        for b in torch.randperm(len(batches)).tolist():
            yield pad_files([self.cut(i) for i in batches[b].tolist()]), self.y[batches[b]]

    def cut(self, i: int) -> Float[Tensor, "frames mels"]:
        """第 i 個檔案隨機的一段。"""
        room = len(self.files[i]) - int(self.lengths[i])
        start = int(torch.randint(room + 1, ()))
        return self.files[i][start : start + self.crop]
