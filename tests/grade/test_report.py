"""Scores as tables that spreadsheets read, and the roster."""

import csv
from pathlib import Path

import pytest

from dlbook.errors import CourseError
from dlbook.grade import report
from dlbook.grade.score import Mark, Score

SCORES = [
    Score(
        "b12_hw", "b12_hw.ipynb", "m/l", [Mark("m/l/a", 1, "passed"), Mark("m/l/b", 3, "wrong", "=1+1")]
    ),
    Score("王小明_B123", "x.ipynb", "m/l", [Mark("m/l/a", 1, "passed"), Mark("m/l/b", 3, "passed")]),
    Score("路人", "y.ipynb", reason="y.ipynb 不是筆記本：內容不是 JSON。"),
]  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_scores_and_details_read_back(tmp_path: Path) -> None:
    report.write_scores(SCORES, tmp_path / "scores.csv")
    report.write_details(SCORES, tmp_path / "details.csv")
    found = rows(tmp_path / "scores.csv")
    assert [(r["student"], r["score"], r["passed"], r["exercises"]) for r in found] == [
        ("b12_hw", "25.0", "1", "2"),
        ("王小明_B123", "100.0", "2", "2"),
        ("路人", "0.0", "0", "0"),
    ]
    assert "不是筆記本" in found[2]["reason"]
    marks = rows(tmp_path / "details.csv")
    assert len(marks) == 4
    assert marks[1]["reason"] == "'=1+1"  # a spreadsheet must not run it
    assert {p.name for p in tmp_path.iterdir()} == {"scores.csv", "details.csv"}


def test_the_roster_names_students_and_those_who_handed_in_nothing(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("學號,姓名\nb12,甲\nb123,王小明\nb7,丙\n", "utf-8")
    ids = report.read_roster(roster)
    found = report.with_roster(SCORES, ids)
    assert [s.student for s in found] == ["b12", "b123", "路人", "b7"]
    assert "名單上沒有" in found[2].reason
    assert (found[3].reason, found[3].points) == ("沒有繳交", 0)
    both = report.with_roster([Score("b12-b123", "z")], ids)
    assert "不只一個學號" in both[0].reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\nx\n", "沒有 id"),
        ("", "沒有 id"),
        ("id\na\nb\na\n", "a 出現不只一次"),
    ],
)
def test_a_bad_roster_says_why(tmp_path: Path, content: str, message: str) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(content, "utf-8")
    with pytest.raises(CourseError, match=message):
        report.read_roster(roster)


def test_unreadable_and_unwritable_files_say_why(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="讀不了名單"):
        report.read_roster(tmp_path / "none.csv")
    (tmp_path / "big5.csv").write_bytes("學號\n甲".encode("big5"))
    with pytest.raises(CourseError, match="UTF-8"):
        report.read_roster(tmp_path / "big5.csv")
    for write in (report.check_writable, lambda path: report.write_scores(SCORES, path)):
        with pytest.raises(CourseError, match="寫不了"):
            write(tmp_path / "no-folder" / "scores.csv")
