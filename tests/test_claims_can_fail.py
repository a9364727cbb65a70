"""Plant a bug in a concept file: a test or a claim must notice. One that nothing notices is a hole."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dlbook.paths import PACKAGE, checkout


@dataclass(frozen=True)
class Plant:
    """Replace ``old`` by ``new`` in a file of the package; ``caught_by`` is a test that must fail."""

    name: str
    file: str
    old: str
    new: str
    caught_by: str


AUTOGRAD = "foundations/autograd.py"
PLANTS = [
    Plant(
        "gradients overwrite instead of accumulate",
        AUTOGRAD,
        "parent.grad = parent.grad + unbroadcast(",
        "parent.grad = unbroadcast(",
        "foundations/test_autograd.py::test_random_graph_equals_torch",
    ),
    Plant(
        "broadcast axes are averaged instead of summed",
        AUTOGRAD,
        "return grad.sum(axis=stretched, keepdims=True)",
        "return grad.mean(axis=stretched, keepdims=True)",
        "foundations/test_autograd.py::test_unbroadcast_is_the_transpose_of_broadcast",
    ),
    Plant(
        "relu lets every gradient through",
        AUTOGRAD,
        "lambda g: g * (x.data > 0)",
        "lambda g: g",
        "foundations/test_autograd.py::test_operation_equals_torch",
    ),
    Plant(
        "matmul's backward rule forgets a transpose",
        AUTOGRAD,
        "lambda g: g @ b.data.swapaxes(-1, -2)",
        "lambda g: g @ b.data.reshape(b.data.shape[:-2] + b.data.shape[:-3:-1])",
        "foundations/test_autograd.py::test_matmul_equals_torch",
    ),
    Plant(
        "intermediate gradients survive a second backward",
        AUTOGRAD,
        "if node.parents:",
        "if False:",
        "foundations/test_autograd.py::test_second_backward_of_one_graph_counts_intermediate_nodes_once",
    ),
    Plant(
        "cross-entropy's gradient is not averaged over the batch",
        AUTOGRAD,
        "(np.exp(log_p) - one_hot) / len(labels)",
        "(np.exp(log_p) - one_hot)",
        "foundations/test_mlp.py::test_cross_entropy_equals_torch_even_for_huge_scores",
    ),
]

LLAMA = "sequence_modeling/llama.py"
ATTENTION = "sequence_modeling/attention.py"
ROPE = "sequence_modeling/rope.py"
PLANTS += [
    Plant(
        "no causal mask",
        LLAMA,
        "if length > 1 else None",
        "if False else None",
        "sequence_modeling/test_llama.py::test_the_future_never_changes_the_past",
    ),
    Plant(
        "gate and up are swapped",
        LLAMA,
        "F.silu(self.gate_proj(x)) * self.up_proj(x)",
        "F.silu(self.up_proj(x)) * self.gate_proj(x)",
        "sequence_modeling/test_llama.py::test_logits_and_gradients_equal_transformers",
    ),
    Plant(
        "with a cache, positions start at zero again",
        LLAMA,
        "torch.arange(start, start + length, device=tokens.device)",
        "torch.arange(0, length, device=tokens.device)",
        "sequence_modeling/test_kv_cache.py::test_any_chunking_gives_the_same_logits",
    ),
    Plant(
        "query heads are dealt out to the key heads in turn",
        ATTENTION,
        "groups = q.unflatten(1, (k.shape[1], -1))",
        "groups = q.unflatten(1, (-1, k.shape[1])).transpose(1, 2)",
        "sequence_modeling/test_attention.py::test_forward_and_gradient_equal_torch",
    ),
    Plant(
        "scores are not scaled",
        ATTENTION,
        " / q.shape[-1] ** 0.5",
        "",
        "sequence_modeling/test_attention.py::test_forward_and_gradient_equal_torch",
    ),
    Plant(
        "RoPE turns the wrong way",
        ROPE,
        "torch.cat([-y, x], dim=-1)",
        "torch.cat([y, -x], dim=-1)",
        "sequence_modeling/test_rope.py::test_rotates_counter_clockwise",
    ),
    Plant(
        "the prior is multiplied in, not divided out",
        "supervised_learning/viterbi.py",
        "log_p - power[..., None, None] * prior",
        "log_p + power[..., None, None] * prior",
        "supervised_learning/test_viterbi.py::test_both_knobs_at_one_is_the_hmm_with_the_priors_divided_out",
    ),
    Plant(
        "the LSTM's forget gate is not squashed",
        "sequence_modeling/recurrent_cells.py",
        "c = f.sigmoid() * c",
        "c = f * c",
        "sequence_modeling/test_recurrent_cells.py::test_equals_torch_forward_and_gradient",
    ),
    Plant(
        "beam search forgets the length penalty",
        "sequence_modeling/beam_search.py",
        "score = log_prob / length_penalty(length, alpha)",
        "score = log_prob",
        "sequence_modeling/test_beam_search.py::test_a_wide_beam_is_exhaustive_search",
    ),
    Plant(
        "RMSNorm subtracts the mean",
        "sequence_modeling/norms.py",
        "x.square().mean(-1, keepdim=True)",
        "x.var(-1, keepdim=True, unbiased=False)",
        "sequence_modeling/test_norms.py::test_equals_torch",
    ),
]


def planted(plant: Plant, folder: Path) -> Path:
    """A copy of the package with the bug in it; the data are shared."""
    package = folder / "src" / "dlbook"
    shutil.copytree(PACKAGE, package, ignore=lambda _, names: {"data", "__pycache__"} & set(names))
    (package / "data").symlink_to(PACKAGE / "data")
    target = package / plant.file
    source = target.read_text("utf-8")
    assert source.count(plant.old) == 1, f"{plant.name}: the line to spoil is not there once"
    target.write_text(source.replace(plant.old, plant.new), "utf-8")
    return package.parent


def run_with(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(source), "MPLBACKEND": "Agg"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=checkout(), env=environment, capture_output=True, encoding="utf-8", timeout=300
    )


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_planted_bug_is_caught(plant: Plant, tmp_path: Path):
    source = planted(plant, tmp_path)
    result = run_with(source, "-m", "pytest", "-p", "no:cacheprovider", f"tests/{plant.caught_by}")
    assert result.returncode == 1, result.stdout[-2000:] + result.stderr[-2000:]
    assert "AssertionError" in result.stdout or "Mismatch" in result.stdout, result.stdout[-2000:]


def test_planted_bug_fails_a_claim_of_the_lesson(tmp_path: Path):
    source = planted(PLANTS[0], tmp_path)
    result = run_with(source, "lessons/foundations/pytorch_fundamentals.py")
    assert result.returncode == 1
    assert "ClaimsFailed" in result.stderr
    assert "引擎的梯度與 torch.autograd 的最大差" in result.stderr
