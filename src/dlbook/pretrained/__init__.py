"""Real pretrained models, ready for our own classes: a config, a state dict and a tokenizer.

The architectures are built by the lesson that teaches them; here are only numbers and text. A GGUF
file is converted once to safetensors (bfloat16) in the cache, then loads in well under a second.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from dlbook import assets, paths
from dlbook.errors import CourseError
from dlbook.pretrained.gguf import read_gguf


@dataclass
class Pretrained:
    """What a model class needs to become the pretrained model.

    ``config`` has the keys of the Hugging Face configuration; ``state`` maps Hugging Face's
    parameter names to float32 tensors; tied weights appear once.
    """

    config: dict[str, Any]
    state: dict[str, torch.Tensor]
    tokenizer: Tokenizer
    chat_template: str


def smollm2() -> Pretrained:
    """SmolLM2-135M-Instruct (arXiv:2502.02737), Apache-2.0: 134.5 M parameters, 30 layers, English."""
    return _load("smollm2-135m-instruct-gguf")


def _load(asset: str) -> Pretrained:
    folder = _converted(asset)
    meta = json.loads((folder / "config.json").read_text("utf-8"))
    state = load_file(folder / "model.safetensors")
    return Pretrained(
        config=meta["config"],
        state={name: tensor.float() for name, tensor in state.items()},
        tokenizer=Tokenizer.from_file(str(folder / "tokenizer.json")),
        chat_template=meta["chat_template"],
    )


def _converted(asset: str) -> Path:
    """The folder with the converted model, made on first use by one process at a time."""
    source = assets.path(asset)
    folder = paths.cache_dir() / "converted" / source.name
    if not (folder / "config.json").is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(folder.name + ".lock")):
                if not (folder / "config.json").is_file():
                    _convert(source, folder)
        except OSError as error:
            raise CourseError(
                f"無法寫入快取資料夾 {folder}（{error.strerror or error}）。"
                "請確認磁碟空間與權限，或以環境變數 DLBOOK_CACHE 指定別的資料夾。"
            ) from error
    return folder


def _convert(source: Path, folder: Path) -> None:
    """Write the three files; ``config.json`` last, because it marks the conversion as complete."""
    config, state, tokenizer, chat_template = read_gguf(source)
    tensors = {name: _bfloat16(array) for name, array in state.items()}
    part = folder / "model.safetensors.part"
    save_file(tensors, part)
    os.replace(part, folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    part = folder / "config.json.part"
    meta = {"config": config, "chat_template": chat_template}
    part.write_text(json.dumps(meta, ensure_ascii=False, indent=1), "utf-8")
    os.replace(part, folder / "config.json")


def _bfloat16(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).to(torch.bfloat16).contiguous()
