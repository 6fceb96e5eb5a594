"""The values a conversation deals in. The same ``Answer`` is what the page shows, ``/api/ask`` returns as
JSON (``to_dict``) and an evaluation stores; there is no second form of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from index.schema import Passage

Role = Literal["user", "assistant"]
Support = Literal["verbatim", "supported", "unsupported"]
Status = Literal["grounded", "partial", "not_found", "declined", "smalltalk"]
Kind = Literal[
    "figure",
    "date",
    "entity",
    "contact",
    "list",
    "definition",
    "how",
    "why",
    "yes_no",
    "comparison",
    "summary",
    "fact",
    "smalltalk",
    "request",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, with the turns before it as ``(role, text)``, newest last."""

    text: str
    history: tuple[tuple[Role, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered proof: ``article.text[start:end] == quote`` always holds."""

    number: int
    passage_id: str
    article_id: str
    title: str
    publisher: str
    published: date | None
    url: str
    headings: tuple[str, ...]
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of the answer, the citations it rests on, and how well they carry it."""

    text: str
    citation_numbers: tuple[int, ...]
    support: Support


def passage_dict(passage: Passage) -> dict[str, Any]:
    """A passage as plain JSON values, as answers and the events before them carry it."""
    return {
        "id": passage.chunk.id,
        "article_id": passage.article.id,
        "title": passage.article.title,
        "publisher": passage.article.publisher,
        "published": passage.article.published.isoformat() if passage.article.published else None,
        "url": passage.article.url,
        "text": passage.chunk.text,
        "start": passage.chunk.start,
        "end": passage.chunk.end,
        "headings": list(passage.chunk.headings),
        "score": passage.score,
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer. ``text`` is what is shown, with ``[n]`` markers; ``passages`` are all that were looked at.

    ``looked_up`` is the stand-alone question that was searched for; ``timings_ms`` has ``understand``,
    ``retrieve``, ``read`` (or ``generate``), ``verify`` and ``total``. ``confidence`` is the probability, 0 to 1,
    that the articles answer the question, of several parts the likeliest; None where nothing was looked up.
    """

    id: str
    question: str
    looked_up: str
    kind: Kind
    status: Status
    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    suggestions: tuple[str, ...]
    engine: str
    index_version: str
    timings_ms: dict[str, float] = field(default_factory=dict)
    confidence: float | None = None

    def used(self, passage: Passage) -> bool:
        """Whether a citation rests on this passage."""
        return any(citation.passage_id == passage.chunk.id for citation in self.citations)

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values; dates are ISO strings, or null where the source states none."""
        return {
            "id": self.id,
            "question": self.question,
            "looked_up": self.looked_up,
            "kind": self.kind,
            "status": self.status,
            "text": self.text,
            "claims": [asdict(claim) for claim in self.claims],
            "citations": [
                asdict(citation)
                | {"published": citation.published.isoformat() if citation.published else None}
                for citation in self.citations
            ],
            "passages": [passage_dict(passage) | {"used": self.used(passage)} for passage in self.passages],
            "suggestions": list(self.suggestions),
            "engine": self.engine,
            "index_version": self.index_version,
            "timings_ms": self.timings_ms,
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class Searching:
    """The question is understood and is being looked up as ``looked_up``."""

    looked_up: str


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Passages have been found, best first."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A model's unverified text so far; shown as a draft only."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer, verified and cited. Always the last event."""

    answer: Answer


Event = Searching | Retrieved | Draft | Finished
