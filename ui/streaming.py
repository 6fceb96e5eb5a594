"""The events of an answer carried over HTTP: steps taken in threads, only so many at once."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import anyio
from anyio import to_thread
from sse_starlette import ServerSentEvent

from assistant.schema import Event


async def stepped(events: Generator[Event], admission: anyio.Semaphore) -> AsyncGenerator[Event]:
    """``events``, each step in a thread; only so many at once as ``admission`` lets in.

    Who is let in keeps its place to the end, so that those waiting can never hold every thread that the
    ones before them need to go on.
    """
    async with admission:
        try:
            while (event := await to_thread.run_sync(_next_or_none, events)) is not None:
                yield event
        finally:
            # A client that leaves must not keep its place: the generator holds one until it is closed.
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(events.close)


def server_sent(name: str, data: dict[str, Any]) -> ServerSentEvent:
    """One event of a stream, its data as JSON."""
    return ServerSentEvent(json.dumps(data, ensure_ascii=False), event=name, sep="\n")


def _next_or_none(events: Generator[Event]) -> Event | None:
    return next(events, None)
