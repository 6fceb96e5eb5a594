"""Who may ask, and whom the server believes, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from urllib.parse import quote

import httpx
import pytest

from assistant.settings import Settings, load_settings
from index.errors import SettingsError
from tests.ui.conftest import ScriptedAssistant, running
from ui.access import is_within
from ui.keys import KEYS_FILE, Keys

QUESTION = {"question": "2022年平安人寿赔付了多少件？"}
PATHS = (
    "/",
    "/api/version",
    "/api/openapi.json",
    "/page/state",
    "/page/static/page.js",
    "/config",
    "/metrics",
    "/embed",
    "/embed/state",
    "/api",
)
GRADIO = (
    "/upload", "/gradio_api/upload", "/cancel", "/reset", "/queue/join", "/queue/data", "/gradio_api/queue/join",
    "/gradio_api/info", "/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/proxy=https://example.org", "/login", "/monitoring",
)  # fmt: skip


@contextmanager
def serving(tmp_path, **auth: object) -> Iterator[httpx.Client]:
    with (
        running(Settings(auth=auth), lambda _: ScriptedAssistant(), tmp_path) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        deadline = time.monotonic() + 10
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield client


def key(tmp_path, name: str = "评测") -> tuple[Keys, dict[str, str]]:
    keys = Keys(tmp_path / KEYS_FILE)
    return keys, {"Authorization": f"Bearer {keys.add(name)}"}


def test_with_keys_nothing_is_given_without_one(tmp_path):
    keys, headers = key(tmp_path)
    with serving(tmp_path, api_keys=True) as client:
        for path in (*PATHS, *GRADIO):
            refused = client.get(path)
            assert refused.status_code == 401, path
            assert refused.json()["code"] == "unauthorised"
            assert refused.headers["www-authenticate"] == "Bearer"
            assert "set-cookie" not in refused.headers
        assert client.post("/api/ask", json=QUESTION).status_code == 401
        assert client.get("/healthz").status_code == 200 and client.get("/readyz").status_code == 200
        assert client.post("/api/ask", json=QUESTION, headers=headers).json()["status"] == "grounded"
        assert client.get("/api/version", headers=headers).status_code == 200
        keys.revoke("评测")
        assert client.post("/api/ask", json=QUESTION, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer xb_wrong",
        "Bearer x y",
        "Bearer",
        "Basic eGI6eGI=",
        "xb_wrong",
        "Bearer é",
        "Bearer " + "x" * 5000,
    ],
)
def test_a_wrong_key_is_refused(tmp_path, shown):
    key(tmp_path)
    with serving(tmp_path, api_keys=True) as client:
        refused = client.get("/api/version", headers={"Authorization": shown.encode("latin-1", "replace")})
        assert refused.status_code == 401


def test_who_comes_through_a_listed_proxy_is_whom_it_names_and_keeps_their_conversations(tmp_path):
    with serving(tmp_path, sso_header="X-Remote-User", proxies=["127.0.0.0/8"]) as client:
        person = {"X-Remote-User": quote("张三")}
        assert client.get("/page/state").status_code == 401
        assert "统一登录" in client.get("/page/state").json()["detail"]
        assert client.post("/page/ask", json=QUESTION, headers=person).status_code == 200
        client.cookies.clear()
        assert "set-cookie" not in client.get("/page/state", headers=person).headers
        assert len(client.get("/page/conversations", headers=person).json()) == 1
        same = {"X-Remote-User": "张三".encode()}
        assert len(client.get("/page/conversations", headers=same).json()) == 1
        assert client.get("/page/conversations", headers={"X-Remote-User": "lisi"}).json() == []
        assert client.get("/page/state", headers={"X-Remote-User": "%20"}).status_code == 401


def test_nobody_names_themselves_from_elsewhere(tmp_path):
    with serving(tmp_path, sso_header="X-Remote-User", proxies=["10.0.0.0/8"]) as client:
        for headers in (
            {"X-Remote-User": "boss"},
            {"X-Remote-User": "boss", "X-Forwarded-For": "10.0.0.1"},
            {"x-remote-user": "boss", "Forwarded": "for=10.0.0.1"},
        ):
            assert client.get("/api/version", headers=headers).status_code == 401


def test_a_key_opens_where_single_sign_on_is_used_too(tmp_path):
    _, headers = key(tmp_path)
    with serving(tmp_path, api_keys=True, sso_header="X-Remote-User", proxies=["127.0.0.1"]) as client:
        assert client.get("/api/version", headers=headers).status_code == 200
        assert client.get("/api/version", headers={"X-Remote-User": "zhang"}).status_code == 200
        assert client.get("/api/version").status_code == 401


def test_without_keys_or_single_sign_on_everybody_may_ask(tmp_path):
    with serving(tmp_path) as client:
        assert client.post("/api/ask", json=QUESTION).status_code == 200
        assert client.get("/api/version", headers={"Authorization": "Bearer something"}).status_code == 200


@pytest.mark.parametrize("path", GRADIO)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_page_does_not_use_of_gradio_is_not_there(open_server, method, path):
    response = open_server.request(method, path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.fixture(scope="module")
def open_server() -> Iterator[httpx.Client]:
    with (
        running(
            Settings(embed={"allowed_origins": ["https://portal.example.com"]}), lambda _: ScriptedAssistant()
        ) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        while client.get("/readyz").status_code != 200:
            time.sleep(0.02)
        yield client


@pytest.mark.parametrize("path", ["/api/ask", "/page/ask", "/api/feedback", "/page/feedback"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://portal.example.com.evil.example"]
)
def test_another_sites_page_cannot_make_a_browser_ask(open_server, path, origin):
    refused = open_server.post(path, json=QUESTION, headers={"Origin": origin})
    assert refused.status_code == 403
    assert refused.json()["code"] == "forbidden"
    assert "access-control-allow-origin" not in refused.headers


def test_the_own_page_and_listed_origins_may_ask(open_server):
    own = str(open_server.base_url).rstrip("/")
    assert open_server.post("/api/ask", json=QUESTION, headers={"Origin": own}).status_code == 200
    listed = {"Origin": "https://portal.example.com"}
    answered = open_server.post("/api/ask", json=QUESTION, headers=listed)
    assert answered.status_code == 200
    assert answered.headers["access-control-allow-origin"] == "https://portal.example.com"
    assert "access-control-allow-credentials" not in answered.headers
    preflight = open_server.options(
        "/api/ask",
        headers=listed
        | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"},
    )
    assert preflight.status_code == 200


def test_only_the_compact_page_may_be_framed_and_only_by_the_listed(open_server):
    for path in ("/", "/api/version", "/page/static/page.js"):
        assert _frame_ancestors(open_server.get(path)) == "frame-ancestors 'self'"
    assert _frame_ancestors(open_server.get("/embed")) == "frame-ancestors 'self' https://portal.example.com"


def _frame_ancestors(response: httpx.Response) -> str:
    policy = response.headers["content-security-policy"]
    return next(part.strip() for part in policy.split(";") if "frame-ancestors" in part)


def test_addresses_are_matched_in_either_notation():
    networks = [ip_network("10.0.0.0/8"), ip_network("::1/128")]
    assert (
        is_within("10.1.2.3", networks)
        and is_within("::ffff:10.1.2.3", networks)
        and is_within("::1", networks)
    )
    assert not any(is_within(address, networks) for address in ("11.0.0.1", "", "localhost", "::2", "10.1.2"))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[auth]\nsso_header = "X-Remote-User"', "proxies"),
        ('[auth]\nsso_header = "X Remote"\nproxies = ["10.0.0.1"]', "X-Remote-User"),
        ('[auth]\nproxies = ["proxy.example.com"]', "proxies"),
        ('[embed]\nallowed_origins = ["*"]', "来源"),
        ('[embed]\nallowed_origins = ["https://portal.example.com/page"]', "来源"),
        ('[embed]\nallowed_origins = ["portal.example.com"]', "来源"),
    ],
)  # fmt: skip
def test_settings_that_would_let_in_the_wrong_ones_are_refused(tmp_path, table, said):
    file = tmp_path / "xiaobao.toml"
    file.write_text(table, "utf-8")
    with pytest.raises(SettingsError, match=said):
        load_settings(file)


def test_an_origin_is_taken_as_people_write_it():
    written = [
        "HTTPS://Portal.Example.com:443/",
        "http://10.1.2.3:8080",
        "http://portal:80",
        "https://portal:80",
    ]
    assert Settings(embed={"allowed_origins": written}).embed.allowed_origins == (
        "https://portal.example.com",
        "http://10.1.2.3:8080",
        "http://portal",
        "https://portal:80",
    )


def test_who_asks_too_often_is_told_how_long_to_wait_and_others_are_not_held_up(tmp_path):
    keys, headers = key(tmp_path)
    other = {"Authorization": f"Bearer {keys.add('另一个')}"}
    settings = Settings(auth={"api_keys": True}, limits={"questions_per_minute": 3, "requests_per_minute": 8})
    with (
        running(settings, lambda _: ScriptedAssistant(), tmp_path) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        while client.get("/readyz").status_code != 200:
            time.sleep(0.02)
        statuses = [client.post("/api/ask", json=QUESTION, headers=headers).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        # What is no question has a limit of its own.
        statuses = [client.get("/api/version", headers=headers).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 200, 429]
        refused = client.post("/api/ask", json=QUESTION, headers=headers)
        assert refused.status_code == 429 and refused.json()["code"] == "rate_limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        assert client.post("/api/ask", json=QUESTION, headers=other).status_code == 200
        assert client.get("/healthz", headers=headers).status_code == 200


def test_a_damaged_file_of_keys_lets_nobody_in_and_says_so(tmp_path):
    _, headers = key(tmp_path)
    with serving(tmp_path, api_keys=True) as client:
        (tmp_path / KEYS_FILE).write_text("{", "utf-8")
        refused = client.get("/api/version", headers=headers)
        assert refused.status_code == 503 and refused.json()["code"] == "records_unusable"
        assert client.get("/healthz").status_code == 200


def test_programs_that_speak_to_openais_api_are_refused_in_its_form(tmp_path):
    with serving(tmp_path, api_keys=True) as client:
        for refused in (client.get("/v1/models"), client.post("/v1/chat/completions", json={})):
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
