"""Errors as the API gives them: problem details (RFC 9457), in Chinese with the English beside it.

A problem says ``type``, ``title``, ``status`` and ``detail`` as the standard has them, ``code``, which a program tells
the cases apart by, and ``title_en`` and ``detail_en``. ``type`` leads to the case in the developers' page (``/api``).
None says anything about the inside of the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from assistant.errors import QuestionError
from ui.errors import (
    AnswerTimeoutError,
    BusyError,
    InternalError,
    KeysError,
    LoadingError,
    RecordsError,
    RecordsInputError,
    UnknownAnswerError,
    UnknownArticleError,
    UnknownConversationError,
    UnknownPassageError,
)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its HTTP status, its name in both languages, and in English what to do about it."""

    status: int
    title: str
    title_en: str
    advice_en: str


KINDS: dict[str, Kind] = {
    "invalid_json": Kind(
        400,
        "请求正文不是 JSON",
        "The body is not JSON",
        "Send UTF-8 encoded JSON with Content-Type: application/json.",
    ),
    "unauthorised": Kind(
        401,
        "需要登录",
        "Authentication is required",
        "Send a valid key as Authorization: Bearer <key>, or come through the single sign-on.",
    ),
    "forbidden": Kind(
        403,
        "不允许从这个网页提问",
        "This origin is not allowed",
        "Have the administrator add the page's origin to embed.allowed_origins.",
    ),
    "not_found": Kind(404, "没有这个地址或内容", "There is no such thing", "Check the address and the id."),
    "wrong_method": Kind(
        405, "请求方法不对", "The address takes another method", "Use the method named in the Allow header."
    ),
    "too_large": Kind(
        413, "请求太大", "The body is too long", "Shorten the question or send fewer earlier turns."
    ),
    "invalid_request": Kind(
        422,
        "请求内容有误",
        "A field is missing, unknown, or of the wrong type",
        "Compare the body with /api/openapi.json.",
    ),
    "bad_question": Kind(
        422, "问题不能这样问", "The question is empty or too long", "Ask one question in plain words."
    ),
    "rate_limited": Kind(
        429, "请求太频繁", "Too many requests", "Wait as many seconds as Retry-After says, then try again."
    ),
    "busy": Kind(
        429,
        "排队的人太多",
        "Too many questions are waiting",
        "Wait as many seconds as Retry-After says, then try again.",
    ),
    "internal": Kind(
        500, "程序内部出错", "A defect of the server", "Tell the administrator the number in the detail."
    ),
    "loading": Kind(503, "正在加载", "The server is still loading", "Try again in a few seconds."),
    "index_unusable": Kind(
        503, "索引不可用", "There is no index to answer from", "Have the administrator run xiaobao ingest."
    ),
    "records_unusable": Kind(
        503,
        "记录不可用",
        "What the server keeps cannot be read or written",
        "Have the administrator see to the records' folder.",
    ),
    "timeout": Kind(
        504,
        "回答超时",
        "The answer took too long",
        "Try again, with a shorter question or at a quieter time.",
    ),
}

RETRY_SECONDS = {"loading": 5, "index_unusable": 5, "busy": 2}
"""After how many seconds it is worth trying again, where waiting helps and nothing better is known."""


def problem(code: str, detail: str) -> dict[str, Any]:
    """The problem of kind ``code`` as JSON values; ``detail`` says in Chinese what was wrong this time."""
    kind = KINDS[code]
    return {
        "type": f"/api#{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": code,
        "title_en": kind.title_en,
        "detail_en": kind.advice_en,
    }


def problem_response(code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The response that tells of a problem, with ``Retry-After`` where waiting helps."""
    retry = {"Retry-After": str(RETRY_SECONDS[code])} if code in RETRY_SECONDS else {}
    return JSONResponse(
        problem(code, detail), KINDS[code].status, retry | (headers or {}), media_type=MEDIA_TYPE
    )


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem that one of the product's own errors is."""
    return problem(code_of(error), str(error))


def code_of(error: Exception) -> str:
    """The kind of one of the product's own errors."""
    match error:
        case QuestionError():
            return "bad_question"
        case LoadingError():
            return "loading"
        case BusyError():
            return "busy"
        case AnswerTimeoutError():
            return "timeout"
        case InternalError():
            return "internal"
        case (
            UnknownConversationError() | UnknownAnswerError() | UnknownArticleError() | UnknownPassageError()
        ):
            return "not_found"
        case RecordsInputError():
            return "invalid_request"
        case RecordsError() | KeysError():
            return "records_unusable"
        case _:
            return "index_unusable"
