"""Trains the embedding model further: what people ask shall lie near the sentence, and the passage, that answers it.

    python -m assistant.training.nearness --data DIR --weights DIR --out DIR [--steps N] [--seed S]

``--data`` and ``--weights`` are those of ``assistant.training.train``; ``--out`` gets ``encoder.safetensors``. A question is
told from the texts of all other questions of its batch, and from one that stands near its own answer and does not
hold it (InfoNCE, van den Oord et al. 2018, with in-batch negatives as for dense retrieval, Karpukhin et al. 2020).
Texts are worded as the index and the reader embed them. Seeded; a run takes some 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from opencc import OpenCC
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from assistant.spans import PASSAGE, QUERY
from assistant.training.data import Asked, bigrams, padded, read_material, read_texts, sentences, window
from assistant.training.model import SpanReader, load_encoder
from assistant.training.negatives import reworded
from assistant.training.spoken import Spoken
from assistant.training.train import NEWS, QUESTIONS, Optimising, Progress, Trainer, ramp
from index.segmentation import Span

FINAL = "encoder.safetensors"
MOST_TOKENS = 192
_NEAREST = 6
"""The text beside the answer is drawn from so many that share most letters with the question."""


@dataclass(frozen=True, slots=True)
class Plan(Optimising):
    """What a run does."""

    rate: float = 1e-4
    steps: int = 400
    seed: int = 7
    size: int = 24
    frozen: int = 2
    temperature: float = 0.03
    spoken: float = 0.65
    """Share of questions as people ask them; the rest are encyclopaedic."""
    passages: float = 0.25
    """Share of answers that are shown as a passage under its title; the others are single sentences."""
    longest: int = 250
    """Characters of a passage that is not one of the product's own."""
    traditional: float = 0.08


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as it is embedded, and which part of which source it shows."""

    text: str
    source: str
    span: Span

    def holds(self, source: str, span: Span) -> bool:
        """Whether it shows any of ``span``."""
        return self.source == source and self.span.start < span.end and span.start < self.span.end


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, where its answer stands, a text that shows it, and one beside it that does not."""

    question: str
    source: str
    answer: Span
    shown: Shown
    beside: Shown


class Pairs:
    """Draws pairs from the questions as people ask them and from the encyclopaedic ones."""

    def __init__(self, spoken: Spoken, asked: Sequence[Asked], plan: Plan) -> None:
        self._plan = plan
        self._spoken = spoken
        self._talks = [talk for talk in spoken.talks if talk.answer is not None]
        self._asked = asked
        self._traditional = OpenCC("s2t").convert

    def batch(self, step: int) -> list[Pair]:
        """The pairs of ``step``."""
        chance = random.Random(f"{self._plan.seed}:{step}")
        pairs: list[Pair] = []
        while len(pairs) < self._plan.size:
            pair = self.draw(chance)
            pairs += [pair] if pair else []
        return pairs

    def draw(self, chance: random.Random) -> Pair | None:
        """A pair; None where the text has nothing besides the answer."""
        if chance.random() < self._plan.spoken:
            talk = chance.choice(self._talks)
            assert talk.answer is not None
            pair = self._of_talk(talk.question, talk.source, talk.answer, chance)
        else:
            pair = self._of_asked(chance.choice(self._asked), chance)
        if pair and chance.random() < self._plan.traditional:
            return replace(pair, question=self._traditional(pair.question))
        return pair

    def _of_talk(self, question: str, source: str, answer: Span, chance: random.Random) -> Pair | None:
        if chance.random() < self._plan.passages:
            texts = [
                Shown(text, source, span) for text, span in self._spoken.passages(source, self._plan.longest)
            ]
        else:
            texts = [Shown(text, source, span) for text, span in self._spoken.statements(source)]
        return _pair(question, source, answer, texts, chance)

    def _of_asked(self, one: Asked, chance: random.Random) -> Pair | None:
        text, source = one.passage.text, one.passage.id
        head = f"{one.passage.title}\n" if chance.random() < 0.5 else ""
        if chance.random() < self._plan.passages:
            part = window(text, one.answer, self._plan.longest, chance)
            rest = [
                span
                for span in (Span(0, part.start), Span(part.end, len(text)))
                if span.end - span.start > 10
            ]
            parts = [part, *(Span(s.start, min(s.end, s.start + self._plan.longest)) for s in rest)]
        else:
            parts = sentences(text)
        texts = [Shown(head + text[part.start : part.end], source, part) for part in parts]
        return _pair(reworded(one.question, chance), source, one.answer, texts, chance)


def _pair(
    question: str, source: str, answer: Span, texts: Sequence[Shown], chance: random.Random
) -> Pair | None:
    holding = [text for text in texts if text.holds(source, answer)]
    others = [text for text in texts if not text.holds(source, answer)]
    if not holding or not others:
        return None
    wanted = bigrams(question)
    others.sort(key=lambda text: -len(wanted & bigrams(text.text)))
    return Pair(question, source, answer, holding[0], chance.choice(others[:_NEAREST]))


def vectors(encoder: SpanReader, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """Mean of each text's token outputs, of length 1: float32 (texts, hidden)."""
    ids, mask = padded([one.ids[:MOST_TOKENS] for one in tokenizer.encode_batch(list(texts))])
    output = encoder.encode(ids, mask).float()
    mean = (output * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    return functional.normalize(mean, dim=1)


def loss_of(queries: Tensor, texts: Tensor, pairs: Sequence[Pair], temperature: float) -> Tensor:
    """InfoNCE of ``queries`` (n, hidden) against ``texts`` (2n, hidden): those that answer, then those beside them.

    A text that shows another question's answer too is no negative of that one.
    """
    shown = [pair.shown for pair in pairs] + [pair.beside for pair in pairs]
    answers = torch.tensor([[text.holds(pair.source, pair.answer) for text in shown] for pair in pairs])
    answers[range(len(pairs)), range(len(pairs))] = False
    scores = (queries @ texts.T / temperature).masked_fill(answers, -1e4)
    return functional.cross_entropy(scores, torch.arange(len(pairs)), reduction="sum")


def train(data: Path, weights: Path, out: Path, plan: Plan) -> None:
    """The whole run; ``Progress`` tells how it goes."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    encoder = load_encoder(weights, frozen=plan.frozen, dropout=0.0)
    encoder.span.requires_grad_(False)

    def loss(replica: SpanReader, pairs: Sequence[Pair], _: torch.Generator) -> Tensor:
        queries = vectors(replica, tokenizer, [QUERY + pair.question for pair in pairs])
        texts = [pair.shown.text for pair in pairs] + [pair.beside.text for pair in pairs]
        # Half of them are sentences, which are not to be padded to the length of passages.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        halves = [order[: len(order) // 2], order[len(order) // 2 :]]
        made = torch.cat([vectors(replica, tokenizer, [PASSAGE + texts[p] for p in half]) for half in halves])
        return loss_of(queries, made[torch.tensor(order).argsort()], pairs, plan.temperature)

    trainer = Trainer(encoder, plan, loss)
    spoken = Spoken(read_texts(data / NEWS)[::2])
    source = Pairs(spoken, read_material(data / name for name in QUESTIONS), plan)
    progress = Progress()
    for step in range(plan.steps):
        rate = ramp(step, plan.steps, plan.warm_up)
        progress.tell(step + 1, trainer.step(step, source.batch(step), rate))
    save_file({name: value.contiguous() for name, value in encoder.state_dict().items()}, out / FINAL)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the material")
    parser.add_argument(
        "--weights", type=Path, required=True, help="folder with the float weights to start from"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the result")
    parser.add_argument("--steps", type=int, default=Plan().steps)
    parser.add_argument("--seed", type=int, default=Plan().seed)
    options = parser.parse_args(arguments)
    train(options.data, options.weights, options.out, Plan(steps=options.steps, seed=options.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
