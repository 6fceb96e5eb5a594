"""The encoder as an ONNX graph: BERT with 8-bit weights and activations scaled token by token.

The graph is written node by node rather than exported, so that the same weights give the same bytes with
any version of the exporters. Weights are 8-bit integers, one scale per output channel; the embedding
table has one scale per token.

Activations are scaled per token (Yao et al. 2022, ZeroQuant, section 3.2), not per tensor as
``quantize_dynamic`` does: the outliers of one token then cost the others no precision (mean cosine to the
float model 0.9995 instead of 0.9976), and a text gets the same vector, bit for bit, whatever it is
batched with. A row is divided by its largest magnitude and quantised with the fixed scale 1/127, so
that the integers depend on nothing but the row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from index.models.q4 import Floats, PackedModel

INPUTS = ("input_ids", "attention_mask")
OUTPUT = "token_embeddings"
ORT = "com.microsoft"  # operators that onnxruntime adds to the standard ones
LEVELS = 127
ZERO = 128  # activations are unsigned: x is stored as round(127 x) + 128
SMALLEST = np.float32(1e-12)  # keeps a row of zeros from dividing by zero


def quantised(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Rows of ``weights`` as 8-bit integers, and scales such that ``integers * scales[:, None]`` is near."""
    scales = np.maximum(np.abs(weights).max(axis=1) / LEVELS, SMALLEST).astype(np.float32)
    return np.rint(weights / scales[:, None]).astype(np.int8), scales


def encoder_graph(packed: PackedModel, kept: NDArray[np.int64]) -> onnx.ModelProto:
    """The encoder with the ``kept`` rows of the embedding table.

    Inputs ``input_ids`` and ``attention_mask``, int64 (batch, length); output ``token_embeddings``, float32
    (batch, length, hidden). Positions count from zero.
    """
    graph = _Graph(packed)
    hidden = graph.embeddings(kept)
    mask = graph.add("Cast", [INPUTS[1]], "mask", to=TensorProto.INT32)
    for layer in range(packed.layers):
        output = OUTPUT if layer == packed.layers - 1 else f"l{layer}.out"
        hidden = graph.layer(f"l{layer}", hidden, mask, output)
    return graph.model()


class _Graph:
    """Nodes and constants gathered so far; methods that add nodes return the name of what they make."""

    def __init__(self, packed: PackedModel) -> None:
        self._packed = packed
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._last_axis = self.constant("last_axis", np.array([-1]))
        self._first_axis = self.constant("first_axis", np.array([0]))
        self._smallest = self.constant("smallest", SMALLEST)
        self._step = self.constant("step", np.float32(1 / LEVELS))
        self._zero = self.constant("zero", np.uint8(ZERO))

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        array = np.asarray(value)
        self._constants.append(
            numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        )
        return name

    def add(
        self, operator: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: Any
    ) -> str:
        self._nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def embeddings(self, kept: NDArray[np.int64]) -> str:
        """Word, position and type embeddings summed and normalised."""
        packed = self._packed
        integers, scales = quantised(packed.matrix("emb.word", packed.hidden, kept))
        rows = self.add("Gather", [self.constant("emb.word", integers), INPUTS[0]], "emb.rows")
        rows = self.add("Cast", [rows], "emb.float", to=TensorProto.FLOAT)
        scale = self.add("Gather", [self.constant("emb.scales", scales[:, None]), INPUTS[0]], "emb.scale")
        words = self.add("Mul", [rows, scale], "emb.words")
        # Every token is of type 0, so that the type's vector can be part of each position's.
        kinds = packed.vector("emb.type").reshape(packed.type_vocab, packed.hidden)
        positions = packed.vector("emb.pos").reshape(packed.max_positions, packed.hidden) + kinds[0]
        start = self.constant("emb.start", np.array([0]))
        length = self.add("Shape", [INPUTS[0]], "length", start=1, end=2)
        table = self.constant("emb.positions", positions)
        places = self.add("Slice", [table, start, length, self._first_axis], "emb.places")
        total = self.add("Add", [words, places], "emb.sum")
        inputs = [total, *self._normaliser("emb.ln")]
        return self.add("LayerNormalization", inputs, "emb.out", axis=-1, epsilon=packed.epsilon)

    def layer(self, name: str, value: str, mask: str, output: str) -> str:
        """One transformer layer: attention, then the feed-forward network, each added to its input."""
        packed = self._packed
        parts = [f"{name}.{part}" for part in "qkv"]
        weights = np.concatenate([packed.matrix(f"{part}.w", packed.hidden) for part in parts])
        biases = np.concatenate([packed.vector(f"{part}.b") for part in parts])
        joined = self.linear(f"{name}.qkv", value, weights)
        self.add("Split", [joined], *parts, axis=-1, num_outputs=len(parts))
        context = self.add(
            "MultiHeadAttention",
            [*parts, self.constant(f"{name}.qkv.b", biases), mask],
            f"{name}.context",
            domain=ORT,
            num_heads=packed.heads,
        )
        attended = self.linear(f"{name}.ao", context, packed.matrix(f"{name}.ao.w", packed.hidden))
        value = self._residual(f"{name}.ao.b", f"{name}.aln", attended, value, f"{name}.attended")
        inner = self.linear(f"{name}.fi", value, packed.matrix(f"{name}.fi.w", packed.hidden))
        bias = self.constant(f"{name}.fi.b", packed.vector(f"{name}.fi.b"))
        inner = self.add("BiasGelu", [inner, bias], f"{name}.gelu", domain=ORT)
        outer = self.linear(f"{name}.fo", inner, packed.matrix(f"{name}.fo.w", packed.ffn))
        return self._residual(f"{name}.fo.b", f"{name}.oln", outer, value, output)

    def linear(self, name: str, value: str, weights: Floats) -> str:
        """``value @ weights.T`` in 8 bits; ``weights`` is (outputs, inputs). What follows adds the bias."""
        integers, scales = quantised(weights)
        magnitude = self.add("Abs", [value], f"{name}.magnitude")
        largest = self.add("ReduceMax", [magnitude, self._last_axis], f"{name}.largest", keepdims=1)
        largest = self.add("Max", [largest, self._smallest], f"{name}.range")
        unit = self.add("Div", [value, largest], f"{name}.unit")
        factors = [
            self.add("QuantizeLinear", [unit, self._step, self._zero], f"{name}.rounded"),
            self.constant(f"{name}.weights", integers.T),
            self._step,
            self.constant(f"{name}.scales", scales),
            self._zero,
            self.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
        ]
        product = self.add("MatMulIntegerToFloat", factors, f"{name}.product", domain=ORT)
        return self.add("Mul", [product, largest], name)

    def _residual(self, bias: str, normaliser: str, value: str, skipped: str, output: str) -> str:
        inputs = [
            value,
            skipped,
            *self._normaliser(normaliser),
            self.constant(bias, self._packed.vector(bias)),
        ]
        return self.add("SkipLayerNormalization", inputs, output, domain=ORT, epsilon=self._packed.epsilon)

    def _normaliser(self, name: str) -> list[str]:
        return [self.constant(part, self._packed.vector(part)) for part in (f"{name}.w", f"{name}.b")]

    def model(self) -> onnx.ModelProto:
        shape = ["batch", "length"]
        graph = helper.make_graph(
            self._nodes,
            "multilingual-e5-small",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in INPUTS],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [*shape, self._packed.hidden])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(ORT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)
