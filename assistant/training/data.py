"""Questions and passages read from JSON lines, and the token examples that are made of them.

A line is ``{"type": "passage", "id", "title", "text"}`` or ``{"type": "question", "id", "question",
"gold_passage_id", "answers_verbatim"}``. Offsets count in characters of the text that they are said to lie in.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from opencc import OpenCC
from tokenizers import Tokenizer
from torch import Tensor

from assistant.spans import PASSAGE, QUERY
from index.segmentation import Span

TRADITIONAL = "drcd"
PAD = 1
SENTENCE = re.compile(r"[^。！？；!?;\n]*[。！？；!?;\n][」』”）)\"]*|[^。！？；!?;\n]+")


@dataclass(frozen=True, slots=True)
class Text:
    """A passage of the material; ``group`` names the article that it is a part of."""

    id: str
    group: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and where its answer stands in its passage's text; ``answers`` are all that count as right."""

    id: str
    question: str
    passage: Text
    answer: Span
    answers: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The answer."""
        return self.passage.text[self.answer.start : self.answer.end]


@dataclass(frozen=True, slots=True)
class Example:
    """What the reader is shown: a question, a text, and the answer's place in it or None.

    A question that was made unanswerable keeps the place of what answered it before: where one would look.
    """

    question: str
    text: str
    answer: Span | None
    kind: str
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token numbers; ``start`` and ``end`` are token places, both 0 where nothing is to be found.

    ``passage`` is the place of the passage's first token, so that the question's tokens are no candidates.
    """

    ids: tuple[int, ...]
    passage: int
    start: int
    end: int
    answerable: bool


class MaterialError(Exception):
    """The training material cannot be used; the message says which file and why."""


def read_material(files: Iterable[Path]) -> list[Asked]:
    """Every answerable question of ``files``, in order; texts in traditional characters come out simplified."""
    asked: list[Asked] = []
    for file in files:
        convert = OpenCC("t2s").convert if file.name.startswith(TRADITIONAL) else _same
        texts: dict[str, Text] = {}
        for row in _rows(file):
            if row["type"] == "passage":
                group = f"{file.stem}:{row['title']}"
                texts[row["id"]] = Text(row["id"], group, convert(row["title"]), convert(row["text"]))
        for row in _rows(file):
            if row["type"] == "question" and row["answers_verbatim"]:
                question, passage = convert(row["question"]), texts[row["gold_passage_id"]]
                answers = tuple(convert(words) for words in row["answers_verbatim"])
                answer = locate(question, passage.text, answers[0])
                if answer:
                    asked.append(Asked(row["id"], question, passage, answer, answers))
    return asked


def read_texts(file: Path) -> list[Text]:
    """The passages of a file that has no questions."""
    return [
        Text(row["id"], row["id"], row.get("title", ""), row["text"].partition("正文：")[2] or row["text"])
        for row in _rows(file)
        if row["type"] == "passage"
    ]


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        raise MaterialError(f"{file} is missing: --data must name the folder with the material")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _same(text: str) -> str:
    return text


def bigrams(text: str) -> set[str]:
    """Pairs of neighbouring letters and digits."""
    letters = "".join(letter for letter in text if letter.isalnum())
    return {letters[place : place + 2] for place in range(len(letters) - 1)}


def locate(question: str, text: str, answer: str) -> Span | None:
    """Where ``answer`` stands in ``text``; of several places the one whose surroundings share most with the question."""
    if not answer:
        return None
    wanted = bigrams(question)
    places = [match.start() for match in re.finditer(re.escape(answer), text)]
    if not places:
        return None

    def shared(place: int) -> int:
        return len(wanted & bigrams(text[max(0, place - 40) : place + len(answer) + 40]))

    best = max(places, key=shared)
    return Span(best, best + len(answer))


def sentences(text: str) -> list[Span]:
    """Sentences of ``text``, without a gap between them."""
    return [Span(match.start(), match.end()) for match in SENTENCE.finditer(text)]


def window(text: str, core: Span, limit: int, chance: random.Random) -> Span:
    """A run of sentences around ``core``, grown to either side at random to at most ``limit`` characters.

    Where the sentences of ``core`` alone are too long, a plain cut around ``core``.
    """
    parts = sentences(text)
    first = next(place for place, part in enumerate(parts) if part.end > core.start)
    last = next(place for place, part in enumerate(parts) if part.end >= core.end)
    if parts[last].end - parts[first].start > limit:
        spare = max(0, limit - (core.end - core.start))
        start = max(0, core.start - chance.randint(0, spare))
        return Span(start, min(len(text), max(core.end, start + limit)))
    while True:
        size = parts[last].end - parts[first].start
        grown = [
            (left, right)
            for left, right in ((first - 1, last), (first, last + 1))
            if left >= 0
            and right < len(parts)
            and size
            + (parts[left].end - parts[left].start if left < first else 0)
            + (parts[right].end - parts[right].start if right > last else 0)
            <= limit
        ]
        if not grown:
            return Span(parts[first].start, parts[last].end)
        first, last = chance.choice(grown)


def cut(text: str, span: Span, answer: Span | None) -> tuple[str, Span | None]:
    """The text of ``span`` and the answer's place in it."""
    moved = Span(answer.start - span.start, answer.end - span.start) if answer else None
    return text[span.start : span.end], moved


def headed(example: Example, title: str) -> Example:
    """``example`` with the title as the text's first line."""
    before = f"{title}\n"
    answer = example.answer
    moved = Span(answer.start + len(before), answer.end + len(before)) if answer else None
    return replace(example, text=before + example.text, answer=moved)


def in_script(example: Example, convert: Callable[[str], str]) -> Example:
    """``example`` with question and text turned by ``convert``, or unchanged where the answer loses its place."""
    text = convert(example.text)
    if len(text) != len(example.text):
        return example
    return replace(example, question=convert(example.question), text=text)


def encode(tokenizer: Tokenizer, example: Example, most: int) -> Encoded | None:
    """``example`` as tokens, cut at ``most``; None where the answer falls outside."""
    encoding = tokenizer.encode(QUERY + example.question, PASSAGE + example.text)
    sides: Sequence[int | None] = encoding.sequence_ids
    ids: list[int] = encoding.ids
    passage = sides.index(1)
    if len(ids) > most:
        ids = [*ids[: most - 1], ids[-1]]
    if example.answer is None:
        return Encoded(tuple(ids), passage, 0, 0, False)
    start, end = example.answer.start + len(PASSAGE), example.answer.end + len(PASSAGE)
    inside = [
        place
        for place in range(passage, min(len(ids), most) - 1)
        if encoding.offsets[place][0] < end and encoding.offsets[place][1] > start
    ]
    if not inside or encoding.offsets[inside[-1]][1] < end:
        return None
    return Encoded(tuple(ids), passage, inside[0], inside[-1], example.answerable)


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded to one length: ``ids`` and ``mask`` (batch, length), ``candidate`` the places allowed.

    ``start``, ``end`` and ``answerable`` are (batch,), the first two 0 where nothing is to be found.
    """

    ids: Tensor
    mask: Tensor
    candidate: Tensor
    start: Tensor
    end: Tensor
    answerable: Tensor


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token numbers and mask of ``rows``, both (rows, longest row)."""
    ids = torch.full((len(rows), max(map(len, rows))), PAD, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
    return ids, mask


def batch(examples: Sequence[Encoded]) -> Batch:
    """``examples`` as tensors."""
    ids, mask = padded([example.ids for example in examples])
    candidate = torch.zeros(ids.shape, dtype=torch.bool)
    for row, example in enumerate(examples):
        size = len(example.ids)
        candidate[row, 0] = True
        candidate[row, example.passage : size - 1] = True
    start = torch.tensor([example.start for example in examples])
    end = torch.tensor([example.end for example in examples])
    answerable = torch.tensor([example.answerable for example in examples])
    return Batch(ids, mask, candidate, start, end, answerable)
