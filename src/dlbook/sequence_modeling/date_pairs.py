"""一個看得見對齊的小翻譯：各種寫法的日期 → 2024-05-02。

順序不一、長短不一，還夾著用不到的星期，所以網路得學會每一個數字該回頭看哪裡。
"""

import datetime

import torch
from jaxtyping import Int
from torch import Tensor

WEEKDAYS = "一二三四五六日"
FORMATS = (
    "{y}年{m}月{d}日",
    "{b} {d}, {y}",
    "{a}, {d} {b} {y}",
    "{m}/{d}/{y}",
    "週{w}，{y}.{m}.{d}",
)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DIGITS = "0123456789-"
TARGET_LENGTH = 10  # 年四位、月兩位、日兩位、兩條短橫


def written(day: datetime.date, style: int) -> str:
    """第 style 種寫法。"""
    return FORMATS[style].format(
        y=day.year, m=day.month, d=day.day, b=MONTHS[day.month - 1], a=DAYS[day.weekday()],
        w=WEEKDAYS[day.weekday()],
    )  # fmt: skip


def all_days(first: int = 1950, last: int = 2049) -> list[datetime.date]:
    """first 到 last 年的每一天。"""
    start, end = datetime.date(first, 1, 1), datetime.date(last, 12, 31)
    return [start + datetime.timedelta(days=i) for i in range((end - start).days + 1)]


LETTERS = sorted(set("".join(FORMATS) + WEEKDAYS + "".join(MONTHS + DAYS) + DIGITS) - set("{}"))


def encode_source(texts: list[str]) -> Int[Tensor, "batch length"]:
    """文字 → 編號，從 1 起；短的補 0。"""
    rows = [torch.tensor([LETTERS.index(c) + 1 for c in text]) for text in texts]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def encode_target(days: list[datetime.date]) -> Int[Tensor, "batch 10"]:
    """標準寫法的十個符號，編號從 1 起。"""
    return torch.tensor([[DIGITS.index(c) + 1 for c in day.isoformat()] for day in days])


def decode_target(row: Int[Tensor, " steps"]) -> str:
    """編號 → 文字；編號 0 寫成問號。"""
    return "".join(DIGITS[i - 1] if i else "?" for i in row.tolist())
