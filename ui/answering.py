"""Questions answered side by side: so many at a time in threads of their own, the rest in line.

A question is worked on in one thread from its first step to its last, whatever becomes of the client: one that reads
slowly or leaves holds no thread that others wait for, and a thread that is still busy with an abandoned question keeps its
place until it is done, so that never more are at work than there are places.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, Queue, get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from assistant.errors import AssistantError
from assistant.schema import Answer, Event, Finished, Role
from index.errors import IndexingError
from ui.errors import AnswerTimeoutError, BusyError, DoorError
from ui.service import Service
from ui.streaming import Queued, Step

T = TypeVar("T")

KNOWN_ERRORS = (AssistantError, IndexingError, DoorError)
"""What answering a question can end in, besides an answer."""


@dataclass(slots=True, eq=False)
class _Ticket:
    """A place in the line; ``moved`` is set whenever the line has moved, ``admitted`` once it is this one's turn."""

    admitted: bool = False
    moved: anyio.Event = field(default_factory=anyio.Event)


class Answering:
    """Takes questions on for ``service``; to be used within one event loop."""

    def __init__(self, service: Service, *, workers: int, waiting: int, seconds: float) -> None:
        """At most ``workers`` questions are worked on and ``waiting`` more wait; none takes over ``seconds``."""
        self._service = service
        self._free = workers
        self._most_waiting = waiting
        self._seconds = seconds
        self._line: deque[_Ticket] = deque()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="answer")
        self._running = 0

    @property
    def waiting(self) -> int:
        """How many questions wait for their turn."""
        return len(self._line)

    @property
    def running(self) -> int:
        """How many questions are being worked on."""
        return self._running

    async def stream(
        self, question: str, history: Sequence[tuple[Role, str]], keep: Callable[[Answer], object]
    ) -> AsyncGenerator[Step, None]:
        """The steps of one answer, ending with ``Finished``; ``Queued`` comes first, and again, while it waits.

        ``keep`` writes the answer down, in the thread that made it, before anybody is given it.

        Raises:
            QuestionError: the question cannot be asked as it stands.
            ServiceError: it cannot be answered now; ``BusyError`` where too many wait, ``AnswerTimeoutError`` in the end.
            RecordsError: the answer could not be kept.
        """
        events = self._service.stream(question, history)
        deadline = anyio.current_time() + self._seconds
        async with aclosing(self._wait(deadline)) as line:
            async for queued in line:
                yield queued
        work = _Work(events, keep, get_running_loop())
        self._running += 1
        self._threads.submit(work.run, self._leave)
        try:
            while (event := await _in_time(work.next(), deadline)) is not None:
                yield event
        finally:
            work.abandoned.set()

    def close(self) -> None:
        """Take on nothing more; what is at work ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, deadline: float) -> AsyncGenerator[Queued, None]:
        """Waits until a place is free and takes it, saying how many are ahead whenever that changes."""
        if self._free and not self._line:
            self._free -= 1
            return
        if len(self._line) >= self._most_waiting:
            raise BusyError(f"正在排队的问题太多（{len(self._line)} 个），请稍候再试。")
        ticket = _Ticket()
        self._line.append(ticket)
        taken = False
        said = -1
        try:
            while not ticket.admitted:
                ahead = self._line.index(ticket)
                if ahead != said:
                    said = ahead
                    yield Queued(ahead)
                    continue  # the line may have moved meanwhile
                await _in_time(ticket.moved.wait(), deadline)
                ticket.moved = anyio.Event()
            taken = True
        finally:
            if not taken:
                self._give_up(ticket)

    def _give_up(self, ticket: _Ticket) -> None:
        """Whoever leaves the line makes way; a place that had just been given goes to the next."""
        if ticket.admitted:
            self._free += 1
        else:
            self._line.remove(ticket)
        self._advance()

    def _leave(self) -> None:
        """One place is free again."""
        self._running -= 1
        self._free += 1
        self._advance()

    def _advance(self) -> None:
        while self._free and self._line:
            self._free -= 1
            first = self._line.popleft()
            first.admitted = True
            first.moved.set()
        for ticket in self._line:
            ticket.moved.set()


class _Work:
    """One question worked on in a thread, its events handed over to the event loop."""

    def __init__(
        self, events: Generator[Event], keep: Callable[[Answer], object], loop: AbstractEventLoop
    ) -> None:
        self.abandoned = threading.Event()
        self._events = events
        self._keep = keep
        self._loop = loop
        self._steps: Queue[Event | Exception | None] = Queue()

    def run(self, leave: Callable[[], None]) -> None:
        """Takes every step, or as many as somebody waits for; ``leave`` is called in the loop at the end."""
        try:
            for event in self._events:
                if self.abandoned.is_set():
                    break
                if isinstance(event, Finished):
                    self._keep(event.answer)
                self._tell(event)
            self._tell(None)
        except KNOWN_ERRORS as error:
            self._tell(error)
        finally:
            self._events.close()
            self._loop.call_soon_threadsafe(leave)

    async def next(self) -> Event | None:
        """The next event; None after the last."""
        step = await self._steps.get()
        if isinstance(step, Exception):
            raise step
        return step

    def _tell(self, step: Event | Exception | None) -> None:
        self._loop.call_soon_threadsafe(self._steps.put_nowait, step)


async def _in_time(step: Awaitable[T], deadline: float) -> T:
    try:
        with anyio.fail_after(deadline - anyio.current_time()):
            return await step
    except TimeoutError as error:
        raise AnswerTimeoutError("回答用时太久，已停止等待。请稍候再试，或把问题问得简短些。") from error
