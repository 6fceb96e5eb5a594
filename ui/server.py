"""The one server: the API, the embedded chat, what watches it, and the chat page at ``/``."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

import gradio as gr
import uvicorn
from anyio import to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Mount

from assistant.settings import Settings
from ui.access import Access, OriginCheck, is_loopback
from ui.answering import Answering
from ui.api import api_router, register_errors
from ui.audit import Audit
from ui.books import Books
from ui.browsers import SECRET_FILE, Browsers, load_secret
from ui.chat import FAVICON, HEAD, STATIC, STYLES, TITLE, build_page, theme
from ui.completions import completions_router
from ui.database import RECORDS_FILE, Database
from ui.developers import developers_router
from ui.embed import demo_router, embed_router
from ui.errors import AddressError, ExposureError, RecordsError
from ui.feedback import Feedback
from ui.files import PageFiles
from ui.head import FrameOnly, OwnHead
from ui.kept import KeptAnswers
from ui.keys import KEYS_FILE, Keys
from ui.logs import configure_logging
from ui.metrics import MEDIA_TYPE, Metrics
from ui.observing import Observed
from ui.openai_errors import OpenAIErrors
from ui.openapi import describe
from ui.parts import build_assistant
from ui.records import Records
from ui.routes import page_router
from ui.security import BodyLimit, RateLimited, SecurityHeaders
from ui.service import Ready, Service
from ui.tracing import Tracing

if TYPE_CHECKING:
    from assistant.pipeline import Assistant

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 65_536
"""Longest head of a request, its headers included."""


def create_app(
    settings: Settings, build: Callable[[Settings], Assistant] = build_assistant, *, demo: bool = False
) -> FastAPI:
    """The whole server as an ASGI application; the assistant begins to load when it starts up. With ``demo``, a page
    that embeds the chat is at ``/demo``.

    Raises:
        RecordsError: conversations and feedback cannot be kept where the settings say.
    """
    service = Service(partial(build, settings))
    answering = Answering(
        service,
        workers=settings.server.workers,
        waiting=settings.server.waiting,
        seconds=settings.server.question_seconds,
    )
    keys = Keys(settings.server.records / KEYS_FILE)
    metrics = _metrics(service, answering)
    database = Database(settings.server.records / RECORDS_FILE)
    records, feedback = Records(database), Feedback(database)
    secret = load_secret(settings.server.records / SECRET_FILE)
    browsers = Browsers(secret)
    tracing = Tracing(settings.telemetry.endpoint) if settings.telemetry.endpoint else None
    audit = Audit(database, secret)
    books = Books(
        records, KeptAnswers(database), audit, metrics, tracing, log_questions=settings.log.questions
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        forgetting = asyncio.create_task(_forget_daily(audit, settings.server.audit_days))
        yield
        forgetting.cancel()
        answering.close()
        service.stop()
        database.close()
        if tracing is not None:
            await to_thread.run_sync(tracing.close)

    # The interactive documentation pages would load scripts from another host.
    app = FastAPI(
        title=TITLE,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, max_bytes=settings.server.max_body_bytes)
    origins = settings.embed.allowed_origins
    app.add_middleware(OriginCheck, allowed=origins)
    app.add_middleware(RateLimited, settings=settings.limits)
    app.add_middleware(Access, settings=settings.auth, name_of_key=keys.name_of)
    # Gradio answers any origin, with credentials, unless its parent has a CORSMiddleware of its own.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
    )
    app.add_middleware(Observed, metrics=metrics)
    app.add_middleware(OpenAIErrors)
    app.add_middleware(SecurityHeaders, embedding_origins=origins)
    app.include_router(api_router(service, answering, books, feedback, settings))
    app.include_router(completions_router(service, answering, books))
    app.include_router(developers_router(settings.auth))
    app.include_router(page_router(service, answering, records, feedback, books, browsers))
    app.include_router(embed_router(service, answering, books, settings))
    if demo:
        app.include_router(demo_router())

    @app.get("/metrics", include_in_schema=False)
    def exposition() -> Response:
        return Response(metrics.exposition(), media_type=MEDIA_TYPE)

    app.mount("/page/static", PageFiles(directory=STATIC))
    register_errors(app)
    describe(app)
    gr.mount_gradio_app(
        app,
        build_page(),
        path="/",
        theme=theme(),
        css_paths=[STYLES],
        head=HEAD,
        favicon_path=str(FAVICON),
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size="1kb",
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        ssr_mode=False,
    )
    frame = app.routes[-1]
    assert isinstance(frame, Mount)
    frame.app = FrameOnly(OwnHead(frame.app))
    return app


def serve(
    settings: Settings, announce: Callable[[str], None], *, insecure: bool = False, demo: bool = False
) -> None:
    """Listen until interrupted; ``announce`` is called with the page's address once it can be opened. ``demo`` as in
    ``create_app``.

    Raises:
        AddressError: the address is taken, unknown or not allowed.
        ExposureError: other machines could ask without saying who they are, and ``insecure`` does not allow it.
        RecordsError: conversations and feedback cannot be kept where the settings say.
    """
    listener = listen(settings.server.host, settings.server.port)
    try:
        if not (insecure or settings.auth.required or is_loopback(listener.getsockname()[0])):
            raise ExposureError(
                f"{settings.server.host} 能被别的机器访问，而现在任何人都可以提问。"
                "请在设置的 [auth] 中启用密钥（api_keys = true）或统一登录（sso_header、proxies）；"
                "只在可信的网络里试用时，可以加上 --insecure。"
            )
        configure_logging(settings.log)
        config = server_config(create_app(settings, demo=demo), settings)
        # Once it has closed down, uvicorn raises the interrupt that made it do so again.
        with suppress(KeyboardInterrupt):
            _Server(config, partial(announce, address(listener))).run(sockets=[listener])
    finally:
        listener.close()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the server is run. What proxies forward is left to ``ui.access``, which knows whom to believe."""
    return uvicorn.Config(
        app,
        log_config=None,
        # Unlike httptools it refuses a head without an end.
        http="h11",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ceil(settings.server.grace_seconds),
    )


def _metrics(service: Service, answering: Answering) -> Metrics:
    metrics = Metrics()
    metrics.watch(
        "xiaobao_questions_waiting", "Questions that wait for their turn.", lambda: answering.waiting
    )
    metrics.watch("xiaobao_questions_running", "Questions being worked on.", lambda: answering.running)
    metrics.watch_index(
        lambda: service.state.assistant.index_version if isinstance(service.state, Ready) else None
    )
    return metrics


def listen(host: str, port: int) -> socket.socket:
    """A socket listening on ``host`` and ``port``; port 0 takes any that is free.

    Raises:
        AddressError: the address is taken, unknown or not allowed.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(where[:2], family=family)
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"无法在 {host}:{port} 上监听：{error}。"
            "请换一个端口（xiaobao serve --port 7861），或先停掉占用它的程序。"
        ) from error


async def _forget_daily(audit: Audit, days: int) -> None:
    """Drops what has been in the audit trail for longer than ``days``, now and once a day."""
    while True:
        try:
            await to_thread.run_sync(audit.forget, datetime.now(UTC) - timedelta(days=days))
        except RecordsError as error:
            logger.error("audit: %s", error)
        await asyncio.sleep(24 * 3600)


def address(listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


class _NoCutOffs(logging.Filter):
    """Drops what uvicorn says of the connections it cuts off at the end: every open page holds one."""

    def filter(self, record: logging.LogRecord) -> bool:
        cut_off = record.exc_info is not None and record.exc_info[0] is asyncio.CancelledError
        return not cut_off and "timeout graceful shutdown exceeded" not in record.getMessage()


class _Server(uvicorn.Server):
    """Says when it is listening, which uvicorn would only log, and ends quietly."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logging.getLogger("uvicorn.error").addFilter(_NoCutOffs())
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()
