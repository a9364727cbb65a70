"""Every test has a progress file and settings of its own; nothing of the person's is touched.

A test marked ``assets("llm")`` needs that tier. What the small tier serves always runs; the others
run where they have been fetched, and ``--assets TIER`` (or ``all``) fetches them first.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from dlbook import assets
from dlbook.assets import manage

os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that tests start
hypothesis.settings.register_profile("dlbook", deadline=None, print_blob=True)
hypothesis.settings.load_profile("dlbook")

NOBODY = 65534

Python = Callable[..., subprocess.CompletedProcess[str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--assets", metavar="TIER", default="small", help="fetch TIER or all first")


def pytest_sessionstart(session: pytest.Session) -> None:
    if (tier := session.config.getoption("--assets")) != "small":
        manage.get([], tier)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("assets"):
        (tier,) = mark.args
        needed = manage.of_tier(tier)
        if tier != "small" and not all(assets.is_verified(asset) for asset in needed):
            pytest.skip(f"needs: dlbook assets get --tier {tier}")


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PROFILE", "SEED", "DEVICE", "THREADS"):
        monkeypatch.delenv(f"DLBOOK_{name}", raising=False)
    monkeypatch.setenv("DLBOOK_STATE", str(tmp_path / "狀態"))


@pytest.fixture
def python() -> Python:
    """Run code in a fresh interpreter: ``python("print(1)")``."""

    def run(code: str, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)

    return run


@pytest.fixture
def as_ordinary_user() -> Callable[[Callable[[], object]], str]:
    """Run a function in a child that is not root, and give back what it returned, as text.

    Root may write everywhere, which would hide the faults of folders that can't be written to.
    """
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")

    def run(function: Callable[[], object]) -> str:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _answer(function, writing)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return text

    return run


def read_only(folder: Path) -> None:
    """A folder in pytest's own that everybody can enter and nobody can write to."""
    for parent in folder.parents:
        if parent.name.startswith("pytest-of-") or "pytest-of-" in str(parent.parent):
            parent.chmod(0o755)
    folder.chmod(0o555)


def _answer(function: Callable[[], object], writing: int) -> None:
    """In the child: give up root, call, write the answer, and end without pytest's clean-up."""
    try:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        text = str(function())
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
    os.write(writing, text.encode())
    os._exit(0)
