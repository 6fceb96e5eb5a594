"""What reading finds: sentences that may answer, what was measured of each, and how sure it is of the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.sentences import Sentence
from assistant.terms import Term
from index.schema import Passage
from index.segmentation import Span


@dataclass(frozen=True, slots=True)
class Features:
    """What was measured of one sentence against one question; all about 0 … 1, conflicts negative.

    ``asked`` and ``unasked`` say how near known questions come that it answers, and that it does not (``anticipated``).
    ``foreseen``: there are known questions about its article at all. ``headed`` is the share of the question's words that
    the headings over one of the passages hold.
    """

    coverage: float
    own_coverage: float
    meaning: float
    contrast: float
    pairs: float
    kind: float
    company: float
    year: float
    lacking: float
    rank: float
    asked: float = 0.0
    unasked: float = 0.0
    foreseen: bool = False
    headed: float = 0.0
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may answer, with its score (higher is better).

    ``span`` is where in the article's text the trained reader sees the answer; None where it was not shown the sentence.
    """

    sentence: Sentence
    score: float
    features: Features
    span: Span | None = None

    @property
    def passage(self) -> Passage:
        """The passage that the sentence stands in."""
        return self.sentence.passage

    @property
    def start(self) -> int:
        """Where the sentence begins in the article's text."""
        return self.sentence.start

    @property
    def end(self) -> int:
        """Where the sentence ends in the article's text."""
        return self.sentence.end

    @property
    def text(self) -> str:
        """The sentence as the article has it."""
        return self.sentence.text


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence, best first, the probability that the best of it answers, and the words that it does not speak of.

    ``signals`` are what the probability was made of; empty where an answer was ruled out.
    """

    evidence: tuple[Evidence, ...]
    probability: float
    lacking: tuple[str, ...]
    terms: tuple[Term, ...]
    pairs: tuple[str, ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)
