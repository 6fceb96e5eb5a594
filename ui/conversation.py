"""A conversation as the page keeps it: turns, and what the chat and the assistant need of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from assistant.schema import Answer, Role
from ui.rendering import answer_html, error_html, question_html


class Message(TypedDict):
    """A message as the chat component takes it."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer, or with the Chinese message saying why there is none."""

    question: str
    answer: Answer | None = None
    error: str = ""


def history(turns: Sequence[Turn]) -> tuple[tuple[Role, str], ...]:
    """The answered turns as the assistant takes them: ``(role, text)``, newest last."""
    return tuple(
        pair
        for turn in turns
        if turn.answer is not None
        for pair in (("user", turn.question), ("assistant", turn.answer.text))
    )


def messages(turns: Sequence[Turn], pending: str | None = None, progress: str = "") -> list[Message]:
    """Every turn, then a ``pending`` question with ``progress`` (HTML) in its answer's place."""
    shown: list[Message] = []
    for number, turn in enumerate(turns, start=1):
        answer = error_html(turn.error) if turn.answer is None else answer_html(turn.answer, number)
        shown += [_message("user", question_html(turn.question)), _message("assistant", answer)]
    if pending is not None:
        shown += [_message("user", question_html(pending)), _message("assistant", progress)]
    return shown


def _message(role: Role, content: str) -> Message:
    return {"role": role, "content": content}
