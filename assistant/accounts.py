"""What several articles say of one thing: where they disagree, all of it is shown, newest first, each with its date.

An answer that picks one of two figures at random is worse than none; which one holds is for the reader to judge, and
the dates are what a judgement goes by. The same holds for what is said relative to a day (今年以来, 目前): the day
it was published is shown beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from assistant.composition import Composition
from assistant.confidence import Absent, probability, signals
from assistant.evidence import Evidence, Reading
from assistant.matching import lacks_value, scope_years, wanted_units
from assistant.quantities import CLOCK, Quantity, agree, quantities, years
from assistant.understanding import Lookup
from index.schema import Article

Compose = Callable[[Evidence], Composition]

DISAGREEING = "资料说法不一，新的在前："
_SINGLE_FACTS = ("figure", "date", "contact", "entity")
_MOST = 3
_ANSWERS = 0.6
"""How likely it must be that a sentence of another article answers, too."""
_OF_A_KIND = 0.8
"""How well it must hold the sort of value asked for, or as well as the best does."""
_UNASKED = 0.3
"""How much farther known questions about its article may be from this one."""
_LACKING = 0.2
"""How much more of the question's names and nouns it may lack, where no company says what both are about."""
_LESS = 0.35
"""How much less of the question's words, its surroundings counted, it may speak of."""
_DAY = re.compile(
    CLOCK + r"|每月\d{1,2}[日号]|(?:(?:19|20)\d{2}年)?\d{1,2}月\d{1,2}[日号]|(?:19|20)\d{2}年(?:\d{1,2}月)?"
)
_NUMBER = re.compile(r"(?<![\d.])\d[\d-]{3,}\d(?![\d.])")
_RELATIVE = re.compile(r"今年|去年|目前|现已|截至目前|近日|本月|上月|今后")
_ASKS_WHEN = re.compile(
    r"哪一?年|哪个年度|何年|什么时[候间]|何时|截至|截止|几月几号|哪年哪?月|数据.{0,4}(?:时间|年份|日期)|目前|现在|最新|如今"
)


def disagreeing(lookup: Lookup, reading: Reading, compose: Compose) -> Composition | None:
    """The accounts of all articles that answer with another value than the best one; None where none disagrees.

    ``compose`` makes an answer of one piece of evidence. Of each article its best sentence counts.
    """
    if lookup.kind not in _SINGLE_FACTS or not reading.evidence:
        return None
    best = reading.evidence[0]
    told = [(best, compose(best))]
    for other in reading.evidence[1:]:
        if any(other.passage.article.id == known.passage.article.id for known, _ in told):
            continue
        if not _answers_as_well(lookup, best, other):
            continue
        account = compose(other)
        if all(_differ(lookup, (other, account), known) for known in told):
            told.append((other, account))
    if len(told) == 1:
        return None
    told.sort(key=lambda item: item[0].passage.article.published or date.min, reverse=True)
    statements = [
        replace(account.statements[0], before=f"{_dated(evidence.passage.article.published)}：")
        for evidence, account in told[:_MOST]
    ]
    return Composition(tuple(statements), lead=DISAGREEING + "\n", bullets=True)


def _answers_as_well(lookup: Lookup, best: Evidence, other: Evidence) -> bool:
    """Whether ``other`` would be an answer had ``best`` not been there, to the very same question."""
    mine, its = best.features, other.features
    if other.span is None or min(its.company, its.year) < 0 or not _same_years(lookup, best, other):
        return False
    given, instead = quantities(best.text), quantities(other.text)
    if any(agree(stated, given) and not agree(stated, instead) for stated in lookup.quantities):
        # Which year 98.6% is of is told where 98.6% stands.
        return False
    if its.foreseen and its.asked < mine.asked - _UNASKED:
        return False
    if its.lacking > mine.lacking + (1.0 if lookup.companies else _LACKING):
        return False
    lacks = lacks_value(lookup, other.text)
    if its.kind < min(_OF_A_KIND, mine.kind) or its.coverage < mine.coverage - _LESS:
        return False
    return probability(signals(its, lookup, Absent(0, lacks))) >= _ANSWERS


def _same_years(lookup: Lookup, best: Evidence, other: Evidence) -> bool:
    """Whether both speak of one year, as far as they say; figures of two years do not disagree."""
    if lookup.kind == "date":
        return True
    mine, its = set(scope_years(best.sentence)), set(scope_years(other.sentence))
    return not mine or not its or bool(mine & its)


def _differ(lookup: Lookup, one: tuple[Evidence, Composition], other: tuple[Evidence, Composition]) -> bool:
    if lookup.kind == "entity":
        first, second = (_named(evidence) for evidence, _ in (one, other))
        return bool(first and second) and first not in second and second not in first
    first, second = (composition.statements[0].text for _, composition in (one, other))
    if lookup.kind == "figure":
        stated, given = (_figures(lookup, *account) for account in (one, other))
        told = [agree(quantity, given) for quantity in stated]
        return False in told and True not in told
    found = (_DAY if lookup.kind == "date" else _NUMBER).findall
    mine, its = set(found(first)), set(found(second))
    return bool(mine and its) and not mine & its


def _figures(lookup: Lookup, evidence: Evidence, composition: Composition) -> list[Quantity]:
    """The figures that answer: those that the trained reader has found, or without any those that were said."""
    units = wanted_units(lookup.shape)
    for text in (_found(evidence), composition.statements[0].text):
        held = [q for q in quantities(text) if q.unit and (not units or q.unit in units)]
        if held:
            return held
    return []


def _named(evidence: Evidence) -> str:
    """What the trained reader takes for the answer, without marks; empty where it was not asked."""
    return re.sub(r"\W", "", _found(evidence))


def _found(evidence: Evidence) -> str:
    """What the trained reader takes for the answer; empty where it was not asked."""
    span = evidence.span
    return evidence.passage.article.text[span.start : span.end] if span else ""


def dated(lookup: Lookup, composition: Composition) -> Composition:
    """``composition`` with the day its article was published, where what it says cannot be dated without.

    That is where it speaks relative to a day, where a date is asked for and it gives no year, and where articles of
    several days speak.
    """
    asked = lookup.kind == "date" or bool(_ASKS_WHEN.search(lookup.text))
    statements = list(composition.statements)
    days = {statement.proofs[0].article.published for statement in statements}
    if lookup.kind == "fact" and len(days) > 1 and None not in days:
        # One thing told on two days: what held on the one may not hold on the other.
        return replace(
            composition,
            statements=tuple(
                replace(s, before=f"{_dated(s.proofs[0].article.published)}：") for s in statements
            ),
        )
    told: set[str] = set()
    for place in reversed(range(len(statements))):
        statement = statements[place]
        article = statement.proofs[0].article
        if statement.before or article.id in told or years(statement.text):
            continue
        origin = _origin(article)
        if origin and (asked or (lookup.kind in _SINGLE_FACTS and _RELATIVE.search(statement.text))):
            statements[place] = replace(statement, after=f"（{origin}）")
            told.add(article.id)
    return replace(composition, statements=tuple(statements))


def _origin(article: Article) -> str:
    """What is known of the day an article speaks from; empty where nothing is."""
    if article.published is not None:
        return f"{_dated(article.published)}资料"
    named = years(article.title)
    return f"据标题为{named[0]}年" if len(named) == 1 else ""


def _dated(day: date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "未注明日期"
