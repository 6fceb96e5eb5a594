"""What the chat page asks of the server: answers as they come, the browser's own conversations, whole articles.

A browser is known by a random signed cookie, and sees what was asked from it and nothing else. Errors are
problems as everywhere (``ui.problems``); while an answer is under way they come as an ``error`` event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from assistant.schema import Answer, Finished, Role
from ui.access import asker_of
from ui.answering import KNOWN_ERRORS, Answering
from ui.api import Text
from ui.books import Books, Visit, visit_of
from ui.browsers import Browsers, owner_named
from ui.errors import UnknownArticleError
from ui.feedback import Feedback
from ui.problems import problem_of
from ui.records import Conversation, Records, Turn
from ui.references import answer_text, conversation_markdown
from ui.rendering import answer_html, clean, progress_html, question_html, step_html
from ui.service import Failed, Loading, Ready, Service
from ui.sources import Quoted, article_html, library_html, panel_html
from ui.streaming import Step, server_sent

COOKIE = "xiaobao"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie
LOADING_PATIENCE_SECONDS = 120.0

QuotedPlaces = Annotated[list[str] | None, Query(max_length=50)]
"""Stretches of an article to be marked, in the text form of ``Quoted``."""


class PageQuestion(BaseModel):
    """A question typed into the page. With ``keep`` it takes the place of every turn after the first so many."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: Text
    conversation: str | None = None
    keep: int | None = Field(None, ge=0)


class Title(BaseModel):
    """A conversation's new name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text


class Rating(BaseModel):
    """What a reader thinks of an answer; no ``rating`` takes an earlier one back."""

    model_config = ConfigDict(extra="forbid", strict=True)

    answer_id: str
    rating: Literal["up", "down"] | None
    reason: Text = ""
    comment: Text = ""


def page_router(
    service: Service,
    answering: Answering,
    records: Records,
    feedback: Feedback,
    books: Books,
    browsers: Browsers,
) -> APIRouter:
    """The routes below ``/page``."""
    router = APIRouter(prefix="/page", include_in_schema=False)

    def owner(request: Request, response: Response) -> str:
        """Whose conversations these are: the person's whom the single sign-on names, or the browser's, which is
        given its cookie where it was not seen before."""
        asker = asker_of(request)
        if asker.known:
            return owner_named(asker.name)
        known = browsers.owner(request.cookies.get(COOKIE))
        if known is not None:
            return known
        cookie = browsers.new()
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        made = browsers.owner(cookie)
        assert made is not None
        return made

    known = Depends(owner)

    @router.get("/state")
    def state(owner: str = known) -> dict[str, Any]:
        return state_json(service)

    @router.post("/ask", response_model=None)
    async def ask(asked: PageQuestion, request: Request, response: Response, owner: str = known) -> Response:
        events = _answering(service, answering, records, books, visit_of(request, "page"), owner, asked)
        return EventSourceResponse(events, sep="\n", headers=_cookies(response))

    @router.get("/conversations")
    def conversations(
        search: Annotated[str, Query(max_length=200)] = "", owner: str = known
    ) -> list[dict[str, Any]]:
        return [conversation_json(one) for one in records.conversations(owner, clean(search).strip())]

    @router.get("/conversations/{id}")
    def conversation(id: str, owner: str = known) -> dict[str, Any]:
        found = records.conversation(owner, id)
        turns = records.turns(owner, id)
        rated = feedback.rating(owner, [turn.answer.id for turn in turns if turn.answer])
        return conversation_json(found) | {"turns": [turn_json(turn, rated) for turn in turns]}

    @router.patch("/conversations/{id}")
    def rename(id: str, renamed: Title, owner: str = known) -> dict[str, Any]:
        return conversation_json(records.rename(owner, id, clean(renamed.title).strip()))

    @router.delete("/conversations/{id}", status_code=204)
    def delete(id: str, owner: str = known) -> None:
        records.delete(owner, id)

    @router.get("/conversations/{id}/markdown", response_model=None)
    def markdown(id: str, owner: str = known) -> Response:
        title = records.conversation(owner, id).title
        text = conversation_markdown(title, records.turns(owner, id), _today())
        disposition = f"attachment; filename*=UTF-8''{quote(f'消保问答-{title}.md', safe='')}"
        return Response(text, media_type="text/markdown", headers={"Content-Disposition": disposition})

    @router.post("/feedback", status_code=204)
    def rate(rating: Rating, owner: str = known) -> None:
        if rating.rating is None:
            feedback.unrate(owner, rating.answer_id)
        else:
            feedback.rate(
                owner, rating.answer_id, rating.rating, rating.reason, clean(rating.comment).strip()
            )

    @router.get("/articles")
    def library() -> dict[str, str]:
        return library_json(service)

    @router.get("/articles/{id}")
    def article(id: str, quoted: QuotedPlaces = None) -> dict[str, str]:
        return article_json(service, id, quoted or ())

    return router


def _answering(
    service: Service,
    answering: Answering,
    records: Records,
    books: Books,
    visit: Visit,
    owner: str,
    asked: PageQuestion,
) -> AsyncIterator[ServerSentEvent]:
    """Every step of an answer, then the turn as it was recorded, or why there is none."""
    question = clean(asked.question).strip()
    kept: list[Conversation] = []

    def keep(answer: Answer) -> None:
        kept.append(books.turn(visit, owner, asked.conversation, answer, asked.keep))

    async def begin() -> AsyncGenerator[Step, None]:
        before: tuple[Turn, ...] = ()
        if asked.conversation is not None:
            before = await to_thread.run_sync(records.turns, owner, asked.conversation)
        return answering.stream(question, history(before[: asked.keep]), keep)

    def shown(answer: Answer) -> dict[str, Any]:
        return {"conversation": conversation_json(kept[0]), **turn_json(Turn.of(question, answer), {})}

    return shown_events(service, begin, shown)


async def shown_events(
    service: Service,
    begin: Callable[[], Awaitable[AsyncGenerator[Step, None]]],
    shown: Callable[[Answer], dict[str, Any]],
) -> AsyncIterator[ServerSentEvent]:
    """The steps that ``begin`` gives as a page shows them, then ``shown`` of the answer as ``turn``; or why there is none.

    A question asked while the assistant is being loaded begins once it is there.
    """
    try:
        if isinstance(service.state, Loading):
            yield server_sent("progress", {"html": progress_html("正在加载资料，好了就回答")})
            await to_thread.run_sync(service.settle, LOADING_PATIENCE_SECONDS)
        async with aclosing(await begin()) as steps:
            async for step in steps:
                if isinstance(step, Finished):
                    yield server_sent("turn", shown(step.answer))
                else:
                    yield server_sent("progress", {"html": step_html(step)})
    except KNOWN_ERRORS as error:
        yield server_sent("error", problem_of(error))


def state_json(service: Service) -> dict[str, Any]:
    """Whether questions can be asked, and where not, why; examples of them where they can."""
    match service.state:
        case Ready(assistant):
            return {"state": "ready", "message": "", "examples": list(assistant.examples)}
        case Failed(message):
            return {"state": "failed", "message": message, "examples": []}
        case Loading():
            return {"state": "loading", "message": "", "examples": []}


def library_json(service: Service) -> dict[str, str]:
    """The list of all articles."""
    assistant = service.assistant()
    return {"html": library_html(assistant.articles, assistant.indexed)}


def article_json(service: Service, id: str, quoted: Sequence[str]) -> dict[str, str]:
    """A whole article, with the stretches that ``quoted`` names marked.

    Raises:
        UnknownArticleError: there is none, or a stretch is not as ``Quoted`` writes it.
    """
    found = next((one for one in service.assistant().articles if one.id == id), None)
    if found is None:
        raise UnknownArticleError("这篇资料已不在资料库里，可能已经撤下。")
    return {"html": article_html(found, _quoted(quoted))}


def history(turns: Iterable[Turn]) -> tuple[tuple[Role, str], ...]:
    """The answered turns as the assistant takes them: ``(role, text)``, newest last."""
    return tuple(
        pair
        for turn in turns
        if turn.answer is not None
        for pair in (("user", turn.question), ("assistant", turn.answer.text))
    )


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation as the page lists it."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "updated": conversation.updated.isoformat(),
        "turns": conversation.turns,
    }


def turn_json(turn: Turn, rated: dict[str, str]) -> dict[str, Any]:
    """A turn as the page shows it: its pieces as safe HTML, and what copying it gives."""
    answer = turn.answer
    shown = {"question": turn.question, "question_html": question_html(turn.question)}
    if answer is None:
        return shown
    return shown | {
        "answer_id": answer.id,
        "answer_html": answer_html(answer),
        "sources_html": panel_html(answer),
        "plain": clean(answer.text),
        "copy": answer_text(answer, _today()),
        "suggestions": [clean(suggestion) for suggestion in answer.suggestions],
        "rating": rated.get(answer.id),
    }


def _quoted(texts: Sequence[str]) -> list[Quoted]:
    try:
        return [Quoted.parse(text) for text in texts]
    except ValueError as error:
        raise UnknownArticleError("引用的位置无法识别，请从回答的出处重新打开原文。") from error


def _cookies(response: Response) -> dict[str, str]:
    """The headers that a dependency set, for a response that FastAPI does not make itself."""
    return {name: value for name, value in response.headers.items() if name == "set-cookie"}


def _today() -> date:
    return date.today()
