"""Personal data that staff paste into a question, a title or a comment is in no file afterwards."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from assistant.settings import Settings
from tests.ui.conftest import ScriptedAssistant, running
from ui.audit import Audit, Entry, Trail
from ui.database import RECORDS_FILE, Database
from ui.feedback import Feedback

ID_CARD, MOBILE, BANK_CARD, EMAIL = (
    "11010519491231002X",
    "138 0013 8000",
    "6222021234567890128",
    "wang@example.com",
)
PERSONAL = f"客户身份证{ID_CARD}，手机{MOBILE}，卡号{BANK_CARD}，邮箱{EMAIL}，他拨打95511问2022年平安人寿赔付了多少件？"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        running(Settings(), lambda _: ScriptedAssistant(), tmp_path) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        while client.get("/readyz").status_code != 200:
            time.sleep(0.02)
        yield client


def test_what_was_written_down_holds_none_of_it(server: httpx.Client, tmp_path: Path) -> None:
    asked = server.post("/page/ask", json={"question": PERSONAL}).text
    turn = json.loads(re.search(r"event: turn\ndata: (.*)", asked).group(1))
    server.patch(f"/page/conversations/{turn['conversation']['id']}", json={"title": f"王先生 {MOBILE}"})
    server.post("/page/feedback", json={"answer_id": turn["answer_id"], "rating": "up", "comment": PERSONAL})
    history = [{"role": "user", "content": PERSONAL}, {"role": "assistant", "content": PERSONAL}]
    answer = server.post("/api/ask", json={"question": PERSONAL, "history": history}).json()
    rated = server.post(
        "/api/feedback", json={"answer_id": answer["id"], "rating": "up", "comment": PERSONAL}
    )
    assert rated.status_code == 204

    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert "赔付了多少件".encode() in written and b"95511" in written
    for secret in (ID_CARD, MOBILE, MOBILE.replace(" ", ""), BANK_CARD, EMAIL):
        assert secret.encode() not in written
    kept = server.get(f"/page/conversations/{turn['conversation']['id']}").json()
    assert "[身份证号]" in kept["turns"][0]["question"] and kept["title"] == "王先生 [手机号]"
    # Whoever asked is answered about what they asked.
    assert answer["question"] == PERSONAL


def test_a_rating_of_an_answer_without_a_conversation_is_kept_with_all_it_speaks_of(
    server: httpx.Client, tmp_path: Path
) -> None:
    answer = server.post("/api/ask", json={"question": "2022年平安人寿赔付了多少件？"}).json()
    wrong = {"answer_id": answer["id"], "rating": "down", "reason": "来源不对", "comment": "应为第二段"}
    assert server.post("/api/feedback", json=wrong).status_code == 204
    assert server.post("/api/feedback", json=wrong | {"answer_id": "0" * 32}).status_code == 404
    assert server.post("/api/feedback", json=wrong | {"reason": "不好看"}).status_code == 422
    assert server.post("/api/feedback", json=wrong | {"rating": "bad"}).status_code == 422
    database = Database(tmp_path / RECORDS_FILE)
    (kept,) = Feedback(database).all()
    assert server.post("/api/feedback", json={"answer_id": answer["id"], "rating": None}).status_code == 204
    assert list(Feedback(database).all()) == []
    database.close()
    assert kept["reason"] == "来源不对" and kept["comment"] == "应为第二段"
    assert kept["answer"]["id"] == answer["id"] and kept["answer"]["citations"]


def test_the_audit_trail_names_who_when_and_on_what_and_not_the_question(
    server: httpx.Client, tmp_path: Path
) -> None:
    question = "2022年平安人寿赔付了多少件？"
    response = server.post("/api/ask", json={"question": question})
    server.post("/api/ask", json={"question": f" {question} "})
    server.post("/page/ask", json={"question": "没有的事"})
    database = Database(tmp_path / RECORDS_FILE)
    first, again, other = Trail(database).entries()
    database.close()
    assert first.answer_id == response.json()["id"] and first.request_id == response.headers["x-request-id"]
    assert first.who == "address:127.0.0.1" and first.door == "api" and other.door == "page"
    assert first.citations == ("a1-0",) and other.citations == () and other.status == "not_found"
    assert first.question_hash == again.question_hash != other.question_hash
    assert abs((datetime.now(UTC) - first.at).total_seconds()) < 60
    assert not any("赔付" in str(value) for value in first.to_dict().values())


def test_old_entries_leave_the_audit_trail_when_the_server_starts(tmp_path: Path) -> None:
    database = Database(tmp_path / RECORDS_FILE)
    audit = Audit(database, b"s" * 32)
    for days in (400, 10):
        at = datetime.now(UTC) - timedelta(days=days)
        audit.record(
            Entry(
                at,
                "key:x",
                "api",
                f"request-{days}",
                "0" * 64,
                f"answer-{days}",
                "grounded",
                (),
                "v",
                "reader",
                1.0,
            )
        )
    with running(Settings(), lambda _: ScriptedAssistant(), tmp_path):
        deadline = time.monotonic() + 10
        while len(list(audit.entries())) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert [entry.answer_id for entry in audit.entries()] == ["answer-10"]
    database.close()
