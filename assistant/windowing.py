"""The stretches of text that the trained reader is shown: short runs of sentences around those that may answer.

Reading costs time by the token, so that a long passage is not read whole where a few sentences of it will do; what
stands beside a sentence is shown with it as far as there is room, for it says whom or when the sentence speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.sentences import Sentence, statements
from index.schema import Passage

MOST_CHARS = 120
"""A window is grown up to this length; a longer sentence is shown by itself."""


@dataclass(frozen=True, slots=True)
class Window:
    """``passage.article.text[start:end]``, read under the passage's innermost heading."""

    passage: Passage
    start: int
    end: int

    @property
    def heading(self) -> str:
        """What is shown before the text: the heading and a line break; empty without one."""
        headings = self.passage.chunk.headings
        return f"{headings[-1]}\n" if headings else ""

    @property
    def text(self) -> str:
        """What the reader is shown."""
        return self.heading + self.passage.article.text[self.start : self.end]

    def holds(self, sentence: Sentence) -> bool:
        """Whether the sentence stands in the window."""
        same = sentence.passage.article.id == self.passage.article.id
        return same and self.start <= sentence.start and sentence.end <= self.end


def windows_around(sentences: Iterable[Sentence], most: int, chars: int = MOST_CHARS) -> list[Window]:
    """At most ``most`` windows that show ``sentences``, in their order; one that shows several is not repeated."""
    found: list[Window] = []
    for sentence in sentences:
        if any(window.holds(sentence) for window in found):
            continue
        if len(found) == most:
            break
        found.append(_around(sentence, statements(sentence.passage, questions=True), chars))
    return found


def _around(sentence: Sentence, beside: Sequence[Sentence], chars: int) -> Window:
    """The sentence with its neighbours, what stands before it first, as long as the window has room."""
    first = last = next(place for place, other in enumerate(beside) if other.start == sentence.start)
    while True:
        size = beside[last].end - beside[first].start
        if first > 0 and size + beside[first].start - beside[first - 1].start <= chars:
            first -= 1
        elif last + 1 < len(beside) and size + beside[last + 1].end - beside[last].end <= chars:
            last += 1
        else:
            return Window(sentence.passage, beside[first].start, beside[last].end)
