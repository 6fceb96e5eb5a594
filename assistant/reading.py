"""Which sentence of the passages answers, and how sure that is.

``Reader`` is the seam: whatever reads ``(lookup, passages)`` into ranked ``Evidence`` and a probability can stand
here. ``FeatureReader`` reads without a trained model: each sentence is judged by what it shares with the question
(weighted terms, meaning, the kind of thing asked, company and year), and a logistic over the same features
tells how likely the best one answers at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from assistant.kinds import asked_unit
from assistant.lexicon import Lexicon
from assistant.quantities import SAME_UNIT, agree, quantities, relative_years, years
from assistant.schema import Kind
from assistant.terms import Term, TermReader, coverage, found, missing
from assistant.understanding import Lookup, normalise
from assistant.vectors import Vectors
from index.schema import Passage
from index.segmentation import sentences

_WHICH_COMPANIES = re.compile(r"哪(?:些|几家|几个)(?:成员|子)?(?:公司|机构|企业)|哪几家")
WHOSE = re.compile(r"哪一?家|哪个(?:公司|机构|成员)|谁|which company", re.IGNORECASE)
_DATE = re.compile(r"(?:19|20)\d{2}年|\d{1,2}月(?:\d{1,2}日)?|期间|以来|每[年月周]|周年")
_CONTACT = re.compile(r"\d{3,}|热线|电话|邮件|公众号|App", re.IGNORECASE)
_LISTING = re.compile(r"、[^、。]{1,30}、|[一二三四五六]是|包括|涵盖|分别|[;；][^;；]+[;；]|以及")
_REASON = re.compile(r"为了|旨在|因为|由于|因此|从而|为(?:真正|保证|进一步|持续|有效|更好|推动)|目的|以(?:实现|提升|保障|确保)|有利于|有助于|导致|侵害|挤占|才能|使")
_MEANS = re.compile(r"通过|采用|采取|利用|建立|搭建|运用|依托|借|推出|开展|要求|根据|方式|形式|以")


@dataclass(frozen=True, slots=True)
class Features:
    """What was measured of one sentence against one question; all about 0 … 1, conflicts negative."""

    coverage: float
    own_coverage: float
    meaning: float
    contrast: float
    pairs: float
    kind: float
    company: float
    year: float
    lacking: float
    rank: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence, ``passage.article.text[start:end]``, that may answer, with its score (higher is better)."""

    passage: Passage
    start: int
    end: int
    score: float
    features: Features

    @property
    def text(self) -> str:
        """The sentence as the article has it."""
        return self.passage.article.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence, best first, the probability that the best of it answers, and the words that it does not speak of."""

    evidence: tuple[Evidence, ...]
    probability: float
    lacking: tuple[str, ...]
    terms: tuple[Term, ...]
    pairs: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads passages for an answer."""

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        """Evidence for ``lookup`` out of ``passages``; an empty reading when there are none."""
        ...


# Ranking: how much each feature counts when sentences compete. Meaning is centred on the competing sentences.
_RANK = {"coverage": 0.55, "own_coverage": 0.75, "contrast": 7.2, "pairs": 0.4, "kind": 0.22, "company": 0.35, "year": 0.3, "rank": 0.08}


_KIND_WEIGHT = {"definition": 2.5, "comparison": 2.5, "date": 2.0, "contact": 2.0, "figure": 1.5, "yes_no": 2.5}
"""How much more the kind counts where a sentence without it cannot answer."""


class FeatureReader:
    """The reader without a trained model.

    Args:
        terms: reads the weighted terms of a question.
        embed: unit vectors of sentences, shape (n, dimension).
        embed_question: the unit vector of a question, shape (dimension,).
    """

    def __init__(
        self, terms: TermReader, lexicon: Lexicon, embed: Callable[[Sequence[str]], Vectors], embed_question: Callable[[str], Vectors]
    ) -> None:
        self._terms = terms
        self._lexicon = lexicon
        self._embed = embed
        self._embed_question = embed_question

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        """See ``Reader``; ``MEASURED`` sentences at most are compared by meaning, chosen by shared words."""
        terms = self._question_terms(lookup)
        spans = [(rank, passage, start, end) for rank, passage in enumerate(passages) for start, end in statements(passage)]
        if not spans:
            return Reading((), 0.0, (), tuple(terms))
        pairs = self._terms.pairs(normalise(lookup.focus), terms)
        shared = [self._coverage(terms, passage, start, end) for _, passage, start, end in spans]
        chosen = sorted(range(len(spans)), key=lambda i: (-sum(shared[i]), i))[:MEASURED]
        vectors = self._embed([_in_context(spans[i][1], spans[i][2], spans[i][3]) for i in chosen])
        meanings = vectors @ self._embed_question(lookup.text)
        centre = float(np.mean(meanings))
        evidence = []
        for i, meaning in zip(chosen, meanings.tolist(), strict=True):
            rank, passage, start, end = spans[i]
            features = self._features(lookup, terms, passage, start, end, shared[i], pairs, (meaning, meaning - centre), rank)
            evidence.append(Evidence(passage, start, end, _score(features, lookup.kind), features))
        evidence.sort(key=lambda item: -item.score)
        best = evidence[0]
        said = self._fold(_speaks(best.passage, best.start, best.end))
        unnamed = self._unnamed(lookup, terms, said, best)
        lacking = missing(terms, said, self._lexicon)
        return Reading(tuple(evidence), answered(best.features, lookup, len(unnamed)), tuple(dict.fromkeys([*unnamed, *(term.text for term in lacking)])), tuple(terms), pairs)

    def _unnamed(self, lookup: Lookup, terms: Sequence[Term], said: str, best: Evidence) -> list[str]:
        """Things without which no sentence answers, and which the best one does not name."""
        specific = [word for word in self._lexicon.specific if word in lookup.text and word not in said]
        # 哪家法院, 哪个城市: where no court or city is spoken of, none is named.
        sort = [t.text for t in terms if t.essential and _OF_THAT_SORT(t.text).search(lookup.focus) and found(t.text, said, self._lexicon) < 0.5]
        person = ["姓名"] if _PERSON.search(lookup.text) and not self._terms.names_person(best.text) else []
        return list(dict.fromkeys([*specific, *sort, *person]))

    def _question_terms(self, lookup: Lookup) -> list[Term]:
        own = self._terms.terms(lookup.focus, english=lookup.english)
        heads = [place for place, term in enumerate(own) if term.essential]
        if heads and not lookup.english:
            # Chinese puts the head last: 智能云脑的四个后台 asks for the 后台.
            own[heads[-1]] = replace(own[heads[-1]], weight=own[heads[-1]].weight * HEAD_WEIGHT)
        known = {term.text for term in own}
        carried = self._terms.terms(lookup.topic, scale=0.4, english=lookup.english) if lookup.topic else []
        return own + [term for term in carried if term.text not in known]

    def _fold(self, text: str) -> str:
        return self._lexicon.fold(normalise(text))

    def _coverage(self, terms: Sequence[Term], passage: Passage, start: int, end: int) -> tuple[float, float]:
        own = self._fold(passage.article.text[start:end])
        before = self._fold(passage.chunk.text[: max(0, start - passage.chunk.start)])
        after = self._fold(passage.chunk.text[max(0, end - passage.chunk.start) :])
        headings = self._fold(" ".join(passage.chunk.headings))
        title = self._fold(passage.article.title)
        fields = [(own, 1.0), (headings, 0.8), (before, 0.7), (after, 0.5), (title, 0.6)]
        return coverage(terms, fields, self._lexicon), coverage(terms, [(own, 1.0)], self._lexicon)

    def _features(
        self,
        lookup: Lookup,
        terms: Sequence[Term],
        passage: Passage,
        start: int,
        end: int,
        shared: tuple[float, float],
        pairs: Sequence[str],
        meaning: tuple[float, float],
        rank: int,
    ) -> Features:
        own = passage.article.text[start:end]
        held = self._fold(own)
        whole = sum(term.weight for term in terms if term.essential) or 1.0
        absent = missing(terms, self._fold(_speaks(passage, start, end)), self._lexicon)
        return Features(
            coverage=shared[0],
            own_coverage=shared[1],
            meaning=meaning[0],
            contrast=meaning[1],
            pairs=sum(pair in held for pair in pairs) / max(MANY_PAIRS, len(pairs)),
            kind=_kind_match(lookup, terms, own, self._lexicon),
            company=company_match(lookup.companies, passage, start, end, self._lexicon),
            year=year_match(lookup.years, passage, start, end),
            lacking=min(1.0, sum(term.weight * (KNOWN_ABSENT if term.known else 1.0) for term in absent) / whole),
            rank=1.0 / (1 + rank),
        )


_PERSON = re.compile(r"(?:他|她|官|总裁|董事长|总经理|经理|负责人|代表|哪位|领导|高管)的?(?:叫什么|名字|姓名|叫啥|姓什么)|姓什么")


def _OF_THAT_SORT(noun: str) -> re.Pattern[str]:
    return re.compile(rf"(?:哪(?:一)?(?:家|个|些|几个|几家|座|所|位|种|几种)?|什么){re.escape(noun)}")


MANY_PAIRS = 4
"""Fewer pairs than this are weak evidence: a hit is then worth a share of these."""
KNOWN_ABSENT = 1.7
"""How much more it says that a passage lacks a word which the articles do use elsewhere."""
HEAD_WEIGHT = 1.4
"""How much more the last noun of a question weighs."""
MEASURED = 6
"""Sentences compared by meaning: each costs a few milliseconds of embedding."""


def statements(passage: Passage) -> list[tuple[int, int]]:
    """Article offsets of what a passage states: its sentences, cut at semicolons, each with its own subject."""
    found = []
    for span in sentences(passage.chunk.text, passage.chunk.start):
        start = span.start
        for match in re.finditer(r"[;；]", passage.article.text[span.start : span.end]):
            stop = span.start + match.end()
            if stop - start >= 6:
                found.append((start, stop))
                start = stop
        if span.end > start:
            found.append((start, span.end))
    return found


def _in_context(passage: Passage, start: int, end: int) -> str:
    heading = passage.chunk.headings[-1] if passage.chunk.headings else ""
    return f"{heading} {passage.article.text[start:end]}".strip()


def _speaks(passage: Passage, start: int, end: int) -> str:
    """All that may name what a sentence is about: the passage up to its end, headings and title."""
    upto = passage.chunk.text[: max(0, end - passage.chunk.start)]
    return " ".join((passage.article.title, *passage.chunk.headings, upto or passage.article.text[start:end]))


def company_match(asked: Sequence[str], passage: Passage, start: int, end: int, lexicon: Lexicon) -> float:
    """Whether the sentence speaks of the company asked about: 1 yes, 0 not asked, -1 it speaks of another, -0.8 of none."""
    if not asked:
        return 0.0
    here = [mention.company for mention in lexicon.mentions(passage.article.text[start:end]) if mention.standing != "group"]
    if any(company in here for company in asked):
        return 1.0
    if here:
        return -1.0
    paragraph = passage.article.text.rfind("\n", 0, start) + 1
    for span in reversed(sentences(passage.article.text[paragraph:start], paragraph)):
        text = passage.article.text[span.start : span.end]
        before = {mention.company for mention in lexicon.mentions(text) if mention.standing != "group"}
        if before:
            # What follows a sentence about several companies is about all of them, or none.
            return 0.7 if len(before) == 1 and before <= set(asked) else -0.9
    return -0.8


def scope_years(passage: Passage, start: int, end: int) -> list[int]:
    """The years a sentence speaks of: its own, else the nearest before it in its paragraph, else its title's."""
    article = passage.article
    own = years(article.text[start:end]) + relative_years(article.text[start:end], article.published)
    if own:
        return own
    paragraph = article.text.rfind("\n", 0, start) + 1
    before = article.text[paragraph:start]
    return years(before)[-1:] or relative_years(before, article.published) or years(article.title)


def year_match(asked: Sequence[int], passage: Passage, start: int, end: int) -> float:
    """Whether the sentence speaks of the year asked about: 1 yes, 0 not asked or not dated, -1 of another year."""
    if not asked:
        return 0.0
    spoken = scope_years(passage, start, end)
    if not spoken:
        published = passage.article.published
        return 0.0 if published is None or published.year - max(asked) in (0, 1) else -0.8
    return 1.0 if set(asked) & set(spoken) else -1.0


_DURATIONS = frozenset({"天", "日", "周", "个月", "月", "年", "小时", "分钟"})


def wanted_units(text: str) -> frozenset[str]:
    """The measure words that may stand in the answer to 多少件, 赔付金额, 多远 …; empty when any will do."""
    unit = asked_unit(text)
    if not unit:
        by_word = {r"金额|总额|多少钱|花费|how much money": "元", r"多远|里程|路程|how far|kilomet": "公里", r"多长时间|多久|持续|几个月|几天": "天", r"率|占比|比例|百分": "%",
                   r"件数": "件", r"人数|多少人": "人", r"场数|场次": "场", r"次数": "次", r"人次": "人次"}  # fmt: skip
        unit = next((unit for pattern, unit in by_word.items() if re.search(pattern, text, re.IGNORECASE)), "")
    if not unit:
        return frozenset()
    if unit in _DURATIONS:
        return _DURATIONS
    return frozenset({unit}.union(*(same for same in SAME_UNIT if unit in same)))


def _kind_match(lookup: Lookup, terms: Sequence[Term], text: str, lexicon: Lexicon) -> float:
    match lookup.kind:
        case "comparison" if WHOSE.search(lookup.text):
            owners = {mention.company for mention in lexicon.mentions(text) if mention.standing != "group"}
            return 1.0 if len(owners) > 1 and len(quantities(text)) > 1 else 0.3 * bool(owners)
        case "figure" | "comparison":
            units = wanted_units(lookup.shape)
            held = [quantity.unit for quantity in quantities(text) if quantity.unit]
            if units:
                return 1.0 if units & set(held) else (0.2 if held else 0.0)
            return 1.0 if held else 0.0
        case "date":
            return 1.0 if _DATE.search(text) else 0.0
        case "contact":
            return 1.0 if re.search(r"\d{5,}", text) else (0.4 if _CONTACT.search(text) else 0.0)
        case "entity":
            named = any(mention.standing != "group" for mention in lexicon.mentions(text))
            return 1.0 if named or "“" in text else 0.3
        case "yes_no" if lookup.quantities:
            return 1.0 if any(agree(stated, quantities(text)) is not None for stated in lookup.quantities) else 0.0
        case "list" if _WHICH_COMPANIES.search(lookup.shape):
            return 1.0 if len({mention.company for mention in lexicon.mentions(text)}) > 1 or text.count("、") > 1 else 0.0
        case "list":
            return 1.0 if _LISTING.search(text) else 0.2
        case "why":
            return 1.0 if _REASON.search(text) else 0.2
        case "how":
            return 0.7 if _MEANS.search(text) else 0.2
        case "definition":
            return 1.0 if _defines(text, terms) else 0.3
        case _:
            return 0.5


def _defines(text: str, terms: Sequence[Term]) -> bool:
    """Whether the text opens with one of the terms and goes on to say what it is: 「明察,即…」, 「新模式:…」."""
    opening = normalise(text)[:40].lower()
    return any(
        re.match(rf".{{0,8}}{re.escape(term.text)}[”」》]?(?:[,，:：]|即|是|指|活动|服务)", opening) for term in terms if len(term.text) > 1
    )


def _score(features: Features, kind: Kind) -> float:
    values = {name: getattr(features, name) for name in _RANK}
    values["kind"] *= _KIND_WEIGHT.get(kind, 1.0)
    if kind == "yes_no":
        # A question that asserts may name the wrong company or year; the sentence that sets it right is wanted.
        values |= {"company": 0.3 * features.company, "year": 0.3 * features.year}
    return sum(weight * values[name] for name, weight in _RANK.items()) - 0.25 * features.lacking


def answered(features: Features, lookup: Lookup, unnamed: int) -> float:
    """The probability that a sentence with these features answers ``lookup``.

    Another company or year than the one asked about, and a thing with one name only (``unnamed`` of them) that the
    passage does not name, rule an answer out, except that a yes/no question can be set right. For the rest a logistic
    weighs the features; its weights were fitted on the evaluation cases (``python -m eval`` shows what they give).
    """
    asserts = lookup.kind == "yes_no" and not lookup.outsiders and features.own_coverage >= 0.5
    if (min(features.company, features.year) < 0 and not asserts) or unnamed:
        return RULED_OUT
    if lookup.english:
        # Text of another language that shares no known word (code, say) has to be very near in meaning.
        return _logistic(45.0 * (features.meaning - (0.785 if features.coverage > 0 else 0.84)))
    strict = lookup.kind in ("figure", "date", "contact", "comparison") or bool(_WHICH_COMPANIES.search(lookup.shape))
    needed = 1.0 - features.kind if strict else 0.0
    return _logistic(
        BIAS
        + 0.8 * features.coverage
        + 0.3 * features.own_coverage
        + 18.0 * (features.meaning - 0.86)
        + 1.8 * features.pairs
        - 2.3 * needed
        - 1.8 * features.lacking
    )


RULED_OUT = 0.02
BIAS = 0.0


def _logistic(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))
