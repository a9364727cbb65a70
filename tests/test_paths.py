"""Where things are."""

from pathlib import Path

import pytest

from dlbook import paths
from dlbook.errors import CourseError


def test_the_checkout_is_the_folder_of_this_test() -> None:
    assert paths.checkout() == Path(__file__).resolve().parent.parent


def test_an_installed_copy_says_that_the_course_itself_is_needed(monkeypatch) -> None:
    monkeypatch.setattr(paths, "REPO", None)
    with pytest.raises(CourseError, match="請下載整個課程，在它的資料夾裡執行 make setup"):
        paths.checkout()


@pytest.mark.parametrize(
    ("variable", "folder"), [("DLBOOK_CACHE", paths.cache_dir), ("DLBOOK_STATE", paths.state_dir)]
)
def test_folders_follow_their_variable_and_are_the_users_own_otherwise(
    monkeypatch, variable, folder
) -> None:
    monkeypatch.setenv(variable, "~/某處")
    assert folder() == Path.home() / "某處"
    monkeypatch.setenv(variable, "")
    assert folder().name == "dlbook"
    assert folder().is_absolute()
