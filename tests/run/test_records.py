"""Records: what is missing, stale, incomplete or unreadable is named with the command that mends it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlbook.claims import make_claim
from dlbook.errors import CourseError
from dlbook.run import Result, records

REMEDY = "請執行 dlbook run zoo/cats --seeds 0,1,2 --record。"


def result(seed: int, *, status: str = "passed") -> Result:
    claim = make_claim("正確率", 0.9, at_least=0.5, level="simple").to_dict()
    return Result("zoo/cats", status, 1.5, 200, seed, [claim])  # ty: ignore[invalid-argument-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "zoo" / "cats.json"
    records.write("zoo/cats", [result(seed) for seed in records.SEEDS], "hash", "quick", file)
    return file


def test_a_record_of_today_has_no_problem_and_says_how_it_was_made(path: Path) -> None:
    assert records.problem("zoo/cats", "hash", path) is None
    content = json.loads(path.read_text("utf-8"))
    assert content["command"] == "dlbook run zoo/cats --seeds 0,1,2 --record"
    assert {"lesson", "profile", "recorded", "machine", "code_hash", "runs"} < set(content)
    assert [entry.name for entry in path.parent.iterdir()] == ["cats.json"]


def change(path: Path, **entries: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **entries}), "utf-8")


def runs(*seeds: int, passed: bool = True) -> list[dict]:
    claim = {**result(0).claims[0], "passed": passed}
    return [{"seed": seed, "claims": [claim]} for seed in seeds]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"code_hash": "older"}, "zoo/cats 的紀錄過期了：程式在測量之後改過。"),
        ({"runs": runs(0, 2)}, "zoo/cats 的紀錄缺種子 1。"),
        ({"runs": []}, "zoo/cats 的紀錄缺種子 0、1、2。"),
        ({"runs": runs(0, 1, 2, passed=False)}, "zoo/cats 的紀錄裡有未通過的主張。"),
        ({"runs": [{"seed": s, "claims": []} for s in (0, 1, 2)]}, "裡有未通過的主張。"),
        ({"runs": None}, "zoo/cats 的紀錄讀不懂（"),
        ({"runs": [{"seed": 0}]}, "zoo/cats 的紀錄讀不懂（KeyError('claims')）。"),
        ({"runs": [{"seed": s, "claims": [{}]} for s in (0, 1, 2)]}, "讀不懂"),
        ({"runs": [{"seed": [], "claims": []}]}, "讀不懂"),
    ],
)
def test_a_problem_is_named_with_its_remedy(path: Path, entries: dict, message: str) -> None:
    change(path, **entries)
    problem = records.problem("zoo/cats", "hash", path)
    assert problem is not None
    assert message in problem
    assert problem.endswith(REMEDY)


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    problem = records.problem("zoo/cats", "hash", tmp_path / "none.json")
    assert problem == f"zoo/cats 還沒有紀錄。{REMEDY}"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b'"text"'])
def test_a_file_that_is_no_record_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "zoo/cats 的紀錄讀不懂" in (records.problem("zoo/cats", "hash", path) or "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["runs", "seed", "claims", "code_hash", "passed"]), inner)
    ),
)


@given(json_values)
def test_no_json_whatever_passes_for_a_record_or_raises(tmp_path_factory, content) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps(content), "utf-8")
    assert records.problem("zoo/cats", "hash", file) is not None


def test_a_run_that_failed_is_not_recorded(tmp_path: Path) -> None:
    failed = [result(0), result(1, status="failed")]
    with pytest.raises(CourseError, match="zoo/cats 的種子 1 沒有通過，所以沒有寫入紀錄"):
        records.write("zoo/cats", failed, "hash", "quick", tmp_path / "cats.json")
    assert not (tmp_path / "cats.json").exists()
