"""Turns the questions about the bundled articles into what ``assistant.anticipated`` reads.

    python -m assistant.training.anticipating --out DIR

The embedding model is the one that ships; run it again whenever that, an article, or the questions have changed. The index
must have been built (``xiaobao ingest``): of the questions that may be offered for asking those are, that the assistant
answers from the right place in few words.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.anticipated import BUNDLED, FILE, Places, Questions, check_of
from assistant.pipeline import Assistant
from assistant.schema import Answer, Role
from assistant.settings import AnswerSettings
from assistant.training.spoken import FILE as WRITTEN
from assistant.training.spoken import LATER, read_talks
from assistant.understanding import normalise
from assistant.wiring import assistant_over
from index.embedding import CHECKSUMS, ModelEmbeddings, sha256
from index.loading import load_articles
from index.retrieval import Retriever
from index.settings import IndexSettings

LONGEST = 160
"""Characters: a question whose answer is longer is not offered."""
BEFORE: tuple[tuple[Role, str], ...] = (
    ("user", "平安证券搬到哪里去了？"),
    ("assistant", "资料中没有找到答案。"),
)
"""A conversation that no question leans on."""


def questions_of(settings: IndexSettings) -> Questions:
    """The questions about the articles of ``settings``, embedded by its model; all that may be offered are."""
    texts = {article.id: article.text for article in load_articles(settings.articles)}
    talks = [talk for file in (WRITTEN, LATER) for talk in read_talks(texts, file, others=True)]
    model = ModelEmbeddings(settings.model)
    offered = [number for number, talk in enumerate(talks) if talk.offer]
    return Questions(
        vectors=np.asarray([model.embed_query(normalise(talk.question)) for talk in talks], np.float32),
        articles=np.asarray([talk.source for talk in talks]),
        places=np.asarray(
            [
                (
                    talk.quote.start,
                    talk.quote.end,
                    *((talk.answer.start, talk.answer.end) if talk.answer else (-1, -1)),
                )
                for talk in talks
            ],
            np.int32,
        ),
        checks=np.asarray(
            [check_of(texts[talk.source][talk.quote.start : talk.quote.end]) for talk in talks]
        ),
        offered=np.asarray(offered, np.int32),
        wordings=np.asarray([wording(talks[number].question) for number in offered]),
        fingerprint=model.fingerprint,
    )


def wording(question: str) -> str:
    """A question as it is shown: with the marks of written Chinese."""
    return question.rstrip("？?。 ").replace(",", "，") + "？"


def answered(questions: Questions, assistant: Assistant) -> Questions:
    """``questions``, of those offered only the ones that ``assistant`` answers shortly, citing where the answer stands.

    It has to do so whether or not something else was asked before.
    """
    kept = [
        place
        for place, (number, text) in enumerate(
            zip(questions.offered.tolist(), questions.wordings.tolist(), strict=True)
        )
        if all(
            _answers(
                assistant.ask(text, turns), str(questions.articles[number]), questions.places[number, 2:]
            )
            for turns in ((), BEFORE)
        )
    ]
    return replace(questions, offered=questions.offered[kept], wordings=questions.wordings[kept])


def _answers(answer: Answer, article: str, place: Places) -> bool:
    start, end = place.tolist()
    return (
        answer.status == "grounded"
        and len(answer.text) <= LONGEST
        and any(
            citation.article_id == article and citation.start < end and start < citation.end
            for citation in answer.citations
        )
    )


def write(folder: Path, questions: Questions) -> None:
    """Writes the questions and their checksum."""
    folder.mkdir(parents=True, exist_ok=True)
    questions.save(folder / FILE)
    (folder / CHECKSUMS).write_text(f"{sha256(folder / FILE)}  {FILE}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=BUNDLED, help="folder for the result")
    options = parser.parse_args(arguments)
    settings = IndexSettings()
    marked = questions_of(settings)
    with Retriever.open(settings) as retriever:
        questions = answered(marked, assistant_over(retriever, AnswerSettings(), marked))
    for text in sorted(set(marked.wordings.tolist()) - set(questions.wordings.tolist())):
        print(f"marked, but not answered shortly from its place: {text}")
    write(options.out, questions)
    size = (options.out / FILE).stat().st_size
    print(f"{len(questions.places):,} questions, {len(questions.offered):,} of them offered, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
