"""Claims: the three relations, what never passes, and the one schema."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.claims import LEVELS, Claim, make_claim

FIELDS = ["name", "value", "relation", "threshold", "tolerance", "level", "source", "passed"]
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.floats() | st.integers() | st.booleans()


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    bar = draw(
        st.sampled_from(["at_least", "at_most"]).flatmap(
            lambda name: st.fixed_dictionaries({name: numbers})
        )
        | st.fixed_dictionaries({"near": st.tuples(numbers, st.floats(0, 1e9))})
    )
    level = draw(st.sampled_from(LEVELS))
    return make_claim(draw(st.text()), draw(values), level=level, source=draw(st.text()), **bar)


@given(claims())
def test_a_claim_survives_json_and_has_exactly_the_fields_of_the_schema(claim: Claim) -> None:
    text = json.dumps(claim.to_dict(), allow_nan=False)
    entry = json.loads(text)
    assert list(entry) == FIELDS
    back = Claim.from_dict(entry)
    assert back.to_dict() == claim.to_dict()
    assert back == claim or math.isnan(claim.value)


@given(numbers, numbers)
def test_at_least_and_at_most_mean_what_they_say(value: float, bar: float) -> None:
    assert make_claim("x", value, at_least=bar, level="simple").passed == (value >= bar)
    assert make_claim("x", value, at_most=bar, level="simple").passed == (value <= bar)


@given(numbers, numbers, st.floats(0, 1e9))
def test_near_means_within_the_tolerance_on_both_sides(
    value: float, reference: float, tolerance: float
) -> None:
    claim = make_claim("x", value, near=(reference, tolerance), level="parity")
    assert claim.passed == (abs(value - reference) <= tolerance)
    assert (claim.threshold, claim.tolerance) == (reference, tolerance)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "bar", [{"at_least": -1e308}, {"at_most": 1e308}, {"near": (0.0, 1e308)}], ids=str
)
def test_nan_and_infinity_never_pass(value: float, bar: dict) -> None:
    claim = make_claim("x", value, level="simple", **bar)
    assert not claim.passed
    assert claim.to_dict()["value"] == str(value)


@pytest.mark.parametrize(
    "value",
    [
        3,
        True,
        np.float32(3),
        np.int64(3),
        torch.tensor(3.0),
        torch.tensor([3]),
        torch.tensor([[3.0]]),
    ],
    ids=repr,
)
def test_anything_that_is_one_number_is_accepted(value: object) -> None:
    claim = make_claim("x", value, at_least=0.5, level="simple")
    assert claim.passed
    assert type(claim.value) is float


@pytest.mark.parametrize(
    "value",
    [None, "3", b"3", [3], 1j, torch.ones(2), np.ones(2), 10**400],
    ids=lambda v: repr(v)[:20],
)
def test_a_value_that_is_not_one_number_is_refused_by_name_and_type(value: object) -> None:
    with pytest.raises(
        TypeError, match=f"主張「正確率」的值要是一個數字，現在是 {type(value).__name__}"
    ):
        make_claim("正確率", value, at_least=1, level="simple")


@pytest.mark.parametrize(
    ("bars", "count"),
    [
        ({}, 0),
        ({"at_least": 1, "at_most": 2}, 2),
        ({"at_least": 0, "at_most": 0, "near": (0, 1)}, 3),
    ],
)
def test_exactly_one_bar_must_be_given(bars: dict, count: int) -> None:
    with pytest.raises(
        ValueError, match=f"剛好給一個 at_least、at_most 或 near，現在有 {count} 個"
    ):
        make_claim("x", 1, level="simple", **bars)


@pytest.mark.parametrize(
    "bar", [{"at_least": math.nan}, {"at_most": math.inf}, {"near": (0, math.inf)}]
)
def test_a_bar_that_nothing_or_everything_passes_is_refused(bar: dict) -> None:
    with pytest.raises(ValueError, match="門檻必須是有限的數字"):
        make_claim("x", 1, level="simple", **bar)


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"容許誤差不能是負的，現在是 -0\.1"):
        make_claim("x", 1, near=(1, -0.1), level="parity")


def test_an_unknown_level_is_refused_and_the_levels_are_listed() -> None:
    with pytest.raises(
        ValueError, match="level「hard」不在 simple、medium、strong、boss、parity、cost"
    ):
        make_claim("x", 1, at_least=0, level="hard")  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    ("bar", "text"),
    [
        ({"at_least": 0.92}, "未通過｜正確率：0.5（要求 ≥ 0.92）"),
        ({"at_most": 1}, "通過｜正確率：0.5（要求 ≤ 1）"),
        ({"near": (0.5, 0.0001)}, "通過｜正確率：0.5（要求 0.5 ± 0.0001）"),
    ],
)
def test_a_claim_reads_as_a_sentence(bar: dict, text: str) -> None:
    assert str(make_claim("正確率", 0.5, level="simple", **bar)) == text
