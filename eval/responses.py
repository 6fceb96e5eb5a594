"""An answer as an evaluation sees it: the JSON that ``Answer.to_dict`` gives and ``/api/ask`` returns, read back.

Whatever was asked, the assistant in this process or a server over HTTP, is judged from this one form; it is
also what a run keeps, so that a kept run can be judged again without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from assistant.schema import Citation, Claim, Status
from eval.errors import ResponseError

ANSWERED = ("grounded", "partial")
REFUSED = ("not_found", "declined")


@dataclass(frozen=True, slots=True)
class SeenPassage:
    """A passage that was looked at: its text and place in its article, its score, and whether it is cited."""

    id: str
    article_id: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...]
    score: float
    used: bool


@dataclass(frozen=True, slots=True)
class Response:
    """What is judged of an answer. ``confidence`` is None where nothing was looked up, ``timings_ms`` by stage."""

    text: str
    kind: str
    status: Status
    looked_up: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    passages: tuple[SeenPassage, ...]
    engine: str
    index_version: str
    timings_ms: dict[str, float]
    confidence: float | None = None

    @property
    def answered(self) -> bool:
        """Whether it claims to answer the question."""
        return self.status in ANSWERED

    @property
    def refused(self) -> bool:
        """Whether it says that the articles do not hold an answer."""
        return self.status in REFUSED

    @property
    def ranked(self) -> tuple[SeenPassage, ...]:
        """The passages as they were found, best first; the answer itself lists cited ones first."""
        return tuple(sorted(self.passages, key=lambda passage: -passage.score))


_RESPONSE = TypeAdapter(Response)


def parse_response(values: Mapping[str, Any]) -> Response:
    """An answer's JSON values as a ``Response``; keys that are not judged are let be.

    Raises:
        ResponseError: a value is missing or of the wrong type; the message names every one.
    """
    try:
        return _RESPONSE.validate_python(dict(values))
    except ValidationError as error:
        troubles = "；".join(
            f"{'.'.join(map(str, item['loc'])) or '整个回答'}（{item['msg']}）" for item in error.errors()
        )
        raise ResponseError(f"返回的不是消保问答的回答：{troubles}") from error
