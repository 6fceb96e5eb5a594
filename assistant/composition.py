"""What an answer is made of: statements with the stretches of article text that prove them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.clauses import without_joiner
from index.schema import Article
from index.segmentation import sentences

FACT_CHARS = 88
"""A fact fits one line."""
LONG_CHARS = 300
"""Anything else fits a small paragraph."""
QUOTE_CHARS = 180
"""A quote is the whole sentence up to this length, so that it can be judged without opening the article."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A stretch of an article's text that a statement rests on."""

    article: Article
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing the answer says: ``text``, which its proofs carry, in order.

    ``before`` and ``after`` are shown around it and tell of its source (when it was published), not from it.
    """

    text: str
    proofs: tuple[Proof, ...]
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Composition:
    """What is said to one thing asked: words that lead in (不是…), statements, and how they are set.

    ``bullets`` sets a statement a line; ``joined`` are the words between the first statement and the others.
    """

    statements: tuple[Statement, ...]
    lead: str = ""
    bullets: bool = False
    joined: str = ""


def whole_sentence(article: Article, start: int, end: int) -> tuple[int, int]:
    """The sentence around ``start:end``, when it is not too long to be a quote; else the stretch itself."""
    paragraph = article.text.rfind("\n", 0, start) + 1
    stop = article.text.find("\n", start)
    for span in sentences(article.text[paragraph : stop if stop >= 0 else len(article.text)], paragraph):
        if span.start <= start and end <= span.end and span.end - span.start <= QUOTE_CHARS:
            return span.start, span.end
    return start, end


def bullets(
    article: Article, items: Sequence[tuple[int, int]], keep: tuple[int, int] | None = None
) -> Composition:
    """The items as bullets inside ``LONG_CHARS``: whole if they fit, else their first sentences, else as many as fit."""
    spans = [(start, start + len(article.text[start:end].rstrip())) for start, end in items]
    if sum(end - start for start, end in spans) > LONG_CHARS:
        spans = [_first_sentence(article.text, *span) for span in spans]
    room = LONG_CHARS // max(1, len(spans))
    if sum(end - start for start, end in spans) > LONG_CHARS:
        spans = [_leading_clauses(article.text, start, end, max(room, 40)) for start, end in spans]
    kept: list[tuple[int, int]] = []
    total = 0
    must = [span for span in spans if keep and span[0] <= keep[0] < span[1]]
    total += sum(end - start for start, end in must)
    for span in spans:
        if span in must:
            kept.append(span)
        elif total + span[1] - span[0] <= LONG_CHARS + 10:
            kept.append(span)
            total += span[1] - span[0]
    statements = tuple(
        Statement(_said(article.text[start:end]), (Proof(article, start, end),)) for start, end in kept
    )
    return Composition(statements, bullets=len(statements) > 1)


def _said(item: str) -> str:
    start, end = without_joiner(item, (0, len(item)))
    return item[start:end]


def _first_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    first = sentences(text[start:end], start)[0]
    return first.start, first.end


def _leading_clauses(text: str, start: int, end: int, room: int) -> tuple[int, int]:
    if end - start <= room:
        return start, end
    stop = max(
        (start + match.start() for match in re.finditer(r"[,，;；。]", text[start : start + room])), default=0
    )
    return (start, stop) if stop > start + 8 else (start, end)
