"""The densest short clauses of many items: what is kept of a long text when it has to be short.

Breadth comes before length: every item gives its best run of neighbouring clauses first, and only the room that is
left goes to saying more of any of them. What a clause is worth is given from outside; what it costs is its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assistant.clauses import Span, clauses, leads_on, without_joiner
from assistant.composition import Proof

LEAST_CHARS = 24
"""Room below which an item cannot say anything: with more items than that, the poorest are left out."""
BULLET_CHARS = 3
"""What a bullet costs beside its words: its mark and the line it takes."""
SHORTEST_CHARS = 10
"""A run shorter than this is a fragment, unless it is all that its item says."""
OPENING = 1.3
"""How much more the first sentence of an item counts: it says what the item is about."""
LED_UP_TO = 0.5
"""How much less a sentence counts that only tells what led to it (随着…, 近年来…)."""
MOST_ITEMS = 60
"""Items beyond these are not looked at: a text that long has no overview of a few lines without headings."""
LEAST_WORTH = 0.3
"""Worth a character below which room is better left empty."""

_LEADING_UP = re.compile(r"随着|近年来|当前|长期以来|众所周知")


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring clauses of one item: ``start:end`` in the article's text, and their worth."""

    unit: int
    start: int
    end: int
    worth: float

    @property
    def length(self) -> int:
        return self.end - self.start


def excerpts(groups: Sequence[Sequence[Proof]], room: int, worth: Callable[[str], float]) -> list[Proof]:
    """Runs of clauses from ``groups`` of stretches, in the order given, that take at most ``room`` characters.

    Args:
        groups: the items, each of one or more stretches (sentences) of an article.
        room: characters for all runs together with their bullets.
        worth: what one clause is worth, in characters of full information; from 0 up.
    """
    groups = groups[:MOST_ITEMS]
    units = [stretch for group in groups for stretch in group]
    opening = {id(group[0]) for group in groups if len(group) > 1}
    weights = [
        LED_UP_TO if _LEADING_UP.match(_text(unit)) else (OPENING if id(unit) in opening else 1.0)
        for unit in units
    ]
    runs = [_runs(number, unit, room, worth, weights[number]) for number, unit in enumerate(units)]
    chosen = {run.unit: run for run in _one_of_each(groups, runs, room)}
    left = room - sum(run.length + BULLET_CHARS for run in chosen.values())
    while (better := _next(runs, chosen, left)) is not None:
        left -= _cost(better, chosen)
        chosen[better.unit] = better
    return [Proof(units[number].article, run.start, run.end) for number, run in sorted(chosen.items())]


def _runs(number: int, unit: Proof, room: int, worth: Callable[[str], float], weight: float) -> list[_Run]:
    text = unit.article.text
    cut = [(unit.start + start, unit.start + end) for start, end in clauses(text[unit.start : unit.end])]
    values = [weight * worth(text[start:end]) for start, end in cut]
    found = []
    for first in range(len(cut)):
        for last in range(first, len(cut)):
            # What only says when, where or by what means needs the clause that it belongs to.
            opened = leads_on(text[slice(*cut[last])]) and last + 1 < len(cut)
            start, end = _bare(text, (cut[first][0], cut[last][1]))
            short = end - start < SHORTEST_CHARS and last + 1 - first < len(cut)
            if end - start > room - BULLET_CHARS:
                break
            if not opened and not short and start < end:
                found.append(_Run(number, start, end, sum(values[first : last + 1])))
    return found


def _text(unit: Proof) -> str:
    return unit.article.text[unit.start : unit.end]


def _bare(text: str, span: Span) -> Span:
    start, end = without_joiner(text[slice(*span)], (0, span[1] - span[0]))
    return span[0] + start, span[0] + end


def _one_of_each(
    groups: Sequence[Sequence[Proof]], runs: Sequence[Sequence[_Run]], room: int
) -> Iterable[_Run]:
    """The best run of every group, each within an equal share of the room; the best groups when it is too little."""
    own: list[list[_Run]] = []
    number = 0
    for group in groups:
        own.append([run for unit in range(number, number + len(group)) for run in runs[unit]])
        number += len(group)
    own = [of_group for of_group in own if of_group]
    share = max(LEAST_CHARS, room // max(1, len(own)) - BULLET_CHARS)
    best = [_best(of_group, share) for of_group in own]
    kept: list[_Run] = []
    left = room
    for run in sorted(best, key=lambda run: -run.worth / (run.length + BULLET_CHARS)):
        if run.length + BULLET_CHARS <= left:
            kept.append(run)
            left -= run.length + BULLET_CHARS
    return kept


def _best(runs: Sequence[_Run], share: int) -> _Run:
    fitting = [run for run in runs if run.length <= share]
    if not fitting:
        return min(runs, key=lambda run: run.length)
    return max(fitting, key=lambda run: (run.worth, -run.length))


def _cost(run: _Run, chosen: dict[int, _Run]) -> int:
    said = chosen.get(run.unit)
    return run.length - said.length if said else run.length + BULLET_CHARS


def _next(runs: Sequence[Sequence[_Run]], chosen: dict[int, _Run], left: int) -> _Run | None:
    """The run that adds most for its length, new or longer than the one already chosen; None when none is worth it."""
    best: tuple[float, _Run] | None = None
    for run in (run for of_unit in runs for run in of_unit):
        said = chosen.get(run.unit)
        if said and not (run.start <= said.start and said.end <= run.end and run.length > said.length):
            continue
        cost = _cost(run, chosen)
        density = (run.worth - (said.worth if said else 0.0)) / max(1, cost)
        if cost <= left and density >= LEAST_WORTH and (best is None or density > best[0]):
            best = (density, run)
    return best[1] if best else None
