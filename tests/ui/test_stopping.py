"""What is left when the server is stopped or killed while many are asking."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from pathlib import Path

import httpx
import pytest

from index.settings import IndexSettings
from tests.ui.served import Server, serving
from ui.audit import Trail
from ui.database import RECORDS_FILE, Database

QUESTIONS = (
    "2022年平安人寿赔付了多少件？",
    "统筹部署了多少家成员公司？",
    "今天天气怎么样？",
    "什么是神秘客？",
)


class Asking:
    """Users who ask without a pause until the server is gone; the ids of the answers that reached them by path."""

    def __init__(self, server: Server) -> None:
        self.got: dict[str, set[str]] = {"/api/ask": set(), "/page/ask": set()}
        self._address = server.address
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(path, number))
            for number in range(4)
            for path in self.got
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        deadline = time.monotonic() + 60
        while min(map(len, self.got.values())) < answers:
            assert time.monotonic() < deadline, "nothing was answered"
            time.sleep(0.02)

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, path: str, number: int) -> None:
        with httpx.Client(base_url=self._address, timeout=60) as client:
            while not self._stopped.is_set():
                try:
                    response = client.post(path, json={"question": QUESTIONS[number]})
                except httpx.TransportError:
                    return
                self.got[path].update(answered(path, response.text))


def answered(path: str, text: str) -> list[str]:
    """The id of the answer in a whole response; none in what was cut off."""
    if path == "/api/ask":
        return [json.loads(text)["id"]]
    turns = [block for block in text.split("\n\n") if block.startswith("event: turn\n")]
    return [json.loads(turn.partition("data: ")[2])["answer_id"] for turn in turns]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_answer_that_was_given_is_lost_when_the_server_ends_under_load(
    real_settings: IndexSettings, tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path, XIAOBAO_INDEX__PATH=str(real_settings.path)) as server:
        asking = Asking(server)
        asking.wait_for(5)
        server.process.send_signal(number)
        server.process.wait(60)
        asking.stop()
    database = Database(tmp_path / RECORDS_FILE)
    entries = {entry.answer_id: entry for entry in Trail(database).entries()}
    database.close()
    with sqlite3.connect(tmp_path / RECORDS_FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        turns = {answer_id for (answer_id,) in connection.execute("SELECT answer_id FROM turns")}
    assert asking.got["/page/ask"] <= turns
    assert asking.got["/api/ask"] | asking.got["/page/ask"] <= entries.keys()
    # Nor is there a turn without its entry, or the other way round.
    assert turns == {id for id, entry in entries.items() if entry.door == "page"}
