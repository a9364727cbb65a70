"""The papers page: the core list by area, then what each lesson reads."""

from dlbook.curriculum import Curriculum, Lesson, Paper
from dlbook.web.markup import escape, joined, lesson_link, page, paper_link


def papers_page(course: Curriculum) -> str:
    """Core papers with the lessons that use them; further papers lesson by lesson."""
    lead = "讀論文最好的時候，是剛親手把它做過一遍之後。先列全課的核心論文，再列每一課用到的。"
    core = "".join(_core(course, paper) for paper in course.papers)
    lessons = "".join(_lesson(lesson) for lesson in course.lessons if lesson.papers)
    body = (
        f'<h2 id="core">核心論文</h2><dl class="dl-papers">{core}</dl>'
        f'<h2 id="by-lesson">每一課的論文</h2>{lessons}'
    )
    return page("論文", body, lead=lead)


def _core(course: Curriculum, paper: Paper) -> str:
    readers = [lesson for lesson in course.lessons if any(same(paper, p) for p in lesson.papers)]
    used = f" → {joined(map(lesson_link, readers))}" if readers else ""
    return f"<dt>{escape(paper.area)}</dt><dd>{paper_link(paper)}{used}</dd>"


def same(one: Paper, other: Paper) -> bool:
    """Whether two entries name one paper."""
    return (one.arxiv or one.title) == (other.arxiv or other.title)


def _lesson(lesson: Lesson) -> str:
    papers = "".join(f"<li>{paper_link(paper)}</li>" for paper in lesson.papers)
    return f'<h3 id="{lesson.name}">{lesson_link(lesson)}</h3><ul class="dl-plain">{papers}</ul>'
