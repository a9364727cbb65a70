"""Train the poem model of sequence_modeling/rnn_lstm and keep its weights as float16.

    MALLOC_MMAP_THRESHOLD_=2000000000 MALLOC_TRIM_THRESHOLD_=8000000000 python tools/make_rnn_checkpoints.py

About 10 minutes on one thread; without the two variables glibc returns the large logits to the system
after each step, which doubles the time. The lesson loads what this writes, and repeats the first steps.
"""

import json

import torch
from safetensors.torch import save_file

from dlbook import datasets
from dlbook.sequence_modeling.poem_corpus import CharacterVocabulary, bits_per_char
from dlbook.sequence_modeling.poem_model import CHECKPOINT, train_poem_model

SEED, EPOCHS, DIM, HIDDEN = 0, 5, 192, 320


def main() -> None:
    """The weights, and a record of how they came about."""
    data = datasets.poems()
    vocabulary = CharacterVocabulary(data.vocabulary)
    train, valid = ([vocabulary.encode_poem(p) for p in part] for part in (data.train, data.valid))
    model, history = train_poem_model(
        train, valid, vocab=len(vocabulary), seed=SEED, epochs=EPOCHS, dim=DIM, hidden=HIDDEN
    )
    weights = {name: value.half() for name, value in model.state_dict().items()}
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    steps = len(history.step_loss)
    record = {
        "command": "python tools/make_rnn_checkpoints.py",
        "seed": SEED,
        "vocab": len(vocabulary),
        "dim": DIM,
        "hidden": HIDDEN,
        "epochs": EPOCHS,
        "steps": steps,
        "seconds": round(history.seconds, 1),
        "valid_bits_per_char": bits_per_char(model, valid),
        "scores": history.score,
        "epoch_loss": history.epoch_loss,
        "first_steps": history.step_loss[:50],
        "every_20_steps": [
            sum(history.step_loss[i : i + 20]) / 20 for i in range(0, steps - 19, 20)
        ],
    }
    CHECKPOINT.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, CHECKPOINT)
    CHECKPOINT.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(
        f"{CHECKPOINT.name}: {record['valid_bits_per_char']:.4f} bits/char, {history.seconds:.0f} s"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
