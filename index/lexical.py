"""The keyword leg of the search: Chinese text into tokens, and BM25 over them.

Question and passage go through one normalisation (width, case, traditional characters, thousands separators,
multiplication and middle dots between digits), so that 「３·15」, 「3.15」 and 「315」, or 「消費者」 and
「消费者」, are the same words. jieba's search mode gives a long word and the words inside it, so that
平安人寿 is found by 人寿 too; ``dictionary.txt`` adds the words of this field. BM25 is that of Lucene
(Kamphuis et al. 2020, "Which BM25 do you mean?") as bm25s computes it: scored once at building,
memory-mapped at asking.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import bm25s
import jieba
import numpy as np
import opencc

DICTIONARY = Path(__file__).parent / "dictionary.txt"

# Both libraries log at DEBUG through loggers of their own, jieba straight to stderr.
jieba.setLogLevel(logging.WARNING)
logging.getLogger("bm25s").setLevel(logging.WARNING)

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TIMES = re.compile(r"(?<=\d)\s*[*x×]\s*(?=\d)")
_DAY = re.compile(r"(?<!\d)(\d)[·・.](\d\d)(?![\d万亿千百元倍%])")
_WORD = re.compile(r"[^\W_]")
_COMPOUND = re.compile(r"(?<![\d.])\d++(?:(?:[.*]\d++)++%?|%)")
_reading = threading.Lock()


def normalise(text: str) -> str:
    """``text`` as it is compared: half width, lower case, simplified, numbers written one way."""
    # Half of a surrogate pair, which JSON can carry, is no character and the converter does not take it.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    plain = _converter().convert(unicodedata.normalize("NFKC", whole).lower())
    return _TIMES.sub("*", _THOUSANDS.sub("", plain))


def tokens(text: str) -> list[str]:
    """The words of ``text``, long words with the words inside them; no punctuation.

    Safe to call from any thread; the first call reads the dictionaries (about a second).
    """
    plain = normalise(text)
    # jieba's guess at unknown words (HMM) cuts a word differently in question and passage, and takes time
    # with the square of a run of unknown characters. BM25 on half of CMRC2018 dev found more without it:
    # recall@1 98.8 % against 97.4 %.
    words = [word for word in segmenter().cut_for_search(plain, HMM=False) if _WORD.search(word)]
    # 7.7, 99% and 7*24 are single words to those who use them, and so is 3·15, which is also written 315.
    return [*words, *_COMPOUND.findall(plain), *("".join(match.groups()) for match in _DAY.finditer(plain))]


def segmenter() -> Any:
    """A jieba tokenizer of our own, so that no other user of jieba changes our words, nor we theirs."""
    with _reading:
        return _segmenter()


@cache
def _segmenter() -> Any:
    # Without jieba's cache, a file of a fixed name in the shared temporary folder, which processes race to
    # write and anyone may have put there.
    words = jieba.Tokenizer()
    words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
    words.initialized = True
    for word in DICTIONARY.read_text("utf-8").split():
        words.add_word(word)
    return words


@cache
def _converter() -> Any:
    return opencc.OpenCC("t2s")


class KeywordIndex:
    """BM25 over the tokens of passages; immutable, and safe to ask from many threads."""

    def __init__(self, ids: Sequence[str], scorer: Any) -> None:
        self._ids = tuple(ids)
        self._places = {chunk_id: place for place, chunk_id in enumerate(self._ids)}
        self._scorer = scorer
        self._vocabulary: dict[str, int] = scorer.vocab_dict
        self.vocabulary = frozenset(token for token in self._vocabulary if token)

    @classmethod
    def build(cls, ids: Sequence[str], texts: Sequence[str]) -> KeywordIndex:
        """An index of ``texts``, each known by the id in the same place.

        Raises:
            ValueError: there are no texts, or not as many as ids.
        """
        if not ids or len(ids) != len(texts):
            raise ValueError(f"need one text per id and at least one: {len(ids)} ids, {len(texts)} texts")
        scorer = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        # An empty token stands in for a text without words; bm25s cannot index nothing at all.
        scorer.index([tokens(text) or [""] for text in texts], create_empty_token=False, show_progress=False)
        return cls(ids, scorer)

    def save(self, folder: Path) -> None:
        """Writes the index into ``folder``, which is made if it is not there."""
        self._scorer.save(folder, show_progress=False)
        (folder / "ids.json").write_text(json.dumps(self._ids), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> KeywordIndex:
        """The index saved in ``folder``, its scores memory-mapped.

        Raises:
            OSError, ValueError: files are missing or are not what ``save`` wrote.
        """
        scorer = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        return cls(json.loads((folder / "ids.json").read_text("utf-8")), scorer)

    @property
    def size(self) -> int:
        """How many passages are indexed."""
        return len(self._ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """The passages' ids, in the order of ``scores``."""
        return self._ids

    def document_frequency(self, token: str) -> int:
        """In how many passages ``token`` occurs; 0 for a word the index does not know."""
        known = self._vocabulary.get(token)
        if known is None or not token:
            return 0
        ends = self._scorer.scores["indptr"]
        return int(ends[known + 1] - ends[known])

    def scores(self, query_tokens: Sequence[str]) -> np.ndarray:
        """BM25 of every passage for the query, float32 of shape ``(size,)``; a repeated token counts once."""
        known = [self._vocabulary[token] for token in dict.fromkeys(query_tokens) if token in self.vocabulary]
        if not known:
            return np.zeros(self.size, dtype=np.float32)
        return np.asarray(self._scorer.get_scores_from_ids(known), dtype=np.float32)

    def place(self, chunk_id: str) -> int:
        """Where in ``scores`` this passage stands.

        Raises:
            KeyError: there is no such passage.
        """
        return self._places[chunk_id]

    def top(self, scores: np.ndarray, k: int) -> list[tuple[str, float]]:
        """The ``k`` passages with the highest ``scores`` above zero, best first, then in order of id."""
        found = np.flatnonzero(scores > 0)
        if 0 < k < len(found):
            # Everything that ties with the k-th stays in until the sort by id.
            found = found[scores[found] >= np.partition(scores[found], -k)[-k]]
        hits = [(self._ids[place], float(scores[place])) for place in found]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[: max(k, 0)]

    def search(self, query: str, k: int) -> list[tuple[str, float]]:
        """The ``k`` passages that share the most telling words with ``query``, as ``(id, BM25)``."""
        return self.top(self.scores(tokens(query)), k)
