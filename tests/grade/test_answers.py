"""Answers are found whatever a learner did to the notebook; what can't be read says why."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbook.grade.answers import Unreadable, read
from dlbook.paths import checkout

LESSON = "foundations/environment_setup"


@pytest.fixture
def notebook() -> dict:
    return json.loads((checkout() / "notebooks" / f"{LESSON}.ipynb").read_text("utf-8"))


def save(notebook: object, folder: Path) -> Path:
    path = folder / "s123.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def test_the_committed_notebook_is_five_unanswered_exercises(
    tmp_path: Path, notebook: dict
) -> None:
    found = read(save(notebook, tmp_path))
    assert (found.student, found.lesson, len(found.answers)) == ("s123", LESSON, 5)
    assert all("NotImplementedError" in source for source in found.answers.values())
    assert "def train_digits" in found.definitions
    assert "import torch" in found.definitions
    assert "check(" not in found.definitions
    assert "dlbook.exercise" not in found.definitions


def test_the_last_copy_of_an_answer_counts_and_magics_are_left_out(
    tmp_path: Path, notebook: dict
) -> None:
    cell = next(c for c in notebook["cells"] if "dlbook" in c["metadata"])
    id = cell["metadata"]["dlbook"]["exercise"]
    notebook["cells"].append(cell | {"source": "def matmul_intensity(): return 1"})
    notebook["cells"].append({"cell_type": "code", "source": "%timeit 1\nx = 1", "metadata": {}})
    notebook["cells"].append({"cell_type": "code", "source": ["y = [1,\n", " 2]\nz = f(y)"]})
    found = read(save(notebook, tmp_path))
    assert found.answers[id] == "def matmul_intensity(): return 1"
    assert "timeit" not in found.definitions
    assert "y = [1, 2]" in found.definitions
    assert "f(y)" not in found.definitions


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "不是 JSON"),
        (b"\xff\xfe\x00", "不是 JSON"),
        (b"[" * 100_000, "不是 JSON"),
        (b"[]", "沒有儲存格"),
        (b'{"cells": 3}', "沒有儲存格"),
        (b'{"cells": [3]}', "沒有儲存格"),
        (b'{"cells": []}', "不是這門課的筆記本"),
        (b'{"cells": [], "metadata": {"dlbook": []}}', "不是這門課的筆記本"),
    ],
)
def test_what_is_not_a_notebook_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(path)


@pytest.mark.parametrize(
    "source", ["x = " + "+".join("1" * 3000), "(" * 5000, "\0", "x = 1\n" * 99_999]
)
def test_a_cell_that_python_chokes_on_is_left_out(
    tmp_path: Path, notebook: dict, source: str
) -> None:
    notebook["cells"].append({"cell_type": "code", "source": source, "metadata": {}})
    assert "def train_digits" in read(save(notebook, tmp_path)).definitions


def test_magics_are_blanked_and_the_rest_of_the_cell_is_kept(
    tmp_path: Path, notebook: dict
) -> None:
    cell = next(c for c in notebook["cells"] if "dlbook" in c["metadata"])
    id = cell["metadata"]["dlbook"]["exercise"]
    cell["source"] = "%%time\ndef matmul_intensity(*a):\n    return 1"
    notebook["cells"].append(
        {"cell_type": "code", "source": "%matplotlib inline\ndef helper(): pass", "metadata": {}}
    )
    found = read(save(notebook, tmp_path))
    assert found.answers[id].strip() == "def matmul_intensity(*a):\n    return 1"
    assert "def helper" in found.definitions


def test_links_pipes_and_folders_are_not_notebooks(tmp_path: Path, notebook: dict) -> None:
    (tmp_path / "link.ipynb").symlink_to(save(notebook, tmp_path))
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    for name, reason in (
        ("link", "讀不了"),
        ("pipe", "不是一般的檔案"),
        ("folder", "讀不了"),
    ):
        with pytest.raises(Unreadable, match=reason):
            read(tmp_path / f"{name}.ipynb")


def test_a_missing_and_a_huge_file_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable, match=r"讀不了 none.ipynb"):
        read(tmp_path / "none.ipynb")
    monkeypatch.setattr("dlbook.grade.answers.MOST_MB", 0)
    (tmp_path / "big.ipynb").write_bytes(b"x")
    with pytest.raises(Unreadable, match="超過"):
        read(tmp_path / "big.ipynb")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["cells", "metadata", "dlbook", "exercise", "lesson", "source", "cell_type", "code"]
    ), inner, max_size=4),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = save(value, tmp_path_factory.mktemp("any"))
    with contextlib.suppress(Unreadable):
        read(path)
