"""Models that are converted once, and then load from the cache in a moment.

A conversion writes into a folder beside the one it is for, which takes its name when everything is
there: a process that is killed leaves nothing that would be taken for a model.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer

from dlbook import assets, paths
from dlbook.errors import CourseError
from dlbook.pretrained.models import TextModel

FORMAT = 2  # of the folder; a model of an earlier format is converted again

Converter = Callable[[Path], tuple[dict[str, Any], Mapping[str, torch.Tensor], Tokenizer, str]]


def load(asset: str, converter: Converter) -> TextModel:
    """The model of ``asset``, converted by ``converter`` when it is used for the first time."""
    folder = _converted(assets.path(asset), converter)
    meta = json.loads((folder / "config.json").read_text("utf-8"))
    with safe_open(folder / "model.safetensors", "pt") as file:
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return TextModel(meta["config"], state, tokenizer, meta["chat_template"])


def _converted(source: Path, converter: Converter) -> Path:
    """The folder with the converted model, made on first use by one process at a time."""
    folder = paths.cache_dir() / "converted" / source.name
    if not _is_complete(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(folder.name + ".lock")):
                if not _is_complete(folder):
                    _convert(source, converter, folder)
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CourseError(
                f"無法寫入快取資料夾 {folder}（{reason}）。"
                "請確認磁碟空間與權限，或以環境變數 DLBOOK_CACHE 指定別的資料夾。"
            ) from error
    return folder


def _is_complete(folder: Path) -> bool:
    file = folder / "config.json"
    try:
        return file.is_file() and json.loads(file.read_text("utf-8"))["format"] == FORMAT
    except (ValueError, KeyError):  # damaged, or of a format that had no number: convert again
        return False


def _convert(source: Path, converter: Converter, folder: Path) -> None:
    part = folder.with_name(folder.name + ".part")  # ours, as we hold the lock
    for leftover in (part, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    part.mkdir()
    try:
        config, state, tokenizer, chat_template = converter(source)
        save_file(dict(state), part / "model.safetensors")
        tokenizer.save(str(part / "tokenizer.json"))
        meta = {"format": FORMAT, "config": config, "chat_template": chat_template}
        text = json.dumps(meta, ensure_ascii=False, indent=1)
        (part / "config.json").write_text(text, "utf-8")
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
