"""README.md: the generated parts are fresh, and what it tells a reader to type exists."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dlbook import curriculum

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COURSE = curriculum.load()


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_tool", ROOT / "tools/readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme = load_tool()


def test_the_generated_parts_are_fresh() -> None:
    command = [sys.executable, "tools/readme.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout


def test_generating_twice_changes_nothing() -> None:
    once = readme.fill(TEXT, COURSE)
    assert readme.fill(once, COURSE) == once


def test_check_shows_what_differs(tmp_path, monkeypatch, capsys) -> None:
    stale = tmp_path / "README.md"
    stale.write_text(TEXT.replace("共 38 課", "共 39 課"), encoding="utf-8")
    monkeypatch.setattr(readme, "README", stale)
    assert readme.main(["--check"]) == 1
    assert "共 39 課" in capsys.readouterr().out
    assert "共 39 課" in stale.read_text(encoding="utf-8")
    assert readme.main([]) == 0
    assert stale.read_text(encoding="utf-8") == readme.fill(TEXT, COURSE)


def test_a_lost_marker_and_a_wrong_argument_are_errors() -> None:
    with pytest.raises(ValueError, match="begin:roadmap"):
        readme.fill(TEXT.replace("<!-- end:roadmap -->", ""), COURSE)
    with pytest.raises(SystemExit, match="不認得的參數：--force"):
        readme.main(["--force"])


def test_the_roadmap_draws_every_module() -> None:
    graph = readme.roadmap(COURSE)
    assert len(re.findall(r"^  m\d+\[", graph, re.MULTILINE)) == 15
    arrows = re.findall(r"m(\d+) --> m(\d+)", graph)
    assert all(int(before) < int(after) for before, after in arrows)
    assert {after for _, after in arrows} == {str(number) for number in range(2, 16)}


def test_every_lesson_stands_in_the_tables_with_its_true_status() -> None:
    for lesson in COURSE.lessons:
        row = next(line for line in TEXT.splitlines() if f"<br/>`{lesson.name}`" in line)
        assert ("可以上" if lesson.ready else "規劃中") in row
        assert (f"notebooks/{lesson.id}.ipynb" in row) == lesson.ready
        assert lesson.full_verified or f"{lesson.vram_gb:g} GB †" in row


@pytest.mark.parametrize("text", [TEXT, GUIDE], ids=["README", "CONTRIBUTING"])
def test_links_into_the_repository_lead_somewhere(text: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


@pytest.mark.parametrize("text", [TEXT, GUIDE], ids=["README", "CONTRIBUTING"])
def test_every_make_target_exists(text: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z][a-z -]*):", makefile, re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    wanted = set(re.findall(r"\bmake ([a-z-]+)", code(text)))
    assert "test" in wanted
    assert wanted <= targets


def test_every_course_py_command_exists() -> None:
    entry = (ROOT / "course.py").read_text(encoding="utf-8")
    wanted = set(re.findall(r"python course\.py ([a-z]+)", TEXT))
    assert {"run", "test", "lab", "book"} <= wanted
    assert all(f"course.py {command}" in entry for command in wanted)


def code(text: str) -> str:
    """What stands in backticks and fences, a line each."""
    fences = re.findall(r"^ *(?:> )?```\w*\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    without = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return "\n".join([*fences, *re.findall(r"`([^`\n]+)`", without)])


def commands(text: str) -> dict[str, set[str]]:
    """The `dlbook …` commands of a text, each with the options it is shown with."""
    found: dict[str, set[str]] = {}
    pattern = r"^dlbook ((?:assets )?[a-z]+)\b([^\n#]*)"
    for name, rest in re.findall(pattern, code(text), re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"--[a-z-]+", rest))
    return found


def shown_options() -> dict[str, set[str]]:
    """The options that a row of the README's table of commands mentions beside the command."""
    rows = re.findall(r"^\| `dlbook ((?:assets )?[a-z]+)[^`]*` \|(.*)\|$", TEXT, re.MULTILINE)
    return {name: set(re.findall(r"`(--[a-z-]+)", text)) for name, text in rows}


def test_the_table_of_commands_is_complete() -> None:
    wanted = "list doctor run build lab book hint solution progress grade release"
    assert set(shown_options()) == {*wanted.split(), "assets list"}
    assert {"get", "verify"} <= set(re.findall(r"`([a-z]+)`", TEXT))


@pytest.mark.parametrize("name", sorted({*commands(TEXT), *commands(GUIDE), "assets get"}))
def test_every_dlbook_command_exists(name: str) -> None:
    command = [sys.executable, "-m", "dlbook.cli", *name.split(), "--help"]
    wide = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=ROOT, env=wide, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    shown = [texts.get(name, set()) for texts in (commands(TEXT), commands(GUIDE), shown_options())]
    assert set().union(*shown) <= set(re.findall(r"--[a-z-]+", done.stdout))
