"""What grading finds: one mark an exercise, one score a notebook."""

import re
from dataclasses import dataclass, field

LONGEST = 1_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def clean(text: str) -> str:
    """Learners' text that a terminal, a table and UTF-8 can take: one line, of sane length."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(" ", text)[:LONGEST]


@dataclass(frozen=True)
class Mark:
    """One exercise of one learner: passed, wrong or unanswered, and why."""

    exercise: str
    stars: int
    status: str
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", clean(self.reason))


@dataclass(frozen=True)
class Score:
    """One notebook; ``reason`` says why it could not be graded, if it could not.

    ``failed``: the grader itself went wrong, and a person should look at the notebook.
    """

    student: str
    file: str
    lesson: str = ""
    marks: list[Mark] = field(default_factory=list)
    reason: str = ""
    failed: bool = False

    def __post_init__(self) -> None:
        for name in ("student", "file", "lesson", "reason"):
            object.__setattr__(self, name, clean(getattr(self, name)))

    @property
    def points(self) -> float:
        """Stars of the passed exercises out of all, 0 to 100."""
        total = sum(mark.stars for mark in self.marks)
        return (
            100 * sum(m.stars for m in self.marks if m.status == "passed") / total if total else 0.0
        )
