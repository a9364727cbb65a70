"""One kernel for one lesson: started by us, watched, and gone when we are done with it."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from jupyter_client.client import KernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from dlbook.measure import peak_memory_mb

POLL_SECONDS = 0.25


class LessonKernel(AsyncKernelManager):
    """This interpreter's own kernel, over sockets in a private folder instead of TCP ports."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.folder = tempfile.TemporaryDirectory(prefix="dlk")
        if os.name != "nt":
            self.transport = "ipc"
            self.ip = str(Path(self.folder.name) / "k")
        self.connection_file = str(Path(self.folder.name) / "kernel.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """Never a kernel that happens to be installed under the same name."""
        launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        launch.append("--IPKernelApp.capture_fd_output=False")  # chatter of C++ libraries
        return KernelSpec(argv=launch, display_name="Python 3", language="python")

    @property
    def pid(self) -> int | None:
        """Process id of the running kernel."""
        return getattr(self.provisioner, "pid", None)

    async def exit_code(self) -> int | None:
        """Exit code of a kernel that died (negative: killed by that signal)."""
        return await self.provisioner.poll() if self.provisioner else None

    def kill(self) -> None:
        """End the kernel and whatever it started."""
        if self.pid is not None:
            kill_tree(self.pid)

    async def stop(self, client: KernelClient | None) -> None:
        """Kill what still runs, and clean up."""
        self.kill()  # the shutdown below kills only the kernel's process group
        if client is not None:
            client.stop_channels()
        if self.has_kernel:
            await self.shutdown_kernel(now=True)
        self.folder.cleanup()


class Watch:
    """Ends a kernel that runs too long, takes too much memory or prints too much, saying why.

    ``reason`` stays empty while all is well. Killing the kernel is what makes nbclient return.
    """

    def __init__(self, kernel: LessonKernel, timeout: float | None, memory_mb: float) -> None:
        self.kernel = kernel
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.memory_mb = memory_mb
        self.peak_mb = 0.0
        self.reason = ""

    def end(self, reason: str) -> None:
        """Kill the kernel; the first reason is the one that counts."""
        self.reason = self.reason or reason
        self.kernel.kill()

    async def poll(self, tick: Callable[[], None]) -> None:
        """Look at the kernel until cancelled; ``tick`` is called at every look."""
        while True:
            self.look()
            tick()
            await asyncio.sleep(POLL_SECONDS)

    def look(self) -> None:
        """One look at the clock and the memory."""
        if self.reason:
            self.end(self.reason)  # again: it may have been starting
        try:
            self.peak_mb = max(self.peak_mb, peak_memory_mb(self.kernel.pid))
        except (psutil.Error, OSError):
            return  # not started yet, or already gone
        if self.peak_mb > self.memory_mb:
            self.end("memory")
        elif self.deadline is not None and time.monotonic() > self.deadline:
            self.end("timeout")


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants, if they are still there."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
