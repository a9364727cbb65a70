"""The roofline: counts equal PyTorch's own counter, and its arithmetic."""

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dlbook.foundations import roofline
from dlbook.foundations.roofline import Cost, Machine

SIZES = st.integers(1, 20)


def counted(procedure) -> int:
    with FlopCounterMode(display=False) as counter:
        procedure()
    return counter.get_total_flops()


@given(SIZES, SIZES, SIZES)
def test_matmul_and_linear_count_what_torch_counts(m: int, k: int, n: int) -> None:
    a, b = torch.randn(m, k), torch.randn(k, n)
    assert roofline.matmul_cost(m, k, n).flops == counted(lambda: a @ b)
    layer = nn.Linear(k, n, bias=False)
    assert roofline.linear_cost(m, k, n).flops == counted(lambda: layer(a))


@given(SIZES, SIZES, SIZES)
def test_attention_counts_what_torch_counts(queries: int, keys: int, width: int) -> None:
    q, k = torch.randn(queries, width), torch.randn(keys, width)
    cost = roofline.attention_cost(queries, keys, width)
    assert cost.flops == counted(lambda: (q @ k.T).softmax(dim=1) @ k)


def test_bytes_are_those_of_the_tensors() -> None:
    tensors = torch.empty(3, 5), torch.empty(5, 7), torch.empty(3, 7)
    assert roofline.matmul_cost(3, 5, 7).bytes == sum(t.nbytes for t in tensors)
    halves = [t.bfloat16() for t in tensors]
    assert roofline.matmul_cost(3, 5, 7, itemsize=2).bytes == sum(t.nbytes for t in halves)
    assert roofline.elementwise_cost(10, inputs=2) == Cost(10, 120)


def test_the_slower_of_computing_and_moving_decides() -> None:
    machine = Machine(flops=100.0, bandwidth=10.0)
    assert machine.ridge == 10
    assert Cost(1000, 10).seconds(machine) == 10
    assert Cost(1000, 1000).seconds(machine) == 100
    assert machine.attainable(5) == 50
    assert machine.attainable(50) == 100


@given(st.floats(1, 1e15), st.floats(1, 1e12), st.floats(1, 1e15), st.floats(1, 1e12))
def test_prediction_is_work_over_attainable_speed(flops, size, peak, bandwidth) -> None:
    machine, cost = Machine(peak, bandwidth), Cost(flops, size)
    assert cost.seconds(machine) == pytest.approx(flops / machine.attainable(cost.intensity))


def test_fastest_is_the_time_of_one_call() -> None:
    assert roofline.fastest(lambda: time.sleep(0.01), repeats=3) == pytest.approx(0.01, rel=0.5)


def test_a_machine_is_measured() -> None:
    machine = roofline.measure_machine(matmul_size=256, copy_size=4_000_000)
    assert machine.flops > 1e8
    assert machine.bandwidth > 1e8
    assert roofline.matmul_speed(256) > roofline.matmul_speed(2)
