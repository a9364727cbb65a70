"""A process that has torch loaded and forks a shut-in child for every answer.

It speaks with the grader through its standard input and output: pickled jobs in (the grader's own
data), replies out. What a child sends is never interpreted here, only passed on.
"""

import contextlib
import os
import pickle
import selectors
import signal
import struct
import sys
import tempfile
import time
from copy import deepcopy
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from dlbook.grade import codec, sandbox

MOST_REPLY = codec.MOST_BYTES + 1_000_000
ENTERED = b"+"
FIRST_USER = 61184  # of those that systemd, too, takes for passing users


@dataclass(frozen=True)
class Job:
    """One answer to run: where its names come from, its code, how to apply it, to what.

    ``modules`` are the grader's own choice: they are loaded once, before the fork.
    """

    definitions: str
    answer: str
    name: str
    procedure: str
    cases: list[tuple[Any, ...]]
    seed: int
    modules: list[str]
    hidden: list[Path]
    needed: list[Path]
    limits: sandbox.Limits = field(default_factory=sandbox.Limits)
    isolated: bool = True


@dataclass(frozen=True)
class Reply:
    """``data`` is what the child wrote (see ``run_answer``); ``failure`` why there is none.

    ``broken``: the sandbox could not be entered, which is not the learner's fault.
    """

    data: bytes = b""
    failure: str = ""
    broken: bool = False


def run_answer(job: Job) -> list[Any]:
    """In the child: one entry a case, ``["output", value]`` or ``["error", message]``.

    A single ``["unanswered", ""]`` stands for an answer that is still a stub.
    """
    import random

    import numpy as np
    import torch

    namespace: dict[str, Any] = {"__name__": "__main__"}
    _execute(job.definitions, namespace)
    namespace.pop(job.name, None)
    problem = _execute(job.answer, namespace)
    answer = namespace.get(job.name)
    if not callable(
        answer
    ):  # what else fails in the cell (a print of the lesson's data) is no matter
        return [["error", problem or f"找不到 {job.name} 這個函式。"]]
    procedure: dict[str, Any] = {}
    exec(compile(job.procedure, "<procedure>", "exec"), procedure)
    results: list[Any] = []
    torch.manual_seed(job.seed)
    np.random.seed(job.seed % 2**32)
    random.seed(job.seed)
    for case in job.cases:
        try:
            output = procedure["run"](answer, deepcopy(case))
            results.append(["output", codec.loads(codec.dumps(output))])  # what it is now
        except NotImplementedError:
            return [["unanswered", ""]]
        except codec.NotPlain as error:
            results.append(["error", str(error)])
        except MemoryError:
            results.append(["error", "記憶體不夠用（超過上限）。"])
        except BaseException as error:
            results.append(["error", f"執行時發生 {type(error).__name__}：{str(error)[:500]}"])
    return results


def _execute(code: str, namespace: dict[str, Any]) -> str:
    """Run code statement by statement, so that one that fails doesn't take the rest along."""
    import ast

    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"程式讀不懂：{type(error).__name__}：{error}"
    problem = ""
    for node in body:
        try:
            exec(compile(ast.Module([node], []), "<answer>", "exec"), namespace)
        except BaseException as error:
            problem = problem or f"執行時發生 {type(error).__name__}：{str(error)[:500]}"
    return problem


def serve(jobs: BinaryIO, replies: BinaryIO) -> None:
    """Answer jobs until the grader hangs up."""
    while len(head := jobs.read(8)) == 8:
        (length,) = struct.unpack("<Q", head)
        reply = handle(pickle.loads(jobs.read(length)))
        failure = reply.failure.encode()
        head = struct.pack("<?QQ", reply.broken, len(failure), len(reply.data))
        replies.write(head + failure + reply.data)
        replies.flush()


def handle(job: Job) -> Reply:
    """Fork, shut in, run, collect; whatever happens to the child, there is a reply."""
    for name in job.modules:
        with contextlib.suppress(ImportError):  # not a module but something in one; not installed
            import_module(name)
    with tempfile.TemporaryDirectory(prefix="dlbook-grade-") as home:
        os.chmod(home, 0o777)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _child(job, Path(home), reading, writing)
        os.close(writing)
        try:
            return _collect(child, reading, job.limits)
        finally:
            os.close(reading)


def _child(job: Job, home: Path, reading: int, writing: int) -> None:
    """Never returns."""
    code = 1
    try:
        _close_others(keep={writing})
        user = FIRST_USER + os.getppid() % 4000  # the server's own, so that bombs hit no neighbour
        sandbox.enter(home, job.hidden, job.needed, job.limits, isolated=job.isolated, user=user)
        os.environ.clear()
        os.environ.update(HOME=str(home), TMPDIR=str(home), PATH="/usr/bin:/bin", LANG="C.UTF-8")
        tempfile.tempdir = str(home)  # the server may have looked up another one already
        os.write(writing, ENTERED)
        data = codec.dumps(run_answer(job))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)
        code = 0
    except BaseException as error:  # told to the grader, which tells the teacher
        with contextlib.suppress(OSError):
            os.write(writing, f"{type(error).__name__}：{error}".encode())
    finally:
        os._exit(code)


def _close_others(keep: set[int]) -> None:
    """Standard input, output and error lead nowhere; every other descriptor is closed."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _collect(child: int, reading: int, limits: sandbox.Limits) -> Reply:
    """What the child writes until it ends, as long as it keeps to its time and a sane size."""
    deadline = time.monotonic() + limits.wall
    data = bytearray()
    failure = ""
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        while not failure:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                failure = f"超過 {limits.wall:.0f} 秒，停下來了（是不是有停不下來的迴圈？）。"
                break
            part = os.read(reading, 1 << 20)
            if not part:
                break
            data += part
            if len(data) > MOST_REPLY:
                failure = "回傳的資料太大。"
    status = _end(child, deadline)
    if failure:
        return Reply(failure=failure)
    if data[:1] != ENTERED:  # written before any of the learner's code ran
        return Reply(failure=data.decode(errors="replace") or _reason(status), broken=True)
    if status != 0:
        return Reply(failure=_reason(status))
    return Reply(bytes(data[1:]))


def _end(child: int, deadline: float) -> int:
    """Kill whatever is left of the child and its children; how it ended, had it ended by itself."""
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    _kill(child)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _reason(status: int) -> str:
    number = -status if status < 0 else status - 128
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return "用掉了全部的計算時間，或被系統停掉（記憶體用完）。"
    if number > 0:
        return f"程式異常結束（{signal.Signals(number).name}）。"
    return "程式自己結束了，沒有交出結果。"


def main() -> None:
    """Load what every answer needs, then serve."""
    import torch

    torch.set_num_threads(1)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not end up among the replies
    replies.write(b"ready\n")
    replies.flush()
    with contextlib.suppress(BrokenPipeError):  # the grader was interrupted
        serve(sys.stdin.buffer, replies)
