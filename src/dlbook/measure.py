"""Time and memory, measured so that two numbers of one run can be compared."""

import gc
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class PairedTimes:
    """Seconds of two procedures measured alternately."""

    a: list[float]
    b: list[float]

    @property
    def ratios(self) -> list[float]:
        """a / b, pair by pair: above 1 means b is faster."""
        return [x / y for x, y in zip(self.a, self.b, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the paired ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest of the paired ratios."""
        return min(self.ratios), max(self.ratios)


def paired_times(
    a: Callable[[], object], b: Callable[[], object], *, pairs: int = 5, warmup: int = 1
) -> PairedTimes:
    """Run ``a`` and ``b`` alternately, so that whatever else the machine does hits both.

    Args:
        a: the procedure in the numerator of the ratio (the baseline, for a speed-up).
        b: the procedure in the denominator.
        pairs: how many pairs are kept.
        warmup: how many pairs are run first and thrown away.
    """
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for round_number in range(warmup + pairs):
        for procedure, seconds in zip((a, b), times, strict=True):
            start = time.perf_counter()
            procedure()
            elapsed = time.perf_counter() - start
            if round_number >= warmup:
                seconds.append(elapsed)
    return PairedTimes(*times)


def peak_memory_mb(pid: int | None = None) -> float:
    """Highest resident memory of a process so far, in MB (its current memory on macOS)."""
    process = psutil.Process(pid)
    if sys.platform == "linux":
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    info = process.memory_info()
    return getattr(info, "peak_wset", info.rss) / 1e6
