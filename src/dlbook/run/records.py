"""Records: what each lesson measured over several seeds, tied to the code that measured it."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from dlbook.errors import CourseError
from dlbook.run.result import Result

SEEDS = (0, 1, 2)  # every claim of a ready lesson holds for these


def write(lesson: str, results: Sequence[Result], code_hash: str, profile: str, path: Path) -> None:
    """Write the record of one lesson.

    Raises:
        CourseError: a run did not pass, so there is nothing to record.
    """
    if failed := [str(r.seed) for r in results if r.status != "passed"]:
        raise CourseError(f"{lesson} 的種子 {'、'.join(failed)} 沒有通過，所以沒有寫入紀錄。")
    seeds = ",".join(str(r.seed) for r in results)
    content = {
        "lesson": lesson,
        "profile": profile,
        "command": f"dlbook run {lesson} --seeds {seeds} --record",
        "recorded": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "code_hash": code_hash,
        "runs": [
            {"seed": r.seed, "seconds": r.seconds, "peak_mb": r.peak_mb, "claims": r.claims}
            for r in results
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    os.replace(part, path)


def problem(lesson: str, code_hash: str, path: Path) -> str | None:
    """What is wrong with a lesson's record and which command mends it; None if nothing is."""
    seeds = ",".join(map(str, SEEDS))
    remedy = f"請執行 dlbook run {lesson} --seeds {seeds} --record。"
    try:
        record = json.loads(path.read_text("utf-8"))
        runs: list[dict[str, Any]] = record["runs"]
        recorded = {run["seed"]: [bool(claim["passed"]) for claim in run["claims"]] for run in runs}
        if record["code_hash"] != code_hash:
            return f"{lesson} 的紀錄過期了：程式在測量之後改過。{remedy}"
    except FileNotFoundError:
        return f"{lesson} 還沒有紀錄。{remedy}"
    except (ValueError, KeyError, TypeError) as error:
        return f"{lesson} 的紀錄讀不懂（{error!r}）。{remedy}"
    if missing := [seed for seed in SEEDS if seed not in recorded]:
        return f"{lesson} 的紀錄缺種子 {'、'.join(map(str, missing))}。{remedy}"
    if not all(passed and all(passed) for passed in recorded.values()):
        return f"{lesson} 的紀錄裡有未通過的主張。{remedy}"
    return None


def machine() -> dict[str, Any]:
    """What the measurements were made on."""
    from importlib.metadata import version

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
