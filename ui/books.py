"""What is written down of every answer, whichever door it was given through, before it is given."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from assistant.schema import Answer, Role
from ui.access import Asker, asker_of
from ui.audit import Audit, Door, Entry
from ui.kept import KeptAnswers
from ui.metrics import Metrics
from ui.records import Conversation, Records, Turn
from ui.snapshot import Snapshot
from ui.tracing import Tracing

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who sent it, to which door, the id that it has in the log, and its headers, which may name the
    trace that it belongs to."""

    asker: Asker
    door: Door
    request_id: str
    headers: Mapping[str, str]


def visit_of(request: Request, door: Door) -> Visit:
    """The visit that ``request`` is."""
    return Visit(asker_of(request), door, request.state.request_id, request.headers)


class Books:
    """Keeps answers: those of a conversation in its history, the others for a while, so that they can be rated; each with
    its entry in the audit trail, in one transaction."""

    def __init__(
        self,
        records: Records,
        kept: KeptAnswers,
        audit: Audit,
        metrics: Metrics,
        tracing: Tracing | None,
        *,
        log_questions: bool,
    ) -> None:
        self._records = records
        self._kept = kept
        self._audit = audit
        self._metrics = metrics
        self._tracing = tracing
        self._log_questions = log_questions

    def turn(
        self, visit: Visit, owner: str, conversation: str | None, answer: Answer, keep: int | None
    ) -> Conversation:
        """Adds a question and its answer to the owner's conversation, as ``Records.add`` does."""
        turn = Turn.of(answer.question, answer)
        added = self._records.add(owner, conversation, turn, keep, self._entry(visit, Snapshot.of(answer)))
        self._observe(visit, answer)
        return added

    def answer(self, visit: Visit, history: Sequence[tuple[Role, str]], answer: Answer) -> None:
        """Keeps an answer that belongs to no conversation of ours, as ``KeptAnswers.keep`` does."""
        snapshot = Snapshot.of(answer)
        self._kept.keep(answer.question, history, snapshot, self._entry(visit, snapshot))
        self._observe(visit, answer)

    def _entry(self, visit: Visit, answer: Snapshot) -> Entry:
        return self._audit.entry(
            answer,
            who=visit.asker.name,
            door=visit.door,
            request_id=visit.request_id,
            milliseconds=answer.timings_ms.get("total", 0.0),
        )

    def _observe(self, visit: Visit, answer: Answer) -> None:
        self._metrics.answer(visit.door, answer)
        if self._tracing is not None:
            self._tracing.answer(visit.door, visit.request_id, answer, visit.headers)
        fields = {
            "request_id": visit.request_id,
            "who": visit.asker.name,
            "door": visit.door,
            "answer": answer.id,
            "status": answer.status,
            "engine": answer.engine,
            "ms": answer.timings_ms.get("total"),
        }
        if self._log_questions:
            fields["question"] = answer.question
        logger.info("answer", extra=fields)
