"""An answer as it is kept and shown: the JSON of ``Answer.to_dict`` read back, articles not needed.

What was answered stays readable as it was, whatever becomes of the index it was drawn from.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from assistant.schema import Answer, Citation, Claim, Kind, Status


class ShownPassage(BaseModel):
    """A passage that was looked at; ``text`` is ``start`` … ``end`` of its article's text."""

    model_config = ConfigDict(frozen=True)

    id: str
    article_id: str
    title: str
    publisher: str
    published: date | None
    url: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...]
    score: float
    used: bool


class Snapshot(BaseModel):
    """A finished answer; the fields are those of ``assistant.schema.Answer``."""

    model_config = ConfigDict(frozen=True)

    id: str
    question: str
    looked_up: str
    kind: Kind
    status: Status
    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    passages: tuple[ShownPassage, ...]
    suggestions: tuple[str, ...]
    engine: str
    index_version: str
    timings_ms: dict[str, float]
    confidence: float | None = None

    @classmethod
    def of(cls, answer: Answer) -> Snapshot:
        """What is kept of ``answer``."""
        return cls.model_validate(answer.to_dict())
