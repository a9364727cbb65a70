"""The home page: what the course is, in pictures and numbers that the course itself made."""

from dlbook.curriculum import Lesson
from dlbook.web.markup import escape, raw
from dlbook.web.playgrounds import PLAYGROUNDS, parameters
from dlbook.web.results import totals
from dlbook.web.site import Site

TITLE = "深度學習，跑得動、驗得過"


def home_page(site: Site, playground: str = "") -> str:
    """The page; ``playground`` is the HTML of the one to try at once."""
    parts = [_hero(site), _numbers(site)]
    if playground:
        parts.append(_try(site, playground))
    parts += [_lessons(site), _promises(site), _start(site)]
    body = f'<div class="dl-home">{"".join(parts)}</div>'
    return f"---\nhide-toc: true\n---\n\n# {TITLE}\n\n{raw(body)}"


def _hero(site: Site) -> str:
    first = site.ready[0]
    total = totals(site)
    return (
        '<p class="dl-lead">從一個張量，到一個會說話的語言模型：每一塊都自己寫，和參考函式庫對過答案。'
        "不用 GPU，裝好之後也不用連網，兩核心的筆電就跑得完。</p>"
        f'<p class="dl-actions"><a class="dl-button dl-primary" href="{first.id}.html">從第一課開始</a>'
        f'<a class="dl-button" href="roadmap.html">看 {total["lessons"]} 課的路線圖</a></p>'
    )


def _numbers(site: Site) -> str:
    total = totals(site)
    passed = total["claims"] - total["failed"]
    minutes = total["seconds"] / 60
    facts = [
        (f"{total['ready']}<small> / {total['lessons']}</small>", "課今天可以上，其餘規劃中"),
        (
            f"{passed}<small> / {total['claims']}</small>",
            f"項主張通過，每項在 {total['seeds']} 個亂數種子各檢查一次",
        ),
        (f"{total['exercises']}", "題自動批改的練習，附提示與解答"),
        (f"{minutes:.0f}<small> 分鐘</small>", f"單執行緒跑完全部 {total['ready']} 課"),
    ]
    items = "".join(f"<div><dt>{text}</dt><dd>{number}</dd></div>" for number, text in facts)
    return (
        f'<dl class="dl-numbers">{items}</dl>'
        '<p class="dl-meta dl-center">數字由<a href="results.html">紀錄</a>產生，不是寫上去的。</p>'
    )


def _try(site: Site, playground: str) -> str:
    return (
        '<section class="dl-band"><h2 id="try">先寫一個字</h2>'
        f"<p>這是卷積神經網路那一課練出來的網路，{parameters(site.root):,} 個參數，整個在這一頁裡跑。"
        f'<a href="playgrounds.html">還有 {len(PLAYGROUNDS) - 1} 個可以玩</a>。</p>'
        f"{playground}</section>"
    )


def _lessons(site: Site) -> str:
    cards = "".join(_card(site, lesson) for lesson in site.ready)
    return (
        '<section><h2 id="lessons">今天可以上的課</h2>'
        "<p>每張圖都是那一課執行的結果；下面那一行，是它最高一級的第一項主張量到的數字。</p>"
        f'<div class="dl-cards">{cards}</div></section>'
    )


def _card(site: Site, lesson: Lesson) -> str:
    figures = site.notebooks[lesson.id].figures
    picture = ""
    if figures:
        picture = (
            f'<span class="dl-picture"><img loading="lazy" decoding="async" src="pictures/{lesson.name}.webp" '
            f'alt="{escape(figures[0].alt)}"></span>'
        )
    return (
        f'<article class="dl-card">{picture}<div class="dl-card-text">'
        f'<h3><a href="{lesson.id}.html">{escape(lesson.short)}</a></h3>'
        f"<p>{escape(lesson.summary)}</p>{_best(site, lesson)}</div></article>"
    )


def _best(site: Site, lesson: Lesson) -> str:
    record = site.records.get(lesson.id)
    if record is None or (best := record.best) is None:
        return ""
    claim = best.claim
    return (
        f'<p class="dl-best"><b>{escape(best.value)}</b> <span>{escape(claim.name)}'
        f"（要求 {escape(claim.bar)}）</span></p>"
    )


def _promises(site: Site) -> str:
    total = totals(site)
    verified = all(lesson.full_verified for lesson in site.ready)
    promises = [
        (
            "跑得動",
            "離線、CPU、真的資料、真的預訓練模型。"
            f"最久的一課 {total['longest']} 秒，記憶體最多 {total['peak_mb'] / 1000:.1f} GB。"
            f"換一個設定，同一份程式就上 GPU{'' if verified else '（GPU 設定還沒驗證過）'}。",
        ),
        (
            "驗得過",
            "課文說的話由程式把關：自己寫的實作要和參考函式庫的數字一致，量到的結果要過寫明的門檻。"
            '沒用的技巧也照實寫：<a href="results.html">全部的結果</a>都在。',
        ),
        (
            "會回問你",
            f"{total['exercises']} 題練習當場批改，錯了會說錯在哪裡；提示一次看一個，進度自動記下來。",
        ),
    ]
    items = "".join(f"<div><h3>{name}</h3><p>{text}</p></div>" for name, text in promises)
    return (
        f'<section><h2 id="promises">三個承諾</h2><div class="dl-promises">{items}</div></section>'
    )


def _start(site: Site) -> str:
    paths = "".join(
        f'<li><a href="paths.html#{path.id}"><b>{escape(path.title)}</b> <span>{escape(path.weeks)}</span></a>'
        f"<p>{escape(path.line)}</p></li>"
        for path in site.course.paths
    )
    return (
        f'<section><h2 id="paths">選一條路</h2><ul class="dl-path-list">{paths}</ul></section>'
        '<section><h2 id="start">開始動手</h2>'
        "<p>這裡的每一頁都能讀、能玩。要自己改、要做練習，在課程的資料夾裡：</p>"
        '<pre class="dl-shell"><code>make run     <i># 跑完一課，最後列出每一項主張有沒有通過</i>\n'
        "make lab     <i># 開啟筆記本，在 work/ 裡作答</i></code></pre></section>"
    )
