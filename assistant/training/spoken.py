"""Questions as people really ask them, written for this product over its own articles and public news.

``questions.jsonl`` beside this module holds a line each: ``{"source", "question", "quote", "answer", "check"}``. ``quote`` and
``answer`` are ranges of characters of the source's text, ``check`` the beginning of the quote's SHA-256; no answer (null)
means that the quote looks as if it answered and does not. ``"offer": true`` marks those in plain written Chinese that may
be offered for asking. Nothing of the texts is repeated in it. ``texts.jsonl`` holds notices and news of companies that
do not exist, written for this, ``{"id", "title", "text"}``. The encyclopaedic questions that training begins with know
no such talk.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.anticipated import check_of
from assistant.sentences import statements
from assistant.training.data import (
    Example,
    MaterialError,
    Text,
    bigrams,
    cut,
    headed,
    sentences,
    window,
)
from index.chunking import chunk
from index.loading import load_articles
from index.schema import Passage
from index.segmentation import Span
from index.settings import IndexSettings
from index.store import embedded_text

FILE = Path(__file__).with_name("questions.jsonl")
LATER = Path(__file__).with_name("more_questions.jsonl")
"""Further ones about the articles, written when the shipped models had been trained: they are anticipated only."""
TEXTS = Path(__file__).with_name("texts.jsonl")
_NEAREST = 6
"""Parts without the answer are drawn from so many that share most letters with the question."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of what an answerable question is shown with: the product's own passage, a part cut anew, and one without it."""

    as_served: float = 0.35
    cut_anew: float = 0.35
    elsewhere: float = 0.3


@dataclass(frozen=True, slots=True)
class Talk:
    """A question, and where in its text the quote and the answer stand; no answer where there is none.

    ``offer`` tells whether it may be offered for asking.
    """

    question: str
    source: str
    quote: Span
    answer: Span | None
    offer: bool = False


class Spoken:
    """Draws examples of spoken questions.

    Args:
        news: the texts that questions may be about besides the shipped articles, by id.
        file: the questions.

    Raises:
        MaterialError: a question's text is unknown or has changed since it was written.
    """

    def __init__(self, news: Sequence[Text], file: Path = FILE) -> None:
        self._texts = {text.id: text.text for text in news}
        made = [json.loads(line) for line in TEXTS.read_text("utf-8").splitlines()]
        self._texts |= {row["id"]: row["text"] for row in made}
        self._parts: dict[str, list[tuple[Span, str]]] = defaultdict(list)
        self._served: dict[str, list[tuple[str, Span]]] = defaultdict(list)
        self._stated: dict[str, list[tuple[str, Span]]] = defaultdict(list)
        settings = IndexSettings()
        for article in load_articles(settings.articles):
            self._texts[article.id] = article.text
            for part in chunk(article, settings.max_chars):
                heading = part.headings[-1] if part.headings else ""
                self._parts[article.id].append((Span(part.start, part.end), heading))
                self._served[article.id].append((embedded_text(part, article), Span(part.start, part.end)))
                self._stated[article.id] += [
                    (one.under_heading, Span(one.start, one.end))
                    for one in statements(Passage(part, article, 0.0))
                ]
        self.talks = read_talks(self._texts, file)
        self._own = [
            (source, span, heading) for source, parts in self._parts.items() for span, heading in parts
        ]

    def draw(self, limit: int, chance: random.Random, mix: Mix | None = None) -> Example:
        """An example over at most ``limit`` characters, or over one of the product's own passages."""
        mix = mix or Mix()
        one = chance.choice(self.talks)
        ways = ["as served", "cut anew", "elsewhere"]
        way = chance.choices(ways, [mix.as_served, mix.cut_anew, mix.elsewhere])[0]
        if one.answer is not None and way == "elsewhere":
            found = self._elsewhere(one, limit, chance)
            if found:
                return found
        if way == "as served":
            found = self._as_served(one)
            if found:
                return found
        text = self._texts[one.source]
        part = window(text, one.answer or one.quote, limit, chance)
        return Example(one.question, *cut(text, part, one.answer), "spoken", one.answer is not None)

    def passages(self, source: str, limit: int) -> list[tuple[str, Span]]:
        """A source's passages as the index embeds them; of a text that is not indexed, stretches of ``limit`` characters."""
        return self._served.get(source) or [
            (self._texts[source][span.start : span.end], span) for _, span, _ in self._cuts(source, limit)
        ]

    def statements(self, source: str) -> list[tuple[str, Span]]:
        """A source's statements as the reader embeds them; of a text that is not indexed, its sentences."""
        return self._stated.get(source) or [
            (self._texts[source][span.start : span.end], span) for span in sentences(self._texts[source])
        ]

    def _as_served(self, one: Talk) -> Example | None:
        held = one.answer or one.quote
        for part, heading in self._parts[one.source]:
            if part.start <= held.start and held.end <= part.end:
                shown = cut(self._texts[one.source], part, one.answer)
                example = Example(one.question, *shown, "spoken", one.answer is not None)
                return headed(example, heading) if heading else example
        return None

    def _elsewhere(self, one: Talk, limit: int, chance: random.Random) -> Example | None:
        """A part that shares words with the question and does not hold the answer."""
        text = self._texts[one.source]
        assert one.answer is not None
        words = text[one.answer.start : one.answer.end]
        parts = self._own if one.source in self._parts else self._cuts(one.source, limit)
        wanted = bigrams(one.question)
        without = [
            (len(wanted & bigrams(shown)), place, shown)
            for place, (source, span, heading) in enumerate(parts)
            if words not in (shown := f"{heading}\n{self._texts[source][span.start : span.end]}".strip())
        ]
        if not without:
            return None
        without.sort(reverse=True)
        return Example(
            one.question, chance.choice(without[:_NEAREST])[2], None, "elsewhere", answerable=False
        )

    def _cuts(self, source: str, limit: int) -> list[tuple[str, Span, str]]:
        text = self._texts[source]
        return [
            (source, Span(start, min(len(text), start + limit)), "")
            for start in range(0, len(text), max(1, limit // 2))
        ]


def read_talks(texts: Mapping[str, str], file: Path = FILE, *, others: bool = False) -> list[Talk]:
    """The questions of ``file`` about ``texts``, by id. With ``others`` there may be some about other texts too.

    Raises:
        MaterialError: a question's text is not the one that it was written for.
    """
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [_talk(file, texts, row) for row in rows if not others or row["source"] in texts]


def _talk(file: Path, texts: Mapping[str, str], row: Mapping[str, Any]) -> Talk:
    quote = Span(*row["quote"])
    if check_of(texts.get(row["source"], "")[quote.start : quote.end]) != row["check"]:
        raise MaterialError(
            f"{file}: {row['source']} is not the text that {row['question']!r} was written for"
        )
    answer = Span(*row["answer"]) if row["answer"] else None
    return Talk(row["question"], row["source"], quote, answer, row.get("offer", False))
