"""用 LSTM 寫唐詩：字元語言模型與它的訓練。

Mikolov et al., Recurrent neural network based language model, Interspeech 2010；
輸入與輸出共用詞向量：Press & Wolf, arXiv:1608.05859。
"""

import json
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor, nn

from dlbook import paths
from dlbook.sequence_modeling.poem_corpus import PoemLoader, bits_per_char, next_character_loss
from dlbook.training import History, fit

CHECKPOINT = paths.PACKAGE / "checkpoints/sequence_modeling/rnn_lstm-poems-0.safetensors"
State = tuple[Float[Tensor, "1 batch hidden"], Float[Tensor, "1 batch hidden"]]


class PoemLSTM(nn.Module):
    """字 → 詞向量 → LSTM → 下一個字的分數；輸出層與詞向量用同一個矩陣。"""

    def __init__(self, vocab: int, dim: int = 192, hidden: int = 320, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        self.lstm: nn.Module = nn.LSTM(dim, hidden, batch_first=True)
        self.output = nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocab"]:
        """每個位置猜下一個字。"""
        return self.step(x, None)[0]

    def step(
        self, x: Int[Tensor, "batch time"], state: State | None
    ) -> tuple[Float[Tensor, "batch time vocab"], State]:
        """接著 ``state`` 讀下去（None 是從頭開始）；回傳分數與新的狀態。"""
        h, state = self.lstm(self.dropout(self.embedding(x)), state)
        scale = self.embedding.embedding_dim**0.5  # 詞向量很小，放大一點才敢有把握
        logits = self.dropout(self.output(h)) @ self.embedding.weight.T * scale
        return logits, state


def train_poem_model(
    train: Sequence[Int[Tensor, " length"]],
    valid: Sequence[Int[Tensor, " length"]],
    *,
    vocab: int,
    seed: int,
    epochs: int,
    dim: int = 192,
    hidden: int = 320,
    lr: float = 6e-3,
    stop_after: int | None = None,
    device: torch.device | str = "cpu",
) -> tuple[PoemLSTM, History]:
    """訓練一個 :class:`PoemLSTM`，留下驗證 bits/char 最低的 epoch。

    前向用 bfloat16 混合精度：輸出層有四千多個字，是最花時間的地方。
    ``stop_after``：只跑前幾步、不評估（學習率排程仍照 ``epochs`` 排），用來對照訓練的開頭。
    """
    torch.manual_seed(seed)
    model = PoemLSTM(vocab, dim, hidden).to(device)
    loader = PoemLoader(train, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * len(loader))
    loader.limit = stop_after
    evaluate = None if stop_after else lambda m: -bits_per_char(m, valid, device=device)
    history = fit(
        model, loader, next_character_loss, optimizer, epochs=1 if stop_after else epochs,
        scheduler=schedule, evaluate=evaluate, clip=1.0, amp=True, progress=False,
    )  # fmt: skip
    return model, history


def load_poem_model() -> tuple[PoemLSTM, dict[str, Any]]:
    """事先訓練好的模型（權重存成 float16），以及它的紀錄：指令、秒數、驗證 bits/char、損失。

    Raises:
        FileNotFoundError: 檢查點不在；訊息說怎麼產生。
    """
    if not CHECKPOINT.exists():
        raise FileNotFoundError(
            f"沒有 {CHECKPOINT.name}；用 python tools/make_rnn_checkpoints.py 產生。"
        )
    record = json.loads(CHECKPOINT.with_suffix(".json").read_text("utf-8"))
    model = PoemLSTM(record["vocab"], record["dim"], record["hidden"])
    model.load_state_dict({k: v.float() for k, v in load_file(CHECKPOINT).items()})
    return model.eval(), record
