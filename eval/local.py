"""The assistant in this process as what is asked: over the configured index, over another folder of articles, or
over a case's own documents.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from assistant.evidence import Reading
from assistant.pipeline import Assistant
from assistant.settings import Settings
from assistant.understanding import Lookup
from assistant.wiring import assistant_over
from eval.cases import Case, Document
from eval.targets import LOCAL, own_versions
from index.checking import check
from index.embedding import ModelEmbeddings
from index.errors import IndexUnusableError
from index.ingest import ingest
from index.loading import DESCRIPTIONS
from index.retrieval import Retriever
from index.settings import IndexSettings
from index.versions import open_current


class _Opened:
    """An assistant with the index it is asked over; ``folder`` is removed with it where it was made for it alone."""

    def __init__(self, settings: Settings, embeddings: ModelEmbeddings, folder: Path | None = None) -> None:
        self._retriever = Retriever.open(settings.index, embeddings)
        self._folder = folder
        self.assistant: Assistant = assistant_over(self._retriever, settings.answer)

    def close(self) -> None:
        self._retriever.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class LocalTarget:
    """The assistant in this process, safe to ask from several threads.

    Documents of closed-context cases are indexed under ``folder``, and each thread keeps the latest set alone: memory
    and disk stay flat over a thousand sets, and cases that share documents are best asked one after the other in one
    thread, as ``runner.run_cases`` does. The embedding model is loaded once for all of them.

    Args:
        settings: as ``xiaobao`` reads them.
        folder: an existing folder for what is indexed on the way; the caller removes it.
        articles: a folder of articles to be indexed and asked in the place of the configured index.
        embeddings: saves loading the model again where several targets are made.
    """

    name = LOCAL
    takes_documents = True

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        articles: Path | None = None,
        embeddings: ModelEmbeddings | None = None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._articles = articles
        self._embeddings = embeddings
        self._main: _Opened | None = None
        self._sets: dict[int, tuple[tuple[Document, ...], _Opened]] = {}
        # Chroma's table of open clients, and whatever loads once, are changed by one thread at a time.
        self._opening = threading.RLock()

    def answer(self, case: Case) -> dict[str, Any]:
        """The assistant's answer to a case.

        Raises:
            QuestionError: the question cannot be asked as it stands.
            IndexingError: the index or the model cannot be used, or the articles or documents cannot be indexed.
        """
        return self._opened(case).assistant.ask(case.question, case.history).to_dict()

    def examine(self, case: Case) -> list[tuple[Lookup, Reading]]:
        """What the assistant reads for each part of a case's question; raises as ``answer`` does."""
        return self._opened(case).assistant.examine(case.question, case.history)

    def _opened(self, case: Case) -> _Opened:
        return self._over(case.documents) if case.documents else self._over_articles()

    def versions(self) -> dict[str, str]:
        """The versions of what answers; ``index`` is the fingerprint of what it holds, the same however often it was
        built, and missing where no index is.

        Raises:
            IndexingError: the folder of articles cannot be indexed.
        """
        if self._articles is not None:
            self._over_articles()
        try:
            _, manifest = open_current(self._main_settings().index.path)
        except IndexUnusableError:  # cases that bring their documents need none, the others will say so
            return own_versions()
        return own_versions() | {"index": manifest.fingerprint[:12]}

    def open(self) -> None:
        """Loads the model and opens the index over which cases without documents are asked.

        Raises:
            IndexingError: the index or the model cannot be used, or the articles cannot be indexed.
        """
        self._over_articles()

    def close(self) -> None:
        """Closes every index that is open. Idempotent."""
        with self._opening:
            for opened in (self._main, *(opened for _, opened in self._sets.values())):
                if opened is not None:
                    opened.close()
            self._main = None
            self._sets.clear()

    def _main_settings(self) -> Settings:
        if self._articles is None:
            return self._settings
        return _over(self._settings, self._folder / "index", self._articles)

    def _over_articles(self) -> _Opened:
        with self._opening:
            if self._main is None:
                settings = self._main_settings()
                if self._articles is not None:
                    self._ingest(settings.index)
                self._main = _Opened(settings, self._model())
            return self._main

    def _over(self, documents: tuple[Document, ...]) -> _Opened:
        thread = threading.get_ident()
        with self._opening:
            latest, opened = self._sets.get(thread, ((), None))
            if opened is None or latest != documents:
                if opened is not None:
                    opened.close()
                    del self._sets[thread]
                opened = self._indexed(documents)
                self._sets[thread] = documents, opened
            return opened

    def _indexed(self, documents: Sequence[Document]) -> _Opened:
        place = Path(mkdtemp(prefix="documents-", dir=self._folder))
        write_articles(place / "articles", documents)
        settings = _over(self._settings, place / "index", place / "articles")
        self._ingest(settings.index)
        return _Opened(settings, self._model(), place)

    def _ingest(self, settings: IndexSettings) -> None:
        # What lives for one run is checked in this process: another one would load everything for each set again.
        ingest(settings, embeddings=self._model(), check=check)

    def _model(self) -> ModelEmbeddings:
        if self._embeddings is None:
            self._embeddings = ModelEmbeddings(self._settings.index.model)
        return self._embeddings


def write_articles(folder: Path, documents: Sequence[Document]) -> None:
    """Documents as a folder of articles: ``001.txt`` and so on, described in ``articles.toml``. Makes the folder."""
    folder.mkdir(parents=True)
    described: list[str] = []
    for number, document in enumerate(documents, 1):
        name = f"{number:03d}.txt"
        # The title stands first in the file too, so that the text's own first line is not taken for one. Half of a
        # surrogate pair stands for no character.
        (folder / name).write_bytes(f"{document.title}\n{document.text}".encode("utf-8", "replace"))
        described += [f'["{name}"]', f"title = {_quoted(document.title)}"]
        if document.publisher:
            described.append(f"publisher = {_quoted(document.publisher)}")
        if document.published:
            described.append(f"date = {document.published.isoformat()}")
        if document.url:
            described.append(f"url = {_quoted(document.url)}")
    (folder / DESCRIPTIONS).write_text("\n".join(described) + "\n", "utf-8")


def _quoted(text: str) -> str:
    """A TOML string, which a JSON string is, but for U+007F, as long as it is not escaped to ASCII."""
    plain = text.encode("utf-8", "replace").decode("utf-8").replace("\x7f", "")
    return json.dumps(plain, ensure_ascii=False)


def _over(settings: Settings, path: Path, articles: Path) -> Settings:
    index = settings.index.model_copy(update={"path": path, "articles": articles})
    return settings.model_copy(update={"index": index})
