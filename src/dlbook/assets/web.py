"""Files from the web and from the model hub; a download that broke off goes on where it stopped."""

import hashlib
import os
from pathlib import Path
from typing import Any

import requests

from dlbook.assets.errors import SourceError

CHUNK = 1 << 16  # what a broken connection loses at most
TIMEOUT = (10, 60)  # seconds to connect, and without a byte
PARTIAL, RANGE_NOT_SATISFIABLE = 206, 416


def hub_url(source: dict[str, Any]) -> str:
    """The address of a file in a hub repository; ``HF_ENDPOINT`` names another hub.

    Raises:
        SourceError: the hub was switched off by ``HF_HUB_OFFLINE``.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        raise SourceError("環境變數 HF_HUB_OFFLINE 關閉了模型庫")
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    return f"{endpoint}/{source['repo']}/resolve/{source.get('revision', 'main')}/{source['file']}"


def copy(url: str, target: Path, work: Path) -> str:
    """Download ``url`` to ``target``; the sha256 of the content.

    The bytes are collected in ``work`` and stay there when the connection breaks.

    Raises:
        SourceError: the server cannot be reached, refuses, or the connection broke.
    """
    work.mkdir(parents=True, exist_ok=True)
    part = work / hashlib.sha256(url.encode()).hexdigest()[:16]
    try:
        _download(url, part)
    except requests.RequestException as error:
        raise SourceError(f"下載失敗（{_reason(error)}）") from error
    os.replace(part, target)
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(url: str, part: Path) -> None:
    """Append what is missing of ``url`` to ``part``; start over where the server can't go on."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if (
            have and response.status_code == RANGE_NOT_SATISFIABLE
        ):  # nothing missing, or another file
            part.unlink()
            _download(url, part)
            return
        response.raise_for_status()
        with part.open("ab" if response.status_code == PARTIAL else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"伺服器回答 {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "等不到回應"
    return "連不上，或連線中斷"
