"""Comparisons over figures that stand together: whose is most, least, more or less."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.clauses import clauses, without_joiner
from assistant.composition import Composition, Proof, Statement, whole_sentence
from assistant.evidence import Evidence
from assistant.lexicon import Lexicon
from assistant.matching import WHOSE, wanted_units
from assistant.quantities import Quantity, quantities
from assistant.understanding import Lookup

MOST_SHOWN = 4
_LEAST = re.compile(
    r"最少|最低|最小|垫底|倒数|最末|更少|更低|更小|少于|低于|哪.{0,6}少|谁.{0,8}(?:少|低)|least|fewest|lowest",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity, the clause ``start:end`` of an article that gives it, and whose it is (empty when no company is named)."""

    evidence: Evidence
    start: int
    end: int
    owner: str
    quantity: Quantity


def figures(evidence: Evidence, lexicon: Lexicon) -> list[Figure]:
    """The figures of a statement, one a clause, each with the company named in its clause or in the nearest before."""
    found = []
    owner = ""
    text = evidence.text
    for start, end in clauses(text):
        start, end = without_joiner(text, (start, end))
        named = [
            mention.company for mention in lexicon.mentions(text[start:end]) if mention.standing != "group"
        ]
        owner = named[-1] if named else owner
        held = [
            quantity
            for quantity in quantities(text[start:end])
            if quantity.unit and quantity.unit not in ("年", "月", "日")
        ]
        if held:
            found.append(Figure(evidence, evidence.start + start, evidence.start + end, owner, held[-1]))
    return found


def ranked(lookup: Lookup, evidence: Sequence[Evidence], lexicon: Lexicon) -> list[Figure]:
    """Comparable figures, the one asked for first; empty when fewer than two stand in the best evidence.

    Companies named in the question keep only their own figures, which may then stand in several statements.
    """
    wanted = wanted_units(lookup.shape)
    asked = set(lookup.companies)
    pools = [figures(item, lexicon) for item in evidence]
    if len(asked) > 1:
        pools = [[figure for pool in pools for figure in pool]]
    elif WHOSE.search(lookup.text) or "排" in lookup.text:
        pools = [pool for pool in pools if len({figure.owner for figure in pool if figure.owner}) > 1]
    pool = pools[0] if pools else []
    if asked:
        pool = [figure for figure in pool if figure.owner in asked]
    if wanted:
        pool = [figure for figure in pool if figure.quantity.unit in wanted]
    if not pool:
        return []
    by_owner: dict[tuple[str, int], Figure] = {}
    owned = len({figure.owner for figure in pool if figure.owner}) > 1
    first = next((figure for figure in pool if figure.owner), pool[0]) if owned else pool[0]
    for figure in pool:
        if figure.quantity.comparable(first.quantity) and (figure.owner or not owned):
            by_owner.setdefault((figure.owner, 0) if owned else ("", figure.start), figure)
    least = bool(_LEAST.search(lookup.text))
    return (
        sorted(by_owner.values(), key=lambda figure: figure.quantity.value, reverse=not least)
        if len(by_owner) > 1
        else []
    )


def compare(lookup: Lookup, evidence: Sequence[Evidence], lexicon: Lexicon) -> Composition | None:
    """The comparison stated: the one asked for, then the others it was compared with; None when nothing is comparable."""
    order = ranked(lookup, evidence, lexicon)
    if not order:
        return None
    statements = tuple(stated(figure, lexicon) for figure in order[:MOST_SHOWN])
    return Composition(
        statements, lead="最少的是" if _LEAST.search(lookup.text) else "最多的是", joined="；其余："
    )


def stated(figure: Figure, lexicon: Lexicon) -> Statement:
    """A figure's clause with whose it is, where the clause itself does not say so."""
    article = figure.evidence.passage.article
    said = article.text[figure.start : figure.end]
    if figure.owner and figure.owner not in {mention.company for mention in lexicon.mentions(said)}:
        said = f"{figure.owner}：{said}"
    quote = whole_sentence(article, figure.evidence.start, figure.evidence.end)
    return Statement(said, (Proof(article, *quote),))
