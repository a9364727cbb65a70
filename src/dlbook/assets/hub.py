"""Identifiers of the model hub for the ``full`` profile, and the folder that can stand in for it.

A machine without the hub names a folder in ``DLBOOK_HUB`` that holds repositories as
``owner/name/``, copied from wherever they could be had; ``transformers`` and ``diffusers`` take
such a path wherever they take an identifier.
"""

import os
from pathlib import Path

from dlbook.assets import AssetError, find


def identifier(asset: str, *, full: bool = False) -> str:
    """What to hand to ``from_pretrained`` for an asset, or for its larger relative (``full``).

    Raises:
        AssetError: no identifier is on record, or ``DLBOOK_HUB`` lacks the repository.
    """
    entry = find(asset)
    name = (entry.model.full if entry.model else "") if full else entry.hub
    if not name:
        which = " full 設定檔用的模型" if full else "模型庫的識別字"
        raise AssetError(f"登記簿沒有記載「{asset}」的{which}。")
    return locate(name)


def locate(name: str) -> str:
    """The hub identifier ``owner/name`` itself, or its folder where ``DLBOOK_HUB`` is set."""
    if not (root := os.environ.get("DLBOOK_HUB")):
        return name
    folder = Path(root) / name
    if not folder.is_dir():
        raise AssetError(
            f"環境變數 DLBOOK_HUB 指定的資料夾裡沒有 {folder}。"
            f"請把模型庫的 {name} 整個複製到那裡，或取消這個環境變數、直接連線下載。"
        )
    return str(folder)
