from __future__ import annotations

import re

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assistant.settings import Settings
from tests.ui.conftest import ScriptedAssistant, running
from tests.ui.test_api import wait_until_ready
from ui import completions
from ui.api import ArticleSummary, ArticleText, Health, PassageText, Readiness, Version
from ui.examples import SUCCESSES
from ui.problems import KINDS
from ui.snapshot import Snapshot

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def address():
    scripted = ScriptedAssistant()
    unlimited = {"questions_per_minute": 0, "requests_per_minute": 0}
    with running(Settings(limits=unlimited), lambda _: scripted) as address:
        with httpx.Client(base_url=address) as client:
            wait_until_ready(client)
        yield address


@pytest.fixture(scope="module")
def described(address):
    return httpx.get(f"{address}/api/openapi.json").json()


def operations(described):
    for path, by_method in described["paths"].items():
        for method, operation in by_method.items():
            yield method, path, operation


def test_whatever_the_description_allows_or_forbids_gets_a_described_response(address):
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @seed(20260101)
            @hypothesis_settings(
                max_examples=25,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def holds(case):
                case.call_and_validate(checks=CHECKS)
                asked.add(f"{case.method} {case.path}")

            if mode is GenerationMode.POSITIVE or operation.body:  # every id is a string, so none is wrong
                holds()
    assert len(asked) >= 11


def test_every_operation_is_described_with_its_examples_and_errors(described):
    for method, path, operation in operations(described):
        where = f"{method} {path}"
        assert operation["summary"] and operation["description"] and operation["tags"], where
        assert {"429", "500"} <= set(operation["responses"]), where
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                assert "example" in content or content["examples"], (where, status)
                if status >= "400":
                    openai = path.startswith("/v1/")
                    assert media_type == ("application/json" if openai else "application/problem+json")
                    for code, example in content["examples"].items():
                        value = example["value"]["error"] if openai else example["value"]
                        assert openai or (value["code"] == code and str(value["status"]) == status)


def test_questions_name_every_error_that_asking_can_end_in(described):
    paths = described["paths"]
    asking = {"400", "401", "403", "413", "422", "429", "500", "503", "504"}
    assert asking | {"200"} == set(paths["/api/ask"]["post"]["responses"])
    assert (asking - {"422"}) | {"200", "404"} == set(paths["/v1/chat/completions"]["post"]["responses"])
    assert {"200", "401", "404", "422", "429", "500", "503"} == set(
        paths["/api/articles/{id}"]["get"]["responses"]
    )
    assert "text/event-stream" in paths["/api/ask"]["post"]["responses"]["200"]["content"]


def test_no_trace_is_left_of_errors_that_are_never_sent(described):
    assert "HTTPValidationError" not in str(described)
    assert set(described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(KINDS)
    used = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert used == set(described["components"]["schemas"])


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/api/ask", Snapshot),
        ("/api/articles/{id}", ArticleText),
        ("/api/passages/{id}", PassageText),
        ("/api/version", Version),
        ("/healthz", Health),
        ("/readyz", Readiness),
        ("/v1/chat/completions", completions.Completion),
        ("/v1/models", completions.ModelList),
        ("/v1/models/{id}", completions.Model),
    ],
)
def test_an_example_is_what_is_really_sent(path, model):
    ((_, example),) = [(key, value) for key, value in SUCCESSES.items() if key[1] == path]
    assert set(model.model_validate(example).model_dump()) == set(example)


def test_the_examples_agree_with_themselves():
    answer = SUCCESSES["post", "/api/ask"]
    (citation,), (passage,) = answer["citations"], answer["passages"]
    start = citation["start"] - passage["start"]
    assert passage["text"][start : start + len(citation["quote"])] == citation["quote"]
    assert citation["end"] - citation["start"] == len(citation["quote"])
    assert passage["end"] - passage["start"] == len(passage["text"])
    (article,) = SUCCESSES["get", "/api/articles"]
    assert ArticleSummary.model_validate(article)
    whole = SUCCESSES["get", "/api/articles/{id}"]
    assert whole["characters"] == len(whole["text"])


def test_keys_are_offered_and_not_demanded(described):
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for _, path, operation in operations(described):
        assert {} in operation["security"]
        assert ({"key": []} in operation["security"]) == (path not in ("/healthz", "/readyz"))


@pytest.mark.parametrize(
    ("path", "id"),
    [("/api/articles/{id}", "a1"), ("/api/passages/{id}", "a2-0"), ("/v1/models/{id}", "xiaobao")],
)
def test_what_is_found_by_its_id_is_as_described(address, path, id):
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    case = schema[path]["GET"].Case(path_parameters={"id": id})
    assert case.call_and_validate(checks=CHECKS).status_code == 200
