"""Differences and ratios of two figures that stand in the articles: 多几件, 占多大比例, 几倍.

The articles give the figures and not the sum; the answer says what comes out and shows both figures with it, so that the
reader can check the sum as well as the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from assistant.comparing import Figure, figures, stated
from assistant.composition import Composition
from assistant.evidence import Evidence
from assistant.kinds import DIFFERENCE, TIMES, reckons
from assistant.lexicon import Lexicon
from assistant.matching import wanted_units
from assistant.quantities import Quantity, agree
from assistant.terms import Term, coverage
from assistant.understanding import Lookup, normalise


def reckoned(
    lookup: Lookup, evidence: Sequence[Evidence], lexicon: Lexicon, terms: Sequence[Term]
) -> Composition | None:
    """What is asked for, from the two figures that it is asked of; None where the articles do not give two such."""
    if not reckons(lookup.text):
        return None
    pair = _pair(lookup, evidence, lexicon, terms)
    if pair is None:
        return None
    if any(agree(quantity, [figure.quantity for figure in pair]) is None for quantity in lookup.quantities):
        # 7亿人次里占几成: what is asked of one figure does not come out of two others.
        return None
    large, small = sorted(pair, key=lambda figure: -figure.quantity.value)
    shown = f"（{large.quantity.text}与{small.quantity.text}，按资料数字计算）："
    roughly = "约" if large.quantity.approximate or small.quantity.approximate else ""
    if DIFFERENCE.search(lookup.text):
        lead = (
            f"相差{roughly}{_plain(large.quantity.value - small.quantity.value)}{large.quantity.unit}{shown}"
        )
    elif not small.quantity.value:
        return None
    elif TIMES.search(lookup.text):
        lead = f"约{_plain(_rounded(large.quantity.value / small.quantity.value))}倍{shown}"
    else:
        lead = f"约{_plain(_rounded(100 * small.quantity.value / large.quantity.value))}%{shown}"
    statements = [stated(figure, lexicon) for figure in pair]
    if statements[0].text == statements[1].text:
        statements = statements[:1]
    return Composition(tuple(statements), lead=lead, joined="；")


def _pair(
    lookup: Lookup, evidence: Sequence[Evidence], lexicon: Lexicon, terms: Sequence[Term]
) -> tuple[Figure, Figure] | None:
    """The two comparable figures whose clauses share most with the question, in the order of the article."""
    asked = set(lookup.companies)
    wanted = wanted_units(lookup.shape) - {"%", "倍", "成"}
    pool = [figure for item in evidence for figure in figures(item, lexicon)]
    if len(asked) > 1:
        pool = [figure for figure in pool if figure.owner in asked]
    elif evidence:
        # Figures of two statements are of two things, unless two companies are compared.
        pool = [figure for figure in pool if figure.evidence is evidence[0]]
    if wanted:
        pool = [figure for figure in pool if figure.quantity.unit in wanted]

    def shared(figure: Figure) -> float:
        article = figure.evidence.passage.article
        said = lexicon.fold(normalise(article.text[figure.start : figure.end]))
        return coverage(terms, [(said, 1.0)], lexicon)

    pool.sort(key=lambda figure: -shared(figure))
    # Where no figure shares a word with the question, it asks about none of them, unless it names whose they are.
    if len(asked) < 2 and not any(shared(figure) for figure in pool[:1]):
        return None
    for place, first in enumerate(pool):
        for other in pool[:place]:
            apart = (first.start, first.owner) != (other.start, other.owner)
            owners = not asked or len(asked) == 1 or first.owner != other.owner
            if apart and owners and _alike(first.quantity, other.quantity):
                return (other, first) if other.start < first.start else (first, other)
    return None


def _alike(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities count one sort of thing: 个 stands for many, but 家 and 项 are never one."""
    loose = {"个", "项", "款", "种", "类", "大", "家"}
    if {one.unit, other.unit} <= loose:
        return one.unit == other.unit or "个" in (one.unit, other.unit)
    return one.comparable(other)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"))


def _plain(value: Decimal) -> str:
    whole = value.normalize()
    for scale, word in ((Decimal(100_000_000), "亿"), (Decimal(10_000), "万")):
        if abs(whole) >= scale and (whole / scale * 100) % 1 == 0:
            return f"{(whole / scale).normalize():f}{word}"
    return f"{whole:f}"
