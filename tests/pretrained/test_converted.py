"""The conversion that is done once: shared by processes, whole or not there at all."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from dlbook import assets, paths
from dlbook.errors import CourseError
from dlbook.pretrained import converted
from dlbook.pretrained.gguf import read_gguf

from ..conftest import read_only
from .tiny import write_model

FILES = ["config.json", "model.safetensors", "tokenizer.json"]


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of the test's own; every asset is a tiny model."""
    write_model(tmp_path / "tiny.gguf")
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(assets, "path", lambda name: tmp_path / "tiny.gguf")
    return tmp_path / "cache" / "converted"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_second_load_reads_what_the_first_converted(cache: Path) -> None:
    calls = []

    def convert(path: Path):
        calls.append(path)
        return read_gguf(path)

    first, second = converted.load("a", convert), converted.load("a", convert)
    assert len(calls) == 1
    assert first.config == second.config
    assert first.tokenizer.to_str() == second.tokenizer.to_str()
    for name, tensor in first.state.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, second.state[name])
        tensor.zero_()  # each caller's weights are its own
        assert second.state[name].any()
    assert names(cache / "tiny.gguf") == FILES


def test_a_process_that_is_killed_leaves_nothing_that_would_be_served(
    cache: Path, python, tmp_path: Path
) -> None:
    done = python(
        f"""
import os, pathlib, signal
from dlbook import assets
from dlbook.pretrained import converted
from dlbook.pretrained.gguf import read_gguf
assets.path = lambda name: pathlib.Path({str(tmp_path / "tiny.gguf")!r})
def half_way(tensors, path):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
converted.save_file = half_way
converted.load("a", read_gguf)
"""
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert names(cache) == ["tiny.gguf.lock", "tiny.gguf.part"]
    assert converted.load("a", read_gguf).state
    assert names(cache) == ["tiny.gguf", "tiny.gguf.lock"]


def test_a_folder_without_its_config_or_of_an_earlier_format_is_made_anew(cache: Path) -> None:
    folder = cache / "tiny.gguf"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"half")
    assert converted.load("a", read_gguf).state
    meta = json.loads((folder / "config.json").read_text("utf-8"))
    old = {"config": {"hidden_size": 1}, "chat_template": ""}
    (folder / "config.json").write_text(json.dumps(old), "utf-8")
    assert converted.load("a", read_gguf).config == meta["config"]
    (folder / "config.json").write_text("{ damaged", "utf-8")
    assert converted.load("a", read_gguf).config == meta["config"]
    assert names(folder) == FILES


def test_two_at_once_convert_once(cache: Path) -> None:
    calls, states = [], []

    def convert(path: Path):
        calls.append(path)
        return read_gguf(path)

    def load() -> None:
        states.append(converted.load("a", convert).state)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert states[0].keys() == states[1].keys()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), SafetensorError("No space left on device")]
)
def test_a_full_disk_is_named_and_leaves_nothing(cache: Path, monkeypatch, error) -> None:
    def save_file(tensors, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(converted, "save_file", save_file)
    with pytest.raises(CourseError, match=r"無法寫入快取資料夾 .*No space left.*DLBOOK_CACHE"):
        converted.load("a", read_gguf)
    assert names(cache) == ["tiny.gguf.lock"]


def test_a_cache_that_is_a_file_is_named(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "path", lambda name: tmp_path / "tiny.gguf")
    (tmp_path / "converted").write_text("a file where a folder should be")
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path)
    with pytest.raises(CourseError, match=r"無法寫入快取資料夾 .*DLBOOK_CACHE"):
        converted.load("a", read_gguf)
    assert os.listdir(tmp_path) == ["converted"]


def test_a_read_only_cache_is_named_and_one_that_is_filled_is_used(
    cache: Path, as_ordinary_user
) -> None:
    def load() -> str:
        return f"{len(converted.load('a', read_gguf).state)} weights"

    cache.mkdir(parents=True)
    read_only(cache)
    (cache.parent.parent / "tiny.gguf").chmod(0o644)
    assert "無法寫入快取資料夾" in as_ordinary_user(load)
    assert names(cache) == []
    cache.chmod(0o755)
    load()
    (cache / "tiny.gguf" / "model.safetensors").chmod(0o644)
    read_only(cache)
    assert as_ordinary_user(load) == "5 weights"
