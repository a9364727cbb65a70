"""Execute one notebook in a kernel of its own and say what came of it."""

import asyncio
import contextlib
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from dlbook.run.kernel import LessonKernel, Watch
from dlbook.run.result import Result, Status

MAX_CELL_OUTPUT = 4_000_000  # characters; a whole notebook has a budget of 1.5 MB
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Job:
    """One lesson to be run with one seed; ``cell`` and ``watch`` tell how far it has come."""

    lesson: str
    notebook: NotebookNode
    seed: int
    profile: str
    threads: int
    timeout: float | None
    memory_mb: float
    cell: int = 0
    watch: Watch | None = None
    result: Result | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The kernel's environment: ours, with this job's settings; Jupyter's debugger stays off."""
        threads = str(self.threads)
        settings = {
            "DLBOOK_PROFILE": self.profile,
            "DLBOOK_SEED": str(self.seed),
            "DLBOOK_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PYTHONUTF8": "1",
        }
        return {**os.environ, **settings}


class _Client(NotebookClient):
    """Ends the kernel when a cell prints more than a notebook can hold."""

    watch: Watch
    printed = 0

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "busy":
            self.printed = 0
        self.printed += len(msg["content"].get("text") or str(msg["content"].get("data", "")))
        if self.printed > MAX_CELL_OUTPUT:
            self.watch.end("output")
            return None
        return super().process_message(msg, cell, cell_index)


async def execute(job: Job, tick: Callable[[], None]) -> Result:
    """Run the job's notebook in place; never raises for what a lesson does."""
    kernel = LessonKernel()
    job.watch = Watch(kernel, job.timeout, job.memory_mb)
    client = _Client(job.notebook, km=kernel, timeout=None, record_timing=False)
    client.watch = job.watch
    start = time.perf_counter()
    polling = asyncio.create_task(job.watch.poll(tick))
    error: Exception | None = None
    try:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        folder = kernel.folder.name
        await client.async_start_new_kernel(env=job.environment, cwd=folder, **quiet)
        await client.async_start_new_kernel_client()
        client.reset_execution_trackers()
        for job.cell, cell in enumerate(job.notebook.cells):  # noqa: B020
            await client.async_execute_cell(cell, job.cell)
    except Exception as caught:  # whatever happens to one lesson, the others go on
        error = caught
    finally:
        code = await kernel.exit_code()
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await polling
        await kernel.stop(client.kc)
    status, message = _outcome(job, error, code)
    seconds = round(time.perf_counter() - start, 1)
    claims = claims_of(job.notebook)
    peak = round(job.watch.peak_mb)
    return Result(job.lesson, status, seconds, peak, job.seed, claims, message)


def claims_of(notebook: NotebookNode) -> list[dict[str, Any]]:
    """The claims that an executed notebook carries in its outputs."""
    return [note["claim"] for note in _notes(notebook) if "claim" in note]


def is_finished(notebook: NotebookNode) -> bool:
    """Did the lesson reach ``lesson.finish`` with all claims passed?"""
    return any(note.get("finish", {}).get("passed") for note in _notes(notebook))


def _notes(notebook: NotebookNode) -> list[dict[str, Any]]:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output.get("metadata", {}).get("dlbook", {}) for output in outputs]


def _outcome(job: Job, error: Exception | None, code: int | None) -> tuple[Status, str]:
    """Status and, where it did not pass, an explanation for a person."""
    assert job.watch is not None
    where, last = _where(job), _last_output(job.notebook.cells[job.cell])
    match job.watch.reason:
        case "timeout":
            return "timeout", f"超過 {job.timeout:.0f} 秒，停在{where}。{last}"
        case "memory":
            used = f"記憶體用到 {job.watch.peak_mb:.0f} MB，超過上限 {job.memory_mb:.0f} MB"
            return "crashed", f"{used}，停在{where}。{last}"
        case "output":
            limit = f"{MAX_CELL_OUTPUT // 1_000_000} MB"
            return "failed", f"{where}印出超過 {limit}，已停止。請減少輸出。"
        case "interrupted":
            return "crashed", f"使用者中斷，停在{where}。"
    if isinstance(error, CellExecutionError):
        name, value = error.ename, _ANSI.sub("", error.evalue)
        if name == "ClaimsFailed":
            return "failed", value
        return "failed", f"{where}發生 {name}：{value}。{last}"
    if error is not None and code is not None:
        return "crashed", f"{where}執行時核心死掉（{_death(code)}）。{last}"
    if error is not None:
        return "crashed", f"{where}執行不下去（{type(error).__name__}：{error}）。{last}"
    names = Counter(claim["name"] for claim in claims_of(job.notebook))
    if repeated := [name for name, count in names.items() if count > 1]:
        return "failed", f"主張「{'」「'.join(repeated)}」出現了不只一次；每個主張要有自己的名字。"
    if not is_finished(job.notebook):
        return "failed", "課程跑完了，卻沒有呼叫 lesson.finish(run)。"
    return "passed", ""


def _where(job: Job) -> str:
    lines = [x for x in job.notebook.cells[job.cell].source.splitlines() if x.strip()]
    return f"第 {job.cell + 1} 格「{lines[0][:60] if lines else ''}」"


def _last_output(cell: NotebookNode) -> str:
    """The last lines that the cell printed."""
    texts = [o["text"] for o in cell.get("outputs", []) if o["output_type"] == "stream"]
    lines = _ANSI.sub("", "".join(texts)).strip().splitlines()[-5:]
    return "最後的輸出：\n" + "\n".join(f"    {line[:200]}" for line in lines) if lines else ""


def _death(code: int | None) -> str:
    if code == -9:
        return "被系統以 SIGKILL 終止，多半是記憶體不足"
    if code == -11:
        return "區段錯誤 SIGSEGV"
    return f"結束碼 {code}"
