"""Turns the questions about the bundled articles into what ``assistant.anticipated`` reads.

    python -m assistant.training.anticipating --out DIR

The embedding model is the one that ships; run it again whenever that, an article, or the questions have changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assistant.anticipated import BUNDLED, FILE, Questions, check_of
from assistant.training.spoken import FILE as WRITTEN
from assistant.training.spoken import LATER, read_talks
from assistant.understanding import normalise
from index.embedding import CHECKSUMS, ModelEmbeddings, sha256
from index.loading import load_articles
from index.settings import IndexSettings


def questions_of(settings: IndexSettings) -> Questions:
    """The questions about the articles of ``settings``, embedded by its model."""
    texts = {article.id: article.text for article in load_articles(settings.articles)}
    talks = [talk for file in (WRITTEN, LATER) for talk in read_talks(texts, file, others=True)]
    model = ModelEmbeddings(settings.model)
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
        fingerprint=model.fingerprint,
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
    questions = questions_of(IndexSettings())
    write(options.out, questions)
    print(f"{len(questions.places):,} questions, {(options.out / FILE).stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
