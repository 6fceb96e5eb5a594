"""The chat inside other people's pages: the loader that they take in with one line, and the compact page it frames.

A browser that blocks what third parties store gives a frame neither cookies nor storage. So the compact page is without
Gradio and without either: its conversation lives in the page, which sends along what was said, and nothing below
``/embed`` knows one browser from another.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from html import escape
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse

from assistant.schema import Answer, Role
from assistant.settings import Settings
from ui.addresses import is_web_address
from ui.answering import Answering
from ui.api import HistoryTurn, Text
from ui.books import Books, visit_of
from ui.chat import STATIC
from ui.files import PageFiles
from ui.records import Turn
from ui.rendering import clean
from ui.routes import QuotedPlaces, article_json, library_json, shown_events, state_json, turn_json
from ui.service import Service
from ui.streaming import Step

LOADER = "embed.js"
_PAGE = STATIC / "embed.html"
_DEMO = STATIC / "demo.html"
_FRESH = {"Cache-Control": "no-cache"}


class EmbeddedQuestion(BaseModel):
    """A question typed into the compact page, with the messages before it, newest last."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: Text
    history: list[HistoryTurn] = Field(default_factory=list, max_length=1000)


def embed_router(service: Service, answering: Answering, books: Books, settings: Settings) -> APIRouter:
    """``/embed.js``, the compact page at ``/embed``, and what it asks of the server below that."""
    router = APIRouter(include_in_schema=False)
    files = PageFiles(directory=STATIC)
    # For the page to know whose messages to take: a policy tells only the browser.
    origins = escape(" ".join(settings.embed.allowed_origins))
    template = _PAGE.read_text("utf-8").replace("{{ origins }}", origins)

    @router.get(f"/{LOADER}")
    async def loader(request: Request) -> Response:
        response = await files.get_response(LOADER, request.scope)
        # Pages that are isolated from other origins take in only what says that it may be.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @router.get("/embed")
    async def page(theme: Literal["auto", "light", "dark"] = "auto") -> Response:
        return HTMLResponse(template.replace("{{ theme }}", theme), headers=_FRESH)

    @router.get("/embed/state")
    def state() -> dict[str, Any]:
        return state_json(service)

    @router.post("/embed/ask", response_model=None)
    async def ask(asked: EmbeddedQuestion, request: Request) -> Response:
        question = clean(asked.question).strip()
        history: list[tuple[Role, str]] = [(turn.role, turn.content) for turn in asked.history]
        visit = visit_of(request, "embed")

        async def begin() -> AsyncGenerator[Step, None]:
            return answering.stream(question, history, lambda answer: books.answer(visit, history, answer))

        def shown(answer: Answer) -> dict[str, Any]:
            return turn_json(Turn.of(question, answer), {}) | cited_json(answer)

        return EventSourceResponse(shown_events(service, begin, shown), sep="\n")

    @router.get("/embed/articles")
    def library() -> dict[str, str]:
        return library_json(service)

    @router.get("/embed/articles/{id}")
    def article(id: str, quoted: QuotedPlaces = None) -> dict[str, str]:
        return article_json(service, id, quoted or ())

    return router


def demo_router() -> APIRouter:
    """``/demo``: an intranet page like any other, with the chat in it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/demo")
    async def page() -> Response:
        return HTMLResponse(_DEMO.read_text("utf-8"), headers=_FRESH)

    return router


def cited_json(answer: Answer) -> dict[str, Any]:
    """What the page around the chat is told of an answer: how it stands, and what it cites. An address that is not the
    web's is left out, so that the page can link to what it is given."""
    return {
        "status": answer.status,
        "citations": [
            {
                "number": citation.number,
                "title": clean(citation.title),
                "url": citation.url if is_web_address(citation.url) else "",
                "quote": clean(citation.quote),
            }
            for citation in answer.citations
        ],
    }
