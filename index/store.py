"""The vectors, in Chroma. The only module that knows Chroma, or LangChain's wrapper of it.

A published index is immutable and its files are checked by hash before use; Chroma fits neither by itself.
Tried on chromadb 1.5.9: opening a folder writes to it each time (a row in ``acquire_write``, and HNSW files
anew where there are fewer than 1,000 vectors), so that its hashes change; a read-only folder cannot be opened
at all (``attempt to write a readonly database``); two processes on one folder read stale vectors or lose
rows; and a truncated HNSW header ends the process. So ``open`` never opens the published folder: it copies it
into a private temporary one, hashing what it copies, and gives only that copy to Chroma. What was hashed is
what is asked, the published folder may be read-only, and any number of processes can share it. The copy costs
little more than the hashing alone would (see ``copying``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import chromadb
import numpy as np
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings

from index.copying import ChangedFileError, PrivateCopy
from index.errors import IndexDamagedError, IndexingError, IndexUnusableError
from index.schema import Article, Chunk

COLLECTION = "passages"
# Above 5,461 rows Chroma's statement has more variables than SQLite takes.
BATCH = 5461
# ef_search bounds how many neighbours a search can rightly give; twice the candidates usually asked for.
_CONFIGURATION = {"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 100, "max_neighbors": 16}}


def embedded_text(chunk: Chunk, article: Article) -> str:
    """What is embedded, and indexed by its words, for a chunk: its title and headings, then its text.

    A passage alone often does not say what it is about (「全层级:…会议要求…」); its headings do.
    """
    return "\n".join([article.title, *chunk.headings, chunk.text])


class VectorStore:
    """Vectors of chunks, searched by cosine. One object serves many threads; it does not outlive a fork."""

    def __init__(self, client: Any, chroma: Chroma, folder: Path, copy: PrivateCopy | None = None) -> None:
        self._client = client
        self._copy = copy
        self.folder = folder
        self.chroma = chroma

    @classmethod
    def create(cls, folder: Path, embeddings: Embeddings | None) -> VectorStore:
        """A new, empty store that writes to ``folder``.

        Raises:
            OSError, IndexingError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return cls._on(folder, embeddings, create=True)

    @classmethod
    def open(
        cls, folder: Path, embeddings: Embeddings | None, digests: Mapping[str, str] | None = None
    ) -> VectorStore:
        """The store that was written to ``folder``, which is left as it is.

        ``digests`` has the sha256 of every file by its path below ``folder``; without it nothing is compared.

        Raises:
            IndexDamagedError: a file is missing, changed or unreadable.
            IndexUnusableError: there is no room for the private copy.
        """
        try:
            copy = PrivateCopy(folder, digests)
        except ChangedFileError as error:
            raise IndexDamagedError(_damaged(folder, str(error))) from error
        except OSError as error:
            raise IndexUnusableError(
                f"无法在临时文件夹中准备索引副本：{error}。请检查临时文件夹的空间和写入权限。"
            ) from error
        try:
            store = cls._on(copy.folder, embeddings, create=False)
        except IndexingError as error:
            copy.remove()
            raise IndexDamagedError(_damaged(folder, str(error.__cause__))) from error
        store._copy = copy
        store.folder = folder
        return store

    @classmethod
    def _on(cls, folder: Path, embeddings: Embeddings | None, *, create: bool) -> VectorStore:
        client: Any = None
        settings = _settings().model_copy()
        try:
            client = chromadb.PersistentClient(path=str(folder), settings=settings)
            chroma = Chroma(
                COLLECTION,
                embeddings,
                client=client,
                client_settings=settings,
                collection_configuration=_CONFIGURATION,  # type: ignore[arg-type]
                create_collection_if_not_exists=create,
            )
        except (ChromaError, ValueError, OSError) as error:
            if client is not None:
                client.close()
            raise IndexingError(f"向量库无法打开：{folder}（{error}）。") from error
        return cls(client, chroma, folder)

    def add(
        self, chunks: Sequence[Chunk], articles: Mapping[str, Article], vectors: np.ndarray | None = None
    ) -> None:
        """Adds chunks, or replaces those with the same id.

        ``vectors`` is float32 of shape ``(len(chunks), dimension)``; without it they are embedded here. The
        stored document is the chunk's own text, what is embedded is ``embedded_text``.

        Raises:
            IndexingError: Chroma cannot write, as when the disk is full.
        """
        if vectors is None:
            embeddings = self.chroma.embeddings
            if embeddings is None:
                raise ValueError("a store without embeddings needs vectors")
            texts = [embedded_text(chunk, articles[chunk.article_id]) for chunk in chunks]
            vectors = np.asarray(embeddings.embed_documents(texts), dtype=np.float32)
        # LangChain's own adding embeds the very text it stores; these differ here, so Chroma is asked itself.
        collection = self._client.get_collection(COLLECTION, embedding_function=None)
        for start in range(0, len(chunks), BATCH):
            batch = chunks[start : start + BATCH]
            try:
                collection.upsert(
                    ids=[chunk.id for chunk in batch],
                    embeddings=vectors[start : start + BATCH],
                    documents=[chunk.text for chunk in batch],
                    metadatas=[_metadata(chunk, articles[chunk.article_id]) for chunk in batch],
                )
            except ChromaError as error:
                raise IndexingError(
                    f"写入向量库失败：{self.folder}（{error}）。请检查磁盘空间和写入权限。"
                ) from error

    def search(
        self, query: str | Sequence[float] | np.ndarray, k: int, where: dict[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """The ``k`` chunks nearest to a text or vector as ``(chunk id, cosine)``, nearest first.

        ``where`` filters by metadata in Chroma's language (``article_id``, ``published`` as yyyymmdd, ...).

        Raises:
            IndexDamagedError: Chroma cannot read its files.
        """
        if k <= 0:
            return []
        if isinstance(query, str):
            if self.chroma.embeddings is None:
                raise ValueError("a store without embeddings needs a vector")
            query = self.chroma.embeddings.embed_query(query)
        vector = [float(value) for value in query]
        with self._reading():
            hits = self.chroma.similarity_search_by_vector_with_relevance_scores(vector, k, filter=where)
        ranked = [(str(document.id), 1.0 - distance) for document, distance in hits]
        return sorted(ranked, key=lambda hit: (-hit[1], hit[0]))

    def vectors(self, chunk_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """The stored vectors of these chunks, float32 of shape ``(dimension,)``; unknown ids are left out."""
        found: dict[str, np.ndarray] = {}
        for start in range(0, len(chunk_ids), BATCH):
            with self._reading():
                rows = self.chroma.get(ids=list(chunk_ids[start : start + BATCH]), include=["embeddings"])
            found.update(zip(rows["ids"], np.asarray(rows["embeddings"], dtype=np.float32), strict=True))
        return found

    def ids(self) -> list[str]:
        """The ids of all chunks, in no particular order."""
        with self._reading():
            return [str(chunk_id) for chunk_id in self.chroma.get(include=[])["ids"]]

    def count(self) -> int:
        """How many chunks the store says it holds."""
        with self._reading():
            return int(self._client.get_collection(COLLECTION, embedding_function=None).count())

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except ChromaError as error:
            raise IndexDamagedError(_damaged(self.folder, str(error))) from error

    def close(self) -> None:
        """Releases Chroma, which else keeps a client per path, and removes the private copy. Idempotent."""
        self._client.close()
        if self._copy is not None:
            self._copy.remove()

    def __enter__(self) -> VectorStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@cache
def _settings() -> ChromaSettings:
    """Chroma's settings. Reading them from the environment takes longer than opening a small store."""
    return ChromaSettings(anonymized_telemetry=False)


def _metadata(chunk: Chunk, article: Article) -> dict[str, str | int]:
    return {
        "article_id": chunk.article_id,
        "start": chunk.start,
        "end": chunk.end,
        # Chroma compares numbers only, so that a range of dates is a range of these.
        "published": int(article.published.strftime("%Y%m%d")) if article.published else 0,
        "headings": " / ".join(chunk.headings),
    }


def _damaged(folder: Path, reason: str) -> str:
    return f"索引的向量库已损坏：{folder}（{reason}）。请运行 xiaobao ingest --force 重建。"
