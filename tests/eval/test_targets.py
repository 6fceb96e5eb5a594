"""Asking a server over HTTP: a real one on loopback, and scripted ones that misbehave on purpose; asking here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.errors import AssistantError, QuestionError
from assistant.pipeline import Assistant
from assistant.schema import Answer
from assistant.settings import AnswerSettings, Settings
from assistant.wiring import assistant_over
from eval.cases import Case, Document
from eval.dumping import json_line
from eval.errors import TargetError
from eval.local import LocalTarget, write_articles
from eval.targets import BUSY_ATTEMPTS, CONNECTION_ATTEMPTS, HttpTarget
from index.embedding import ModelEmbeddings
from index.errors import IndexingError, IndexMissingError
from index.loading import load_articles
from index.retrieval import Retriever
from index.settings import IndexSettings
from tests.ui.conftest import running
from ui.keys import KEYS_FILE, Keys
from ui.problems import KINDS, problem_response

CASE = Case(
    id="fu-1",
    kind="follow_up",
    question="平安人寿呢？",
    history=(("user", "产险赔付多少？"), ("assistant", "1.9亿件")),
    answerable=True,
    facts=(("410万件",),),
    evidence=(),
    forbid=(),
)
ANSWER = Answer(
    "1", "q", "q", "figure", "grounded", "410万件", (), (), (), (), "reader", "v1", {"total": 5.0}
).to_dict()

Handler = Callable[[httpx.Request], httpx.Response]


def scripted(*steps: httpx.Response | httpx.TransportError) -> tuple[Handler, list[httpx.Request]]:
    """A server that does these in turn, and what it was sent."""
    left, sent = list(steps), []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        step = left.pop(0)
        if isinstance(step, httpx.TransportError):
            raise step
        return step

    return handle, sent


@contextmanager
def asking(
    *steps: httpx.Response | httpx.TransportError,
) -> Iterator[tuple[HttpTarget, list[httpx.Request], list[float]]]:
    """A target that asks a scripted server, what was sent, and how long was waited each time."""
    handle, sent = scripted(*steps)
    waits: list[float] = []
    target = HttpTarget("http://server.test/", transport=httpx.MockTransport(handle), sleep=waits.append)
    yield target, sent, waits
    target.close()


def busy(status: int = 503, **headers: str) -> httpx.Response:
    return refused(status, "busy", "现在提问的人很多，请稍后再试。", headers)


def refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """An error as the real server words it."""
    response = problem_response(code if code in KINDS else "internal", message, headers)
    return httpx.Response(status, headers=dict(response.headers), content=bytes(response.body))


def answered() -> httpx.Response:
    return httpx.Response(200, json=ANSWER)


def test_the_question_goes_out_with_its_history_and_the_answer_comes_back_as_it_is() -> None:
    with asking(answered()) as (target, sent, _):
        assert target.answer(CASE) == ANSWER
    (request,) = sent
    assert (request.method, str(request.url)) == ("POST", "http://server.test/api/ask")
    assert httpx.Response(200, content=request.content).json() == {
        "question": "平安人寿呢？",
        "history": [
            {"role": "user", "content": "产险赔付多少？"},
            {"role": "assistant", "content": "1.9亿件"},
        ],
        "stream": False,
    }


@pytest.mark.parametrize(
    "url",
    ["http://server.test", "http://server.test/", " http://server.test/api/ask", "http://server.test/?a=1#b"],
)
def test_an_address_may_be_written_in_several_ways(url: str) -> None:
    handle, sent = scripted(answered())
    target = HttpTarget(url, transport=httpx.MockTransport(handle))
    target.answer(CASE)
    assert target.name == "http://server.test"
    assert str(sent[0].url) == "http://server.test/api/ask"


def test_a_server_below_a_path_is_asked_there() -> None:
    handle, sent = scripted(answered())
    HttpTarget("https://server.test/xiaobao/", transport=httpx.MockTransport(handle)).answer(CASE)
    assert str(sent[0].url) == "https://server.test/xiaobao/api/ask"


@pytest.mark.parametrize("url", ["", "lokal", "127.0.0.1:7860", "ftp://server.test", "http://", "http://a:b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(TargetError, match="--target"):
        HttpTarget(url)


def test_a_question_with_half_a_character_is_sent_nevertheless() -> None:
    with asking(answered()) as (target, sent, _):
        target.answer(replace(CASE, question="多少\ud83d？"))
    assert b"\\ud83d" in sent[0].content


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    with asking(busy(**{"Retry-After": "5"}), busy(429, **{"Retry-After": "2"}), answered()) as (
        target,
        sent,
        waits,
    ):
        assert target.answer(CASE) == ANSWER
    assert waits == [5.0, 2.0]
    assert len(sent) == 3


def test_a_date_to_wait_for_is_understood_and_one_in_the_past_means_now() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    with asking(busy(**{"Retry-After": later}), busy(**{"Retry-After": past}), answered()) as (
        target,
        _,
        waits,
    ):
        target.answer(CASE)
    assert 15 < waits[0] <= 20
    assert waits[1] == 0


@pytest.mark.parametrize("said", ["", "soon", "-3", "1.5"])
def test_without_a_time_the_waits_grow(said: str) -> None:
    with asking(*[busy(**{"Retry-After": said}) for _ in range(3)], answered()) as (target, _, waits):
        target.answer(CASE)
    assert waits == [0.5, 1.0, 2.0]


def test_no_wait_is_longer_than_half_a_minute_and_in_the_end_it_gives_up() -> None:
    with (
        asking(*[busy(**{"Retry-After": "86400"})] * BUSY_ATTEMPTS) as (target, sent, waits),
        pytest.raises(TargetError, match="HTTP 503：现在提问的人很多"),
    ):
        target.answer(CASE)
    assert waits == [30.0] * (BUSY_ATTEMPTS - 1)
    assert len(sent) == BUSY_ATTEMPTS


def test_an_index_that_only_a_person_can_mend_is_not_waited_for() -> None:
    message = "还没有建立索引。请先运行 xiaobao ingest。"
    with (
        asking(refused(503, "index_unusable", message)) as (target, _, waits),
        pytest.raises(TargetError, match="xiaobao ingest"),
    ):
        target.answer(CASE)
    assert waits == []


def test_a_connection_that_breaks_is_tried_again() -> None:
    with asking(httpx.RemoteProtocolError("disconnected"), answered()) as (target, _, waits):
        assert target.answer(CASE) == ANSWER
    assert waits == [0.5]


def test_a_server_that_is_not_there_is_told_in_chinese_with_what_to_do() -> None:
    steps = [httpx.ConnectError("refused")] * CONNECTION_ATTEMPTS
    with (
        asking(*steps) as (target, _, _),
        pytest.raises(TargetError, match=r"连接不上 http://server\.test.*xiaobao serve"),
    ):
        target.versions()


def test_a_server_that_takes_too_long_is_not_asked_again() -> None:
    with (
        asking(httpx.ReadTimeout("slow")) as (target, sent, _),
        pytest.raises(TargetError, match="超过 60 秒没有回答"),
    ):
        target.answer(CASE)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(422, "bad_question"), (422, "invalid_request"), (413, "too_large")]
)
def test_a_question_that_is_not_taken_fails_with_the_message_of_the_server(status: int, code: str) -> None:
    with (
        asking(refused(status, code, "问题太长。")) as (target, _, _),
        pytest.raises(QuestionError, match=r"^问题太长。$"),
    ):
        target.answer(CASE)


def test_a_defect_of_the_server_fails_the_one_question() -> None:
    with (
        asking(refused(500, "internal", "程序内部出错（编号 1f）。")) as (target, _, _),
        pytest.raises(AssistantError, match="HTTP 500：程序内部出错（编号 1f）"),
    ):
        target.answer(CASE)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>welcome</html>"),
        httpx.Response(200, json=["an", "answer"]),
        httpx.Response(200, json={"text": "410万件"}),
        httpx.Response(302, headers={"Location": "/login"}),
        httpx.Response(401, json={"detail": "who are you"}),
        httpx.Response(404, text="nothing here"),
        httpx.Response(422, json={"detail": "another service's way"}),
        httpx.Response(500, text="Internal Server Error"),
    ],
    ids=lambda response: f"{response.status_code} {response.text[:12]}",
)
def test_a_server_that_is_something_else_is_told_so(response: httpx.Response) -> None:
    with (
        asking(response) as (target, _, _),
        pytest.raises(TargetError, match=r"http://server\.test.*--target"),
    ):
        target.answer(CASE)


def test_the_version_of_the_index_is_asked_for_and_loading_is_waited_for() -> None:
    ready = httpx.Response(200, json={"status": "ready", "index_version": "20260101-120000-ab12cd34"})
    loading = refused(503, "loading", "正在加载", {"Retry-After": "5"})
    with asking(loading, ready) as (target, sent, waits):
        versions = target.versions()
    assert versions["index"] == "20260101-120000-ab12cd34"
    assert versions.keys() == {"index", "package", "python"}
    assert [str(request.url) for request in sent] == ["http://server.test/readyz"] * 2
    assert waits[0] == 5.0


@pytest.mark.parametrize("values", [{"status": "ready"}, {"index_version": 3}, "ready"])
def test_a_server_that_is_ready_in_another_way_is_something_else(values: Any) -> None:
    with (
        asking(httpx.Response(200, json=values)) as (target, _, _),
        pytest.raises(TargetError, match=r"readyz|JSON"),
    ):
        target.versions()


def test_documents_cannot_be_sent_to_a_server() -> None:
    with asking() as (target, sent, _), pytest.raises(TargetError, match="fu-1"):
        target.answer(replace(CASE, documents=(Document("t", "x"),)))
    assert not target.takes_documents
    assert sent == []


def test_connections_to_a_real_server_are_kept() -> None:
    connections: set[Any] = set()

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            connections.add(self.client_address)
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json_line(ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = HttpTarget(f"http://127.0.0.1:{server.server_port}")
        assert [target.answer(CASE) for _ in range(3)] == [ANSWER] * 3
        target.close()
        server.shutdown()
    assert len(connections) == 1


def test_the_real_api_is_waited_for_and_answers_as_the_assistant_in_this_process(
    bigram_retriever: Retriever,
) -> None:
    assistant = assistant_over(bigram_retriever, AnswerSettings(max_question_chars=100))
    waited_for = threading.Event()
    loaded = threading.Event()
    waits: list[float] = []

    def build(settings: Settings) -> Assistant:
        waited_for.wait(20)
        loaded.set()
        return assistant

    def sleep(seconds: float) -> None:
        """What was loading is loaded once somebody waits for it."""
        waits.append(seconds)
        waited_for.set()
        loaded.wait(20)
        time.sleep(0.2)

    with running(Settings(), build) as address:
        target = HttpTarget(address, sleep=sleep)
        assert target.versions()["index"] == bigram_retriever.version
        assert waits[0] == 5.0
        there = target.answer(CASE)
        here = json.loads(json.dumps(assistant.ask(CASE.question, CASE.history).to_dict()))
        with pytest.raises(QuestionError, match="问题太长：101 个字符"):
            target.answer(replace(CASE, question="多" * 101))
        with pytest.raises(QuestionError, match=r"question"):
            target.answer(replace(CASE, question="多\x00少"))
        target.close()
    for answer in (there, here):
        del answer["id"], answer["timings_ms"]
    assert there == here


def test_a_server_that_asks_for_a_key_is_asked_with_it(bigram_retriever: Retriever, tmp_path: Path) -> None:
    assistant = assistant_over(bigram_retriever, AnswerSettings())
    key = Keys(tmp_path / KEYS_FILE).add("eval")
    with running(Settings(auth={"api_keys": True}), lambda _: assistant, tmp_path) as address:
        without, with_key = HttpTarget(address), HttpTarget(address, key=key)
        with_key.open()
        assert with_key.answer(CASE)["index_version"] == bigram_retriever.version
        with pytest.raises(TargetError, match="XIAOBAO_EVAL_KEY"):
            without.answer(CASE)
        without.close()
        with_key.close()


def test_nobody_listening_is_told_with_the_address() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
    target = HttpTarget(address, sleep=lambda seconds: None)
    with pytest.raises(TargetError, match=f"连接不上 {address}"):
        target.versions()
    target.close()


# ---- in this process

LIFE = Document("寿险报道", "2022年，平安人寿赔付410万件。")
CARAVAN = Document(
    '大篷车"报道"',
    "大篷车活动跨越7省6地，行程1.1万公里。",
    date(2023, 9, 27),
    "某报\\社",
    "https://example.test/a?b=1#c",
)


@pytest.fixture
def local(tmp_path: Path, real_model: ModelEmbeddings) -> Iterator[LocalTarget]:
    folder = tmp_path / "work"
    folder.mkdir()
    settings = Settings(index=IndexSettings(path=tmp_path / "none"), answer=AnswerSettings(threshold=0.05))
    target = LocalTarget(settings, folder, embeddings=real_model)
    yield target
    target.close()


def closed(question: str, *documents: Document) -> Case:
    return Case("c", "span", question, (), True, (("x",),), (), (), documents)


def texts(answer: dict[str, Any]) -> Sequence[str]:
    return [passage["text"] for passage in answer["passages"]]


def test_a_case_with_documents_is_answered_from_those_alone(local: LocalTarget) -> None:
    first = local.answer(closed("平安人寿赔付了多少件？", LIFE))
    second = local.answer(closed("大篷车行程多少公里？", CARAVAN))
    assert "410万件" in first["text"]
    assert "1.1万公里" in second["text"]
    assert texts(first) == [LIFE.text]
    assert texts(second) == [CARAVAN.text]


def test_a_citation_carries_what_the_document_says_of_itself(local: LocalTarget) -> None:
    (citation,) = local.answer(closed("大篷车行程多少公里？", CARAVAN))["citations"]
    assert {key: citation[key] for key in ("title", "publisher", "published", "url")} == {
        "title": CARAVAN.title,
        "publisher": CARAVAN.publisher,
        "published": "2023-09-27",
        "url": CARAVAN.url,
    }


def test_only_the_latest_documents_stay_on_disk_and_none_after_closing(
    local: LocalTarget, tmp_path: Path
) -> None:
    for case in (closed("几省？", CARAVAN), closed("多少件？", LIFE), closed("多少件呢？", LIFE)):
        local.answer(case)
        assert len(list((tmp_path / "work").iterdir())) == 1
    local.close()
    local.close()
    assert list((tmp_path / "work").iterdir()) == []


def test_documents_that_hold_no_text_end_in_an_error_that_says_so(local: LocalTarget) -> None:
    with pytest.raises(IndexingError, match="没有正文"):
        local.answer(closed("多少？", Document("　", "　\n")))


def test_without_an_index_only_cases_with_documents_can_be_asked(local: LocalTarget) -> None:
    assert "index" not in local.versions()
    with pytest.raises(IndexMissingError):
        local.answer(CASE)


def test_other_articles_are_indexed_and_asked_in_the_place_of_the_configured_ones(
    tmp_path: Path, real_model: ModelEmbeddings
) -> None:
    write_articles(tmp_path / "articles", [LIFE])
    fingerprints = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        target = LocalTarget(Settings(), tmp_path / name, tmp_path / "articles", real_model)
        fingerprints.append(target.versions()["index"])
        assert (
            "410万件" in target.answer(replace(CASE, history=(), question="平安人寿赔付了多少件？"))["text"]
        )
        target.close()
    assert fingerprints[0] == fingerprints[1]


def test_documents_are_written_as_articles_that_read_back_alike(tmp_path: Path) -> None:
    hostile = Document('"""\n[x]\n题\u2028\x7f', "正文\ud83d。")
    write_articles(tmp_path / "articles", [CARAVAN, LIFE, hostile])
    caravan, life, odd = load_articles(tmp_path / "articles")
    assert (caravan.title, caravan.text) == (CARAVAN.title, CARAVAN.text)
    assert (caravan.published, caravan.publisher, caravan.url) == (
        CARAVAN.published,
        CARAVAN.publisher,
        CARAVAN.url,
    )
    assert (life.published, life.publisher, life.url) == (None, "", "")
    assert odd.text.endswith("正文?。")
