"""What tests of several packages share: a small deterministic embedder, and indexes built with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from index.ingest import ingest
from index.retrieval import Retriever
from index.settings import PACKAGE, IndexSettings


class BigramEmbeddings(Embeddings):
    """Hashed counts of a text's characters and pairs of characters: near for texts that share wording.

    Has the surface of ``index.embedding.ModelEmbeddings``, needs no model, and is the same on every machine.
    """

    def __init__(self, name: str = "bigrams", dimension: int = 256) -> None:
        self.name = name
        self.dimension = dimension
        self.fingerprint = hashlib.sha256(f"{name}/{dimension}".encode()).hexdigest()

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for piece in [*text, *(text[place : place + 2] for place in range(len(text) - 1))]:
                digest = hashlib.blake2b(piece.encode("utf-8", "replace"), digest_size=8).digest()
                row[int.from_bytes(digest, "big") % self.dimension] += len(piece) ** 2
            row /= np.linalg.norm(row) or 1.0
        return rows

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(value) for value in row] for row in self.vectors(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@pytest.fixture(scope="session")
def bigrams() -> BigramEmbeddings:
    """An embedder that is quick and always the same."""
    return BigramEmbeddings()


@pytest.fixture(scope="session")
def other_bigrams() -> BigramEmbeddings:
    """The same embedder under another name: to an index, another model."""
    return BigramEmbeddings("other")


@pytest.fixture(scope="session")
def articles_folder() -> Path:
    """The source articles as received."""
    return PACKAGE / "articles"


@pytest.fixture(scope="session")
def bigram_settings(tmp_path_factory: pytest.TempPathFactory, bigrams: BigramEmbeddings) -> IndexSettings:
    """Settings of an index of the real articles, built with the small embedder. Nobody may change it."""
    settings = IndexSettings(path=tmp_path_factory.mktemp("bigram-index"))
    ingest(settings, embeddings=bigrams)
    return settings


@pytest.fixture(scope="session")
def bigram_retriever(bigram_settings: IndexSettings, bigrams: BigramEmbeddings) -> Iterator[Retriever]:
    """A retriever over the real articles with the small embedder."""
    with Retriever.open(bigram_settings, bigrams) as retriever:
        yield retriever


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory) -> IndexSettings:
    """Settings of an index of the real articles, built with the bundled model. Nobody may change it."""
    settings = IndexSettings(path=tmp_path_factory.mktemp("real-index"))
    ingest(settings)
    return settings


@pytest.fixture(scope="session")
def real_retriever(real_settings: IndexSettings) -> Iterator[Retriever]:
    """A retriever over the real articles with the bundled model."""
    with Retriever.open(real_settings) as retriever:
        yield retriever
