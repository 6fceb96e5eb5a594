"""The steps of an answer on their way to whoever asked, and how HTTP carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sse_starlette import ServerSentEvent

from assistant.schema import Event


@dataclass(frozen=True, slots=True)
class Queued:
    """The question waits for its turn, with ``ahead`` others before it."""

    ahead: int


Step = Queued | Event


def server_sent(name: str, data: dict[str, Any]) -> ServerSentEvent:
    """One event of a stream, its data as JSON."""
    return ServerSentEvent(json.dumps(data, ensure_ascii=False), event=name, sep="\n")
