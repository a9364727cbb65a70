"""A notebook is rebuilt when its sources change, kept when they don't, and never lost."""

import errno
import json
import os

import nbformat
import pytest
from nbformat import v4

from dlbook.build import BuildError, build, code_hash, render, seal, status, write

from .conftest import LESSON


@pytest.fixture
def built(course):
    """A lesson that depends on code, on an exercise and on a checkpoint, and is built."""
    course.module("zoo/__init__", "")
    course.module("zoo/far", "FAR = 1\n")
    course.module("zoo/animals", "from .far import FAR\n\n\ndef cat():\n    return FAR\n")
    course.module("zoo/unrelated", "")
    course.module("plotting", "def show(): ...\n")
    course.exercises('import dlbook.zoo.toys\n\n@exercise(stars=1, hints=[])\ndef f():\n    "題"\n')
    course.module("zoo/toys", "")
    course.module("assets/__init__", "")
    course.write(f"src/dlbook/checkpoints/{LESSON}-net.safetensors", "1")
    course.lesson(
        "import dlbook.assets\nfrom dlbook.plotting import show\nfrom dlbook.zoo.animals import cat",
        "from dlbook.exercises.zoo.cats import f  # exercise",
    )
    build([LESSON], project=course.project)
    return course


def state(course):
    return status(LESSON, course.project).state


def edit(course, change):
    path = course.project.notebook_path(LESSON)
    nb = nbformat.read(path, as_version=4)
    change(nb)
    nbformat.write(nb, path)


def execute(course):
    """Stand in for the runner; the outputs are of every kind that nbformat treats differently."""
    nb = render(LESSON, course.project)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    code[0].outputs = [
        v4.new_output("stream", text="一\n二\n"),
        v4.new_output("display_data", {"image/png": "iVBOR\n", "text/html": "<b>\n</b>"}),
        v4.new_output("execute_result", {"application/json": {"a": ["x\n"]}}, execution_count=1),
        v4.new_output(
            "display_data", {"text/plain": ""}, metadata={"dlbook": {"claim": {"value": 0.1}}}
        ),
    ]
    nb.metadata["language_info"] = {"name": "python", "version": "3.99"}
    write(seal(nb), course.project)


def test_life_of_a_notebook(built):
    assert state(built) == "unexecuted"
    execute(built)
    assert state(built) == "fresh"
    nb = nbformat.read(built.project.notebook_path(LESSON), as_version=4)
    assert nb.metadata["language_info"] == {"name": "python"}
    nbformat.validate(nb)
    built.project.notebook_path(LESSON).unlink()
    assert state(built) == "missing"


@pytest.mark.parametrize(
    "file",
    ["zoo/animals", "zoo/far", "zoo/__init__", "exercises/zoo/cats", "zoo/toys"],
)
def test_stale_when_code_changes(built, file):
    execute(built)
    path = built.project.root / f"src/dlbook/{file}.py"
    path.write_text(path.read_text("utf-8") + "\nNEW = 1\n", "utf-8")
    assert state(built) == "stale"
    [result] = build([LESSON], project=built.project)
    assert (result.state, result.written) == ("unexecuted", True)


def test_stale_when_the_lesson_or_a_checkpoint_changes(built):
    built.write(f"src/dlbook/checkpoints/{LESSON}-net.safetensors", "2")
    assert state(built) == "stale"
    build([LESSON], project=built.project)
    assert state(built) == "unexecuted"
    before = code_hash(LESSON, built.project)
    built.lesson("x = 2")
    assert state(built) == "stale"
    assert before != code_hash(LESSON, built.project)


@pytest.mark.parametrize(
    "file", ["zoo/unrelated", "plotting", "assets/__init__", "exercises/zoo/dogs"]
)
def test_fresh_when_something_else_changes(built, file):
    execute(built)
    built.module(file, "NEW = 1\n")
    assert state(built) == "fresh"


def test_up_to_date_notebook_keeps_its_bytes(built):
    execute(built)
    path = built.project.notebook_path(LESSON)
    before = path.read_bytes(), path.stat().st_mtime_ns
    [result] = build([LESSON], project=built.project)
    assert (result.state, result.written) == ("fresh", False)
    assert before == (path.read_bytes(), path.stat().st_mtime_ns)


def test_outputs_outlive_a_change_of_prose(built):
    execute(built)
    path, lesson = built.project.notebook_path(LESSON), built.project.lesson_path(LESSON)
    outputs = [cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells]
    lesson.write_text(lesson.read_text("utf-8").replace("# 貓", "# 貓與狗"), "utf-8")
    assert state(built) == "stale"
    [result] = build([LESSON], project=built.project)
    assert (result.state, result.written) == ("fresh", True)
    nb = nbformat.read(path, as_version=4)
    assert nb.cells[0].source.startswith("# 貓與狗")
    assert [cell.get("outputs") for cell in nb.cells] == outputs


def test_outputs_edited_by_hand_do_not_outlive_a_change_of_prose(built):
    execute(built)
    lesson = built.project.lesson_path(LESSON)
    edit(built, lambda nb: nb.cells[1].outputs.pop())
    lesson.write_text(lesson.read_text("utf-8").replace("# 貓", "# 貓與狗"), "utf-8")
    [result] = build([LESSON], project=built.project)
    assert result.state == "unexecuted"


def test_check_writes_nothing(built):
    built.lesson("x = 2")
    before = built.project.notebook_path(LESSON).read_bytes()
    [result] = build([LESSON], check=True, project=built.project)
    assert result.state == "stale"
    assert f"dlbook run {LESSON} --write" in result.message
    assert before == built.project.notebook_path(LESSON).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda nb: nb.cells[0].update(source="# 狗"),
        lambda nb: nb.cells.pop(),
        lambda nb: nb.cells[1].metadata.update(tags=["new"]),
        lambda nb: nb.cells.append(v4.new_code_cell("1")),
        lambda nb: nb.metadata.pop("dlbook"),
    ],
)
def test_cells_edited_by_hand(built, change):
    edit(built, change)
    built.lesson("x = 2")
    assert state(built) == "edited"
    with pytest.raises(BuildError, match=rf"(?s)notebooks/.*lessons/{LESSON}\.py.*--force"):
        build([LESSON], project=built.project)
    with pytest.raises(BuildError, match="--force"):
        write(render(LESSON, built.project), built.project)
    assert state(built) == "edited"
    assert build([LESSON], force=True, project=built.project)[0].state == "unexecuted"


def test_an_edit_that_the_lesson_caught_up_with_is_no_loss(built):
    built.lesson("x = 2")
    wanted = render(LESSON, built.project)
    edit(built, lambda nb: nb.update(cells=wanted.cells))
    assert state(built) == "edited"
    assert build([LESSON], project=built.project)[0].state == "unexecuted"


def test_outputs_edited_by_hand(built):
    execute(built)
    edit(built, lambda nb: nb.cells[1].outputs[0].update(text="三"))
    found = status(LESSON, built.project)
    assert found.state == "edited"
    assert "重新執行" in found.message
    assert build([LESSON], project=built.project)[0].state == "unexecuted"


def test_outputs_without_a_seal(built):
    edit(built, lambda nb: nb.cells[1].outputs.append(v4.new_output("stream", text="一")))
    assert state(built) == "edited"


@pytest.mark.parametrize("content", ["", "{}", "[]", "<<<<<<< HEAD\n{}", '{"nbformat": 3}'])
def test_unreadable_notebook(built, content):
    built.project.notebook_path(LESSON).write_text(content)
    assert state(built) == "edited"
    with pytest.raises(BuildError, match="--force"):
        build([LESSON], project=built.project)
    assert build([LESSON], force=True, project=built.project)[0].written


def test_folder_that_cannot_be_written(built):
    folder = built.project.notebook_path(LESSON).parent
    built.lesson("x = 2")
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("root may write anywhere")
        with pytest.raises(BuildError, match="寫不進去"):
            build([LESSON], project=built.project)
    finally:
        folder.chmod(0o700)


def test_folder_that_is_a_file(course):
    course.lesson("x = 1")
    course.write("notebooks", "")
    with pytest.raises(BuildError, match="寫不進去"):
        build([LESSON], project=course.project)


def test_a_write_that_fails_leaves_the_old_notebook(built, monkeypatch):
    path = built.project.notebook_path(LESSON)
    before = path.read_bytes()
    built.lesson("x = 2")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(BuildError, match=r"寫不進去（No space left on device）"):
        build([LESSON], project=built.project)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_left_beside_the_notebook(built):
    assert [path.name for path in built.project.notebook_path(LESSON).parent.iterdir()] == [
        "cats.ipynb"
    ]


def test_same_bytes_every_time(built):
    path = built.project.notebook_path(LESSON)
    before = path.read_bytes()
    path.unlink()
    build([LESSON], project=built.project)
    assert path.read_bytes() == before
    assert b"\r" not in before
    assert json.loads(before)["nbformat_minor"] == 5


def test_ids_of_equal_cells_differ(course):
    nb = course.render("x = 1", "x = 1", "x = 1")
    ids = [cell.id for cell in nb.cells]
    assert len(set(ids)) == len(ids)
    assert ids[3].removesuffix("-2") == ids[2]


def test_line_endings_do_not_matter(built):
    execute(built)
    for path in built.project.root.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert state(built) == "fresh"


def test_tags_are_kept(course):
    path = course.lesson("x = 1")
    path.write_text(
        path.read_text("utf-8").replace("# %%\nx", '# %% 名稱 tags=["a", "b"]\nx'), "utf-8"
    )
    assert render(LESSON, course.project).cells[2].metadata == {"tags": ["a", "b"]}
