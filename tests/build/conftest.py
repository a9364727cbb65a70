"""A tiny course in a temporary directory, whose path has a space and Chinese characters."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from nbformat import NotebookNode

from dlbook.build import Project, render
from dlbook.build.check import SECTIONS

LESSON = "zoo/cats"


@dataclass(frozen=True)
class Course:
    project: Project

    def write(self, path: str, text: str) -> Path:
        file = self.project.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def module(self, name: str, text: str) -> Path:
        """Write ``src/dlbook/<name>.py``."""
        return self.write(f"src/dlbook/{name}.py", text)

    def exercises(self, text: str) -> Path:
        return self.module(f"exercises/{LESSON}", text)

    def lesson(self, *cells: str, name: str = LESSON) -> Path:
        """Write a lesson with these code cells; its last cell has all the headings."""
        code = "\n\n".join(f"# %%\n{dedent(cell).strip()}" for cell in cells)
        headings = "\n\n".join(f"## {section}" for section in SECTIONS)
        title = '# %% [markdown]\nr"""\n# 貓\n"""'
        end = f'# %% [markdown]\nr"""\n{headings}\n"""'
        return self.write(f"lessons/{name}.py", f"{title}\n\n{code}\n\n{end}\n")

    def render(self, *cells: str) -> NotebookNode:
        self.lesson(*cells)
        return render(LESSON, self.project)

    def code(self, *cells: str) -> list[str]:
        """The code cells that a lesson becomes, after the first, which holds the imports."""
        return [cell.source for cell in self.render(*cells).cells if cell.cell_type == "code"][1:]

    def imports(self, *cells: str) -> str:
        """What the first code cell imports, below its guard."""
        nb = self.render(*cells)
        first = next(cell.source for cell in nb.cells if cell.cell_type == "code")
        return first.partition("from None")[2].strip()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(Project(tmp_path / "深度學習 課程"))
