"""What an administrator can watch: log lines, metrics, traces."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from assistant.settings import LogSettings, Settings
from tests.ui.conftest import ScriptedAssistant, running
from ui.logs import configure_logging
from ui.observing import area_of

QUESTION = "2022年平安人寿赔付了多少件？我的手机是13800138000"


@contextmanager
def serving(**settings: object) -> Iterator[httpx.Client]:
    with (
        running(Settings(**settings), lambda _: ScriptedAssistant()) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        deadline = time.monotonic() + 10
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield client


@pytest.fixture
def logged(capsys) -> Iterator[Callable[[], str]]:
    """Gives all that was written to standard error; logging is as it was before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written: list[str] = []

    def read() -> str:
        written.append(capsys.readouterr().err)
        return "".join(written)

    yield read
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(written: str, event: str, **wanted: object) -> list[dict]:
    found = [json.loads(line) for line in written.splitlines()]
    return [
        line
        for line in found
        if line["event"] == event and all(line.get(name) == value for name, value in wanted.items())
    ]


@pytest.mark.parametrize("questions", [False, True])
def test_a_question_leaves_two_lines_under_one_id_and_its_text_only_where_that_is_wanted(logged, questions):
    configure_logging(LogSettings(format="json", questions=questions))
    with serving(log={"questions": questions}) as client:
        response = client.post("/api/ask", json={"question": QUESTION})
        id = response.headers["x-request-id"]
        time.sleep(0.05)
    (request,) = lines(logged(), "request", request_id=id)
    assert request["method"] == "POST" and request["path"] == "/api/ask" and request["status"] == 200
    assert request["who"] == "address:127.0.0.1" and request["ms"] > 0 and request["level"] == "INFO"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", request["time"])
    (answer,) = lines(logged(), "answer", request_id=id)
    assert answer["answer"] == response.json()["id"] and answer["door"] == "api"
    assert answer.get("question") == ("2022年平安人寿赔付了多少件？我的手机是[手机号]" if questions else None)
    assert "13800138000" not in logged()
    assert ("平安人寿" in logged()) is questions


def test_an_id_that_comes_with_the_request_is_kept_and_a_forged_line_is_not_written(logged):
    configure_logging(LogSettings(format="json"))
    with serving() as client:
        kept = client.get("/api/version", headers={"X-Request-ID": "proxy-0123456789"})
        assert kept.headers["x-request-id"] == "proxy-0123456789"
        for odd in ("short", "x" * 65, 'with "quotes" in it', "line%0abreak"):
            assert client.get("/healthz", headers={"X-Request-ID": odd}).headers["x-request-id"] != odd
        client.get('/no/such%0a{"event":"forged"}?secret=1')
        time.sleep(0.05)
    assert lines(logged(), "request", request_id="proxy-0123456789")
    assert not lines(logged(), "forged") and "secret=1" not in logged()


def test_people_get_plain_lines(logged):
    configure_logging(LogSettings(format="text"))
    with serving() as client:
        client.get("/api/version")
        client.get("/healthz")
        client.get("/page/static/page.js")
        client.get("/no%0asuch INFO")
        time.sleep(0.05)
    assert 'path="/no\\nsuch INFO"' in logged()
    assert re.search(
        r"\d\d:\d\d:\d\d INFO request request_id=\w+ method=GET path=/api/version status=200 ms=\S+ who=address:127.0.0.1\n",
        logged(),
    )
    # Probes and the page's files would bury the rest.
    assert "/healthz" not in logged() and "page.js" not in logged()


def samples(client: httpx.Client) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_prometheus_reads_requests_answers_stages_the_line_and_the_index_version():
    with serving() as client:
        client.post("/api/ask", json={"question": QUESTION})
        client.post("/page/ask", json={"question": "没有的事"})
        client.get("/api/nothing")
        for number in range(50):
            client.get(f"/odd/{number}")
        found = samples(client)
    answers = found["xiaobao_answers_total"]
    assert answers[("door", "api"), ("engine", "reader"), ("status", "grounded")] == 1
    assert answers[("door", "page"), ("engine", "reader"), ("status", "not_found")] == 1
    assert found["xiaobao_answer_stage_seconds_count"][(("stage", "total"),)] == 2
    assert found["xiaobao_requests_total"][("area", "api"), ("method", "GET"), ("status", "404")] == 1
    assert found["xiaobao_requests_total"][("area", "other"), ("method", "GET"), ("status", "404")] == 50
    assert found["xiaobao_index_info"] == {(("version", "v-test"),): 1.0}
    assert found["xiaobao_questions_waiting"] == {(): 0.0} and found["xiaobao_questions_running"] == {(): 0.0}
    assert found["process_resident_memory_bytes"][()] > 0


def test_whatever_is_asked_for_adds_no_kind_of_series():
    areas = {
        area_of(path) for path in ("/", "", "/a/b", "/v1/models", "/api/x", "/page/x", "/embed", "//", "*")
    }
    assert areas <= {"api", "v1", "page", "embed", "health", "other"}


class _Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """A collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[object] = []
        self.came = threading.Event()

    def Export(self, request, context):  # noqa: N802 - the name of the service's method
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self.came.set()
        return trace_service_pb2.ExportTraceServiceResponse()


def test_traces_go_to_the_collector_under_the_callers_trace_and_hold_no_text():
    collector = _Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with serving(telemetry={"endpoint": f"http://127.0.0.1:{port}"}) as client:
            parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
            answer = client.post("/api/ask", json={"question": QUESTION}, headers=parent).json()
        assert collector.came.wait(10)
    finally:
        server.stop(0)
    spans = {span.name: span for span in collector.spans}
    assert spans["answer"].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert spans["answer"].parent_span_id.hex() == "b7ad6b7169203331"
    values = {pair.key: pair.value.string_value for pair in spans["answer"].attributes}
    assert values["xiaobao.answer_id"] == answer["id"] and values["xiaobao.door"] == "api"
    assert not any("赔付" in str(span) for span in collector.spans)
