"""Train the convolutional network of supervised_learning/classification and keep its weights.

    python tools/make_phoneme_checkpoints.py 0 1 2

About a minute a seed on one thread. The lesson loads what this writes, and repeats the first epoch.
"""

import json
import sys

import torch
from safetensors.torch import save_file

from dlbook import datasets
from dlbook.supervised_learning.phoneme_training import CHECKPOINTS, train_conv
from dlbook.supervised_learning.speech_features import standardized_features

CHANNELS, EPOCHS = 96, 20


def make(seed: int) -> None:
    """One seed: its weights, and a record of how they came about."""
    data = datasets.phonemes()
    features = standardized_features(data)
    train, valid = (
        ([features[i] for i in part], [data.phones(i) for i in part])
        for part in (data.train.tolist(), data.valid.tolist())
    )
    model, history = train_conv(train, valid, seed=seed, channels=CHANNELS, epochs=EPOCHS)
    steps = len(history.step_loss) // EPOCHS
    record = {
        "command": f"python tools/make_phoneme_checkpoints.py {seed}",
        "seed": seed,
        "channels": CHANNELS,
        "epochs": EPOCHS,
        "seconds": round(history.seconds, 1),
        "valid_accuracy": history.best_score,
        "best_epoch": history.best_epoch,
        "scores": history.score,
        "epoch_loss": history.epoch_loss,
        "first_steps": history.step_loss[:steps],
    }
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    file = CHECKPOINTS / f"classification-conv-{seed}.safetensors"
    save_file(model.state_dict(), file)
    file.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"{file.name}: valid {history.best_score:.4f}, {history.seconds:.0f} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for argument in sys.argv[1:] or ["0", "1", "2"]:
        make(int(argument))
