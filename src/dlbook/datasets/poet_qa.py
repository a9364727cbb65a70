"""Questions about poets of the Tang dynasty, answered by a span of their biography."""

from dataclasses import dataclass

from dlbook.datasets.lines import records


@dataclass(frozen=True)
class Question:
    """``context[start : start + len(answer)] == answer``; ``kind`` such as 字, 籍貫 or 進士."""

    id: str
    kind: str
    poet: str
    context: str
    question: str
    answer: str
    start: int


@dataclass(frozen=True)
class PoetQA:
    """Questions in three parts; no poet is in two."""

    train: tuple[Question, ...]
    valid: tuple[Question, ...]
    test: tuple[Question, ...]


def poet_qa() -> PoetQA:
    """2,779 questions of 14 kinds on the lives of 1,232 poets, 61 characters long on average.

    Split by poet: 1,970 for training, 404 for validation, 405 for testing. The lives are short
    (the longest 511 characters): put several in one context to make the search harder. Questions
    and answers were made by patterns, and read by sample: 60 out of 60 were right. Only lives as
    the 全唐詩 of 1705 has them are used.

    Licence: the lives are in the public domain; the collection is MIT (npm chinese-poetry 2.0.1,
    © 2016 JackeyGao), the questions are this course's.
    """
    parts: dict[str, list[Question]] = {"train": [], "valid": [], "test": []}
    for life in records("poet-qa"):
        for item in life["questions"]:
            identity = f"{life['poet']}-{item['kind']}"
            parts[life["part"]].append(
                Question(identity, poet=life["poet"], context=life["text"], **item)
            )
    return PoetQA(**{part: tuple(found) for part, found in parts.items()})
