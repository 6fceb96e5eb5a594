"""One straight path from a question to its answer: understand, retrieve, read, compose, cite.

``Assistant.stream`` yields what happens as it happens; ``ask`` is the same path with only its end kept. Whatever
asks (page, API, command line, evaluation) takes this path and no other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from assistant.accounts import dated, disagreeing
from assistant.anticipated import Anticipated
from assistant.citing import Citer
from assistant.composing import Composer
from assistant.composition import LONG_CHARS, Composition
from assistant.errors import QuestionError
from assistant.evidence import Evidence, Reading
from assistant.reading import Reader
from assistant.replies import DECLINED, introduction, not_found
from assistant.schema import Answer, Event, Finished, Question, Retrieved, Role, Searching, Status
from assistant.settings import AnswerSettings
from assistant.spans import BUNDLED
from assistant.suggesting import INSTEAD, Suggester
from assistant.understanding import Lookup, Understander, Understanding, normalise
from index.errors import IndexDamagedError
from index.retrieval import Retriever
from index.schema import Article, Passage

ENGINE = "reader"
_IN_CHINESE = "（资料为中文，以下为原文。）"


@dataclass
class Timer:
    """Milliseconds spent by stage, the stages of several parts added up."""

    spent: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Books the time since the last lap to ``stage``."""
        now = time.perf_counter()
        self.spent[stage] = self.spent.get(stage, 0.0) + 1000 * (now - self._last)
        self._last = now

    def timings(self) -> dict[str, float]:
        """All stages, in milliseconds with two decimals, and their ``total``."""
        stages = {
            stage: round(self.spent.get(stage, 0.0), 2)
            for stage in ("understand", "retrieve", "read", "verify")
        }
        return stages | {"total": round(sum(self.spent.values()), 2)}


class Assistant:
    """Answers questions from one opened index. Safe to ask from several threads at once."""

    def __init__(
        self,
        retriever: Retriever,
        understander: Understander,
        reader: Reader,
        composer: Composer,
        anticipated: Anticipated,
        suggester: Suggester,
        settings: AnswerSettings,
    ) -> None:
        self._retriever = retriever
        self._understander = understander
        self._reader = reader
        self._composer = composer
        self._anticipated = anticipated
        self._suggester = suggester
        self._settings = settings
        self.examples = suggester.examples

    @property
    def articles(self) -> tuple[Article, ...]:
        """The articles that are answered from."""
        return self._retriever.articles

    @property
    def index_version(self) -> str:
        """The version of the index that is answered from."""
        return self._retriever.version

    @property
    def models(self) -> dict[str, str]:
        """The names of the models that answers rest on: ``embedding`` and ``reader``."""
        return {"embedding": self._retriever.model, "reader": BUNDLED.name}

    @property
    def indexed(self) -> datetime:
        """When that index was built (UTC)."""
        return self._retriever.created

    def passage(self, id: str) -> Passage | None:
        """The passage of this id, as answers carry it; None where the index holds none."""
        try:
            return self._retriever.passage(id)
        except KeyError:
            return None

    def probe(self) -> None:
        """Searches the index for something that it holds, to see that it can be asked at this moment.

        Raises:
            IndexUnusableError: it cannot: nothing is found, or it was damaged since it was opened.
        """
        for article in self.articles[:1]:
            if not self._retriever.passages([article.title], 1):
                raise IndexDamagedError(
                    "索引里查不到任何资料，可能已损坏。请运行 xiaobao ingest --force 重新建立。"
                )

    def ask(self, question: str, history: Sequence[tuple[Role, str]] = ()) -> Answer:
        """The answer to ``question``, with the turns before it as ``(role, text)``, newest last.

        Raises:
            QuestionError: the question is empty or too long.
            IndexUnusableError: the index was damaged since it was opened.
        """
        for event in self.stream(question, history):
            if isinstance(event, Finished):
                return event.answer
        raise AssertionError("a stream always ends with Finished")

    def stream(self, question: str, history: Sequence[tuple[Role, str]] = ()) -> Iterator[Event]:
        """The events of answering ``question``, ending with ``Finished``; raises as ``ask`` does, before the first event."""
        question = _encodable(question)
        self._check(question)
        return self._events(self._question(question, history))

    def examine(
        self, question: str, history: Sequence[tuple[Role, str]] = ()
    ) -> list[tuple[Lookup, Reading]]:
        """What is read for each part of a question, before it is decided whether that answers: what weights are fitted on.

        Raises:
            QuestionError: the question is empty or too long.
        """
        question = _encodable(question)
        self._check(question)
        understood = self._understander.understand(self._question(question, history))
        return [(part, self._reader.read(part, self._search(part))) for part in understood.parts]

    def _question(self, question: str, history: Sequence[tuple[Role, str]]) -> Question:
        most = self._settings.max_question_chars
        latest = history[-self._settings.max_history :] if self._settings.max_history else ()
        return Question(question, tuple((role, text[:most]) for role, text in latest))

    def _search(self, part: Lookup) -> list[Passage]:
        """The passages that searching finds, then those that hold the answers to known questions like this one."""
        found = self._retriever.passages(part.queries, self._settings.passages)
        known = self._anticipated.nearest(self._retriever.embed(part.text))
        return list(_merged([found, [self._retriever.passage_at(*place) for place in known]]))

    def _check(self, question: str) -> None:
        # One character may stand for a word of several (㍿, ﷺ), so the length counts before and after.
        most = self._settings.max_question_chars
        length = len(question) if len(question) > most else len(normalise(question))
        if length > most:
            raise QuestionError(f"问题太长：{length} 个字符，最多 {most} 个。请只留下要问的那一句。")
        if not length:
            raise QuestionError("问题是空的。请输入想了解的内容。")

    def _events(self, question: Question) -> Iterator[Event]:
        timer = Timer()
        understood = self._understander.understand(question)
        timer.lap("understand")
        whole = understood.whole
        if whole.kind == "smalltalk":
            yield Finished(
                self._reply(
                    question,
                    whole,
                    "smalltalk",
                    introduction(question.text, self.examples),
                    timer,
                    self.examples,
                )
            )
            return
        if whole.kind == "request":
            suggestions = self.examples[:INSTEAD]
            yield Finished(self._reply(question, whole, "declined", DECLINED, timer, suggestions))
            return
        yield Searching(whole.text)
        found = [self._search(part) for part in understood.parts]
        passages = _merged(found)
        timer.lap("retrieve")
        yield Retrieved(passages)
        readings = [self._reader.read(part, own) for part, own in zip(understood.parts, found, strict=True)]
        timer.lap("read")
        yield Finished(self._answer(question, understood, readings, passages, timer))

    def _answer(
        self,
        question: Question,
        understood: Understanding,
        readings: Sequence[Reading],
        passages: tuple[Passage, ...],
        timer: Timer,
    ) -> Answer:
        citer = Citer(self._retriever.passage_at)
        said: list[str] = []
        absent: list[str] = []
        composed = self._composed(understood.parts, readings)
        for part, reading, composition in zip(understood.parts, readings, composed, strict=True):
            # What an earlier part has said is not said again.
            told = composition is not None and _told(composition, said)
            text = citer.cite(composition) if composition and not told else ""
            if text and text not in said:
                said.append(text)
            elif composition is None:
                absent.append(not_found(part, reading))
        status: Status = "not_found" if not said else ("partial" if absent else "grounded")
        text = _joined(said, absent if said else absent[:1])
        if said and understood.whole.english:
            text = _IN_CHINESE + ("\n" if text.startswith("- ") else "") + text
        asked = [self._retriever.embed(part.text) for part in understood.parts]
        suggestions = (
            self._suggester.following(question, asked, text, citer.citations)
            if said
            else self._suggester.instead(question, asked, passages)
        )
        timer.lap("verify")
        cited = {citation.passage_id for citation in citer.citations}
        extra = [
            self._retriever.passage_at(citation.article_id, citation.start)
            for citation in citer.citations
            if citation.passage_id not in {passage.chunk.id for passage in passages}
        ]
        shown = _merged([[p for p in passages if p.chunk.id in cited], extra, list(passages)])
        return Answer(
            id=uuid.uuid4().hex,
            question=question.text,
            looked_up=understood.whole.text,
            kind=understood.whole.kind,
            status=status,
            text=text,
            claims=tuple(citer.claims),
            citations=tuple(citer.citations),
            passages=shown,
            suggestions=suggestions,
            engine=ENGINE,
            index_version=self.index_version,
            timings_ms=timer.timings(),
            confidence=round(max(reading.probability for reading in readings), 4),
        )

    def _composed(self, parts: Sequence[Lookup], readings: Sequence[Reading]) -> list[Composition | None]:
        """What is said to each part; None where that is nothing. Parts that one clause answers get its whole sentence."""
        composed: list[Composition | None] = []
        for part, reading in zip(parts, readings, strict=True):
            answers = bool(reading.evidence) and reading.probability >= self._settings.threshold
            composition = self._compose(part, reading) if answers else None
            for place, earlier in enumerate(composed):
                if composition and earlier and _texts(composition) == _texts(earlier):
                    composition = composed[place] = self._composer.whole(parts[place], readings[place])
            composed.append(composition)
        return self._fitted(parts, readings, composed)

    def _fitted(
        self, parts: Sequence[Lookup], readings: Sequence[Reading], composed: list[Composition | None]
    ) -> list[Composition | None]:
        """Answers to several parts cut to what fits a small paragraph together; what is said twice counts once."""
        said = [_texts(one) for one in composed if one]
        distinct = {
            tuple(own): sum(map(len, own))
            for own in said
            if not any(own != other and _within(own, other) for other in said)
        }
        if len(parts) == 1 or sum(distinct.values()) <= LONG_CHARS:
            return composed
        room = LONG_CHARS // len(distinct)
        return [
            self._composer.brief(part, reading, room) if one and _length(one) > room else one
            for part, reading, one in zip(parts, readings, composed, strict=True)
        ]

    def _compose(self, lookup: Lookup, reading: Reading) -> Composition:
        def compose(evidence: Evidence) -> Composition:
            return self._composer.compose(lookup, replace(reading, evidence=(evidence,)))

        accounts = disagreeing(lookup, reading, compose)
        return accounts or dated(lookup, self._composer.compose(lookup, reading))

    def _reply(
        self,
        question: Question,
        lookup: Lookup,
        status: Status,
        text: str,
        timer: Timer,
        suggestions: tuple[str, ...] = (),
    ) -> Answer:
        return Answer(
            id=uuid.uuid4().hex,
            question=question.text,
            looked_up=lookup.text,
            kind=lookup.kind,
            status=status,
            text=text,
            claims=(),
            citations=(),
            passages=(),
            suggestions=suggestions,
            engine=ENGINE,
            index_version=self.index_version,
            timings_ms=timer.timings(),
        )


def _encodable(text: str) -> str:
    """``text`` without lone surrogates: they stand for no character, and no JSON or page could show them."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def _told(composition: Composition, said: Sequence[str]) -> bool:
    """Whether all of a composition stands in what has been ``said``."""
    return bool(said) and _within(_texts(composition), said)


def _within(texts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether each of ``texts`` stands in one of ``others``."""
    return all(any(text in other for other in others) for text in texts)


def _length(composition: Composition) -> int:
    return sum(len(text) for text in _texts(composition))


def _texts(composition: Composition) -> list[str]:
    return [statement.text for statement in composition.statements]


def _merged(groups: Sequence[Sequence[Passage]]) -> tuple[Passage, ...]:
    """The passages of all groups in order, each chunk once."""
    by_id: dict[str, Passage] = {}
    for group in groups:
        for passage in group:
            by_id.setdefault(passage.chunk.id, passage)
    return tuple(by_id.values())


def _joined(said: Sequence[str], absent: Sequence[str]) -> str:
    separator = "\n" if any("\n" in text or len(text) > 60 for text in said) or absent else "；"
    return separator.join([*said, *absent])
