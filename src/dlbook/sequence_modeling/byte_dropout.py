"""快的 dropout：要丟掉誰，由一個位元組的亂數決定。

PyTorch 在 CPU 上一個元素抽一個浮點亂數，訓練小模型時三成的時間花在這裡；一個 64 位元的亂數切成八個位元組，
八個元素一起決定。機率因此是 1/256 的倍數，其餘與 ``nn.Dropout`` 相同（Srivastava et al., JMLR 15, 2014）。
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

INT64 = torch.iinfo(torch.int64)


class ByteDropout(nn.Module):
    """訓練時以 ``p``（取到 1/256 的倍數）的機率把元素設成 0，留下的放大成 1/(1 − p) 倍。"""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropped = round(256 * p)
        if not 0 <= self.dropped < 256:
            raise ValueError(f"丟掉的機率要在 0 與 1 之間，現在是 {p}")

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """形狀與型別不變；``eval()`` 時什麼都不做。"""
        if not self.training or self.dropped == 0:
            return x
        kept = random_bytes(x.numel(), x.device).view(x.shape) >= self.dropped
        return x * kept * (256 / (256 - self.dropped))


def random_bytes(count: int, device: torch.device) -> UInt8[Tensor, " count"]:
    """0 到 255 的亂數，每個一樣常見；用全域亂數。"""
    words = torch.empty((count + 7) // 8, dtype=torch.int64, device=device)
    return words.random_(INT64.min, None).view(torch.uint8)[:count]


def use_byte_dropout(model: nn.Module) -> None:
    """把模型裡每個 ``nn.Dropout`` 就地換成 :class:`ByteDropout`。"""
    for name, child in model.named_children():
        if isinstance(child, nn.Dropout):
            setattr(model, name, ByteDropout(child.p).train(child.training))
        else:
            use_byte_dropout(child)
