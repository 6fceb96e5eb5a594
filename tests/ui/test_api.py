from __future__ import annotations

import json
import re
import socket
import threading
import time
from contextlib import suppress

import httpx
import pytest

from assistant.settings import Settings
from index.errors import IndexMissingError, ModelError
from tests.ui.conftest import ScriptedAssistant, running
from ui.service import Failed, Ready, Service

QUESTION = "2022年平安人寿赔付了多少件？"


@pytest.fixture(scope="module")
def scripted():
    return ScriptedAssistant()


@pytest.fixture(scope="module")
def client(scripted):
    settings = Settings(server={"workers": 2, "max_body_bytes": 500_000})
    with (
        running(settings, lambda _: scripted) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        wait_until_ready(client)
        yield client


def wait_until_ready(client: httpx.Client, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, "the server did not become ready"
        time.sleep(0.02)


def error_of(response: httpx.Response) -> dict[str, str]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "title_en", "detail_en"}
    assert body["status"] == response.status_code and body["type"] == f"/api#{body['code']}"
    for text in (body["title"], body["detail"]):
        assert any("\u4e00" <= character <= "\u9fff" for character in text)
    assert body["title_en"].isascii() and body["detail_en"].isascii()
    assert "Traceback" not in response.text and "secret" not in response.text
    return body


def sent_events(text: str) -> list[tuple[str, dict]]:
    events = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_a_question_gets_the_answer_as_json(client, scripted):
    response = client.post("/api/ask", json={"question": QUESTION})
    assert response.status_code == 200
    again = scripted.ask(QUESTION).to_dict() | {"id": response.json()["id"]}  # each answer has its own
    assert response.json() == json.loads(json.dumps(again))
    assert response.json()["citations"][0]["published"] == "2023-09-27"


def test_the_history_reaches_the_assistant(client, scripted):
    history = [{"role": "user", "content": "甲"}, {"role": "assistant", "content": "乙"}]
    client.post("/api/ask", json={"question": QUESTION, "history": history, "stream": False})
    assert scripted.asked[-1] == (QUESTION, (("user", "甲"), ("assistant", "乙")))


def test_a_stream_sends_every_event_by_name_and_ends_with_the_same_answer(client):
    response = client.post("/api/ask", json={"question": QUESTION, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = sent_events(response.text)
    assert [name for name, _ in events] == ["searching", "retrieved", "finished"]
    assert events[0][1] == {"looked_up": QUESTION}
    assert events[1][1]["passages"][0]["id"] == "a1-0"
    assert events[2][1]["text"] == client.post("/api/ask", json={"question": QUESTION}).json()["text"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("question", ["", "   ", "长" * 100_000])
def test_a_question_that_cannot_be_asked_is_a_plain_error_streamed_or_not(client, question, stream):
    response = client.post("/api/ask", json={"question": question, "stream": stream})
    assert response.status_code == 422
    assert error_of(response)["code"] == "bad_question"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "question 缺少"),
        ({"question": 5}, "question 应为字符串"),
        ({"question": None}, "question 应为字符串"),
        ({"question": "甲", "temperature": 1}, "temperature 是不认识的字段"),
        ({"question": "甲", "stream": "yes"}, "stream 应为 true 或 false"),
        ({"question": "甲", "history": "乙"}, "history 应为列表"),
        ({"question": "甲", "history": [{"role": "system", "content": "乙"}]}, "只能是 user 或 assistant"),
        ({"question": "甲", "history": [{"role": "user"}]}, "history.0.content 缺少"),
        ({"question": "甲", "history": [{"role": "user", "content": "x"}] * 1001}, "history 太长"),
        ({"question": "甲\u0000乙"}, "question 含有控制字符 U+0000"),
        ({"question": "甲\u001b[31m乙"}, "question 含有控制字符 U+001B"),
        ([], "JSON 对象"),
        ("甲", "JSON 对象"),
        (None, "JSON 对象"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(client, body, said):
    response = client.post("/api/ask", json=body)
    assert response.status_code == 422
    error = error_of(response)
    assert error["code"] == "invalid_request"
    assert said in error["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"question": }',
        b'{"question": "\xff\xfe"}',
        b'{"question": "\xb2\xe9"}',
        b"[" * 100_000,
        b'{"question": ' + b"9" * 6000 + b"}",
        b'{"question": NaN}',
    ],
)
def test_a_body_that_is_no_json_is_an_error_never_a_trace(client, body):
    response = client.post("/api/ask", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    error_of(response)


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00\\ud800"])
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(client, escape):
    for body in [
        f'{{"question": "甲{escape}"}}',
        f'{{"question": "甲", "{escape}": 1}}',
        f'{{"question": "甲", "history": [{{"role": "{escape}", "content": "乙"}}]}}',
        f'{{"question": "甲", "history": [{{"role": "user", "content": "{escape}"}}]}}',
    ]:
        response = client.post(
            "/api/ask", content=body.encode(), headers={"content-type": "application/json"}
        )
        assert response.status_code == 422
        error_of(response)


def test_a_form_is_not_taken_for_json(client):
    response = client.post("/api/ask", data={"question": "甲"})
    assert response.status_code == 422
    assert "application/json" in error_of(response)["detail"]


@pytest.mark.parametrize(
    "question", ["😀😀😀", "'; DROP TABLE chunks; --", "<script>alert(1)</script>", "多\n行\t问题"]
)
def test_odd_but_readable_questions_are_answered(client, question):
    response = client.post("/api/ask", json={"question": question})
    assert response.status_code == 200
    assert response.json()["question"] == question


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_whether_its_length_is_declared_or_not(client, chunked):
    body = json.dumps({"question": "长" * 600_000}, ensure_ascii=False).encode()
    content = iter([body[:300_000], body[300_000:]]) if chunked else body
    response = client.post("/api/ask", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert error_of(response)["code"] == "too_large"


def test_a_body_of_undeclared_length_within_the_limit_is_read(client):
    body = json.dumps({"question": QUESTION}).encode()
    response = client.post(
        "/api/ask", content=iter([body[:10], body[10:]]), headers={"content-type": "application/json"}
    )
    assert response.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_defect_is_a_numbered_chinese_error_without_its_trace(client, stream):
    response = client.post("/api/ask", json={"question": "一开始就坏", "stream": stream})
    assert response.status_code == 500
    assert error_of(response)["code"] == "internal"
    assert "编号" in response.text


def test_a_defect_half_way_ends_the_stream_with_an_error_event(client):
    response = client.post("/api/ask", json={"question": "中途坏", "stream": True})
    assert response.status_code == 200
    events = sent_events(response.text)
    assert [name for name, _ in events] == ["searching", "retrieved", "error"]
    assert events[-1][1]["code"] == "internal"
    assert "secret" not in response.text


def test_a_client_that_leaves_frees_its_place(scripted, client):
    scripted.closed.clear()
    scripted.gate.clear()
    with client.stream("POST", "/api/ask", json={"question": "等一等", "stream": True}) as response:
        next(response.iter_text())
    scripted.gate.set()
    assert scripted.closed.wait(5)
    deadline = time.monotonic() + 5
    while scripted.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert scripted.running == 0


def test_no_more_questions_are_worked_on_at_once_than_there_are_workers(client, scripted):
    scripted.most_running = 0

    def ask(number: int) -> None:
        with httpx.Client(base_url=client.base_url, timeout=20) as own:
            results.append(
                own.post("/api/ask", json={"question": f"慢{number}", "stream": number % 2 == 0}).status_code
            )

    results: list[int] = []
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [200] * 8
    assert scripted.most_running == 2


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/ask", 405), ("PUT", "/api/ask", 405), ("GET", "/api/x", 404)]
)
def test_other_addresses_and_methods_are_errors_in_the_same_form(client, method, path, status):
    response = client.request(method, path)
    assert response.status_code == status
    error_of(response)


def test_health_and_readiness_are_told(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "index_version": "v-test"}


@pytest.mark.parametrize("path", ["/", "/api/x", "/healthz", "/page/state", "/theme.css"])
def test_every_response_carries_the_security_headers(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy and "unsafe-eval" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/api/ask", "/theme.css", "/gradio_api/queue/join"])
@pytest.mark.parametrize("host", ["127.0.0.1", "xiaobao.intranet"])
def test_no_other_origin_is_let_in(client, path, host):
    for headers in [{"Origin": "https://evil.example", "Host": host}]:
        simple = client.get(path, headers=headers)
        preflight = client.options(path, headers=headers | {"Access-Control-Request-Method": "POST"})
        for response in (simple, preflight):
            assert "access-control-allow-origin" not in response.headers
            assert "access-control-allow-credentials" not in response.headers


def test_the_description_of_the_api_is_there_and_its_pages_from_other_hosts_are_not(client):
    assert "/api/ask" in client.get("/api/openapi.json").json()["paths"]
    for path in ("/docs", "/redoc"):
        assert "jsdelivr" not in client.get(path).text


def test_the_page_has_no_link_to_gradio_and_no_trace_of_telemetry(client):
    written = re.search(r"window\.gradio_config = (\{.*?\});</script>", client.get("/").text)
    config = json.loads(written.group(1))
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert config["show_error"] is False
    assert config["title"] == "消保问答"


def test_while_loading_the_page_is_up_and_questions_are_told_to_wait():
    gate = threading.Event()

    def build(_: Settings) -> ScriptedAssistant:
        gate.wait(20)
        return ScriptedAssistant()

    with running(Settings(), build) as address, httpx.Client(base_url=address, timeout=20) as client:
        assert client.get("/").status_code == 200
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503 and error_of(ready)["code"] == "loading"
        asked = client.post("/api/ask", json={"question": QUESTION})
        assert asked.status_code == 503 and asked.headers["retry-after"] == "5"
        assert "正在加载" in error_of(asked)["detail"]
        gate.set()
        wait_until_ready(client)
        assert client.post("/api/ask", json={"question": QUESTION}).status_code == 200


def test_a_failed_loading_is_told_with_its_remedy():
    def build(_: Settings) -> ScriptedAssistant:
        raise IndexMissingError("还没有建立索引。请先运行 xiaobao ingest。")

    with running(Settings(), build) as address, httpx.Client(base_url=address, timeout=20) as client:
        for response in (client.get("/readyz"), client.post("/api/ask", json={"question": QUESTION})):
            assert response.status_code == 503
            error = error_of(response)
            assert error["code"] == "index_unusable"
            assert error["detail"] == "还没有建立索引。请先运行 xiaobao ingest。"


def test_an_index_built_later_is_picked_up_without_a_restart():
    built = threading.Event()

    def build() -> ScriptedAssistant:
        if not built.is_set():
            raise IndexMissingError("还没有建立索引。")
        return ScriptedAssistant()

    service = Service(build, retry=0.02)
    service.start()
    assert service.settle(5) == Failed("还没有建立索引。")
    built.set()
    deadline = time.monotonic() + 5
    while not isinstance(service.state, Ready):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    service.stop()


@pytest.mark.parametrize("error", [ModelError("模型无法加载。"), RuntimeError("secret")])
def test_what_no_index_can_mend_is_not_tried_again(error):
    tries = []

    def build() -> ScriptedAssistant:
        tries.append(1)
        raise error

    service = Service(build, retry=0.01)
    service.start()
    state = service.settle(5)
    assert isinstance(state, Failed) and "secret" not in state.message
    time.sleep(0.1)
    assert len(tries) == 1


def test_articles_passages_and_versions_are_told(client):
    answer = client.post("/api/ask", json={"question": "2022年平安人寿赔付了多少件？"}).json()
    (citation,) = answer["citations"]
    listed = client.get("/api/articles").json()
    assert [article["id"] for article in listed] == ["a1", "a2"]
    assert listed[0]["published"] == "2023-09-27" and listed[1]["published"] is None
    article = client.get(f"/api/articles/{citation['article_id']}").json()
    assert article["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert article["characters"] == len(article["text"])
    passage = client.get(f"/api/passages/{citation['passage_id']}").json()
    assert citation["quote"] in passage["text"] == article["text"][passage["start"] : passage["end"]]
    for path in ("/api/articles/none", "/api/passages/none", "/api/passages/..%2F..%2Fetc"):
        assert client.get(path).status_code == 404
    version = client.get("/api/version").json()
    assert version["index_version"] == "v-test" and version["thresholds"] == {
        "answer": Settings().answer.threshold
    }
    assert set(version["models"]) == {"embedding", "reader"}


def test_who_finds_the_line_full_or_waits_too_long_is_told_so():
    assistant = ScriptedAssistant()
    settings = Settings(server={"workers": 1, "waiting": 0, "question_seconds": 1.0})
    with (
        running(settings, lambda _: assistant) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        wait_until_ready(client)
        with httpx.stream("POST", f"{address}/api/ask", json={"question": "等", "stream": True}) as slow:
            lines = slow.iter_lines()
            next(lines)
            for stream in (False, True):
                refused = client.post("/api/ask", json={"question": QUESTION, "stream": stream})
                assert refused.status_code == 429 and error_of(refused)["code"] == "busy"
                assert int(refused.headers["retry-after"]) >= 1
            ended = sent_events("\n".join(["event: searching", *lines]))
        assert ended[-1][0] == "error" and ended[-1][1]["code"] == "timeout"
        assistant.gate.set()
        deadline = time.monotonic() + 10
        while client.post("/api/ask", json={"question": QUESTION}).status_code != 200:
            assert time.monotonic() < deadline
        assistant.gate.clear()
        late = client.post("/api/ask", json={"question": "等"})
        assert late.status_code == 504 and error_of(late)["code"] == "timeout"
        assistant.gate.set()


def test_a_server_that_is_stopped_finishes_the_answers_under_way():
    assistant = ScriptedAssistant()
    text: list[str] = []
    began = threading.Event()

    def ask(address: str) -> None:
        body = {"question": "等", "stream": True}
        with httpx.stream("POST", f"{address}/api/ask", json=body, timeout=20) as response:
            for line in response.iter_lines():
                text.append(line)
                began.set()

    with running(Settings(), lambda _: assistant, grace=10.0) as address:
        with httpx.Client(base_url=address, timeout=20) as client:
            wait_until_ready(client)
        reader = threading.Thread(target=ask, args=(address,))
        reader.start()
        assert began.wait(10)
        threading.Timer(0.5, assistant.gate.set).start()
    reader.join(20)
    assert "event: finished" in text


@pytest.mark.parametrize(
    "path", ["/assets/" + "长" * 200, "/assets/" + "x/" * 900, "/static/%00", "/assets/a%0Ab"]
)
def test_a_name_that_no_file_can_have_is_not_found(client, path):
    response = client.get(path)
    assert response.status_code == 404
    error_of(response)


def test_a_head_without_an_end_is_refused(client):
    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ")
        received = b""
        with suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(b"a" * 10_000)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            received = connection.recv(1000)
    assert not received or b" 4" in received.split(b"\r\n")[0]
    assert client.get("/healthz").status_code == 200
