"""Where things are: the checkout, the user's cache and the user's state."""

import os
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from dlbook.errors import CourseError

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE / "data"


def _find_checkout() -> Path | None:
    """The checkout this package is imported from, or None when it is an installed copy."""
    root = PACKAGE.parent.parent
    return root if (root / "lessons").is_dir() and (root / "pyproject.toml").is_file() else None


REPO = _find_checkout()


def cache_dir() -> Path:
    """Downloaded and converted assets; may be deleted at any time (``DLBOOK_CACHE`` overrides)."""
    return _from_environment("DLBOOK_CACHE") or user_cache_path("dlbook")


def state_dir() -> Path:
    """The learner's progress; never deleted by us (``DLBOOK_STATE`` overrides)."""
    return _from_environment("DLBOOK_STATE") or user_state_path("dlbook")


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None


def checkout() -> Path:
    """The checkout; CourseError where the package was installed without one."""
    if REPO is None:
        raise CourseError(
            "這份 dlbook 不是從課程的資料夾安裝的，沒有 lessons/ 與 notebooks/。"
            "請下載整個課程，在它的資料夾裡執行 make setup。"
        )
    return REPO
