"""What is seen of every request: an id that finds it in the log, a line of log, and its count and time in the metrics."""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.metrics import Metrics
from ui.problems import problem_response

logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
NOT_ANSWERED = 499
"""What nginx calls a client that left before it was answered."""
_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_AREAS = ("api", "v1", "page", "embed")


class Observed:
    """Gives every request its id, tells log and metrics how it ended, and answers what nobody foresaw: a defect of ours
    is a problem with the request's id, its traceback kept for the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # One that comes with the request follows it through the proxies before us.
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _SOUND_ID.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        started = time.perf_counter()
        status = NOT_ANSWERED

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        except Exception:
            logger.exception("defect", extra={"request_id": request_id})
            if status != NOT_ANSWERED:
                raise  # too late to say anything: the server cuts the connection
            detail = f"程序内部出错（编号 {request_id}），请把这个编号告诉管理员。"
            await problem_response("internal", detail)(scope, receive, send_observed)
        finally:
            seconds = time.perf_counter() - started
            area = area_of(scope["path"])
            self._metrics.request(area, scope["method"], status, seconds)
            asker = state.get("asker")
            logger.log(
                logging.DEBUG if is_routine(scope["path"], status) else logging.INFO,
                "request",
                extra={
                    "request_id": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "ms": round(1000 * seconds, 1),
                    "who": asker.name if asker else "",
                },
            )


def is_routine(path: str, status: int) -> bool:
    """Whether a request says nothing that anybody looks for in a log: a probe or a file of a page, and all was well."""
    return status < 400 and (area_of(path) in ("health", "other") or path.startswith("/page/static/"))


def area_of(path: str) -> str:
    """Which part of the server an address belongs to: few values, so that metrics stay small whatever is asked for."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    if first in _AREAS:
        return first
    return "health" if path in ("/healthz", "/readyz", "/metrics") else "other"
