"""The roadmap: the lessons and what each needs, as a map for wide pages and as a list for phones."""

import json
from collections.abc import Iterator

from dlbook.curriculum import Curriculum, Lesson
from dlbook.web import layout
from dlbook.web.layout import BOX, Spot
from dlbook.web.markup import escape, joined, lesson_link, page

ROW, HEAD, ARC = 44, 54, 66  # the list: height of a lesson, of a module's name; room for the arcs


def roadmap_page(course: Curriculum) -> str:
    """The page: the map, the panel that explains, and the same in words."""
    ready = sum(lesson.ready for lesson in course.lessons)
    lead = (
        f"每一條線由先備的課連到需要它的課。{len(course.lessons)} 課裡，藍色的 {ready} 課今天就能上，"
        "其餘還在規劃中。移到、點一下，或用 Tab 與方向鍵走到一課，就看得到它在講什麼、要先會什麼。"
    )
    body = "\n".join(
        [
            '<div class="dl-roadmap" data-roadmap>',
            wide_map(course),
            narrow_map(course),
            _panel(),
            "</div>",
            '<h2 id="modules">用文字看</h2>',
            *(_module(course, number) for number in range(len(course.modules))),
        ]
    )
    return page("路線圖", body, wide=True, lead=lead)


def lesson_data(course: Curriculum) -> str:
    """The classic script ``dl-lessons.js``: what the map's panel and the footer of a lesson show."""
    modules = {module.id: module.title for module in course.modules}
    lessons = [
        {
            "id": lesson.id,
            "title": lesson.title,
            "short": lesson.short,
            "module": modules[lesson.module],
            "summary": lesson.summary,
            "topics": lesson.topics,
            "minutes": lesson.minutes,
            "ready": lesson.ready,
            "needs": lesson.prerequisites,
        }
        for lesson in course.lessons
    ]
    paths = [{"id": path.id, "title": path.title, "lessons": path.lessons} for path in course.paths]
    data = json.dumps({"lessons": lessons, "paths": paths}, ensure_ascii=False)
    return f"window.DL_COURSE = {data};\n"


def wide_map(course: Curriculum) -> str:
    """The graph, downwards: every lesson stands below what it needs."""
    spots = layout.place(course)
    modules = {module.id: module.title for module in course.modules}
    edges = [
        _edge(need, lesson.id, spots[need], spots[lesson.id])
        for lesson in course.lessons
        for need in lesson.prerequisites
    ]
    order = sorted(course.lessons, key=lambda lesson: (spots[lesson.id].row, spots[lesson.id].x))
    nodes = [_box(lesson, modules[lesson.module], spots[lesson.id]) for lesson in order]
    size = f"0 0 {layout.width():g} {layout.height(spots):g}"
    return _svg("dl-map dl-map-wide", size, "課程的先備關係", edges, nodes)


def narrow_map(course: Curriculum) -> str:
    """One lesson a line in teaching order; arcs at the left lead from what each needs."""
    y, middles, lines = 8.0, dict[str, float](), list[str]()
    for module in course.modules:
        lines.append(
            f'<text class="dl-map-head" x="{ARC + 6}" y="{y + 34:g}">{escape(module.title)}</text>'
        )
        y += HEAD
        for lesson in module.lessons:
            lines.append(_line(lesson, y))
            middles[lesson.id] = y + ROW / 2
            y += ROW
    arcs = [
        _path(need, lesson.id, _arc(middles[need], middles[lesson.id]))
        for lesson in course.lessons
        for need in lesson.prerequisites
    ]
    return _svg("dl-map dl-map-narrow", f"0 0 360 {y + 8:g}", "課程的先備關係（清單）", arcs, lines)


def _svg(classes: str, view: str, label: str, edges: list[str], nodes: list[str]) -> str:
    return (
        f'<svg class="{classes}" viewBox="{view}" role="group" aria-label="{label}">'
        f'<g class="dl-edges" aria-hidden="true">{"".join(edges)}</g>{"".join(nodes)}</svg>'
    )


def _edge(need: str, lesson: str, start: Spot, stop: Spot) -> str:
    """An arrow of the map; one that passes behind a row is fainter."""
    return _path(need, lesson, _curve(start, stop), "dl-long" if stop.row > start.row + 1 else "")


def _path(need: str, lesson: str, way: str, kind: str = "") -> str:
    return f'<path class="{kind}" data-from="{need}" data-to="{lesson}" d="{way}"/>'


def _curve(start: Spot, stop: Spot) -> str:
    """From the lower edge of one box to the upper edge of another; in a row, from side to side."""
    if start.row == stop.row:
        y = start.y + BOX[1] / 2
        if stop.x - start.x < 1.5 * BOX[0]:
            return f"M{start.x + BOX[0]:g} {y:g}H{stop.x:g}"
        top = start.y
        return f"M{start.middle:g} {top:g}C{start.middle:g} {top - 24:g} {stop.middle:g} {top - 24:g} {stop.middle:g} {top:g}"
    y1, y2 = start.y + BOX[1], stop.y
    bend = min(40.0, (y2 - y1) * 0.6)
    return f"M{start.middle:g} {y1:g}C{start.middle:g} {y1 + bend:g} {stop.middle:g} {y2 - bend:g} {stop.middle:g} {y2:g}"


def _arc(start: float, stop: float) -> str:
    reach = ARC - min(ARC - 6, 10 + 0.11 * (stop - start))
    return f"M{ARC:g} {start:g}C{reach:g} {start:g} {reach:g} {stop:g} {ARC:g} {stop:g}"


def _box(lesson: Lesson, module: str, spot: Spot) -> str:
    lines = wrapped(lesson.short, 9.2)
    first = spot.y + (46 if len(lines) == 1 else 38)
    text = "".join(
        f'<tspan x="{spot.middle:g}" y="{first + 16 * i:g}">{escape(line)}</tspan>'
        for i, line in enumerate(lines)
    )
    rect = f'<rect x="{spot.x:g}" y="{spot.y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="9"/>'
    caption = f'<text class="dl-map-module" x="{spot.middle:g}" y="{spot.y + 20:g}">{escape(module)}</text>'
    return _node(lesson, f'{rect}{caption}<text class="dl-map-title">{text}</text>')


def _line(lesson: Lesson, y: float) -> str:
    rect = f'<rect x="{ARC + 4}" y="{y + 2:g}" width="{360 - ARC - 6}" height="{ROW - 4}" rx="8"/>'
    dot = f'<circle cx="{ARC}" cy="{y + ROW / 2:g}" r="4"/>'
    title = f'<text class="dl-map-title" x="{ARC + 16}" y="{y + ROW / 2 + 5.5:g}">{escape(lesson.short)}</text>'
    return _node(lesson, rect + dot + title)


def _node(lesson: Lesson, inside: str) -> str:
    """A link where the lesson is ready; a planned one can be focused, and leads nowhere."""
    state = "ready" if lesson.ready else "planned"
    label = escape(f"{lesson.title}{'' if lesson.ready else '（規劃中）'}")
    common = f'class="dl-node dl-{state}" data-id="{lesson.id}" aria-label="{label}"'
    if lesson.ready:
        return f'<a {common} href="{lesson.id}.html">{inside}</a>'
    return f'<g {common} tabindex="0" role="button">{inside}</g>'


def _panel() -> str:
    return (
        '<div class="dl-map-panel" role="status" aria-live="polite">'
        '<p class="dl-map-hint">選一課，這裡會說它在講什麼、要先會什麼、學完可以接哪一課。</p></div>'
    )


def _module(course: Curriculum, number: int) -> str:
    module = course.modules[number]
    rows = "".join(_in_words(course, lesson) for lesson in module.lessons)
    return (
        f'<section class="dl-module"><h3 id="{module.id}">{number + 1}. {escape(module.title)}</h3>'
        f"<p>{escape(module.line)}</p><dl>{rows}</dl></section>"
    )


def _in_words(course: Curriculum, lesson: Lesson) -> str:
    needs = joined(lesson_link(course.find(need)) for need in lesson.prerequisites)
    before = f"<small>先備：{needs}</small>" if needs else "<small>從這裡開始</small>"
    return f"<dt>{lesson_link(lesson, short=False)}</dt><dd>{escape(lesson.summary)} {before}</dd>"


def wrapped(text: str, width: float) -> list[str]:
    """One or two lines of at most ``width`` Chinese characters, cut at a space if there is one."""
    if measure(text) <= width:
        return [text]
    cuts = sorted(_cuts(text), key=lambda i: abs(measure(text[:i]) - measure(text[i:])))
    best = next((i for i in cuts if max(measure(text[:i]), measure(text[i:])) <= width), cuts[0])
    return [text[:best].strip(), text[best:].strip()]


def _cuts(text: str) -> Iterator[int]:
    spaces = [i for i, letter in enumerate(text) if letter == " "]
    yield from spaces or range(1, len(text))


def measure(text: str) -> float:
    """The width in Chinese characters."""
    return sum(0.58 if letter.isascii() else 1.0 for letter in text)
