"""The description of the API that generators of clients and fuzzers read: every operation with all that it can give.

FastAPI knows what a success looks like. What it does not know is added here: the errors, which middleware and handlers
tell of, each with an example; who may ask; streams; and its own shape of a validation error, which is never sent, is
taken out.
"""

from __future__ import annotations

from typing import Any, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assistant.schema import Status
from ui.examples import STREAMS, SUCCESSES
from ui.openai_errors import PREFIX, error_body, is_below, status_of, translated
from ui.problems import KINDS, MEDIA_TYPE, problem
from ui.release import release

_DESCRIPTION = f"""\
只依据资料回答消费者权益保护方面的问题，每一句都标明出处。

- 提问：`POST /api/ask`，回答是带类型的 JSON；`"stream": true` 时逐步以 server-sent events 送达。
- 用 OpenAI 客户端的程序：`POST /v1/chat/completions`，模型名 `xiaobao`。
- 回答的 `status`：{"、".join(f"`{status}`" for status in get_args(Status))}。
- 出错时是 `{MEDIA_TYPE}`（RFC 9457），按 `code` 区分；`/v1` 下是 OpenAI 的形式，其中 422 记作 400。
- 各种错误的说明和可直接运行的示例见 `/api`。

Answers about consumer protection from the source articles alone, every statement cited. Errors are problem details;
tell them apart by `code`. Below `/v1` the API of OpenAI's chat completions is spoken, errors included.
"""
_TAGS = [
    {"name": "问答", "description": "提问和评价回答。Ask, and rate answers."},
    {"name": "资料", "description": "回答所依据的资料。The articles and passages that answers rest on."},
    {
        "name": "OpenAI 兼容",
        "description": (
            "供使用 OpenAI 客户端的程序。只有最后一条 user 消息和它之前的对话有作用：system、developer、tool 消息、"
            "tools 和采样参数都被接受但不起作用。n 大于 1、JSON 格式的回答、必须调用工具、文字以外的内容会被拒绝。"
            "usage 按随附向量模型的分词器计数：prompt 是问题和之前的对话，completion 是回答。"
        ),
    },
    {"name": "状态", "description": "服务器和版本。Health and versions."},
]
_EVERYWHERE = ("rate_limited", "internal")
_READING = ("unauthorised", "invalid_request", *_EVERYWHERE, "loading", "index_unusable")
_SENDING = (
    "invalid_json",
    "unauthorised",
    "forbidden",
    "too_large",
    "invalid_request",
    *_EVERYWHERE,
    "records_unusable",
)
_ASKING = (*_SENDING, "bad_question", "busy", "loading", "index_unusable", "timeout")
_CODES: dict[tuple[str, str], tuple[str, ...]] = {
    ("post", "/api/ask"): _ASKING,
    ("post", "/v1/chat/completions"): _ASKING,
    ("post", "/api/feedback"): (*_SENDING, "not_found"),
    ("get", "/healthz"): _EVERYWHERE,
    ("get", "/readyz"): (*_EVERYWHERE, "loading", "index_unusable"),
}
# What only the routes below /v1 tell of: status, code, field, and what is said.
_OF_OPENAI: dict[tuple[str, str], list[tuple[int, str, str, str]]] = {
    ("post", "/v1/chat/completions"): [
        (404, "model_not_found", "model", "没有这个模型，这里只有 xiaobao。"),
        (400, "unsupported_value", "n", "n 只能是 1：每个问题只有一个回答。"),
        (400, "invalid_value", "messages.0.role", "最后一条消息须是 user 的问题。"),
    ],
    ("get", "/v1/models/{id}"): [(404, "model_not_found", "model", "没有这个模型，这里只有 xiaobao。")],
}

_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `type` leads to the case in the developers' page.",
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "status", "detail", "code", "title_en", "detail_en"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was wrong this time, in Chinese."},
        "code": {"type": "string", "enum": list(KINDS)},
        "title_en": {"type": "string"},
        "detail_en": {"type": "string", "description": "What to do, in English."},
    },
}
_EVENT_SCHEMA: dict[str, Any] = {
    "description": "One event of the stream; `data` is JSON.",
    "type": "object",
    "required": ["data"],
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
}
_ERROR_SCHEMA: dict[str, Any] = {
    "title": "OpenAIError",
    "type": "object",
    "additionalProperties": False,
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "additionalProperties": False,
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}


def describe(app: FastAPI) -> None:
    """Make ``app`` describe itself in full, made when first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _description(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=f"{app.title} API",
        version=release(),
        description=_DESCRIPTION,
        routes=app.routes,
        tags=_TAGS,
    )
    components = made["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] |= {"Problem": _PROBLEM_SCHEMA, "OpenAIError": _ERROR_SCHEMA}
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "设置了 auth.api_keys 时需要。Needed where the server is set up to ask for keys.",
        }
    }
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method, path)
    return made


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    """Adds to an operation what FastAPI does not know of it."""
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None)
    for status, response in responses.items():
        response["description"] = "成功" if status == "200" else "成功，没有内容"
    example = SUCCESSES.get((method, path))
    if example is not None:
        responses["200"]["content"]["application/json"]["example"] = example
    if path in STREAMS:
        events = {f"{number}": {"value": event} for number, event in enumerate(STREAMS[path], 1)}
        responses["200"]["content"]["text/event-stream"] = {"schema": _EVENT_SCHEMA, "examples": events}
    responses.update(sorted(_errors(method, path).items()))
    codes = _codes(method, path)
    operation["security"] = [{}, {"key": []}] if "unauthorised" in codes else [{}]


def _codes(method: str, path: str) -> tuple[str, ...]:
    by_id = ("not_found",) if path.endswith("}") and not path.startswith(PREFIX) else ()
    return _CODES.get((method, path), _SENDING if method == "post" else (*_READING, *by_id))


def _errors(method: str, path: str) -> dict[str, Any]:
    """The error responses of an operation by status, with an example for every code."""
    told: dict[int, dict[str, Any]] = {}
    openai = is_below(path)
    for code in _codes(method, path):
        one = problem(code, f"{KINDS[code].title}。")
        status = status_of(one) if openai else one["status"]
        told.setdefault(status, {})[code] = {
            "summary": one["title"],
            "value": translated(one) if openai else one,
        }
    for status, code, param, message in _OF_OPENAI.get((method, path), []):
        value = error_body(status, message, code, param)
        told.setdefault(status, {})[code] = {"summary": message, "value": value}
    schema, media_type = ("OpenAIError", "application/json") if openai else ("Problem", MEDIA_TYPE)
    return {str(status): _response(examples, media_type, schema) for status, examples in sorted(told.items())}


def _response(examples: dict[str, Any], media_type: str, schema: str) -> dict[str, Any]:
    """One error response; where waiting helps, it says for how long."""
    described: dict[str, Any] = {
        "description": "；".join(example["summary"].rstrip("。") for example in examples.values()),
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": examples}},
    }
    if any(KINDS[code].status in (429, 503) for code in examples if code in KINDS):
        described["headers"] = {
            "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}
        }
    return described
