"""An embedding model that computes the vector of a text once, for runs that index nearly the same texts repeatedly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.embedding import ModelEmbeddings


class RememberingEmbeddings(ModelEmbeddings):
    """``ModelEmbeddings`` that keeps every vector it has given, for as long as it lives: of the copies of a few
    articles, in which all but some sentences are the same. Threads may share one.

    Raises ModelError as ``ModelEmbeddings``.
    """

    def __init__(self, model: str) -> None:
        self._known: dict[str, NDArray[np.float32]] = {}
        self._asked: dict[str, list[float]] = {}
        super().__init__(model)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Passage vectors of ``texts``, float32 (texts, dimension)."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(missing, super().vectors(missing), strict=True))
        if not texts:
            return super().vectors(texts)
        return np.stack([self._known[text] for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        if text not in self._asked:
            self._asked[text] = super().embed_query(text)
        return list(self._asked[text])
