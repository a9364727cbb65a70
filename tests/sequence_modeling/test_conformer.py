"""Conformer against transformers' Wav2Vec2-Conformer and torch's pieces; padding stays outside."""

import pytest
import torch
from torch import nn
from transformers.models.wav2vec2_conformer.configuration_wav2vec2_conformer import (
    Wav2Vec2ConformerConfig,
)
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerConvolutionModule,
    Wav2Vec2ConformerEncoderLayer,
)

from dlbook.sequence_modeling.attention import padding_mask
from dlbook.sequence_modeling.conformer import ConformerBlock, ConvModule


class ChannelsLast(nn.Module):
    """Our LayerNorm where theirs has BatchNorm: (batch, channels, time)."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def config() -> Wav2Vec2ConformerConfig:
    """A tiny layer without dropout and without relative positions."""
    made = Wav2Vec2ConformerConfig(
        hidden_size=8, num_attention_heads=2, intermediate_size=12, hidden_act="swish",
        conv_depthwise_kernel_size=5, conformer_conv_dropout=0.0, activation_dropout=0.0,
        hidden_dropout=0.0, attention_dropout=0.0, position_embeddings_type=None,
    )  # fmt: skip
    made._attn_implementation = "eager"
    return made


def fill(ours: ConvModule, theirs: Wav2Vec2ConformerConvolutionModule, norm: nn.Module) -> None:
    """Their weights into our module; they have no biases in these layers."""
    theirs.add_module("batch_norm", ChannelsLast(ours.norm))
    with torch.no_grad():
        norm.load_state_dict(theirs.layer_norm.state_dict())
        ours.pointwise1.weight.copy_(theirs.pointwise_conv1.weight[..., 0])
        ours.pointwise2.weight.copy_(theirs.pointwise_conv2.weight[..., 0])
        ours.depthwise.weight.copy_(theirs.depthwise_conv.weight)
        for layer in (ours.pointwise1, ours.pointwise2, ours.depthwise):
            assert layer.bias is not None
            layer.bias.zero_()


def test_convolution_equals_transformers_forward_and_gradient():
    torch.manual_seed(0)
    theirs = Wav2Vec2ConformerConvolutionModule(config()).double()
    ours, norm = ConvModule(8, 5, 0.0).double(), nn.LayerNorm(8).double()
    fill(ours, theirs, norm)
    a = torch.randn(2, 9, 8).double().requires_grad_()
    b = a.detach().clone().requires_grad_()
    out, reference = ours(norm(a)), theirs(b)
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.pow(3).sum().backward()
    reference.pow(3).sum().backward()
    torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-10)
    theirs_grad = theirs.depthwise_conv.weight.grad
    torch.testing.assert_close(ours.depthwise.weight.grad, theirs_grad, rtol=0, atol=1e-10)


def test_block_equals_transformers_forward_and_gradient():
    torch.manual_seed(0)
    theirs = Wav2Vec2ConformerEncoderLayer(config()).double()
    ours = ConformerBlock(8, 2, 12, 0.0, kernel=5).double()
    norms = list(ours.norms)
    fill(ours.convolution, theirs.conv_module, norms[2])
    for mine, other in [
        (ours.before.up, theirs.ffn1.intermediate_dense), (ours.before.down, theirs.ffn1.output_dense),
        (ours.after.up, theirs.ffn2.intermediate_dense), (ours.after.down, theirs.ffn2.output_dense),
        (ours.attention.q_proj, theirs.self_attn.linear_q),
        (ours.attention.k_proj, theirs.self_attn.linear_k),
        (ours.attention.v_proj, theirs.self_attn.linear_v),
        (ours.attention.o_proj, theirs.self_attn.linear_out),
        (norms[0], theirs.ffn1_layer_norm), (norms[1], theirs.self_attn_layer_norm),
        (norms[3], theirs.ffn2_layer_norm), (norms[4], theirs.final_layer_norm),
    ]:  # fmt: skip
        mine.load_state_dict(other.state_dict())
    a = torch.randn(2, 9, 8).double().requires_grad_()
    b = a.detach().clone().requires_grad_()
    out, reference = ours(a), theirs(b)
    reference = reference[0] if isinstance(reference, tuple) else reference
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.pow(3).sum().backward()
    reference.pow(3).sum().backward()
    torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-9)


def test_padding_does_not_leak_through_the_convolution():
    torch.manual_seed(0)
    block, x = ConformerBlock(8, 2, 16, kernel=5).eval(), torch.randn(1, 6, 8)
    padded = torch.cat([x, torch.full((1, 4, 8), 30.0)], dim=1)
    mask = padding_mask(torch.tensor([6]), 10)[:, None, None]
    torch.testing.assert_close(block(padded, mask)[:, :6], block(x), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(block(padded)[:, :6], block(x), atol=1e-3)


def test_even_kernels_are_refused():
    with pytest.raises(ValueError, match="寬度必須是奇數，收到 4"):
        ConvModule(8, 4)
