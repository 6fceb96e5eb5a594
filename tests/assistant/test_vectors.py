"""Sentence vectors remembered."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from assistant.vectors import RememberedVectors


class Counting:
    """Embeds a sentence as its length, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, sentences: Sequence[str]) -> np.ndarray:
        self.asked += sentences
        return np.array([[len(sentence)] for sentence in sentences], dtype=np.float32)


def test_vectors_come_in_the_order_of_the_sentences_repeats_included() -> None:
    remembered = RememberedVectors(Counting())
    assert remembered(["甲", "乙乙", "甲"]).tolist() == [[1.0], [2.0], [1.0]]


def test_a_sentence_is_embedded_once() -> None:
    embed = Counting()
    remembered = RememberedVectors(embed)
    remembered(["甲", "甲", "乙"])
    remembered(["乙", "丙"])
    assert embed.asked == ["甲", "乙", "丙"]


def test_only_the_latest_are_kept() -> None:
    embed = Counting()
    remembered = RememberedVectors(embed, most=2)
    for sentence in ("甲", "乙", "甲", "丙", "甲", "乙"):
        remembered([sentence])
    assert embed.asked == ["甲", "乙", "丙", "乙"]


def test_more_sentences_than_are_kept_still_get_their_vectors() -> None:
    assert RememberedVectors(Counting(), most=1)(["甲", "乙乙", "丙丙丙"]).tolist() == [[1.0], [2.0], [3.0]]


def test_threads_get_their_own_sentences() -> None:
    remembered = RememberedVectors(Counting(), most=3)
    wanted = [["字" * (n + place) for place in range(1, 5)] for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(remembered, wanted))
    assert [rows[:, 0].tolist() for rows in found] == [
        [float(len(s)) for s in sentences] for sentences in wanted
    ]
