"""Progress: nothing that was acknowledged is lost, whoever writes at once and whatever is killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dlbook import progress
from dlbook.progress import ProgressError

# Records exercise after exercise, and says so after each.
WRITER = """
import sys
from dlbook import progress
for i in range(int(sys.argv[2])):
    progress.record(f"{sys.argv[1]}/{i}", "passed")
    print(i, flush=True)
"""


def writer(name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_fresh_start_has_no_answers_and_no_hints() -> None:
    assert progress.answers() == {}
    assert progress.hints_seen("a/b/c") == 0


def test_tries_are_counted_and_the_first_pass_is_kept() -> None:
    progress.record("a/b/c", "wrong")
    assert progress.answers()["a/b/c"].passed_at is None
    progress.record("a/b/c", "passed")
    first = progress.answers()["a/b/c"].passed_at
    progress.record("a/b/c", "wrong")
    answer = progress.answers()["a/b/c"]
    assert first is not None
    assert (answer.passed_at, answer.attempts) == (first, 3)


def test_hints_once_seen_stay_seen() -> None:
    progress.see_hint("a/b/c", 2)
    progress.see_hint("a/b/c", 1)
    assert progress.hints_seen("a/b/c") == 2


def test_processes_that_start_at_once_and_write_at_once_lose_nothing() -> None:
    writers = [writer(name, 40) for name in "wxyz"]
    assert [w.wait(timeout=60) for w in writers] == [0, 0, 0, 0]
    assert len(progress.answers()) == 160


def test_what_was_acknowledged_survives_sigkill() -> None:
    acknowledged = 0
    for round_number in range(5):
        process = writer(f"round {round_number}", 10_000)
        assert process.stdout is not None
        for _ in range(3 + 4 * round_number):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        acknowledged += 3 + 4 * round_number + len(rest)
        assert acknowledged <= len(progress.answers()) <= acknowledged + round_number + 1
    with sqlite3.connect(progress.database()) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def broken_files() -> list[Path]:
    return sorted(progress.database().parent.glob("progress-broken-*.sqlite3"))


def overwrite_the_beginning(file: Path) -> None:
    file.write_bytes(b"this is no database" + file.read_bytes()[19:])


def scribble_into_a_page(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:8192] = os.urandom(4096)
    file.write_bytes(content)


def scribble_into_the_cell_pointers(file: Path) -> None:
    """Damage that SQLite's check reports in a row, without raising."""
    content = bytearray(file.read_bytes())
    content[4104:4106] = b"\xff\xff"
    file.write_bytes(content)


def cut_in_half(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2 + 100])


@pytest.mark.parametrize(
    "damage",
    [
        overwrite_the_beginning,
        scribble_into_a_page,
        scribble_into_the_cell_pointers,
        cut_in_half,
    ],
)
def test_a_damaged_file_is_kept_aside_with_a_message_and_a_new_one_begun(damage, capsys) -> None:
    progress.record("a/b/c", "passed")
    file = progress.database()
    damage(file)
    damaged = file.read_bytes()
    assert progress.answers() == {}
    [kept] = broken_files()
    assert kept.read_bytes() == damaged
    assert f"進度檔壞了，原檔保留在 {kept}" in capsys.readouterr().err
    progress.record("a/b/d", "passed")
    assert list(progress.answers()) == ["a/b/d"]
    assert broken_files() == [kept]


def test_a_damaged_file_met_by_several_processes_is_set_aside_once() -> None:
    progress.record("a/b/c", "passed")
    overwrite_the_beginning(progress.database())
    writers = [writer(name, 5) for name in "xyz"]
    assert [w.wait(timeout=60) for w in writers] == [0, 0, 0]
    assert len(progress.answers()) == 15
    assert len(broken_files()) == 1


def attempt() -> str:
    try:
        progress.record("a/b/c", "passed")
    except ProgressError as error:
        return json.dumps(str(error))
    return "no error"


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(
    monkeypatch, as_ordinary_user
) -> None:
    monkeypatch.setenv("DLBOOK_STATE", "/proc/dlbook")
    message = json.loads(as_ordinary_user(attempt))
    assert message.startswith("無法使用進度檔 /proc/dlbook/progress.sqlite3（")
    assert message.endswith("請確認該資料夾可以寫入，或以環境變數 DLBOOK_STATE 指定別的資料夾。")


def test_a_state_folder_that_is_a_file_is_named(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLBOOK_STATE", str(tmp_path / "file"))
    with pytest.raises(ProgressError, match="無法使用進度檔"):
        progress.answers()
