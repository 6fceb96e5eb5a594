"""A question's text into the passages that speak of it: meaning and keywords, fused.

Each leg proposes its nearest chunks; every proposed chunk is then scored by both, so that no score has to be
guessed where only one leg saw it, and the z-scores are fused (``fusion``). Several formulations of one
question are ranked each by itself, and a chunk keeps its best score. A ``Retriever`` reads one immutable
version from opening to closing and may be asked from many threads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import TracebackType

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import PrivateAttr

from index.embedding import ModelEmbeddings
from index.errors import IndexDamagedError, IndexMismatchError
from index.fusion import fuse
from index.lexical import KeywordIndex, tokens
from index.schema import Article, Chunk, Passage
from index.settings import IndexSettings
from index.store import VectorStore
from index.versions import (
    ARTICLES,
    CHROMA,
    CHUNKS,
    KEYWORDS,
    Manifest,
    damaged,
    digests,
    open_current,
    read_articles,
    verify,
)

_REMEMBERED_QUERIES = 256


@dataclass(frozen=True, slots=True)
class _Opened:
    """One version, read."""

    settings: IndexSettings
    manifest: Manifest
    articles: dict[str, Article]
    chunks: dict[str, Chunk]
    by_article: dict[str, list[Chunk]]
    keywords: KeywordIndex
    store: VectorStore
    embeddings: ModelEmbeddings
    embed: Callable[[str], np.ndarray]


class Retriever(BaseRetriever):
    """LangChain's retriever over one index version; made by ``Retriever.open``.

    ``invoke`` gives ``k`` Documents; ``passages`` gives the same as this project's own values.
    """

    k: int = 6
    _index: _Opened = PrivateAttr()

    @classmethod
    def open(
        cls, settings: IndexSettings, embeddings: ModelEmbeddings | None = None, k: int = 6
    ) -> Retriever:
        """A retriever over the version that serves now; a later version is seen by opening again.

        Raises:
            IndexMissingError: no index has been built.
            IndexDamagedError: files of it are missing, changed or unreadable.
            IndexMismatchError: it was built with another embedding model or format.
            ModelError: the embedding model cannot be loaded.
        """
        folder, manifest = open_current(settings.path)
        embeddings = embeddings or ModelEmbeddings(settings.model)
        if embeddings.fingerprint != manifest.model_fingerprint:
            raise IndexMismatchError(
                f"索引是用另一个模型建立的：{folder} 用的是 {manifest.model}"
                f"（{manifest.model_fingerprint[:8]}），现在的模型是 {embeddings.name}"
                f"（{embeddings.fingerprint[:8]}）。请运行 xiaobao ingest 重建。"
            )
        verify(folder, manifest, (ARTICLES, CHUNKS, KEYWORDS))
        articles, chunks = read_articles(folder)
        retriever = cls(k=k)
        retriever._index = _Opened(
            settings=settings,
            manifest=manifest,
            articles={article.id: article for article in articles},
            chunks={chunk.id: chunk for chunk in chunks},
            by_article={id: list(own) for id, own in groupby(chunks, key=attrgetter("article_id"))},
            keywords=_load_keywords(folder / KEYWORDS),
            store=VectorStore.open(folder / CHROMA, embeddings, digests(manifest, CHROMA)),
            embeddings=embeddings,
            embed=lru_cache(_REMEMBERED_QUERIES)(_query_embedder(embeddings)),
        )
        return retriever

    @property
    def version(self) -> str:
        """The name of the index version that is asked."""
        return self._index.manifest.version

    @property
    def created(self) -> datetime:
        """When that version was built (UTC)."""
        return datetime.fromisoformat(self._index.manifest.created)

    @property
    def model(self) -> str:
        """The name of the embedding model that it was built with."""
        return Path(self._index.manifest.model).name

    @property
    def articles(self) -> tuple[Article, ...]:
        """All articles, in order of file name."""
        return tuple(self._index.articles.values())

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """All chunks, in order of their articles and of their place in them."""
        return tuple(self._index.chunks.values())

    @property
    def keywords(self) -> KeywordIndex:
        """The keyword leg, for its vocabulary and document frequencies."""
        return self._index.keywords

    @property
    def embeddings(self) -> ModelEmbeddings:
        """The model the index was built with."""
        return self._index.embeddings

    def passages(self, texts: Sequence[str], k: int | None = None) -> list[Passage]:
        """The ``k`` nearest passages to ``texts``, formulations of one question, best first.

        A passage's score is its best fused score over the formulations; equal ones come in order of id. Blank
        formulations are passed over; with nothing left there are no passages.
        """
        best: dict[str, float] = {}
        for text in dict.fromkeys(text.strip() for text in texts):
            for chunk_id, score in self._ranked(text) if text else ():
                best[chunk_id] = max(score, best.get(chunk_id, score))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[: self.k if k is None else k]
        return [self._passage(chunk_id, score) for chunk_id, score in ranked]

    def embed(self, text: str) -> np.ndarray:
        """The vector of a query, float32 of shape ``(dimension,)``, read-only; the latest are remembered."""
        return self._index.embed(text)

    def similarities(self, query: str | np.ndarray, chunk_ids: Sequence[str]) -> dict[str, float]:
        """The cosine of a query (its text or vector) to each of these chunks; unknown ids are left out."""
        vector = self.embed(query) if isinstance(query, str) else query
        return {
            chunk_id: float(stored @ vector)
            for chunk_id, stored in self._index.store.vectors(chunk_ids).items()
        }

    def passage(self, chunk_id: str) -> Passage:
        """The passage of this id; score 0.

        Raises:
            KeyError: no such chunk in this version.
        """
        return self._passage(chunk_id, 0.0)

    def passage_at(self, article_id: str, offset: int) -> Passage:
        """The passage that holds ``offset`` of an article's text, else the next, else the last; score 0.

        Raises:
            KeyError: no such article in this version.
        """
        own = self._index.by_article[article_id]
        place = bisect_right([chunk.end for chunk in own], offset)
        return self._passage(own[min(place, len(own) - 1)].id, 0.0)

    def _ranked(self, text: str) -> list[tuple[str, float]]:
        index = self._index
        candidates = min(index.settings.candidates, len(index.chunks))
        vector = self.embed(text)
        meaning = dict(index.store.search(vector, candidates))
        words = index.keywords.scores(tokens(text))
        proposed = meaning.keys() | {chunk_id for chunk_id, _ in index.keywords.top(words, candidates)}
        missing = sorted(proposed - meaning.keys())
        if missing:
            meaning |= self.similarities(vector, missing)
        keywords = {chunk_id: float(words[index.keywords.place(chunk_id)]) for chunk_id in proposed}
        weight = index.settings.dense_weight
        return fuse([meaning, keywords], [weight, 1.0 - weight])

    def _passage(self, chunk_id: str, score: float) -> Passage:
        chunk = self._index.chunks[chunk_id]
        return Passage(chunk, self._index.articles[chunk.article_id], score)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [as_document(passage) for passage in self.passages([query])]

    def close(self) -> None:
        """Releases the vector store and its private copy. Idempotent."""
        self._index.store.close()

    def __enter__(self) -> Retriever:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_document(passage: Passage) -> Document:
    """A passage as LangChain's Document; ``published`` is an ISO date, or empty where none is stated."""
    chunk, article = passage.chunk, passage.article
    return Document(
        id=chunk.id,
        page_content=chunk.text,
        metadata={
            "article_id": article.id,
            "title": article.title,
            "publisher": article.publisher,
            "published": article.published.isoformat() if article.published else "",
            "url": article.url,
            "headings": list(chunk.headings),
            "start": chunk.start,
            "end": chunk.end,
            "score": passage.score,
        },
    )


def _query_embedder(embeddings: ModelEmbeddings) -> Callable[[str], np.ndarray]:
    def embed(text: str) -> np.ndarray:
        vector = np.asarray(embeddings.embed_query(text), dtype=np.float32)
        # Shared by all who ask the same, so nobody may change it.
        vector.setflags(write=False)
        return vector

    return embed


def _load_keywords(folder: Path) -> KeywordIndex:
    try:
        return KeywordIndex.load(folder)
    except (OSError, ValueError) as error:
        raise IndexDamagedError(damaged(folder, str(error))) from error
