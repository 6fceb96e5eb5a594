"""The steps of an answer on their way to whoever asked, and how HTTP carries them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sse_starlette import ServerSentEvent

from assistant.schema import Event

_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Queued:
    """The question waits for its turn, with ``ahead`` others before it."""

    ahead: int


Step = Queued | Event


def one_line_json(value: dict[str, Any]) -> str:
    """``value`` as JSON on one line, whatever its reader takes for the end of one.

    Server-sent events end their lines with LF or CR alone; ``str.splitlines``, and clients built on it, know more ends.
    """
    text = json.dumps(value, ensure_ascii=False)
    return _OTHER_LINE_ENDS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def server_sent(name: str, data: dict[str, Any]) -> ServerSentEvent:
    """One event of a stream, its data as JSON."""
    return ServerSentEvent(one_line_json(data), event=name, sep="\n")
