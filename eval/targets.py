"""What can be asked: the assistant in this process, over the configured index or over a case's own texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from assistant.pipeline import Assistant
from assistant.schema import Answer, Role
from assistant.settings import Settings
from assistant.wiring import build_assistant
from eval.cases import Document
from eval.runner import Ask
from index.ingest import ingest
from index.loading import DESCRIPTIONS


class LocalTarget:
    """The assistant in this process.

    Documents of closed-context cases are indexed under ``folder``, one index per distinct set, each built
    once. Only the assistant of the latest set is kept, so that a thousand sets do not pile up in memory:
    cases that share documents are best kept next to each other.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._assistant: Assistant | None = None
        self._latest: tuple[tuple[Document, ...], Assistant] | None = None

    def ask(self, question: str, history: Sequence[tuple[Role, str]]) -> Answer:
        """Ask the assistant over the configured index, loaded when it is first asked.

        Raises:
            QuestionError: the question cannot be asked as it stands.
            IndexingError: the index or the model cannot be used.
        """
        if self._assistant is None:
            self._assistant = build_assistant(self._settings)
        return self._assistant.ask(question, history)

    def ask_for(self, documents: tuple[Document, ...]) -> Ask:
        """What answers from these documents alone.

        Raises:
            IndexingError: the documents cannot be indexed.
        """
        if self._latest is None or self._latest[0] != documents:
            self._latest = documents, build_assistant(self._indexed(documents))
        return self._latest[1].ask

    def _indexed(self, documents: tuple[Document, ...]) -> Settings:
        name = sha256("\0".join(f"{item.title}\0{item.text}" for item in documents).encode()).hexdigest()[:16]
        place = self._folder / name
        articles = place / "articles"
        index = self._settings.index.model_copy(update={"path": place / "index", "articles": articles})
        if not place.exists():
            articles.mkdir(parents=True)
            _write_articles(articles, documents)
            ingest(index)
        return self._settings.model_copy(update={"index": index})


def _write_articles(folder: Path, documents: Sequence[Document]) -> None:
    described: list[str] = []
    for number, document in enumerate(documents, 1):
        name = f"{number:03d}.txt"
        # The title stands first in the file too, so that the text's own first line is not taken for one.
        (folder / name).write_text(f"{document.title}\n{document.text}", "utf-8")
        # A JSON string is a TOML string, as long as it is not escaped to ASCII.
        described.append(f'["{name}"]\ntitle = {json.dumps(document.title, ensure_ascii=False)}\n')
    (folder / DESCRIPTIONS).write_text("\n".join(described), "utf-8")
