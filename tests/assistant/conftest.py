"""What tests of the assistant share: small articles made by hand, the parts over them, and the real assistant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pytest

from assistant.anticipated import Anticipated, bundled_questions
from assistant.citing import Citer
from assistant.composing import Composer
from assistant.composition import Composition
from assistant.evidence import Reading
from assistant.lexicon import Lexicon, load_lexicon
from assistant.pipeline import Assistant
from assistant.reading import FeatureReader
from assistant.schema import Question, Role
from assistant.settings import Settings
from assistant.spans import bundled_reader
from assistant.spelling import Speller
from assistant.terms import TermReader
from assistant.understanding import Lookup, Understander
from assistant.wiring import build_assistant
from index.lexical import KeywordIndex, segmenter
from index.schema import Article, Chunk, Passage
from index.settings import IndexSettings


def article(text: str, *, title: str = "平安消保简报", published: date | None = date(2024, 3, 1)) -> Article:
    """An article made by hand."""
    return Article("brief", title, "测试社", published, "https://example.org/brief", text)


def passages(source: Article, headings: Sequence[str] = ()) -> tuple[Passage, ...]:
    """Each paragraph of an article as a passage, in order."""
    found = []
    offset = 0
    for line in source.text.split("\n"):
        chunk = Chunk(
            f"{source.id}-{len(found)}", source.id, line, offset, offset + len(line), tuple(headings)
        )
        found.append(Passage(chunk, source, 1.0))
        offset += len(line) + 1
    return tuple(found)


@dataclass(frozen=True)
class Desk:
    """The assistant's parts over one small article, each paragraph a passage."""

    source: Article
    passages: tuple[Passage, ...]
    lexicon: Lexicon
    terms: TermReader
    understander: Understander
    reader: FeatureReader
    composer: Composer

    def passage_at(self, article_id: str, offset: int) -> Passage:
        """The passage that holds an offset."""
        return next(passage for passage in self.passages if offset < passage.chunk.end)

    def lookup(self, question: str, history: Sequence[tuple[Role, str]] = ()) -> Lookup:
        """What a question asks, as a whole."""
        return self.understander.understand(Question(question, tuple(history))).whole

    def read(self, question: str) -> Reading:
        """The evidence for a question."""
        return self.reader.read(self.lookup(question), self.passages)

    def compose(self, question: str) -> Composition:
        """The answer to a question, before it is cited, however weak its evidence."""
        return self.composer.compose(self.lookup(question), self.read(question))

    def say(self, question: str) -> str:
        """The text of the answer to a question, however weak its evidence."""
        return Citer(self.passage_at).cite(self.compose(question))


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The words of the field."""
    return load_lexicon()


@pytest.fixture(scope="session")
def desk(lexicon: Lexicon, bigrams: Any) -> Callable[..., Desk]:
    """Makes the parts over a text made by hand."""

    def make(text: str, **about: Any) -> Desk:
        source = article(text, **about)
        found = passages(source)
        keywords = KeywordIndex.build([p.chunk.id for p in found], [p.chunk.text for p in found])
        words = segmenter()
        terms = TermReader(keywords.document_frequency, keywords.size, words, lexicon)
        names = {company for company, _ in lexicon.companies.values()}
        speller = Speller(keywords.vocabulary | names, lambda piece: bool(words.FREQ.get(piece)))

        def embed_question(question: str) -> np.ndarray:
            return bigrams.vectors([question])[0]

        return Desk(
            source=source,
            passages=found,
            lexicon=lexicon,
            terms=terms,
            understander=Understander(lexicon, speller, terms.has_subject),
            reader=FeatureReader(
                terms,
                lexicon,
                bigrams.vectors,
                embed_question,
                bundled_reader(),
                Anticipated(bundled_questions(), [source], bigrams.fingerprint),
            ),
            composer=Composer(lexicon, terms.has_subject),
        )

    return make


@pytest.fixture(scope="session")
def real_assistant(real_settings: IndexSettings) -> Assistant:
    """The assistant over the real articles and the bundled model."""
    return build_assistant(Settings(index=real_settings))
