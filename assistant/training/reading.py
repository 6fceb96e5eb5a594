"""Reads long texts with a network in training: windows that cover a text, and the best span of them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from assistant.spans import Floats, Found, Integers, SpanModel
from assistant.training.data import sentences
from assistant.training.model import SpanReader, load_encoder
from index.segmentation import Span

AT_ONCE = 64  # pairs tokenised together


def load_model(reader: Path, weights: Path) -> SpanModel:
    """A reader to measure: a checkpoint (.pt), the end of a run (.safetensors), or the folder of an exported one."""
    if reader.is_dir():
        return SpanModel.load(reader)
    network = read_reader(reader, weights).eval()

    def score(ids: Integers, mask: Integers) -> Floats:
        with torch.inference_mode():
            scores: Floats = network(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
        return scores

    return SpanModel(Tokenizer.from_file(str(weights / "tokenizer.json")), score)


def read_reader(file: Path, weights: Path) -> SpanReader:
    """The network with what ``file`` holds; ``weights`` is the folder that training began with."""
    reader = load_encoder(weights, frozen=0, dropout=0.0)
    state = torch.load(file, weights_only=True)["reader"] if file.suffix == ".pt" else load_file(file)
    reader.load_state_dict(state)
    return reader


def read(model: SpanModel, pairs: Sequence[tuple[str, str]]) -> list[Found]:
    """The best span of each (question, text), in order; an empty text has an empty span at margin 0."""
    found: list[Found] = []
    for start in range(0, len(pairs), AT_ONCE):
        for scores in model.read(pairs[start : start + AT_ONCE]):
            found.append(scores.best() or Found(Span(0, 0), 0.0))
    return found


def windows(text: str, limit: int) -> list[Span]:
    """Runs of sentences of at most ``limit`` characters that cover ``text``, each beginning amid the one before."""
    parts: list[Span] = []
    for part in sentences(text):
        # Halves, so that windows overlap in an overlong sentence too.
        size = limit if part.end - part.start <= limit else max(1, limit // 2)
        parts += [Span(at, min(at + size, part.end)) for at in range(part.start, part.end, size)]
    found: list[Span] = []
    first = 0
    while first < len(parts):
        last = first
        while last + 1 < len(parts) and parts[last + 1].end - parts[first].start <= limit:
            last += 1
        found.append(Span(parts[first].start, parts[last].end))
        if last == len(parts) - 1:
            break
        first = max(first + 1, (first + last + 1) // 2)
    return found


def read_long(model: SpanModel, pairs: Sequence[tuple[str, str]], limit: int) -> list[Found]:
    """``read`` over texts of any length: the window with the highest margin wins."""
    parts = [(place, part) for place, (_, text) in enumerate(pairs) for part in windows(text, limit)]
    shown = [(pairs[place][0], pairs[place][1][part.start : part.end]) for place, part in parts]
    best: dict[int, Found] = {}
    for (place, part), one in zip(parts, read(model, shown), strict=True):
        if place not in best or one.margin > best[place].margin:
            best[place] = Found(Span(part.start + one.span.start, part.start + one.span.end), one.margin)
    return [best[place] for place in range(len(pairs))]
