"""Lists: the enumeration that a question asks for, and not the sentence that only announces it.

哪几家                         the companies that are named, with 其中 or without
“全、实、新” 各是什么           the sections whose headings quote these words
有哪些措施                     一是…二是…, or the labelled paragraphs under the heading that is asked about
材料、地方、方式               the sentence with the longest series of 、
有哪些举措, with none of these  the densest clauses of the paragraph
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.clauses import clauses
from assistant.composition import Composition, Proof, Statement, bullets, whole_sentence
from assistant.enumerations import Section, announced, sections
from assistant.enumerations import at as enumeration_at
from assistant.evidence import Evidence, Reading
from assistant.items import items, units
from assistant.lexicon import Lexicon
from assistant.overviews import (
    asks_for_overview,
    asks_what_was_done,
    excerpted,
    names_all,
    overview,
    quoted_sections,
    telling,
)
from assistant.terms import coverage
from assistant.understanding import Lookup
from assistant.weighing import folded, worth_of
from index.cleaning import RUN_IN_LEVEL
from index.schema import Article
from index.segmentation import sentences

_COMPANIES = re.compile(
    r"哪(?:些|几家|几个)(?:成员|子|保险)*(?:公司|机构|企业)|哪几家|(?:公司|机构|企业)(?:分别)?(?:是|有|包括)哪"
)
_SERIES = re.compile(r"[^、,，。；;：:]{1,40}(?:、[^、,，。；;：:]{1,40})+")
_MEANING = re.compile(
    r"(?:是|由|指)哪[两三四五六七八九几]|代表(?:什么|啥|哪)|指(?:的是)?(?:什么|啥|哪)|是(?:什么|啥)|含义|意思|(?:由|包括|包含|含有)(?:什么|啥|哪)|(?:哪些|什么)(?:内容|部分)"
)
NEAR = 0.3
"""How much a sentence's score may lie below the best for its series to be the list that is asked for."""


def listed(lookup: Lookup, reading: Reading, lexicon: Lexicon) -> Composition | None:
    """The list that ``lookup`` asks for, where the articles' structure shows one; None where a clause must do."""
    best = reading.evidence[0]
    article = best.passage.article
    if names_all(article, telling(reading.terms), lexicon):
        return overview(lookup, reading, lexicon)
    if lookup.companies and asks_for_overview(lookup.text):
        return overview(lookup, reading, lexicon)
    if _COMPANIES.search(lookup.text):
        named = companies_named(reading, lexicon)
        if named is not None:
            return named
    quoted = quoted_sections(lookup, article)
    if quoted:
        return _of_sections(article, quoted, reading, lexicon)
    whole = announced(article.text, best.start, best.end)
    if whole:
        groups = [[Proof(article, start, end)] for start, end in whole]
        return excerpted(groups, worth_of(reading.terms, lexicon, [article]))
    if _MEANING.search(lookup.text):
        explained = _explained(reading, lexicon)
        if explained is not None:
            return explained
    found = enumeration_at(article.text, best.start, best.end)
    if found is not None and _asks_for_all(lookup, found.items, reading, article, lexicon):
        return bullets(article, found.items)
    under = _labelled(reading, best, lexicon)
    if under is not None:
        return under
    if asks_what_was_done(lookup.text) or (asks_for_overview(lookup.text) and series_length(best.text) < 3):
        return overview(lookup, reading, lexicon)
    return None


def with_series(reading: Reading) -> Evidence:
    """The best evidence, or one nearly as good that has a series of things where the best has none."""
    best = reading.evidence[0]
    if series_length(best.text) >= 3:
        return best
    near = [
        item
        for item in reading.evidence[1:]
        if item.score >= best.score - NEAR
        and item.features.own_coverage >= best.features.own_coverage - 0.1
        and item.features.company >= 0
        and item.features.year >= 0
        and series_length(item.text) >= 3
    ]
    return near[0] if near else best


def companies_named(reading: Reading, lexicon: Lexicon) -> Composition | None:
    """What the best evidence says of two companies or more: in its sentence, or in what directly follows it."""
    best = reading.evidence[0]
    article = best.passage.article
    paragraph = article.text.rfind("\n", 0, best.start) + 1
    stop = article.text.find("\n", best.end)
    for span in sentences(article.text[paragraph : stop if stop >= 0 else None], paragraph):
        if span.end <= best.start or span.start > best.end + 1:
            continue
        speaking = [
            unit
            for unit in units(article, span.start, span.end)
            if any(m.standing == "member" for m in lexicon.mentions(article.text[unit.start : unit.end]))
        ]
        text = article.text[span.start : span.end]
        if len({m.company for m in lexicon.mentions(text) if m.standing == "member"}) > 1:
            return excerpted([[unit] for unit in speaking], worth_of(reading.terms, lexicon, [article]))
    return None


def _explained(reading: Reading, lexicon: Lexicon) -> Composition | None:
    """The parts, set off by semicolons, of the sentence 即… that explains what the best evidence has named."""
    best = reading.evidence[0]
    article = best.passage.article
    paragraph_end = article.text.find("\n", best.end)
    rest = article.text[best.end : paragraph_end if paragraph_end >= 0 else None]
    following = sentences(rest, best.end)[:1]
    if not following or not article.text.startswith("即", following[0].start):
        return None
    parts = units(article, following[0].start, following[0].end)
    if len(parts) < 2:
        return None
    return excerpted([[part] for part in parts], worth_of(reading.terms, lexicon, [article]))


def _of_sections(
    article: Article, found: Sequence[Section], reading: Reading, lexicon: Lexicon
) -> Composition:
    """The items of one section; of several, each by its heading and what it says first."""
    if len(found) == 1:
        groups = items(article, found[0].heading.start, found[0].end)
        return excerpted(groups, worth_of(reading.terms, lexicon, [article]))
    statements = []
    for section in found:
        first = sentences(article.text[section.heading.end : section.end], section.heading.end)[:1]
        leads = [
            (span.start + start, span.start + end)
            for span in first
            for start, end in clauses(article.text[span.start : span.end])
        ]
        # The last clauses of an opening sentence say what it comes to.
        lead = leads[-1] if leads else (section.heading.start, section.heading.end)
        statements.append(
            Statement(
                f"{section.heading.text}：{article.text[slice(*lead)]}",
                (Proof(article, section.heading.start, whole_sentence(article, *lead)[1]),),
            )
        )
    return Composition(tuple(statements), bullets=True)


def _asks_for_all(
    lookup: Lookup,
    found: Sequence[tuple[int, int]],
    reading: Reading,
    article: Article,
    lexicon: Lexicon,
) -> bool:
    """Whether the question speaks of the enumeration, not of what one of its items tells."""
    shares = [
        coverage(reading.terms, [(folded(article.text[slice(*i)], lexicon), 1.0)], lexicon) for i in found
    ]
    owned = [bool(set(lookup.companies) & lexicon.members(article.text[slice(*i)])) for i in found]
    if any(owned) and not all(owned):
        return False
    ordered = sorted(shares, reverse=True)
    return ordered[0] - ordered[1] < 0.3


def _labelled(reading: Reading, best: Evidence, lexicon: Lexicon) -> Composition | None:
    """Labelled paragraphs under the heading that the question names, if it names one better than any sentence."""
    article = best.passage.article
    for section in sections(article.text):
        name = folded(section.heading.text, lexicon)
        if coverage(reading.terms, [(name, 1.0)], lexicon) < max(0.6, best.features.own_coverage):
            continue
        inner = [
            s
            for s in sections(article.text)
            if section.heading.start < s.heading.start < section.end and s.heading.level <= RUN_IN_LEVEL
        ]
        if len(inner) > 1:
            return bullets(article, [(s.heading.start, s.end) for s in inner])
    return None


def series_length(text: str) -> int:
    """How many things the longest series A、B、C of ``text`` names; single characters (审、控、查) name none."""
    longest = 0
    for match in _SERIES.finditer(text):
        pieces = match[0].split("、")
        if all(len(piece) > 1 for piece in pieces):
            longest = max(longest, len(pieces))
    return longest
