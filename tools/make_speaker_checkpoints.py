"""Train the speaker networks that sequence_modeling/attention_mechanism loads.

Needs nothing but the package: the code is the lesson's own. About two minutes each on one core::

    python tools/make_speaker_checkpoints.py [encoder] [am]
"""

import json
import sys

import torch
from safetensors.torch import save_file

from dlbook import datasets
from dlbook.sequence_modeling.speaker_data import speaker_features
from dlbook.sequence_modeling.speaker_training import (
    CHECKPOINTS,
    judge_model,
    train_speaker,
)

RUNG = {"encoder": "Transformer 編碼器", "am": "Conformer + 自注意力池化 + AM-Softmax"}
SEED = 0


def make(name: str) -> None:
    """Train the rung behind ``name`` and write its weights with the record of how they came about."""
    data = datasets.speakers()
    files = speaker_features(data)
    model, history = train_speaker(files, data, RUNG[name], seed=SEED)
    record = {
        "rung": RUNG[name],
        "speakers": len(data.speaker_names),
        "command": f"python tools/make_speaker_checkpoints.py {name}",
        "seed": SEED,
        "seconds": round(history.seconds, 1),
        "best_epoch": history.best_epoch,
        "valid_accuracy": round(history.best_score, 5),
        "test": judge_model(model, files, data).to_dict(),
        "epoch_losses": [round(x, 5) for x in history.epoch_loss],
        "step_losses": [round(x, 5) for x in history.step_loss[:10]],
        "torch": torch.__version__,
    }
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    file = CHECKPOINTS / f"attention_mechanism-{name}.safetensors"
    save_file(model.state_dict(), file)
    text = json.dumps(record, ensure_ascii=False, indent=1)
    file.with_suffix(".json").write_text(text + "\n", "utf-8")
    print(f"{file.name}: valid {history.best_score:.4f}, {history.seconds:.0f} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for argument in sys.argv[1:] or list(RUNG):
        make(argument)
