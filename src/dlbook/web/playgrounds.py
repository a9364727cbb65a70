"""The playgrounds: which lesson shows which, after which heading, and their data as scripts.

A playground is ``book/playgrounds/NAME.html`` (its controls) and ``NAME.js`` (a classic script);
its data are in ``NAME.data.js``, committed or made here, because a page that was opened from a
folder can't fetch anything.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from dlbook.errors import CourseError
from dlbook.web.markup import escape, page

FOLDER = "book/playgrounds"


@dataclass(frozen=True)
class Playground:
    """One playground and the section that it follows."""

    name: str
    title: str
    line: str
    lesson: str
    heading: str
    data: bool = True

    @property
    def anchor(self) -> str:
        return f"play-{self.name}"

    @property
    def scripts(self) -> list[str]:
        """Its scripts in the order in which they are loaded."""
        kinds = ["data.js", "js"] if self.data else ["js"]
        return [f"playgrounds/{self.name}.{kind}" for kind in kinds]


PLAYGROUNDS = (
    Playground(
        "descent",
        "在曲面上下降",
        "選一個曲面、幾種最佳化器和學習率，看它們怎麼走下去，或怎麼飛出去。",
        "supervised_learning/mlp_training",
        "最佳化器在修什麼",
        data=False,
    ),
    Playground(
        "convolution",
        "用卷積核掃過一張照片",
        "改九個數字，看同一張照片變成邊緣、浮雕或模糊；點一格，看那一格是怎麼加出來的。",
        "computer_vision/cnn_fundamentals",
        "卷積",
    ),
    Playground(
        "digit",
        "寫一個數字，網路當場認",
        "很小的卷積網路，在這一頁裡跑；還看得到每一個像素對答案的影響。",
        "computer_vision/cnn_fundamentals",
        "第四塊：四代網路，與一個很小的數字網路",
    ),
    Playground(
        "attention",
        "注意力與遮罩",
        "真的語言模型的每一個注意力頭：誰在看誰，拿掉遮罩、拿掉 √d 會變成什麼樣子。",
        "sequence_modeling/attention_mechanism",
        "遮罩",
    ),
    Playground(
        "sampling",
        "溫度、top-k 與 top-p",
        "真的語言模型給每一種 token 當下一個的機率；轉三個旋鈕，再抽抽看。",
        "sequence_modeling/transformer_internals",
        "二、取樣與多樣性",
    ),
)


def of_lesson(lesson: str) -> list[Playground]:
    """The playgrounds of a lesson."""
    return [playground for playground in PLAYGROUNDS if playground.lesson == lesson]


def find(name: str) -> Playground:
    """The playground called ``name``."""
    return next(playground for playground in PLAYGROUNDS if playground.name == name)


def parameters(root: Path) -> int:
    """How many the digit network has."""
    record = root / "src/dlbook/checkpoints/computer_vision/cnn_fundamentals-digits.json"
    return json.loads(record.read_text("utf-8"))["parameters"]


def markup(root: Path, playground: Playground, *, lesson: bool = True) -> str:
    """Its HTML: a labelled region with a title, one line, and its controls."""
    file = root / FOLDER / f"{playground.name}.html"
    if not file.is_file():
        raise CourseError(f"找不到動手玩「{playground.name}」：{file}。")
    head = f'<p class="play-kicker">動手玩</p><p class="play-title" id="{playground.anchor}-title">{escape(playground.title)}</p>'
    line = f'<p class="play-line">{escape(playground.line)}</p>' if lesson else ""
    return (
        f'<section class="play" id="{playground.anchor}" data-play="{playground.name}" '
        f'aria-labelledby="{playground.anchor}-title">{head}{line}{file.read_text("utf-8")}'
        "<noscript><p>這一塊要開啟 JavaScript 才能玩。</p></noscript></section>"
    )


def playgrounds_page(titles: dict[str, str]) -> str:
    """Where the playgrounds are."""
    items = "".join(
        f'<li><a href="{p.lesson}.html#{p.anchor}"><b>{escape(p.title)}</b></a>'
        f"<p>{escape(p.line)} <small>{escape(titles[p.lesson])}</small></p></li>"
        for p in PLAYGROUNDS
    )
    lead = "每一個都在它的課裡，網路和語言模型都是真的權重；手指、滑鼠、鍵盤都能操作，不必連網。"
    return page("動手玩", f'<ul class="dl-path-list">{items}</ul>', lead=lead)
