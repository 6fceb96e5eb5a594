"""The API, the door for programs: questions, articles and passages, feedback, versions, health.

Every error is a problem (``ui.problems``); what is streamed ends with an ``error`` event that holds one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from assistant.schema import Draft, Finished, Retrieved, Role, Searching, passage_dict
from assistant.settings import Settings
from index.schema import Article
from ui.answering import KNOWN_ERRORS, Answering
from ui.books import Books, visit_of
from ui.errors import RecordsError, UnknownArticleError, UnknownPassageError
from ui.feedback import KEPT_OWNER, Feedback
from ui.problems import code_of, problem_of, problem_response
from ui.release import release
from ui.rendering import clean, shortened
from ui.service import Service
from ui.snapshot import Snapshot
from ui.streaming import Queued, Step, server_sent

logger = logging.getLogger(__name__)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
COMPLETION_ID = "chatcmpl-"
"""What the id of a chat completion begins with; the rest is its answer's id."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KINDS_OF_ERROR = {
    "missing": "缺少",
    "extra_forbidden": "是不认识的字段",
    "string_type": "应为字符串",
    "string_unicode": "含有无效的 Unicode 字符",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "too_long": "太长",
}


def _printable(text: str) -> str:
    """``text`` as it is, where it holds no control character and no half of a surrogate pair."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("string_unicode", "lone surrogate")
    found = _CONTROL.search(text)
    if found is not None:
        code = f"U+{ord(found.group()):04X}"
        raise PydanticCustomError("control_character", "control character {code}", {"code": code})
    return text


Text = Annotated[str, AfterValidator(_printable)]


class HistoryTurn(BaseModel):
    """One earlier message of the conversation."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: Role
    content: Text


class AskRequest(BaseModel):
    """A question, with the messages before it, newest last."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"question": "2022年平安人寿赔付了多少件？", "history": []}]},
    )

    question: Text
    history: list[HistoryTurn] = Field(default_factory=list, max_length=1000)
    stream: bool = False


class FeedbackRequest(BaseModel):
    """What a reader thinks of an answer that the API gave; no ``rating`` takes an earlier one back."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"answer_id": "0b9e2c…", "rating": "down", "reason": "没找到", "comment": "第二段里有"}
            ]
        },
    )

    answer_id: Text
    rating: Literal["up", "down"] | None
    reason: Text = ""
    comment: Text = ""


class ArticleSummary(BaseModel):
    """An article as the list has it; ``characters`` is the length of its text."""

    id: str
    title: str
    publisher: str
    published: date | None
    url: str
    characters: int


class ArticleText(ArticleSummary):
    """A whole article. Every offset counts in ``text``: ``text[start:end] == quote`` holds for its citations."""

    text: str


class PassageText(BaseModel):
    """A passage: ``text`` is ``start`` … ``end`` of its article's text."""

    id: str
    article_id: str
    title: str
    publisher: str
    published: date | None
    url: str
    text: str
    start: int
    end: int
    headings: list[str]


class Models(BaseModel):
    """The models that answers rest on."""

    embedding: str
    reader: str


class Version(BaseModel):
    """What answers: the package, the index and when it was built, the models, and from which confidence on it answers."""

    package: str
    index_version: str
    indexed: datetime
    models: Models
    thresholds: dict[str, float]


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Questions can be asked."""

    status: Literal["ready"] = "ready"
    index_version: str


def api_router(
    service: Service, answering: Answering, books: Books, feedback: Feedback, settings: Settings
) -> APIRouter:
    """The routes below ``/api``, and those that say whether the server lives and can be asked."""
    router = APIRouter()

    @router.post("/api/ask", summary="提问", response_model=Snapshot, tags=["问答"])
    async def ask(asked: AskRequest, request: Request) -> Response:
        """Answers from the articles alone. With `stream`, server-sent events: `queued`, `searching`, `retrieved`,
        `finished` (the same answer), or `error` (a problem)."""
        history: list[tuple[Role, str]] = [(turn.role, turn.content) for turn in asked.history]
        visit = visit_of(request, "api")
        steps = answering.stream(asked.question, history, lambda answer: books.answer(visit, history, answer))
        if asked.stream:
            # The first step is waited for here, so that a question that cannot be asked is a plain 4xx.
            first = await anext(steps)
            return EventSourceResponse(_as_sent(first, steps), sep="\n")
        finished = [step.answer async for step in steps if isinstance(step, Finished)]
        return JSONResponse(finished[-1].to_dict())

    @router.get("/api/articles", summary="资料列表", tags=["资料"])
    def articles() -> list[ArticleSummary]:
        """Every article that is answered from."""
        return [_summary(article) for article in service.assistant().articles]

    @router.get("/api/articles/{id}", summary="一篇资料", tags=["资料"])
    def article(id: str) -> ArticleText:
        """One article with its text."""
        found = next((one for one in service.assistant().articles if one.id == id), None)
        if found is None:
            raise UnknownArticleError("没有这篇资料，它可能已经撤下。")
        return ArticleText(**_summary(found).model_dump(), text=found.text)

    @router.get("/api/passages/{id}", summary="一段资料", tags=["资料"])
    def passage(id: str) -> PassageText:
        """One passage, as answers cite it by `passage_id`."""
        found = service.assistant().passage(id)
        if found is None:
            raise UnknownPassageError("没有这段资料，索引可能已经更新。请重新提问。")
        values = passage_dict(found)
        del values["score"]  # a passage has one for a question alone
        return PassageText(**values)

    @router.post("/api/feedback", status_code=204, summary="评价回答", tags=["问答"])
    def rate(rating: FeedbackRequest) -> None:
        """Rates an answer of `/api/ask`, of `/v1/chat/completions` or of the embedded chat, by its id; another rating
        takes the place of the first, and `null` takes it back."""
        answer_id = rating.answer_id.removeprefix(COMPLETION_ID)
        if rating.rating is None:
            feedback.unrate(KEPT_OWNER, answer_id)
        else:
            feedback.rate_kept(answer_id, rating.rating, rating.reason, clean(rating.comment).strip())

    @router.get("/api/version", summary="版本", tags=["状态"])
    def version() -> Version:
        """What answers, for a report to name."""
        assistant = service.assistant()
        return Version(
            package=release(),
            index_version=assistant.index_version,
            indexed=assistant.indexed,
            models=Models(**assistant.models),
            thresholds={"answer": settings.answer.threshold},
        )

    @router.get("/healthz", summary="进程是否在运行", tags=["状态"])
    async def healthz() -> Health:
        """Whether the process lives; asks nothing of the index."""
        return Health()

    @router.get("/readyz", summary="是否可以提问", tags=["状态"])
    def readyz() -> Readiness:
        """Whether questions can be answered, by looking one thing up in the index."""
        assistant = service.assistant()
        assistant.probe()
        return Readiness(index_version=assistant.index_version)

    @router.api_route("/api/{rest:path}", methods=list(METHODS), include_in_schema=False)
    async def elsewhere(rest: str, request: Request) -> Response:
        known = {"ask": "POST", "feedback": "POST", "articles": "GET", "version": "GET"}
        if rest in known:
            detail = f"这个地址只接受 {known[rest]}。"
            return problem_response("wrong_method", detail, {"Allow": known[rest]})
        return problem_response("not_found", "没有这个地址。提问请用 POST /api/ask。")

    return router


def _summary(article: Article) -> ArticleSummary:
    return ArticleSummary(
        id=article.id,
        title=article.title,
        publisher=article.publisher,
        published=article.published,
        url=article.url,
        characters=len(article.text),
    )


def register_errors(app: FastAPI) -> None:
    """Make ``app`` answer every error as a problem."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _validation_error(error)

    async def known(request: Request, error: Exception) -> Response:
        if isinstance(error, RecordsError) and code_of(error) == "records_unusable":
            logger.error("records: %s", error)
        return problem_response(code_of(error), str(error))

    for kind in KNOWN_ERRORS:
        app.add_exception_handler(kind, known)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        match error.status_code:
            case 400:
                return problem_response("invalid_json", "请求正文不是有效的 JSON（须为 UTF-8 编码）。")
            case 405:
                return problem_response("wrong_method", "这个地址不接受这种请求。", dict(error.headers or {}))
            case _:
                return problem_response("not_found", "没有这个地址。")


def step_json(step: Step) -> tuple[str, dict[str, Any]]:
    """A step's name and data, as a stream carries them."""
    match step:
        case Queued(ahead):
            return "queued", {"ahead": ahead}
        case Searching(looked_up):
            return "searching", {"looked_up": looked_up}
        case Retrieved(passages):
            return "retrieved", {"passages": [passage_dict(passage) for passage in passages]}
        case Draft(text):
            return "draft", {"text": text}
        case Finished(answer):
            return "finished", answer.to_dict()


async def _as_sent(first: Step, steps: AsyncGenerator[Step]) -> AsyncIterator[ServerSentEvent]:
    """``first`` and the rest of ``steps``; a trouble on the way ends the stream with an ``error`` event."""
    try:
        yield server_sent(*step_json(first))
        async for step in steps:
            yield server_sent(*step_json(step))
    except KNOWN_ERRORS as error:
        yield server_sent("error", problem_of(error))
    finally:
        with anyio.CancelScope(shield=True):
            await steps.aclose()


def _validation_error(error: RequestValidationError) -> Response:
    """What is wrong with which field. The value itself is never repeated: it may be anything."""
    problems = []
    for item in error.errors():
        kind = item["type"]
        if kind == "json_invalid":
            return problem_response("invalid_json", "请求正文不是有效的 JSON。")
        place = shortened(".".join(clean(str(part)) for part in item["loc"][1:]), 80)
        if not place:
            problems.append("请求正文须是 JSON 对象（Content-Type: application/json）")
        elif kind == "literal_error":
            expected = item["ctx"]["expected"].replace("'", "").replace(" or ", " 或 ").replace(", ", "、")
            problems.append(f"{place} 只能是 {expected}")
        elif kind == "control_character":
            problems.append(f"{place} 含有控制字符 {item['ctx']['code']}")
        else:
            problems.append(f"{place} {_KINDS_OF_ERROR.get(kind, '的值不对')}")
    return problem_response("invalid_request", "；".join(dict.fromkeys(problems[:5])) + "。")
