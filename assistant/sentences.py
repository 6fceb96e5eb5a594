"""The sentences of a passage, each with the words around it that say what it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.schema import Passage
from index.segmentation import sentences

_QUESTION = re.compile(r"[？?]\s*$")
_SHORTEST = 6
"""Characters: what a semicolon cuts off shorter than this stays with what follows."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement of a passage, ``passage.article.text[start:end]``."""

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        """The statement as the article has it."""
        return self.passage.article.text[self.start : self.end]

    @property
    def under_heading(self) -> str:
        """The statement with its innermost heading before it: what is embedded."""
        heading = self.passage.chunk.headings[-1] if self.passage.chunk.headings else ""
        return f"{heading} {self.text}".strip()

    @property
    def before(self) -> str:
        """What the passage says before the statement."""
        return self.passage.chunk.text[: max(0, self.start - self.passage.chunk.start)]

    @property
    def after(self) -> str:
        """What the passage says after the statement."""
        return self.passage.chunk.text[max(0, self.end - self.passage.chunk.start) :]

    @property
    def in_context(self) -> str:
        """All that may name what the statement is about: title, headings, and the passage up to its end."""
        return " ".join((self.passage.article.title, *self.passage.chunk.headings, self.before, self.text))

    @property
    def paragraph_start(self) -> int:
        """Where the statement's paragraph begins in the article's text."""
        return self.passage.article.text.rfind("\n", 0, self.start) + 1

    @property
    def paragraph(self) -> str:
        """Its whole paragraph."""
        text = self.passage.article.text
        stop = text.find("\n", self.end)
        return text[self.paragraph_start : stop if stop >= 0 else None]

    @property
    def paragraph_before(self) -> str:
        """What its paragraph says before the statement."""
        return self.passage.article.text[self.paragraph_start : self.start]


def statements(passage: Passage, *, questions: bool = False) -> list[Sentence]:
    """What a passage states: its sentences, cut at semicolons, for each part has a subject of its own.

    A question that the passage itself asks (问：…？) states nothing; what follows it does. It is among them with ``questions``.
    """
    text = passage.article.text
    found = []
    spans = sentences(passage.chunk.text, passage.chunk.start)
    stating = [s for s in spans if questions or not _QUESTION.search(text[s.start : s.end])] or spans
    for span in stating:
        start = span.start
        for match in re.finditer(r"[;；]", text[span.start : span.end]):
            stop = span.start + match.end()
            if stop - start >= _SHORTEST:
                found.append(Sentence(passage, start, stop))
                start = stop
        if span.end > start:
            found.append(Sentence(passage, start, span.end))
    return found
