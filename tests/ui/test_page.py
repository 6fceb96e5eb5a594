"""The page in a real Chromium, against real servers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from assistant.settings import Settings
from index.errors import IndexMissingError
from tests.ui.chromium import ARGUMENTS, accessibility, executable, wait_until_ready
from tests.ui.conftest import CLAIMS, HOSTILE, ScriptedAssistant, running
from ui import parts
from ui.database import RECORDS_FILE, Database
from ui.feedback import Feedback

pytestmark = pytest.mark.browser

QUESTION = "2022年平安人寿赔付了多少件？"
OTHER = "统筹部署了多少家成员公司？"
expect.set_options(timeout=10_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
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
        yield lambda build, records=None: servers.enter_context(running(Settings(), build, records))


@pytest.fixture
def open_page(browser):
    """Opens a page, and afterwards holds it to what every page must keep to: no other host, no error."""
    opened = []

    def open_page(
        address: str, width: int = 1440, height: int = 900, foreseen: Sequence[str] = (), **options
    ) -> Page:
        """``foreseen`` are the troubles that the test itself brings about."""
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=options.pop("locale", "zh-CN"), **options
        )
        page = context.new_page()
        hosts: set[str | None] = set()
        troubles: list[str] = []
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("response", lambda got: got.status < 400 or troubles.append(f"{got.status} {got.url}"))
        opened.append((context, hosts, troubles, foreseen))
        page.goto(address)
        expect(page.locator("#xb-question")).to_be_visible()
        return page

    yield open_page
    for context, hosts, troubles, foreseen in opened:
        context.close()
        # None is the host of data: and blob: addresses, which leave the machine no more than the page does.
        assert hosts - {None} == {"127.0.0.1"}
        assert [one for one in troubles if not any(known in one for known in foreseen)] == []


def ask(page: Page, question: str) -> Locator:
    """Types a question, waits until it is answered or told why not, and gives its turn."""
    page.fill("#xb-question", question)
    page.press("#xb-question", "Enter")
    expect(page.locator(".xb-pending")).to_have_count(0)
    return page.locator(".xb-turn").last


# --- the real assistant ---


def test_the_real_page_answers_with_the_quote_marked_beside_it(real_server, open_page):
    page = open_page(real_server)
    turn = ask(page, QUESTION)
    expect(turn).to_contain_text("有据可查")
    expect(turn.locator(".xb-text strong")).to_have_text("410万件")
    expect(turn).to_contain_text(re.compile(r"用时 \d+ 毫秒 · 原文摘录"))
    expect(page.locator("#xb-panel mark").first).to_contain_text("平安人寿赔付410万件")
    expect(page.locator("#xb-panel .xb-card").first).to_contain_text("中国金融新闻网 · 2023-09-27")
    turn.locator("summary").click()
    expect(turn.locator(".xb-support li")).to_contain_text("逐字引用")


def test_the_real_page_says_what_is_missing_and_offers_what_it_can_answer(real_server, open_page):
    page = open_page(real_server)
    turn = ask(page, "中国平安今天的股价是多少？")
    expect(turn).to_contain_text("资料中未找到")
    expect(turn).to_contain_text("股价")
    expect(page.locator("#xb-panel .xb-unused").first).to_contain_text("未采用")
    expect(page.locator("#xb-panel mark")).to_have_count(0)
    expect(page.locator(".xb-offer")).to_have_count(2)
    page.locator(".xb-offer").first.click()
    expect(page.locator(".xb-turn").last).to_contain_text("有据可查")


def test_the_real_page_understands_a_follow_up_and_offers_more(real_server, open_page):
    page = open_page(real_server)
    ask(page, QUESTION)
    turn = ask(page, "那平安产险呢？")
    expect(turn.locator(".xb-text")).to_contain_text("1.9亿件")
    expect(turn).to_contain_text("按「2022年平安产险赔付了多少件")
    assert 2 <= page.locator(".xb-offer").count() <= 3


def test_the_whole_article_opens_in_place_at_the_quote(real_server, open_page):
    page = open_page(real_server)
    ask(page, QUESTION)
    page.locator("#xb-panel .xb-read").first.click()
    mark = page.locator("#xb-panel .xb-article mark").first
    expect(mark).to_contain_text("平安人寿赔付410万件")
    expect(mark).to_be_in_viewport()
    assert page.locator("#xb-panel .xb-article p").count() > 10
    page.get_by_role("button", name="返回").click()
    expect(page.locator("#xb-panel .xb-card").first).to_be_visible()
    link = page.locator("#xb-panel .xb-out").first.get_attribute("href")
    assert "#:~:text=" in link


@pytest.mark.parametrize(
    "question", ["😀😀😀", "'; DROP TABLE chunks; --", "<img src=x onerror=alert(1)>", "长" * 100_000]
)
def test_the_real_page_takes_odd_questions_calmly(real_server, open_page, question):
    page = open_page(real_server)
    turn = ask(page, question)
    expect(turn.locator(".xb-badge").first).to_have_text(
        re.compile("资料中未找到|没有回答|不在回答范围|有据可查")
    )
    assert "Traceback" not in page.content() and "编号" not in turn.inner_text()


# --- answers and their sources ---


def test_an_example_is_asked_by_one_click(scripted_server, open_page):
    page = open_page(scripted_server)
    expect(page.locator(".xb-offer")).to_have_count(3)
    example = page.locator(".xb-offer").first
    text = example.inner_text()
    example.click()
    expect(page.locator(".xb-user")).to_contain_text(text)
    expect(page.locator(".xb-turn")).to_contain_text("有据可查")


def test_a_draft_is_seen_to_be_one_until_it_is_checked(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    scripted.gate.clear()
    page.fill("#xb-question", "等草稿，赔付多少？")
    page.press("#xb-question", "Enter")
    draft = page.locator(".xb-pending .xb-draft")
    expect(draft).to_contain_text("草稿，正在核对")
    expect(draft).to_contain_text("<b>赔付</b>9件")
    scripted.gate.set()
    expect(page.locator(".xb-turn .xb-text")).to_contain_text("410万件")
    expect(page.locator(".xb-draft")).to_have_count(0)


def test_a_chip_shows_its_quote_to_the_mouse_and_to_the_keyboard(scripted_server, open_page):
    page = open_page(scripted_server)
    chip = ask(page, QUESTION).locator(".xb-text .xb-cite")
    tip = page.get_by_role("tooltip")
    chip.hover()
    expect(tip).to_contain_text("“2022年，平安人寿赔付410万件”")
    expect(tip).to_contain_text(CLAIMS.title)
    tip.hover()  # a long quote can be read and selected
    page.wait_for_timeout(300)
    expect(tip).to_be_visible()
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    chip.focus()
    expect(tip).to_be_visible()
    assert chip.get_attribute("aria-describedby") == tip.get_attribute("id")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


@pytest.mark.parametrize("way", ["click", "Enter"])
def test_a_chip_leads_to_its_quote_also_of_an_earlier_answer(scripted_server, open_page, way):
    page = open_page(f"{scripted_server}/?__theme=dark")
    ask(page, QUESTION)
    first = page.locator(".xb-turn").first
    ask(page, OTHER)
    expect(page.locator("#xb-panel mark")).to_have_text("统筹部署13家相关成员公司")
    chip = first.locator(".xb-text .xb-cite")
    chip.click() if way == "click" else chip.press("Enter")
    mark = page.locator("#xb-panel mark")
    expect(mark).to_have_text("2022年，平安人寿赔付410万件")
    expect(mark).to_have_class(re.compile("xb-flash"))
    expect(mark).to_be_in_viewport()
    expect(page.locator("#xb-panel .xb-card")).to_be_focused()
    expect(page.locator(".xb-of")).to_have_text("第 1 问")
    page.keyboard.press("Escape")
    expect(chip).to_be_focused()
    expect(page.locator(".xb-turn")).to_have_count(2)


def test_the_article_whose_address_is_a_web_address_is_linked_at_the_quote(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    link = page.locator("#xb-panel .xb-out")
    assert link.get_attribute("href").startswith(f"{CLAIMS.url}#:~:text=2022")
    expect(link).to_have_attribute("target", "_blank")
    assert "noopener" in link.get_attribute("rel")


def test_the_library_lists_every_article_and_opens_it(scripted_server, open_page):
    page = open_page(scripted_server)
    page.get_by_role("tab", name="资料库").click()
    library = page.locator("#xb-panel .xb-library")
    expect(library).to_contain_text("回答只出自这 2 篇资料 · 索引于 2026-01-0")
    expect(library.locator("li")).to_have_count(2)
    expect(library.locator("li").first).to_contain_text(f"2023-09-27 · {len(CLAIMS.text)} 字")
    library.get_by_role("button", name=CLAIMS.title).click()
    expect(page.locator("#xb-panel .xb-article")).to_contain_text("平安产险家用车赔付超1,000万件")
    page.get_by_role("button", name="返回").click()
    expect(library).to_be_visible()


def test_a_library_that_arrives_late_does_not_stand_in_for_the_sources(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    held = []
    page.route("**/page/articles", lambda route: held.append(route))
    page.get_by_role("tab", name="资料库").click()
    expect(page.locator("#xb-panel")).to_contain_text("正在载入资料库")
    page.get_by_role("tab", name="出处").click()
    with page.expect_response("**/page/articles"):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.locator("#xb-panel mark")).to_contain_text("410万件")
    expect(page.locator(".xb-library")).to_have_count(0)


def test_a_log_in_page_in_between_is_told_from_the_server(scripted_server, open_page):
    page = open_page(scripted_server)
    page.route(
        "**/page/state", lambda route: route.fulfill(body="<html>登录</html>", content_type="text/html")
    )
    page.reload()
    expect(page.locator("#xb-state")).to_have_text("连不上服务器")
    page.unroute("**/page/state")
    expect(page.locator("#xb-state")).to_have_text("已就绪")


def test_a_hostile_article_and_question_do_nothing_but_read_badly(scripted_server, open_page):
    page = open_page(scripted_server)
    turn = ask(page, f"敌意 {HOSTILE.text}")
    turn.locator(".xb-text .xb-cite").first.click()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    for area in (".xb-log", "#xb-panel", ".xb-history"):
        inside = page.locator(area)
        expect(inside).to_contain_text("<script>window")
        assert inside.locator("img, form, iframe, script, object, embed, code, h1, em").count() == 0
    links = page.locator("#xb-main a").evaluate_all("all => all.map(a => a.href)")
    assert {urlsplit(link).hostname for link in links} <= {"127.0.0.1", "evil.example"}
    assert all(link.startswith(("http://127", "https://evil.example/%22onclick")) for link in links)


def test_copying_gives_the_answer_with_its_sources_as_footnotes(scripted_server, open_page):
    page = open_page(scripted_server, permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, QUESTION)
    turn.get_by_role("button", name="复制回答和出处").click()
    expect(turn.get_by_role("button", name="复制回答和出处")).to_contain_text("已复制")
    text, _, note = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert text == "2022年，平安人寿赔付410万件[1]。"
    today = date.today().isoformat()
    assert note == f"[1] 中国金融新闻网. {CLAIMS.title}[EB/OL]. (2023-09-27)[{today}]. {CLAIMS.url}."


# --- the conversation ---


def test_a_follow_up_takes_the_conversation_along_until_a_new_one_is_begun(
    scripted_server, scripted, open_page
):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    ask(page, "那成员公司呢？")
    assert scripted.asked[-1] == (
        "那成员公司呢？",
        (("user", QUESTION), ("assistant", "2022年，平安人寿赔付410万件[1]。")),
    )
    page.locator(".xb-bar").get_by_role("button", name="新对话").click()
    expect(page.locator(".xb-turn")).to_have_count(0)
    expect(page.locator("#xb-panel")).to_contain_text("提问后，回答的出处会显示在这里")
    ask(page, QUESTION)
    assert scripted.asked[-1] == (QUESTION, ())


def test_a_question_typed_the_moment_an_answer_ends_is_not_lost(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    for number in range(1, 9):
        page.fill("#xb-question", f"赔付 {number}")
        page.press("#xb-question", "Enter")
        expect(page.locator(".xb-turn .xb-text")).to_have_count(number)
    assert [question for question, _ in scripted.asked[-8:]] == [f"赔付 {n}" for n in range(1, 9)]


def test_an_answer_under_way_can_be_stopped_and_asked_again(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    scripted.gate.clear()
    page.fill("#xb-question", "等一下，赔付多少？")
    page.press("#xb-question", "Enter")
    expect(page.locator(".xb-pending")).to_contain_text("正在查找")
    page.fill("#xb-question", "下一个")
    page.press("#xb-question", "Enter")  # one at a time: it stays in the box
    expect(page.locator("#xb-question")).to_have_value("下一个")
    page.get_by_role("button", name="停止").click()
    stopped = page.locator(".xb-unanswered")
    expect(stopped).to_contain_text("没有生成回答，可以重试或改问")
    expect(page.locator("#xb-question")).to_have_value("下一个")
    scripted.gate.set()
    stopped.get_by_role("button", name="重试").click()
    expect(page.locator(".xb-turn .xb-text")).to_have_count(2)
    expect(stopped).to_have_count(0)


def test_a_question_is_changed_in_place_and_what_came_after_is_replaced(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    ask(page, OTHER)
    first = page.locator(".xb-turn").first
    first.hover()
    first.get_by_role("button", name="修改问题").click()
    expect(first).to_contain_text("之后的 1 轮问答会被删去")
    page.keyboard.press("Escape")
    expect(first.locator(".xb-bubble")).to_have_text(QUESTION)
    first.get_by_role("button", name="修改问题").click()
    first.get_by_role("textbox", name="修改问题").fill("股价是多少？")
    page.keyboard.press("Enter")
    expect(page.locator(".xb-turn")).to_have_count(1)
    expect(page.locator(".xb-turn")).to_contain_text("资料中未找到")
    assert scripted.asked[-1] == ("股价是多少？", ())


def test_an_answer_is_asked_for_anew(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    ask(page, OTHER)
    expect(page.get_by_role("button", name="重新回答")).to_have_count(1)  # of the last answer only
    asked = len(scripted.asked)
    page.get_by_role("button", name="重新回答").click()
    expect(page.locator(".xb-pending")).to_have_count(0)
    expect(page.locator(".xb-turn:visible")).to_have_count(2)
    assert scripted.asked[asked:] == [
        (OTHER, (("user", QUESTION), ("assistant", "2022年，平安人寿赔付410万件[1]。")))
    ]


def test_a_question_that_cannot_be_asked_goes_back_into_the_box(scripted_server, open_page):
    page = open_page(scripted_server)
    turn = ask(page, "长" * 3000)
    expect(turn).to_contain_text("问题太长（3000 字）")
    assert len(page.input_value("#xb-question")) == 3000
    expect(ask(page, QUESTION)).to_contain_text("有据可查")
    expect(page.locator(".xb-unanswered")).to_have_count(0)


def test_a_text_larger_than_the_server_takes_is_refused_and_kept(scripted_server, open_page):
    page = open_page(scripted_server, foreseen=["413"])
    turn = ask(page, "长" * 400_000)
    expect(turn).to_contain_text("请求太大")
    assert len(page.input_value("#xb-question")) == 400_000


def test_an_empty_question_is_not_sent_and_the_box_says_so(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    asked = len(scripted.asked)
    page.fill("#xb-question", "   ")
    page.press("#xb-question", "Enter")
    expect(page.locator("#xb-question")).to_have_attribute("placeholder", "还没有输入问题，请输入后再发送")
    assert len(scripted.asked) == asked


def test_choosing_a_word_of_an_input_method_does_not_send(scripted_server, scripted, open_page):
    page = open_page(scripted_server)
    page.fill("#xb-question", "赔付")
    asked = len(scripted.asked)
    page.evaluate(
        "document.querySelector('#xb-question').dispatchEvent(new KeyboardEvent('keydown', "
        "{key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    page.press("#xb-question", "Shift+Enter")
    assert page.input_value("#xb-question") == "赔付\n"
    assert len(scripted.asked) == asked


@pytest.mark.parametrize("question", ["一开始就坏", "中途坏"])
def test_a_defect_is_told_without_its_details_and_the_page_goes_on(scripted_server, open_page, question):
    page = open_page(scripted_server)
    expect(ask(page, question)).to_contain_text("程序内部出错（编号")
    assert "secret" not in page.content()
    expect(ask(page, QUESTION)).to_contain_text("有据可查")


def test_without_the_server_the_question_is_kept_and_can_be_sent_again(scripted_server, open_page):
    page = open_page(scripted_server, foreseen=["ERR_FAILED"])
    page.route("**/page/ask", lambda route: route.abort())
    turn = ask(page, QUESTION)
    expect(turn).to_contain_text("连不上服务器")
    expect(page.locator("#xb-question")).to_have_value(QUESTION)
    page.unroute("**/page/ask")
    turn.get_by_role("button", name="重试").click()
    expect(page.locator(".xb-turn")).to_contain_text("有据可查")
    expect(page.locator("#xb-question")).to_have_value("")


def test_past_conversations_are_listed_opened_renamed_found_and_deleted(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    page.locator(".xb-bar").get_by_role("button", name="新对话").click()
    ask(page, OTHER)
    history = page.get_by_role("navigation", name="历史对话")
    expect(history.locator("li")).to_have_count(2)
    history.locator("li").last.locator(".xb-open").click()
    expect(page.locator(".xb-turn")).to_contain_text("410万件")
    expect(page.locator("#xb-panel mark")).to_contain_text("410万件")
    row = history.locator("li").last
    row.hover()
    row.get_by_role("button", name=f"改名：{QUESTION}").click()
    row.get_by_role("textbox").fill("理赔件数")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("理赔件数")
    expect(page.locator(".xb-conversation")).to_have_text("理赔件数")
    page.get_by_role("searchbox", name="搜索历史对话").fill("13家")
    expect(history.locator("li")).to_have_count(1)
    expect(history.locator("li")).to_contain_text(OTHER)
    page.get_by_role("searchbox", name="搜索历史对话").fill("")
    expect(history.locator("li")).to_have_count(2)
    row.hover()
    row.get_by_role("button", name="删除：理赔件数").click()
    expect(row).to_contain_text("删除后不能恢复")
    row.get_by_role("button", name="删除", exact=True).click()
    expect(history.locator("li")).to_have_count(1)
    expect(page.locator(".xb-turn")).to_have_count(0)  # it was the one shown


def test_a_conversation_comes_back_after_a_reload_and_a_restart_of_the_server(serving, open_page, tmp_path):
    with running(Settings(), lambda _: ScriptedAssistant(), tmp_path) as address:
        port = urlsplit(address).port
        page = open_page(address, foreseen=["ERR_CONNECTION_REFUSED"])
        turn = ask(page, QUESTION)
        turn.get_by_role("button", name="有帮助").click()
        expect(turn).to_contain_text("已记录，谢谢")
        page.reload()
        expect(page.locator(".xb-turn .xb-text")).to_contain_text("410万件")
    expect(ask(page, OTHER)).to_contain_text("连不上服务器")
    with running(Settings(), lambda _: ScriptedAssistant(), tmp_path, port):
        page.get_by_role("button", name="重试").click()
        expect(page.locator(".xb-turn .xb-text")).to_have_count(2)
        page.reload()
        expect(page.locator(".xb-turn .xb-text")).to_have_count(2)
        pressed = page.locator(".xb-turn").first.get_by_role("button", name="有帮助")
        expect(pressed).to_have_attribute("aria-pressed", "true")


def test_the_browsers_back_button_leads_back_to_the_conversation_before(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    page.locator(".xb-bar").get_by_role("button", name="新对话").click()
    ask(page, OTHER)
    page.go_back()
    expect(page.locator(".xb-turn")).to_have_count(0)
    page.go_back()
    expect(page.locator(".xb-turn .xb-text")).to_contain_text("410万件")
    page.go_forward()
    page.go_forward()
    expect(page.locator(".xb-turn .xb-text")).to_contain_text("13家")


def test_a_question_asked_before_the_server_has_answered_anything_begins_the_conversation(serving, open_page):
    answered = threading.Event()

    class Slow(ScriptedAssistant):
        @property
        def examples(self) -> tuple[str, ...]:  # what the page asks for first, and is given its cookie with
            answered.wait(10)
            return (QUESTION, OTHER)

        @examples.setter
        def examples(self, value: object) -> None:
            pass

    address = serving(lambda _: Slow())
    wait_until_ready(address)
    page = open_page(address)
    page.fill("#xb-question", QUESTION)
    page.press("#xb-question", "Enter")
    page.wait_for_timeout(300)
    answered.set()
    expect(page.locator(".xb-turn .xb-text")).to_contain_text("410万件")
    expect(page.locator(".xb-state")).to_have_text("已就绪")
    ask(page, OTHER)
    expect(page.locator(".xb-turn .xb-text")).to_have_count(2)


def test_what_another_tab_asked_in_the_same_conversation_stays(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    with page.context.expect_page() as opened:
        page.evaluate("window.open(location.href)")
    other = opened.value
    expect(other.locator(".xb-turn")).to_have_count(1)
    ask(other, OTHER)
    ask(page, "股价是多少？")
    page.reload()
    expect(page.locator(".xb-turn .xb-text")).to_have_count(3)


def test_a_conversation_deleted_elsewhere_is_gone_on_with_in_a_new_one(scripted_server, open_page):
    page = open_page(scripted_server, foreseen=["404"])
    ask(page, QUESTION)
    id = urlsplit(page.url).fragment
    assert page.context.request.delete(f"{scripted_server}/page/conversations/{id}").ok
    turn = ask(page, OTHER)
    turn.get_by_role("button", name="在新对话里问").click()
    expect(page.locator(".xb-turn .xb-text")).to_have_count(1)
    expect(page.locator(".xb-turn")).to_contain_text("13家")


def test_a_question_waits_while_another_conversation_is_being_opened(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    page.locator(".xb-bar").get_by_role("button", name="新对话").click()
    held = []
    page.route("**/page/conversations/*", lambda route: held.append(route))
    page.locator(".xb-open").click()
    expect(page.locator("#xb-log")).to_contain_text("正在打开这段对话")
    page.fill("#xb-question", OTHER)
    page.press("#xb-question", "Enter")
    expect(page.locator("#xb-question")).to_have_value(OTHER)
    held[0].continue_()
    expect(page.locator(".xb-turn .xb-text")).to_contain_text("410万件")
    page.press("#xb-question", "Enter")
    expect(page.locator(".xb-turn .xb-text")).to_have_count(2)


def test_the_focus_is_never_lost(scripted_server, open_page):
    page = open_page(scripted_server)
    page.fill("#xb-question", QUESTION)
    page.locator("#xb-send").press("Enter")
    expect(page.locator(".xb-turn .xb-text")).to_have_count(1)
    expect(page.locator("#xb-send")).to_be_focused()
    page.get_by_role("button", name="重新回答").click()
    expect(page.locator(".xb-pending")).to_have_count(0)
    expect(page.locator("#xb-question")).to_be_focused()
    page.locator(".xb-bar").get_by_role("button", name="新对话").click()
    expect(page.locator("#xb-question")).to_be_focused()
    page.locator(".xb-offer").first.press("Enter")
    expect(page.locator(".xb-turn .xb-text")).to_have_count(1)
    expect(page.locator("#xb-question")).to_be_focused()


def test_the_page_works_where_the_browser_keeps_nothing(scripted_server, open_page):
    page = open_page(scripted_server, foreseen=["Access is denied"])
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('Access is denied', 'SecurityError'); }})"
    )
    page.reload()
    expect(ask(page, QUESTION)).to_contain_text("有据可查")


def test_a_conversation_is_exported_as_markdown(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    with page.expect_download() as download:
        page.get_by_role("link", name="导出").click()
    assert download.value.suggested_filename.startswith("消保问答-2022年平安人寿")
    assert f"## 问：{QUESTION}" in Path(download.value.path()).read_text("utf-8")


def test_a_reader_says_what_is_wrong_with_an_answer(serving, open_page, tmp_path):
    page = open_page(serving(lambda _: ScriptedAssistant(), tmp_path))
    turn = ask(page, QUESTION)
    turn.get_by_role("button", name="没帮助").click()
    form = turn.get_by_role("form", name="哪里不对")
    expect(form.get_by_role("radio")).to_have_count(4)
    form.get_by_role("radio", name="来源不对").check()
    form.get_by_role("textbox", name="补充说明").fill("应为《另一篇》")
    form.get_by_role("button", name="提交").click()
    expect(turn).to_contain_text("已记录，谢谢")
    expect(form).to_have_count(0)
    expect(turn.get_by_role("button", name="没帮助")).to_have_attribute("aria-pressed", "true")
    with closing(Database(tmp_path / RECORDS_FILE)) as database:
        (kept,) = Feedback(database).all()
    assert (kept["question"], kept["rating"], kept["reason"]) == (QUESTION, "down", "来源不对")
    assert kept["comment"] == "应为《另一篇》"


# --- looks and access ---


def test_everything_can_be_done_by_keyboard(scripted_server, open_page):
    page = open_page(scripted_server)
    expect(page.locator("#xb-question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".xb-turn .xb-text")).to_have_count(1)
    expect(page.locator("#xb-question")).to_be_focused()
    names = []
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        names.append(
            page.evaluate("(document.activeElement.ariaLabel || document.activeElement.innerText).trim()")
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", names[-1]
        if names[-1] == "新对话" and "历史对话" in names:
            break
    wanted = [
        "没帮助",
        "有帮助",
        "重新回答",
        "复制回答和出处",
        "逐句核对（1 句）",
        f"出处 1：《{CLAIMS.title}》",
    ]
    places = [names.index(name) for name in [*wanted, "修改问题", "导出", "历史对话", "搜索历史对话"]]
    assert places == sorted(places)
    page.get_by_role("button", name="出处 1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#xb-panel .xb-card")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#xb-panel .xb-read")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#xb-panel .xb-article mark")).to_be_in_viewport()
    page.keyboard.press("Enter")  # 返回 has the focus
    expect(page.locator("#xb-panel .xb-read")).to_be_focused()
    page.get_by_role("tab", name="出处").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="资料库")).to_be_focused()
    expect(page.locator(".xb-library li")).to_have_count(2)


def test_an_answer_is_read_out(scripted_server, open_page):
    page = open_page(scripted_server)
    ask(page, QUESTION)
    spoken = page.locator("[aria-live=polite]").filter(has_text="2022年，平安人寿赔付410万件")
    expect(spoken).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_nothing_stands_in_the_way_of_anyone(scripted_server, open_page, scheme, width):
    page = open_page(scripted_server, width=width, color_scheme=scheme, reduced_motion="reduce")
    assert accessibility(page) == []
    ask(page, "股价是多少？")
    turn = ask(page, QUESTION)
    turn.locator("summary").click()
    turn.get_by_role("button", name="没帮助").click()
    assert accessibility(page) == []
    turn.locator(".xb-text .xb-cite").first.click()
    page.locator("#xb-panel .xb-read").first.click()
    expect(page.locator(".xb-article")).to_be_visible()
    assert accessibility(page) == []
    page.get_by_role("tab", name="资料库").click()
    expect(page.locator(".xb-library li")).to_have_count(2)
    assert accessibility(page) == []


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_page_is_chinese_whatever_the_browser_speaks(scripted_server, open_page, locale):
    page = open_page(scripted_server, locale=locale)
    ask(page, QUESTION)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.title() == "消保问答"
    assert re.findall(r"[A-Za-z]{2,}", page.inner_text("body")) == []
    said = page.locator("[aria-label], [title], [placeholder]").evaluate_all(
        "all => all.map(e => [e.ariaLabel, e.title, e.placeholder].join(' '))"
    )
    assert [
        text for text in said if re.search(r"[A-Za-z]{2,}", text.replace("Shift", "").replace("Markdown", ""))
    ] == []


def test_on_a_narrow_window_the_sources_and_the_history_are_drawers(scripted_server, open_page):
    page = open_page(scripted_server, width=360, height=740)
    turn = ask(page, QUESTION)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.locator("#xb-question")).to_be_in_viewport(ratio=1)
    expect(page.locator("#xb-panel")).to_be_hidden()
    chip = turn.locator(".xb-text .xb-cite")
    chip.click()
    expect(page.locator("#xb-panel mark")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#xb-panel")).to_be_hidden()
    expect(chip).to_be_focused()
    turn.get_by_role("button", name="查看出处").click()
    expect(page.locator("#xb-panel mark")).to_be_in_viewport()
    page.locator(".xb-side").get_by_role("button", name="关闭").click()
    page.get_by_role("button", name="历史对话", exact=True).click()
    expect(page.get_by_role("navigation", name="历史对话").locator("li")).to_have_count(1)
    page.locator(".xb-open").click()
    expect(page.get_by_role("navigation", name="历史对话")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
def test_the_page_fills_the_window_and_no_more(scripted_server, open_page, width):
    page = open_page(scripted_server, width=width)
    for _ in range(5):
        ask(page, QUESTION)
    size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size[0] <= width and size[1] <= 900
    expect(page.locator("#xb-question")).to_be_in_viewport(ratio=1)
    expect(page.locator(".xb-turn").last.locator(".xb-text")).to_be_in_viewport()
    left, right = page.locator("#xb-header").bounding_box(), page.locator("#xb-main").bounding_box()
    assert abs(left["x"] - (width - right["x"] - right["width"])) <= 1


def test_a_dark_browser_gets_a_dark_page(scripted_server, open_page):
    background = "getComputedStyle(document.body).backgroundColor"
    dark = open_page(scripted_server, color_scheme="dark").evaluate(background)
    light = open_page(scripted_server, color_scheme="light").evaluate(background)
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (dark, light)]
    assert brightness[0] < 150 < 600 < brightness[1]


def test_a_long_answer_is_shown_from_its_question_on(scripted_server, open_page):
    page = open_page(scripted_server, height=520)
    for _ in range(3):
        ask(page, QUESTION)
    ask(page, f"敌意 {'很长的问题，' * 60}")
    expect(page.locator(".xb-turn").last.locator(".xb-bubble")).to_be_in_viewport()


# --- states of the server ---


def test_the_page_says_that_it_is_loading_and_answers_once_it_is_loaded(serving, open_page):
    loaded = threading.Event()

    def build(_: Settings) -> ScriptedAssistant:
        loaded.wait(30)
        return ScriptedAssistant()

    page = open_page(serving(build))
    expect(page.locator("#xb-state")).to_have_text("正在加载")
    expect(page.locator(".xb-welcome")).to_contain_text("正在加载")
    page.fill("#xb-question", QUESTION)
    page.press("#xb-question", "Enter")
    expect(page.locator(".xb-pending")).to_contain_text("正在加载资料")
    loaded.set()
    expect(page.locator(".xb-turn")).to_contain_text("有据可查")
    expect(page.locator("#xb-state")).to_have_text("已就绪")
    expect(page.locator("#xb-panel mark")).to_contain_text("410万件")


def test_the_page_says_what_mends_a_missing_index_and_keeps_the_question(serving, open_page):
    def build(_: Settings) -> ScriptedAssistant:
        raise IndexMissingError("还没有建立索引。请先运行 xiaobao ingest。")

    page = open_page(serving(build), foreseen=["503"])
    expect(page.locator("#xb-state")).to_have_text("暂时无法回答")
    expect(page.locator(".xb-welcome")).to_contain_text("请先运行 xiaobao ingest")
    expect(ask(page, QUESTION)).to_contain_text("请先运行 xiaobao ingest")
    assert page.input_value("#xb-question") == QUESTION
    page.get_by_role("tab", name="资料库").click()
    expect(page.locator("#xb-panel")).to_contain_text("请先运行 xiaobao ingest")
