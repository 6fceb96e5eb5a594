"""The door for programs that speak to OpenAI's API: the same answers as chat completions, whole or streamed.

The assistant answers from the articles alone, so what is meant to steer a model is taken and has no effect: system and
developer messages, results of tools, tools that are offered, temperature, limits of length. What would leave a program
waiting for something that never comes is refused: several choices, an answer as JSON, a call of a tool that has to be
made, pictures. Only the checked answer is sent, never a draft of it; who waits meanwhile gets comments.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, Literal

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from tokenizers import Tokenizer

from assistant.schema import Answer, Citation, Finished, Role, Status
from index.settings import PACKAGE
from ui.answering import KNOWN_ERRORS, Answering
from ui.api import COMPLETION_ID, METHODS, Text
from ui.books import Books, visit_of
from ui.errors import UnsupportedError
from ui.openai_errors import error_body, translated
from ui.problems import problem_of, problem_response
from ui.service import Service
from ui.streaming import Queued, Step, one_line_json

MODEL = "xiaobao"
TOKENIZER = PACKAGE / "models" / "e5-small-zh" / "tokenizer.json"
"""What tokens are counted with: the tokenizer of the embedding model that ships with the package."""

_MOST_MESSAGES = 2_000
_NO_MODEL = f"没有这个模型，这里只有 {MODEL}。"
_PIECES = re.compile(r"[^。；\n]*[。；\n]+|[^。；\n]+")


class Part(BaseModel):
    """One part of a message's content; of type ``text``, or it is refused."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: Text | None = None


class Message(BaseModel):
    """One message. System, developer, tool and function messages are taken and have no effect."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream ends with; with ``include_usage`` its last chunk says how many tokens there were."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class CompletionRequest(BaseModel):
    """A conversation whose last message is the question. Parameters of sampling are taken and have no effect."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": MODEL, "messages": [{"role": "user", "content": "2022年平安人寿赔付了多少件？"}]}
            ]
        },
    )

    model: str
    messages: Annotated[list[Message], Field(min_length=1, max_length=_MOST_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    response_format: dict[str, Any] | None = None
    tool_choice: str | dict[str, Any] | None = None


class Reply(BaseModel):
    """The answer, with its ``[n]`` markers."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one answer."""

    index: Literal[0] = 0
    message: Reply
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(BaseModel):
    """Tokens of the bundled embedding model: of the question with the messages before it, and of the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """A chat completion; ``citations``, ``status`` and ``confidence`` are those of the answer of ``/api/ask``."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: Usage
    citations: list[Citation]
    status: Status
    confidence: float | None


class Model(BaseModel):
    """The one model there is; ``created`` is when the index was built, in seconds since 1970."""

    id: str = MODEL
    object: Literal["model"] = "model"
    created: int
    owned_by: str = MODEL


class ModelList(BaseModel):
    """All models there are."""

    object: Literal["list"] = "list"
    data: list[Model]


def completions_router(service: Service, answering: Answering, books: Books) -> APIRouter:
    """The routes below ``/v1``."""
    router = APIRouter()
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()

    @router.post("/v1/chat/completions", summary="对话补全", response_model=Completion, tags=["OpenAI 兼容"])
    async def complete(asked: CompletionRequest, request: Request) -> Response:
        """Answers the last message from the articles alone. With `stream`, chunks of the checked answer; the one with
        `finish_reason` also has `citations`, `status` and `confidence`."""
        try:
            question, history = _conversation(asked)
        except UnsupportedError as error:
            return JSONResponse(error_body(error.status, str(error), error.code, error.param), error.status)
        visit = visit_of(request, "openai")
        steps = answering.stream(question, history, lambda answer: books.answer(visit, history, answer))
        prompt = [*(text for _, text in history), question]
        if asked.stream:
            # The first step is waited for here, so that a question that cannot be asked is a plain 4xx.
            first = await anext(steps)
            counted = asked.stream_options is not None and bool(asked.stream_options.include_usage)
            return EventSourceResponse(
                _as_sent(first, steps, tokenizer if counted else None, prompt), sep="\n"
            )
        finished = [step.answer async for step in steps if isinstance(step, Finished)]
        usage = await to_thread.run_sync(_usage, tokenizer, prompt, finished[-1])
        return JSONResponse(_completion(finished[-1], usage))

    @router.get("/v1/models", summary="模型列表", tags=["OpenAI 兼容"])
    def models() -> ModelList:
        """The models there are: one."""
        return ModelList(data=[_model(service)])

    @router.get("/v1/models/{id}", summary="一个模型", response_model=Model, tags=["OpenAI 兼容"])
    def model(id: str) -> Response:
        """The model of this id."""
        if id != MODEL:
            return _unknown_model()
        return JSONResponse(_model(service).model_dump())

    @router.api_route("/v1/{rest:path}", methods=list(METHODS), include_in_schema=False)
    async def elsewhere(rest: str, request: Request) -> Response:
        known = {"chat/completions": "POST", "models": "GET", f"models/{MODEL}": "GET"}
        if rest in known:
            return problem_response("wrong_method", f"这个地址只接受 {known[rest]}。", {"Allow": known[rest]})
        return problem_response("not_found", "没有这个地址。这里只有 chat/completions 和 models。")

    return router


def _conversation(asked: CompletionRequest) -> tuple[str, list[tuple[Role, str]]]:
    """The question, and the messages before it.

    Raises:
        UnsupportedError: something is wanted that cannot be given.
    """
    if asked.model != MODEL:
        raise UnsupportedError(_NO_MODEL, "model_not_found", "model", 404)
    if asked.n not in (None, 1):
        raise UnsupportedError("n 只能是 1：每个问题只有一个回答。", "unsupported_value", "n")
    if asked.response_format is not None and asked.response_format.get("type") != "text":
        raise UnsupportedError(
            "response_format 只能是 text：回答是带引用编号的文字。", "unsupported_value", "response_format"
        )
    if asked.tool_choice not in (None, "none", "auto"):
        raise UnsupportedError(
            "tool_choice 只能是 none 或 auto：助手不会调用工具。", "unsupported_value", "tool_choice"
        )
    *before, last = [(message, f"messages.{place}") for place, message in enumerate(asked.messages)]
    if last[0].role != "user":
        raise UnsupportedError("最后一条消息须是 user 的问题。", "invalid_value", f"{last[1]}.role")
    history: list[tuple[Role, str]] = []
    for message, place in before:
        text = _text(message, place)
        if text and (message.role == "user" or message.role == "assistant"):
            history.append((message.role, text))
    return _text(*last), history


def _text(message: Message, place: str) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    for part in message.content:
        if part.type != "text" or part.text is None:
            raise UnsupportedError(
                "content 里只能有 type 为 text 的部分：助手只读文字。",
                "unsupported_value",
                f"{place}.content",
            )
    return "\n".join(part.text or "" for part in message.content)


def _unknown_model() -> Response:
    return JSONResponse(error_body(404, _NO_MODEL, "model_not_found", "model"), 404)


def _model(service: Service) -> Model:
    return Model(created=int(service.assistant().indexed.timestamp()))


def _usage(tokenizer: Tokenizer, prompt: Sequence[str], answer: Answer) -> dict[str, int]:
    def tokens(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    asked, answered = sum(map(tokens, prompt)), tokens(answer.text)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _extras(answer: Answer) -> dict[str, Any]:
    """What OpenAI's completions do not have."""
    values = answer.to_dict()
    return {name: values[name] for name in ("citations", "status", "confidence")}


def _completion(answer: Answer, usage: dict[str, int]) -> dict[str, Any]:
    return {
        "id": COMPLETION_ID + answer.id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": usage,
        **_extras(answer),
    }


def _chunks(answer: Answer, usage: dict[str, int] | None) -> Iterator[dict[str, Any]]:
    """An answer as the chunks of a stream, a sentence each; with ``usage`` the last has it and no choice."""
    same = {
        "id": COMPLETION_ID + answer.id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": MODEL,
    } | ({} if usage is None else {"usage": None})

    def chunk(delta: dict[str, str], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return same | {"choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in _PIECES.findall(answer.text):
        yield chunk({"content": piece})
    yield chunk({}, "stop") | _extras(answer)
    if usage is not None:
        yield same | {"choices": [], "usage": usage}


async def _as_sent(
    first: Step, steps: AsyncGenerator[Step], tokenizer: Tokenizer | None, prompt: Sequence[str]
) -> AsyncIterator[ServerSentEvent]:
    """The answer that ``first`` and the rest of ``steps`` end with; a trouble on the way is its last event.

    Tokens are counted where there is a ``tokenizer``.
    """

    async def all_steps() -> AsyncIterator[Step]:
        yield first
        async for step in steps:
            yield step

    try:
        async for step in all_steps():
            match step:
                case Queued(ahead):
                    yield ServerSentEvent(comment=f"queued, {ahead} ahead", sep="\n")
                case Finished(answer):
                    usage = None
                    if tokenizer is not None:
                        usage = await to_thread.run_sync(_usage, tokenizer, prompt, answer)
                    for chunk in _chunks(answer, usage):
                        yield _data(chunk)
                    yield ServerSentEvent("[DONE]", sep="\n")
                case _:
                    yield ServerSentEvent(comment=type(step).__name__.lower(), sep="\n")
    except KNOWN_ERRORS as error:
        yield _data(translated(problem_of(error)))
    finally:
        with anyio.CancelScope(shield=True):
            await steps.aclose()


def _data(value: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(one_line_json(value), sep="\n")
