"""Measures a trained reader on questions that it was not trained on.

    python -m assistant.training.evaluate --data DIR --weights DIR --reader FILE [--questions N] [--out FILE]

``--reader`` is a checkpoint, ``reader.safetensors`` or an exported ``model.onnx``. Reported: exact match and F1 of
the span as CMRC2018's script counts them (Cui et al. 2019), the share of spans whose sentence holds a right answer,
and how well the margin over "not here" tells answerable questions from ones made unanswerable (area under the ROC
curve, for each way of making them; recall of refusals at 4 % false ones).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from assistant.spans import SpanModel
from assistant.training.data import Asked, Example, read_material
from assistant.training.negatives import Examples, Mix, answered, removed
from assistant.training.reading import load_model, read, read_long

FILE = "cmrc_dev_even.jsonl"
WINDOW = 200  # characters
STRETCH = 250  # characters of the texts in which refusals are measured
FALSE_REFUSALS = 0.04
SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]?")
MARKS = re.compile(r"[^\w]|_")


def units(text: str) -> list[str]:
    """Characters of Chinese, words of other scripts, no punctuation: what F1 counts."""
    return re.findall(r"[\u4e00-\u9fa5]|[^\W_\u4e00-\u9fa5]+", text.lower())


def f1(answer: str, gold: str) -> float:
    """F1 over the longest run of units that the two share, as CMRC2018's script defines it."""
    ours, theirs = units(answer), units(gold)
    common = longest_run(ours, theirs)
    if not common:
        return 0.0
    precision, recall = common / len(ours), common / len(theirs)
    return 2 * precision * recall / (precision + recall)


def longest_run(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest run that stands in both."""
    best = 0
    before = [0] * (len(second) + 1)
    for one in first:
        now = [0] * (len(second) + 1)
        for place, other in enumerate(second, 1):
            if one == other:
                now[place] = before[place - 1] + 1
                best = max(best, now[place])
        before = now
    return best


def exact(answer: str, gold: str) -> bool:
    """Whether the two are the same but for punctuation, spaces and case."""
    return MARKS.sub("", answer.lower()) == MARKS.sub("", gold.lower())


def sentence_at(text: str, place: int) -> str:
    """The sentence that the character at ``place`` stands in."""
    for match in SENTENCE.finditer(text):
        if match.start() <= place < match.end():
            return match.group()
    return ""


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Area under the ROC curve: how often a positive is above a negative, ties half."""
    above = np.asarray(positive)[:, None] - np.asarray(negative)[None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def refused(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Share of ``negative`` below the threshold that refuses ``FALSE_REFUSALS`` of ``positive``."""
    return float((np.asarray(negative) < np.quantile(positive, FALSE_REFUSALS)).mean())


def spans(model: SpanModel, asked: Sequence[Asked]) -> dict[str, float]:
    """Exact match, F1 and sentence hits in percent, over whole passages."""
    readings = read_long(model, [(one.question, one.passage.text) for one in asked], WINDOW)
    matches, scores, hits = [], [], []
    for one, reading in zip(asked, readings, strict=True):
        text = one.passage.text
        said = text[reading.span.start : reading.span.end]
        matches.append(any(exact(said, gold) for gold in one.answers))
        scores.append(max(f1(said, gold) for gold in one.answers))
        held = sentence_at(text, reading.span.start)
        hits.append(any(gold in held for gold in one.answers))
    return {
        "exact_match": round(100 * float(np.mean(matches)), 2),
        "f1": round(100 * float(np.mean(scores)), 2),
        "sentence_holds_answer": round(100 * float(np.mean(hits)), 2),
    }


def refusals(
    model: SpanModel, asked: Sequence[Asked], examples: Examples, seed: int
) -> dict[str, dict[str, float]]:
    """For each way of making a question unanswerable: count, area under the curve, refusals at 4 % false ones."""
    chance = random.Random(seed)
    shown: list[Example] = []
    for one in asked:
        found = (
            answered(one, STRETCH, chance),
            examples.elsewhere(one, STRETCH, chance),
            examples.sibling(one, STRETCH, chance),
            removed(one, STRETCH, chance),
            examples.swapped(one, STRETCH, chance),
        )
        shown += [example for example in found if example]
    readings = read(model, [(example.question, example.text) for example in shown])
    margins: dict[str, list[float]] = {}
    for example, reading in zip(shown, readings, strict=True):
        margins.setdefault(example.kind, []).append(reading.margin)
    positive = margins.pop("answered")
    margins["all"] = [margin for kind in list(margins) for margin in margins[kind]]
    return {
        kind: {
            "count": len(values),
            "auroc": round(area(positive, values), 4),
            "refused": round(refused(positive, values), 4),
        }
        for kind, values in margins.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the material")
    parser.add_argument("--weights", type=Path, required=True, help="folder that training began with")
    parser.add_argument(
        "--reader",
        type=Path,
        required=True,
        help="checkpoint, reader.safetensors or folder of an exported reader",
    )
    parser.add_argument("--questions", type=int, help="measure on so many only, drawn evenly")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, help="write the figures here as JSON too")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    every = read_material([options.data / FILE])
    step = max(1, len(every) // options.questions) if options.questions else 1
    asked = every[::step][: options.questions]
    model = load_model(options.reader, options.weights)
    passages = list({one.passage.id: one.passage for one in every}.values())
    examples = Examples(every, passages, Mix())
    figures = {
        "reader": options.reader.name,
        "questions": len(asked),
        "spans": spans(model, asked),
        "refusals": refusals(model, asked, examples, options.seed),
    }
    text = json.dumps(figures, ensure_ascii=False, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
