"""Read a Piper voice (a VITS exported to ONNX): Hugging Face's config and state dict."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlbook.pretrained.models import Voice
from dlbook.pretrained.onnx_weights import Node, read_onnx

_EXPONENT = "/dp/flows.0/Exp_output_0"  # the exporter has computed exp(-logs)
_CONVOLUTION = "onnx::Conv_"  # a weight that the exporter has folded and given no name
_LINEAR = "attention.._proj|attention.out_proj"  # convolutions of width 1, to VITS' own code

_RENAMED = [  # VITS' own names, and Hugging Face's
    (r"^enc_p\.emb\.", "text_encoder.embed_tokens."),
    (r"^enc_p\.proj\.", "text_encoder.project."),
    (r"^enc_p\.encoder\.attn_layers\.(\d)\.", r"text_encoder.encoder.layers.\1.attention."),
    (r"^enc_p\.encoder\.norm_layers_1\.(\d)\.", r"text_encoder.encoder.layers.\1.layer_norm."),
    (r"^enc_p\.encoder\.ffn_layers\.(\d)\.", r"text_encoder.encoder.layers.\1.feed_forward."),
    (
        r"^enc_p\.encoder\.norm_layers_2\.(\d)\.",
        r"text_encoder.encoder.layers.\1.final_layer_norm.",
    ),
    (r"\.conv_([qkv])\.", r".\1_proj."),
    (r"\.conv_o\.", ".out_proj."),
    (r"^dp\.", "duration_predictor."),
    (r"\.m$", ".translate"),
    (r"\.logs$", ".log_scale"),
    (r"(predictor|flows\.\d)\.convs\.", r"\1.conv_dds."),
    (r"\.convs_sep\.", ".convs_dilated."),
    (r"\.convs_1x1\.", ".convs_pointwise."),
    (r"(predictor|flows\.\d)\.pre\.", r"\1.conv_pre."),
    (r"(predictor|flows\.\d)\.proj\.", r"\1.conv_proj."),
    (r"(flows\.\d)\.post\.", r"\1.conv_post."),
    (r"\.enc\.", ".wavenet."),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"^dec\.ups\.", "decoder.upsampler."),
    (r"^dec\.", "decoder."),
]


def read_voice(onnx: Path, description: Path) -> Voice:
    """A voice out of Piper's two files, the model and its JSON."""
    about = json.loads(description.read_text("utf-8"))
    nodes, weights = read_onnx(onnx)
    named = _named(nodes, weights)
    state = dict(_huggingface(name, torch.from_numpy(a.copy())) for name, a in named.items())
    phonemes = {symbol: ids[0] for symbol, ids in about["phoneme_id_map"].items()}
    return Voice(_config(about, state), state, onnx=onnx, phoneme_ids=phonemes)


def _named(nodes: list[Node], weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every parameter by the name that VITS' own code gives it; constants of the graph are left out.

    The exporter keeps PyTorch's names, except where it has folded the two factors of a weight
    norm: those we find by the convolution that reads them.
    """
    state = {
        name: array
        for name, array in weights.items()
        if name.startswith(("enc_p.", "dp.", "flow.", "dec."))
    }
    for node in nodes:
        module = node.name.strip("/").rsplit("/", 1)[0].replace("/", ".")
        for name in node.inputs:
            if name.startswith(_CONVOLUTION) and name in weights:
                state[f"{module}.weight"] = weights[name]
            if module == "enc_p.emb" and name in weights:
                state["enc_p.emb.weight"] = weights[name]
    state["dp.flows.0.logs"] = -np.log(weights[_EXPONENT])
    return state


def _huggingface(name: str, tensor: torch.Tensor) -> tuple[str, torch.Tensor]:
    name = re.sub(r"^(flow|dp)\.flows\.(\d)", _without_flips, name)
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    if re.search(_LINEAR, name) and name.endswith("weight"):
        tensor = tensor.squeeze(2)
    return name, tensor


def _without_flips(match: re.Match[str]) -> str:
    """VITS' own code counts the flips between its flows, too: 0, 2, 4, 6 or 0, 1, 3, 5, 7."""
    return f"{match[1]}.flows.{(int(match[2]) + 1) // 2}"


def _config(about: dict[str, Any], state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """VitsConfig's keys for Piper's medium size, and ``resblock``, HiFi-GAN's plainer kind."""
    vocabulary, width = state["text_encoder.embed_tokens.weight"].shape
    return {
        "model_type": "vits",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": 6,
        "num_attention_heads": 2,
        "window_size": 4,
        "ffn_dim": len(state["text_encoder.encoder.layers.0.feed_forward.conv_1.weight"]),
        "ffn_kernel_size": 3,
        "flow_size": width,
        "upsample_initial_channel": len(state["decoder.conv_pre.weight"]),
        "upsample_rates": [8, 8, 4],
        "upsample_kernel_sizes": [16, 16, 8],
        "resblock": "2",
        "resblock_kernel_sizes": [3, 5, 7],
        "resblock_dilation_sizes": [[1, 2], [2, 6], [3, 12]],
        "prior_encoder_num_flows": 4,
        "prior_encoder_num_wavenet_layers": 4,
        "wavenet_kernel_size": 5,
        "wavenet_dilation_rate": 1,
        "duration_predictor_num_flows": 4,
        "duration_predictor_flow_bins": 10,
        "duration_predictor_kernel_size": 3,
        "duration_predictor_tail_bound": 5.0,
        "depth_separable_channels": 2,
        "depth_separable_num_layers": 3,
        "sampling_rate": about["audio"]["sample_rate"],
        "noise_scale": about["inference"]["noise_scale"],
        "noise_scale_duration": about["inference"]["noise_w"],
        "speaking_rate": 1 / about["inference"]["length_scale"],
    }
