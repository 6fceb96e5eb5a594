"""An article cut into chunks: what is embedded, ranked and shown as one passage.

A chunk follows the article's own structure. It stays under one path of headings; a paragraph with a run-in
label is a chunk by itself; short paragraphs join their neighbours; an enumeration (一是…二是…三是…) stays
whole where there is room and is otherwise cut between its items. Only a paragraph that is too long is
divided, at sentence ends first, then at ；then at ，、, and in evenly long pieces, so that no tail of half a
sentence is left over. A cut never enters a number or a quotation (see ``segmentation``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.cleaning import RUN_IN_LEVEL, Heading, find_headings
from index.schema import Article, Chunk
from index.segmentation import Protected, Span, clause_edges, protected, sentences, stripped

__all__ = ["SHORT_PARAGRAPH", "Span", "chunk", "sentences"]

SHORT_PARAGRAPH = 80
# A longer path of headings is a table of contents, whose further lines are body.
_MOST_HEADINGS = 8

_ITEM = re.compile(
    r"(?:第?[一二三四五六七八九十]{1,3}(?:是|则|要)|第[一二三四五六七八九十]{1,3}[，,、：:]|首先|其次|再次|最后)"
)
# A look-behind, as ``^`` does not hold where a search begins inside a text.
_FIRST_ITEM = re.compile(r"(?<![^，,：:。；;\s])(?:一(?:是|则|要)|第一[，,、：:]|首先)")


@dataclass(frozen=True, slots=True)
class _Section:
    """Paragraphs that stand under the same headings; they are contiguous lines of the text."""

    headings: tuple[str, ...]
    paragraphs: tuple[Span, ...]


def chunk(article: Article, max_chars: int) -> list[Chunk]:
    """The chunks of ``article``, in order and apart, each of at most ``max_chars`` characters.

    ``article.text[start:end] == chunk.text`` for each, and together they hold every non-blank character
    except lines that are headings, which are in ``headings`` of the chunks below them.
    """
    whole = protected(article.text, max_chars)
    chunks = []
    for section in _sections(article.text):
        for span in _section_spans(article.text, section.paragraphs, max_chars, whole):
            chunks.append(_as_chunk(article, span, section.headings))
    return chunks


def _as_chunk(article: Article, span: Span, headings: tuple[str, ...]) -> Chunk:
    text = article.text[span.start : span.end]
    digest = hashlib.sha256(f"{article.id}\0{span.start}\0{span.end}\0{text}".encode()).hexdigest()
    return Chunk(digest[:16], article.id, text, span.start, span.end, headings)


def _sections(text: str) -> list[_Section]:
    """The text's paragraphs grouped by the headings above them; heading lines are left out.

    A heading directly followed by another of its level keeps its place in the path, and headings that close
    the text are body, so that what they say is not lost.
    """
    by_start = {heading.start: heading for heading in find_headings(text)}
    lines = _lines(text)
    while lines and _is_line(by_start.get(lines[-1].start)):
        del by_start[lines.pop().start]
    lines = _lines(text)

    sections: list[tuple[tuple[str, ...], list[Span]]] = []
    path: list[tuple[Heading, bool]] = []
    for line in lines:
        heading = by_start.get(line.start)
        if heading is not None and _is_line(heading):
            path = [(above, used) for above, used in path if above.level < heading.level or not used]
            if len(path) < _MOST_HEADINGS:
                path.append((heading, False))
                continue
            heading = None
        path = [(above, True) for above, _ in path]
        names = tuple(above.text for above, _ in path)
        if heading is not None:
            sections.append(((*names, heading.text), [line]))
        elif sections and sections[-1][0] == names:
            sections[-1][1].append(line)
        else:
            sections.append((names, [line]))
    return [_Section(names, tuple(paragraphs)) for names, paragraphs in sections]


def _is_line(heading: Heading | None) -> bool:
    return heading is not None and heading.level < RUN_IN_LEVEL


def _lines(text: str) -> list[Span]:
    """The lines of ``text`` without blanks around them; empty lines are left out."""
    found = []
    start = 0
    for line in text.split("\n"):
        span = stripped(text, Span(start, start + len(line)))
        if span is not None:
            found.append(span)
        start += len(line) + 1
    return found


def _section_spans(text: str, paragraphs: Sequence[Span], max_chars: int, whole: Protected) -> list[Span]:
    """The chunks of one section: enumerations kept together, long paragraphs divided, short ones joined."""
    spans: list[Span] = []
    for group in _enumerations(text, paragraphs):
        joined = Span(group[0].start, group[-1].end)
        if len(joined) <= max_chars:
            spans.append(joined)
            continue
        pieces = [piece for paragraph in group for piece in _divide(text, paragraph, max_chars, whole)]
        spans.extend(_pack(pieces, max_chars) if len(group) > 1 else pieces)
    return _join_short(spans, max_chars)


def _enumerations(text: str, paragraphs: Sequence[Span]) -> list[list[Span]]:
    """Paragraphs grouped so that the items of one list stand together, with the one that opens it."""
    groups: list[list[Span]] = []
    listing = False  # whether the last group holds an item
    for paragraph in paragraphs:
        item = _is_item(text, paragraph)
        if _FIRST_ITEM.match(text, paragraph.start):
            continues = not listing  # the paragraph before is what opens this list
        else:
            continues = item and (listing or (bool(groups) and _opens_list(text, groups[-1][-1])))
        if groups and continues:
            groups[-1].append(paragraph)
        else:
            groups.append([paragraph])
        listing = item
    return groups


def _is_item(text: str, span: Span) -> bool:
    return _ITEM.match(text, span.start, span.end) is not None


def _opens_list(text: str, span: Span) -> bool:
    return _FIRST_ITEM.search(text, span.start, span.end) is not None


def _divide(text: str, paragraph: Span, max_chars: int, whole: Protected) -> list[Span]:
    """``paragraph`` in even pieces of at most ``max_chars``, cut at the strongest boundaries there are."""
    if len(paragraph) <= max_chars:
        return [paragraph]
    found = sentences(text[paragraph.start : paragraph.end], paragraph.start)
    atoms = []
    for unit in _list_units(text, found, max_chars):
        if unit[-1].end - unit[0].start <= max_chars:
            atoms.append(Span(unit[0].start, unit[-1].end))
        else:
            atoms.extend(piece for sentence in unit for piece in _cut(text, sentence, max_chars, whole))
    return _pack(atoms, max_chars)


def _list_units(text: str, found: Sequence[Span], max_chars: int) -> list[list[Span]]:
    """Sentences grouped so that an enumeration is one unit, or one unit per item where it is too long.

    The last item ends with its first sentence: nothing marks where a list is over.
    """
    units: list[list[Span]] = []
    position = 0
    while position < len(found):
        starts = [position]
        following = position + 1
        if _opens_list(text, found[position]):
            while following < len(found) and not _opens_list(text, found[following]):
                if _is_item(text, found[following]):
                    starts.append(following)
                following += 1
        last = starts[-1] + 1
        if last - position > 1 and found[last - 1].end - found[position].start > max_chars:
            units.extend(list(found[start:end]) for start, end in pairwise([*starts, last]))
        else:
            units.append(list(found[position:last]))
        position = last
    return units


def _cut(text: str, sentence: Span, max_chars: int, whole: Protected) -> list[Span]:
    """A sentence in pieces of at most ``max_chars``: at ；, else at ，、：, else anywhere unprotected."""
    pieces = [sentence]
    for strength in (0, 1):
        divided: list[Span] = []
        for piece in pieces:
            if len(piece) <= max_chars:
                divided.append(piece)
                continue
            edges = [piece.start, *clause_edges(text, piece, whole, strength), piece.end]
            parts = (stripped(text, Span(start, end)) for start, end in pairwise(edges))
            divided.extend(_pack([part for part in parts if part is not None], max_chars))
        pieces = divided
    return [part for piece in pieces for part in _cut_anywhere(text, piece, max_chars, whole)]


def _cut_anywhere(text: str, piece: Span, max_chars: int, whole: Protected) -> list[Span]:
    parts = []
    start = piece.start
    while piece.end - start > max_chars:
        edge = start + max_chars
        inside = whole.around(edge)
        if inside is not None and inside.start > start:
            edge = inside.start
        # A run of digits longer than a chunk is the only number that is ever cut.
        while edge > start + 1 and text[edge - 1].isdigit() and text[edge].isdigit():
            edge -= 1
        if edge == start + 1:
            edge = start + max_chars
        parts.append(Span(start, edge))
        start = edge
    parts.append(Span(start, piece.end))
    return [part for part in (stripped(text, part) for part in parts) if part is not None]


def _pack(pieces: Sequence[Span], max_chars: int) -> list[Span]:
    """Neighbours joined into as few spans of at most ``max_chars`` as can be, and those as even as can be."""
    fewest = len(_fill(pieces, max_chars))
    low, high = 1, max_chars
    while low < high:
        middle = (low + high) // 2
        if len(_fill(pieces, middle)) <= fewest:
            high = middle
        else:
            low = middle + 1
    return _fill(pieces, high)


def _fill(pieces: Sequence[Span], limit: int) -> list[Span]:
    """Neighbours joined from the left as long as they stay within ``limit``; a longer piece stands alone."""
    spans: list[Span] = []
    for piece in pieces:
        if spans and piece.end - spans[-1].start <= limit:
            spans[-1] = Span(spans[-1].start, piece.end)
        else:
            spans.append(piece)
    return spans


def _join_short(spans: Sequence[Span], max_chars: int) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        short = joined and min(len(joined[-1]), len(span)) < SHORT_PARAGRAPH
        if short and span.end - joined[-1].start <= max_chars:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined
