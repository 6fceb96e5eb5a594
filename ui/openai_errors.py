"""Errors as OpenAI's clients know them: below ``/v1`` every problem is told in their form.

One wrapper around everything turns problems over, whoever told of them: a route, the question of who may ask, the
limit on a body. The ``openai`` package then raises the exception that belongs to the case. A request that cannot be
taken is 400 there, never 422, as it is at OpenAI.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.problems import MEDIA_TYPE

PREFIX = "/v1/"

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
# Programs look for these by OpenAI's names.
_CODES = {"unauthorised": "invalid_api_key", "rate_limited": "rate_limit_exceeded"}


def is_below(path: str) -> bool:
    """Whether errors at the address ``path`` are told in OpenAI's form."""
    return path.startswith(PREFIX)


def status_of(problem: dict[str, Any]) -> int:
    """The HTTP status under which a problem is told below ``/v1``."""
    status = int(problem["status"])
    return 400 if status == 422 else status


def error_body(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's form; ``param`` names the field at fault, None where it is no single one."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def translated(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem in OpenAI's form, its Chinese before its English."""
    code = problem["code"]
    message = f"{problem['detail']} ({problem['title_en']}. {problem['detail_en']})"
    return error_body(status_of(problem), message, _CODES.get(code, code))


class OpenAIErrors:
    """Turns over the problems that any part of the server tells of at addresses below ``/v1``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_below(scope["path"]):
            await self._app(scope, receive, send)
            return
        started: list[Message] = []
        body = bytearray()

        async def send_translated(message: Message) -> None:
            if message["type"] == "http.response.start":
                if MutableHeaders(scope=message).get("content-type") == MEDIA_TYPE:
                    started.append(message)
                    return
            elif started:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send_error(started.pop(), json.loads(body), send)
                return
            await send(message)

        await self._app(scope, receive, send_translated)


async def _send_error(start: Message, problem: dict[str, Any], send: Send) -> None:
    content = json.dumps(translated(problem), ensure_ascii=False).encode()
    headers = MutableHeaders(scope=start)
    headers["Content-Type"] = "application/json"
    headers["Content-Length"] = str(len(content))
    await send({**start, "status": status_of(problem)})
    await send({"type": "http.response.body", "body": content})
