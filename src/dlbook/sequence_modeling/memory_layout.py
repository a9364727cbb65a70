"""同樣的權重、同樣的數學，換一種記憶體排法，逐字生成就比較快。

生成一個 token 要把全部權重從記憶體讀過一遍，幾乎不重複使用：快慢由讀取的速度決定，不是由乘法決定。
Pope et al., Efficiently Scaling Transformer Inference, arXiv:2211.05102。
"""

import torch
from torch import nn

from dlbook.sequence_modeling.llama import Llama


@torch.no_grad()
def column_major(model: Llama) -> Llama:
    """把每個 nn.Linear 的權重改成逐行（column-major）排放：形狀與數值不變，只有 stride 變了。

    CPU 的向量 × 矩陣核心因此一路連續地讀。就地修改並回傳 model；多用一份權重的記憶體。
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.data = module.weight.data.T.contiguous().T
    return model
