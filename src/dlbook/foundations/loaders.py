"""資料載入：一次用索引取出整個批次，不逐筆取出再堆疊。"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int


class TensorLoader:
    """把已經在記憶體裡的張量切成批次；``shuffle`` 時每個 epoch 用全域亂數重新打亂。

    Args:
        x: 輸入，第 0 軸是樣本。
        y: 標籤，第 0 軸與 ``x`` 一樣長。
        batch_size: 每個批次幾個樣本；最後一個批次可能較小。

    Raises:
        ValueError: ``x`` 與 ``y`` 不一樣長，或 ``batch_size`` 小於 1。
    """

    def __init__(
        self,
        x: Float[torch.Tensor, "count ..."],
        y: Int[torch.Tensor, " count"],
        batch_size: int,
        *,
        shuffle: bool = True,
    ) -> None:
        if len(x) != len(y):
            raise ValueError(f"x 有 {len(x)} 筆，y 有 {len(y)} 筆；兩者要一樣多。")
        if batch_size < 1:
            raise ValueError(f"batch_size 要至少是 1，現在是 {batch_size}。")
        self.x, self.y, self.batch_size, self.shuffle = x, y, batch_size, shuffle

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        count = len(self.x)
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for batch in order.split(self.batch_size):
            yield self.x[batch], self.y[batch]
