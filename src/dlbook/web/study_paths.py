"""The learning paths, week by week."""

from dlbook.curriculum import Curriculum, LearningPath, Week
from dlbook.web.markup import escape, joined, lesson_link, page


def paths_page(course: Curriculum) -> str:
    """One section a path. A lesson's footer follows the path that is chosen here."""
    lead = (
        "不知道從哪裡開始，就選一條路。在這裡選好，每一課最下面的「上一課、下一課」就會照著這條路走；"
        "選擇只記在這個瀏覽器裡。"
    )
    body = "\n".join(_path(course, path) for path in course.paths)
    return page("學習路線", body, lead=lead)


def _path(course: Curriculum, path: LearningPath) -> str:
    titles = {other.id: other.title for other in course.paths}
    before = joined(f'<a href="#{other}">{escape(titles[other])}</a>' for other in path.assumes)
    needs = f"<p>要先走完：{before}。</p>" if before else ""
    ready = sum(course.find(name).ready for name in path.lessons)
    weeks = "".join(_week(course, number, week) for number, week in enumerate(path.week, 1))
    return (
        f'<section class="dl-path" data-path="{path.id}"><h2 id="{path.id}">{escape(path.title)}</h2>'
        f'<p class="dl-meta">{escape(path.weeks)}・{len(path.lessons)} 課，{ready} 課可以上</p>'
        f"<p>{escape(path.line)}</p>{needs}<ol class=dl-weeks>{weeks}</ol>"
        f'<button type="button" class="dl-button" data-choose-path="{path.id}">照這條路走</button></section>'
    )


def _week(course: Curriculum, number: int, week: Week) -> str:
    lessons = "".join(f"<li>{lesson_link(course.find(name))}</li>" for name in week.lessons)
    return f"<li><b>{escape(week.goal)}</b><ul>{lessons}</ul></li>"
