"""訓練看整句的卷積網路；事先訓練好的檢查點由 ``tools/make_phoneme_checkpoints.py`` 用同一個函式產生。"""

import json
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor

from dlbook import paths
from dlbook.datasets import PHONES
from dlbook.supervised_learning.phoneme_models import ChunkLoader, PhonemeConv, frame_loss, mark
from dlbook.training import History, fit

HALO = 17  # PhonemeConv 往一邊看 2 + 1 + 2 + 4 + 8 框
CHECKPOINTS = paths.PACKAGE / "checkpoints/supervised_learning"
Sentences = tuple[list[Float[Tensor, "time inputs"]], list[Int[Tensor, " time"]]]


def sentence_scores(
    model: PhonemeConv, features: list[Float[Tensor, "time inputs"]]
) -> list[Float[Tensor, "time classes"]]:
    """每一句的分數；模型一次看整句。"""
    device = next(model.parameters()).device
    with torch.no_grad():
        return [model(mark(f)[None].to(device))[0].cpu() for f in features]


def train_conv(
    train: Sentences,
    valid: Sentences,
    *,
    seed: int,
    channels: int,
    epochs: int,
    stop_after: int | None = None,
    device: torch.device | str = "cpu",
) -> tuple[PhonemeConv, History]:
    """訓練一個 :class:`PhonemeConv`，留下驗證正確率最好的 epoch。

    ``stop_after``：只跑前幾個 epoch（學習率排程仍照 ``epochs`` 排），用來對照訓練的開頭。
    """
    torch.manual_seed(seed)
    model = PhonemeConv(train[0][0].shape[1], channels, len(PHONES)).to(device)
    loader = ChunkLoader(*train, chunk=48, halo=HALO, batch_size=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=epochs * len(loader)
    )
    answers = torch.cat(valid[1])

    def evaluate(model: torch.nn.Module) -> float:
        assert isinstance(model, PhonemeConv)
        scores = torch.cat(sentence_scores(model, valid[0]))
        return float((scores.argmax(dim=-1) == answers).double().mean())

    history = fit(
        model, loader, frame_loss, optimizer, epochs=stop_after or epochs, scheduler=schedule,
        evaluate=evaluate, clip=1.0, progress=False,
    )  # fmt: skip
    return model, history


def load_conv(seed: int) -> tuple[PhonemeConv, dict[str, Any]]:
    """事先訓練好的卷積網路（``seed`` 是 0、1、2），以及它的紀錄：指令、秒數、驗證正確率、損失。

    Raises:
        FileNotFoundError: 沒有這個種子的檢查點。
    """
    file = CHECKPOINTS / f"classification-conv-{seed}.safetensors"
    if not file.exists():
        raise FileNotFoundError(
            f"沒有種子 {seed} 的檢查點；用 python tools/make_phoneme_checkpoints.py {seed} 產生。"
        )
    record = json.loads(file.with_suffix(".json").read_text("utf-8"))
    model = PhonemeConv(39, record["channels"], len(PHONES))
    model.load_state_dict(load_file(file))
    return model.eval(), record
