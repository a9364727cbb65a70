"""The builder: ``lessons/<module>/<lesson>.py`` becomes ``notebooks/<module>/<lesson>.ipynb``.

A lesson is a script in jupytext's percent format. Reading it gives cells (``cells``); marked
imports (``markers``) are replaced by source (``inline``) or by exercises (``exercises``); the
imports that this code needs go to the first code cell (``hoist``); ``render`` puts it together,
``check`` finds what is missing, and ``freshness`` and ``notebooks`` keep what is on disk honest.
Everything is done by reading files: no lesson and no module package is imported.
"""

from dlbook.build.errors import BuildError, Problem
from dlbook.build.freshness import seal
from dlbook.build.index import build_index
from dlbook.build.notebooks import Status, build, code_hash, status, write
from dlbook.build.project import Project
from dlbook.build.render import render

__all__ = [
    "BuildError",
    "Problem",
    "Project",
    "Status",
    "build",
    "build_index",
    "code_hash",
    "render",
    "seal",
    "status",
    "write",
]
