"""What came of running one lesson with one seed."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "timeout", "crashed"]


@dataclass(frozen=True)
class Result:
    """One entry of ``dlbook run --report``.

    ``claims`` are dictionaries as :meth:`dlbook.claims.Claim.to_dict` makes them; ``error`` says,
    for a person, in which cell it went wrong, what it printed last, and which claims failed.
    """

    lesson: str
    status: Status
    seconds: float
    peak_mb: float
    seed: int
    claims: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
