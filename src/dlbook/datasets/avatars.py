"""Drawn faces without end, with attributes as labels: rendered on first use, then cached."""

import hashlib
import io
import json
import os
import random
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from jaxtyping import Int64, UInt8
from torch import Tensor

from dlbook import paths
from dlbook.datasets.avatar_styles import ALWAYS, AVATAR_STYLES, FIXED, Options
from dlbook.errors import CourseError

PACKAGES = ("dicebear-core==10.7.0", "dicebear-styles==10.6.0", "resvg-py==0.5.0")


@dataclass(frozen=True)
class Avatars:
    """``images``: red, green, blue 0–255. ``attributes[name][i]`` is a position in ``values[name]``."""

    style: str
    images: UInt8[Tensor, "avatars 3 size size"]
    attributes: dict[str, Int64[Tensor, " avatars"]]
    values: dict[str, tuple[str, ...]]

    def caption(self, position: int) -> str:
        """What avatar ``position`` looks like, in words."""
        return "、".join(self.values[a][self.attributes[a][position]] for a in self.attributes)


def avatars(style: str = "lorelei", count: int = 2000, *, size: int = 32, seed: int = 0) -> Avatars:
    """``count`` avatars of one style (see ``AVATAR_STYLES``), ``size`` pixels high and wide.

    An avatar depends on style, seed and its own number alone, so that a smaller set is the
    beginning of a larger one; attributes are independent and uniform. About 250 a second are drawn
    on the first use; that needs the packages of ``PACKAGES``. Take another seed for testing.

    Licence: CC0 1.0. DiceBear; lorelei by Lisa Wischofsky, notionists by Zoish, open-peeps by Pablo
    Stanley.
    """
    if style not in AVATAR_STYLES:
        raise CourseError(f"沒有「{style}」這種頭像畫風。可用的有：{'、'.join(AVATAR_STYLES)}。")
    attributes = AVATAR_STYLES[style]
    choices = [_choose(style, seed, number) for number in range(count)]
    images = torch.from_numpy(_cached(style, choices, size, seed))
    return Avatars(
        style=style,
        images=images.permute(0, 3, 1, 2).contiguous(),
        attributes={
            name: torch.tensor([choice[name] for choice in choices]) for name in attributes
        },
        values={name: tuple(value.title for value in attributes[name]) for name in attributes},
    )


def _choose(style: str, seed: int, number: int) -> dict[str, int]:
    """Values of all attributes of one avatar."""
    generator = random.Random(f"{style} {seed} {number}")
    return {name: generator.randrange(len(v)) for name, v in AVATAR_STYLES[style].items()}


def _cached(style: str, choices: list[dict[str, int]], size: int, seed: int) -> np.ndarray:
    recipe = f"{PACKAGES} {AVATAR_STYLES[style]} {_fixed(style)}"
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    file = paths.cache_dir() / "avatars" / f"{style}-{size}-{seed}-{len(choices)}-{digest}.npz"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(file.name + ".lock")):
            images = _load(file)
            if images is None:
                images = _render_all(style, choices, size, seed)
                _save(file, images)
    except OSError as error:
        raise CourseError(
            f"無法寫入快取資料夾 {file.parent}（{error.strerror or error}）。"
            "請確認磁碟空間與權限，或以環境變數 DLBOOK_CACHE 指定別的資料夾。"
        ) from error
    return images


def _load(file: Path) -> np.ndarray | None:
    """The cached images; None if they are not there or damaged."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            return archive["images"]
    except (FileNotFoundError, zipfile.BadZipFile, KeyError, ValueError, EOFError):
        return None


def _save(file: Path, images: np.ndarray) -> None:
    part = file.with_name(file.name + ".part")  # ours, as we hold the lock
    try:
        with part.open("wb") as stream:
            np.savez_compressed(stream, images=images)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _render_all(style: str, choices: list[dict[str, int]], size: int, seed: int) -> np.ndarray:
    dicebear, resvg = _packages()
    print(f"繪製 {len(choices)} 張 {style} 頭像（只有第一次）…")
    drawer = _drawer(style)
    images = []
    for number, choice in enumerate(choices):
        options = {**_options(style, choice), "seed": f"{seed} {number}", "size": size}
        svg = dicebear.Avatar(drawer, options).to_string()
        images.append(_decode(bytes(resvg.svg_to_bytes(svg_string=svg))))
    return np.stack(images)


def _fixed(style: str) -> Options:
    return {**ALWAYS, **FIXED.get(style, {})}


def _options(style: str, choice: dict[str, int]) -> Options:
    options = _fixed(style)
    for name, position in choice.items():
        options |= AVATAR_STYLES[style][name][position].options
    return options


def _decode(png: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def _packages() -> tuple[Any, Any]:
    """DiceBear and resvg; the styles are a package of their own."""
    try:
        import_module("dicebear_styles")
        return import_module("dicebear"), import_module("resvg_py")
    except ImportError as error:
        raise CourseError(
            f"繪製頭像需要另外安裝的套件（找不到 {error.name}）。"
            f"請執行 python -m pip install {' '.join(PACKAGES)}，再試一次。"
        ) from error


@cache
def _drawer(style: str) -> Any:
    """DiceBear's style; it takes a while to be checked."""
    definition = files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8")
    return import_module("dicebear").Style(json.loads(definition))
