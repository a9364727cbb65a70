"""訓練與評量辨識語者的網路；檢查點由 ``tools/make_speaker_checkpoints.py`` 用同一個函式產生。"""

import json
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from safetensors.torch import load_file
from torch import Tensor, nn

from dlbook import paths
from dlbook.datasets import Speakers
from dlbook.sequence_modeling.margin_softmax import am_softmax_loss
from dlbook.sequence_modeling.speaker_data import CropLoader
from dlbook.sequence_modeling.speaker_models import SpeakerNet, embed_files
from dlbook.sequence_modeling.verification import equal_error_rate, trial_scores
from dlbook.training import History, fit

CHECKPOINTS = paths.PACKAGE / "checkpoints/sequence_modeling"

RUNGS: dict[str, dict[str, Any]] = {
    "框的平均": {"kind": "frame", "layers": 0},
    "逐框前饋（沒有注意力）": {"kind": "frame"},
    "逐框前饋 + AM-Softmax": {"kind": "frame", "cosine": True},
    "Transformer 編碼器": {"kind": "encoder"},
    "編碼器 + 正弦位置": {"kind": "encoder", "positions": True},
    "編碼器 + 自注意力池化": {"kind": "encoder", "attentive": True},
    "Conformer": {"kind": "conformer"},
    "Conformer + 自注意力池化": {"kind": "conformer", "attentive": True},
    "Conformer + 自注意力池化 + AM-Softmax": {
        "kind": "conformer",
        "attentive": True,
        "cosine": True,
    },
}


def train_speaker(
    files: list[Float[Tensor, "frames mels"]],
    data: Speakers,
    rung: str,
    *,
    seed: int,
    epochs: int = 20,
    stop_after: int | None = None,
    device: torch.device | str = "cpu",
) -> tuple[SpeakerNet, History]:
    """訓練階梯上的一階，留下驗證正確率最好的 epoch；設定全部相同，只換 ``RUNGS`` 裡寫的。

    ``stop_after``：只跑前幾個 epoch（學習率排程仍照 ``epochs`` 排），用來對照訓練的開頭。
    """
    torch.manual_seed(seed)
    model = SpeakerNet(len(data.speaker_names), **RUNGS[rung]).to(device)
    train, valid = [files[i] for i in data.train.tolist()], [files[i] for i in data.valid.tolist()]
    loader = CropLoader(train, data.speakers[data.train], crop=96, batch_size=32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=epochs * len(loader)
    )
    loss_fn = am_softmax_loss if RUNGS[rung].get("cosine") else nn.CrossEntropyLoss()

    def evaluate(model: nn.Module) -> float:
        assert isinstance(model, SpeakerNet)
        scores = file_scores(model, embed_files(model, valid))
        return float((scores.argmax(dim=1) == data.speakers[data.valid]).double().mean())

    history = fit(
        model, loader, loss_fn, optimizer, epochs=stop_after or epochs, scheduler=schedule,
        evaluate=evaluate, clip=1.0, progress=False,
    )  # fmt: skip
    return model, history


@torch.no_grad()
def file_scores(
    model: SpeakerNet, embeddings: Float[Tensor, "files dim"]
) -> Float[Tensor, "files speakers"]:
    """語者向量 → 每位語者的分數。"""
    return model.head(embeddings.to(next(model.parameters()).device)).cpu()


@dataclass
class SpeakerResult:
    """測試集上的四個數：越後面的越不能靠語言作弊。"""

    accuracy: float  # 全部測試檔，40 選 1
    shared: float  # 好幾個人都說的語言，只在會說那個語言的人裡選
    eer: float  # 1,200 對
    same_language_eer: float  # 其中兩段同語言的

    def to_dict(self) -> dict[str, float]:
        return {name: round(value, 5) for name, value in vars(self).items()}


def language_controlled(
    data: Speakers, scores: Float[Tensor, "files speakers"]
) -> Bool[Tensor, " shared_test"]:
    """``shared`` 的測試檔上，只在說那個語言的人之間選，答對了沒有。``scores`` 是所有檔案的。"""
    files = data.test[data.shared[data.test]]
    candidates = data.speaks[data.languages[files]]
    choice = scores[files].masked_fill(~candidates, -torch.inf).argmax(dim=1)
    return choice == data.speakers[files]


def judge(
    data: Speakers,
    scores: Float[Tensor, "files speakers"],
    embeddings: Float[Tensor, "files dim"],
) -> SpeakerResult:
    """在測試集上量一次；兩個輸入都是**所有**檔案的，只會用到測試的。"""
    right = scores[data.test].argmax(dim=1) == data.speakers[data.test]
    similarity, same = trial_scores(embeddings, data.trials), data.same_speaker
    inside = data.same_language
    return SpeakerResult(
        accuracy=float(right.double().mean()),
        shared=float(language_controlled(data, scores).double().mean()),
        eer=equal_error_rate(similarity, same),
        same_language_eer=equal_error_rate(similarity[inside], same[inside]),
    )


def judge_model(
    model: SpeakerNet, files: list[Float[Tensor, "frames mels"]], data: Speakers
) -> SpeakerResult:
    """一個訓練好的網路的成績。"""
    embeddings = embed_files(model, files)
    return judge(data, file_scores(model, embeddings), embeddings)


def language_scores(data: Speakers) -> Float[Tensor, "files speakers"]:
    """只知道語言的分類器：分數是訓練集裡，那個語言由每位語者說了幾個檔案。"""
    table = torch.zeros(len(data.language_names), len(data.speaker_names))
    train = data.train
    table.index_put_(
        (data.languages[train], data.speakers[train]), torch.ones(len(train)), accumulate=True
    )
    return table[data.languages]


def dvector_scores(data: Speakers) -> Float[Tensor, "files speakers"]:
    """Resemblyzer 的 d-vector，與每位語者訓練檔的平均的內積：沒有為這 40 人訓練過。"""
    speakers = data.speakers[data.train]
    means = torch.stack(
        [data.dvectors[data.train[speakers == s]].mean(0) for s in range(len(data.speaker_names))]
    )
    return data.dvectors @ nn.functional.normalize(means, dim=1).T


def load_speaker(name: str) -> tuple[SpeakerNet, dict[str, Any]]:
    """事先訓練好的網路（``encoder`` 或 ``am``），以及它的紀錄：指令、種子、秒數、成績、損失。

    Raises:
        FileNotFoundError: 沒有這個檢查點。
    """
    file = CHECKPOINTS / f"attention_mechanism-{name}.safetensors"
    if not file.exists():
        raise FileNotFoundError(
            f"沒有 {name} 的檢查點；用 python tools/make_speaker_checkpoints.py {name} 產生。"
        )
    record = json.loads(file.with_suffix(".json").read_text("utf-8"))
    model = SpeakerNet(record["speakers"], **RUNGS[record["rung"]])
    model.load_state_dict(load_file(file))
    return model.eval(), record
