"""The one place where the assistant's parts are put together."""

from __future__ import annotations

from assistant.anticipated import Anticipated, Questions, bundled_questions
from assistant.composing import Composer
from assistant.lexicon import load_lexicon
from assistant.pipeline import Assistant
from assistant.reading import FeatureReader
from assistant.settings import AnswerSettings, Settings
from assistant.spans import bundled_reader
from assistant.spelling import Speller
from assistant.suggesting import Suggester
from assistant.terms import TermReader
from assistant.understanding import Understander
from assistant.vectors import RememberedVectors
from index.lexical import segmenter
from index.retrieval import Retriever


def build_assistant(settings: Settings) -> Assistant:
    """An assistant over the published index.

    Raises:
        IndexUnusableError: there is no index, or it is damaged or was built with another model.
        ModelError: the embedding model cannot be loaded.
    """
    assistant = assistant_over(Retriever.open(settings.index), settings.answer)
    _load_all(assistant)
    return assistant


def assistant_over(
    retriever: Retriever, settings: AnswerSettings, questions: Questions | None = None
) -> Assistant:
    """An assistant over an opened index, which stays its opener's to close. What loads on first use is not loaded yet.

    ``questions`` are known beforehand; without them those that ship.
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
        embed=RememberedVectors(retriever.embeddings.vectors),
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
