"""Records as a reader sees them: each claim with its values over the seeds."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from dlbook.claims import LEVELS, Claim

LEVEL_NAMES = {
    "parity": "對答案",
    "cost": "成本",
    "simple": "simple",
    "medium": "medium",
    "strong": "strong",
    "boss": "boss",
}
RUNGS = LEVELS[: LEVELS.index("boss") + 1]  # the homework's ladder


@dataclass(frozen=True)
class Measured:
    """One claim; ``runs`` has it once for every seed."""

    runs: tuple[Claim, ...]

    @property
    def claim(self) -> Claim:
        """The claim as the first seed had it."""
        return self.runs[0]

    @property
    def passed(self) -> bool:
        """Whether every seed passed."""
        return all(run.passed for run in self.runs)

    @property
    def value(self) -> str:
        """One number where the seeds agree, the lowest and the highest where they don't."""
        ordered = sorted(self.runs, key=lambda run: run.value)
        low, high = ordered[0].measured, ordered[-1].measured
        return low if low == high else f"{low} … {high}"

    @property
    def rank(self) -> int:
        """How far up the ladder: boss is the highest, parity and cost the lowest."""
        return RUNGS.index(self.claim.level) + 1 if self.claim.level in RUNGS else 0


@dataclass(frozen=True)
class LessonRecord:
    """What a lesson measured: seconds and memory of each seed, and its claims."""

    lesson: str
    command: str
    recorded: str
    machine: dict[str, Any]
    seeds: tuple[int, ...]
    seconds: float
    peak_mb: float
    measured: tuple[Measured, ...]

    @property
    def best(self) -> Measured | None:
        """The first claim on the highest rung."""
        return max(self.measured, key=lambda m: m.rank, default=None)


def read_record(root: Path, lesson: str) -> LessonRecord | None:
    """A lesson's record, or None if it has none."""
    path = root / "records" / f"{lesson}.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text("utf-8"))
    runs = content["runs"]
    claims = [[Claim.from_dict(entry) for entry in run["claims"]] for run in runs]
    return LessonRecord(
        lesson,
        content["command"],
        content["recorded"],
        content["machine"],
        tuple(run["seed"] for run in runs),
        median(run["seconds"] for run in runs),
        max(run["peak_mb"] for run in runs),
        tuple(Measured(same) for same in zip(*claims, strict=True)),
    )
