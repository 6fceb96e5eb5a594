"""Questions thought of beforehand about the bundled articles: where their answers stand, or that nothing answers them.

Who asks in words that the articles do not use is seldom the first to do so. A new question that lies near a known
one is likely answered by the same statement, and one that lies near a question which that statement does not answer
is likely not (as in Lewis et al. 2021, PAQ, where such questions alone answer). What is said and cited still comes from
the articles: a known question only draws attention to a statement. Where an article no longer has the words that a
question was written for, the question is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.offers import Offer, stated
from assistant.sentences import Sentence
from assistant.vectors import Vectors
from index.embedding import check_sums
from index.errors import ModelError
from index.schema import Article
from index.segmentation import Span

BUNDLED = Path(__file__).parent / "models" / "anticipated-zh"
FILE = "questions.npz"
_REMEDY = "重新安装本程序可以恢复它。"
_STATEMENTS = 50_000

NEAREST, ALIKE = 8, 0.7
"""Of so many known questions the answers are looked at, where their cosine to the question is as high as this."""

Places = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Questions:
    """Known questions as they ship, ``n`` of them.

    ``vectors`` are of length 1, (n, dimension). ``places`` (n, 4): where in its article's text the quote begins and ends, then the
    answer; -1 where the quote only looks like one. ``checks`` begin the SHA-256 of the quotes. ``offered`` (m,) are the
    numbers of those that are good to be offered for asking, all of them with an answer, and ``wordings`` (m,) how they
    read; the others ship without their texts. ``fingerprint`` names the embedding model that the vectors are of.
    """

    vectors: Vectors
    articles: npt.NDArray[np.str_]
    places: Places
    checks: npt.NDArray[np.str_]
    offered: npt.NDArray[np.int32]
    wordings: npt.NDArray[np.str_]
    fingerprint: str

    def save(self, file: Path) -> None:
        """Writes them, the vectors in 8 bits with a scale each."""
        scales = np.abs(self.vectors).max(axis=1) / 127
        np.savez(
            file,
            vectors=np.rint(self.vectors / scales[:, None]).astype(np.int8),
            scales=scales.astype(np.float32),
            articles=self.articles,
            places=self.places,
            checks=self.checks,
            offered=self.offered,
            wordings=self.wordings,
            fingerprint=np.asarray(self.fingerprint),
        )

    @classmethod
    def load(cls, folder: Path) -> Questions:
        """Those of a folder.

        Raises:
            ModelError: files are missing, or are not those that were shipped.
        """
        check_sums(folder, "预想问题", _REMEDY)
        try:
            with np.load(folder / FILE) as held:
                vectors = held["vectors"].astype(np.float32) * held["scales"][:, None]
                return cls(
                    vectors,
                    held["articles"],
                    held["places"],
                    held["checks"],
                    held["offered"],
                    held["wordings"],
                    str(held["fingerprint"]),
                )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"无法读取预想问题 {folder / FILE}：{error}。{_REMEDY}") from error


@cache
def bundled_questions() -> Questions:
    """The questions that ship with the package, loaded once for all assistants of a process."""
    return Questions.load(BUNDLED)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines of a question to the nearest known one that a statement answers, and that it does not; 0 where none is known."""

    answered: float
    unanswered: float


class Anticipated:
    """What is known of the questions that the statements of some articles answer.

    Args:
        questions: all that ship.
        articles: those that are answered from.
        fingerprint: the embedding model in use. With another one than the vectors are of, nothing is known.
    """

    def __init__(self, questions: Questions, articles: Iterable[Article], fingerprint: str) -> None:
        texts = {article.id: article.text for article in articles}
        kept = [
            number
            for number in range(len(questions.places))
            if questions.fingerprint == fingerprint and _stands(questions, number, texts)
        ]
        self._vectors = questions.vectors[kept]
        self._articles = questions.articles[kept]
        self._covered = frozenset(self._articles.tolist())
        places = questions.places[kept]
        self._answered = places[:, 2] >= 0
        self._places = np.where(self._answered[:, None], places[:, 2:], places[:, :2])
        self._about = lru_cache(_STATEMENTS)(self._find)
        standing = set(kept)
        offered = [
            (number, wording)
            for number, wording in zip(questions.offered.tolist(), questions.wordings.tolist(), strict=True)
            if number in standing
        ]
        self.offers = tuple(_offer(questions, number, wording, texts) for number, wording in offered)
        """The known questions that are good to be offered, as far as they are used."""
        self.offer_vectors: Vectors = questions.vectors[[number for number, _ in offered]]
        """Their vectors, of length 1, (m, dimension)."""

    def covers(self, article: str) -> bool:
        """Whether questions are known about an article."""
        return article in self._covered

    def __len__(self) -> int:
        return len(self._vectors)

    def nearest(self, question: Vectors) -> list[tuple[str, int]]:
        """Where the answers to the known questions nearest to ``question`` stand: article and offset, the nearest first.

        Those that are too far to be about the same thing are left out.
        """
        if not len(self):
            return []
        cosines = np.where(self._answered, self._vectors @ question, -1.0)
        places = np.argsort(-cosines)[:NEAREST]
        return [
            (str(self._articles[place]), int(self._places[place, 0]))
            for place in places
            if cosines[place] >= ALIKE
        ]

    def likeness(self, question: Vectors, sentences: Sequence[Sentence]) -> list[Likeness]:
        """How like ``question``, a vector of length 1, is to the known questions about each of ``sentences``."""
        if not len(self):
            return [Likeness(0.0, 0.0) for _ in sentences]
        cosines = self._vectors @ question
        found = []
        for sentence in sentences:
            yes, no = self._about(sentence.passage.article.id, sentence.start, sentence.end)
            found.append(Likeness(_highest(cosines[yes]), _highest(cosines[no])))
        return found

    def _find(self, article: str, start: int, end: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The questions that ``start`` … ``end`` of an article's text answers, in part at least, and that it only seems to."""
        about = (self._articles == article) & (self._places[:, 0] < end) & (self._places[:, 1] > start)
        return np.flatnonzero(about & self._answered), np.flatnonzero(about & ~self._answered)


def check_of(quote: str) -> str:
    """What tells whether an article still has ``quote``."""
    return sha256(quote.encode()).hexdigest()[:8]


def _stands(questions: Questions, number: int, texts: dict[str, str]) -> bool:
    start, end = questions.places[number, :2].tolist()
    text = texts.get(str(questions.articles[number]), "")
    return check_of(text[start:end]) == str(questions.checks[number])


def _offer(questions: Questions, number: int, wording: str, texts: dict[str, str]) -> Offer:
    article = str(questions.articles[number])
    answer = Span(*questions.places[number, 2:].tolist())
    return Offer(wording, article, stated(texts[article], answer), answer)


def _highest(cosines: Vectors) -> float:
    return float(cosines.max()) if len(cosines) else 0.0
