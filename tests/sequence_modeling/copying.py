"""Weights from our modules into PyTorch's, for the tests of parity."""

import torch
from torch import nn

from dlbook.sequence_modeling.multihead import MultiHeadAttention


def copy_into(theirs: nn.MultiheadAttention, ours: MultiHeadAttention) -> None:
    """Give both modules the same weights."""
    projections = (ours.q_proj, ours.k_proj, ours.v_proj)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        theirs.out_proj.weight.copy_(ours.o_proj.weight)
        if ours.q_proj.bias is not None:
            theirs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
            theirs.out_proj.bias.copy_(ours.o_proj.bias)
