"""The command line: help, mistakes in one paragraph, JSON for machines, hints one at a time."""

import contextlib
import io
import json
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbook import cli, curriculum, progress
from dlbook.exercise import find

COMMANDS = [
    "list",
    "doctor",
    "run",
    "build",
    "lab",
    "book",
    "hint",
    "solution",
    "progress",
    "grade",
    "release",
    "assets",
]
ASSETS = ["list", "get", "verify"]
EXERCISE = "foundations/pytorch_fundamentals"


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error output of ``dlbook …``, in this process."""
    out, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["dlbook", *arguments])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                cli.main()
                code = 0
            except SystemExit as exit_:
                code = exit_.code
    assert isinstance(code, int)
    return code, out.getvalue(), errors.getvalue()


def mistake(*arguments: str) -> str:
    """What is said of a mistake: exit code 2, one paragraph, nothing on stdout."""
    code, out, errors = call(*arguments)
    assert (code, out) == (2, "")
    assert errors.startswith("dlbook：")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors
    return errors


@pytest.mark.parametrize(
    "command", [*([name] for name in COMMANDS), *(["assets", a] for a in ASSETS)]
)
def test_every_command_has_help_in_chinese(command: list[str]) -> None:
    code, out, errors = call(*command, "--help")
    assert (code, errors) == (0, "")
    assert re.search(r"[\u4e00-\u9fff]{4}", out)


def test_the_help_lists_exactly_these_commands() -> None:
    _, out, _ = call("--help")
    assert re.findall(r"^│ ([a-z]+) ", out, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("command", ["run", "build", "lab"])
def test_a_misspelt_lesson_gets_a_suggestion(command: str) -> None:
    text = mistake(command, "pytorch_fundamental")
    assert (
        "沒有「pytorch_fundamental」這一課。你是不是要找 foundations/pytorch_fundamentals" in text
    )


def test_a_planned_lesson_says_so_and_which_are_ready() -> None:
    planned = next(lesson.id for lesson in curriculum.load().lessons if not lesson.ready)
    text = mistake("run", planned)
    assert f"{planned} 還在規劃中。現在可以跑的課程：" in text
    assert "foundations/pytorch_fundamentals" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run", "要跑哪一課？例如 dlbook run pytorch_fundamentals，或用 --all"),
        ("run --all pytorch_fundamentals", "--all 與課程名稱只能選一個"),
        (
            "run pytorch_fundamentals --seeds x",
            "看不懂 --seeds 'x'；請用逗號分開，例如 --seeds 0,1,2",
        ),
        ("run pytorch_fundamentals --seeds 0,,1", "看不懂 --seeds '0,,1'"),
        ("run pytorch_fundamentals --seeds -1", "各在 0 到 2**32 − 1 之間"),
        ("run pytorch_fundamentals --profile fast", "沒有「fast」這個設定檔"),
        ("run pytorch_fundamentals --report /", "無法寫入報告 /"),
        ("run pytorch_fundamentals --jobs -1", "參數 --jobs 的值不對"),
        ("run pytorch_fundamentals --jobs two", "參數 --jobs 的值不對"),
        ("run pytorch_fundamentals --sedes 1", "沒有 --sedes 這個選項。用法請看 dlbook run --help"),
        ("run pytorch_fundamentals --seeds", "選項 --seeds 的用法不對"),
        ("lab --reset", "--reset 要指定一課"),
        ("lab a b", "命令的用法不對"),
        ("hint", "少了參數 EXERCISE。用法請看 dlbook hint --help"),
        ("hint x", "沒有「x」這個練習。編號的格式是 模組/課程/名稱"),
        ("solution a/b/c", "沒有「a/b/c」這個練習"),
        (f"hint {EXERCISE}/nothing", f"這一課有：{EXERCISE}/"),
        ("assets get", "要下載哪些資產？例如 dlbook assets get --tier small"),
        ("assets get weihgts", "沒有名為「weihgts」的資產。現有：smollm2-135m-instruct-gguf"),
        ("assets get --tier huge", "沒有「huge」這一組資產；有 bundle、small"),
        ("assets gte", "沒有 gte 這個命令。你是不是要用 get？用法請看 dlbook assets --help"),
        ("lst", "沒有 lst 這個命令。你是不是要用 list？"),
        ("--version", "沒有 --version 這個選項"),
    ],
)
def test_a_mistake_is_one_paragraph_that_says_what_to_do(arguments: str, words: str) -> None:
    assert words in mistake(*arguments.split())


def test_list_shows_every_lesson_by_its_whole_name_even_in_a_narrow_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call("list")
    assert code == 0
    for lesson in curriculum.load().lessons:
        assert re.search(rf"^{lesson.id} ", out, re.MULTILINE)


def test_list_as_json_has_an_object_a_lesson() -> None:
    code, out, _ = call("list", "--json")
    entries = json.loads(out)
    assert code == 0
    assert len(entries) == 38
    for entry in entries:
        assert {"lesson", "module", "title", "status", "minutes", "prerequisites"} <= set(entry)
        assert entry["lesson"].startswith(entry["module"] + "/")
        assert entry["status"] in ("ready", "planned")
        assert entry["minutes"] > 0


def test_assets_as_json_tell_what_is_here() -> None:
    code, out, _ = call("assets", "list", "--json")
    entries = json.loads(out)
    assert code == 0
    assert all(list(e) == ["name", "tier", "size", "sha256", "licence", "present"] for e in entries)
    assert all(e["present"] for e in entries if e["tier"] == "bundle")
    assert call("assets", "list")[0] == 0


def test_getting_what_is_here_already_does_nothing() -> None:
    code, out, _ = call("assets", "get", "--tier", "bundle", "font-sans-tc")
    assert code == 0
    assert re.fullmatch(r"\d+ 項資產都已備妥。\n", out)


def test_verify_finds_a_damaged_asset_and_says_how_to_mend_it(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    from dlbook import assets

    code, out, _ = call("assets", "verify")
    assert code == 0
    assert "－ smollm2-135m-instruct-gguf：尚未下載" in out
    file = assets.find("smollm2-135m-instruct-gguf").local
    file.parent.mkdir()
    file.write_bytes(b"damaged")
    code, out, _ = call("assets", "verify")
    assert code == 1
    assert "請執行 dlbook assets get smollm2-135m-instruct-gguf 重新下載" in out


@pytest.fixture
def exercise_id() -> str:
    from dlbook.commands.learning import exercises_of

    return exercises_of(EXERCISE)[0].id


def test_hints_come_one_at_a_time_and_then_the_solution_is_named(exercise_id: str) -> None:
    item = find(exercise_id)
    count = len(item.hints)
    for i, hint in enumerate(item.hints, 1):
        code, out, _ = call("hint", exercise_id)
        assert code == 0
        assert f"提示 {i}／{count}：{hint}" in out
        assert ("再執行一次看下一個提示" in out) == (i < count)
    for _ in range(2):
        assert f"提示看完了；解答：dlbook solution {exercise_id}" in call("hint", exercise_id)[1]
    assert f"提示 1／{count}" in call("hint", exercise_id, "1")[1]
    assert f"只有 {count} 個提示" in mistake("hint", exercise_id, str(count + 1))


def test_the_solution_is_shown_as_code_without_the_decorator(exercise_id: str) -> None:
    code, out, _ = call("solution", exercise_id)
    assert code == 0
    assert "@exercise" not in out
    compile(out, "solution", "exec")
    assert exercise_id.rpartition("/")[2] in out.splitlines()[0]


def test_progress_shows_what_is_done_and_what_comes_next(exercise_id: str, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _, before, _ = call("progress")
    first = next(lesson.id for lesson in curriculum.load().lessons if lesson.ready)
    assert re.search(rf"接下來：.*（dlbook lab {first}）", before)
    progress.record(exercise_id, "passed")
    code, after, _ = call("progress")
    assert code == 0
    assert re.search(rf"{re.escape(find(exercise_id).title)}.*✓ 完成", after)
    assert exercise_id in after
    assert "完成 1／" in after


words = st.one_of(
    st.sampled_from(
        [*COMMANDS, *ASSETS, "--json", "--help", "--all", "--seeds", "--jobs", "--tier", "--check"]
    ),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=8),
)


@settings(max_examples=150)
@given(st.lists(words, max_size=4))
def test_no_arguments_whatever_give_a_traceback(arguments: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:  # what would take long, once understood
        for name in ("run", "build", "lab", "book", "doctor"):
            command = next(c for c in cli.app.registered_commands if c.callback.__name__ == name)
            patch.setattr(command, "callback", _stand_in(command.callback))
        code, out, errors = call(*arguments)
    assert code in (0, 2)
    assert code == 0 or errors.startswith("dlbook：") or "Usage: dlbook" in out


def _stand_in(function):
    """Takes the same arguments and does nothing."""
    import functools

    return functools.wraps(function)(lambda *args, **kwargs: None)
