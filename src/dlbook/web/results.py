"""The results page: every claim with its values, its bar and where the bar is from."""

from collections import Counter

from dlbook.claims import LEVELS
from dlbook.curriculum import Lesson
from dlbook.web.markup import escape, linked_papers, page
from dlbook.web.measured import LEVEL_NAMES, LessonRecord, Measured
from dlbook.web.site import Site


def results_page(site: Site) -> str:
    """A summary, buttons that choose a level, and one table a lesson."""
    lessons = [lesson for lesson in site.ready if lesson.id in site.records]
    tables = [_lesson(lesson, site.records[lesson.id]) for lesson in lessons]
    body = "\n".join([_summary(site), _filter(site), *tables])
    lead = (
        "課文裡量得到的說法寫成主張，各有門檻和依據。每一課用幾個亂數種子各跑一次，"
        "有任何一項沒過，這一課就算失敗。下面是全部的主張，沒有挑過。"
    )
    return page("成果", body, wide=True, lead=lead)


def totals(site: Site) -> dict[str, int]:
    """How many lessons, claims, seeds, exercises and seconds the course has today."""
    records = site.records.values()
    return {
        "lessons": len(site.course.lessons),
        "ready": len(site.ready),
        "claims": sum(len(record.measured) for record in records),
        "seeds": min((len(record.seeds) for record in records), default=0),
        "failed": sum(not m.passed for record in records for m in record.measured),
        "exercises": sum(len(notebook.exercises) for notebook in site.notebooks.values()),
        "seconds": round(sum(record.seconds for record in records)),
        "longest": round(max((record.seconds for record in records), default=0)),
        "peak_mb": round(max((record.peak_mb for record in records), default=0)),
    }


def _summary(site: Site) -> str:
    total = totals(site)
    passed = total["claims"] - total["failed"]
    return (
        f"<p><b>{passed} / {total['claims']}</b> 項主張在每一個種子都通過；"
        f"每項在 {total['seeds']} 個種子各檢查一次；標明預先測得的，是載入紀錄。{total['ready']} 課接著跑完要 {total['seconds'] / 60:.0f} 分鐘，"
        f"最多用到 {total['peak_mb'] / 1000:.1f} GB 記憶體（單執行緒，沒有 GPU）。</p>"
    )


def _filter(site: Site) -> str:
    count = Counter(m.claim.level for record in site.records.values() for m in record.measured)
    levels = sorted(count, key=LEVELS.index)
    buttons = "".join(
        f'<button type="button" aria-pressed="false" data-level="{level}">'
        f"{LEVEL_NAMES[level]} <small>{count[level]}</small></button>"
        for level in levels
    )
    return (
        '<div class="dl-filter" role="group" aria-label="只看一種主張">'
        '<button type="button" aria-pressed="true" data-level="">全部</button>'
        f"{buttons}</div>"
        '<p class="dl-meta">「對答案」是和參考函式庫比數字，「成本」是參數、運算與時間，'
        "simple 到 boss 是作業裡由易到難的階梯。</p>"
    )


def _lesson(lesson: Lesson, record: LessonRecord) -> str:
    rows = "".join(map(_row, record.measured))
    machine = record.machine
    note = (
        f"{record.recorded}，{machine['system']}、{machine['cores']} 核心、torch {machine['torch']}；"
        f"一次約 {record.seconds:.0f} 秒、{record.peak_mb / 1000:.1f} GB。重做：<code>{escape(record.command)}</code>"
    )
    return (
        f'<section class="dl-results"><h2 id="{lesson.name}"><a href="{lesson.id}.html">{escape(lesson.title)}</a></h2>'
        f'<table class="dl-claims"><thead><tr><th scope="col">主張</th><th scope="col">量到</th>'
        f'<th scope="col">門檻</th><th scope="col">級別</th><th scope="col">依據</th></tr></thead>'
        f'<tbody>{rows}</tbody></table><p class="dl-meta">{note}</p></section>'
    )


def _row(measured: Measured) -> str:
    claim = measured.claim
    state = "" if measured.passed else ' class="dl-failed"'
    mark = "" if measured.passed else "（未通過）"
    return (
        f'<tr data-level="{claim.level}"{state}><th scope="row">{escape(claim.name)}{mark}</th>'
        f'<td data-label="量到" class="dl-number">{escape(measured.value)}</td>'
        f'<td data-label="門檻" class="dl-number">{escape(claim.bar)}</td>'
        f'<td data-label="級別"><span class="dl-level dl-level-{claim.level}">{LEVEL_NAMES[claim.level]}</span></td>'
        f'<td data-label="依據" class="dl-source">{linked_papers(claim.source)}</td></tr>'
    )
