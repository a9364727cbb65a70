"""A claim: a measured number and the bar it must pass. One schema in Python and in JSON."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Level = Literal["simple", "medium", "strong", "boss", "parity", "cost"]
Relation = Literal[">=", "<=", "≈"]
LEVELS: tuple[str, ...] = get_args(Level)


@dataclass(frozen=True)
class Claim:
    """What was measured against what was promised.

    ``relation`` is ``>=``, ``<=`` or ``≈``; for ``≈`` the value must lie within ``tolerance`` of
    ``threshold``. ``level`` is a rung of the homework's ladder (simple, medium, strong, boss),
    ``parity`` (equal to a reference library) or ``cost``. ``source`` says where the bar is from.
    """

    name: str
    value: float
    relation: Relation
    threshold: float
    tolerance: float
    level: Level
    source: str
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data; a value that JSON has no number for (NaN, inf) becomes its name."""
        entry = asdict(self)
        if not math.isfinite(self.value):
            entry["value"] = str(self.value)
        return entry

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> "Claim":
        """The claim that :meth:`to_dict` wrote."""
        fields: dict[str, Any] = {**entry, "value": float(entry["value"])}
        return cls(**fields)

    @property
    def bar(self) -> str:
        """The bar as a reader would write it: ``≥ 0.92`` or ``0.1678 ± 0.0001``."""
        if self.relation == "≈":
            return f"{_number(self.threshold)} ± {_number(self.tolerance)}"
        return f"{'≥' if self.relation == '>=' else '≤'} {_number(self.threshold)}"

    @property
    def measured(self) -> str:
        """The value, to four digits."""
        return _number(self.value)

    def _ipython_display_(self) -> None:
        """Nothing: ``Run.claim`` has shown it, so a cell that ends with it needn't do so again."""

    def __str__(self) -> str:
        mark = "通過" if self.passed else "未通過"
        return f"{mark}｜{self.name}：{self.measured}（要求 {self.bar}）"


def make_claim(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    near: tuple[float, float] | None = None,
    level: Level,
    source: str = "",
) -> Claim:
    """Judge ``value``. A value that is NaN or infinite never passes.

    Raises:
        ValueError: not exactly one bar is given, the bar is not finite, the tolerance is negative,
            or the level is unknown.
        TypeError: the value is not a single number.
    """
    if level not in LEVELS:
        raise ValueError(f"主張「{name}」的 level「{level}」不在 {'、'.join(LEVELS)} 之中。")
    relation, threshold, tolerance = _bar(name, at_least, at_most, near)
    number = _as_number(name, value)
    passed = (
        math.isfinite(number)
        and {
            ">=": number >= threshold,
            "<=": number <= threshold,
            "≈": abs(number - threshold) <= tolerance,
        }[relation]
    )
    return Claim(name, number, relation, threshold, tolerance, level, source, passed)


def _bar(
    name: str,
    at_least: float | None,
    at_most: float | None,
    near: tuple[float, float] | None,
) -> tuple[Relation, float, float]:
    bars: list[tuple[Relation, float, float]] = []
    if at_least is not None:
        bars.append((">=", float(at_least), 0.0))
    if at_most is not None:
        bars.append(("<=", float(at_most), 0.0))
    if near is not None:
        bars.append(("≈", float(near[0]), float(near[1])))
    if len(bars) != 1:
        raise ValueError(
            f"主張「{name}」要剛好給一個 at_least、at_most 或 near，現在有 {len(bars)} 個。"
        )
    if not all(math.isfinite(x) for x in bars[0][1:]):
        raise ValueError(f"主張「{name}」的門檻必須是有限的數字，現在是 {bars[0][1:]}。")
    if bars[0][2] < 0:
        raise ValueError(f"主張「{name}」的容許誤差不能是負的，現在是 {bars[0][2]}。")
    return bars[0]


def _as_number(name: str, value: Any) -> float:
    """A float out of a Python number, a NumPy scalar or a tensor with one element."""
    try:
        if isinstance(value, str | bytes):  # which float() would read
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        kind = type(value).__name__
        raise TypeError(f"主張「{name}」的值要是一個數字，現在是 {kind}：{value!r:.60}") from None


def _number(value: float) -> str:
    return f"{value:.4g}"
