"""Evidence into a short answer, verbatim from the articles but for the words that join it.

    a figure, date, name      the shortest complete clause, with the year and company it would mislead without
    a list                    the whole enumeration, an item a line
    yes or no                 是 with the proof; 不是 with what the articles say instead
    a comparison              the figures that stand in one sentence, ordered
    a summary                 the headings, or the densest clauses of what it is about (``overviews``)
    what, how, why            one or two sentences

What the question states itself is then checked against the evidence (``premises``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from assistant.clauses import clauses, shortest_run, without_joiner, without_number
from assistant.comparing import compare
from assistant.composition import (
    FACT_CHARS,
    LONG_CHARS,
    QUOTE_CHARS,
    Composition,
    Proof,
    Statement,
    whole_sentence,
)
from assistant.enumerations import at as enumeration_at
from assistant.evidence import Evidence, Reading
from assistant.lexicon import Lexicon
from assistant.listing import listed, series_length, with_series
from assistant.matching import WHOSE, wanted_units
from assistant.overviews import overview
from assistant.premises import checked
from assistant.quantities import CLOCK, agree, quantities, years
from assistant.reckoning import reckoned
from assistant.terms import coverage, found
from assistant.understanding import Lookup, normalise
from index.schema import Article
from index.segmentation import sentences

_DAY = re.compile(CLOCK + r"|\d{1,2}月|(?:19|20)\d{2}年|\d{1,2}日|期间|以来")
_DATED = re.compile(r"(?:19|20)\d{2}年|\d{1,2}月\d{1,2}[日号]")
_EARLIER = re.compile(r"早|晚|先|前后")
SUBJECT_CHARS = 60
"""A figure is given with its subject up to this length; beyond it the figure's own clause must do."""
_LEAD = 20
"""Characters that the words before a proof (不是。资料为…) may take of a line."""
_WHOLE = 32
"""A sentence this short that gives two figures is said as it is: the one explains the other."""
_POINT = 40
"""Characters of an answer that is one thing rather than an account."""
SEEN = -6.0
"""The margin from which on the trained reader's span decides which clause of a sentence is said: where in it an answer would
stand it mostly knows even where it sees none."""
_SHORT = 30
"""A sentence shorter than this mostly announces what the next one says."""


class Composer:
    """Composes answers; holds no state of its own.

    Args:
        has_subject: whether a clause can stand alone.
    """

    def __init__(self, lexicon: Lexicon, has_subject: Callable[[str], bool]) -> None:
        self._lexicon = lexicon
        self._has_subject = has_subject

    def compose(self, lookup: Lookup, reading: Reading) -> Composition:
        """The answer to ``lookup`` from a reading that has evidence."""
        best = reading.evidence[0]
        sums = reckoned(lookup, reading.evidence[:3], self._lexicon, reading.terms)
        if sums is not None and not _gives(lookup, best):
            return sums
        match lookup.kind:
            case "list":
                composed = self._list(lookup, reading)
            case "summary":
                composed = overview(lookup, reading, self._lexicon)
            case "comparison" if _EARLIER.search(lookup.text) and len(_DATED.findall(best.text)) > 1:
                composed = Composition((self._whole(lookup, reading, best),))
            case "comparison":
                composed = compare(lookup, reading.evidence[:4], self._lexicon) or self._clause(
                    lookup, reading, best
                )
            case "fact" if self._pointed(lookup, best):
                composed = self._clause(lookup, reading, best)
            case "how" | "why" | "definition" | "fact":
                composed = self._sentences(lookup, reading)
            case _:
                composed = self._clause(lookup, reading, best)
        if not composed.statements:
            composed = self._clause(lookup, reading, best)
        return checked(lookup, best, composed, self._lexicon)

    def whole(self, lookup: Lookup, reading: Reading) -> Composition:
        """The sentence that answers as it stands, for what asks several things of one sentence."""
        return Composition((self._whole(lookup, reading, reading.evidence[0]),))

    def brief(self, lookup: Lookup, reading: Reading, room: int) -> Composition:
        """The clauses of the best sentence that answer most of what is asked in ``room`` characters."""
        statement = self._clause_statement(lookup, reading, reading.evidence[0], max(room, FACT_CHARS))
        return checked(lookup, reading.evidence[0], Composition((statement,)), self._lexicon)

    def _fold(self, text: str) -> str:
        return self._lexicon.fold(normalise(text))

    # One clause

    def _clause(self, lookup: Lookup, reading: Reading, evidence: Evidence) -> Composition:
        return Composition((self._clause_statement(lookup, reading, evidence),))

    def _clause_statement(
        self, lookup: Lookup, reading: Reading, evidence: Evidence, room: int = 2 * FACT_CHARS
    ) -> Statement:
        text = evidence.text
        whole = self._fold(text)
        asked = [
            company
            for company in lookup.companies
            if company in {m.company for m in self._lexicon.mentions(text)}
        ]
        # A figure that the question states must be seen where it is wrong, and where it is what was asked.
        stated = [q for q in lookup.quantities if agree(q, quantities(text)) is (lookup.kind == "yes_no")]
        stated += [q for q in lookup.quantities if agree(q, quantities(text)) is False]

        whose = (
            lookup.kind == "entity"
            and bool(WHOSE.search(lookup.shape))
            and any(m.standing == "member" for m in self._lexicon.mentions(text))
        )
        possible = any(_holds(lookup, text[first:]) for first, _ in clauses(text))

        def complete(run: str) -> bool:
            if asked and not {m.company for m in self._lexicon.mentions(run)} & set(asked):
                return False
            if any(agree(quantity, quantities(run)) is None for quantity in stated):
                return False
            # 哪家 wants the name, which may stand before the clause that tells the deed.
            if whose and not any(m.standing == "member" for m in self._lexicon.mentions(run)):
                return False
            # What only announces a series is no list.
            if lookup.kind == "list" and series_length(run) < 2 <= series_length(text):
                return False
            return _holds(lookup, run) or not possible

        def worth(run: str) -> float:
            bare = self._fold(run)
            kept = coverage(reading.terms, [(bare, 1.0)], self._lexicon)
            bonus = 0.1 * sum(pair in bare for pair in reading.pairs) / max(1, len(reading.pairs))
            if lookup.kind in ("figure", "yes_no") and not wanted_units(lookup.shape):
                bonus += 0.05 * bool(quantities(run))
            if lookup.kind == "entity":
                bonus += 0.15 * any(m.standing != "group" for m in self._lexicon.mentions(run)) + 0.05 * (
                    "“" in run
                )
            if lookup.kind == "list":
                bonus += 0.02 * min(12, run.count("、") + len(clauses(run)))
            return kept + bonus + (0.1 if bare == whole and len(whole) <= 40 else 0.0)

        figures = lookup.kind == "figure" and len(quantities(text)) > 1
        if (lookup.kind == "yes_no" and len(text) <= FACT_CHARS - _LEAD) or (figures and len(text) <= _WHOLE):
            return self._carrying(lookup, evidence, *_without_edges(evidence, text))
        longest = (
            FACT_CHARS
            if lookup.kind in ("figure", "date", "contact", "entity", "yes_no", "comparison")
            or self._pointed(lookup, evidence)
            else room
        )
        start, end = shortest_run(text, worth, longest, complete, self._answer(lookup, evidence))
        start = self._from_subject(text, start, end, FACT_CHARS if lookup.kind == "entity" else SUBJECT_CHARS)
        return self._carrying(lookup, evidence, evidence.start + start, evidence.start + end)

    def _pointed(self, lookup: Lookup, evidence: Evidence) -> bool:
        """Whether the trained reader sees a short answer in a sentence that is too long to be said whole."""
        answer = self._answer(lookup, evidence)
        long = len(evidence.text) > FACT_CHARS
        return (
            answer is not None and long and answer[1] - answer[0] <= _POINT and evidence.features.margin > 0
        )

    def _answer(self, lookup: Lookup, evidence: Evidence) -> tuple[int, int] | None:
        """Where in the sentence the trained reader sees the answer; None where it sees none, or not of the kind asked."""
        span = evidence.span
        if span is None or evidence.features.margin < SEEN or len(span) > FACT_CHARS:
            return None
        if lookup.kind in ("list", "comparison") or span.end > evidence.end:
            return None
        start, end = span.start - evidence.start, span.end - evidence.start
        if lookup.kind == "figure":
            # A figure's span may stop before its unit, so that its clause is asked, not the span.
            text = evidence.text
            around = [text[slice(*c)] for c in clauses(text) if c[0] <= start and end <= c[1]]
            if around and not _holds(lookup, around[0]):
                return None
        return start, end

    def _from_subject(self, text: str, start: int, end: int, most: int) -> int:
        """Where to begin so that the clause has a subject, if that keeps it to ``most`` characters; else ``start``."""
        starts = [first for first, _ in clauses(text) if first < start]
        begin = start
        while not self._has_subject(text[begin:end]) and starts:
            begin = starts.pop()
        begin = without_joiner(text, (begin, end))[0]
        return begin if end - begin <= most and self._has_subject(text[begin:end]) else start

    def _carrying(self, lookup: Lookup, evidence: Evidence, start: int, end: int) -> Statement:
        """The clause with the year and the company that the sentence before it gives it."""
        article = evidence.passage.article
        quote_start, quote_end = whole_sentence(article, evidence.start, evidence.end)
        said = article.text[start:end]
        paragraph = article.text.rfind("\n", 0, start) + 1
        if lookup.companies and not {m.company for m in self._lexicon.mentions(said)} & set(lookup.companies):
            before = [
                m
                for m in self._lexicon.mentions(article.text[paragraph:start])
                if m.company in lookup.companies
            ]
            if (
                before
                and evidence.features.company > 0
                and end - (paragraph + before[-1].start) <= 2 * QUOTE_CHARS
            ):
                said = f"{article.text[paragraph + before[-1].start : paragraph + before[-1].end]}：{said}"
                quote_start = min(quote_start, paragraph + before[-1].start)
        carries_year = lookup.kind in ("figure", "date", "comparison", "yes_no", "contact") or bool(
            lookup.years
        )
        if carries_year and not years(said) and quantities(said):
            dated = list(re.finditer(r"(?:19|20)\d{2}年(?=[,，])|今年以来", article.text[paragraph:start]))
            if dated and end - (paragraph + dated[-1].start()) <= 2 * QUOTE_CHARS:
                said = f"{dated[-1][0]}，{said}"
                quote_start = min(quote_start, paragraph + dated[-1].start())
        return Statement(said, (Proof(article, quote_start, quote_end),))

    # Sentences

    def _sentences(self, lookup: Lookup, reading: Reading) -> Composition:
        best = reading.evidence[0]
        listed = enumeration_at(best.passage.article.text, best.start, best.end)
        if lookup.kind in ("how", "fact") and listed is not None and listed.lead[1] > listed.lead[0]:
            lead = self._fold(best.passage.article.text[slice(*listed.lead)])
            if coverage(reading.terms, [(lead, 1.0)], self._lexicon) >= best.features.own_coverage - 0.05:
                return self._list(lookup, reading)
        chosen = [self._whole(lookup, reading, best)]
        length = len(chosen[0].text)
        # A second sentence is said when it nearly matches the best and both stay short.
        for other in reading.evidence[1:3]:
            near = (
                other.score >= best.score - 0.18 and other.features.company >= 0 and other.features.year >= 0
            )
            statement = self._whole(lookup, reading, other)
            if (
                near
                and length + len(statement.text) <= LONG_CHARS - 60
                and _apart(chosen, statement)
                and lookup.kind != "definition"
            ):
                chosen.append(statement)
                break
        chosen.sort(
            key=lambda item: (item.proofs[0].article.id != best.passage.article.id, item.proofs[0].start)
        )
        return Composition(tuple(chosen))

    def _whole(self, lookup: Lookup, reading: Reading, evidence: Evidence) -> Statement:
        """The statement as it stands; its best clauses when it is longer than a small paragraph."""
        article = evidence.passage.article
        if lookup.kind == "list":
            start, end = _without_edges(evidence, evidence.text)
            return Statement(
                article.text[start:end],
                (Proof(article, *whole_sentence(article, evidence.start, evidence.end)),),
            )
        start, end = whole_sentence(article, evidence.start, evidence.end)
        start += len(article.text[start:end]) - len(without_number(article.text[start:end]))
        if end - start > LONG_CHARS - 40:
            start, end = evidence.start, evidence.end
        if end - start > LONG_CHARS - 40:
            return self._clause_statement(replace(lookup, kind="fact"), reading, evidence)
        following = _next_sentence(article, end)
        if following and (end - start < _SHORT or article.text[following[0]] == "即"):
            # What is explained must stay; what leads up to it gives way when both are too long.
            fitting = [
                start + first
                for first, _ in clauses(article.text[start:end])
                if following[1] - start - first <= LONG_CHARS
            ]
            if fitting:
                start, end = fitting[0], following[1]
        return Statement(article.text[start:end].rstrip("；; \n"), (Proof(article, start, end),))

    # Lists

    def _list(self, lookup: Lookup, reading: Reading) -> Composition:
        composed = listed(lookup, reading, self._lexicon)
        if composed is not None:
            return composed
        best = with_series(reading)
        if best.end - best.start <= FACT_CHARS:
            return Composition((self._whole(lookup, reading, best),))
        return Composition((self._clause_statement(lookup, reading, best),))


def _gives(lookup: Lookup, evidence: Evidence) -> bool:
    """Whether the sentence itself says the share or the multiple that is asked for."""
    held = {quantity.unit for quantity in quantities(evidence.text)}
    wanted = wanted_units(lookup.shape) & {"%", "倍", "成"}
    return bool(wanted & held) and evidence.features.margin > 0


def _holds(lookup: Lookup, run: str) -> bool:
    """Whether a run of clauses holds the kind of thing that was asked."""
    match lookup.kind:
        case "figure":
            held = {quantity.unit for quantity in quantities(run) if quantity.unit}
            wanted = wanted_units(lookup.shape)
            return bool(held & wanted) if wanted else bool(held)
        case "date":
            # The day comes before what happened on it: a run that only ends with one has another's day.
            return bool(_DAY.search(re.split(r"[,，;；]", run, maxsplit=1)[0]))
        case "contact":
            return bool(re.search(r"\d{5,}", run) and re.search(r"热线|电话|客服|号码|拨打", run))
        case "list":
            return run.count("、") > 0 or len(clauses(run)) > 1
        case _:
            return True


def _without_edges(evidence: Evidence, text: str) -> tuple[int, int]:
    start, end = without_joiner(text, (0, len(text)))
    return evidence.start + start, evidence.start + end


def _next_sentence(article: Article, end: int) -> tuple[int, int] | None:
    """The sentence after ``end`` in the same paragraph, if there is one."""
    stop = article.text.find("\n", end)
    spans = sentences(article.text[end : stop if stop >= 0 else len(article.text)], end)
    return (spans[0].start, spans[0].end) if spans and article.text[end - 1] in "。！？" else None


def _apart(chosen: Sequence[Statement], statement: Statement) -> bool:
    """Whether a statement's proof overlaps none of those already chosen, nor repeats their words."""
    proof = statement.proofs[0]
    for other in chosen:
        same = other.proofs[0]
        if same.article.id == proof.article.id and same.start < proof.end and proof.start < same.end:
            return False
        if found(statement.text[:12], other.text, Lexicon({}, {}, {}, {}, frozenset(), frozenset())) >= 0.7:
            return False
    return True
