"""What every request and every response is held to, whichever part of the server handles it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.settings import LimitSettings
from ui.access import OPEN_PATHS
from ui.limiting import RateLimit
from ui.problems import problem_response

QUESTION_PATHS = frozenset({"/api/ask", "/page/ask", "/embed/ask", "/v1/chat/completions"})
"""Where questions are asked, each of which costs a good deal more than any other request."""


def content_security_policy(frame_ancestors: Sequence[str], *, inline: bool) -> str:
    """A policy: nothing from other hosts, framed by ``frame_ancestors`` alone. Gradio works only where scripts and styles
    may stand ``inline`` in a page."""
    own = "'self' 'unsafe-inline'" if inline else "'self'"
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {own}",
            f"style-src {own}",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "form-action 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            f"frame-ancestors {' '.join(frame_ancestors)}",
        ]
    )


class SecurityHeaders:
    """Adds the headers that keep a browser from doing more than the page needs.

    Only the compact page at ``/embed`` may be framed by others, and by ``embedding_origins`` alone.
    """

    def __init__(self, app: ASGIApp, embedding_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._policy = content_security_policy(["'self'"], inline=True)
        self._embedded_policy = content_security_policy(["'self'", *embedding_origins], inline=False)
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                embedded = scope["path"] == "/embed"
                headers["Content-Security-Policy"] = self._embedded_policy if embedded else self._policy
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RateLimited:
    """Answers 429, with the seconds to wait, to who sends more than ``settings`` allow; health is told always."""

    def __init__(self, app: ASGIApp, settings: LimitSettings) -> None:
        self._app = app
        self._requests = RateLimit(settings.requests_per_minute)
        self._questions = RateLimit(settings.questions_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        who = scope["state"]["asker"].name
        wait = self._requests.wait(who)
        if wait is None and scope["method"] == "POST" and scope["path"] in QUESTION_PATHS:
            wait = self._questions.wait(who)
        if wait is None:
            await self._app(scope, receive, send)
            return
        detail = f"请求太频繁，请等 {wait} 秒再试。"
        await problem_response("rate_limited", detail, {"Retry-After": str(wait)})(scope, receive, send)


class BodyLimit:
    """Answers 413, in the API's form, to a request whose body is over ``max_bytes``, declared or not.

    FastAPI's own ``max_body_size`` would do it in plain English text.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        # The HTTP server holds a client to the length it declares, so that length can be believed.
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._max_bytes:
            await _too_large()(scope, receive, send)
        elif "transfer-encoding" in headers:
            body = await self._read(receive)
            if body is None:
                await _too_large()(scope, receive, send)
            else:
                await self._app(scope, _replay(body, receive), send)
        else:
            await self._app(scope, receive, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, or None where it is too long."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                return None
            more = message.get("more_body", False)
        return bytes(body)


def _too_large() -> Response:
    detail = "请求太大。请缩短问题，或少带几轮对话。"
    return problem_response("too_large", detail, {"Connection": "close"})


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives ``body`` in one piece, then whatever the connection says next."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return pending.pop() if pending else await receive()

    return receive_replayed
