"""The generated pages say what the curriculum, the records and the notebooks say."""

import json
import re
from pathlib import Path

import pytest

from dlbook import paths
from dlbook.errors import CourseError
from dlbook.web import glossary, pages, playgrounds, results
from dlbook.web.measured import read_record
from dlbook.web.site import Site

SITE = Site.here()


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    return pages.sources(SITE)


def test_every_page_of_the_sidebar_is_made(sources: dict[str, str]) -> None:
    named = set(re.findall(r"^(?:.* <)?([a-z_/]+)>?$", pages.toctree(SITE), re.MULTILINE))
    made = {name.removesuffix(".md") for name in sources} | {lesson.id for lesson in SITE.ready}
    assert named == made - {"index"}


def test_the_home_page_counts_what_the_records_say(sources: dict[str, str]) -> None:
    total = results.totals(SITE)
    claims = 0
    for lesson in SITE.ready:
        record = json.loads((SITE.root / f"records/{lesson.id}.json").read_text("utf-8"))
        claims += len(record["runs"][0]["claims"])
    assert total["claims"] == claims
    assert f"<small> / {claims}</small>" in sources["index.md"]
    assert f"<dd>{total['exercises']}</dd>" in sources["index.md"]


def test_every_claim_is_on_the_results_page(sources: dict[str, str]) -> None:
    rows = sources["results.md"].count("<tr data-level=")
    assert rows == results.totals(SITE)["claims"]


def test_a_value_is_a_range_where_the_seeds_differ(tmp_path: Path) -> None:
    claim = {
        "name": "x",
        "relation": ">=",
        "threshold": 1,
        "tolerance": 0,
        "level": "boss",
        "source": "arXiv:1706.03762",
    }
    runs = [
        {
            "seed": s,
            "seconds": 3 + s,
            "peak_mb": 9,
            "claims": [claim | {"value": v, "passed": v >= 1}],
        }
        for s, v in enumerate((2.0, 1.5, 0.5))
    ]
    record = {"command": "c", "recorded": "d", "machine": {}, "runs": runs}
    (tmp_path / "records" / "a").mkdir(parents=True)
    (tmp_path / "records" / "a" / "b.json").write_text(json.dumps(record), "utf-8")
    found = read_record(tmp_path, "a/b")
    assert found is not None
    assert found.seconds == 4
    assert found.best is found.measured[0]
    assert found.measured[0].value == "0.5 … 2"
    assert not found.measured[0].passed
    assert read_record(tmp_path, "a/c") is None


def test_every_paper_is_on_the_papers_page(sources: dict[str, str]) -> None:
    every = [*SITE.course.papers, *(p for lesson in SITE.course.lessons for p in lesson.papers)]
    assert all(paper.arxiv in sources["papers.md"] for paper in every if paper.arxiv)


def test_every_path_and_its_weeks_are_there(sources: dict[str, str]) -> None:
    for path in SITE.course.paths:
        assert f'id="{path.id}"' in sources["paths.md"]
        assert all(week.goal in sources["paths.md"] for week in path.week)


@pytest.mark.parametrize("term", glossary.read_terms(SITE.root, SITE.course), ids=lambda t: t.zh)
def test_a_term_is_taught_where_the_glossary_says(term: glossary.Term) -> None:
    lesson = SITE.course.find(term.lesson)
    assert term.line.endswith("。")
    assert term.line.count("。") == 1
    if lesson.ready:
        assert term.zh in SITE.notebooks[lesson.id].prose


def test_a_term_twice_is_refused(tmp_path: Path) -> None:
    entry = (
        '[[term]]\nzh = "甲"\nen = "a"\nline = "x。"\nlesson = "foundations/environment_setup"\n'
    )
    (tmp_path / "book").mkdir()
    (tmp_path / glossary.SOURCE).write_text(entry * 2, "utf-8")
    with pytest.raises(CourseError, match="重複"):
        glossary.read_terms(tmp_path, SITE.course)


def test_every_figure_has_an_alternative_text() -> None:
    for lesson, notebook in SITE.notebooks.items():
        assert notebook.figures, lesson
        assert all(len(figure.alt) > 5 for figure in notebook.figures), lesson


def test_the_pictures_of_the_home_page_are_small() -> None:
    firsts = [notebook.figures[0] for notebook in SITE.notebooks.values() if notebook.figures]
    sizes = [len(first.thumbnail()) for first in firsts]
    assert max(sizes) <= 80_000
    assert sum(sizes) <= 15_000 * len(SITE.course.lessons)


def test_the_notebook_in_the_book_is_the_same_but_for_folding() -> None:
    for notebook in SITE.notebooks.values():
        shown = json.loads(pages.prepared(notebook.content))
        assert [c["source"] for c in shown["cells"]] == [
            c["source"] for c in notebook.content["cells"]
        ]
        assert notebook.content["cells"][1]["metadata"].get("tags") == ["setup"]
        assert "hide-input" in shown["cells"][1]["metadata"]["tags"]


@pytest.mark.parametrize("playground", playgrounds.PLAYGROUNDS, ids=lambda p: p.name)
def test_a_playground_is_complete_and_its_section_exists(playground) -> None:
    folder = paths.checkout() / playgrounds.FOLDER
    assert (folder / f"{playground.name}.js").is_file()
    assert f'id="{playground.anchor}"' in playgrounds.markup(SITE.root, playground)
    headings = re.findall(r"^#+ (.+)$", SITE.notebooks[playground.lesson].prose, re.MULTILINE)
    assert playground.heading in headings


def test_scripts_name_no_other_machine() -> None:
    book = paths.checkout() / "book"
    files = [*book.glob("static/*"), *book.glob("playgrounds/*"), *book.glob("templates/**/*.html")]
    for file in files:
        if file.is_file():
            assert not re.search(
                r"(src|url|href|import|fetch)\W{1,3}https?:", file.read_text("utf-8")
            ), file
