"""The page in a real Chromium, against real servers."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from assistant.settings import Settings
from index.errors import IndexMissingError
from tests.ui.conftest import CLAIMS, HOSTILE, ScriptedAssistant, running
from ui import parts

pytestmark = pytest.mark.browser

QUESTION = "2022年平安人寿赔付了多少件？"
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=10_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail(
            "these tests drive Chromium, and none is on PATH: install it with apt-get install chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def scripted() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture(scope="module")
def scripted_server(scripted) -> Iterator[str]:
    with running(Settings(), lambda _: scripted) as address:
        wait_until_ready(address)
        yield address


@pytest.fixture(scope="module")
def real_server(real_settings) -> Iterator[str]:
    """The real assistant over the real articles with the real model."""
    settings = Settings(index=real_settings)
    assert not parts.ingest(settings.index, force=False, progress=lambda line: None).built
    with running(settings, parts.build_assistant) as address:
        wait_until_ready(address)
        yield address


@pytest.fixture
def serving():
    """Starts servers; to be asked for before ``open_page``, so that they outlive the pages."""
    with ExitStack() as servers:
        yield lambda build: servers.enter_context(running(Settings(), build))


@pytest.fixture
def open_page(browser):
    """Opens a page, and afterwards holds it to what every page must keep to: no other host, no error."""
    opened = []

    def open_page(
        address: str, width: int = 1440, height: int = 900, first_script: str = "", **options
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=options.pop("locale", "zh-CN"), **options
        )
        page = context.new_page()
        page.add_init_script(first_script)
        hosts: set[str | None] = set()
        troubles: list[str] = []
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("response", lambda got: got.ok or troubles.append(f"{got.status} {got.url}"))
        opened.append((context, hosts, troubles))
        page.goto(address)
        expect(page.locator("#xb-box textarea")).to_be_visible()
        return page

    yield open_page
    for context, hosts, troubles in opened:
        context.close()
        # None is the host of data: and blob: addresses, which leave the machine no more than the page does.
        assert hosts - {None} == {"127.0.0.1"}
        assert troubles == []


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + 90
    while httpx.get(f"{address}/readyz").status_code != 200:
        assert time.monotonic() < deadline, httpx.get(f"{address}/readyz").text
        time.sleep(0.1)


def ask(page: Page, question: str) -> None:
    """Types a question and waits until its answer is there."""
    answered = page.locator("#xb-chat .bot-row").count()
    page.fill("#xb-box textarea", question)
    page.keyboard.press("Enter")
    expect(page.locator("#xb-chat .bot-row")).to_have_count(answered + 1)
    expect(page.locator("#xb-chat .xb-progress")).to_have_count(0)
    expect(page.locator("#xb-send")).to_be_enabled()


def test_the_real_page_answers_with_the_quote_marked_beside_it(real_server, open_page):
    page = open_page(real_server)
    ask(page, QUESTION)
    answer = page.locator("#xb-chat .bot-row").last
    expect(answer).to_contain_text("有据可查")
    expect(answer).to_contain_text("410万件")
    expect(answer.locator("strong")).to_have_text("410万件")
    expect(page.locator("#xb-panel mark").first).to_contain_text("平安人寿赔付410万件")
    expect(page.locator("#xb-panel .xb-card").first).to_contain_text("中国金融新闻网 · 2023-09-27")
    assert answer.locator("a.xb-cite").first.get_attribute("title").startswith("《")


def test_the_real_page_says_so_when_the_articles_do_not_hold_the_answer(real_server, open_page):
    page = open_page(real_server)
    ask(page, "中国平安今天的股价是多少？")
    expect(page.locator("#xb-chat .bot-row").last).to_contain_text("资料中未找到")
    expect(page.locator("#xb-panel .xb-unused").first).to_contain_text("未采用")
    expect(page.locator("#xb-panel mark")).to_have_count(0)


def test_an_example_on_the_real_page_is_asked_by_one_click(real_server, open_page):
    page = open_page(real_server)
    example = page.locator("button.xb-example").first
    text = example.inner_text()
    example.click()
    expect(page.locator("#xb-chat .user-row")).to_contain_text(text)
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("有据可查")


@pytest.mark.parametrize(
    "question", ["😀😀😀", "'; DROP TABLE chunks; --", "<img src=x onerror=alert(1)>", "长" * 100_000]
)
def test_the_real_page_takes_odd_questions_calmly(real_server, open_page, question):
    page = open_page(real_server)
    ask(page, question)
    row = page.locator("#xb-chat .bot-row").last
    expect(row.locator(".xb-badge")).to_have_text(re.compile("资料中未找到|没有回答|不在回答范围|有据可查"))
    assert "Traceback" not in page.content() and "编号" not in row.inner_text()


def test_an_answer_appears_at_once(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    started = time.monotonic()
    ask(page, "股价是多少？")
    assert time.monotonic() - started < 1.5


def test_a_chip_leads_to_its_quote_without_leaving_the_page(scripted_server, open_page):
    page = open_page(f"{scripted_server}/?__theme=dark")
    ask(page, QUESTION)
    ask(page, "统筹部署了多少家成员公司？")
    first = page.locator("#sources-1")
    expect(first).not_to_have_attribute("open", "")
    page.locator("a.xb-cite").first.click()
    expect(first).to_have_attribute("open", "")
    expect(first.locator("mark")).to_be_in_viewport()
    expect(first.locator(".xb-card")).to_be_focused()
    assert page.url.endswith("/?__theme=dark")
    expect(page.locator("#xb-chat .bot-row")).to_have_count(2)


def test_a_follow_up_takes_the_conversation_along_until_it_is_cleared(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    ask(page, "那成员公司呢？")
    assert scripted.asked[-1] == (
        "那成员公司呢？",
        (("user", QUESTION), ("assistant", "2022年，平安人寿赔付410万件[1]。")),
    )
    page.locator("#xb-chat button[aria-label='清空对话']").click()
    expect(page.locator("#xb-library")).to_contain_text("回答只出自下面 2 篇资料")
    ask(page, QUESTION)
    assert scripted.asked[-1] == (QUESTION, ())


def test_suggestions_after_an_answer_can_be_asked_by_one_click(scripted_server, open_page):
    page = open_page(scripted_server)
    expect(page.locator("button.xb-example:visible")).to_have_count(3)
    ask(page, "股价是多少？")
    expect(page.locator("button.xb-example:visible")).to_have_count(2)
    page.locator("button.xb-example").nth(1).click()
    expect(page.locator("#xb-chat .bot-row").last).to_contain_text("13家")


def test_a_question_that_cannot_be_asked_goes_back_into_the_box(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, "长" * 3000)
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("问题太长（3000 字）")
    assert len(page.input_value("#xb-box textarea")) == 3000
    ask(page, QUESTION)
    expect(page.locator("#xb-chat .bot-row").last).to_contain_text("有据可查")


def test_an_empty_question_is_not_sent_and_the_box_says_so(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    asked = len(scripted.asked)
    page.fill("#xb-box textarea", "   ")
    page.keyboard.press("Enter")
    expect(page.locator("#xb-box textarea")).to_have_attribute(
        "placeholder", "还没有输入问题，请输入后再发送"
    )
    assert len(scripted.asked) == asked


def test_a_text_larger_than_the_server_takes_is_cut_short_and_told_to_be_too_long(scripted_server, open_page):
    page = open_page(scripted_server)
    page.focus("#xb-box textarea")
    page.keyboard.insert_text("长" * 400_000)
    page.keyboard.press("Enter")
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("问题太长（166666 字）")


@pytest.mark.parametrize("question", ["一开始就坏", "中途坏"])
def test_a_defect_is_told_without_its_details_and_the_page_goes_on(scripted_server, open_page, question):
    page = open_page(scripted_server)
    ask(page, question)
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("程序内部出错（编号")
    assert "secret" not in page.content()
    ask(page, QUESTION)
    expect(page.locator("#xb-chat .bot-row").last).to_contain_text("有据可查")


def test_a_hostile_article_and_question_do_nothing_but_read_badly(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, f"敌意 {HOSTILE.text}")
    page.locator("a.xb-cite").last.click()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    for area in ("#xb-chat", "#xb-panel"):
        inside = page.locator(area)
        expect(inside).to_contain_text("<script>window.hacked=4</script>")
        assert inside.locator("img, form, iframe, script, input, object, embed, code, h1, em").count() == 0
    links = page.locator("#xb-chat a, #xb-panel a").evaluate_all("all => all.map(a => a.href)")
    assert {urlsplit(link).hostname for link in links} <= {"127.0.0.1", "evil.example"}
    assert all(link.startswith(("http://127", "https://evil.example/%22onclick")) for link in links)


def test_copying_gives_what_is_read_and_not_the_html_behind_it(scripted_server, open_page):
    page = open_page(scripted_server, permissions=["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    page.locator("#xb-chat .message-buttons-left button[aria-label='复制这条']").click()
    read = "navigator.clipboard.readText()"
    assert page.evaluate(read) == "2022年，平安人寿赔付410万件[1]。"
    page.locator("#xb-chat button[aria-label='复制全部对话']").click()
    assert page.evaluate(read) == f"问：{QUESTION}\n\n答：2022年，平安人寿赔付410万件[1]。"


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_page_is_chinese_whatever_the_browser_speaks(scripted_server, open_page, locale):
    page = open_page(scripted_server, locale=locale)
    ask(page, QUESTION)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.title() == "消保问答"
    words = re.findall(r"[A-Za-z]{2,}", page.inner_text("body"))
    assert words == []
    assert "div" not in " ".join(
        page.locator("[aria-label]").evaluate_all("all => all.map(e => e.ariaLabel)")
    )


@pytest.mark.parametrize("width", [390, 768])
def test_on_a_narrow_window_the_sources_stand_below_the_chat(scripted_server, open_page, width):
    page = open_page(scripted_server, width=width, height=844)
    ask(page, QUESTION)
    chat, panel = page.locator("#xb-left").bounding_box(), page.locator("#xb-right").bounding_box()
    assert panel["y"] >= chat["y"] + chat["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_wide_window_the_sources_stand_beside_the_chat_in_one_view(scripted_server, open_page):
    page = open_page(scripted_server)
    for _ in range(6):
        ask(page, QUESTION)
    chat, panel = page.locator("#xb-left").bounding_box(), page.locator("#xb-right").bounding_box()
    assert panel["x"] >= chat["x"] + chat["width"] and abs(panel["y"] - chat["y"]) < 2
    expect(page.locator("#xb-box textarea")).to_be_in_viewport()
    expect(page.locator("#xb-chat .bot-row").last).to_be_in_viewport()


def test_a_dark_browser_gets_a_dark_page(scripted_server, open_page):
    background = "getComputedStyle(document.body).backgroundColor"
    dark = open_page(scripted_server, color_scheme="dark").evaluate(background)
    light = open_page(scripted_server, color_scheme="light").evaluate(background)
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (dark, light)]
    assert brightness[0] < 150 < 600 < brightness[1]


def test_the_page_says_that_it_is_loading_and_answers_once_it_is_loaded(serving, open_page):
    loaded = threading.Event()

    def build(_: Settings) -> ScriptedAssistant:
        loaded.wait(30)
        return ScriptedAssistant()

    page = open_page(serving(build))
    expect(page.locator("#xb-header")).to_contain_text("正在加载")
    page.fill("#xb-box textarea", QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("正在加载资料")
    loaded.set()
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("有据可查")
    expect(page.locator("#xb-header")).to_contain_text("已就绪 · 2 篇资料")
    expect(page.locator("#xb-panel mark")).to_contain_text("410万件")


# Holds back what comes at once, and lets through what comes by the queue: answers.
LATE_REFRESH = """
  const fetched = window.fetch;
  window.refreshes = 0;
  window.fetch = async (...request) => {
    const response = await fetched(...request);
    if (String(request[0].url ?? request[0]).includes('/run/')) {
      await new Promise(done => setTimeout(done, 4000));
      window.refreshes += 1;
    }
    return response;
  };
"""


def test_a_refresh_that_arrives_after_an_answer_leaves_its_sources_alone(scripted_server, open_page):
    page = open_page(scripted_server, first_script=LATE_REFRESH)
    ask(page, QUESTION)
    expect(page.locator("#xb-panel mark")).to_contain_text("410万件")
    assert page.evaluate("window.refreshes") == 0
    expect(page.locator("#xb-library")).to_contain_text("回答只出自下面 2 篇资料")
    expect(page.locator("#xb-panel mark")).to_contain_text("410万件")
    expect(page.locator("#xb-library")).to_be_hidden()


def test_the_page_says_what_mends_a_missing_index_and_keeps_the_question(serving, open_page):
    def build(_: Settings) -> ScriptedAssistant:
        raise IndexMissingError("还没有建立索引。请先运行 xiaobao ingest。")

    page = open_page(serving(build))
    expect(page.locator("#xb-header")).to_contain_text("暂时无法回答")
    expect(page.locator("#xb-chat")).to_contain_text("请先运行 xiaobao ingest")
    ask(page, QUESTION)
    expect(page.locator("#xb-chat .bot-row")).to_contain_text("请先运行 xiaobao ingest")
    assert page.input_value("#xb-box textarea") == QUESTION


def test_the_article_whose_address_is_a_web_address_is_linked_safely(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    link = page.locator("#xb-panel a")
    expect(link).to_have_attribute("href", CLAIMS.url)
    expect(link).to_have_attribute("target", "_blank")
    assert "noopener" in link.get_attribute("rel")
