"""The reader's network: a BERT encoder with one head for where an answer starts and ends.

It is written out rather than taken from transformers so that it runs at the speed that bfloat16 matrix units
allow on a CPU: query, key and value are one product, attention is two batched products and a softmax, and every
weight is kept in the precision that it is computed in (the optimiser keeps the float32 originals).
Input is the pair ``<s> query: … </s></s> passage: … </s>``; the first token's score is the score of "not here".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

HEAD = "span"
_PARTS = ("query", "key", "value")
_NORMALISERS = {"attended": "attention.output.LayerNorm", "output": "output.LayerNorm"}
_LINEARS = {"merge": "attention.output.dense", "widen": "intermediate.dense", "narrow": "output.dense"}
_MASKED = -1e4  # far below any score, and finite in bfloat16


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the encoder is."""

    vocabulary: int = 29_000
    positions: int = 512
    hidden: int = 384
    layers: int = 12
    heads: int = 12
    inner: int = 1536
    epsilon: float = 1e-12


class Layer(nn.Module):
    """One transformer layer, normalised after each residual as BERT does."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._heads = shape.heads
        self.joined = nn.Linear(shape.hidden, 3 * shape.hidden)
        self.merge = nn.Linear(shape.hidden, shape.hidden)
        self.attended = nn.LayerNorm(shape.hidden, eps=shape.epsilon)
        self.widen = nn.Linear(shape.hidden, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.hidden)
        self.output = nn.LayerNorm(shape.hidden, eps=shape.epsilon)

    def forward(self, value: Tensor, mask: Tensor) -> Tensor:
        """``value`` is (batch, length, hidden), ``mask`` (batch, 1, 1, length), added to the attention scores."""
        batch, length, hidden = value.shape
        joined = self.joined(value).view(batch, length, 3, self._heads, hidden // self._heads)
        query, key, content = joined.permute(2, 0, 3, 1, 4)
        query = query * (hidden // self._heads) ** -0.5
        scores = query @ key.transpose(-1, -2) + mask
        context = (scores.softmax(-1) @ content).transpose(1, 2).reshape(batch, length, hidden)
        attended: Tensor = self.attended(value + self.merge(context))
        inner = self.narrow(functional.gelu(self.widen(attended)))
        result: Tensor = self.output(attended + inner)
        return result


class SpanReader(nn.Module):
    """Tokens of question and passage -> scores that an answer starts, and ends, at each of them."""

    def __init__(self, shape: Shape, *, frozen: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.frozen = frozen
        self.dropout = dropout
        self.words = nn.Embedding(shape.vocabulary, shape.hidden)
        self.places = nn.Embedding(shape.positions, shape.hidden)
        self.normaliser = nn.LayerNorm(shape.hidden, eps=shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.span = nn.Linear(shape.hidden, 2)
        for part in (self.words, self.places, self.normaliser, *self.layers[:frozen]):
            part.requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """Scores, float32 (batch, length, 2), of ``ids`` and ``mask``, both (batch, length); ``noise`` as in ``encode``."""
        value = self.encode(ids, mask, noise)
        return functional.linear(value.float(), self.span.weight.float(), self.span.bias.float())

    def encode(self, ids: Tensor, mask: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """The last layer's output, (batch, length, hidden), of ``ids`` and ``mask``, both (batch, length).

        With ``noise``, a share ``dropout`` of the embeddings and of the last layer's output is dropped: only there,
        because masks inside the layers would cost as much time as the layers' products.
        """
        kind = self.words.weight.dtype
        with torch.no_grad():
            value = self.words(ids) + self.places.weight[: ids.shape[1]]
            value = self._drop(self.normaliser(value), noise)
            added = ((1 - mask) * _MASKED).to(kind)[:, None, None, :]
            for layer in self.layers[: self.frozen]:
                value = layer(value, added)
        for layer in self.layers[self.frozen :]:
            value = layer(value, added)
        return self._drop(value, noise)

    def _drop(self, value: Tensor, noise: torch.Generator | None) -> Tensor:
        if noise is None or not self.dropout:
            return value
        kept = torch.rand(value.shape, generator=noise) >= self.dropout
        return value * kept / (1 - self.dropout)


def load_encoder(folder: Path, *, frozen: int, dropout: float) -> SpanReader:
    """The reader with the encoder of ``folder/model.safetensors`` (transformers' names) and a fresh head."""
    found = load_file(folder / "model.safetensors")
    words = found["embeddings.word_embeddings.weight"]
    places = found["embeddings.position_embeddings.weight"]
    count = 1 + max(int(name.split(".")[2]) for name in found if name.startswith("encoder.layer."))
    shape = Shape(
        vocabulary=words.shape[0],
        positions=places.shape[0],
        hidden=words.shape[1],
        layers=count,
        heads=words.shape[1] // 32,
        inner=found["encoder.layer.0.intermediate.dense.weight"].shape[0],
    )
    reader = SpanReader(shape, frozen=frozen, dropout=dropout)
    nn.init.normal_(reader.span.weight, std=0.02)
    nn.init.zeros_(reader.span.bias)
    # Every token is of type 0, so that the type's vector can be part of each position's.
    state = {
        "words.weight": words,
        "places.weight": places + found["embeddings.token_type_embeddings.weight"][0],
        "normaliser.weight": found["embeddings.LayerNorm.weight"],
        "normaliser.bias": found["embeddings.LayerNorm.bias"],
    }
    for number in range(count):
        source, target = f"encoder.layer.{number}.", f"layers.{number}."
        for kind in ("weight", "bias"):
            parts = [found[f"{source}attention.self.{part}.{kind}"] for part in _PARTS]
            state[f"{target}joined.{kind}"] = torch.cat(parts)
            for ours, theirs in (_LINEARS | _NORMALISERS).items():
                state[f"{target}{ours}.{kind}"] = found[f"{source}{theirs}.{kind}"]
    missing, unexpected = reader.load_state_dict(state, strict=False)
    if unexpected or any(not name.startswith(HEAD) for name in missing):
        raise ValueError(f"{folder} does not hold this encoder: missing {missing}, unexpected {unexpected}")
    return reader


def parameters_trained(reader: SpanReader) -> list[nn.Parameter]:
    """The parameters that learn, in a fixed order."""
    return [parameter for parameter in reader.parameters() if parameter.requires_grad]
