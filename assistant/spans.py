"""The trained reader's network: where in a text a question's answer starts and ends, or that it is not there.

A cross-encoder over ``query: … / passage: …``, run by onnxruntime. Each token gets a score for starting and for
ending the answer; the first token's two scores are those of "not here" (Devlin et al. 2019, as for SQuAD 2.0), and
what a span scores above them is its margin. The weights ship in ``assistant/models``; ``assistant.training`` made
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from index.embedding import check_sums
from index.errors import ModelError
from index.onnx_model import MODEL_FILE, TOKENIZER_FILE, cores, open_session
from index.segmentation import Span

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Scorer = Callable[[Integers, Integers], Floats]
"""Token numbers and mask, both (batch, length) -> scores of start and end, (batch, length, 2)."""

BUNDLED = Path(__file__).parent / "models" / "span-reader-zh"
OUTPUT = "span_scores"
QUERY = "query: "
PASSAGE = "passage: "
LONGEST_ANSWER = 80  # tokens
MOST_TOKENS = 512
_REMEDY = "重新安装本程序可以恢复它。"


@dataclass(frozen=True, slots=True)
class Found:
    """A span of a text, in its characters, and its score less the score of "not here"."""

    span: Span
    margin: float


@dataclass(frozen=True, slots=True)
class SpanScores:
    """What the network says of one text: where each token stands in it, (n, 2), and its scores, (n,)."""

    places: Integers
    starts: Floats
    ends: Floats
    nowhere: float

    def best(self, start: int = 0, end: int | None = None) -> Found | None:
        """The likeliest span that begins within the characters ``start`` … ``end``; None where no token does."""
        inside = self.places[:, 0] >= start
        if end is not None:
            inside &= self.places[:, 0] < end
        chosen = np.flatnonzero(inside)
        if not len(chosen):
            return None
        first, last = int(chosen[0]), int(chosen[-1]) + 1
        total = self.starts[first:last, None] + self.ends[None, first:last]
        rows, columns = np.indices(total.shape)
        total = np.where((columns >= rows) & (columns - rows < LONGEST_ANSWER), total, -np.inf)
        begin, stop = divmod(int(total.argmax()), total.shape[1])
        span = Span(int(self.places[first + begin, 0]), int(self.places[first + stop, 1]))
        return Found(span, float(total[begin, stop]) - self.nowhere)


class SpanModel:
    """Reads a question and texts with a network. Threads may share one.

    Args:
        tokenizer: cuts texts into the network's tokens.
        scorer: runs the network.
    """

    def __init__(self, tokenizer: Tokenizer, scorer: Scorer) -> None:
        self._tokenizer = tokenizer
        self._score = scorer
        self._pool = ThreadPoolExecutor(cores(), "spans")

    @classmethod
    def load(cls, folder: Path = BUNDLED) -> SpanModel:
        """The network in a folder.

        Raises:
            ModelError: files are missing, are not those that were shipped, or hold no such network.
        """
        check_sums(folder, "阅读模型", _REMEDY)
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
            session = open_session(folder / MODEL_FILE, threads=1)
        except Exception as error:
            # onnxruntime and tokenizers raise bare Exceptions; each means the same here.
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ModelError(f"无法加载阅读模型 {folder}：{reason}。{_REMEDY}") from error
        names = [output.name for output in session.get_outputs()]
        if names != [OUTPUT]:
            raise ModelError(
                f"{folder} 里的模型不是阅读模型：它输出 {'、'.join(names)}，应为 {OUTPUT}。{_REMEDY}"
            )

        def score(ids: Integers, mask: Integers) -> Floats:
            scores: Floats = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            return scores

        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, score)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[SpanScores]:
        """The scores of each (question, text), in order; what goes beyond ``MOST_TOKENS`` is not read."""
        encodings = self._tokenizer.encode_batch(
            [(QUERY + question, PASSAGE + text) for question, text in pairs]
        )
        # A text a thread: two texts side by side take a third less time than one after the other on two threads each.
        scored = self._pool.map(self._scores, encodings)
        return [
            _of_passage(scores, encoding, len(text))
            for scores, encoding, (_, text) in zip(scored, encodings, pairs, strict=True)
        ]

    def _scores(self, encoding: Encoding) -> Floats:
        ids = np.asarray([encoding.ids[:MOST_TOKENS]], np.int64)
        (scores,) = self._score(ids, np.ones_like(ids))
        return np.asarray(scores, np.float32)


@cache
def bundled_reader() -> SpanModel:
    """The network that ships with the package, loaded once for all assistants of a process."""
    return SpanModel.load()


def _of_passage(scores: Floats, encoding: Encoding, length: int) -> SpanScores:
    """The scores (tokens, 2) of the passage's own tokens, their places counted in its text."""
    tokens = [
        place
        for place, side in enumerate(encoding.sequence_ids[: len(scores)])
        if side == 1 and encoding.offsets[place][1] > len(PASSAGE)
    ]
    places = np.asarray([encoding.offsets[place] for place in tokens], np.int64).reshape(-1, 2)
    return SpanScores(
        np.clip(places - len(PASSAGE), 0, length),
        scores[tokens, 0],
        scores[tokens, 1],
        float(scores[0].sum()),
    )
