"""Which sentence of the passages answers, and how sure that is.

``Reader`` is the seam: whatever reads ``(lookup, passages)`` into ranked ``Evidence`` and a probability can stand
here. ``FeatureReader`` judges each sentence by what it shares with the question (weighted terms, meaning, the kind of
thing asked, company and year) and by where a trained network (``spans``) sees the answer in it, or that it is not there;
a logistic over the same signals (``confidence``) tells how likely the best one answers at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from assistant.anticipated import Anticipated
from assistant.confidence import RULED_OUT, Absent, contradicted, probability, signals
from assistant.evidence import Evidence, Features, Reading
from assistant.lexicon import Lexicon
from assistant.matching import (
    PERSON,
    announces,
    company_match,
    explains,
    kind_match,
    lacks_names,
    lacks_parts,
    lacks_value,
    names_one,
    of_that_sort,
    year_match,
)
from assistant.quantities import agree, quantities
from assistant.schema import Kind
from assistant.sentences import Sentence, statements
from assistant.spans import Found, SpanModel
from assistant.terms import Term, TermReader, coverage, found, missing
from assistant.understanding import Lookup, normalise
from assistant.vectors import Vectors
from assistant.windowing import windows_around
from index.schema import Passage
from index.segmentation import Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence before its meaning is measured: the rank of its passage, and its share of the question's words."""

    sentence: Sentence
    rank: int
    coverage: float
    own_coverage: float


class Reader(Protocol):
    """Reads passages for an answer."""

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        """Evidence for ``lookup`` out of ``passages``; an empty reading when there are none."""
        ...


# Ranking: how much each feature counts when sentences compete. Meaning is centred on the competing sentences.
_RANK = {
    "coverage": 0.55,
    "own_coverage": 0.4,
    "contrast": 3.0,
    "pairs": 0.4,
    "kind": 0.22,
    "company": 0.35,
    "year": 0.3,
    "rank": 0.25,
    "asked": 1.25,
}


_NUMBER_WORD = re.compile(r"[打通]?电话(?:号码)?|热线(?:电话)?|号码?|联系方式")
ANNOUNCING = 0.4
"""What a sentence loses that only says that something follows it."""
STEPS = (2, 2, 2)
"""Stretches that the trained reader is shown at first, where it is not sure then, and where it is not sure again."""
SURE = 2.5
"""The margin from which on it is sure."""
SPAN = 0.07
"""What a sentence loses for each unit that its margin is below the best one's."""
UNITLESS = 1.0
"""What a sentence loses that gives no figure in the unit asked for, no date or no names where these are asked for."""
SAID = 0.35
"""What a sentence gains that the answer before was taken from; its neighbours in the paragraph gain half."""
STATED = 0.3
"""What a sentence gains that gives, or follows upon, the figures that the question states."""
EXPLAINED = frozenset({"definition", "how", "fact", "summary"})
EXPLAINING = 0.6
"""What a sentence gains in these kinds that says what the word is that is asked about: 暗访,即…."""
VALUES = ("数字", "时间", "名称", "姓名")
"""What ``Reading.lacking`` calls the sort of value that was asked for and is not given; all else in it are words."""
QUOTED_CHARS = 5
"""So many characters between two marks of an earlier answer are taken for a quotation."""
_PUNCTUATION = re.compile(r"[,，。；;：:、!！?？“”\"\s\[\]()（）]+")
_KIND_WEIGHT = {
    "definition": 2.5,
    "comparison": 4.0,
    "date": 2.0,
    "contact": 2.0,
    "figure": 1.5,
    "yes_no": 2.5,
}
"""How much more the kind counts where a sentence without it cannot answer."""


class FeatureReader:
    """Reads sentences by their features, one of which is what a trained network sees in them.

    Args:
        terms: reads the weighted terms of a question.
        embed: unit vectors of sentences, shape (n, dimension).
        embed_question: the unit vector of a question, shape (dimension,).
        spans: the trained reader.
        anticipated: what is known of questions that sentences answer.
    """

    def __init__(
        self,
        terms: TermReader,
        lexicon: Lexicon,
        embed: Callable[[Sequence[str]], Vectors],
        embed_question: Callable[[str], Vectors],
        spans: SpanModel,
        anticipated: Anticipated,
    ) -> None:
        self._terms = terms
        self._spans = spans
        self._anticipated = anticipated
        self._lexicon = lexicon
        self._embed = embed
        self._embed_question = embed_question

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        """See ``Reader``. The trained reader is shown what looks likeliest, and more where that settles nothing."""
        terms = self._question_terms(lookup)
        pairs = self._terms.pairs(normalise(lookup.focus), terms)
        candidates = [
            Candidate(s, rank, *self._coverage(terms, s))
            for rank, p in enumerate(passages)
            for s in statements(p)
        ]
        if not candidates:
            return Reading((), 0.0, (), tuple(terms))
        evidence = self._scored(lookup, terms, pairs, candidates)
        found: dict[int, Found] = {}
        for most in STEPS:
            if _unsure(found):
                found |= self._found(lookup, evidence, found, most)
        evidence = _settled(evidence, found)
        best = evidence[0]
        said = self._fold(best.sentence.in_context)
        things, values = self._unnamed(lookup, terms, said, best), self._valueless(lookup, best)
        lacking = [*things, *values, *(term.text for term in missing(terms, said, self._lexicon))]
        features = replace(best.features, headed=self._headed(terms, passages))
        signs = signals(features, lookup, Absent(len(things), bool(values)))
        # A question without a single telling word (的的的) has no answer, however near its meaning looks.
        tells = bool(terms or pairs or lookup.english)
        ruled_out = not tells or contradicted(best.features, lookup)
        return Reading(
            tuple(evidence),
            RULED_OUT if ruled_out else probability(signs),
            tuple(dict.fromkeys(lacking)),
            tuple(terms),
            pairs,
            {} if ruled_out else signs,
        )

    def _scored(
        self,
        lookup: Lookup,
        terms: Sequence[Term],
        pairs: Sequence[str],
        candidates: Sequence[Candidate],
    ) -> list[Evidence]:
        """The candidates judged by all but the trained reader, best first."""
        meanings = self._cosines(lookup, candidates)
        contrasts = meanings - meanings.mean()
        known = self._anticipated.likeness(
            self._embed_question(lookup.text), [candidate.sentence for candidate in candidates]
        )
        evidence = []
        for candidate, meaning, contrast, likeness in zip(
            candidates, meanings.tolist(), contrasts.tolist(), known, strict=True
        ):
            features = replace(
                self._features(lookup, terms, pairs, candidate, meaning, contrast),
                asked=_nearness(likeness.answered),
                unasked=_nearness(likeness.unanswered),
                foreseen=self._anticipated.covers(candidate.sentence.passage.article.id),
            )
            score = _score(features, lookup.kind) - UNITLESS * self._lacks(lookup, candidate.sentence.text)
            score -= ANNOUNCING * announces(candidate.sentence.text)
            score += SAID * _follows(lookup, candidate.sentence)
            score += STATED * _stated(lookup, candidate.sentence)
            if lookup.kind in EXPLAINED:
                score += EXPLAINING * explains(lookup, terms, candidate.sentence.text)
            evidence.append(Evidence(candidate.sentence, score, features))
        return sorted(evidence, key=lambda item: -item.score)

    def _lacks(self, lookup: Lookup, text: str) -> bool:
        """Whether ``text`` lacks the value, or the names of companies, that are asked for."""
        return lacks_value(lookup, text) or lacks_names(lookup, text, self._lexicon, places=1)

    def _found(
        self, lookup: Lookup, evidence: Sequence[Evidence], known: Mapping[int, Found], most: int
    ) -> dict[int, Found]:
        """What the trained reader finds in ``most`` stretches around the best of ``evidence`` that it has not seen.

        By the sentence's place in ``evidence``, in the article's characters; ``known`` are those that it has seen.
        """
        unseen = [place for place in range(len(evidence)) if place not in known]
        unseen.sort(key=lambda place: -evidence[place].score)
        windows = windows_around((evidence[place].sentence for place in unseen), most)
        found: dict[int, Found] = {}
        shown = self._spans.read([(lookup.text, window.text) for window in windows])
        for window, scores in zip(windows, shown, strict=True):
            shift = len(window.heading) - window.start
            for place in unseen:
                item = evidence[place]
                if place in found or not window.holds(item.sentence):
                    continue
                best = scores.best(item.start + shift, item.end + shift)
                if best is not None:
                    found[place] = Found(Span(best.span.start - shift, best.span.end - shift), best.margin)
        return found

    def _cosines(self, lookup: Lookup, candidates: Sequence[Candidate]) -> Vectors:
        """Cosines of the question to the candidates, shape (n,)."""
        return self._embed([c.sentence.under_heading for c in candidates]) @ self._embed_question(lookup.text)

    def _unnamed(self, lookup: Lookup, terms: Sequence[Term], said: str, best: Evidence) -> list[str]:
        """Things without which no sentence answers, and which the best one does not name."""
        specific = [word for word in self._lexicon.specific if word in lookup.text and word not in said]
        # 哪家法院, 哪个城市: where no court or city is spoken of, none is named.
        sort = [
            t.text
            for t in terms
            if t.essential
            and of_that_sort(t.text, lookup.focus)
            and found(t.text, said, self._lexicon) < 0.5
            and not names_one(t.text, best.text)
        ]
        return list(dict.fromkeys([*specific, *sort]))

    def _valueless(self, lookup: Lookup, best: Evidence) -> list[str]:
        """The sorts of value that are asked for and that the best sentence does not give."""
        sought = ["时间" if lookup.kind == "date" else "数字"] if lacks_value(lookup, best.text) else []
        # 4家保险公司…: they are often named in the sentence that follows.
        around = best.text + best.sentence.after
        places = self._terms.names_places(around)
        if lacks_names(lookup, around, self._lexicon, places) or lacks_parts(lookup, best.text):
            sought.append("名称")
        if PERSON.search(lookup.text) and not self._terms.names_person(best.text):
            sought.append("姓名")
        return sought

    def _question_terms(self, lookup: Lookup) -> list[Term]:
        own = self._terms.terms(lookup.focus, english=lookup.english)
        if lookup.kind == "contact":
            # That a number is wanted is the kind's to say: 95511客服 names neither 电话 nor 号码.
            own = [term for term in own if not _NUMBER_WORD.fullmatch(term.text)] or own
        heads = [place for place, term in enumerate(own) if term.essential]
        if heads and not lookup.english:
            # Chinese puts the head last: 智能云脑的四个后台 asks for the 后台.
            own[heads[-1]] = replace(own[heads[-1]], weight=own[heads[-1]].weight * HEAD_WEIGHT)
        known = {term.text for term in own}
        carried = self._terms.terms(lookup.topic, scale=0.4, english=lookup.english) if lookup.topic else []
        return own + [term for term in carried if term.text not in known]

    def _headed(self, terms: Sequence[Term], passages: Sequence[Passage]) -> float:
        headings = {" ".join(passage.chunk.headings) for passage in passages}
        return max(coverage(terms, [(self._fold(text), 1.0)], self._lexicon) for text in headings)

    def _fold(self, text: str) -> str:
        return self._lexicon.fold(normalise(text))

    def _coverage(self, terms: Sequence[Term], sentence: Sentence) -> tuple[float, float]:
        own = self._fold(sentence.text)
        around = (
            (" ".join(sentence.passage.chunk.headings), 0.8),
            (sentence.before, 0.7),
            (sentence.passage.article.title, 0.6),
            (sentence.after, 0.5),
        )
        fields = [(own, 1.0), *((self._fold(text), share) for text, share in around)]
        return coverage(terms, fields, self._lexicon), coverage(terms, [(own, 1.0)], self._lexicon)

    def _features(
        self,
        lookup: Lookup,
        terms: Sequence[Term],
        pairs: Sequence[str],
        candidate: Candidate,
        meaning: float,
        contrast: float,
    ) -> Features:
        sentence = candidate.sentence
        held = self._fold(sentence.text)
        whole = sum(term.weight for term in terms if term.essential) or 1.0
        absent = missing(terms, self._fold(sentence.in_context), self._lexicon)
        return Features(
            coverage=candidate.coverage,
            own_coverage=candidate.own_coverage,
            meaning=meaning,
            contrast=contrast,
            pairs=sum(pair in held for pair in pairs) / max(MANY_PAIRS, len(pairs)),
            kind=kind_match(lookup, terms, sentence.text, self._lexicon),
            company=company_match(lookup.companies, sentence, self._lexicon),
            year=year_match(lookup.years, sentence),
            lacking=min(
                1.0, sum(term.weight * (KNOWN_ABSENT if term.known else 1.0) for term in absent) / whole
            ),
            rank=1.0 / (1 + candidate.rank),
        )


MANY_PAIRS = 4
"""Fewer pairs than this are weak evidence: a hit is then worth a share of these."""
KNOWN_ABSENT = 1.7
"""How much more it says that a passage lacks a word which the articles do use elsewhere."""
HEAD_WEIGHT = 1.4
"""How much more the last noun of a question weighs."""


def _follows(lookup: Lookup, sentence: Sentence) -> float:
    """Whether the answer that the question follows upon was taken from the sentence: 1, or from its paragraph: 0.5."""
    if not lookup.said:
        return 0.0
    quoted = [piece for piece in _PUNCTUATION.split(lookup.said) if len(piece) >= QUOTED_CHARS]
    for text, worth in ((sentence.text, 1.0), (sentence.paragraph, 0.5)):
        held = normalise(text)
        if any(piece in held for piece in quoted):
            return worth
    return 0.0


def _stated(lookup: Lookup, sentence: Sentence) -> float:
    """The share of the figures stated in a question that its paragraph gives up to the sentence's end; 0 where it asks whether."""
    if not lookup.quantities or lookup.kind == "yes_no":
        return 0.0
    given = quantities(sentence.paragraph_before + sentence.text)
    return sum(agree(q, given) is True for q in lookup.quantities) / len(lookup.quantities)


def _nearness(cosine: float) -> float:
    """0 where two questions have nothing in common, 1 where they are the same."""
    return max(0.0, 2 * cosine - 1)


def _unsure(found: Mapping[int, Found]) -> bool:
    """Whether the trained reader has seen nothing yet that it takes for the answer."""
    return max((one.margin for one in found.values()), default=-1.0) < SURE


def _settled(evidence: Sequence[Evidence], found: Mapping[int, Found]) -> list[Evidence]:
    """``evidence`` with what was found in it, best first; sentences that were not read come last."""
    top = max((one.margin for one in found.values()), default=0.0)
    read: list[Evidence] = []
    for place, one in found.items():
        item = evidence[place]
        features = replace(item.features, margin=one.margin)
        read.append(Evidence(item.sentence, item.score + SPAN * (one.margin - top), features, one.span))
    read.sort(key=lambda item: -item.score)
    return read + [item for place, item in enumerate(evidence) if place not in found]


def _score(features: Features, kind: Kind) -> float:
    values: dict[str, float] = {name: getattr(features, name) for name in _RANK}
    values["kind"] *= _KIND_WEIGHT.get(kind, 1.0)
    if kind == "yes_no":
        # A question that asserts may name the wrong company or year; the sentence that sets it right is wanted.
        values |= {"company": 0.3 * features.company, "year": 0.3 * features.year}
    total: float = sum(weight * values[name] for name, weight in _RANK.items())
    return total - 0.25 * features.lacking
