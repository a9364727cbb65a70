"""The runner: executes lessons in kernels of their own, watches them, and reports their claims."""

from dlbook.run.result import Result
from dlbook.run.runner import Options, run_lessons

__all__ = ["Options", "Result", "run_lessons"]
