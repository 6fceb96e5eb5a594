"""The chat inside other people's pages: what the server gives for it, and how it behaves in a real Chromium."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Frame,
    FrameLocator,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)

from assistant.settings import Settings
from tests.ui.chromium import ARGUMENTS, accessibility, executable, wait_until_ready
from tests.ui.conftest import CAMPAIGN, CLAIMS, HOSTILE, ScriptedAssistant, running
from ui.chat import STATIC, theme

QUESTION = "2022年平安人寿赔付了多少件？"
OTHER = "统筹部署了多少家成员公司？"
ANSWER = "2022年，平安人寿赔付410万件[1]。"
CITED = {"number": 1, "title": CLAIMS.title, "url": CLAIMS.url, "quote": "2022年，平安人寿赔付410万件"}
BLOCK, ALLOW = 1, 0
"""Chromium's ``profile.cookie_controls_mode``: whether cookies and storage of third parties are blocked."""
expect.set_options(timeout=10_000)


@dataclass
class Portal:
    """Somebody else's web server: pages by their path, of two origins, of which the product lists one."""

    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    port: int = 0
    product: str = ""

    @property
    def listed(self) -> str:
        # For a browser localhost is another site than 127.0.0.1, not only another origin.
        return f"http://localhost:{self.port}"

    @property
    def unlisted(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(self, path: str, body: str, **headers: str) -> str:
        """Puts a page up, and gives its address."""
        self.pages[path] = (
            f'<!doctype html><html lang="zh-CN"><title>内网门户</title><body>{body}</body></html>'
        )
        self.headers[path] = {name.replace("_", "-"): value for name, value in headers.items()}
        return f"{self.listed}{path}"

    def with_loader(self, path: str, before: str = "", attributes: str = "", **headers: str) -> str:
        """Puts a page up that takes the chat in with the one line of HTML."""
        line = f'<script src="{self.product}/embed.js" {attributes} async></script>'
        return self.put(path, f"<h1>内网门户</h1>{before}{line}", **headers)


class PortalHandler(BaseHTTPRequestHandler):
    """Gives the portal's pages, and passes on to the product what is asked below ``/xiaobao``."""

    protocol_version = "HTTP/1.0"
    portal: Portal

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/xiaobao/"):
            self._pass_on()
        elif path in self.portal.pages:
            headers = {"Content-Type": "text/html; charset=utf-8", **self.portal.headers[path]}
            self._answer(200, headers, self.portal.pages[path].encode())
        else:
            self._answer(404 if path != "/favicon.ico" else 204, {}, b"")

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        address = self.portal.product + self.path.removeprefix("/xiaobao")
        got = httpx.request(
            self.command, address, content=body, headers=kept | {"Accept-Encoding": "identity"}
        )
        headers = {name: value for name, value in got.headers.items() if name != "transfer-encoding"}
        self._answer(got.status_code, headers, got.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def scripted() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture(scope="module")
def portal(scripted) -> Iterator[Portal]:
    """The portal, with the product running beside it."""
    portal = Portal()
    handler = type("Handler", (PortalHandler,), {"portal": portal})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        portal.port = server.server_address[1]
        settings = Settings(embed={"allowed_origins": [portal.listed]})
        with running(settings, lambda _: scripted) as portal.product:
            wait_until_ready(portal.product)
            yield portal
        server.shutdown()


@pytest.fixture(scope="module")
def product(portal) -> str:
    return portal.product


# --- what the server gives ---


def events(address: str, **asked: object) -> list[tuple[str, dict]]:
    response = httpx.post(f"{address}/embed/ask", json=asked, timeout=20)
    assert response.status_code == 200, response.text
    found = []
    for block in response.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_the_loader_is_small_and_never_stale(product):
    response = httpx.get(f"{product}/embed.js")
    assert response.headers["content-type"].startswith("text/javascript")
    assert len(response.content) < 15_000
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    again = httpx.get(f"{product}/embed.js", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def test_the_compact_page_may_be_framed_by_the_listed_alone_and_runs_no_inline_script(portal, product):
    response = httpx.get(f"{product}/embed")
    policy = response.headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors 'self' {portal.listed}")
    assert "unsafe-inline" not in policy
    assert not re.search(r"<script(?! type=\"module\" src=)|<style|\son\w+=|\sstyle=", response.text)
    assert f'<meta name="xiaobao-origins" content="{portal.listed}">' in response.text


def test_a_theme_that_there_is_not_is_refused(product):
    assert 'class="dark"' in httpx.get(f"{product}/embed?theme=dark").text
    assert httpx.get(f"{product}/embed?theme=%22%3E%3Cscript%3E").status_code == 422


def test_nothing_below_embed_gives_a_cookie(product):
    with httpx.Client(base_url=product) as client:
        for address in ("/embed", "/embed.js", "/embed/state", "/embed/articles", "/embed/articles/a1"):
            assert client.get(address).status_code == 200
        client.post("/embed/ask", json={"question": QUESTION})
        assert dict(client.cookies) == {}


def test_an_answer_comes_in_steps_with_what_the_page_around_is_told_and_is_in_no_conversation(product):
    steps = events(product, question=QUESTION)
    assert [name for name, _ in steps] == ["progress", "progress", "turn"]
    turn = steps[-1][1]
    assert turn["plain"] == ANSWER and "<mark" in turn["sources_html"]
    assert (turn["status"], turn["citations"]) == ("grounded", [CITED])
    assert "conversation" not in turn


def test_an_address_that_is_not_the_webs_is_not_handed_to_the_page_around(product):
    assert CAMPAIGN.url.startswith("javascript:")
    (citation,) = events(product, question=OTHER)[-1][1]["citations"]
    assert citation["url"] == "" and citation["title"] == CAMPAIGN.title


def test_what_was_said_before_comes_with_the_question(product, scripted):
    said = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    events(product, question=" 那成员公司呢？", history=said)
    assert scripted.asked[-1] == ("那成员公司呢？", (("user", QUESTION), ("assistant", ANSWER)))


@pytest.mark.parametrize(("question", "code"), [("长" * 3000, "bad_question"), ("中途坏", "internal")])
def test_a_question_without_an_answer_is_told_why(product, question, code):
    name, error = events(product, question=question)[-1]
    assert name == "error" and error["code"] == code


def test_what_is_no_question_is_refused(product):
    for wrong in (
        {},
        {"question": QUESTION, "conversation": "x"},
        {"question": QUESTION, "history": [{"role": "system", "content": "x"}]},
    ):
        assert httpx.post(f"{product}/embed/ask", json=wrong).status_code == 422
    asked = {"question": QUESTION}
    foreign = httpx.post(f"{product}/embed/ask", json=asked, headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403


def test_whole_articles_can_be_read(product):
    assert CLAIMS.title in httpx.get(f"{product}/embed/articles").json()["html"]
    assert "同比增长" in httpx.get(f"{product}/embed/articles/a1").json()["html"]
    assert httpx.get(f"{product}/embed/articles/none").status_code == 404
    assert httpx.get(f"{product}/embed/articles/a1?quoted=x").status_code == 404


def test_pages_are_not_among_the_files(product):
    for name in ("embed.html", "demo.html", "x/../demo.html"):
        assert httpx.get(f"{product}/page/static/{name}").status_code == 404
    assert httpx.get(f"{product}/page/static/compact.js").status_code == 200


def test_the_demonstration_is_there_where_it_was_asked_for_alone(product):
    assert httpx.get(f"{product}/demo").status_code == 404
    with running(Settings(), lambda _: ScriptedAssistant(), demo=True) as address:
        response = httpx.get(f"{address}/demo")
        assert response.status_code == 200 and "embed.js" in response.text


def test_the_compact_page_has_the_colours_of_the_page():
    light, dark = theme()._get_theme_css().split("\n}", 1)
    gradio = {
        name: dict(re.findall(r"--([\w-]+): (.*);", part))
        for name, part in (("light", light), ("dark", dark))
    }

    def value(scheme: str, name: str) -> str:
        found = gradio[scheme].get(name) or gradio["light"][name]
        inner = re.fullmatch(r"var\(--([\w-]+)\)", found)
        return value(scheme, inner.group(1)) if inner else found

    blocks = re.findall(r"^:root(\.dark)? \{(.*?)^\}", (STATIC / "embed.css").read_text("utf-8"), re.M | re.S)
    assert len(blocks) == 2
    for mark, block in blocks:
        own = dict(re.findall(r"--([\w-]+): (.*);", block))
        assert own == {name: value("dark" if mark else "light", name) for name in own}
    used = set(re.findall(r"var\(--(?!xb-)([\w-]+)\)", (STATIC / "page.css").read_text("utf-8")))
    assert used == set(own)


# --- in a browser ---


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a page, and afterwards holds it to what every page must keep to: no other host, no error."""
    opened = []

    def open_page(
        address: str, width: int = 1280, height: int = 800, foreseen: Sequence[str] = (), **options
    ) -> Page:
        """``foreseen`` are the troubles that the test itself brings about."""
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **options)
        page = context.new_page()
        opened.append((context, watch(page), foreseen))
        page.goto(address)
        return page

    yield open_page
    for context, (hosts, troubles), foreseen in opened:
        context.close()
        assert hosts - {None} <= {"127.0.0.1", "localhost"}
        assert [one for one in troubles if not any(known in one for known in foreseen)] == []


def watch(page: Page) -> tuple[set[str | None], list[str]]:
    """The hosts that a page asks, and the errors that come up in it and its frames."""
    hosts: set[str | None] = set()
    troubles: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    return hosts, troubles


@contextmanager
def keeping(playwright: Playwright, folder: Path, mode: int) -> Iterator[BrowserContext]:
    """A Chromium set to block what third parties keep, or to allow it."""
    (folder / "Default").mkdir(parents=True)
    (folder / "Default" / "Preferences").write_text(json.dumps({"profile": {"cookie_controls_mode": mode}}))
    context = playwright.chromium.launch_persistent_context(
        folder, executable_path=executable(), args=ARGUMENTS, locale="zh-CN"
    )
    yield context
    context.close()


def inside(page: Page) -> FrameLocator:
    """The compact page in the panel."""
    return page.frame_locator("xiaobao-chat iframe")


def compact(page: Page) -> Frame:
    """The same, for scripts to be run in it."""
    return next(frame for frame in page.frames if "/embed" in frame.url)


def open_panel(page: Page) -> FrameLocator:
    """Opens the panel with its button, and waits until one can type."""
    page.locator("xiaobao-chat .opener").click()
    expect(inside(page).locator("#xb-state")).to_have_text("已就绪")
    return inside(page)


def ask(chat: FrameLocator | Page, question: str) -> None:
    """Types a question, and waits until it is answered."""
    turns = chat.locator(".xb-turn .xb-text")
    before = turns.count()
    chat.locator("#xb-question").fill(question)
    chat.locator("#xb-question").press("Enter")
    expect(turns).to_have_count(before + 1)


WRITES = """async () => {
  const tried = {};
  for (const name of ["localStorage", "sessionStorage"]) {
    try { window[name].setItem("tried", "1"); tried[name] = "kept"; } catch (error) { tried[name] = error.name; }
  }
  document.cookie = "tried=1; SameSite=None; Secure";
  return { ...tried, cookie: document.cookie };
}"""
KEPT = """async () => ({
  localStorage: localStorage.length, sessionStorage: sessionStorage.length, cookie: document.cookie,
  databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""


@pytest.mark.browser
def test_it_works_in_a_listed_page_where_third_parties_may_keep_nothing(
    playwright, portal, scripted, tmp_path
):
    address = portal.with_loader("/blocked")
    with keeping(playwright, tmp_path, BLOCK) as context:
        page = context.new_page()
        _, troubles = watch(page)
        page.goto(address)
        chat = open_panel(page)
        blocked = compact(page).evaluate(WRITES)
        assert blocked == {"localStorage": "SecurityError", "sessionStorage": "SecurityError", "cookie": ""}
        ask(chat, QUESTION)
        chip = chat.locator(".xb-text .xb-cite")
        chip.hover()
        expect(chat.get_by_role("tooltip")).to_contain_text("“2022年，平安人寿赔付410万件”")
        chip.click()
        expect(chat.locator("#xb-panel mark")).to_have_text("2022年，平安人寿赔付410万件")
        chat.locator("#xb-panel .xb-read").click()
        expect(chat.locator("#xb-panel .xb-article mark")).to_be_in_viewport()
        chat.locator(".xb-side").get_by_role("button", name="关闭").click()
        ask(chat, "那成员公司呢？")
        assert scripted.asked[-1] == ("那成员公司呢？", (("user", QUESTION), ("assistant", ANSWER)))
        assert context.cookies(portal.product) == []
        assert troubles == []


@pytest.mark.browser
def test_it_keeps_nothing_where_it_could(playwright, portal, tmp_path):
    address = portal.with_loader("/allowed")
    with keeping(playwright, tmp_path, ALLOW) as context:
        page = context.new_page()
        page.goto(address)
        chat = open_panel(page)
        ask(chat, QUESTION)
        chat.get_by_role("button", name="有帮助").click()
        nothing = {
            "localStorage": 0,
            "sessionStorage": 0,
            "cookie": "",
            "databases": 0,
            "caches": 0,
            "workers": 0,
        }
        assert compact(page).evaluate(KEPT) == nothing
        assert context.cookies(portal.product) == []
        could = compact(page).evaluate(WRITES)
        assert could == {"localStorage": "kept", "sessionStorage": "kept", "cookie": "tried=1"}


@pytest.mark.browser
def test_a_page_that_is_not_listed_gets_no_chat_and_is_told_why(portal, open_page):
    portal.with_loader("/unlisted")
    page = open_page(f"{portal.unlisted}/unlisted", foreseen=["frame-ancestors", "target origin"])
    page.locator("xiaobao-chat .opener").click()
    trouble = page.locator("xiaobao-chat .trouble")
    expect(trouble).to_contain_text("不在 embed.allowed_origins 里")
    assert trouble.get_by_role("link").get_attribute("href") == f"{portal.product}/"
    expect(inside(page).locator("#xb-question")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("xiaobao-chat .opener")).to_be_focused()


@pytest.mark.browser
def test_the_focus_goes_into_the_panel_and_back_to_the_button(portal, open_page):
    page = open_page(portal.with_loader("/focus"))
    opener = page.get_by_role("button", name="消保问答")
    expect(opener).to_have_attribute("aria-expanded", "false")
    assert page.locator("xiaobao-chat iframe").count() == 0
    page.keyboard.press("Tab")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="消保问答")
    expect(panel).to_be_visible()
    assert opener.get_attribute("aria-controls") == panel.get_attribute("id")
    expect(opener).to_have_attribute("aria-expanded", "true")
    chat = inside(page)
    expect(chat.locator("#xb-question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(chat.locator(".xb-text")).to_contain_text("410万件")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(chat.locator(".xb-text")).to_contain_text("410万件")  # it is the same conversation still
    expect(chat.locator("#xb-question")).to_be_focused()
    panel.get_by_role("button", name="关闭", exact=True).first.click()
    expect(opener).to_be_focused()


@pytest.mark.browser
def test_escape_closes_what_lies_uppermost_first(portal, open_page):
    page = open_page(portal.with_loader("/escape"))
    chat = open_panel(page)
    ask(chat, QUESTION)
    panel = page.get_by_role("dialog")
    chip = chat.locator(".xb-text .xb-cite")
    chip.focus()
    expect(chat.get_by_role("tooltip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chat.get_by_role("tooltip")).to_be_hidden()
    chip.press("Enter")
    expect(chat.locator("#xb-panel .xb-card")).to_be_focused()
    page.keyboard.press("Escape")
    expect(chat.locator("#xb-panel")).to_be_hidden()
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")  # the quote, which the chip shows again now that it has the focus
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


@pytest.mark.browser
def test_the_panel_stays_as_it_was_from_page_to_page_and_takes_no_focus_by_itself(portal, open_page):
    page = open_page(
        portal.with_loader("/remembered", '<input aria-label="查找" autofocus>', 'data-question="你好"')
    )
    open_panel(page)
    expect(inside(page).locator(".xb-turn")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(inside(page).locator("#xb-state")).to_have_text("已就绪")
    expect(page.get_by_label("查找")).to_be_focused()
    expect(inside(page).locator(".xb-turn")).to_have_count(
        0
    )  # what was asked first is not asked on every page
    page.evaluate("xiaobao.close()")
    expect(page.get_by_label("查找")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="消保问答")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.locator("xiaobao-chat iframe").count() == 0


@pytest.mark.browser
def test_where_the_page_itself_may_keep_nothing_it_works_all_the_same(portal, open_page):
    before = "<script>Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('blocked'); }})</script>"
    page = open_page(portal.with_loader("/no-storage", before))
    ask(open_panel(page), QUESTION)


@pytest.mark.browser
def test_the_page_around_asks_by_script_by_element_and_by_attribute(portal, open_page, scripted):
    elements = f'<p><a href="/none" data-xiaobao-question="{OTHER}">多少家<b>公司</b></a></p>'
    page = open_page(portal.with_loader("/asking", elements, 'data-question="你好"'))
    asked = len(scripted.asked)
    page.locator("p b").click()  # opens the panel, which loads the chat
    page.evaluate(f"xiaobao.ask('{QUESTION}'); xiaobao.ask('   ')")  # while the first is still under way
    texts = inside(page).locator(".xb-turn .xb-text")
    expect(texts).to_have_count(2)
    assert [question for question, _ in scripted.asked[asked:]] == [OTHER, QUESTION]
    assert scripted.asked[-1][1][0] == ("user", OTHER)
    page.evaluate("xiaobao.close()")
    expect(page.locator("p a")).to_be_focused()
    page.evaluate("xiaobao.open()")
    expect(texts).to_have_count(2)
    fresh = open_page(portal.listed + "/asking")
    fresh.wait_for_function("window.xiaobao")
    fresh.evaluate("xiaobao.open()")
    expect(inside(fresh).locator(".xb-bubble")).to_have_text("你好")


@pytest.mark.browser
def test_the_page_around_is_told_what_was_answered(portal, open_page):
    page = open_page(portal.with_loader("/told"))
    page.evaluate("told = []; addEventListener('xiaobao:answered', (event) => told.push(event.detail))")
    chat = open_panel(page)
    ask(chat, QUESTION)
    ask(chat, "股价是多少？")
    assert page.evaluate("told") == [
        {"question": QUESTION, "status": "grounded", "citations": [CITED]},
        {"question": "股价是多少？", "status": "not_found", "citations": []},
    ]


@pytest.mark.browser
def test_messages_of_any_other_origin_are_not_heard(portal, product, open_page, scripted):
    portal.put("/stranger", "<p>陌生的网页</p>")
    strange = f'<iframe src="{portal.unlisted}/stranger"></iframe>'
    page = open_page(portal.with_loader("/strange", f'<iframe src="{product}/embed"></iframe>{strange}'))
    page.evaluate("told = []; addEventListener('xiaobao:answered', (event) => told.push(event.detail))")
    open_panel(page)
    plain = page.frame_locator("iframe").first
    expect(plain.locator("#xb-state")).to_have_text("已就绪")
    asked = len(scripted.asked)
    stranger = next(frame for frame in page.frames if frame.url.endswith("/stranger"))
    stranger.evaluate(
        "parent.frames[0].postMessage({xiaobao: 'ask', question: '陌生人'}, '*');"
        "parent.postMessage({xiaobao: 'answered', question: '假的', status: 'grounded', citations: []}, '*');"
        "parent.postMessage({xiaobao: 'close'}, '*')"
    )
    compact(page).evaluate("window.postMessage({xiaobao: 'ask', question: '自己'}, '*')")
    page.evaluate(
        "frames[0].postMessage({xiaobao: 'ask', question: 7}, '*'); frames[0].postMessage('ask', '*')"
    )
    page.evaluate(f"frames[0].postMessage({{xiaobao: 'ask', question: '{QUESTION}'}}, '*')")
    expect(plain.locator(".xb-text")).to_contain_text("410万件")
    assert [question for question, _ in scripted.asked[asked:]] == [QUESTION]
    assert page.evaluate("told") == []
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.browser
def test_a_page_that_is_not_listed_is_neither_heard_nor_told_even_where_it_holds_the_chat(
    portal, product, open_page, scripted
):
    script = "<script>heard = []; addEventListener('message', (event) => heard.push(event.data))</script>"
    portal.put("/frameless", script)
    page = open_page(f"{portal.unlisted}/frameless")

    def without_policy(route: Route) -> None:
        got = route.fetch()
        headers = {name: value for name, value in got.headers.items() if name != "content-security-policy"}
        route.fulfill(response=got, headers=headers)

    page.route("**/embed", without_policy)
    page.evaluate(
        f"document.body.append(Object.assign(document.createElement('iframe'), {{src: '{product}/embed'}}))"
    )
    chat = page.frame_locator("iframe")
    expect(chat.locator("#xb-state")).to_have_text("已就绪")
    asked = len(scripted.asked)
    page.evaluate(f"frames[0].postMessage({{xiaobao: 'ask', question: '{OTHER}'}}, '*')")
    ask(chat, QUESTION)
    assert [question for question, _ in scripted.asked[asked:]] == [QUESTION]
    assert page.evaluate("heard") == []


@pytest.mark.browser
@pytest.mark.parametrize("hidden", ["", '<meta name="referrer" content="no-referrer">'])
def test_a_plain_frame_speaks_the_same_language(portal, product, open_page, hidden):
    script = "<script>heard = []; addEventListener('message', (event) => heard.push([event.origin, event.data]))</script>"
    page = open_page(
        portal.put(
            "/plain", f'{hidden}{script}<iframe src="{product}/embed" width="900" height="600"></iframe>'
        )
    )
    page.wait_for_function("heard.length")
    assert page.evaluate("heard[0]") == [product, {"xiaobao": "ready"}]
    page.evaluate(
        f"frames[0].postMessage({{xiaobao: 'theme', theme: 'dark'}}, '{product}');"
        f"frames[0].postMessage({{xiaobao: 'ask', question: '{QUESTION}'}}, '{product}')"
    )
    chat = page.frame_locator("iframe")
    expect(chat.locator("html")).to_have_class("dark")
    expect(chat.locator("#xb-panel mark")).to_be_visible()  # there is room beside the chat
    page.wait_for_function("heard.length === 2")
    assert page.evaluate("heard[1][1].citations") == [CITED]


@pytest.mark.browser
def test_what_is_marked_on_the_page_is_offered_and_not_asked(portal, open_page, scripted):
    page = open_page(portal.with_loader("/marked", "<p id=passage>犹豫期内可以退保</p><p>别的</p>"))
    page.evaluate("getSelection().selectAllChildren(document.getElementById('passage'))")
    asked = len(scripted.asked)
    chat = open_panel(page)
    chip = chat.get_by_role("button", name="关于“犹豫期内可以退保”")
    expect(chip).to_be_visible()
    page.evaluate("getSelection().removeAllRanges()")
    expect(chip).to_have_count(0)
    page.evaluate("getSelection().selectAllChildren(document.getElementById('passage'))")
    chip.click()
    expect(chat.locator("#xb-question")).to_have_value("关于“犹豫期内可以退保”，")
    expect(chat.locator("#xb-question")).to_be_focused()
    assert len(scripted.asked) == asked


@pytest.mark.browser
def test_it_is_dark_where_the_page_or_the_browser_is(portal, open_page):
    page = open_page(portal.with_loader("/dark", attributes='data-theme="dark"'), color_scheme="light")
    chat = open_panel(page)
    root = page.locator("xiaobao-chat .root")
    expect(chat.locator("html")).to_have_class("dark")
    expect(root).to_have_class(re.compile("dark"))
    background = compact(page).evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(10, 15, 30)"
    page.evaluate("document.querySelector('script').dataset.theme = 'auto'")
    expect(chat.locator("html")).to_have_class("light")
    page.emulate_media(color_scheme="dark")
    expect(chat.locator("html")).to_have_class("dark")
    expect(root).to_have_class(re.compile("dark"))


@pytest.mark.browser
def test_on_a_narrow_window_the_panel_is_the_window(portal, open_page):
    page = open_page(portal.with_loader("/narrow", attributes='data-position="left"'), width=360, height=740)
    opener = page.locator("xiaobao-chat .opener")
    expect(opener).to_be_in_viewport(ratio=1)
    assert opener.bounding_box()["x"] == 20
    chat = open_panel(page)
    ask(chat, QUESTION)
    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 740}
    for frame in (page.main_frame, compact(page)):
        assert frame.evaluate("document.documentElement.scrollWidth") <= 360
    expect(chat.locator("#xb-question")).to_be_in_viewport(ratio=1)
    chat.get_by_role("button", name="查看出处").click()
    expect(chat.locator("#xb-panel mark")).to_be_in_viewport()
    page.reload()
    expect(opener).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()  # it would cover the page that was asked for


@pytest.mark.browser
def test_the_style_of_the_page_around_does_not_reach_it(portal, open_page):
    calm = open_page(portal.with_loader("/calm")).locator("xiaobao-chat .opener").bounding_box()
    hostile = (
        "<style>body, body *, html > * { display: none !important; visibility: hidden !important; opacity: 0 !important;"
        " transform: scale(3) !important; font: 60px/3 serif !important; color: red !important; padding: 50px !important;"
        " position: static !important; pointer-events: none !important; }</style>"
    )
    page = open_page(portal.with_loader("/hostile", hostile))
    opener = page.locator("xiaobao-chat .opener")
    expect(opener).to_be_visible()
    assert opener.bounding_box() == calm
    ask(open_panel(page), QUESTION)
    assert page.get_by_role("dialog").bounding_box()["width"] == 420


@pytest.mark.browser
def test_loaded_twice_it_is_one_button_and_one_name(portal, product, open_page):
    bare = open_page(portal.put("/bare", ""))
    names = set(bare.evaluate("Object.getOwnPropertyNames(window)"))
    again = f'<script src="{product}/embed.js"></script>'
    page = open_page(portal.with_loader("/twice", again))
    page.wait_for_load_state("networkidle")
    assert page.locator("xiaobao-chat").count() == 1
    assert set(page.evaluate("Object.getOwnPropertyNames(window)")) - names == {"xiaobao"}
    assert page.evaluate("Object.keys(xiaobao)") == ["open", "ask", "close"]


@pytest.mark.browser
def test_a_strict_page_can_take_it_in(portal, product, open_page):
    policy = (
        f"default-src 'none'; script-src {product}; frame-src {product}; "
        "style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page = open_page(
        portal.with_loader(
            "/strict",
            Content_Security_Policy=policy,
            Cross_Origin_Opener_Policy="same-origin",
        ),
        foreseen=["favicon"],
    )
    ask(open_panel(page), QUESTION)


@pytest.mark.browser
def test_it_works_below_a_path(portal, open_page, scripted):
    portal.put("/below", '<script src="/xiaobao/embed.js" async></script>')
    page = open_page(f"{portal.unlisted}/below")  # of the same origin, which needs no list
    page.evaluate(
        "told = []; addEventListener('xiaobao:answered', (event) => told.push(event.detail.status))"
    )
    chat = open_panel(page)
    ask(chat, QUESTION)
    chat.locator(".xb-text .xb-cite").click()
    chat.locator("#xb-panel .xb-read").click()
    expect(chat.locator("#xb-panel .xb-article mark")).to_be_visible()
    assert page.evaluate("told") == ["grounded"]
    link = chat.get_by_role("link", name="在新窗口打开")
    assert link.evaluate("link => link.href") == f"{portal.unlisted}/xiaobao/"


@pytest.mark.browser
def test_answers_are_copied_rated_changed_and_begun_anew(portal, product, open_page, scripted):
    permissions = ["clipboard-read", "clipboard-write"]
    page = open_page(portal.with_loader("/doing"), permissions=permissions)
    chat = open_panel(page)
    ask(chat, QUESTION)
    turn = chat.locator(".xb-turn").first
    turn.get_by_role("button", name="复制回答和出处").click()
    expect(turn).to_contain_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()").startswith(ANSWER)
    with page.expect_request("**/api/feedback") as rated:
        turn.get_by_role("button", name="有帮助").click()
    expect(turn).to_contain_text("已记录，谢谢")
    assert rated.value.post_data_json["rating"] == "up"
    turn.get_by_role("button", name="没帮助").click()
    turn.get_by_role("radio", name="来源不对").check()
    with page.expect_request("**/api/feedback") as rated:
        turn.get_by_role("button", name="提交").click()
    assert (rated.value.post_data_json["rating"], rated.value.post_data_json["reason"]) == (
        "down",
        "来源不对",
    )
    with page.expect_request("**/api/feedback") as rated:
        turn.get_by_role("button", name="没帮助").click()
    expect(turn).to_contain_text("已撤回评价")
    assert rated.value.post_data_json["rating"] is None
    ask(chat, OTHER)
    turn.hover()
    turn.get_by_role("button", name="修改问题").click()
    turn.get_by_role("textbox", name="修改问题").fill("股价是多少？")
    page.keyboard.press("Enter")
    expect(chat.locator(".xb-turn")).to_have_count(1)
    expect(chat.locator(".xb-turn")).to_contain_text("资料中未找到")
    assert scripted.asked[-1] == ("股价是多少？", ())
    chat.get_by_role("button", name="新对话").click()
    expect(chat.locator(".xb-turn")).to_have_count(0)
    ask(chat, OTHER)
    assert scripted.asked[-1] == (OTHER, ())


@pytest.mark.browser
def test_without_the_server_the_question_is_kept_and_the_panel_can_be_loaded_again(portal, open_page):
    page = open_page(portal.with_loader("/offline"), foreseen=["ERR_FAILED", "target origin"])
    page.route("**/embed?*", lambda route: route.abort())
    page.locator("xiaobao-chat .opener").click()
    again = page.locator("xiaobao-chat").get_by_role("button", name="重试")
    expect(again).to_be_visible()
    page.unroute("**/embed?*")
    again.click()
    chat = inside(page)
    expect(chat.locator("#xb-state")).to_have_text("已就绪")
    page.route("**/embed/ask", lambda route: route.abort())
    chat.locator("#xb-question").fill(QUESTION)
    chat.locator("#xb-question").press("Enter")
    expect(chat.locator(".xb-unanswered")).to_contain_text("连不上服务器")
    expect(chat.locator("#xb-question")).to_have_value(QUESTION)
    page.unroute("**/embed/ask")
    chat.get_by_role("button", name="重试").click()
    expect(chat.locator(".xb-text")).to_contain_text("410万件")


@pytest.mark.browser
def test_a_hostile_article_does_nothing_but_read_badly(portal, open_page):
    page = open_page(portal.with_loader("/inert"))
    page.evaluate("told = []; addEventListener('xiaobao:answered', (event) => told.push(event.detail))")
    chat = open_panel(page)
    ask(chat, f"敌意 {HOSTILE.text}")
    chat.locator(".xb-text .xb-cite").first.click()
    expect(chat.locator("#xb-panel mark")).to_be_visible()
    assert compact(page).evaluate("window.hacked") is None
    for area in (".xb-log", "#xb-panel"):
        place = chat.locator(area)
        expect(place).to_contain_text("<script>window")
        assert place.locator("img, form, iframe, script, object, embed, code, h1, em").count() == 0
    links = chat.locator("#xb-main a").evaluate_all("all => all.map(a => a.href)")
    assert {urlsplit(link).hostname for link in links} <= {"127.0.0.1", "evil.example"}
    assert all(urlsplit(citation["url"]).scheme == "https" for citation in page.evaluate("told[0].citations"))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_anyone(portal, product, open_page, scheme):
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    around = open_page(portal.with_loader("/around"), **options)
    open_panel(around)
    assert accessibility(around) == []
    page = open_page(f"{product}/embed", width=418, height=610, **options)
    expect(page.locator("html")).to_have_class(scheme)
    expect(page.locator(".xb-offer")).to_have_count(3)
    assert accessibility(page) == []
    ask(page, "股价是多少？")
    ask(page, QUESTION)
    turn = page.locator(".xb-turn").last
    turn.locator("summary").click()
    turn.get_by_role("button", name="没帮助").click()
    assert accessibility(page) == []
    turn.locator(".xb-text .xb-cite").first.click()
    page.locator("#xb-panel .xb-read").first.click()
    expect(page.locator(".xb-article")).to_be_visible()
    assert accessibility(page) == []


@pytest.mark.browser
def test_every_name_is_chinese_and_every_focus_is_seen(portal, open_page):
    page = open_page(portal.with_loader("/names"))
    chat = open_panel(page)
    ask(chat, QUESTION)
    named = (
        "all => all.map(e => [e.ariaLabel, e.title, e.placeholder].filter(Boolean).join(' ')).filter(Boolean)"
    )
    said = chat.locator("[aria-label], [title], [placeholder]").evaluate_all(named)
    said += page.locator("xiaobao-chat [aria-label], xiaobao-chat [title]").evaluate_all(named)
    said += [chat.locator("body").inner_text(), page.locator("xiaobao-chat .root").inner_text()]
    assert len(said) > 10
    assert [text for text in said if re.search(r"[A-Za-z]{2,}", text.replace("Shift", ""))] == []
    seen = set()
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        look = "(deep) => { const e = deep.shadowRoot?.activeElement ?? deep; return [e.ariaLabel || e.innerText, getComputedStyle(e).outlineStyle]; }"
        frame = compact(page) if compact(page).evaluate("document.hasFocus()") else page.main_frame
        name, outline = frame.evaluate(f"({look})(document.activeElement)")
        if page.evaluate("document.activeElement === document.body"):
            break
        assert outline != "none", name
        seen.add(name.strip())
    assert {"消保问答", "关闭", "新对话", "在新窗口打开", "修改问题"} <= seen


@pytest.mark.browser
def test_the_demonstration_marks_what_an_answer_cited(open_page):
    with ExitStack() as servers:
        assistant = ScriptedAssistant()
        address = servers.enter_context(running(Settings(), lambda _: assistant, demo=True))
        wait_until_ready(address)
        page = open_page(f"{address}/demo", foreseen=["favicon"])
        page.locator("[data-xiaobao-question]").first.click()
        expect(page.locator("main mark")).to_have_text("平安人寿赔付410万件")
        expect(page.locator("#cited")).to_contain_text(CITED["quote"])
        expect(inside(page).locator(".xb-text")).to_contain_text("410万件")
        page.close()
