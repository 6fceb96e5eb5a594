from __future__ import annotations

import http.client
import json
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from assistant.settings import Settings
from tests.ui.chromium import ARGUMENTS, executable
from tests.ui.conftest import ScriptedAssistant, running
from tests.ui.test_api import wait_until_ready
from ui.developers import KEY, QUESTION
from ui.problems import KINDS


class Read(HTMLParser):
    """What a page holds: its ids, where it leads, and the text of its examples."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.codes: dict[str, str] = {}
        self.tags: set[str] = set()
        self._code = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given[name] for name in ("href", "src") if name in given]
        if tag == "code" and given.get("id", "").endswith("-code"):
            self._code = given["id"].removesuffix("-code")

    def handle_endtag(self, tag):
        if tag == "code":
            self._code = ""

    def handle_data(self, data):
        if self._code:
            self.codes[self._code] = self.codes.get(self._code, "") + data


@pytest.fixture(scope="module")
def address():
    with running(Settings(), lambda _: ScriptedAssistant()) as address:
        with httpx.Client(base_url=address) as client:
            wait_until_ready(client)
        yield address


@pytest.fixture(scope="module")
def read(address):
    return Read(httpx.get(f"{address}/api").text)


@pytest.fixture(scope="module")
def answer(address):
    return httpx.post(f"{address}/api/ask", json={"question": QUESTION}).json()


@pytest.fixture(scope="module")
def printed(answer):
    """What an example prints that shows the answer and its citations."""
    cited = [f"[{one['number']}] {one['title']} {one['quote']}" for one in answer["citations"]]
    return [answer["text"], *cited]


@pytest.fixture
def page():
    chromium = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        yield context.new_page()
        browser.close()


def test_the_curl_example_gives_the_answer(read, answer):
    run = subprocess.run(["bash", "-c", read.codes["curl"]], capture_output=True, text=True, check=True)
    got = json.loads(run.stdout)
    for own in ("id", "timings_ms"):
        assert got.pop(own)
    assert got == {name: value for name, value in answer.items() if name not in ("id", "timings_ms")}


@pytest.mark.parametrize("example", ["python", "openai"])
def test_the_python_examples_print_the_answer_and_its_citations(read, printed, example):
    command = [sys.executable, "-X", "utf8", "-c", read.codes[example]]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert run.stdout.splitlines() == printed


@pytest.mark.browser
def test_the_javascript_example_runs_in_a_browser(page, address, read, printed):
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{address}/api")
    page.evaluate(f"async () => {{ {read.codes['javascript']} }}")
    assert said == printed


@pytest.mark.browser
def test_an_example_is_copied_by_its_button(page, address, read):
    hosts, troubles = set(), []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: troubles.append(message.text))
    page.goto(f"{address}/api")
    page.get_by_role("button", name="复制 Python 示例").click()
    page.wait_for_function("document.getElementById('said').textContent === '已复制'")
    assert page.evaluate("navigator.clipboard.readText()").strip() == read.codes["python"].strip()
    assert hosts == {urlsplit(address).netloc} and not troubles


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_can_be_read_by_everybody(page, address, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{address}/api#bad_question")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_every_kind_of_problem_has_its_anchor_in_both_languages(address, read):
    text = httpx.get(f"{address}/api").text
    for code, kind in KINDS.items():
        assert read.ids.count(code) == 1
        assert kind.title in text and kind.title_en in text
    refused = httpx.post(f"{address}/api/ask", json={"question": ""}).json()
    assert refused["type"].removeprefix("/api#") in read.ids
    assert len(read.ids) == len(set(read.ids))


def test_whatever_the_page_links_to_is_there_and_on_this_server(address, read):
    assert "api/openapi.json" in read.links
    for link in read.links:
        assert not urlsplit(link).netloc
        if not link.startswith("#"):
            assert httpx.get(f"{address}/{link}").status_code == 200


def test_a_key_has_its_place_in_the_examples_only_where_one_is_needed(address):
    page = httpx.get(f"{address}/api").text
    assert KEY not in page and "不需要密钥" in page
    # Shown to whom the single sign-on vouches for; programs show keys instead.
    auth = {"api_keys": True, "sso_header": "X-Remote-User", "proxies": ["127.0.0.1/32"]}
    with running(Settings(auth=auth), lambda _: ScriptedAssistant()) as guarded:
        assert httpx.get(f"{guarded}/api").status_code == 401
        codes = Read(httpx.get(f"{guarded}/api", headers={"X-Remote-User": "wang"}).text).codes
    assert len(codes) == 4 and all(KEY in code for code in codes.values())
    assert f"-H 'Authorization: Bearer {KEY}'" in codes["curl"]


def test_the_scheme_that_a_believed_proxy_names_is_in_the_examples():
    with running(Settings(auth={"proxies": ["127.0.0.1/32"]}), lambda _: ScriptedAssistant()) as proxied:
        headers = {"Host": "xiaobao.intranet", "X-Forwarded-Proto": "https"}
        codes = Read(httpx.get(f"{proxied}/api", headers=headers).text).codes
    for code in codes.values():
        assert "https://xiaobao.intranet/" in code


@pytest.mark.parametrize(
    "host",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "a';touch /tmp/owned;'",
        "$(touch /tmp/owned)",
        "`id`",
        'a"+evil()+"',
        "a b",
        "user@evil.example",
        "evil.example/path#",
        "a\\b",
        "\xff",
        "",
        ":80",
        "a:99999999",
        "x" * 5000 + "<",
    ],
)
def test_no_part_of_a_hostile_host_gets_into_code_that_people_run(address, host):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    connection.putrequest("GET", "/api", skip_host=True)
    connection.putheader("Host", host.encode("latin-1"))
    connection.endheaders()
    response = connection.getresponse()
    text = response.read().decode()
    assert response.status in (200, 400)
    if response.status == 200:
        read = Read(text)
        assert "img" not in read.tags and read.codes
        for code in read.codes.values():
            assert f"{address}/" in code
    connection.close()
