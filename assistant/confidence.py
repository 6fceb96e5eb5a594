"""How likely the best sentence answers the question: a logistic over a few signals, its weights in ``weights.toml``.

The weights are fitted on the ``dev`` cases (``xiaobao-eval fit``); the threshold that the probability is held against is read
off the risk-coverage curve of the same cases. What contradicts the question outright, another company or year than
the one asked about, is not weighed but rules an answer out.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from assistant.evidence import Features
from assistant.matching import WHICH_COMPANIES
from assistant.understanding import Lookup

WEIGHTS = Path(__file__).with_name("weights.toml")
RULED_OUT = 0.02
FORESEEN, NEARER = 0.4, 0.04
"""How near a known question is that is about the same thing, and by how much nearer than those that have no answer."""
DOUBTED = -4.0
"""The margin below which the trained reader sees no answer at all."""
LACKS_MUCH = 0.3
"""Share of a question's names and nouns; a sentence that lacks as much is about something else."""
_STRICT = frozenset({"figure", "date", "contact", "entity", "comparison"})
_OPEN = frozenset({"summary", "list", "how", "why", "definition"})


_POINTING = re.compile(
    r"[那这]车|[那这](?:个|辆|场|次|条|套|款|项|部|首|支)(?!时|公司|月|年|星期)|的那|搞的|办的|推出的|发起的"
)


@dataclass(frozen=True, slots=True)
class Absent:
    """What the best sentence lacks that an answer must have.

    ``things``: named things (重疾险), words that say what sort is asked for (哪家法院). ``value``: it gives no figure in the unit
    asked for, no date, no name where one is asked for.
    """

    things: int
    value: bool


@cache
def weights() -> Mapping[str, float]:
    """The weight of each signal, as shipped."""
    table: dict[str, float] = tomllib.loads(WEIGHTS.read_text("utf-8"))["answered"]
    return table


def signals(features: Features, lookup: Lookup, absent: Absent) -> dict[str, float]:
    """What the probability is made of, each about -1 … 1, by the names that ``weights.toml`` uses.

    ``margin`` is the trained reader's best score above "not here", in tens; it says most where one value is asked for.
    """
    margin = max(-1.0, min(1.2, features.margin / 10))
    if (
        lookup.kind == "contact"
        and features.kind >= 1.0
        and not lookup.companies
        and features.lacking < LACKS_MUCH
    ):
        # The reader has learnt to doubt every number that is not said to be for just what is asked; a hotline is for all.
        margin = max(margin, 0.0)
    strict = lookup.kind in _STRICT or bool(WHICH_COMPANIES.search(lookup.shape))
    chinese = {
        "coverage": features.coverage,
        "own_coverage": features.own_coverage,
        "pairs": features.pairs,
        "needed": 1.0 - features.kind if strict else 0.0,
        "lacking": features.lacking,
    }
    return {
        "bias": 1.0,
        "margin": margin,
        "margin_of_value": margin if strict else 0.0,
        "margin_of_open": margin if lookup.kind in _OPEN else 0.0,
        "no_margin": max(0.0, -margin),
        "open": float(lookup.kind in _OPEN),
        "yes_no": float(lookup.kind == "yes_no"),
        "english": float(lookup.english),
        "meaning": 4 * (features.meaning - 0.55),
        "asked": features.asked,
        "unasked": features.unasked,
        "headed": features.headed if lookup.kind in _OPEN else 0.0,
        "absent": float(min(2, absent.things)),
        "valueless": float(absent.value),
        "follow_up": float(bool(lookup.topic)),
        **{name: 0.0 if lookup.english else value for name, value in chinese.items()},
    }


def contradicted(features: Features, lookup: Lookup) -> bool:
    """Whether the sentence is about another company or year, unless the question can be set right.

    That is where it asserts, or is about one thing that the sentence speaks of as another company's: it points at it
    (那辆大篷车), or questions that the sentence answers are nearer to it than those that it does not.
    """
    spoken_of = features.own_coverage >= 0.5
    known = features.asked >= FORESEEN and features.asked >= features.unasked + NEARER
    points = bool(_POINTING.search(lookup.text)) and spoken_of and features.margin > DOUBTED
    one_thing = features.year >= 0 and (points or (known and (spoken_of or features.margin > 0)))
    asserts = lookup.kind == "yes_no" and (spoken_of or features.margin > 0)
    mended = (asserts or one_thing) and not lookup.outsiders
    return min(features.company, features.year) < 0 and not mended


def probability(found: Mapping[str, float]) -> float:
    """The logistic over the signals ``found``; 0 … 1."""
    table = weights()
    return 1.0 / (1.0 + math.exp(-sum(table[name] * value for name, value in found.items())))
