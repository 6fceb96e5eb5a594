"""The one place where the assistant's parts are put together."""

from __future__ import annotations

from assistant.anticipated import Anticipated, Questions, bundled_questions
from assistant.composing import Composer
from assistant.lexicon import load_lexicon
from assistant.pipeline import Assistant
from assistant.reading import FeatureReader
from assistant.sentences import statements
from assistant.settings import AnswerSettings, Settings
from assistant.spans import bundled_reader
from assistant.spelling import Speller
from assistant.suggesting import Suggester
from assistant.terms import TermReader
from assistant.understanding import Understander
from assistant.vectors import RememberedVectors
from index.lexical import segmenter
from index.retrieval import Retriever

REMEMBERED = 2_000
"""Statements embedded before the first question: some five seconds' worth on two cores."""


def build_assistant(settings: Settings, *, warm: bool = True) -> Assistant:
    """An assistant over the published index.

    A ``warm`` one has done beforehand what its first answers would wait for, which takes a few seconds; who asks once
    has nothing of that.

    Raises:
        IndexUnusableError: there is no index, or it is damaged or was built with another model.
        ModelError: the embedding model cannot be loaded.
    """
    retriever = Retriever.open(settings.index)
    vectors = RememberedVectors(retriever.embeddings.vectors)
    assistant = assistant_over(retriever, settings.answer, vectors=vectors)
    if warm:
        _load_all(assistant)
        _remember(retriever, vectors)
    return assistant


def assistant_over(
    retriever: Retriever,
    settings: AnswerSettings,
    questions: Questions | None = None,
    vectors: RememberedVectors | None = None,
) -> Assistant:
    """An assistant over an opened index, which stays its opener's to close. What loads on first use is not loaded yet.

    ``questions`` are known beforehand; without them those that ship. ``vectors`` embeds statements and remembers them.
    """
    lexicon = load_lexicon()
    words = segmenter()
    keywords = retriever.keywords
    names = {company for company, _ in lexicon.companies.values()}
    speller = Speller(keywords.vocabulary | names, lambda text: bool(words.FREQ.get(text)))
    terms = TermReader(keywords.document_frequency, keywords.size, words, lexicon)
    questions = bundled_questions() if questions is None else questions
    anticipated = Anticipated(questions, retriever.articles, retriever.embeddings.fingerprint)
    reader = FeatureReader(
        terms,
        lexicon,
        embed=vectors or RememberedVectors(retriever.embeddings.vectors),
        embed_question=retriever.embed,
        spans=bundled_reader(),
        anticipated=anticipated,
    )
    return Assistant(
        retriever,
        Understander(lexicon, speller, terms.has_subject),
        reader,
        Composer(lexicon, terms.has_subject),
        anticipated,
        Suggester(anticipated, retriever.articles, lexicon),
        settings,
    )


def _load_all(assistant: Assistant) -> None:
    """Ask once what nobody asked: dictionaries and models load on first use, and the first asker should not wait."""
    for article in assistant.articles[:1]:
        assistant.ask(article.title[:40])


def _remember(retriever: Retriever, vectors: RememberedVectors) -> None:
    """Embed the statements of the articles, or of as many as take a few seconds: the first answer is then as quick as
    the second."""
    passages = [retriever.passage_at(chunk.article_id, chunk.start) for chunk in retriever.chunks]
    texts = [statement.under_heading for passage in passages for statement in statements(passage)]
    if texts:
        vectors(texts[:REMEMBERED])
