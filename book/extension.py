"""What happens inside Sphinx: formulas, alternative texts, terms, playgrounds, the lesson's header."""

import re
from functools import cache
from urllib.parse import quote

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

from dlbook.web import playgrounds
from dlbook.web.glossary import Finder, Term, read_terms
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
UNKNOWN = ((r"\\arg(?![A-Za-z])", r"\operatorname{arg}"), (r"\\\*", "*"))  # to latex2mathml


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
    app.connect("doctree-read", _embed_playgrounds)
    app.connect("doctree-resolved", _link_terms)
    app.connect("html-page-context", _page_context, priority=900)  # after Furo's
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline_math(self, node):
    self.body.append(_formula(node))
    raise nodes.SkipNode


def _block_math(self, node):
    """In a frame of its own, so that a long formula scrolls and the page doesn't."""
    self.body.append(f'<div class="dl-formula">{_formula(node, display="block")}</div>')
    raise nodes.SkipNode


def _formula(node: nodes.Element, display: str = "inline") -> str:
    """A formula as MathML.

    Raises:
        ValueError: it has a command that the converter doesn't know.
    """
    text = node.astext()
    for command, known in UNKNOWN:
        text = re.sub(command, lambda _, known=known: known, text)
    formula = convert(text, display=display)
    if any(rest in formula for rest in ("\\", "&#x0005C;", "<mi>&</mi>")):
        raise ValueError(f"公式裡有不認得的指令：{node.astext()}（{node.source}）")
    return formula


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
    finder = Finder(terms(), docname)
    for text in list(doctree.findall(nodes.Text)):
        if _may_link(text):
            pieces = [piece for piece in finder.pieces(text.astext()) if piece]
            linked = [nodes.Text(p) if isinstance(p, str) else _link(p, target) for p in pieces]
            text.parent.replace(text, linked)


def _may_link(text: nodes.Text) -> bool:
    parent = text.parent
    while parent is not None:
        if isinstance(parent, UNLINKED):
            return False
        parent = parent.parent
    return True


def _link(term: Term, target: str) -> nodes.reference:
    address = f"{target}#{term.anchor}"
    link = nodes.reference("", term.zh, internal=True, refuri=address, reftitle=term.label)
    link["classes"].append("dl-term-link")
    return link


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
    names = [name for playground in played for name in playground.scripts]
    context["playground_scripts"] = ["playgrounds/play.js", *names] if names else []
    if pagename == "index":
        context["docstitle"] = "深度學習，跑得動、驗得過的課"


def _with_levels(tree: str) -> str:
    """Sphinx calls a module's name a heading without saying of which level."""
    return tree.replace('role="heading"', 'role="heading" aria-level="2"')


def _neighbour(ready: list, at: int) -> dict[str, str] | None:
    if not 0 <= at < len(ready):
        return None
    return {"id": ready[at].id, "title": ready[at].short}


def _feedback(pathto, pagename: str) -> str:
    url = site().settings["feedback_url"]
    if url:
        return url.replace("{page}", quote(pagename, safe=""))
    address = "" if pagename == "errata" else pathto("errata")
    return f"{address}?page={quote(pagename, safe='')}"
