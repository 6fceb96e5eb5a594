"""Which sentence of the passages answers, and how sure that is.

``Reader`` is the seam: whatever reads ``(lookup, passages)`` into ranked ``Evidence`` and a probability can stand
here. ``FeatureReader`` reads without a trained model: each sentence is judged by what it shares with the question
(weighted terms, meaning, the kind of thing asked, company and year), and a logistic over the same features
tells how likely the best one answers at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from assistant.lexicon import Lexicon
from assistant.matching import (
    PERSON,
    WHICH_COMPANIES,
    company_match,
    kind_match,
    lacks_names,
    lacks_value,
    names_one,
    of_that_sort,
    year_match,
)
from assistant.schema import Kind
from assistant.sentences import Sentence, statements
from assistant.terms import Term, TermReader, coverage, found, missing
from assistant.understanding import Lookup, normalise
from assistant.vectors import Vectors
from index.schema import Passage


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
    """A sentence that may answer, with its score (higher is better)."""

    sentence: Sentence
    score: float
    features: Features

    @property
    def passage(self) -> Passage:
        """The passage that the sentence stands in."""
        return self.sentence.passage

    @property
    def start(self) -> int:
        """Where the sentence begins in the article's text."""
        return self.sentence.start

    @property
    def end(self) -> int:
        """Where the sentence ends in the article's text."""
        return self.sentence.end

    @property
    def text(self) -> str:
        """The sentence as the article has it."""
        return self.sentence.text


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence, best first, the probability that the best of it answers, and the words that it does not speak of."""

    evidence: tuple[Evidence, ...]
    probability: float
    lacking: tuple[str, ...]
    terms: tuple[Term, ...]
    pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence before its meaning is measured: the rank of its passage, and its share of the question's words."""

    sentence: Sentence
    rank: int
    coverage: float
    own_coverage: float

    @property
    def shared(self) -> float:
        """What it is chosen by: words shared by itself, and with its surroundings."""
        return self.coverage + self.own_coverage


class Reader(Protocol):
    """Reads passages for an answer."""

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        """Evidence for ``lookup`` out of ``passages``; an empty reading when there are none."""
        ...


# Ranking: how much each feature counts when sentences compete. Meaning is centred on the competing sentences.
_RANK = {
    "coverage": 0.55,
    "own_coverage": 0.75,
    "contrast": 7.2,
    "pairs": 0.4,
    "kind": 0.22,
    "company": 0.35,
    "year": 0.3,
    "rank": 0.08,
}


UNITLESS = 0.5
"""What a sentence loses that gives no figure in the unit asked for, or no date where one is asked for."""
VALUES = ("数字", "时间", "名称", "姓名")
"""What ``Reading.lacking`` calls the sort of value that was asked for and is not given; all else in it are words."""
_KIND_WEIGHT = {
    "definition": 2.5,
    "comparison": 2.5,
    "date": 2.0,
    "contact": 2.0,
    "figure": 1.5,
    "yes_no": 2.5,
}
"""How much more the kind counts where a sentence without it cannot answer."""


class FeatureReader:
    """The reader without a trained model.

    Args:
        terms: reads the weighted terms of a question.
        embed: unit vectors of sentences, shape (n, dimension).
        embed_question: the unit vector of a question, shape (dimension,).
        passage_nearness: the cosine of a question to passages, by chunk id.
    """

    def __init__(
        self,
        terms: TermReader,
        lexicon: Lexicon,
        embed: Callable[[Sequence[str]], Vectors],
        embed_question: Callable[[str], Vectors],
        passage_nearness: Callable[[str, Sequence[str]], Mapping[str, float]],
    ) -> None:
        self._terms = terms
        self._lexicon = lexicon
        self._embed = embed
        self._embed_question = embed_question
        self._passage_nearness = passage_nearness

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        """See ``Reader``; ``MEASURED`` sentences at most are compared by meaning, chosen by shared words."""
        terms = self._question_terms(lookup)
        pairs = self._terms.pairs(normalise(lookup.focus), terms)
        candidates = [
            Candidate(s, rank, *self._coverage(terms, s))
            for rank, p in enumerate(passages)
            for s in statements(p)
        ]
        if not candidates:
            return Reading((), 0.0, (), tuple(terms))
        candidates.sort(key=lambda candidate: -candidate.shared)
        chosen = candidates[:MEASURED]
        meanings = self._meanings(lookup, chosen)
        contrasts = meanings - meanings.mean()
        evidence = []
        for candidate, meaning, contrast in zip(chosen, meanings.tolist(), contrasts.tolist(), strict=True):
            features = self._features(lookup, terms, pairs, candidate, meaning, contrast)
            score = _score(features, lookup.kind) - UNITLESS * lacks_value(lookup, candidate.sentence.text)
            evidence.append(Evidence(candidate.sentence, score, features))
        evidence.sort(key=lambda item: -item.score)
        best = evidence[0]
        said = self._fold(best.sentence.in_context)
        unnamed = self._unnamed(lookup, terms, said, best)
        lacking = [*unnamed, *(term.text for term in missing(terms, said, self._lexicon))]
        # A question without a single telling word (的的的) has no answer, however near its meaning looks.
        tells = bool(terms or pairs or lookup.english)
        probability = answered(best.features, lookup, len(unnamed)) if tells else RULED_OUT
        return Reading(tuple(evidence), probability, tuple(dict.fromkeys(lacking)), tuple(terms), pairs)

    def _meanings(self, lookup: Lookup, candidates: Sequence[Candidate]) -> Vectors:
        """Cosines of the question to the candidates, shape (n,).

        Where words alone tell which sentence answers, the nearness of its passage, known from the search, must do:
        embedding sentences costs more than all the rest of an answer.
        """
        following = candidates[1].shared if len(candidates) > 1 else 0.0
        if candidates[0].own_coverage >= PLAIN and candidates[0].shared - following >= CLEAR:
            ids = [candidate.sentence.passage.chunk.id for candidate in candidates]
            near = self._passage_nearness(lookup.text, list(dict.fromkeys(ids)))
            return np.asarray([near[chunk_id] for chunk_id in ids], dtype=np.float32)
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
        sought = ["时间" if lookup.kind == "date" else "数字"] if lacks_value(lookup, best.text) else []
        # 4家保险公司…: they are often named in the sentence that follows.
        around = best.text + best.sentence.after
        if lacks_names(lookup, around, self._lexicon, self._terms.names_places(around)):
            sought.append("名称")
        person = ["姓名"] if PERSON.search(lookup.text) and not self._terms.names_person(best.text) else []
        return list(dict.fromkeys([*specific, *sort, *sought, *person]))

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
PLAIN, CLEAR = 0.75, 0.25
"""Shares of the question's words: held by the best sentence, and by how much more than by the next (of 2)."""
MEASURED = 4
"""Sentences compared by meaning: each costs a few milliseconds of embedding."""


def _score(features: Features, kind: Kind) -> float:
    values: dict[str, float] = {name: getattr(features, name) for name in _RANK}
    values["kind"] *= _KIND_WEIGHT.get(kind, 1.0)
    if kind == "yes_no":
        # A question that asserts may name the wrong company or year; the sentence that sets it right is wanted.
        values |= {"company": 0.3 * features.company, "year": 0.3 * features.year}
    total: float = sum(weight * values[name] for name, weight in _RANK.items())
    return total - 0.25 * features.lacking


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
    strict = lookup.kind in ("figure", "date", "contact", "comparison") or bool(
        WHICH_COMPANIES.search(lookup.shape)
    )
    needed = 1.0 - features.kind if strict else 0.0
    return _logistic(
        0.8 * features.coverage
        + 0.3 * features.own_coverage
        + 18.0 * (features.meaning - 0.86)
        + 1.8 * features.pairs
        - 2.3 * needed
        - 1.8 * features.lacking
    )


RULED_OUT = 0.02


def _logistic(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))
