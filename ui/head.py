"""What is kept of Gradio's own server: the frame of the page and its files, under a head that is ours."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.problems import problem_response

_LANGUAGE = re.compile(rb'(<html\s[^>]*?lang=)"[^"]*"')
# Their pictures lie on another host, and their words are Gradio's.
_PREVIEWS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')


_FRAME_FILES = ("/assets/", "/static/")
_MAX_NAME_BYTES = 255
_MAX_PATH_CHARS = 1000
_FRAME = frozenset({"/", "/theme.css", "/favicon.ico"})


class FrameOnly:
    """Lets nothing through to Gradio but the page's frame and its files.

    The chat is not Gradio's, so nothing needs its queue, uploads, file and proxy addresses, or its API; some of them
    answer without asking who is there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["method"] not in ("GET", "HEAD"):
            await problem_response("not_found", "没有这个地址，或不接受这种请求。")(scope, receive, send)
        elif scope["path"] in _FRAME or _may_name_a_file(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await problem_response("not_found", "没有这个地址。")(scope, receive, send)


def _may_name_a_file(path: str) -> bool:
    """Whether Gradio may look for ``path`` on disk; it fails on a name that no file can have."""
    return (
        path.startswith(_FRAME_FILES)
        and all(
            part.isprintable() and len(part.encode("utf-8", "replace")) <= _MAX_NAME_BYTES
            for part in path.split("/")
        )
        and len(path) <= _MAX_PATH_CHARS
    )


class OwnHead:
    """Makes the page at ``/`` say that it is in Chinese, and takes Gradio's previews of it out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        started: list[Message] = []
        body = bytearray()

        async def send_rewritten(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            (start,) = started
            headers = MutableHeaders(scope=start)
            page = bytes(body)
            if headers.get("content-type", "").startswith("text/html"):
                page = _PREVIEWS.sub(b"", _LANGUAGE.sub(rb'\1"zh-CN"', page))
                headers["content-length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page})

        # Compressed it could not be read.
        plain = MutableHeaders(raw=list(Headers(scope=scope).raw))
        del plain["accept-encoding"]
        await self._app({**scope, "headers": plain.raw}, receive, send_rewritten)
