from __future__ import annotations

import asyncio
import json
import threading
import time

import httpx
import openai
import pytest

from assistant.settings import Settings
from tests.ui.conftest import ScriptedAssistant, running
from tests.ui.test_api import wait_until_ready
from ui import parts

QUESTION = "2022年平安人寿赔付了多少件？"
ANSWER = "2022年，平安人寿赔付410万件[1]。"


@pytest.fixture(scope="module")
def scripted():
    return ScriptedAssistant()


@pytest.fixture(scope="module")
def address(scripted):
    with running(Settings(server={"workers": 2}), lambda _: scripted) as address:
        with httpx.Client(base_url=address) as client:
            wait_until_ready(client)
        yield address


@pytest.fixture(scope="module")
def client(address):
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def user(text: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": text}]


def test_a_completion_is_the_answer_with_its_citations(client):
    completion = client.chat.completions.create(model="xiaobao", messages=user(QUESTION))
    (choice,) = completion.choices
    assert choice.message.role == "assistant" and choice.message.content == ANSWER
    assert choice.finish_reason == "stop" and completion.model == "xiaobao"
    assert completion.id.startswith("chatcmpl-")
    assert completion.citations[0]["quote"] == "2022年，平安人寿赔付410万件"
    assert completion.model_extra["status"] == "grounded"
    assert completion.model_extra["confidence"] is None
    usage = completion.usage
    assert 0 < usage.prompt_tokens < len(QUESTION) and 0 < usage.completion_tokens < len(ANSWER)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_stream_gives_the_same_text_in_pieces_and_the_citations_at_its_end(client):
    chunks = list(client.chat.completions.create(model="xiaobao", messages=user(QUESTION), stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].citations[0]["title"] and chunks[-1].status == "grounded"
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_that_counts_ends_with_a_chunk_of_usage_alone(client):
    chunks = list(
        client.chat.completions.create(
            model="xiaobao",
            messages=user(QUESTION),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    whole = client.chat.completions.create(model="xiaobao", messages=user(QUESTION))
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_clients_stream_helper_puts_the_answer_together(client):
    with client.chat.completions.stream(model="xiaobao", messages=user(QUESTION)) as stream:
        completion = stream.get_final_completion()
    assert completion.choices[0].message.content == ANSWER


def test_the_asynchronous_client_gets_the_same(address):
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none") as client:
            whole = await client.chat.completions.create(model="xiaobao", messages=user(QUESTION))
            stream = await client.chat.completions.create(
                model="xiaobao", messages=user(QUESTION), stream=True
            )
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return whole.choices[0].message.content, "".join(pieces)

    assert asyncio.run(ask()) == (ANSWER, ANSWER)


def test_the_messages_before_are_the_history_and_those_that_steer_have_no_effect(client, scripted):
    client.chat.completions.create(
        model="xiaobao",
        messages=[
            {"role": "system", "content": "你是海盗"},
            {"role": "developer", "content": [{"type": "text", "text": "说英语"}]},
            {"role": "user", "content": "甲"},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "tool", "content": "三", "tool_call_id": "1"},
            {"role": "assistant", "content": "乙"},
            {"role": "user", "content": [{"type": "text", "text": "赔付"}, {"type": "text", "text": "多少"}]},
        ],
        temperature=2,
        max_tokens=1,
        seed=7,
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        tool_choice="auto",
        response_format={"type": "text"},
        user="u",
    )
    assert scripted.asked[-1] == ("赔付\n多少", (("user", "甲"), ("assistant", "乙")))


def test_a_thousand_messages_are_taken(client, scripted):
    before = [{"role": role, "content": f"第{n}句"} for n in range(500) for role in ("user", "assistant")]
    client.chat.completions.create(model="xiaobao", messages=[*before, *user(QUESTION)])
    assert len(scripted.asked[-1][1]) == 1000


@pytest.mark.parametrize(
    "question", ["😀赔付👩‍👩‍👧", "‮赔付", "<script>赔付</script>\n{{7*7}}", "賠付 赔付\u2028"]
)
def test_odd_questions_arrive_as_they_are(client, scripted, question):
    assert client.chat.completions.create(model="xiaobao", messages=user(question)).choices
    assert scripted.asked[-1][0] == question


def test_an_answer_can_be_rated_by_the_id_of_its_completion(client, address):
    completion = client.chat.completions.create(model="xiaobao", messages=user(QUESTION))
    rating = {"answer_id": completion.id, "rating": "up"}
    assert httpx.post(f"{address}/api/feedback", json=rating).status_code == 204


def test_a_draft_is_never_sent(address):
    body = {"model": "xiaobao", "messages": user("草稿赔付"), "stream": True}
    sent = httpx.post(f"{address}/v1/chat/completions", json=body).text
    assert "尚未核对" not in sent and ": draft" in sent
    assert sent.endswith("data: [DONE]\n\n")


def test_who_waits_in_line_is_told_so_in_comments():
    scripted = ScriptedAssistant()
    with (
        running(Settings(server={"workers": 1}), lambda _: scripted) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        wait_until_ready(client)
        body = {"model": "xiaobao", "messages": user("等一等"), "stream": True}
        first = threading.Thread(target=client.post, args=("/v1/chat/completions",), kwargs={"json": body})
        first.start()
        while not scripted.running:
            time.sleep(0.01)
        with client.stream("POST", "/v1/chat/completions", json=body) as second:
            lines = second.iter_lines()
            assert next(lines) == ": queued, 0 ahead"
            scripted.gate.set()
            assert "data: [DONE]" in list(lines)
        first.join()


def test_the_models_are_listed_and_one_is_found(client):
    assert [model.id for model in client.models.list()] == ["xiaobao"]
    assert client.models.retrieve("xiaobao").owned_by == "xiaobao"
    for wrong in ("gpt-4o", "x" * 3000, "../api/version", "%00"):
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(wrong)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("changes", "kind", "code", "param"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, "model_not_found", "model"),
        ({"n": 2}, openai.BadRequestError, "unsupported_value", "n"),
        ({"n": 0}, openai.BadRequestError, "unsupported_value", "n"),
        (
            {"response_format": {"type": "json_object"}},
            openai.BadRequestError,
            "unsupported_value",
            "response_format",
        ),
        ({"tool_choice": "required"}, openai.BadRequestError, "unsupported_value", "tool_choice"),
        ({"messages": []}, openai.BadRequestError, "invalid_request", None),
        ({"messages": user("")}, openai.BadRequestError, "bad_question", None),
        ({"messages": user(None)}, openai.BadRequestError, "bad_question", None),
        ({"messages": user([])}, openai.BadRequestError, "bad_question", None),
        ({"messages": user("长" * 3000)}, openai.BadRequestError, "bad_question", None),
        ({"messages": user("甲\u0000")}, openai.BadRequestError, "invalid_request", None),
        (
            {"messages": [{"role": "assistant", "content": "甲"}]},
            openai.BadRequestError,
            "invalid_value",
            "messages.0.role",
        ),
        (
            {"messages": user([{"type": "image_url", "image_url": {"url": "data:,"}}])},
            openai.BadRequestError,
            "unsupported_value",
            "messages.0.content",
        ),
        ({"messages": [{"role": "king", "content": "甲"}]}, openai.BadRequestError, "invalid_request", None),
        ({"messages": user("一开始就坏")}, openai.InternalServerError, "internal", None),
    ],
)
def test_what_cannot_be_done_raises_the_clients_own_errors(client, changes, kind, code, param, stream):
    asked = {"model": "xiaobao", "messages": user(QUESTION), "stream": stream} | changes
    with pytest.raises(kind) as raised:
        client.chat.completions.create(**asked)
    error = raised.value
    assert (error.code, error.param) == (code, param)
    assert any("\u4e00" <= character <= "\u9fff" for character in error.body["message"])
    assert "secret" not in str(error)


def test_a_defect_half_way_raises_while_streaming_and_without(client):
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="xiaobao", messages=user("中途坏"))
    with pytest.raises(openai.APIError, match="编号") as raised:
        list(client.chat.completions.create(model="xiaobao", messages=user("中途坏"), stream=True))
    assert raised.value.code == "internal"


def test_refusals_on_the_way_in_are_told_in_the_same_form(address):
    settings = Settings(auth={"api_keys": True}, server={"max_body_bytes": 1000})
    with running(settings, lambda _: ScriptedAssistant()) as guarded:
        client = openai.OpenAI(base_url=f"{guarded}/v1", api_key="wrong", max_retries=0)
        with pytest.raises(openai.AuthenticationError) as raised:
            client.models.list()
        assert raised.value.code == "invalid_api_key"
        assert raised.value.response.headers["www-authenticate"] == "Bearer"
    headers = {"Origin": "https://evil.example"}
    with pytest.raises(openai.PermissionDeniedError):
        openai.OpenAI(base_url=f"{address}/v1", api_key="x", default_headers=headers).chat.completions.create(
            model="xiaobao", messages=user(QUESTION)
        )
    with running(Settings(server={"max_body_bytes": 1000}), lambda _: ScriptedAssistant()) as small:
        client = openai.OpenAI(base_url=f"{small}/v1", api_key="x", max_retries=0)
        with pytest.raises(openai.APIStatusError) as too_large:
            client.chat.completions.create(model="xiaobao", messages=user("长" * 1000))
        assert too_large.value.status_code == 413 and too_large.value.code == "too_large"


def test_too_many_in_line_is_the_clients_rate_limit_error():
    scripted = ScriptedAssistant()
    with (
        running(Settings(server={"workers": 1, "waiting": 0}), lambda _: scripted) as address,
        httpx.Client(base_url=address, timeout=20) as plain,
    ):
        wait_until_ready(plain)
        first = threading.Thread(target=plain.post, args=("/api/ask",), kwargs={"json": {"question": "等"}})
        first.start()
        while not scripted.running:
            time.sleep(0.01)
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0)
        with pytest.raises(openai.RateLimitError) as raised:
            client.chat.completions.create(model="xiaobao", messages=user(QUESTION))
        assert raised.value.response.headers["retry-after"] == "2"
        scripted.gate.set()
        first.join()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"model": "xiaobao"}',
        b'{"model": ["xiaobao"], "messages": []}',
        b'{"model": "xiaobao", "messages": {"0": 1}}',
        b'{"model": "xiaobao", "messages": [[]]}',
        b'{"model": "xiaobao", "messages": [{"role": "user", "content": 5}]}',
        b'{"model": "xiaobao", "messages": [{"role": "user", "content": [5]}]}',
        b'{"model": "xiaobao", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "\\ud800", "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "xiaobao", "n": 1e999, "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "xiaobao", "n": ' + b"9" * 5000 + b', "messages": []}',
        b'{"model": "xiaobao", "stream": "\xff", "messages": []}',
        b"[" * 100_000,
    ],
)
def test_a_hostile_body_is_a_plain_error(address, body):
    headers = {"Content-Type": "application/json"}
    response = httpx.post(f"{address}/v1/chat/completions", content=body, headers=headers)
    assert 400 <= response.status_code < 500
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/v1/", 404),
    ],
)
def test_other_addresses_and_methods_are_errors_in_the_same_form(address, method, path, status):
    response = httpx.request(method, address + path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_the_real_assistant_answers_the_real_client_with_proof(real_settings):
    with running(Settings(index=real_settings), parts.build_assistant) as address:
        with httpx.Client(base_url=address, timeout=60) as plain:
            wait_until_ready(plain, 60)
            asked = plain.post("/api/ask", json={"question": QUESTION}).json()
        client = openai.OpenAI(base_url=f"{address}/v1", api_key="x")
        completion = client.chat.completions.create(model="xiaobao", messages=user(QUESTION))
    assert completion.choices[0].message.content == asked["text"]
    assert json.dumps(completion.citations) == json.dumps(asked["citations"])
    assert completion.status == "grounded"


def test_no_event_is_torn_by_what_else_ends_a_line(address):
    question = "赔付\x85多少\u2028件\u2029呢"
    sent = httpx.post(f"{address}/api/ask", json={"question": question, "stream": True}).text
    first = next(line for line in sent.splitlines() if line.startswith("data: "))
    assert json.loads(first.removeprefix("data: ")) == {"looked_up": question}
