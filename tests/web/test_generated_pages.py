"""The generated pages say what the curriculum, the records and the notebooks say."""

import json
import re
from functools import partial
from html import escape
from pathlib import Path

import pytest

from dlbook import paths
from dlbook.web import pages, playgrounds, results
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
    page = sources["papers.md"]
    for paper in every:
        title = f"<cite>{escape(paper.title)}</cite>"
        if paper.url:
            assert f'<a href="{paper.url}">{title}</a> <small>arXiv:{paper.arxiv}</small>' in page
        else:
            assert f"{title} <small>{escape(paper.where)}</small>" in page
    assert page.count("<cite>") == len(every)


def test_every_path_and_its_weeks_are_there(sources: dict[str, str]) -> None:
    for path in SITE.course.paths:
        assert f'id="{path.id}"' in sources["paths.md"]
        assert all(week.goal in sources["paths.md"] for week in path.week)


def test_every_figure_has_an_alternative_text() -> None:
    for lesson, notebook in SITE.notebooks.items():
        assert notebook.figures, lesson
        assert all(len(figure.alt) > 5 for figure in notebook.figures), lesson


def test_the_pictures_of_the_home_page_are_small() -> None:
    firsts = [notebook.figures[0] for notebook in SITE.notebooks.values() if notebook.figures]
    sizes = [len(first.thumbnail()) for first in firsts]
    assert max(sizes) <= 80_000
    assert sum(sizes) <= 15_000 * len(SITE.course.lessons)


def test_the_notebook_in_the_book_is_the_same_but_for_folding_and_planned_links() -> None:
    for lesson, notebook in SITE.notebooks.items():
        shown = json.loads(pages.prepared(SITE, lesson))
        for cell, original in zip(shown["cells"], notebook.content["cells"], strict=True):
            text, source = "".join(cell["source"]), "".join(original["source"])
            if original["cell_type"] == "markdown":
                source = pages.LINK.sub(partial(_as_planned, lesson), source)
            assert text == source
        assert notebook.content["cells"][1]["metadata"].get("tags") == ["setup"]
        assert "hide-input" in shown["cells"][1]["metadata"]["tags"]


def _as_planned(lesson: str, link: re.Match[str]) -> str:
    """A link without its address, if the lesson that it leads to is planned."""
    target = (Path("/") / lesson).parent / link[2]
    ready = (SITE.root / "notebooks" / f"{Path(*target.resolve().parts[1:])}.ipynb").is_file()
    return link[0] if ready else link[1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[訓練](transformer_training.ipynb)", "訓練"),
        ("見[對抗](../generative_models/gan.ipynb)。", "見對抗。"),
        ("[甲](rnn_lstm.ipynb)與[乙](transformer_training.ipynb)", "[甲](rnn_lstm.ipynb)與乙"),
        ("[卷積](../computer_vision/cnn_fundamentals.ipynb)", None),
        ("[表](https://example.org/gan.ipynb)", None),
    ],
)
def test_a_link_to_a_planned_lesson_is_plain_text(text: str, shown: str | None) -> None:
    found = pages._without_planned(SITE, "sequence_modeling/transformer_internals", text)
    assert found == (text if shown is None else shown)


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
