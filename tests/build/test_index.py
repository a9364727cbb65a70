"""The roadmap."""

import pytest

from dlbook.build import BuildError, build_index
from dlbook.build.index import render_index
from dlbook.curriculum import load


@pytest.fixture(scope="module")
def curriculum():
    return load()


def test_every_module_and_lesson_is_there(course, curriculum):
    nb = render_index(curriculum, course.project)
    text = "\n".join(cell.source for cell in nb.cells)
    for module in curriculum.modules:
        assert f". {module.title}\n" in text
    for lesson in curriculum.lessons:
        assert lesson.title in text
        assert (f"({lesson.id}.ipynb)" in text) == lesson.ready
    assert nb.cells[-1].source.endswith("learning.print_progress()")


def test_life_of_the_roadmap(course, curriculum):
    def build(**options):
        return build_index(curriculum=curriculum, project=course.project, **options)

    path = course.project.root / "notebooks/index.ipynb"
    assert build(check=True).state == "missing"
    assert not path.exists()
    assert build().written
    found = build()
    assert (found.state, found.written) == ("fresh", False)
    path.write_text(path.read_text("utf-8").replace("路線圖", "地圖"), "utf-8")
    assert build(check=True).state == "edited"
    with pytest.raises(BuildError, match="index"):
        build()
    assert build(force=True).written
