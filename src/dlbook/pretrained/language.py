"""Language models: GGUF files, converted once to bfloat16 safetensors in the cache."""

from dlbook.pretrained import converted
from dlbook.pretrained.gguf import read_gguf
from dlbook.pretrained.models import TextModel


def smollm2() -> TextModel:
    """SmolLM2-135M-Instruct: a Llama of 30 layers that chats in English.

    134.5 M parameters, Apache-2.0, arXiv:2502.02737. Asset ``smollm2-135m-instruct-gguf``
    (98 MB, Q4_1).
    """
    return converted.load("smollm2-135m-instruct-gguf", read_gguf)


def qwen_coder() -> TextModel:
    """Qwen2.5-Coder-0.5B-Instruct: chats in Chinese and English, writes code, calls tools.

    494 M parameters, 24 layers, Apache-2.0, arXiv:2409.12186. It is a Llama with biases on q, k
    and v. Asset ``qwen-coder-instruct-gguf`` (491 MB, Q4_K_M).
    """
    return converted.load("qwen-coder-instruct-gguf", read_gguf)
