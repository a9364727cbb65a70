"""``dlbook doctor``: can this machine run the course, and if not, which command helps?"""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import psutil
from rich.console import Console

from dlbook import assets, paths

LEAST_MEMORY_GB = 4
LEAST_DISK_GB = 3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``remedy`` is the command that helps, when something is amiss."""

    name: str
    status: Literal["ok", "warning", "bad"]
    value: str
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def examine() -> list[Finding]:
    """Look at everything that a lesson needs."""
    checks: list[Callable[[], Iterator[Finding]]] = [
        _python, _packages, _device, _cores, _memory, _disk, _state, _font, _compiler, _assets,
    ]  # fmt: skip
    return [finding for check in checks for finding in check()]


def print_report(report: list[Finding], console: Console) -> None:
    """One line a finding, with the remedy below."""
    marks = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "bad": "[red]✗[/red]"}
    for item in report:
        console.print(f"{marks[item.status]} {item.name}：{item.value}", soft_wrap=True)
        if item.remedy:
            console.print(f"    → {item.remedy}", soft_wrap=True)


def _python() -> Iterator[Finding]:
    good = sys.version_info >= (3, 11)
    remedy = "" if good else "安裝 Python 3.11 以上，再執行 make setup"
    yield Finding("Python", "ok" if good else "bad", platform.python_version(), remedy)


def _packages() -> Iterator[Finding]:
    for name in ("torch", "transformers", "jupyterlab"):
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "bad", "沒有安裝", "make setup")


def _device() -> Iterator[Finding]:
    try:
        import torch
    except ImportError as error:
        yield Finding("裝置", "bad", f"無法載入 torch（{error}）", "make setup")
        return
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        memory = torch.cuda.get_device_properties(0).total_memory / 1e9
        yield Finding("裝置", "ok", f"{name}（{memory:.0f} GB）；full 設定檔可以用它")
    else:
        yield Finding("裝置", "ok", "CPU；quick 設定檔就是為它設計的")


def _cores() -> Iterator[Finding]:
    yield Finding("核心", "ok", f"{psutil.cpu_count()} 個")


def _memory() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    total, free = memory.total / 1e9, memory.available / 1e9
    value = f"共 {total:.0f} GB，可用 {free:.1f} GB"
    if free >= LEAST_MEMORY_GB:
        yield Finding("記憶體", "ok", value)
    else:
        yield Finding(
            "記憶體", "warning", value, f"先關掉其他程式；一課最多用到 {LEAST_MEMORY_GB} GB"
        )


def _disk() -> Iterator[Finding]:
    folder = paths.cache_dir()
    while not os.path.exists(folder):  # Path.exists raises where a parent can't be entered
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    if free >= LEAST_DISK_GB:
        yield Finding("磁碟", "ok", f"可用 {free:.0f} GB（{folder}）")
    else:
        remedy = "清出空間，或以環境變數 DLBOOK_CACHE 指定別的資料夾"
        yield Finding("磁碟", "warning", f"只剩 {free:.1f} GB（{folder}）", remedy)


def _state() -> Iterator[Finding]:
    folder = paths.state_dir()
    existing = folder
    while not os.path.exists(existing):
        existing = existing.parent
    if existing.is_dir() and os.access(existing, os.W_OK):
        yield Finding("進度", "ok", str(folder))
    else:
        remedy = "以環境變數 DLBOOK_STATE 指定可以寫入的資料夾"
        yield Finding("進度", "bad", f"無法寫入 {folder}", remedy)


def _font() -> Iterator[Finding]:
    if assets.is_verified(assets.find("font-sans-tc")):
        yield Finding("中文字型", "ok", "隨套件附上")
    else:
        yield Finding("中文字型", "bad", "遺失或損壞", "git checkout src/dlbook/data/fonts")


def _compiler() -> Iterator[Finding]:
    compiler = next((c for c in ("g++", "clang++", "cl") if shutil.which(c)), None)
    if compiler:
        yield Finding("C++ 編譯器", "ok", compiler)
    else:
        remedy = "只有 torch.compile 的段落需要；Debian／Ubuntu：sudo apt install g++"
        yield Finding("C++ 編譯器", "warning", "沒有", remedy)


def _assets() -> Iterator[Finding]:
    for asset in assets.registry().values():
        if asset.tier == "bundle":
            continue
        if assets.is_verified(asset):
            yield Finding(f"資產 {asset.name}", "ok", f"{asset.size / 1e6:.0f} MB")
        else:
            remedy = f"dlbook assets get {asset.name}"
            yield Finding(f"資產 {asset.name}", "warning", "尚未下載", remedy)
