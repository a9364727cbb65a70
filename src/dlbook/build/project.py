"""Where a lesson, its notebook and the code of the course are."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dlbook.build.errors import BuildError, Problem
from dlbook.build.source import Source
from dlbook.paths import checkout


@dataclass(frozen=True)
class Project:
    """A checkout of the course. Lessons are named ``module/lesson``, code by its dotted name."""

    root: Path

    @classmethod
    def here(cls) -> "Project":
        """The checkout that this package is imported from."""
        return cls(checkout())

    def lesson_path(self, lesson: str) -> Path:
        return self.root / "lessons" / f"{lesson}.py"

    def notebook_path(self, lesson: str) -> Path:
        return self.root / "notebooks" / f"{lesson}.ipynb"

    def lessons(self) -> list[str]:
        """The names of all lessons that have been written."""
        folder = self.root / "lessons"
        return sorted(
            p.relative_to(folder).with_suffix("").as_posix() for p in folder.glob("*/*.py")
        )

    def checkpoints(self, lesson: str) -> list[Path]:
        """The trained weights that belong to ``lesson``, and what is noted about them."""
        module, _, name = lesson.partition("/")
        return sorted((self.root / "src/dlbook/checkpoints" / module).glob(f"{name}-*"))

    def module_path(self, module: str) -> Path | None:
        """The file of a dotted module name, or None if the course has no such module."""
        base = self.root.joinpath("src", *module.split("."))
        candidates = (base.with_name(f"{base.name}.py"), base / "__init__.py")
        return next((path for path in candidates if path.is_file()), None)

    def is_package(self, name: str) -> bool:
        """Is ``dlbook.<name>`` a package, not a single file?"""
        return (self.root / "src/dlbook" / name).is_dir()

    def shown(self, path: Path) -> str:
        """The path as messages and hashes have it: the same on every machine."""
        return path.relative_to(self.root).as_posix()

    def lesson_source(self, lesson: str) -> Source:
        path = self.lesson_path(lesson)
        if not path.is_file():
            close = get_close_matches(lesson, self.lessons(), n=1)
            hint = f"是不是 {close[0]}？" if close else "名稱的寫法是 module/lesson。"
            raise BuildError(Problem(self.shown(path), 1, f"找不到這一課的檔案；{hint}"))
        return Source.load(path, self.shown(path))

    def module_source(self, module: str) -> Source | None:
        path = self.module_path(module)
        return Source.load(path, self.shown(path), module) if path else None
