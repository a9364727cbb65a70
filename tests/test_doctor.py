"""The doctor finds what is amiss and names the command that helps."""

import io
import json
from collections import namedtuple

import pytest
from rich.console import Console

from dlbook import assets
from dlbook.commands import doctor

from .test_cli import call


def findings() -> dict[str, doctor.Finding]:
    return {item.name: item for item in doctor.examine()}


def test_json_has_an_object_a_finding_and_everything_is_looked_at() -> None:
    code, out, _ = call("doctor", "--json")
    entries = json.loads(out)
    assert code == (1 if any(entry["status"] == "bad" for entry in entries) else 0)
    assert all(list(entry) == ["name", "status", "value", "remedy"] for entry in entries)
    assert all((entry["status"] == "ok") == (entry["remedy"] == "") for entry in entries)
    names = " ".join(entry["name"] for entry in entries)
    for name in (
        "Python",
        "torch",
        "裝置",
        "核心",
        "記憶體",
        "磁碟",
        "進度",
        "中文字型",
        "C++",
        "資產",
    ):
        assert name in names


def test_the_report_for_people_shows_the_remedy_below_the_fault() -> None:
    console = Console(file=io.StringIO(), width=60)
    report = [
        doctor.Finding("某物", "bad", "壞了", "make 某物" * 10),
        doctor.Finding("他物", "ok", "好"),
    ]
    doctor.print_report(report, console)
    text = console.file.getvalue()  # ty: ignore[unresolved-attribute]
    assert text == f"✗ 某物：壞了\n    → {'make 某物' * 10}\n✓ 他物：好\n"


def test_a_missing_asset_comes_with_its_command(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path / "none yet"))
    item = findings()["資產 smollm2-135m-instruct-gguf"]
    assert (item.status, item.remedy) == ("warning", "dlbook assets get smollm2-135m-instruct-gguf")


def test_a_state_folder_that_cannot_be_written_is_bad(
    monkeypatch, as_ordinary_user, tmp_path
) -> None:
    findings()  # imports everything while it may be read
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path / "none yet"))
    monkeypatch.setenv("DLBOOK_STATE", "/proc/dlbook")
    assert as_ordinary_user(lambda: findings()["進度"].status) == "bad"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLBOOK_STATE", str(tmp_path / "file"))
    assert findings()["進度"].status == "bad"
    monkeypatch.setenv("DLBOOK_STATE", str(tmp_path / "not" / "yet"))
    assert findings()["進度"].status == "ok"


def test_a_damaged_font_is_bad(monkeypatch) -> None:
    font = assets.find("font-sans-tc")
    monkeypatch.setitem(assets.registry(), "font-sans-tc", _with_size(font, 1))
    item = findings()["中文字型"]
    assert (item.status, item.remedy) == ("bad", "git checkout src/dlbook/data/fonts")
    assert call("doctor")[0] == 1


def _with_size(asset: assets.Asset, size: int) -> assets.Asset:
    from dataclasses import replace

    return replace(asset, size=size)


def test_a_machine_without_a_compiler_is_warned(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    item = findings()["C++ 編譯器"]
    assert item.status == "warning"
    assert "torch.compile" in item.remedy


def test_too_little_memory_or_disk_is_a_warning(monkeypatch) -> None:
    memory = namedtuple("Memory", "total available")
    usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: memory(8e9, 1e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage(1e9, 0, 1e9))
    found = findings()
    assert found["記憶體"].status == found["磁碟"].status == "warning"
    assert "DLBOOK_CACHE" in found["磁碟"].remedy


def test_a_package_that_is_not_installed_is_bad(monkeypatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", version)
    item = findings()["torch"]
    assert (item.status, item.remedy) == ("bad", "make setup")


@pytest.mark.parametrize("folder", ["/proc/1/x", "/nonexistent/x"])
def test_a_cache_folder_that_cannot_be_looked_into_is_no_crash(
    monkeypatch, as_ordinary_user, folder
) -> None:
    findings()
    monkeypatch.setenv("DLBOOK_CACHE", folder)
    assert as_ordinary_user(lambda: findings()["磁碟"].status) in ("ok", "warning")
