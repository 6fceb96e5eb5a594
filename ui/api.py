"""``POST /api/ask``, ``/healthz`` and ``/readyz``: the door for programs.

Every error is ``{"error": {"code", "message"}}`` with a Chinese message, and none says anything about
the inside of the server.

    400 invalid_json      the body is not JSON
    404 not_found         no such address
    405 wrong_method      the address takes another method
    413 too_large         the body is too long
    422 invalid_request   a field is missing, unknown, of the wrong type or holds unusable characters
    422 bad_question      the question is empty or too long
    500 internal          a defect of ours; the number in the message finds it in the log
    503 loading, index_unusable, busy, records_unusable   try later, or mend what the message names
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from assistant.errors import AssistantError, QuestionError
from assistant.schema import Draft, Event, Finished, Retrieved, Role, Searching, passage_dict
from index.errors import IndexingError
from ui.errors import (
    InternalError,
    RecordsError,
    RecordsInputError,
    ServiceError,
    UnknownAnswerError,
    UnknownArticleError,
    UnknownConversationError,
)
from ui.rendering import clean, shortened
from ui.security import error_response
from ui.service import Service
from ui.streaming import server_sent, stepped

logger = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KNOWN_ERRORS = (AssistantError, IndexingError, ServiceError)
_KINDS_OF_ERROR = {
    "missing": "缺少",
    "extra_forbidden": "是不认识的字段",
    "string_type": "应为字符串",
    "string_unicode": "含有无效的 Unicode 字符",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "too_long": "太长",
    "literal_error": "只能是 user 或 assistant",
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


def api_router(service: Service, admission: anyio.Semaphore) -> APIRouter:
    """The routes; ``admission`` bounds how many questions are answered at a time, more wait their turn."""
    router = APIRouter()

    @router.post("/api/ask", summary="提问", response_model=None)
    async def ask(request: AskRequest) -> Response:
        history: list[tuple[Role, str]] = [(turn.role, turn.content) for turn in request.history]
        events = stepped(service.stream(request.question, history), admission)
        if request.stream:
            # The first event is waited for here, so that a question that cannot be asked is a plain 4xx.
            first = await anext(events)
            return EventSourceResponse(_as_sent(first, events), sep="\n")
        finished = [event.answer async for event in events if isinstance(event, Finished)]
        return JSONResponse(finished[-1].to_dict())

    @router.get("/healthz", summary="进程是否在运行")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="是否可以提问", response_model=None)
    async def readyz() -> Response:
        # Raises a ServiceError, whose answer is 503, while there is none.
        assistant = service.assistant()
        return JSONResponse({"status": "ready", "index_version": assistant.index_version})

    @router.api_route("/api/{rest:path}", methods=list(_METHODS), include_in_schema=False)
    async def elsewhere(rest: str) -> Response:
        if rest == "ask":
            return error_response(405, "wrong_method", "这个地址只接受 POST。", {"Allow": "POST"})
        return error_response(404, "not_found", "没有这个地址。提问请用 POST /api/ask。")

    return router


def register_errors(app: FastAPI) -> None:
    """Make ``app`` answer every error in the one form."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _validation_error(error)

    @app.exception_handler(QuestionError)
    async def bad_question(request: Request, error: QuestionError) -> Response:
        return error_response(422, "bad_question", str(error))

    @app.exception_handler(IndexingError)
    async def bad_index(request: Request, error: IndexingError) -> Response:
        return error_response(503, "index_unusable", str(error))

    @app.exception_handler(ServiceError)
    async def cannot_now(request: Request, error: ServiceError) -> Response:
        return service_error(error)

    @app.exception_handler(RecordsError)
    async def records_trouble(request: Request, error: RecordsError) -> Response:
        match error:
            case UnknownConversationError() | UnknownAnswerError():
                return error_response(404, error_code(error), str(error))
            case RecordsInputError():
                return error_response(422, error_code(error), str(error))
            case _:
                logger.error("records: %s", error)
                return error_response(503, error_code(error), str(error))

    @app.exception_handler(UnknownArticleError)
    async def no_article(request: Request, error: UnknownArticleError) -> Response:
        return error_response(404, error_code(error), str(error))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:
            return error_response(400, "invalid_json", "请求正文不是有效的 JSON（须为 UTF-8 编码）。")
        return error_response(error.status_code, "not_found", "没有这个地址，或不接受这种请求。")

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> Response:
        # Starlette raises the error again once this is sent, and the server logs it.
        return error_response(500, "internal", "程序内部出错，请告诉管理员。")


def service_error(error: ServiceError) -> Response:
    """Why no question can be answered now; ``Retry-After`` where waiting helps."""
    if isinstance(error, InternalError):
        return error_response(500, error.code, str(error))
    return error_response(503, error.code, str(error), {"Retry-After": "5"})


def event_json(event: Event) -> tuple[str, dict[str, Any]]:
    """An event's name and data, as a stream carries them."""
    match event:
        case Searching(looked_up):
            return "searching", {"looked_up": looked_up}
        case Retrieved(passages):
            return "retrieved", {"passages": [passage_dict(passage) for passage in passages]}
        case Draft(text):
            return "draft", {"text": text}
        case Finished(answer):
            return "finished", answer.to_dict()


async def _as_sent(first: Event, events: AsyncGenerator[Event]) -> AsyncIterator[ServerSentEvent]:
    """``first`` and the rest of ``events``; a trouble on the way ends the stream with an ``error`` event."""
    try:
        yield server_sent(*event_json(first))
        async for event in events:
            yield server_sent(*event_json(event))
    except _KNOWN_ERRORS as error:
        yield server_sent("error", {"error": {"code": error_code(error), "message": str(error)}})
    finally:
        with anyio.CancelScope(shield=True):
            await events.aclose()


def error_code(error: Exception) -> str:
    """What a program can tell the known troubles apart by."""
    match error:
        case ServiceError():
            return error.code
        case QuestionError():
            return "bad_question"
        case UnknownConversationError() | UnknownAnswerError() | UnknownArticleError():
            return "not_found"
        case RecordsInputError():
            return "invalid_request"
        case RecordsError():
            return "records_unusable"
        case _:
            return "index_unusable"


def _validation_error(error: RequestValidationError) -> Response:
    """What is wrong with which field. The value itself is never repeated: it may be anything."""
    problems = []
    for item in error.errors():
        kind = item["type"]
        if kind == "json_invalid":
            return error_response(400, "invalid_json", "请求正文不是有效的 JSON。")
        place = shortened(".".join(clean(str(part)) for part in item["loc"][1:]), 80)
        if not place:
            problems.append("请求正文须是 JSON 对象（Content-Type: application/json）")
        elif kind == "control_character":
            problems.append(f"{place} 含有控制字符 {item['ctx']['code']}")
        else:
            problems.append(f"{place} {_KINDS_OF_ERROR.get(kind, '的值不对')}")
    return error_response(422, "invalid_request", "；".join(dict.fromkeys(problems[:5])) + "。")
