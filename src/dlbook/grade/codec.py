"""Plain data and tensors as bytes, so that nothing a learner's process sends can run code here.

What goes in must be None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset,
``torch.Tensor``, ``numpy.ndarray`` or scalar, or a built-in exception; subclasses don't count. The
structure is JSON, the arrays are safetensors: both are read without running anything.
"""

import builtins
import json
import struct
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save

MOST_BYTES = 256 * 1024 * 1024
MOST_STRUCTURE = 16 * 1024 * 1024  # everything but tensors; in memory it takes thirty times as much
MOST_TEXT = 10_000_000
MOST_DEPTH = 50
PLAIN = (type(None), bool, str)


class NotPlain(TypeError):
    """An output that is not plain data; the message says what it is and what is allowed."""


class Damaged(ValueError):
    """Bytes that this module didn't write."""


def dumps(value: Any) -> bytes:
    """Plain data as bytes.

    Raises:
        NotPlain: something in it is not plain data, or it is too deep, too large or circular.
    """
    tensors: dict[str, torch.Tensor] = {}
    structure = _encode(value, tensors, 0)
    head = json.dumps(structure, allow_nan=True).encode()
    if len(head) > MOST_STRUCTURE:
        raise NotPlain(f"回傳的資料（張量除外）有 {len(head) / 1e6:.0f} MB，太大了。")
    size = len(head) + sum(t.numel() * t.element_size() for t in tensors.values())
    if size > MOST_BYTES:
        raise NotPlain(f"回傳的資料有 {size / 1e6:.0f} MB，最多 {MOST_BYTES / 1e6:.0f} MB。")
    return struct.pack("<Q", len(head)) + head + save(tensors)


def loads(data: bytes) -> Any:
    """The value again.

    Raises:
        Damaged: the bytes are not from ``dumps``.
    """
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > MOST_STRUCTURE:
            raise ValueError("太大")
        structure = json.loads(data[8 : 8 + length])
        return _decode(structure, load(data[8 + length :]))
    except Exception as error:
        raise Damaged(f"收到的資料不完整或被改過（{type(error).__name__}：{error}）") from None


def _encode(value: Any, tensors: dict[str, torch.Tensor], depth: int) -> Any:
    if depth > MOST_DEPTH:
        raise NotPlain(f"回傳的資料一層包一層，超過 {MOST_DEPTH} 層。")
    kind = type(value)
    if kind in (str, bytes) and len(value) > MOST_TEXT:
        raise NotPlain(
            f"回傳的文字太長：{len(value) / 1e6:.0f} MB，最多 {MOST_TEXT / 1e6:.0f} MB。"
        )
    if kind in PLAIN:
        return value
    if kind is int:
        return {"int": str(value)} if abs(value) > 2**53 else value
    if kind is float:
        return {"float": value.hex()}
    if kind is complex:
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind in (list, tuple, set, frozenset):
        return {kind.__name__: [_encode(item, tensors, depth + 1) for item in value]}
    if kind is dict:
        items = [[_encode(part, tensors, depth + 1) for part in item] for item in value.items()]
        return {"dict": items}
    if isinstance(value, torch.Tensor):
        return {"tensor": _keep(value, tensors)}
    if kind is np.ndarray or isinstance(value, np.generic):
        name = "ndarray" if kind is np.ndarray else "scalar"
        return {name: _keep(_from_numpy(np.asarray(value)), tensors)}
    if kind.__module__ == "builtins" and isinstance(value, Exception):
        return {"exception": [kind.__name__, str(value)]}
    raise NotPlain(f"要回傳數、文字、串列、字典或張量這類普通的資料，你回傳的是 {kind.__name__}。")


def _from_numpy(array: np.ndarray) -> torch.Tensor:
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16:
        raise NotPlain(f"陣列的元素要是數，你回傳的是 {array.dtype}。")
    try:
        return torch.from_numpy(np.array(array, order="C"))
    except TypeError:
        raise NotPlain(f"不支援 {array.dtype} 的陣列。") from None


def _keep(tensor: torch.Tensor, tensors: dict[str, torch.Tensor]) -> list:
    """Set a tensor aside; its name, whether it was attached to a graph, whether it is complex."""
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise NotPlain("張量要是 CPU 上的一般（稠密）張量。")
    name = str(len(tensors))
    kept = tensor.detach().resolve_conj().resolve_neg().clone().contiguous()
    tensors[name] = torch.view_as_real(kept) if kept.is_complex() else kept
    return [name, bool(tensor.requires_grad), kept.is_complex()]


def _decode(structure: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if not isinstance(structure, dict):
        return structure
    ((kind, content),) = structure.items()
    if kind in ("list", "tuple", "set", "frozenset"):
        items = [_decode(item, tensors) for item in content]
        if kind in ("set", "frozenset"):
            found = set()
            for item in items:  # one by one: a time limit can step in between colliding hashes
                found.add(item)
            return found if kind == "set" else frozenset(found)
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {_decode(key, tensors): _decode(item, tensors) for key, item in content}
    if kind in ("tensor", "ndarray", "scalar"):
        name, attached, is_complex = content
        tensor = torch.view_as_complex(tensors[name]) if is_complex else tensors[name]
        if kind == "tensor":
            return tensor.requires_grad_() if attached else tensor
        return tensor.numpy() if kind == "ndarray" else tensor.numpy()[()]
    if kind == "exception":
        name, message = content
        known = getattr(builtins, name)
        if not (isinstance(known, type) and issubclass(known, Exception)):
            raise Damaged(f"{name} 不是例外")
        return known(message)
    readers = {
        "int": int,
        "float": float.fromhex,
        "bytes": bytes.fromhex,
        "complex": lambda parts: complex(*map(float.fromhex, parts)),
    }
    return readers[kind](content)
