"""All generated files of the book, by name."""

import json
from typing import Any

from dlbook.curriculum import Lesson, Module
from dlbook.web import playgrounds
from dlbook.web.glossary import glossary_page, read_terms
from dlbook.web.home import home_page
from dlbook.web.markup import short_title
from dlbook.web.papers import papers_page
from dlbook.web.results import results_page
from dlbook.web.roadmap import lesson_data, roadmap_page
from dlbook.web.site import Site
from dlbook.web.study_paths import paths_page

GENERATED = ("roadmap", "paths", "playgrounds", "results", "glossary", "papers")
HOME_PLAYGROUND = "digit"


def sources(site: Site) -> dict[str, str]:
    """The pages that Sphinx reads, without the lessons."""
    terms = read_terms(site.root, site.course)
    tried = playgrounds.markup(site.root, playgrounds.find(HOME_PLAYGROUND), lesson=False)
    titles = {lesson.id: short_title(lesson) for lesson in site.course.lessons}
    return {
        "index.md": home_page(site, tried) + toctree(site),
        "roadmap.md": roadmap_page(site.course),
        "paths.md": paths_page(site.course),
        "playgrounds.md": playgrounds.playgrounds_page(titles),
        "results.md": results_page(site),
        "glossary.md": glossary_page(terms, site.course),
        "papers.md": papers_page(site.course),
        "errata.md": errata_page(),
    }


def extras(site: Site) -> dict[str, str | bytes]:
    """The files that are copied into the book as they are."""
    files: dict[str, str | bytes] = {"dl-lessons.js": lesson_data(site.course)}
    for lesson in site.ready:
        name = lesson.id
        files[f"download/{name}.ipynb"] = (site.root / f"notebooks/{name}.ipynb").read_bytes()
        files[f"download/{name}.py"] = (site.root / f"lessons/{name}.py").read_bytes()
        if figures := site.notebooks[name].figures:
            files[f"pictures/{lesson.name}.webp"] = figures[0].thumbnail()
    for path in sorted((site.root / playgrounds.FOLDER).glob("*.js")):
        files[f"playgrounds/{path.name}"] = path.read_text("utf-8")
    from dlbook.web import playground_data  # brings torch with it

    for name, script in playground_data.scripts().items():
        files[f"playgrounds/{name}"] = script
    return files


def toctree(site: Site) -> str:
    """The sidebar: the generated pages, then the ready lessons by module."""
    parts = [_toctree("", [*GENERATED, "errata"])]
    for module in site.course.modules:
        entries = [f"{short_title(lesson)} <{lesson.id}>" for lesson in _ready(module)]
        if entries:
            parts.append(_toctree(module.title, entries))
    return "\n".join(parts)


def _ready(module: Module) -> list[Lesson]:
    return [lesson for lesson in module.lessons if lesson.ready]


def _toctree(caption: str, entries: list[str]) -> str:
    head = f":caption: {caption}\n" if caption else ""
    return "\n```{toctree}\n:hidden:\n" + head + "\n" + "\n".join(entries) + "\n```\n"


def prepared(notebook: dict[str, Any]) -> str:
    """The notebook as the book shows it: the imports that every notebook begins with are folded."""
    content = json.loads(json.dumps(notebook))
    for cell in content["cells"]:
        tags = cell["metadata"].get("tags", [])
        if "setup" in tags:
            cell["metadata"]["tags"] = [*tags, "hide-input"]
        elif "check" in tags:
            cell["metadata"]["tags"] = [*tags, "remove-output"]
        for output in cell.get("outputs", []):
            _mend_table(output.get("data", {}))
    return json.dumps(content, ensure_ascii=False)


def _mend_table(data: dict[str, Any]) -> None:
    """pandas leaves the corner of a table an empty heading; an empty cell says the same to a reader."""
    if "text/html" in data:
        data["text/html"] = "".join(data["text/html"]).replace("<th></th>", "<td></td>")


def errata_page() -> str:
    """What to say about a mistake; the footer of every page leads here unless the settings name a place."""
    return (
        "# 勘誤與回饋\n\n"
        "課文寫錯、程式跑不動、哪一段讀不懂，都請告訴提供這份課程給你的人。附上這幾項，對方就能重現：\n\n"
        "1. 哪一課、哪一節（從頁尾的連結過來的話，下面已經填好）；\n"
        "2. 你看到什麼，你以為會看到什麼；\n"
        "3. 如果和執行有關：`dlbook doctor` 的輸出。\n\n"
        "````{raw} html\n"
        '<p><label class="dl-label" for="dl-errata">可以直接複製的文字</label>'
        '<textarea id="dl-errata" class="dl-input" rows="6">頁面：\n節：\n看到的：\n以為的：\n</textarea></p>\n'
        "````\n\n"
        "架設這份書的人：在 `book/site.toml` 的 `feedback_url` 填上網址，每一頁的連結就會改到那裡。\n"
    )
