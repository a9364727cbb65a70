"""The student edition: unanswered, without outputs and solutions, gradable, and never overwritten."""

import json
from pathlib import Path

import nbformat
import pytest

from dlbook.errors import CourseError
from dlbook.grade import answers
from dlbook.grade.release import release

LESSON = "foundations/environment_setup"


@pytest.mark.parametrize("hints", [True, False])
def test_the_student_edition(tmp_path: Path, hints: bool) -> None:
    path = release(LESSON, tmp_path / "out", hints=hints)
    text = path.read_text("utf-8")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.name == "environment_setup.ipynb"
    assert "看解答" not in text
    assert ("<summary>提示 1" in text) is hints
    assert not any(cell.get("outputs") for cell in notebook.cells)
    submission = answers.read(path)
    assert submission.lesson == LESSON
    assert all("NotImplementedError" in source for source in submission.answers.values())
    marked = [c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(marked) == len(submission.answers) == 5
    assert [m.points for m in marked] == [1, 1, 2, 2, 3]
    assert len({m.grade_id for m in marked}) == 5
    assert all(m.grade and m.solution and not m.locked and m.schema_version == 3 for m in marked)


def test_a_folded_question_keeps_its_answer(tmp_path: Path) -> None:
    """Only hints go; the answers to the questions to think about are part of the text."""
    cells = json.loads(release(LESSON, tmp_path, hints=False).read_text("utf-8"))["cells"]
    assert any("<summary>看答案" in "".join(cell["source"]) for cell in cells)


def test_what_is_there_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = release(LESSON, tmp_path)
    path.write_text("mine")
    with pytest.raises(CourseError, match="--force"):
        release(LESSON, tmp_path)
    assert path.read_text() == "mine"
    release(LESSON, tmp_path, force=True)
    assert path.read_text() != "mine"


def test_an_unwritable_folder_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CourseError, match="寫不了"):
        release(LESSON, tmp_path / "file")
