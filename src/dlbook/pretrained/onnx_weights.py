"""Read the initialisers of an ONNX file: the few fields of its protocol buffers that hold weights.

Field numbers are those of onnx.proto: a model's graph is 7, a graph's nodes 1 and initialisers 5.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_GRAPH, _NODE, _INITIALISER = 7, 1, 5
_INPUT, _NAME = 1, 3  # of a node
_DIMS, _TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9  # of a tensor
_FLOAT = 1


@dataclass
class Node:
    """An operation: its name, which tells its place in the PyTorch module, and its inputs."""

    name: str
    inputs: list[str]


def read_onnx(path: Path) -> tuple[list[Node], dict[str, np.ndarray]]:
    """The nodes of the graph, and its float32 initialisers by name."""
    nodes: list[Node] = []
    weights: dict[str, np.ndarray] = {}
    model = memoryview(path.read_bytes())
    graph = next(value for number, value in _fields(model) if number == _GRAPH)
    for number, value in _fields(graph):
        if number == _NODE:
            nodes.append(_node(value))
        elif number == _INITIALISER:
            weights.update(_tensor(value))
    return nodes, weights


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of each field of a message; a number is given as its eight bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, memoryview(struct.pack("<Q", value))
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}[wire]
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; the high bit says that more follow."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _node(data: memoryview) -> Node:
    node = Node("", [])
    for number, value in _fields(data):
        if number == _INPUT:
            node.inputs.append(bytes(value).decode())
        elif number == _NAME:
            node.name = bytes(value).decode()
    return node


def _tensor(data: memoryview) -> dict[str, np.ndarray]:
    """One initialiser by its name; nothing where it isn't float32."""
    shape, name, raw, kind = [], "", memoryview(b""), 0
    for number, value in _fields(data):
        if number == _DIMS:
            shape.append(struct.unpack("<Q", value)[0])
        elif number == _TYPE:
            kind = struct.unpack("<Q", value)[0]
        elif number == _TENSOR_NAME:
            name = bytes(value).decode()
        elif number == _RAW:
            raw = value
    return {name: np.frombuffer(raw, "<f4").reshape(shape)} if kind == _FLOAT else {}
