"""What tests of several packages share: a small deterministic embedder, the bundled model, and indexes built with each.

Where several processes run the tests, the one that hands them out loads this file as well and runs no test, and no
other process starts before it has. So what takes seconds to import is imported when first used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock
from langchain_core.embeddings import Embeddings

from index.settings import PACKAGE, IndexSettings

if TYPE_CHECKING:
    from index.embedding import ModelEmbeddings
    from index.retrieval import Retriever


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
def real_model() -> ModelEmbeddings:
    """The bundled model, loaded once."""
    load: Callable[[str], ModelEmbeddings] = import_module("index.embedding").ModelEmbeddings
    return load(IndexSettings().model)


@pytest.fixture(scope="session")
def articles_folder() -> Path:
    """The source articles as received."""
    return PACKAGE / "articles"


def built_once(tmp_path_factory: pytest.TempPathFactory, name: str, **options: object) -> IndexSettings:
    """Settings of an index of the real articles; the first process of a test run to want it builds it for all.

    ``options`` are those of ``index.ingest.ingest``.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder of its own inside that of the run
        folder = folder.parent
    settings = IndexSettings(path=folder / name)
    with FileLock(folder / f"{name}.lock"):
        import_module("index.ingest").ingest(settings, **options)  # does nothing where it is built already
    return settings


@pytest.fixture(scope="session")
def bigram_settings(tmp_path_factory: pytest.TempPathFactory, bigrams: BigramEmbeddings) -> IndexSettings:
    """Settings of an index of the real articles, built with the small embedder. Nobody may change it."""
    return built_once(tmp_path_factory, "bigram-index", embeddings=bigrams)


@pytest.fixture(scope="session")
def bigram_retriever(bigram_settings: IndexSettings, bigrams: BigramEmbeddings) -> Iterator[Retriever]:
    """A retriever over the real articles with the small embedder."""
    with import_module("index.retrieval").Retriever.open(bigram_settings, bigrams) as retriever:
        yield retriever


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory, real_model: ModelEmbeddings) -> IndexSettings:
    """Settings of an index of the real articles, built with the bundled model. Nobody may change it."""
    check = import_module("index.checking").check
    return built_once(tmp_path_factory, "real-index", embeddings=real_model, check=check)


@pytest.fixture(scope="session")
def real_retriever(real_settings: IndexSettings, real_model: ModelEmbeddings) -> Iterator[Retriever]:
    """A retriever over the real articles with the bundled model."""
    with import_module("index.retrieval").Retriever.open(real_settings, real_model) as retriever:
        yield retriever
