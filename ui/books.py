"""What is written down of every answer, whichever door it was given through, before it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from assistant.schema import Answer, Role
from ui.access import Asker, asker_of
from ui.metrics import Metrics
from ui.records import Conversation, Rating, Records, Turn

Door = Literal["page", "api", "embed", "openai"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who sent it, to which door, and the id that it has in the log."""

    asker: Asker
    door: Door
    request_id: str


def visit_of(request: Request, door: Door) -> Visit:
    """The visit that ``request`` is."""
    return Visit(asker_of(request), door, request.state.request_id)


class Books:
    """Keeps answers."""

    def __init__(self, records: Records, metrics: Metrics) -> None:
        self._records = records
        self._metrics = metrics

    def turn(
        self, visit: Visit, owner: str, conversation: str | None, turn: Turn, keep: int | None
    ) -> Conversation:
        """Adds a turn to the owner's conversation, as ``Records.add`` does."""
        return self._records.add(owner, conversation, turn, keep)

    def answer(
        self, visit: Visit, question: str, history: Sequence[tuple[Role, str]], answer: Answer
    ) -> None:
        """Keeps an answer that belongs to no conversation of ours."""

    def rate(self, answer_id: str, rating: Rating, reason: str, comment: str) -> None:
        """Keeps what a reader thinks of such an answer."""
