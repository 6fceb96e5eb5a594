"""Premises of a question checked against the sentence that answers it: figures, days, years, companies, denial.

A question that states 8万余场 where the article says 2万余场 is corrected in the first words of the answer, not
confirmed and not ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.clauses import clauses
from assistant.composition import Composition
from assistant.evidence import Evidence
from assistant.lexicon import Lexicon
from assistant.matching import scope_years
from assistant.quantities import Quantity, agree, quantities
from assistant.understanding import Lookup

SURE = 0.75
"""Share of the question's words that a sentence must hold itself before it is said to confirm the question."""


def checked(lookup: Lookup, best: Evidence, composed: Composition, lexicon: Lexicon) -> Composition:
    """The composition with wrong premises corrected, and a yes/no question answered, in its first words."""
    wrong = contradictions(lookup, best, composed, lexicon)
    if wrong:
        shown = "；".join(f"资料为{source}，不是{stated}" for stated, source in wrong)
        return replace(composed, lead=f"不是。{shown}：" if lookup.kind == "yes_no" else f"{shown}：")
    if lookup.kind == "yes_no" and not _negates(composed.statements[0].text, lookup.text):
        proven = all(agree(quantity, quantities(best.text)) for quantity in lookup.quantities)
        sure = best.features.own_coverage >= SURE and proven and not _doubtful(lookup.text)
        return replace(composed, lead="是的，" if sure else "资料提到：")
    return composed


def contradictions(
    lookup: Lookup, best: Evidence, composed: Composition, lexicon: Lexicon
) -> list[tuple[str, str]]:
    """What the question states and what the articles say instead, pair by pair."""
    said = [q for statement in composed.statements for q in quantities(statement.text)]
    said += quantities(best.text)
    own = _figures_of(lookup.companies, best.text, lexicon)
    wrong = []
    for quantity in lookup.quantities:
        # How old the customer is (64岁能买吗) is no premise about the sentence's ages.
        if quantity.unit == "岁":
            continue
        # 哪一个, 这一类, 最后一个: an article rather than a count; 三个字 counts the words of the question.
        if (quantity.text.startswith("一") and quantity.value == 1) or f"{quantity.text}字" in lookup.text:
            continue
        # Of the figures of several companies only those of the company asked about confirm or contradict.
        rivals = [other for other in own if quantity.comparable(other)] or [
            other for other in said if quantity.comparable(other)
        ]
        if agree(quantity, rivals) is False:
            source = next((other for other in rivals if other.unit == quantity.unit), rivals[0])
            wrong.append((quantity.text, source.text))
    named = lexicon.members(best.text)
    if lookup.kind != "yes_no":
        if best.features.company < 0 and len(named) == 1:
            wrong.append((lookup.companies[0], named.pop()))
        return wrong
    wrong += _wrong_dates(lookup.text, best.text)
    spoken = scope_years(best.sentence)
    if best.features.year < 0 and lookup.years and spoken:
        wrong.append((f"{lookup.years[0]}年", f"{spoken[0]}年"))
    if best.features.company < 0 and len(named) == 1:
        wrong.append((lookup.companies[0], named.pop()))
    return wrong


def _figures_of(companies: Sequence[str], text: str, lexicon: Lexicon) -> list[Quantity]:
    """The quantities of a sentence in clauses about one of ``companies``, named there or last before."""
    found: list[Quantity] = []
    owner = ""
    for start, end in clauses(text):
        named = [
            mention.company for mention in lexicon.mentions(text[start:end]) if mention.standing != "group"
        ]
        owner = named[-1] if named else owner
        if owner in companies:
            found += quantities(text[start:end])
    return found


def _wrong_dates(asked: str, source: str) -> list[tuple[str, str]]:
    """Days of a month that the question states and the sentence gives otherwise."""
    pattern = re.compile(r"(\d{1,2})月(\d{1,2})[日号]")
    stated, given = pattern.search(asked), list(pattern.finditer(source))
    if stated is None or not given or any(date.groups() == stated.groups() for date in given):
        return []
    return [(stated[0], given[0][0])]


_NOT = re.compile(
    r"不(?!断|仅|定期|同|止|少|久|限|得不|舍|忘)|未(?!来)|没有|无法|无需|禁止|严禁|免(?=分类|费|于)"
)
_EITHER_OR = re.compile(r"是不是|有没有|能不能|会不会|可不可以|对不对|要不要|没错")
_DOUBT = re.compile(r"不|没|未")


def _negates(said: str, asked: str) -> bool:
    """Whether one of sentence and question denies and the other does not, so that 是 would mislead."""
    return bool(_NOT.search(said)) != bool(_NOT.search(_EITHER_OR.sub("", asked)))


def _doubtful(asked: str) -> bool:
    return bool(_DOUBT.search(_EITHER_OR.sub("", asked)))
