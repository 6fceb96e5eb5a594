"""Overviews: what a section, a paragraph, a company's part or a whole article says, in its densest clauses.

    which article or section it asks about   -> its items (labelled paragraphs, enumerated ones, sentences)
    what one company did                     -> every clause about that company, wherever it stands
    what aspects an article has              -> its headings
    what the background is                   -> what stands before the first heading

What is asked about is found by structure (headings, leads, labels) before words; the text is then shortened by
``excerpting``, figures and names first, so that every item is spoken of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.clauses import clauses
from assistant.composition import QUOTE_CHARS, Composition, Proof, Statement, whole_sentence
from assistant.enumerations import Section, announced, enumerations, sections
from assistant.evidence import Reading
from assistant.excerpting import BULLET_CHARS, excerpts
from assistant.items import items, label_of, paragraph_at, units
from assistant.lexicon import Lexicon
from assistant.terms import Term, coverage, found
from assistant.understanding import Lookup
from assistant.weighing import folded, named, worth_of
from index.cleaning import RUN_IN_LEVEL
from index.schema import Article

OVERVIEW_CHARS = 295
"""Room for an overview, bullets and line ends included, and for saying as of when it holds."""
MANY_HEADINGS = 4
"""With this many headings an article's overview is its headings."""
LABEL_CHARS = 3
"""A label shorter than this is a word like any other."""
NAMED = 0.5
"""Share of the question's words that a heading must hold to be what the question asks about."""
NEAREST, GATHERED = 5, 4
"""A section is what is asked about when it holds so many of the statements that are nearest in meaning."""
ASIDE = 0.3
"""A statement whose cosine to the question lies further below the best one's is beside what is asked."""
OPENS = 30
"""A paragraph's first sentence of so many characters only opens it."""
SPEAKS = 0.4
"""A statement speaks of what is asked when it holds this share of what the best of its paragraph holds."""

_ASKS_FOR_OVERVIEW = re.compile(
    r"(?:哪些|什么|啥|哪几(?:个|项|方面)?)(?:的)?(?:具体|主要|重要|新)?(?:花样|花招|招数|名堂|举措|做法|工作|措施|动作|成果|成绩|成效|进展|努力|探索|实践)"
    r"|(?:举措|做法|工作|措施|成果|成效|进展)(?:都|主要|具体)?(?:有|包括)(?:哪些|什么|啥)|(?:做|干|搞|玩)了(?:些)?(?:什么|啥|哪些)|都(?:做|干)(?:什么|啥|哪些)|都用(?:了|过)?(?:些)?(?:什么|啥|哪些)"
)
_DID = re.compile(r"(?:都|各|还|内外)(?:做|干|搞|玩)了(?:些)?(?:什么|啥|哪些)")
_OUTLINE = re.compile(
    r"(?:文|篇|报道|稿|材料)[^，,。？?]{0,12}(?:讲|说|写|谈|分|介绍|包[括含]|涉及|有)[^，,。？?]{0,4}(?:哪|几|什么)"
    r"|(?:文|篇|报道|稿|材料)[^。？?]{0,24}(?:讲|说|写|谈|介绍|涉及)[^，,。？?]{0,6}(?:哪|几)(?:几|个|些)?(?:方面|部分|块|点)"
    r"|(?:提纲|大纲|目录|结构|框架)"
)
_BACKGROUND = re.compile(r"背景|导语|引言|开头|开篇")
_ASKING = re.compile(
    r"汇总|整理|归纳|概述|概括|简述|简介|综述|梳理|盘点|小结|总结|总览|举措|做法|措施|成果|成绩|成效|进展|交代|整体|总体|全貌|"
    r"简单|简要|大致|文章|长文|报道|稿子|全文|两句|一份|主要|方面|内容|介绍|工作"
)
_NEW = re.compile(
    r"新(?:花样|花招|东西|招|意|鲜(?:事|玩法|东西|花样|做法|招)?|玩法|名堂|点子|做法|形式|尝试|手段|办法|方式|法子)|创新|推陈出新"
)
_QUOTED = re.compile(r"[“\"「『]([^“”\"「」『』]{1,10})[”\"」』]")


def asks_what_was_done(text: str) -> bool:
    """Whether a question for a list asks for all that somebody did (都搞了什么), whatever is listed in one sentence."""
    return bool(_DID.search(text))


def asks_for_overview(text: str) -> bool:
    """Whether a question for a list wants what was done (有哪些举措, 做了哪些工作) rather than named things."""
    return bool(_ASKS_FOR_OVERVIEW.search(text))


def overview(lookup: Lookup, reading: Reading, lexicon: Lexicon) -> Composition:
    """The overview that ``lookup`` asks for, from a reading that has evidence."""
    terms = telling(reading.terms)
    article = _article(reading, terms, lexicon)
    tops = [section for section in sections(article.text) if section.heading.level < RUN_IN_LEVEL]
    if _OUTLINE.search(lookup.text) and len(tops) > 1:
        return outline(article, tops)
    if _BACKGROUND.search(lookup.text) and tops and article.text[: tops[0].heading.start].strip():
        groups = [[unit] for unit in units(article, 0, tops[0].heading.start)]
    elif lookup.companies and (own := _about_companies(lookup, reading, terms, lexicon)):
        groups = own
    elif names_all(article, terms, lexicon):
        if len(tops) > MANY_HEADINGS:
            return outline(article, tops)
        groups = items(article, tops[0].heading.start if tops else 0, len(article.text))
    else:
        groups = _scope(lookup, reading, terms, lexicon)
    return excerpted(groups, worth_of(terms, lexicon, [e.passage.article for e in reading.evidence]))


def outline(article: Article, tops: Sequence[Section]) -> Composition:
    """The headings of an article, one a line: the outermost ones, unless there is but one; as many as fit."""
    outermost = min(section.heading.level for section in tops)
    shown = [s for s in tops if s.heading.level == outermost]
    statements: list[Statement] = []
    room = OVERVIEW_CHARS
    for section in shown if len(shown) > 1 else tops:
        room -= len(section.heading.text) + BULLET_CHARS
        if room >= 0:
            proof = Proof(article, section.heading.start, section.heading.end)
            statements.append(Statement(section.heading.text, (proof,)))
    return Composition(tuple(statements), bullets=len(statements) > 1)


def excerpted(
    groups: Sequence[Sequence[Proof]], worth: Callable[[str], float], room: int = OVERVIEW_CHARS
) -> Composition:
    """The densest clauses of ``groups`` as bullets, each cited by its sentence; a labelled item keeps its label.

    Nothing is said where no clause fits ``room``.
    """
    labels = {label.start: label for group in groups if (label := label_of(group[0])) is not None}
    room -= sum(label.end + 1 - label.start for label in labels.values())
    statements = []
    for run in excerpts(groups, room, worth):
        text = run.article.text
        said = text[run.start : run.end]
        quote = whole_sentence(run.article, run.start, run.end)
        label = labels.pop(paragraph_at(text, run.start)[0], None)
        # A label that stands too far from its item to be quoted with it would be said without proof.
        if label is not None and quote[1] - label.start <= 2 * QUOTE_CHARS:
            said = f"{text[label.start : label.end]}：{said}"
            quote = (label.start, quote[1])
        statements.append(Statement(said, (Proof(run.article, *quote),)))
    return Composition(tuple(statements), bullets=len(statements) > 1)


def telling(terms: Sequence[Term]) -> list[Term]:
    """The terms that say what a question is about, not what sort of answer it wants (汇总, 举措)."""
    return [term for term in terms if not _ASKING.fullmatch(term.text)]


def names_all(article: Article, terms: Sequence[Term], lexicon: Lexicon) -> bool:
    """Whether a question's words name nothing but what the whole article is about."""
    title = folded(article.title, lexicon)
    return bool(terms) and all(found(t.text, title, lexicon) >= 0.9 for t in terms if t.weight > 0.1)


def quoted_sections(lookup: Lookup, article: Article) -> list[Section]:
    """The sections whose headings quote a word that ``lookup`` quotes too: 活动覆盖“全” for “全” and for “全、实、新”.

    What is new (新花样) is what a heading is about that quotes “新”. Where it names labels of paragraphs (办实事、重实效), it is
    about these.
    """
    labelled = [
        section
        for section in sections(article.text)
        if section.heading.level == RUN_IN_LEVEL
        and len(section.heading.text) >= LABEL_CHARS
        and section.heading.text in lookup.text
    ]
    if labelled:
        return labelled

    asked = {word for quoted in _QUOTED.findall(lookup.text) for word in quoted.split("、")}
    if not lookup.companies and _NEW.search(lookup.text):
        asked.add("新")
    return [
        section
        for section in sections(article.text)
        if section.heading.level < RUN_IN_LEVEL and asked & set(_QUOTED.findall(section.heading.text))
    ]


# What is asked about


def _article(reading: Reading, terms: Sequence[Term], lexicon: Lexicon) -> Article:
    """The article whose title holds most of what is asked; of equals, the one with the best evidence."""
    articles = {item.passage.article.id: item.passage.article for item in reading.evidence}
    return max(articles.values(), key=lambda a: round(named(a.title, terms, lexicon), 2))


def _scope(lookup: Lookup, reading: Reading, terms: Sequence[Term], lexicon: Lexicon) -> list[list[Proof]]:
    """The items of the section, the enumeration or the paragraph that the question asks about."""
    best = reading.evidence[0]
    article = best.passage.article
    quoted = quoted_sections(lookup, article)
    if quoted:
        return [group for section in quoted for group in items(article, section.heading.start, section.end)]
    whole = announced(article.text, best.start, best.end)
    if whole:
        return [[Proof(article, start, end)] for start, end in whole]
    title = folded(article.title, lexicon)
    own = [term for term in terms if found(term.text, title, lexicon) < 0.9] or list(terms)
    listed = [
        e
        for e in enumerations(article.text)
        if named(article.text[slice(*e.lead)], own, lexicon) >= max(NAMED, best.features.own_coverage)
    ]
    if listed:
        chosen = max(listed, key=lambda e: named(article.text[slice(*e.lead)], own, lexicon))
        return [[Proof(article, start, end)] for start, end in chosen.items]
    section = max(
        (
            s
            for s in sections(article.text)
            if s.heading.level < RUN_IN_LEVEL or s.heading.text in lookup.text
        ),
        key=lambda s: named(s.heading.text, own, lexicon),
        default=None,
    )
    if section is not None and named(section.heading.text, own, lexicon) >= NAMED:
        return items(article, section.heading.start, section.end)
    return _gathered(reading) or _paragraphs(reading, terms, lexicon)


def _gathered(reading: Reading) -> list[list[Proof]]:
    """The items of the innermost section that holds most of what lies nearest in meaning; none where it is scattered."""
    nearest = sorted(reading.evidence, key=lambda item: -item.features.meaning)[:NEAREST]
    article = nearest[0].passage.article
    inner = [s for s in sections(article.text) if s.heading.level < RUN_IN_LEVEL]
    for section in sorted(inner, key=lambda s: s.end - s.heading.start):
        held = [
            item
            for item in nearest
            if item.passage.article.id == article.id and section.heading.start <= item.start < section.end
        ]
        if nearest[0] in held and len(held) >= GATHERED:
            return _near(items(article, section.heading.start, section.end), reading)
    return []


def _near(groups: Sequence[Sequence[Proof]], reading: Reading) -> list[list[Proof]]:
    """Those of ``groups`` that speak of nearly the same as what is nearest in meaning."""
    least = max(item.features.meaning for item in reading.evidence) - ASIDE
    near = [item for item in reading.evidence if item.features.meaning >= least]
    return [
        list(group)
        for group in groups
        if any(
            unit.article.id == item.passage.article.id and unit.start < item.end and item.start < unit.end
            for unit in group
            for item in near
        )
    ]


def _paragraphs(reading: Reading, terms: Sequence[Term], lexicon: Lexicon) -> list[list[Proof]]:
    """The items of the best evidence's paragraph and of those nearly as good; of the section that one only opens."""
    best = reading.evidence[0]
    article = best.passage.article
    near = {paragraph_at(article.text, best.start)}
    for other in reading.evidence[1:]:
        if (
            other.passage.article.id == article.id
            and other.score >= best.score - 0.15
            and other.features.own_coverage >= best.features.own_coverage - 0.05
        ):
            near.add(paragraph_at(article.text, other.start))
    for section in sections(article.text):
        if section.heading.level < RUN_IN_LEVEL and section.heading.end <= best.start < section.end:
            opening = [p for p in near if p[0] == section.heading.end + 1]
            if opening and _announces(article, opening[0], section):
                return items(article, section.heading.start, section.end)
    return [group for paragraph in sorted(near) for group in _speaking(article, paragraph, terms, lexicon)]


def _announces(article: Article, paragraph: tuple[int, int], section: Section) -> bool:
    """Whether the first paragraph of a section only opens it: one sentence, or labelled paragraphs follow."""
    labelled = [
        s
        for s in sections(article.text)
        if s.heading.level == RUN_IN_LEVEL and paragraph[1] <= s.heading.start < section.end
    ]
    return len(labelled) > 1 or len(units(article, *paragraph)) == 1


def _speaking(
    article: Article, paragraph: tuple[int, int], terms: Sequence[Term], lexicon: Lexicon
) -> list[list[Proof]]:
    """The statements of a paragraph from the first to the last that speaks of what was asked."""
    own = units(article, *paragraph)
    shares = [named(article.text[unit.start : unit.end], terms, lexicon) for unit in own]
    told = [number for number, share in enumerate(shares) if share > 0 and share >= SPEAKS * max(shares)]
    if told == [0] and own[0].end - own[0].start <= OPENS:
        # Such a sentence only names what the rest of its paragraph tells of.
        told = [0, len(own) - 1]
    return [[unit] for unit in (own[told[0] : told[-1] + 1] if told else own)]


def _about_companies(
    lookup: Lookup, reading: Reading, terms: Sequence[Term], lexicon: Lexicon
) -> list[list[Proof]]:
    """What the articles say of the companies asked about, a sentence a group; about the topic, if one is named."""
    asked = set(lookup.companies)
    articles = {item.passage.article.id: item.passage.article for item in reading.evidence}
    told: list[tuple[float, Proof]] = []
    for article in articles.values():
        title = folded(article.title, lexicon)
        topic = [
            term
            for term in terms
            if found(term.text, title, lexicon) < 0.9
            and not any(company in term.text or term.text in company for company in asked)
        ]
        for unit in units(article, 0, len(article.text)):
            own = _own_stretch(unit, asked, lexicon)
            if own is not None:
                fields = [(article.text[own.start : own.end], 1.0), (_heading_over(own), 0.8)]
                shares = [(folded(text, lexicon), share) for text, share in fields]
                told.append((coverage(topic, shares, lexicon), own))
    most = max((share for share, _ in told), default=0.0)
    return [[proof] for share, proof in told if share >= 0.5 * most]


def _heading_over(unit: Proof) -> str:
    """The words of all headings that a statement stands under."""
    return " ".join(
        s.heading.text for s in sections(unit.article.text) if s.heading.start <= unit.start < s.end
    )


def _own_stretch(unit: Proof, asked: set[str], lexicon: Lexicon) -> Proof | None:
    """The clauses of a sentence from where it names one of the companies to where it names another."""
    text = unit.article.text
    start = end = -1
    for first, last in clauses(text[unit.start : unit.end]):
        companies = {
            m.company
            for m in lexicon.mentions(text[unit.start + first : unit.start + last])
            if m.standing != "group"
        }
        if companies & asked and start < 0:
            start, end = unit.start + first, unit.start + last
        elif companies - asked and start >= 0:
            break
        elif start >= 0:
            end = unit.start + last
    return Proof(unit.article, start, end) if start >= 0 else None
