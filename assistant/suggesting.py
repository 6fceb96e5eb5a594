"""What to ask next: questions that the articles answer, offered after an answer or where none was found.

After an answer they are of what stands near the cited statements and has not been said yet; where there is none, of what
comes nearest to the question in meaning. They are questions that were thought of beforehand (``anticipated``); for
articles without such, those that the article's own structure gives (``offers``).
"""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

import numpy as np

from assistant.anticipated import Anticipated
from assistant.enumerations import sections
from assistant.lexicon import Lexicon
from assistant.offers import Offer, figures, first, lists, names, summaries
from assistant.schema import Citation, Question
from assistant.understanding import normalise
from assistant.vectors import Vectors
from index.schema import Article, Passage

AFTER_ANSWER, INSTEAD = 3, 2
"""So many questions are offered at most."""
_BESIDE, _REACH = 0.3, 300
"""What standing beside the cited statements is worth, in cosine, and how many characters away it is worth 1/e of that."""
_OTHER_SECTION = 600
"""Characters: so much farther away is what stands in another section."""
_ABOUT = 0.4
"""A lower cosine to what was asked: about something else."""
_ALIKE = 0.8
"""Questions of so high a cosine are not offered together."""
_COPIED = 0.6
"""Two questions that share so much of their pairs of characters are one."""
_TELLING = 2
"""Characters: a shorter answer may stand anywhere."""
_ARTICLES, _OFFERS = 1000, 20_000
"""What is worked out of so many is remembered."""

_MARKER = re.compile(r"\[\d+\]")
_MARKS = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class _Conversation:
    """What was asked and told, in letters and digits alone, and what the last answer cites."""

    asked: tuple[str, ...]
    told: tuple[str, ...]
    cited: tuple[Citation, ...] = ()

    def had(self, offer: Offer, wording: str, answer: str) -> bool:
        """Whether ``offer`` was asked or answered; ``wording`` and ``answer`` are its own in letters and digits alone."""
        if any(_copies(wording, asked) for asked in self.asked):
            return True
        if len(answer) >= _TELLING and any(answer in told for told in self.told):
            return True
        shown = sum(
            max(0, min(offer.answer.end, citation.end) - max(offer.answer.start, citation.start))
            for citation in self.cited
            if citation.article_id == offer.article
        )
        return 2 * shown >= len(offer.answer)


class Suggester:
    """Chooses the questions. Safe to use from several threads at once.

    Args:
        anticipated: the known questions about the articles.
        articles: all that are answered from.
        lexicon: the companies whose figures may be asked for.
    """

    def __init__(self, anticipated: Anticipated, articles: Iterable[Article], lexicon: Lexicon) -> None:
        self._articles = {article.id: article for article in articles}
        self._lexicon = lexicon
        self._known = anticipated.offers
        self._vectors = anticipated.offer_vectors
        self._places = {offer: place for place, offer in enumerate(self._known)}
        self._covered = frozenset(offer.article for offer in self._known)
        self._alike = self._vectors @ self._vectors.T >= _ALIKE
        self._first = first(self._articles.values(), lexicon)
        self._letters = lru_cache(_OFFERS)(self._bared)
        for offer in self._known:
            self._letters(offer)  # worked out now, so that no asker waits for it
        self._drawn = lru_cache(_ARTICLES)(self._draw)
        self._sections = lru_cache(_ARTICLES)(self._outline)

    @property
    def examples(self) -> tuple[str, ...]:
        """Up to three questions to begin with."""
        return tuple(offer.wording for offer in self._first)

    def following(
        self, question: Question, asked: Sequence[Vectors], text: str, cited: Sequence[Citation]
    ) -> tuple[str, ...]:
        """Up to three questions to ask after an answer.

        Args:
            question: what was asked, with the turns before it.
            asked: the vectors of its parts, of length 1.
            text: the answer.
            cited: what the answer rests on.
        """
        quotes = [citation.quote for citation in cited]
        had = _Conversation(
            _all_bare([question.text, *_turns(question, "user")]),
            _all_bare([text, *quotes, *_turns(question, "assistant")]),
            tuple(cited),
        )
        return self._chosen(chain(self._beside(asked, cited), self._near(asked)), had, AFTER_ANSWER)

    def instead(
        self, question: Question, asked: Sequence[Vectors], passages: Sequence[Passage]
    ) -> tuple[str, ...]:
        """Up to two questions near to one that has no answer; ``passages`` are those read for it, the nearest first."""
        had = _Conversation(_all_bare(_turns(question, "user")), _all_bare(_turns(question, "assistant")))
        drawn = self._of(passages)
        # Where another article came nearest, one question about that one goes before the known ones.
        foreign = bool(passages) and passages[0].article.id not in self._covered
        ranked = chain(islice(drawn, int(foreign)), self._near(asked), drawn, self._first)
        own = _bare(question.text)
        return self._chosen((offer for offer in ranked if self._letters(offer)[0] != own), had, INSTEAD)

    def _chosen(self, ranked: Iterable[Offer], had: _Conversation, most: int) -> tuple[str, ...]:
        chosen: list[Offer] = []
        for offer in ranked:
            if not had.had(offer, *self._letters(offer)) and not any(
                self._together(offer, other) for other in chosen
            ):
                chosen.append(offer)
                if len(chosen) == most:
                    break
        return tuple(offer.wording for offer in chosen)

    def _together(self, one: Offer, other: Offer) -> bool:
        """Whether two offers ask of one statement, or so much the same that one of them is enough."""
        apart = (
            one.article != other.article
            or one.statement.end <= other.statement.start
            or other.statement.end <= one.statement.start
        )
        asked, answer = self._letters(one)
        also_asked, told = self._letters(other)
        if not apart or answer in told or told in answer or _copies(asked, also_asked):
            return True
        places = self._places.get(one), self._places.get(other)
        return None not in places and bool(self._alike[places])

    def _beside(self, asked: Sequence[Vectors], cited: Sequence[Citation]) -> Iterator[Offer]:
        """Questions about the cited articles: the known ones, then those that their structure gives."""
        articles = {citation.article_id for citation in cited}
        cosines = self._cosines(asked)
        scored = [
            (cosines[place] + _BESIDE * math.exp(-self._away(offer, cited) / _REACH), place)
            for place, offer in enumerate(self._known)
            if offer.article in articles
        ]
        yield from (self._known[place] for _, place in sorted(scored, reverse=True))
        own = [offer for article in sorted(articles) for offer in self._drawn(article)]
        # What is asked of a statement says more than a summary, which is asked of a heading alone.
        yield from sorted(own, key=lambda one: (len(one.answer) > len(one.statement), self._away(one, cited)))

    def _away(self, offer: Offer, cited: Sequence[Citation]) -> int:
        """Characters from what answers ``offer`` to the nearest cited stretch of its article."""
        starts = self._sections(offer.article)
        section = bisect(starts, offer.answer.start)
        return min(
            max(0, offer.answer.start - citation.end, citation.start - offer.answer.end)
            + (0 if bisect(starts, citation.start) == section else _OTHER_SECTION)
            for citation in cited
            if citation.article_id == offer.article
        )

    def _near(self, asked: Sequence[Vectors]) -> Iterator[Offer]:
        """The known questions that come near to what was asked, the nearest first."""
        cosines = self._cosines(asked)
        for place in np.argsort(-cosines).tolist():
            if cosines[place] >= _ABOUT:
                yield self._known[place]

    def _cosines(self, asked: Sequence[Vectors]) -> Vectors:
        """Of each known question to the part of what was asked that it is nearest to, (m,)."""
        if not self._known:
            return np.zeros(0, np.float32)
        return np.asarray((self._vectors @ np.stack(asked).T).max(axis=1), np.float32)

    def _of(self, passages: Sequence[Passage]) -> Iterator[Offer]:
        """What the structure of articles without known questions gives about ``passages``."""
        for passage in passages:
            if passage.article.id not in self._covered:
                for offer in self._drawn(passage.article.id):
                    if offer.answer.start < passage.chunk.end and passage.chunk.start < offer.answer.end:
                        yield offer

    def _draw(self, article: str) -> tuple[Offer, ...]:
        source = self._articles[article]
        return (*figures(source, self._lexicon), *lists(source), *names(source), *summaries(source))

    def _outline(self, article: str) -> list[int]:
        """Where the sections of the outermost level begin."""
        found = sections(self._articles[article].text)
        return [section.heading.start for section in found if section.heading.level == 1]

    def _bared(self, offer: Offer) -> tuple[str, str]:
        """Its wording and what answers it, in letters and digits alone."""
        text = self._articles[offer.article].text
        return _bare(offer.wording), _bare(text[offer.answer.start : offer.answer.end])


def _turns(question: Question, role: str) -> list[str]:
    return [text for said_by, text in question.history if said_by == role]


def _all_bare(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(_bare(text) for text in texts)


def _bare(text: str) -> str:
    """``text`` in one way of typing, letters and digits alone."""
    return _MARKS.sub("", normalise(_MARKER.sub("", text))).lower()


def _copies(one: str, other: str) -> bool:
    """Whether two questions are the same but for a few characters."""
    first, second = ({text[place : place + 2] for place in range(len(text) - 1)} for text in (one, other))
    return one == other or len(first & second) >= _COPIED * len(first | second) > 0
