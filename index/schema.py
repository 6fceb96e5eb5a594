"""The values an index deals in: articles, the chunks they are cut into, and chunks found again.

They are frozen, hold no optional identity, and know nothing of storage. Every offset counts
characters of ``Article.text``, which is the text after the page furniture has been removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Article:
    """One source article. ``publisher`` and ``url`` are empty, ``published`` is None, where it states none."""

    id: str
    title: str
    publisher: str
    published: date | None
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of an article's text: ``article.text[start:end] == text`` always holds.

    ``headings`` is the path of headings the chunk stands under, outermost first.
    """

    id: str
    article_id: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was retrieved, with its article and the fused score it was ranked by (higher is nearer)."""

    chunk: Chunk
    article: Article
    score: float
