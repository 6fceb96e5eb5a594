"""The heavy parts, imported when first used.

Importing the models' libraries takes seconds, and Gradio as many, so a module-level import here would make
``xiaobao --help`` slow and keep the page from coming up while the model loads. Of this package it is the
one module that imports by name; everything else says what it needs at its top.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from assistant.settings import Settings
from index.settings import IndexSettings

if TYPE_CHECKING:
    from assistant.pipeline import Assistant
    from index.ingest import IngestReport


def build_assistant(settings: Settings, *, warm: bool = True) -> Assistant:
    """``assistant.wiring.build_assistant``.

    Raises:
        IndexUnusableError: there is no index that can be asked.
        ModelError: the embedding model cannot be loaded.
    """
    build: Callable[..., Assistant] = import_module("assistant.wiring").build_assistant
    return build(settings, warm=warm)


def ingest(settings: IndexSettings, *, force: bool, progress: Callable[[str], None]) -> IngestReport:
    """``index.ingest.ingest``; ``progress`` is called with one Chinese line for every step.

    Raises:
        IndexingError: an article, the model or the index folder is unusable.
    """
    run: Callable[..., IngestReport] = import_module("index.ingest").ingest
    return run(settings, force=force, progress=progress)


def is_stale(settings: Settings) -> bool:
    """``index.ingest.is_stale``: whether the articles or settings changed since the index was built.

    Raises:
        IndexingError: an article or the index is unreadable.
    """
    stale: Callable[[IndexSettings], bool] = import_module("index.ingest").is_stale
    return stale(settings.index)


def serve(settings: Settings, announce: Callable[[str], None], *, insecure: bool, demo: bool) -> None:
    """``ui.server.serve``: blocks until stopped.

    Raises:
        AddressError: the address is taken or unknown.
        ExposureError: other machines could ask without saying who they are, and ``insecure`` does not allow it.
    """
    run: Callable[..., None] = import_module("ui.server").serve
    run(settings, announce, insecure=insecure, demo=demo)
