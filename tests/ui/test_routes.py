"""What the page asks of the server, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from assistant.settings import Settings
from eval.drafting import parse_feedback
from tests.ui.conftest import CAMPAIGN, CLAIMS, ScriptedAssistant, running
from ui.browsers import Browsers
from ui.database import RECORDS_FILE, Database
from ui.errors import RecordsError
from ui.feedback import Feedback
from ui.sources import Quoted

QUESTION = "2022年平安人寿赔付了多少件？"
OTHER = "统筹部署了多少家成员公司？"


@pytest.fixture(scope="module")
def scripted() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture(scope="module")
def address(scripted) -> Iterator[str]:
    with running(Settings(server={"workers": 2}), lambda _: scripted) as address:
        with httpx.Client(base_url=address) as client:
            while client.get("/readyz").status_code != 200:
                pass
        yield address


@pytest.fixture
def browser(address) -> Iterator[httpx.Client]:
    """A browser of its own: it keeps its cookie."""
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client


def events(client: httpx.Client, question: str, **more: object) -> list[tuple[str, dict]]:
    response = client.post("/page/ask", json={"question": question, **more})
    assert response.status_code == 200, response.text
    found = []
    for block in response.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def ask(client: httpx.Client, question: str, **more: object) -> dict:
    name, turn = events(client, question, **more)[-1]
    assert name == "turn", turn
    return turn


def test_the_page_says_that_it_is_chinese_and_shows_nothing_of_gradios(browser):
    response = browser.get("/", headers={"Accept-Encoding": "gzip, br"})
    assert '<html\n\tlang="zh-CN"' in response.text
    assert "og:" not in response.text and "twitter:" not in response.text
    assert "raw.githubusercontent.com" not in response.text
    assert response.text.rstrip().endswith("</html>")
    assert browser.head("/").status_code == 200


def test_an_answer_comes_in_steps_and_ends_with_the_turn_as_it_is_kept(browser):
    steps = events(browser, QUESTION)
    assert [name for name, _ in steps] == ["progress", "progress", "turn"]
    turn = steps[-1][1]
    assert "有据可查" in turn["answer_html"] and "<mark" in turn["sources_html"]
    assert turn["plain"] == "2022年，平安人寿赔付410万件[1]。"
    assert turn["copy"].startswith(
        f"{turn['plain']}\n\n[1] 中国金融新闻网. {CLAIMS.title}[EB/OL]. (2023-09-27)["
    )
    kept = browser.get(f"/page/conversations/{turn['conversation']['id']}").json()
    assert kept["title"] == QUESTION
    assert [one["answer_html"] for one in kept["turns"]] == [turn["answer_html"]]


def test_a_conversation_goes_on_and_the_assistant_is_told_what_was_said(browser, scripted):
    first = ask(browser, QUESTION)
    ask(browser, "那成员公司呢？", conversation=first["conversation"]["id"])
    assert scripted.asked[-1] == (
        "那成员公司呢？",
        (("user", QUESTION), ("assistant", "2022年，平安人寿赔付410万件[1]。")),
    )


def test_asking_again_takes_the_place_of_what_came_after(browser, scripted):
    first = ask(browser, QUESTION)
    id = first["conversation"]["id"]
    ask(browser, OTHER, conversation=id)
    ask(browser, "股价是多少？", conversation=id)
    changed = ask(browser, "你好", conversation=id, keep=1)
    assert scripted.asked[-1][1][0] == ("user", QUESTION) and len(scripted.asked[-1][1]) == 2
    assert changed["conversation"]["turns"] == 2
    turns = browser.get(f"/page/conversations/{id}").json()["turns"]
    assert [turn["question"] for turn in turns] == [QUESTION, "你好"]


def test_nobody_sees_what_another_browser_asked(browser, address):
    turn = ask(browser, QUESTION)
    id, answer_id = turn["conversation"]["id"], turn["answer_id"]
    with httpx.Client(base_url=address) as stranger:
        assert stranger.get("/page/conversations").json() == []
        for response in [
            stranger.get(f"/page/conversations/{id}"),
            stranger.get(f"/page/conversations/{id}/markdown"),
            stranger.patch(f"/page/conversations/{id}", json={"title": "x"}),
            stranger.delete(f"/page/conversations/{id}"),
            stranger.post("/page/feedback", json={"answer_id": answer_id, "rating": "up"}),
        ]:
            assert response.status_code == 404
            assert response.json()["code"] == "not_found"
        assert events(stranger, QUESTION, conversation=id)[-1][1]["code"] == "not_found"
    assert browser.get(f"/page/conversations/{id}").status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "ä.ö", "another secret"])
def test_a_cookie_of_somebody_elses_making_opens_nothing(browser, address, cookie):
    ask(browser, QUESTION)
    if cookie == "another secret":
        cookie = Browsers(cookie.encode()).new()
    headers = {"Cookie": f"xiaobao={cookie}".encode()}
    response = httpx.get(f"{address}/page/conversations", headers=headers)
    assert response.json() == []
    assert "xiaobao=" in response.headers["set-cookie"]


def test_the_cookie_is_hidden_from_scripts_and_other_sites_and_given_once(address):
    with httpx.Client(base_url=address) as client:
        given = client.get("/page/state").headers["set-cookie"]
        assert "HttpOnly" in given and "SameSite=lax" in given and "Secure" not in given
        assert "set-cookie" not in client.get("/page/state").headers
    forwarded = {"X-Forwarded-Proto": "https"}
    assert "Secure" not in httpx.get(f"{address}/page/state", headers=forwarded).headers["set-cookie"]
    behind_proxy = Settings(auth={"proxies": ["127.0.0.1"]})
    with running(behind_proxy, lambda _: ScriptedAssistant()) as proxied:
        assert "Secure" in httpx.get(f"{proxied}/page/state", headers=forwarded).headers["set-cookie"]


def test_conversations_are_found_renamed_and_deleted(browser):
    id = ask(browser, QUESTION)["conversation"]["id"]
    ask(browser, OTHER)
    listed = browser.get("/page/conversations").json()
    assert [one["title"] for one in listed] == [OTHER, QUESTION]
    assert [one["id"] for one in browser.get("/page/conversations", params={"search": "410万件"}).json()] == [
        id
    ]
    assert (
        browser.patch(f"/page/conversations/{id}", json={"title": " 理赔 \n数据 "}).json()["title"]
        == "理赔 数据"
    )
    assert browser.patch(f"/page/conversations/{id}", json={"title": "  "}).status_code == 422
    assert browser.delete(f"/page/conversations/{id}").status_code == 204
    assert browser.get(f"/page/conversations/{id}").status_code == 404
    assert [one["title"] for one in browser.get("/page/conversations").json()] == [OTHER]


def test_a_conversation_can_be_taken_along_as_markdown(browser):
    id = ask(browser, QUESTION)["conversation"]["id"]
    response = browser.get(f"/page/conversations/{id}/markdown")
    assert response.headers["content-type"].startswith("text/markdown")
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert f"## 问：{QUESTION}" in response.text and "[^1-1]: 中国金融新闻网" in response.text


def test_what_a_reader_thinks_is_kept_with_all_it_speaks_of(tmp_path):
    with (
        running(Settings(), lambda _: ScriptedAssistant(), tmp_path) as address,
        httpx.Client(base_url=address) as client,
    ):
        first = ask(client, QUESTION)
        id = first["conversation"]["id"]
        second = ask(client, OTHER, conversation=id)
        blame = {
            "answer_id": second["answer_id"],
            "rating": "down",
            "reason": "来源不对",
            "comment": "应为14家",
        }
        assert client.post("/page/feedback", json=blame).status_code == 204
        assert client.post(
            "/page/feedback", json={"answer_id": first["answer_id"], "rating": "up"}
        ).is_success
        turns = client.get(f"/page/conversations/{id}").json()["turns"]
        assert [turn["rating"] for turn in turns] == ["up", "down"]
        assert client.post(
            "/page/feedback", json={"answer_id": first["answer_id"], "rating": None}
        ).is_success
    with closing(Database(tmp_path / RECORDS_FILE)) as database:
        lines = [json.dumps(one, ensure_ascii=False) for one in Feedback(database).all()]
    (feedback,) = parse_feedback(lines)
    assert (feedback.question, feedback.rating, feedback.reason) == (OTHER, "down", "来源不对")
    assert feedback.comment == "应为14家"
    assert feedback.history[0] == ("user", QUESTION)
    assert feedback.response.citations[0].quote == "统筹部署13家相关成员公司"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rating": "down", "reason": "不喜欢"},
        {"rating": "down", "reason": ""},
        {"rating": "up", "comment": "长" * 1001},
        {"rating": "sideways"},
        {"rating": "up", "more": 1},
    ],
)
def test_a_rating_that_is_not_as_it_has_to_be_is_refused(browser, wrong):
    answer_id = ask(browser, QUESTION)["answer_id"]
    response = browser.post("/page/feedback", json={"answer_id": answer_id, **wrong})
    assert response.status_code == 422 and response.json()["code"] == "invalid_request"


def test_conversations_survive_a_restart_of_the_server(tmp_path):
    def server():
        return running(Settings(), lambda _: ScriptedAssistant(), tmp_path)

    with server() as address, httpx.Client(base_url=address) as client:
        id = ask(client, QUESTION)["conversation"]["id"]
        cookies = dict(client.cookies)
    with server() as address, httpx.Client(base_url=address, cookies=cookies) as client:
        assert [one["id"] for one in client.get("/page/conversations").json()] == [id]
        turn = ask(client, "那成员公司呢？", conversation=id)
        assert turn["conversation"]["turns"] == 2


def test_the_library_and_whole_articles_can_be_read(browser):
    library = browser.get("/page/articles").json()["html"]
    assert CLAIMS.title in library and CAMPAIGN.title in library and "索引于 2026-01-0" in library
    quote = "平安人寿赔付410万件"
    place = Quoted.of(quote, CLAIMS.text.index(quote))
    article = browser.get("/page/articles/a1", params={"quoted": [str(place)]}).json()["html"]
    assert f"<mark>{quote}</mark>" in article
    assert browser.get("/page/articles/none").status_code == 404
    assert browser.get("/page/articles/a1", params={"quoted": ["x"]}).status_code == 404


@pytest.mark.parametrize(("question", "code"), [("长" * 3000, "bad_question"), ("中途坏", "internal")])
def test_a_question_without_an_answer_is_told_why_and_leaves_no_turn(browser, question, code):
    name, error = events(browser, question)[-1]
    assert name == "error" and error["code"] == code and "secret" not in error["detail"]
    assert browser.get("/page/conversations").json() == []


def test_a_question_asked_while_the_assistant_loads_is_answered_once_it_is_there():
    loaded = threading.Event()

    def build(_: Settings) -> ScriptedAssistant:
        loaded.wait(20)
        return ScriptedAssistant()

    with running(Settings(), build) as address, httpx.Client(base_url=address, timeout=30) as client:
        assert client.get("/page/state").json()["state"] == "loading"
        with client.stream("POST", "/page/ask", json={"question": QUESTION}) as response:
            lines = response.iter_lines()
            seen = [next(lines), next(lines)]
            loaded.set()
            seen += list(lines)
        assert "正在加载资料" in seen[1]
        assert any(line == "event: turn" for line in seen)
        state = client.get("/page/state").json()
        assert state["state"] == "ready" and QUESTION in state["examples"]


def test_a_reader_who_leaves_gives_the_place_free_and_nothing_is_kept(scripted, address):
    scripted.closed.clear()
    with httpx.Client(base_url=address, timeout=20) as client:
        client.get("/page/state")
        with client.stream("POST", "/page/ask", json={"question": "等着"}) as response:
            next(response.iter_lines())
        time.sleep(0.3)  # until the server has seen that nobody listens
        scripted.gate.set()
        assert scripted.closed.wait(10)
        assert client.get("/page/conversations").json() == []


def test_records_that_cannot_be_kept_stop_the_server_from_starting(tmp_path):
    Path(tmp_path / RECORDS_FILE).write_bytes(b"no database at all" * 100)
    with (
        pytest.raises(RecordsError, match=RECORDS_FILE),
        running(Settings(), lambda _: ScriptedAssistant(), tmp_path),
    ):
        pass


def test_a_reader_who_has_to_wait_sees_how_many_are_ahead():
    assistant = ScriptedAssistant()
    with running(Settings(server={"workers": 1}), lambda _: assistant) as address:
        with httpx.Client(base_url=address, timeout=20) as client:
            while client.get("/readyz").status_code != 200:
                time.sleep(0.02)
        told: list[str] = []

        def wait() -> None:
            with httpx.Client(base_url=address, timeout=20) as client:
                for name, values in events(client, QUESTION):
                    told.append(values["html"] if name == "progress" else name)

        threads = []
        with httpx.stream("POST", f"{address}/page/ask", json={"question": "等着"}) as response:
            next(response.iter_lines())
            for place in (1, 2):
                threads.append(threading.Thread(target=wait))
                threads[-1].start()
                while f"xiaobao_questions_waiting {place}.0" not in httpx.get(f"{address}/metrics").text:
                    time.sleep(0.02)
            assistant.gate.set()
            for thread in threads:
                thread.join(20)
    assert sum("前面还有 1 个问题" in line for line in told) == 1
    assert sum("下一个就是你" in line for line in told) == 2
    assert told.count("turn") == 2
