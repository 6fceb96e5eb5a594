"""Turns a trained reader, or a trained encoder, into the ONNX graph that the product runs, with 8-bit weights.

    python -m assistant.training.export --weights DIR --reader FILE --out DIR [--data DIR]
    python -m assistant.training.export --weights DIR --encoder FILE --out DIR

The encoder is the graph of the embedding model (weights per output channel, activations per token); the head stays
float32. Written: ``model.onnx``, ``tokenizer.json`` and ``SHA256SUMS``. With ``--data`` the spans of the graph are
compared with those of the float weights; exit code 1 when they agree in fewer than 95 of 100. An encoder takes the place
of the one in a folder that ``index.models.build --out`` wrote.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from assistant.spans import OUTPUT as SPAN_SCORES
from assistant.training.data import read_material
from assistant.training.evaluate import FILE, STRETCH
from assistant.training.model import SpanReader
from assistant.training.reading import load_model, read, read_reader, windows
from index.embedding import CHECKSUMS, sha256
from index.models.graph import OUTPUT, encoder_graph
from index.models.q4 import Floats, PackedModel
from index.onnx_model import MODEL_FILE, TOKENIZER_FILE

AGREEING = 0.95
COMPARED = 100
_PARTS = {"ao": "merge", "fi": "widen", "fo": "narrow", "aln": "attended", "oln": "output"}


@dataclass(frozen=True, slots=True)
class ReaderWeights:
    """A reader's weights under the names by which the graph asks for them (those of ``PackedModel``)."""

    reader: SpanReader

    @property
    def hidden(self) -> int:
        """Width of a token's vector."""
        return self.reader.shape.hidden

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.reader.shape.layers

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""
        return self.reader.shape.heads

    @property
    def ffn(self) -> int:
        """Width of the feed-forward network."""
        return self.reader.shape.inner

    @property
    def max_positions(self) -> int:
        """Longest input, in tokens."""
        return self.reader.shape.positions

    @property
    def type_vocab(self) -> int:
        """One type of token: its vector is part of the positions' already."""
        return 1

    @property
    def epsilon(self) -> float:
        """What keeps a normaliser from dividing by zero."""
        return self.reader.shape.epsilon

    def vector(self, name: str) -> Floats:
        """The tensor ``name``, flattened."""
        return self._tensor(name).reshape(-1)

    def matrix(self, name: str, columns: int, rows: NDArray[np.int64] | None = None) -> Floats:
        """The tensor ``name`` as (rows, columns); ``rows`` picks some of them."""
        found = self._tensor(name).reshape(-1, columns)
        return found if rows is None else found[rows]

    def _tensor(self, name: str) -> Floats:
        if name == "emb.type":
            return np.zeros(self.hidden, np.float32)
        fixed = {
            "emb.word": self.reader.words.weight,
            "emb.pos": self.reader.places.weight,
            "emb.ln.w": self.reader.normaliser.weight,
            "emb.ln.b": self.reader.normaliser.bias,
        }
        if name in fixed:
            return _array(fixed[name])
        number, part, kind = name.split(".")
        layer = self.reader.layers[int(number[1:])]
        which = "weight" if kind == "w" else "bias"
        if part in "qkv":
            joined: Floats = np.split(_array(getattr(layer.joined, which)), 3)["qkv".index(part)]
            return joined
        return _array(getattr(getattr(layer, _PARTS[part]), which))


def _array(value: torch.Tensor) -> Floats:
    array: Floats = value.detach().float().numpy()
    return array


def reader_graph(reader: SpanReader) -> onnx.ModelProto:
    """Inputs as the encoder's; output ``span_scores``, float32 (batch, length, 2)."""
    weights = cast(PackedModel, ReaderWeights(reader))
    model = encoder_graph(weights, np.arange(reader.shape.vocabulary))
    graph = model.graph
    graph.name = "xiaobao-reader"
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.ascontiguousarray(_array(reader.span.weight).T), "span.w"),
            numpy_helper.from_array(_array(reader.span.bias), "span.b"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("MatMul", [OUTPUT, "span.w"], ["span.product"]),
            helper.make_node("Add", ["span.product", "span.b"], [SPAN_SCORES]),
        ]
    )
    del graph.output[:]
    graph.output.extend(
        [helper.make_tensor_value_info(SPAN_SCORES, TensorProto.FLOAT, ["batch", "length", 2])]
    )
    return model


def write_reader(folder: Path, reader: SpanReader, tokenizer: Path) -> None:
    """Writes the graph, the tokenizer and their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(reader_graph(reader).SerializeToString(deterministic=True))
    shutil.copyfile(tokenizer, folder / TOKENIZER_FILE)
    sums = "".join(f"{sha256(folder / name)}  {name}\n" for name in (MODEL_FILE, TOKENIZER_FILE))
    (folder / CHECKSUMS).write_text(sums, encoding="utf-8")


def write_encoder(folder: Path, encoder: SpanReader) -> None:
    """Puts the encoder's graph, without the head, into the folder of an embedding model, and renews its checksums."""
    weights = cast(PackedModel, ReaderWeights(encoder))
    model = encoder_graph(weights, np.arange(encoder.shape.vocabulary))
    (folder / MODEL_FILE).write_bytes(model.SerializeToString(deterministic=True))
    names = [line.partition("  ")[2] for line in (folder / CHECKSUMS).read_text("utf-8").splitlines()]
    sums = "".join(f"{sha256(folder / name)}  {name}\n" for name in names)
    (folder / CHECKSUMS).write_text(sums, encoding="utf-8")


def compare(folder: Path, file: Path, weights: Path, data: Path) -> dict[str, float]:
    """How the graph's spans agree with those of the float weights, over ``COMPARED`` questions."""
    every = read_material([data / FILE])
    asked = every[:: max(1, len(every) // COMPARED)][:COMPARED]
    pairs = []
    for one in asked:
        part = windows(one.passage.text, STRETCH)[0]
        pairs.append((one.question, one.passage.text[part.start : part.end]))
    ours = read(load_model(folder, weights), pairs)
    floats = read(load_model(file, weights), pairs)
    same = [mine.span == theirs.span for mine, theirs in zip(ours, floats, strict=True)]
    apart = [abs(mine.margin - theirs.margin) for mine, theirs in zip(ours, floats, strict=True)]
    sides = [(mine.margin > 0) == (theirs.margin > 0) for mine, theirs in zip(ours, floats, strict=True)]
    # Where neither finds an answer, which span lost to "not here" does not matter.
    counted = [one for one, theirs in zip(same, floats, strict=True) if theirs.margin > 0]
    return {
        "questions": len(pairs),
        "answered": len(counted),
        "same_span_where_answered": round(float(np.mean(counted)), 4) if counted else 1.0,
        "same_span": round(float(np.mean(same)), 4),
        "same_side": round(float(np.mean(sides)), 4),
        "margin_apart_mean": round(float(np.mean(apart)), 4),
        "margin_apart_most": round(float(np.max(apart)), 4),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder that training began with")
    trained = parser.add_mutually_exclusive_group(required=True)
    trained.add_argument("--reader", type=Path, help="checkpoint or reader.safetensors")
    trained.add_argument("--encoder", type=Path, help="encoder.safetensors")
    parser.add_argument("--out", type=Path, required=True, help="folder for the graph")
    parser.add_argument("--data", type=Path, help="folder with the material: compare with the float weights")
    options = parser.parse_args(arguments)
    if options.encoder:
        write_encoder(options.out, read_reader(options.encoder, options.weights))
        return 0
    write_reader(options.out, read_reader(options.reader, options.weights), options.weights / TOKENIZER_FILE)
    print(f"{(options.out / MODEL_FILE).stat().st_size:,} bytes in {options.out / MODEL_FILE}")
    if not options.data:
        return 0
    figures = compare(options.out, options.reader, options.weights, options.data)
    print(json.dumps(figures))
    return 0 if figures["same_span_where_answered"] >= AGREEING else 1


if __name__ == "__main__":
    sys.exit(main())
