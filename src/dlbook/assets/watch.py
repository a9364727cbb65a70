"""A progress bar for a download that somebody else (pip, requests) does: it watches files grow."""

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from tqdm import tqdm

EVERY = 0.3  # seconds


@contextmanager
def progress_bar(work: Path, size: int) -> Generator[None]:
    """Show how much of ``size`` bytes has arrived in the folder ``work`` while the block runs.

    Only where somebody looks: on a terminal or in a notebook.
    """
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        yield
        return
    bar = tqdm(total=size, unit="B", unit_scale=True, leave=False, file=sys.stderr)
    done = threading.Event()

    def follow() -> None:
        while not done.wait(EVERY):
            bar.n = min(bytes_in(work), size)
            bar.refresh()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        bar.close()


def bytes_in(folder: Path) -> int:
    """The size of all files in a folder, which others may be changing."""
    total = 0
    with suppress(OSError):
        for path in folder.rglob("*"):
            with suppress(OSError):  # gone since we listed it
                total += path.stat().st_size if path.is_file() else 0
    return total
