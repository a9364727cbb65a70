"""Train the two networks of computer_vision/cnn_fundamentals that come with the course.

    python tools/make_cnn_checkpoints.py fashion digits

A minute or two each on one thread. The lesson loads what this writes, and repeats the first steps.
"""

import json
import sys

import torch
from safetensors.torch import save_file

from dlbook.computer_vision.cnn_study import (
    CHECKPOINTS,
    PRETRAINED,
    measure_pretrained,
    train_pretrained,
)
from dlbook.computer_vision.complexity import count_parameters

SEED = 0


def make(name: str) -> None:
    """One network: its weights, and a record of how they came about."""
    model, history = train_pretrained(name, SEED)
    _, load, settings = PRETRAINED[name]
    scores = measure_pretrained(model, load())
    if name == "digits":  # a mirrored digit is another sign
        scores = {key: value for key, value in scores.items() if "tta" not in key}
    record = {
        "command": f"python tools/make_cnn_checkpoints.py {name}",
        "seed": SEED,
        "parameters": count_parameters(model),
        "epochs": settings["epochs"],
        "seconds": round(history.seconds, 1),
        **scores,
        "epoch_loss": history.epoch_loss,
        "first_steps": history.step_loss[:20],
    }
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    file = CHECKPOINTS / f"cnn_fundamentals-{name}.safetensors"
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, file)
    file.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"{file.name}: {scores}, {history.seconds:.0f} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for argument in sys.argv[1:] or PRETRAINED:
        make(argument)
