"""Where a Chinese text may be cut: sentence ends, weaker boundaries, and the stretches no cut may enter.

A quotation or bracket is one thing said, and a number belongs to its unit, so both are *protected*: a
boundary inside them is none. Pairs are matched within a paragraph only and up to ``MAX_QUOTATION``
characters; marks without a partner are ordinary characters, so one stray quote cannot swallow a page.
Everything here is one pass over the text, whatever it holds.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

MAX_QUOTATION = 200

_CLOSERS = {
    "”": "“",
    "’": "‘",
    "」": "「",
    "』": "『",
    "》": "《",
    "〉": "〈",
    "）": "（",
    ")": "(",
    "】": "【",
}
_OPENERS = frozenset(_CLOSERS.values())

_DIGIT = r"[0-9０-９]"
_HAN_DIGIT = r"[〇零一二两三四五六七八九十百千万亿]"
_MEASURES = (
    "年月日号时分秒周天岁期季度届元角股人名位户家次场个项件起例条份批组种类款层级批套篇页笔张台辆部座所间"
    "省市县区地倍成吨米克度后"
)
_UNIT = (
    rf"(?:[%％‰℃]|[多余几]?(?:[百千]?[万亿]+|[百千])?(?:[多余]?(?:小时|分钟|公里|地区|[{_MEASURES}])){{0,2}})"
)
_LATIN = "A-Za-z0-9"
_NUMBER = re.compile(
    # An address that begins with digits is no number; the look-behind tries each run of characters once.
    rf"(?<![{_LATIN}_.+-])[{_LATIN}_.+-]++@[{_LATIN}_.-]*[{_LATIN}]"
    rf"|(?:{_DIGIT}+(?:[,，.．:：·*×xX/~～—\-–]{_DIGIT}+)*{_UNIT})+"
    rf"|{_HAN_DIGIT}{{2,}}{_UNIT}"
    rf"|[{_LATIN}][{_LATIN}_.@/:+?=&%#~-]*[{_LATIN}]"
)
_CLOSING = re.escape("".join(_CLOSERS))
# A question mark inside an address or a formula ends no sentence; one before a blank, Han or a quote does.
_SENTENCE_END = re.compile(rf"(?:[。！？]+|(?<![!?])[!?]++(?![\w&=#/]))[{_CLOSING}]*")
_CLAUSE_ENDS = (
    re.compile(rf"[；;]+[{_CLOSING}]*"),
    re.compile(rf"[，,、：:]+[{_CLOSING}]*|[ \t\u3000]+"),
)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text, ``text[start:end]``."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


class Protected:
    """The stretches of one text that must stay whole, in order and apart."""

    def __init__(self, spans: Iterable[Span]) -> None:
        kept: list[Span] = []
        # Of two that overlap the outer one is kept, or the first: crossing marks are no quotation.
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            if not kept or span.start >= kept[-1].end:
                kept.append(span)
        self.spans = tuple(kept)
        self._starts = [span.start for span in kept]

    def around(self, position: int) -> Span | None:
        """The protected span that a cut before the character at ``position`` would divide, if any."""
        index = bisect_right(self._starts, position) - 1
        if index >= 0 and self.spans[index].start < position < self.spans[index].end:
            return self.spans[index]
        return None


def quotations(text: str, limit: int = MAX_QUOTATION) -> list[Span]:
    """The balanced quotations and brackets of at most ``limit`` characters, nested ones included."""
    spans: list[Span] = []
    offset = 0
    for paragraph in text.split("\n"):
        stacks: dict[str, list[int]] = {}
        for position, character in enumerate(paragraph, offset):
            if character in _OPENERS:
                stacks.setdefault(character, []).append(position)
            elif character in _CLOSERS and (stack := stacks.get(_CLOSERS[character])):
                opened = stack.pop()
                if position + 1 - opened <= limit:
                    spans.append(Span(opened, position + 1))
        offset += len(paragraph) + 1
    return spans


def numbers(text: str) -> list[Span]:
    """Numbers with their units (7.7亿元, 7*24小时, 2023年9月15日), and Latin words and addresses."""
    return [Span(match.start(), match.end()) for match in _NUMBER.finditer(text)]


def protected(text: str, longest: int) -> Protected:
    """The quotations, brackets and numbers of at most ``longest`` characters.

    What is longer cannot stay whole in a piece of ``longest`` characters, and is left open to cutting.
    """
    whole = quotations(text, min(MAX_QUOTATION, longest))
    return Protected([*whole, *(span for span in numbers(text) if len(span) <= longest)])


def sentences(text: str, start: int = 0) -> list[Span]:
    """The sentences of ``text``, without surrounding blanks; together they hold every non-blank character.

    A sentence ends at 。！？ (and ! ?) or a line feed, with the closing quotes that follow; never inside a
    quotation or bracket, but after one that a colon opens (他说：“好。”). ``start`` is added to every offset,
    for a ``text`` that is part of a longer one.
    """
    found: list[Span] = []
    quoted = Protected(quotations(text))
    position = 0
    for edge in [*_sentence_edges(text, quoted), len(text)]:
        piece = stripped(text, Span(position, edge))
        if piece is not None:
            found.append(Span(piece.start + start, piece.end + start))
        position = edge
    return found


def _sentence_edges(text: str, quoted: Protected) -> list[int]:
    edges = {position + 1 for position, character in enumerate(text) if character == "\n"}
    for match in _SENTENCE_END.finditer(text):
        quotation = quoted.around(match.start())
        introduced = quotation is not None and text[max(0, quotation.start - 1) : quotation.start] in (
            "：",
            ":",
        )
        if quotation is None or (introduced and match.end() == quotation.end):
            edges.add(match.end())
    return sorted(edges)


def clause_edges(text: str, span: Span, whole: Protected, strength: int) -> list[int]:
    """Positions strictly inside ``span`` where a sentence may be cut for want of room, none in a protected
    stretch: after ；for ``strength`` 0, after ，、： or a blank for ``strength`` 1."""
    ends = (match.end() for match in _CLAUSE_ENDS[strength].finditer(text, span.start, span.end))
    return [end for end in ends if end < span.end and whole.around(end) is None]


def stripped(text: str, span: Span) -> Span | None:
    """``span`` without the blanks at its ends; None if there is nothing else in it."""
    piece = text[span.start : span.end]
    if not piece.strip():
        return None
    return Span(span.end - len(piece.lstrip()), span.start + len(piece.rstrip()))
