"""What the pages are made from: the curriculum, the executed notebooks, the records, the settings."""

import base64
import hashlib
import io
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from dlbook import curriculum, paths
from dlbook.curriculum import Curriculum, Lesson
from dlbook.errors import CourseError
from dlbook.web.measured import LessonRecord, read_record

SETTINGS = "book/site.toml"


@dataclass(frozen=True)
class Figure:
    """A picture of an executed notebook; ``name`` is the file that MyST-NB gives it."""

    png: bytes
    alt: str

    @property
    def name(self) -> str:
        return f"{hashlib.sha256(self.png).hexdigest()}.png"

    def thumbnail(self, width: int = 720) -> bytes:
        """A WebP at most ``width`` pixels wide: all of them together are what the home page may weigh."""
        picture = Image.open(io.BytesIO(self.png)).convert("RGB")
        picture.thumbnail((width, width))
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=80, method=6)
        return buffer.getvalue()


@dataclass(frozen=True)
class Notebook:
    """An executed notebook, read for the book."""

    content: dict[str, Any]

    @cached_property
    def figures(self) -> list[Figure]:
        """Its pictures in order; the alternative text is empty where there is none."""
        found = []
        for cell in self.content["cells"]:
            for output in cell.get("outputs", []):
                if png := output.get("data", {}).get("image/png"):
                    alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                    found.append(Figure(base64.b64decode(png), alt))
        return found

    @property
    def exercises(self) -> list[str]:
        """The ids of its exercises."""
        ids = (cell["metadata"].get("dlbook", {}).get("exercise") for cell in self.content["cells"])
        return [name for name in ids if name]

    @property
    def prose(self) -> str:
        """The text of its Markdown cells."""
        cells = (cell for cell in self.content["cells"] if cell["cell_type"] == "markdown")
        return "\n\n".join("".join(cell["source"]) for cell in cells)


@dataclass(frozen=True)
class Site:
    """A checkout of the course and what is read from it, once."""

    root: Path
    course: Curriculum

    @classmethod
    def here(cls) -> "Site":
        """The checkout that this package is imported from."""
        return cls(paths.checkout(), curriculum.load())

    @cached_property
    def ready(self) -> list[Lesson]:
        """The lessons that can be taken today, in teaching order."""
        return [lesson for lesson in self.course.lessons if lesson.ready]

    @cached_property
    def notebooks(self) -> dict[str, Notebook]:
        """The executed notebook of every ready lesson.

        Raises:
            CourseError: one is missing.
        """
        return {lesson.id: self._notebook(lesson.id) for lesson in self.ready}

    def _notebook(self, lesson: str) -> Notebook:
        path = self.root / "notebooks" / f"{lesson}.ipynb"
        if not path.is_file():
            raise CourseError(f"還沒有 {path}；請先執行 dlbook run {lesson} --write。")
        return Notebook(json.loads(path.read_text("utf-8")))

    @cached_property
    def records(self) -> dict[str, LessonRecord]:
        """The record of every ready lesson that has one."""
        found = {lesson.id: read_record(self.root, lesson.id) for lesson in self.ready}
        return {lesson: record for lesson, record in found.items() if record is not None}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """``book/site.toml``."""
        return tomllib.loads((self.root / SETTINGS).read_text("utf-8"))
