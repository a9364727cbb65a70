"""Language models from the model hub, for the ``full`` profile: same result, larger model."""

import json
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors.torch import load_file
from tokenizers import Tokenizer

from dlbook.assets import hub
from dlbook.errors import CourseError
from dlbook.pretrained.models import TextModel

WANTED = ["config.json", "*.safetensors", "tokenizer.json", "tokenizer_config.json", "*.jinja"]


def from_hub(asset: str, *, full: bool = True, dtype: torch.dtype = torch.float32) -> TextModel:
    """The model that the hub has for an asset, or (``full``) its larger relative.

    ``DLBOOK_HUB`` may name a folder that stands in for the hub, see :mod:`dlbook.assets.hub`.

    Raises:
        CourseError: no identifier is on record, or the repository can't be had or lacks a file.
    """
    name = hub.identifier(asset, full=full)
    folder = Path(name) if Path(name).is_dir() else _download(name)
    files = sorted(folder.glob("*.safetensors"))
    missing = [file for file in ("config.json", "tokenizer.json") if not (folder / file).is_file()]
    if missing or not files:
        names = "、".join([*missing, *([] if files else ["*.safetensors"])])
        raise CourseError(f"{folder} 裡沒有 {names}。請把模型庫的整個資料夾複製過來。")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    state = {name: tensor.to(dtype) for file in files for name, tensor in load_file(file).items()}
    if config.get("tie_word_embeddings"):
        state.pop("lm_head.weight", None)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return TextModel(config, state, tokenizer, _chat_template(folder))


def _download(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CourseError(
            f"模型庫的 {name} 拿不到（{reason}）。請確認網路連線；"
            f"或把它整個複製到一個資料夾的 {name} 底下，再以環境變數 DLBOOK_HUB 指定那個資料夾。"
        ) from error


def _chat_template(folder: Path) -> str:
    """In a file of its own, or among the tokenizer's settings; "" where there is none."""
    if (file := folder / "chat_template.jinja").is_file():
        return file.read_text("utf-8")
    if (file := folder / "tokenizer_config.json").is_file():
        return json.loads(file.read_text("utf-8")).get("chat_template") or ""
    return ""
