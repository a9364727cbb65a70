"""What is wrong with a lesson: problems with a place, gathered into one error."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from dlbook.errors import CourseError


class Problem(NamedTuple):
    """One thing to mend: where (a path relative to the checkout, a line) and what to do."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}：{self.message}"


class BuildError(CourseError):
    """The problems that stopped a build, one a line."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@contextmanager
def collect(problems: list[Problem]) -> Generator[None, None, None]:
    """Keep the problems of a BuildError and go on, so that an author sees them all at once."""
    try:
        yield
    except BuildError as error:
        problems.extend(error.problems)
