"""Whether what an answer says stands in what it cites.

ALCE (Gao et al., 2023, "Enabling Large Language Models to Generate Text with Citations", section 4) asks an entailment
model whether quotes support a statement. Here a rule decides, the same way every time: what a reader would check one
by one (numbers with their units and whose they are, dates, names in quotation marks, companies) must stand in the
quotes, and so must most of the other words. It is the evaluation's own rule: what verifies answers before they are
shown has no say in how they are judged. It does not see a negation that a quote has and the statement leaves out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from assistant.lexicon import load_lexicon
from assistant.quantities import Quantity, quantities, years
from assistant.schema import Citation, Claim
from eval.metrics import with_one_name
from eval.normalising import contains, normalise
from eval.responses import SeenPassage

ENOUGH = 0.8
"""Share of a statement's character pairs that its quotes must hold for it to be supported."""

_DAY = re.compile(r"\d{1,2}月\d{1,2}日")
_NAMED = re.compile(r"《([^《》]+)》|“([^“”]+)”|「([^「」]+)」|『([^『』]+)』|\"([^\"]+)\"")
_DIGITS = re.compile(r"[\d.%\s]+")
_NEGATIONS = frozenset("不未没无非勿")


def details_missing(statement: str, quotes: Sequence[str]) -> tuple[str, ...]:
    """What a reader would check of a statement and does not find in the quotes, in order of sort.

    Numbers with their unit, years, days, names in quotation marks and companies; and a number that stands there
    as another company's: the owner of a number is the company named last before it.
    """
    statement = unicodedata.normalize("NFKC", statement)
    sources = [unicodedata.normalize("NFKC", quote) for quote in quotes]
    spelt = [normalise(source) for source in sources]
    owned = [pair for source in sources for pair in _owned(source)]
    known_years = {year for source in sources for year in years(source)}
    known = {mention.company for source in sources for mention in load_lexicon().mentions(source)}
    names = [next(filter(None, match.groups())) for match in _NAMED.finditer(statement)]
    strings = [*_DAY.findall(normalise(statement)), *names]
    missing = [
        *(number.text for number, owner in _owned(statement) if not _stands(number, owner, owned)),
        *(f"{year}年" for year in years(statement) if year not in known_years),
        *(string for string in strings if not any(contains(source, normalise(string)) for source in spelt)),
        *(mention.company for mention in load_lexicon().mentions(statement) if mention.company not in known),
    ]
    return tuple(dict.fromkeys(missing))


def supports(statement: str, quotes: Sequence[str]) -> bool:
    """Whether the quotes together support a statement: every detail stands there, and enough of its words.

    Words are compared as pairs of characters, without numbers and with companies under one name; a pair with a
    negation in it must stand there whatever the share. Nothing supports an empty statement.
    """
    if details_missing(statement, quotes):
        return False
    spelt, *sources = (normalise(with_one_name(text)) for text in (statement, *quotes))
    pairs = _pairs(spelt)
    if not pairs:
        return any(contains(source, spelt) for source in sources)
    held = pairs & set().union(*map(_pairs, sources))
    if any(_NEGATIONS & set(pair) for pair in pairs - held):
        return False
    return len(held) >= ENOUGH * len(pairs)


def citation_recall(claims: Sequence[Claim], citations: Sequence[Citation]) -> float | None:
    """Share of the claims that are supported by what they cite, taken together; None where nothing is claimed.

    Citation recall of ALCE (Gao et al., 2023, section 4.2). A claim that cites nothing, or a number that is no
    citation's, is not supported.
    """
    if not claims:
        return None
    return sum(_is_supported(claim, _quotes(citations)) for claim in claims) / len(claims)


def citation_precision(claims: Sequence[Claim], citations: Sequence[Citation]) -> float | None:
    """Share of the citations given that are of use to the claim they stand at; None where none is given.

    Citation precision of ALCE (Gao et al., 2023, section 4.2): a citation counts where its claim is supported
    and it is not irrelevant; it is irrelevant when alone it does not support the claim and the others
    without it do.
    """
    given = sum(len(claim.citation_numbers) for claim in claims)
    if not given:
        return None
    quotes = _quotes(citations)
    useful = sum(
        _is_relevant(claim, place, quotes)
        for claim in claims
        if _is_supported(claim, quotes)
        for place in range(len(claim.citation_numbers))
    )
    return useful / given


def faithfulness(claims: Sequence[Claim], citations: Sequence[Citation]) -> float | None:
    """Share of the claims of which every number, date, quoted name and company stands in what they cite.

    None where nothing is claimed. Faithfulness as in RAGAS (Es et al., 2023, section 3): supported statements
    out of all, checked here for the details that a reader must be able to rely on (``details_missing``).
    """
    if not claims:
        return None
    quotes = _quotes(citations)
    faithful = (
        not details_missing(claim.text, [quotes[n] for n in claim.citation_numbers if n in quotes])
        for claim in claims
    )
    return sum(faithful) / len(claims)


def exact_quotes(citations: Sequence[Citation], passages: Sequence[SeenPassage]) -> float | None:
    """Share of the citations whose quote is what stands at their offsets; None where none can be looked up.

    The offsets count in the article, of which the passages that were looked at are known. A citation that none
    of them overlaps is left out.
    """
    checked = [exact for citation in citations if (exact := _is_exact(citation, passages)) is not None]
    return sum(checked) / len(checked) if checked else None


def _owned(text: str) -> list[tuple[Quantity, str]]:
    """Every quantity of a text with the company named last before it, empty where none is."""
    mentions = load_lexicon().mentions(text)
    found: list[tuple[Quantity, str]] = []
    for quantity in quantities(text):
        before = [mention.company for mention in mentions if mention.start < quantity.start]
        found.append((quantity, before[-1] if before else ""))
    return found


def _stands(stated: Quantity, owner: str, sources: Sequence[tuple[Quantity, str]]) -> bool:
    return any(
        stated.value == source.value
        and (not stated.unit or stated.comparable(source))
        and (not owner or not theirs or owner == theirs)
        for source, theirs in sources
    )


def _pairs(normalised: str) -> set[str]:
    return {run[place : place + 2] for run in _DIGITS.split(normalised) for place in range(len(run) - 1)}


def _quotes(citations: Sequence[Citation]) -> dict[int, str]:
    return {citation.number: citation.quote for citation in citations}


def _is_supported(claim: Claim, quotes: dict[int, str]) -> bool:
    numbers = claim.citation_numbers
    return all(n in quotes for n in numbers) and supports(claim.text, [quotes[n] for n in numbers])


def _is_relevant(claim: Claim, place: int, quotes: dict[int, str]) -> bool:
    numbers = claim.citation_numbers
    if supports(claim.text, [quotes[numbers[place]]]):
        return True
    others = [quotes[n] for other, n in enumerate(numbers) if other != place]
    return not supports(claim.text, others)


def _is_exact(citation: Citation, passages: Sequence[SeenPassage]) -> bool | None:
    overlaps = [
        passage
        for passage in passages
        if passage.article_id == citation.article_id
        and passage.start < citation.end
        and citation.start < passage.end
    ]
    if not overlaps:
        return None
    return len(citation.quote) == citation.end - citation.start and all(
        _between(citation.quote, citation.start, passage.start, passage.end)
        == _between(passage.text, passage.start, citation.start, citation.end)
        for passage in overlaps
    )


def _between(text: str, offset: int, start: int, end: int) -> str:
    """The part of a text that begins at ``offset`` which lies within ``start`` to ``end`` of the whole."""
    return text[max(0, start - offset) : max(0, end - offset)]
