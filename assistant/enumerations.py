"""Enumerations in an article: 一是…二是…三是…, labelled paragraphs under one heading, and the headings themselves.

A question for a list is answered by the whole enumeration that its best sentence belongs to, even where the index
cut it into several chunks; so they are found in the article's text, not in a chunk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.cleaning import Heading, find_headings

_NUMERALS = "一二三四五六七八九十"
_MARKER = re.compile(rf"(?:(?<=[。；;，,：:\n])|^)\s*([{_NUMERALS}])是(?!否|家|年|天|个)")

_COUNTED = re.compile(rf"(?<![\d{_NUMERALS}])([{_NUMERALS}]|1?\d)(?:大|项|类|种|个|条)(?=[^\s，,。；;、])")


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Items of an article's text as ``(start, end)``, and the words before them that say what they are."""

    lead: tuple[int, int]
    items: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Where the lead, or without one the first item, begins."""
        return min(self.lead[0], self.items[0][0])

    @property
    def end(self) -> int:
        """Where the last item ends."""
        return self.items[-1][1]


def enumerations(text: str) -> list[Enumeration]:
    """All runs 一是…二是… of two items and more in ``text``."""
    markers = [(match.start(1), _NUMERALS.index(match[1])) for match in _MARKER.finditer(text)]
    runs: list[list[int]] = []
    for position, (offset, number) in enumerate(markers):
        if number == 0:
            runs.append([offset])
        elif runs and markers[position - 1][1] == number - 1:
            runs[-1].append(offset)
    return [_enumeration(text, run) for run in runs if len(run) > 1]


def _enumeration(text: str, starts: Sequence[int]) -> Enumeration:
    paragraph = text.rfind("\n", 0, starts[0]) + 1
    sentence = max(text.rfind("。", paragraph, starts[0]) + 1, paragraph)
    items = []
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        line_end = text.find("\n", start)
        line_end = len(text) if line_end < 0 else line_end
        if following is None:
            # The last item ends with its sentence when the items share a paragraph, else with its paragraph.
            inline = starts[-2] > text.rfind("\n", 0, start)
            stop = text.find("。", start, line_end)
            end = stop + 1 if inline and stop >= 0 else line_end
        else:
            end = min(following, line_end)
        items.append((start, start + len(text[start:end].rstrip())))
    return Enumeration((sentence, starts[0]), tuple(items))


def at(text: str, start: int, end: int) -> Enumeration | None:
    """The enumeration that the stretch ``start:end`` belongs to or introduces, if any."""
    for found in enumerations(text):
        if found.start < end and start < found.end:
            return found
        between = text[end : found.start]
        if (
            end <= found.start
            and not between.strip()
            and text[start:end].rstrip().endswith(("：", ":", "，", ","))
        ):
            return found
    return None


def announced(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The items of the set that the stretch ``start:end`` announces by its number (九大服务), wherever they are listed.

    They are those of the runs 一是…二是… that follow in its section, where together these have just so many; else none.
    """
    section = next((s for s in reversed(sections(text)) if s.heading.start <= start < s.end), None)
    stop = section.end if section else len(text)
    following = [found for found in enumerations(text) if end <= found.items[0][0] and found.end <= stop]
    for match in _COUNTED.finditer(text, start, end):
        items: list[tuple[int, int]] = []
        for found in following:
            items += found.items
            if len(items) == _number(match[1]):
                return tuple(items)
    return ()


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMERALS.index(text) + 1


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the stretch of text it stands over (from the heading's own start)."""

    heading: Heading
    end: int


def sections(text: str) -> list[Section]:
    """Every heading of the article with where its section ends: at the next heading of its level or above."""
    headings = find_headings(text)
    found = []
    for position, heading in enumerate(headings):
        following = (other.start for other in headings[position + 1 :] if other.level <= heading.level)
        found.append(Section(heading, next(following, len(text))))
    return found
