"""Sentence vectors remembered: the same few sentences are compared with one question after another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class RememberedVectors:
    """Embeds sentences once and remembers the latest ``most`` vectors. Safe to use from several threads.

    Args:
        embed: vectors of sentences, shape (n, dimension).
        most: how many are kept; 20,000 of 384 floats are about 30 MB.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], most: int = 20_000) -> None:
        self._embed = embed
        self._most = most
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    def __call__(self, sentences: Sequence[str]) -> Vectors:
        """The vectors of ``sentences``, shape (n, dimension); those not remembered are embedded in one batch."""
        with self._lock:
            known = {sentence: self._vectors[sentence] for sentence in sentences if sentence in self._vectors}
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]
        if new:
            known |= dict(zip(new, self._embed(new), strict=True))
        with self._lock:
            for sentence in sentences:
                self._vectors[sentence] = known[sentence]
                self._vectors.move_to_end(sentence)
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)
        return np.stack([known[sentence] for sentence in sentences])
