"""Whatever is plain data comes back the same; nothing else gets through; damage is an error."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dlbook.grade.codec import Damaged, NotPlain, dumps, loads

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
hashable = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers())
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.frozensets(hashable)
    ),
    max_leaves=20,
)


def same_types(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return all(
            same_types(x, y)
            for p, q in zip(a.items(), b.items(), strict=True)
            for x, y in zip(p, q, strict=True)
        )
    if isinstance(a, list | tuple):
        return all(map(same_types, a, b))
    return True


@settings(max_examples=150, deadline=None)
@given(values)
def test_plain_data_comes_back_the_same(value: object) -> None:
    again = loads(dumps(value))
    assert again == value
    assert same_types(again, value)


@settings(max_examples=80, deadline=None)
@given(
    arrays.arrays(
        st.sampled_from(["f4", "f8", "i8", "u1", "?", "c16"]), arrays.array_shapes(min_dims=0)
    )
)
def test_arrays_and_tensors_come_back_the_same(array: np.ndarray) -> None:
    again = loads(dumps([array, torch.from_numpy(array.copy())]))
    np.testing.assert_array_equal(again[0], array)
    assert again[0].dtype == array.dtype
    assert again[0].shape == array.shape
    assert torch.equal(again[1].nan_to_num(), torch.from_numpy(array.copy()).nan_to_num())


def test_a_tensor_keeps_its_type_and_its_claim_to_a_gradient() -> None:
    for dtype in (torch.bfloat16, torch.float16, torch.bool, torch.int32):
        assert loads(dumps(torch.ones(2, 3).to(dtype))).dtype == dtype
    attached = loads(dumps(torch.ones(2, requires_grad=True) * 2))
    assert attached.requires_grad
    view = torch.arange(12.0).reshape(3, 4).T[1:]
    assert torch.equal(loads(dumps(view)), view)
    shared = torch.zeros(3)
    assert torch.equal(loads(dumps([shared, shared[1:]]))[1], torch.zeros(2))


def test_nan_infinity_scalars_and_exceptions() -> None:
    again = loads(dumps((math.nan, math.inf, np.float32(0.5), ValueError("太短"))))
    assert math.isnan(again[0])
    assert again[1] == math.inf
    assert type(again[2]) is np.float32
    assert isinstance(again[3], ValueError)
    assert str(again[3]) == "太短"


class Sly(int):
    """Looks like a number."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class SlyError(ValueError):
    """An exception of the learner's own."""


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def circular() -> list:
    value: list = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        lambda: 1,
        Sly(3),
        [1, {"a": Sly(3)}],
        SlyError("x"),
        np.array(["a"]),
        np.array([object()]),
        torch.ones(3).to_sparse(),
        torch.nn.Linear(1, 1),
        nested(60),
        circular(),
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(NotPlain):
        dumps(value)


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlbook.grade.codec.MOST_BYTES", 1000)
    with pytest.raises(NotPlain, match="MB"):
        dumps(torch.zeros(1000))


class Bomb:
    """Would run code if it were unpickled."""

    def __reduce__(self) -> tuple:
        return (pytest.fail, ("ran code",))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_safely(data: bytes) -> None:
    with pytest.raises(Damaged):
        loads(data + b"x")


def test_a_pickle_is_damage_and_so_is_a_cut_or_changed_message() -> None:
    with pytest.raises(Damaged):
        loads(pickle.dumps(Bomb()))
    good = dumps({"a": [1, torch.ones(4)]})
    for cut in range(len(good)):
        with pytest.raises(Damaged):
            loads(good[:cut])
    with pytest.raises(Damaged):
        loads(good.replace(b'"list"', b'"eval"'))
    with pytest.raises(Damaged):
        loads(dumps(ValueError("x")).replace(b"ValueError", b"__import__"))
