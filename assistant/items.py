"""The items of a stretch of an article: labelled or enumerated paragraphs, sentences, and parts set off by semicolons."""

from __future__ import annotations

import re

from assistant.composition import Proof
from assistant.enumerations import enumerations, sections
from index.cleaning import RUN_IN_LEVEL, find_headings
from index.schema import Article
from index.segmentation import protected, sentences

_SHORTEST = 6
"""Characters: what a semicolon cuts off shorter than this stays with what follows."""


def items(article: Article, start: int, end: int) -> list[list[Proof]]:
    """The items of a stretch: its labelled or enumerated paragraphs, each with its sentences; else its sentences."""
    marked = [
        (s.heading.start, s.end)
        for s in sections(article.text)
        if s.heading.level == RUN_IN_LEVEL and start <= s.heading.start < end
    ]
    if len(marked) < 2:
        marked = [
            item
            for e in enumerations(article.text)
            if start <= e.start and e.end <= end and "\n" in article.text[e.items[0][0] : e.items[-1][0]]
            for item in e.items
        ]
    if len(marked) < 2:
        return [[unit] for unit in units(article, start, end)]
    # A labelled paragraph is one item: what follows it without a label belongs to the section, not to it.
    spans = [(first, min(last, paragraph_at(article.text, first)[1], end)) for first, last in marked]
    return [group for span in spans if (group := units(article, *span))]


def units(article: Article, start: int, end: int) -> list[Proof]:
    """The statements of a stretch: its sentences, cut at semicolons; headings that stand alone are none."""
    headings = {s.heading.start: s.heading for s in sections(article.text)}
    found = []
    for span in sentences(article.text[start:end], start):
        heading = headings.get(span.start)
        if heading is not None and heading.level < RUN_IN_LEVEL:
            continue
        text = article.text[span.start : span.end]
        whole = protected(text, len(text))
        # What a label names begins after its colon.
        first = heading.end + 1 - heading.start if heading is not None else 0
        for match in re.finditer(r"[;；]", text):
            if not whole.around(match.start()) and match.start() - first >= _SHORTEST:
                found.append(Proof(article, span.start + first, span.start + match.start()))
                first = match.end()
        if first < len(text):
            found.append(Proof(article, span.start + first, span.end))
    return found


def label_of(unit: Proof) -> Proof | None:
    """The label that a paragraph opens with, if ``unit`` stands in a labelled one."""
    start = paragraph_at(unit.article.text, unit.start)[0]
    heading = next((h for h in find_headings(unit.article.text) if h.start == start), None)
    labelled = heading is not None and heading.level == RUN_IN_LEVEL
    return Proof(unit.article, heading.start, heading.end) if heading is not None and labelled else None


def paragraph_at(text: str, offset: int) -> tuple[int, int]:
    """The paragraph of ``text`` that holds ``offset``."""
    stop = text.find("\n", offset)
    return text.rfind("\n", 0, offset) + 1, stop if stop >= 0 else len(text)
