"""The shortest complete clause that answers: which run of clauses of a statement to say.

A statement is cut at commas and semicolons, and between items that each hold a figure, never inside a quotation or
a number. Of all runs of neighbouring clauses the one is said that keeps what was asked (terms, the kind of thing,
the company) with the fewest characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.quantities import quantities
from index.segmentation import protected

Span = tuple[int, int]

_BREAK = re.compile(r"[,，;；:：]|、")
_JOINER = re.compile(
    r"^(?:即[:：]|其中|同时|此外|另外|并且|而且|并|且|而|但|如|例如|比如|另一方面|一方面)[,，:：]?\s*(?=.)"
)
_ITEM = re.compile(r"^[一二三四五六七八九十]是")
_LEADS_ON = re.compile(
    r"(?:今年|近年来?|目前|同时|此外|对[内外]|未来|\d{4}年|随着.*|.*以来|围绕.*|针对.*|根据.*|结合.*|作为.*|面对.*|"
    r".{0,12}(?:利用|借助|运用|聚焦|依托|秉持|秉承|本着).*|"
    r"在.*(?:中|上|下|里|内|时|期间|之际|方面|基础|指导|领导|机制)|以.{1,12}为.{1,6}|通过.*(?:方式|形式|手段|模式|途径)|"
    r"(?!.*[正仍尚]在).*的[^的]{1,8}中)"
)
CHARACTER_COST = 0.0045
"""What one more character costs, in shares of the question's terms: a term of a tenth is worth some 22 characters."""


def clauses(text: str) -> list[Span]:
    """Offsets of the clauses of ``text``, without the marks between them."""
    whole = protected(text, len(text))
    found: list[Span] = []
    start = 0
    for match in _BREAK.finditer(text):
        if whole.around(match.start()) or whole.around(match.end()):
            continue
        if match[0] == "、" and not _figures_on_both_sides(text, start, match.start(), match.end()):
            continue
        found.append((start, match.start()))
        start = match.end()
    found.append((start, len(text)))
    return [span for span in (_trim(text, *span) for span in found) if span[0] < span[1]]


def leads_on(clause: str) -> bool:
    """Whether a clause only says when, where or by what means, and the next one what."""
    return bool(_LEADS_ON.fullmatch(clause))


def _figures_on_both_sides(text: str, start: int, before: int, after: int) -> bool:
    following = re.split(r"[,，;；:：、。]", text[after:], maxsplit=1)[0]
    return _has_figure(text[start:before]) and _has_figure(following) and len(following) > 4


def _has_figure(text: str) -> bool:
    return any(quantity.unit for quantity in quantities(text))


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start] in " \n，,。；;、：:":
        start += 1
    while end > start and text[end - 1] in " \n，,。；;、：:！？!?":
        end -= 1
    return start, end


def shortest_run(
    text: str,
    worth: Callable[[str], float],
    longest: int,
    complete: Callable[[str], bool],
    answer: Span | None = None,
) -> Span:
    """The run of clauses with the best worth for its length; the whole of ``text`` when that is short already.

    Args:
        worth: what a run is worth, from 0 up; compared with ``CHARACTER_COST`` a character.
        longest: the most characters a run may have, if any run of that length is complete.
        complete: whether a run says what it must (holds the figure, names the company).
        answer: where in ``text`` the answer is believed to stand; runs that hold it go before all others.
    """
    cut = clauses(text)
    if not cut:
        return _trim(text, 0, len(text))
    # A run that stops short of the answer's last mark still holds it.
    start, end = _trim(text, *answer) if answer is not None else (0, 0)
    # What only leads on to the next clause is no end, unless it is what was asked for; the last clause has none after it.
    asked = [span for span in cut if answer is not None and span[0] <= start and end <= span[1]]
    ends = [span for span in cut if span in (cut[-1], *asked) or not leads_on(text[slice(*span)])]
    runs = [(first[0], last[1]) for first in cut for last in ends if last >= first]
    if answer is not None:
        runs = [run for run in runs if run[0] <= start and end <= run[1]] or runs
    fitting = [run for run in runs if run[1] - run[0] <= longest and complete(text[slice(*run)])]
    candidates = fitting or [run for run in runs if complete(text[slice(*run)])] or [(cut[0][0], cut[-1][1])]
    best = max(
        candidates, key=lambda run: (worth(text[slice(*run)]) - CHARACTER_COST * (run[1] - run[0]), -run[0])
    )
    return without_joiner(text, best)


def without_joiner(text: str, span: Span) -> Span:
    """A clause without the word that only joins it to the one before (其中, 同时, 一是)."""
    start, end = span
    for pattern in (_JOINER, _ITEM):
        match = pattern.match(text[start:end])
        if match and match.end() < end - start:
            start += match.end()
    return _trim(text, start, end)


def without_number(text: str) -> str:
    """A sentence without the number that it has as an item of an enumeration (一是)."""
    return _ITEM.sub("", text, count=1)
