"""Reads with a trained network: a question and texts -> the best span of each and how far it is above "not here"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Encoding, Tokenizer

from assistant.training.data import PAD, PASSAGE, QUERY, Span, sentences
from assistant.training.model import SpanReader, load_encoder

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Scorer = Callable[[Integers, Integers], Floats]
"""Token numbers and mask, both (batch, length) -> scores of start and end, (batch, length, 2)."""

LONGEST_ANSWER = 80  # tokens
MOST_TOKENS = 384
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """The best span of a text, in its characters, and its score less the score of "not here"."""

    span: Span
    margin: float


def torch_scorer(file: Path, weights: Path) -> Scorer:
    """A scorer with the float weights of ``file``: a checkpoint (.pt) or the end result (.safetensors)."""
    reader = read_reader(file, weights).eval()

    def score(ids: Integers, mask: Integers) -> Floats:
        with torch.inference_mode():
            scores: Floats = reader(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
        return scores

    return score


def read_reader(file: Path, weights: Path) -> SpanReader:
    """The network with what ``file`` holds; ``weights`` is the folder that training began with."""
    reader = load_encoder(weights, frozen=0, dropout=0.0)
    state = torch.load(file, weights_only=True)["reader"] if file.suffix == ".pt" else load_file(file)
    reader.load_state_dict(state)
    return reader


def onnx_scorer(file: Path, threads: int = 2) -> Scorer:
    """A scorer that runs the exported graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def score(ids: Integers, mask: Integers) -> Floats:
        scores: Floats = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return scores

    return score


def read(scorer: Scorer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
    """The best span of each (question, text), in order."""
    encodings = [tokenizer.encode(QUERY + question, PASSAGE + text) for question, text in pairs]
    order = sorted(range(len(pairs)), key=lambda place: len(encodings[place].ids))
    readings: dict[int, Reading] = {}
    for places in _groups(order):
        length = min(MOST_TOKENS, max(len(encodings[place].ids) for place in places))
        ids = np.full((len(places), length), PAD, np.int64)
        mask = np.zeros_like(ids)
        for row, place in enumerate(places):
            tokens = encodings[place].ids[:length]
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        scores = scorer(ids, mask)
        for row, place in enumerate(places):
            readings[place] = best_span(scores[row], encodings[place])
    return [readings[place] for place in range(len(pairs))]


def best_span(scores: Floats, encoding: Encoding) -> Reading:
    """The span of passage tokens with the highest sum of start and end; ``scores`` (length, 2)."""
    sides = encoding.sequence_ids
    first = sides.index(1)
    last = min(len(scores), len(encoding.ids) - 1)
    starts, ends = scores[first:last, 0], scores[first:last, 1]
    total = np.triu(starts[:, None] + ends[None, :] + 1e4)  # what lies below the diagonal loses to all else
    total = np.tril(total, LONGEST_ANSWER - 1)
    start, end = np.unravel_index(int(total.argmax()), total.shape)
    null = float(scores[0].sum())
    left = max(0, encoding.offsets[first + int(start)][0] - len(PASSAGE))
    right = max(left, encoding.offsets[first + int(end)][1] - len(PASSAGE))
    return Reading(Span(left, right), float(starts[start] + ends[end]) - null)


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


def read_long(
    scorer: Scorer, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], limit: int
) -> list[Reading]:
    """``read`` over texts of any length: the window with the highest margin wins."""
    parts = [(place, part) for place, (_, text) in enumerate(pairs) for part in windows(text, limit)]
    shown = [(pairs[place][0], pairs[place][1][part.start : part.end]) for place, part in parts]
    best: dict[int, Reading] = {}
    for (place, part), reading in zip(parts, read(scorer, tokenizer, shown), strict=True):
        if place not in best or reading.margin > best[place].margin:
            span = Span(part.start + reading.span.start, part.start + reading.span.end)
            best[place] = Reading(span, reading.margin)
    return [best[place] for place in range(len(pairs))]


def _groups(order: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(order), AT_ONCE):
        yield order[start : start + AT_ONCE]
