"""Two processes with torchrun and gloo give the loss curve of one."""

import json
import subprocess
import sys

import pytest

MODULE = "dlbook.sequence_modeling.data_parallel"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=120, check=False
    )


def torchrun(processes: int, *options: str) -> subprocess.CompletedProcess[str]:
    return run(
        "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
        "-m", MODULE, *options,
    )  # fmt: skip


def test_two_processes_give_the_curve_of_one() -> None:
    alone, together = run(MODULE), torchrun(2)
    assert alone.returncode == 0, alone.stderr
    assert together.returncode == 0, together.stderr
    one, two = (json.loads(each.stdout) for each in (alone, together))
    assert len(one) == 20
    assert two == pytest.approx(one, abs=1e-4)
    assert one[-1] < 0.98 * one[0]


def test_a_batch_that_does_not_divide_is_an_error() -> None:
    failed = torchrun(2, "--batch", "7", "--steps", "1")
    assert failed.returncode != 0
    assert "7 列無法平分給 2 個行程" in failed.stderr
