"""Companies of the articles, exchanged with each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant.lexicon import Mention, load_lexicon
from eval.cases import Case, Document
from eval.figures import Mark, marks_of
from eval.worlds import Edit, Perturbation, draw, edited, names, statement

_PHRASE = re.compile(r"[^，、；。,;\n]{3,30}")


def of_swaps(case: Case, documents: Sequence[Document]) -> Iterator[Perturbation]:
    asked = {mention.company for mention in load_lexicon().mentions(case.question)}
    for alternatives in case.facts:
        found = _company_of(alternatives) if len(alternatives) == 1 else None
        made = (
            _swapped_company(case, found, asked, documents)
            if found
            else _swapped_figure(case, alternatives, asked, documents)
        )
        if made is not None:
            yield made


def _company_of(alternatives: Sequence[str]) -> Mention | None:
    mentions = load_lexicon().mentions(alternatives[0])
    whole = mentions and (mentions[0].start, mentions[0].end) == (0, len(alternatives[0]))
    return mentions[0] if whole and mentions[0].standing == "member" else None


def _swapped_company(
    case: Case, wanted: Mention, asked: set[str], documents: Sequence[Document]
) -> Perturbation | None:
    """Another company in the place of the one that is asked for."""
    place = _evidence_with(case, wanted.company, documents)
    if place is None or wanted.company in asked:
        return None
    number, start, end = place
    here = _members(documents[number].text, start, end)
    partner = _partner(wanted.company, here) or _newcomer(wanted.company, documents)
    if partner is None or partner in asked:
        return None
    text = documents[number].text
    edits = tuple(_exchanged(number, here, wanted.company, partner))
    old = _name_in(here, wanted.company, text)
    # The name alone tells only where it stands nowhere any more.
    left = any(old in document.text for document in edited(documents, edits))
    gone = tuple(_phrases(text, here, wanted.company, partner)) if left else (old,)
    return Perturbation(case, "swap", old, partner, gone, edits)


def _swapped_figure(
    case: Case, alternatives: Sequence[str], asked: set[str], documents: Sequence[Document]
) -> Perturbation | None:
    """The figure of another company in the same statement, where both stand in the same words."""
    marks = {mark.key: mark for alternative in alternatives for mark in marks_of(alternative)}
    for company in sorted(asked):
        place = _evidence_with(case, company, documents)
        if place is None or case.kind == "comparison":
            continue
        number, start, end = place
        text = documents[number].text
        here = _members(text, start, end)
        figures = {mention.company: _figure_after(text, mention, end) for mention in here}
        if company not in figures:
            continue  # the group itself, which no other company stands for
        mine, partner = figures[company], _partner(company, here)
        theirs = figures.get(partner) if partner else None
        if mine is None or theirs is None or partner is None or partner in asked:
            continue
        if mine.key in marks and not names(case, mine.text, theirs.text):
            edits = tuple(_exchanged(number, here, company, partner))
            gone = tuple(_phrases(text, here, company, partner))
            return Perturbation(case, "swap", mine.text, theirs.text, gone, edits)
    return None


def _phrases(text: str, here: Sequence[Mention], *companies: str) -> Iterator[str]:
    """What the statement says right behind the names of companies, with the names."""
    for mention in here:
        if mention.company in companies and (rest := _PHRASE.match(text, mention.end)):
            yield text[mention.start : rest.end()]


def _name_in(here: Sequence[Mention], company: str, text: str) -> str:
    """How a statement writes a company's name."""
    return next(text[mention.start : mention.end] for mention in here if mention.company == company)


def _evidence_with(case: Case, company: str, documents: Sequence[Document]) -> tuple[int, int, int] | None:
    """The statement ``(document, start, end)`` of the first evidence that names the company."""
    for string in case.evidence:
        if all(mention.company != company for mention in load_lexicon().mentions(string)):
            continue
        for number, document in enumerate(documents):
            if (start := document.text.find(string)) >= 0:
                return number, *statement(document.text, start)
    return None


def _members(text: str, start: int, end: int) -> list[Mention]:
    return [
        replace(mention, start=mention.start + start, end=mention.end + start)
        for mention in load_lexicon().mentions(text[start:end])
        if mention.standing == "member"
    ]


def _figure_after(text: str, mention: Mention, end: int) -> Mark | None:
    """The figure right behind a company's name and one verb (平安人寿赔付410万件)."""
    found = next(iter(marks_of(text[mention.end : end])), None)
    return found if found is not None and found.start <= 3 else None


def _partner(company: str, here: Sequence[Mention]) -> str | None:
    """Who changes places with a company: its neighbour in a list of companies, taken two by two."""
    names = list(dict.fromkeys(mention.company for mention in here))
    other = names.index(company) ^ 1
    return names[other] if other < len(names) else None


def _newcomer(company: str, documents: Sequence[Document]) -> str | None:
    """A company of the group that no article names."""
    lexicon = load_lexicon()
    named = {mention.company for document in documents for mention in lexicon.mentions(document.text)}
    members = {name for name, standing in lexicon.companies.values() if standing == "member"}
    free = sorted(name for name in members - named if name.startswith("平安") and len(name) == 4)
    return free[draw(company) % len(free)] if free else None


def _exchanged(document: int, here: Sequence[Mention], one: str, other: str) -> Iterator[Edit]:
    for mention in here:
        if mention.company in (one, other):
            yield Edit(document, mention.start, mention.end, other if mention.company == one else one)
