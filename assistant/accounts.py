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
from assistant.matching import scope_years, wanted_units
from assistant.quantities import agree, quantities, years
from assistant.reading import Evidence, Reading
from assistant.understanding import Lookup
from index.schema import Article

Compose = Callable[[Evidence], Composition]

DISAGREEING = "资料说法不一，新的在前："
_SINGLE_FACTS = ("figure", "date", "contact", "entity")
_MOST = 3
_LACKING = 0.05
"""How much more of the question's names and nouns it may lack: another company's figure disagrees with nothing."""
_NEAR, _NEAR_DAY = 0.3, 0.25
"""How much less of the question's words another article's sentence may hold, its surroundings counted, and still answer."""
_READ = 3.0
"""The margin from which on the trained reader is taken to have found the answer in a sentence of another article."""
_SURE = 5.0
"""The same for names."""
_UNSURE = 2.5
"""How much less sure of it than of the best, where it sees neither clearly, the trained reader may be."""
_OWN = 0.2
"""Share of the question's words that it must hold itself."""
_DAY = re.compile(r"(?:(?:19|20)\d{2}年)?\d{1,2}月\d{1,2}[日号]|(?:19|20)\d{2}年(?:\d{1,2}月)?")
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
    mine, its = best.features, other.features
    if min(its.company, its.year) < 0 or not _same_years(lookup, best, other):
        return False
    if lookup.kind == "entity":
        # Names are many, and few of two that are read so are the names of one thing.
        return min(mine.margin, its.margin) >= _SURE and its.own_coverage >= mine.own_coverage - _OWN
    if min(mine.margin, its.margin) >= _READ and its.kind >= mine.kind:
        return its.lacking <= mine.lacking + _NEAR
    return its.margin >= min(0.0, mine.margin) - _UNSURE and (
        its.coverage >= mine.coverage - (_NEAR_DAY if lookup.kind == "date" else _NEAR)
        and its.own_coverage >= _OWN
        and its.lacking <= mine.lacking + _LACKING
        and its.kind >= mine.kind
        and its.year >= mine.year
    )


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
        units = wanted_units(lookup.shape)
        stated = [q for q in quantities(first) if q.unit and (not units or q.unit in units)]
        if not stated:
            # 几个工作日 counts in a unit of its own, which what was found has too.
            first, second = (_found(evidence) for evidence, _ in (one, other))
            stated = [q for q in quantities(first) if q.unit]
        return bool(stated) and not any(
            agree(quantity, quantities(second)) is not False for quantity in stated
        )
    found = (_DAY if lookup.kind == "date" else _NUMBER).findall
    mine, its = set(found(first)), set(found(second))
    return bool(mine and its) and not mine & its


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
