"""All generated files of the book, by name."""

import json
import posixpath
import re

from dlbook.curriculum import Lesson, Module
from dlbook.web import playgrounds
from dlbook.web.glossary import glossary_page, read_terms
from dlbook.web.home import home_page
from dlbook.web.papers import papers_page
from dlbook.web.results import results_page
from dlbook.web.roadmap import lesson_data, roadmap_page
from dlbook.web.site import Site
from dlbook.web.study_paths import paths_page

GENERATED = ("roadmap", "paths", "playgrounds", "results", "glossary", "papers")
HOME_PLAYGROUND = "digit"
CORNER = re.compile(r"<th\b([^>]*)>(?:&nbsp;|\s)*</th>")
LINK = re.compile(r"\[([^\]]+)\]\(([\w./]+)\.ipynb\)")


def sources(site: Site) -> dict[str, str]:
    """The pages that Sphinx reads, without the lessons."""
    terms = read_terms(site.root, site.course)
    tried = playgrounds.markup(site.root, playgrounds.find(HOME_PLAYGROUND), lesson=False)
    titles = {lesson.id: lesson.short for lesson in site.course.lessons}
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
        entries = [f"{lesson.short} <{lesson.id}>" for lesson in _ready(module)]
        if entries:
            parts.append(_toctree(module.title, entries))
    return "\n".join(parts)


def _ready(module: Module) -> list[Lesson]:
    return [lesson for lesson in module.lessons if lesson.ready]


def _toctree(caption: str, entries: list[str]) -> str:
    head = f":caption: {caption}\n" if caption else ""
    return "\n```{toctree}\n:hidden:\n" + head + "\n" + "\n".join(entries) + "\n```\n"


def prepared(site: Site, lesson: str) -> str:
    """A notebook as the book shows it.

    The imports that every notebook begins with are folded, a link to a planned lesson is plain text,
    and an empty corner of a table of pandas is no heading of anything.
    """
    content = json.loads(json.dumps(site.notebooks[lesson].content))
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _without_planned(site, lesson, "".join(cell["source"]))
        tags = cell["metadata"].get("tags", [])
        if "setup" in tags:
            cell["metadata"]["tags"] = [*tags, "hide-input"]
        elif "check" in tags:
            cell["metadata"]["tags"] = [*tags, "remove-output"]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = CORNER.sub(r"<td\1></td>", "".join(data["text/html"]))
    return json.dumps(content, ensure_ascii=False)


def _without_planned(site: Site, lesson: str, text: str) -> str:
    """The text, its links to lessons that aren't in the book yet made plain."""

    def plain(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(lesson), link[2]))
        planned = target in {other.id for other in site.course.lessons if not other.ready}
        return link[1] if planned else link[0]

    return LINK.sub(plain, text)


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
