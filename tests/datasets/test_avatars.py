"""Avatars: the same for the same seed, what the labels say, and cached safely."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from dlbook import datasets, paths
from dlbook.errors import CourseError

COUNT = 12


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path / "快取"))


@pytest.fixture
def drawing() -> None:
    """Skips the test where the packages that draw are not installed."""
    for name in ("dicebear", "dicebear_styles", "resvg_py"):
        pytest.importorskip(name)


@pytest.mark.usefixtures("drawing")
@pytest.mark.parametrize("style", datasets.AVATAR_STYLES)
def test_every_style_is_drawn_with_labels(style: str) -> None:
    faces = datasets.avatars(style, COUNT)
    assert faces.images.shape == (COUNT, 3, 32, 32)
    assert faces.images.dtype == torch.uint8
    assert len({image.numpy().tobytes() for image in faces.images}) == COUNT
    for name, values in faces.values.items():
        assert faces.attributes[name].shape == (COUNT,)
        assert faces.attributes[name].min() >= 0
        assert faces.attributes[name].max() < len(values)


@pytest.mark.usefixtures("drawing")
def test_the_same_seed_gives_the_same_and_a_smaller_set_is_the_beginning() -> None:
    faces = datasets.avatars("lorelei", COUNT)
    fewer = datasets.avatars("lorelei", COUNT // 2)
    others = datasets.avatars("lorelei", COUNT, seed=1)
    assert torch.equal(faces.images[: COUNT // 2], fewer.images)
    assert torch.equal(faces.attributes["hair"][: COUNT // 2], fewer.attributes["hair"])
    assert not torch.equal(faces.images, others.images)


@pytest.mark.usefixtures("drawing")
@pytest.mark.parametrize("style", datasets.AVATAR_STYLES)
def test_every_attribute_changes_the_picture(style: str) -> None:
    module = import_module("dlbook.datasets.avatars")
    choices = [module._choose(style, 0, number) for number in range(2)]
    for name, values in datasets.AVATAR_STYLES[style].items():
        pictures = [
            module._render_all(style, [{**choice, name: position} for choice in choices], 32, 0)
            for position in range(len(values))
        ]
        for other in pictures[1:]:
            changed = (pictures[0] != other).reshape(2, -1).any(1)
            assert changed.all(), f"{style}: {name}"


@pytest.mark.usefixtures("drawing")
def test_the_background_has_the_colour_of_the_label() -> None:
    faces = datasets.avatars("lorelei", COUNT)
    titles = faces.values["background"]
    for position, image in enumerate(faces.images):
        if titles[faces.attributes["background"][position]] == "藍底":
            assert image[:, 0, 0].tolist() == [0xB6, 0xE3, 0xF4]
    assert "、" in faces.caption(0)


@pytest.mark.usefixtures("drawing")
def test_a_cached_set_needs_no_packages_and_a_damaged_one_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = datasets.avatars("critters", COUNT)
    [file] = (paths.cache_dir() / "avatars").glob("*.npz")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "dicebear", None)
        assert torch.equal(datasets.avatars("critters", COUNT).images, first.images)
    file.write_bytes(file.read_bytes()[:1000])
    assert torch.equal(datasets.avatars("critters", COUNT).images, first.images)
    assert not list((paths.cache_dir() / "avatars").glob("*.part"))


@pytest.mark.parametrize("missing", ["dicebear", "dicebear_styles", "resvg_py"])
def test_without_the_packages_the_error_names_the_command(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(CourseError, match=r"pip install dicebear-core==10\.7\.0"):
        datasets.avatars(count=2)


def test_an_unknown_style_names_the_known_ones() -> None:
    with pytest.raises(CourseError, match="lorelei"):
        datasets.avatars("loreley")


def test_a_cache_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path / "file"))
    with pytest.raises(CourseError, match="DLBOOK_CACHE"):
        datasets.avatars(count=2)
