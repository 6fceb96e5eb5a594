"""The assistant as every door shares it: loaded in the background.

Loading takes seconds, so it runs in a thread of its own while the page is already up. Where the index
is what is wrong, loading is tried again every few seconds, so that ``xiaobao ingest`` mends a running
server.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.errors import AssistantError
from assistant.schema import Event, Role
from index.errors import IndexingError, IndexUnusableError
from ui.errors import InternalError, LoadingError, UnavailableError

if TYPE_CHECKING:
    from assistant.pipeline import Assistant

logger = logging.getLogger(__name__)

LOADING = "正在加载资料和模型，请稍候几秒。"
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Loading:
    """The assistant is being loaded."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Loading failed; ``message`` says in Chinese why, and what mends it."""

    message: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The assistant can be asked."""

    assistant: Assistant


State = Loading | Failed | Ready


class Service:
    """Loads an assistant with ``build``; where its index is what is wrong, again every ``retry`` seconds."""

    def __init__(self, build: Callable[[], Assistant], *, retry: float = RETRY_SECONDS) -> None:
        self._build = build
        self._retry = retry
        self._state: State = Loading()
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """Whether the assistant is being loaded, could not be, or is ready."""
        return self._state

    def start(self) -> None:
        """Begin loading in the background; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._load, name="load-assistant", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Give up trying to load. What is being loaded at this moment ends with the process."""
        self._stopping.set()

    def settle(self, timeout: float) -> State:
        """Wait up to ``timeout`` seconds for loading to come to a first end, good or bad."""
        self._settled.wait(timeout)
        return self._state

    def assistant(self) -> Assistant:
        """The assistant.

        Raises:
            LoadingError: it is not there yet.
            UnavailableError: it could not be loaded.
        """
        match self._state:
            case Ready(assistant):
                return assistant
            case Failed(message):
                raise UnavailableError(message)
            case Loading():
                raise LoadingError(LOADING)

    def stream(self, question: str, history: Sequence[tuple[Role, str]] = ()) -> Generator[Event]:
        """The events of one answer; what is wrong with the question itself is raised before the first.

        Raises:
            QuestionError: the question cannot be asked as it stands.
            ServiceError: it cannot be answered now.
        """
        assistant = self.assistant()
        with _defects_logged():
            events = assistant.stream(question, history)
        return _guarded(events)

    def _load(self) -> None:
        while not self._stopping.is_set():
            try:
                with _defects_logged():
                    assistant = self._build()
                self._state = Ready(assistant)
            except IndexUnusableError as error:
                # The one cause that another command mends while this server runs.
                self._fail(error)
                self._stopping.wait(self._retry)
                continue
            except (IndexingError, InternalError) as error:
                self._fail(error)
            self._settled.set()
            return

    def _fail(self, error: Exception) -> None:
        failed = Failed(str(error))
        if failed != self._state:
            logger.warning("loading failed: %s", error)
        self._state = failed
        self._settled.set()


def _guarded(events: Iterator[Event]) -> Generator[Event]:
    with _defects_logged():
        yield from events


@contextmanager
def _defects_logged() -> Iterator[None]:
    """Turn what nobody foresaw into an ``InternalError``, its traceback kept for the log alone."""
    try:
        yield
    except (AssistantError, IndexingError):
        raise
    except Exception as error:
        number = uuid.uuid4().hex[:8]
        logger.exception("defect %s", number)
        raise InternalError(f"程序内部出错（编号 {number}），请把这个编号告诉管理员。") from error
