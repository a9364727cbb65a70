"""What happens inside Sphinx: formulas, alternative texts, terms, playgrounds, the lesson's header."""

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

from dlbook.web import playgrounds
from dlbook.web.glossary import Term, read_terms
from dlbook.web.markup import short_title
from dlbook.web.pages import HOME_PLAYGROUND
from dlbook.web.site import Site

UNLINKED = (
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.title,
    nodes.raw,
)
CORNER = re.compile(r"<th( class=\"blank[^>]*)>(?:&nbsp;|\s)*</th>")


@cache
def site() -> Site:
    return Site.here()


@cache
def terms() -> list[Term]:
    return read_terms(site().root, site().course)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect everything."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.connect("builder-inited", _no_search)
    app.connect("doctree-read", _describe_pictures)
    app.connect("doctree-read", _drop_empty_heads)
    app.connect("doctree-read", _fill_corners)
    app.connect("doctree-read", _embed_playgrounds)
    app.connect("doctree-resolved", _link_terms)
    app.connect("html-page-context", _page_context, priority=900)  # after Furo's
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline_math(self, node):
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block_math(self, node):
    """In a frame of its own, so that a long formula scrolls and the page doesn't."""
    formula = convert(node.astext(), display="block")
    self.body.append(f'<div class="dl-formula">{formula}</div>')
    raise nodes.SkipNode


def _no_search(app: Sphinx) -> None:
    app.builder.search = False  # the book has an index of its own, that knows Chinese


def _describe_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """MyST-NB drops the alternative text of an output; a picture's file name is its hash."""
    texts = _alternative_texts()
    for image in doctree.findall(nodes.image):
        name = image["uri"].rpartition("/")[2]
        if name in texts:
            image["alt"] = texts[name]


@cache
def _alternative_texts() -> dict[str, str]:
    return {figure.name: figure.alt for nb in site().notebooks.values() for figure in nb.figures}


def _drop_empty_heads(app: Sphinx, doctree: nodes.document) -> None:
    """Markdown has no table without a head; an empty one is only in the way."""
    for head in list(doctree.findall(nodes.thead)):
        if not head.astext().strip():
            head.parent.remove(head)


def _fill_corners(app: Sphinx, doctree: nodes.document) -> None:
    """The empty corner of a pandas table with an index is no head of anything."""
    for raw in doctree.findall(nodes.raw):
        text = CORNER.sub(r"<td\1></td>", raw.astext())
        if text != raw.astext():
            raw.children = [nodes.Text(text)]


def _embed_playgrounds(app: Sphinx, doctree: nodes.document) -> None:
    """After the text of the section that each names, before its subsections.

    Raises:
        LookupError: the lesson has no such heading any more.
    """
    for playground in playgrounds.of_lesson(app.env.docname):
        section = _section(doctree, playground.heading)
        html = nodes.raw("", playgrounds.markup(site().root, playground), format="html")
        inner = [i for i, child in enumerate(section.children) if isinstance(child, nodes.section)]
        section.insert(inner[0] if inner else len(section.children), html)


def _section(doctree: nodes.document, heading: str) -> nodes.section:
    for section in doctree.findall(nodes.section):
        if section[0].astext() == heading:
            return section
    raise LookupError(
        f"{doctree['source']} 沒有「{heading}」這一節；請改 src/dlbook/web/playgrounds.py。"
    )


def _link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """The first use of each term in a lesson leads to the glossary."""
    if docname not in site().notebooks:
        return
    target = app.builder.get_relative_uri(docname, "glossary")
    waiting = sorted(terms(), key=lambda term: -len(term.zh))
    for text in list(doctree.findall(nodes.Text)):
        if not _may_link(text):
            continue
        linked = list(_linked(text.astext(), waiting, target))
        if len(linked) > 1:
            text.parent.replace(text, linked)


def _may_link(text: nodes.Text) -> bool:
    parent = text.parent
    while parent is not None:
        if isinstance(parent, UNLINKED):
            return False
        parent = parent.parent
    return True


def _linked(text: str, waiting: list[Term], target: str) -> Iterator[nodes.Node]:
    """The pieces of a text; a term that was found is no longer waited for."""
    found = [(text.find(term.zh), term) for term in waiting if term.zh in text]
    if not found:
        yield nodes.Text(text)
        return
    start, term = min(found, key=lambda pair: (pair[0], -len(pair[1].zh)))
    waiting.remove(term)
    if text[:start]:
        yield nodes.Text(text[:start])
    label = f"{term.zh}（{term.en}）：{term.line}"
    link = nodes.reference(
        "", term.zh, internal=True, refuri=f"{target}#{term.anchor}", reftitle=label
    )
    link["classes"].append("dl-term-link")
    yield link
    if rest := text[start + len(term.zh) :]:
        yield from _linked(rest, waiting, target)


def _page_context(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """What the templates need: the lesson, the way on, the place for mistakes, the scripts."""
    context["feedback"] = _feedback(context["pathto"], pagename)
    context["furo_navigation_tree"] = _with_levels(context["furo_navigation_tree"])
    context["body_class"] = "dl-is-home" if pagename == "index" else ""
    lessons = [lesson.id for lesson in site().course.lessons]
    if pagename in site().notebooks:
        lesson = site().course.find(pagename)
        module = next(m for m in site().course.modules if m.id == lesson.module)
        ready = site().ready
        at = ready.index(lesson)
        context["lesson"] = {
            "id": lesson.id,
            "number": lessons.index(pagename) + 1,
            "module": module.title,
            "minutes": f"{lesson.minutes:g}",
            "exercises": len(site().notebooks[pagename].exercises),
            "before": _neighbour(ready, at - 1),
            "after": _neighbour(ready, at + 1),
        }
    played = playgrounds.of_lesson(pagename)
    if pagename == "index":
        played = [playgrounds.find(HOME_PLAYGROUND)]
    names = [name for playground in played for name in playground.scripts(site().root)]
    context["playground_scripts"] = ["playgrounds/play.js", *names] if names else []
    if pagename == "index":
        context["docstitle"] = "深度學習，跑得動、驗得過的課"


def _with_levels(tree: str) -> str:
    """Sphinx calls a module's name a heading without saying of which level."""
    return tree.replace('role="heading"', 'role="heading" aria-level="2"')


def _neighbour(ready: list, at: int) -> dict[str, str] | None:
    if not 0 <= at < len(ready):
        return None
    return {"id": ready[at].id, "title": short_title(ready[at])}


def _feedback(pathto, pagename: str) -> str:
    url = site().settings["feedback_url"]
    if url:
        return url.replace("{page}", quote(pagename, safe=""))
    return f"{pathto('errata')}?page={quote(pagename, safe='')}"
