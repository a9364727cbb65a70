"""What grading finds: one mark an exercise, one score a notebook."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mark:
    """One exercise of one learner: passed, wrong or unanswered, and why."""

    exercise: str
    stars: int
    status: str
    reason: str = ""


@dataclass(frozen=True)
class Score:
    """One notebook; ``reason`` says why it could not be graded, if it could not."""

    student: str
    file: str
    lesson: str = ""
    marks: list[Mark] = field(default_factory=list)
    reason: str = ""

    @property
    def points(self) -> float:
        """Stars of the passed exercises out of all, 0 to 100."""
        total = sum(mark.stars for mark in self.marks)
        return (
            100 * sum(m.stars for m in self.marks if m.status == "passed") / total if total else 0.0
        )
