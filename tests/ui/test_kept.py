"""Answers without a conversation on a real file: how long they stay, and that they can be rated."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from eval.drafting import parse_feedback
from tests.ui.keeping import ENTRY, answered, ask, modified
from ui import kept as module
from ui.audit import Trail
from ui.database import Database
from ui.errors import RecordsError, RecordsInputError, UnknownAnswerError
from ui.feedback import KEPT_OWNER
from ui.kept import KeptAnswers

ROOT = Path(module.__file__).parents[1]
HISTORY = (("user", "平安人寿赔付了多少？"), ("assistant", "410万件。"))


@pytest.fixture
def kept(database):
    return KeptAnswers(database)


def keep(kept: KeptAnswers, id: str, question: str = "那产险呢？", **options: object) -> None:
    kept.keep(question, HISTORY, answered(question, id=id).answer, **options)


def test_an_answer_is_rated_by_whoever_knows_its_id_with_all_it_speaks_of(kept, feedback):
    keep(kept, "a-1")
    feedback.rate_kept("a-1", "down", "答案错误", " 应为1,000万件 ")
    (one,) = feedback.all()
    (parsed,) = parse_feedback([json.dumps(one, ensure_ascii=False)])
    assert (parsed.question, parsed.rating, parsed.reason) == ("那产险呢？", "down", "答案错误")
    assert parsed.comment == "应为1,000万件" and parsed.history == HISTORY
    assert one["answer"] == answered("那产险呢？", id="a-1").answer.model_dump(mode="json")
    assert one["index_version"] == "v-test"


def test_the_last_rating_of_an_answer_counts_and_can_be_withdrawn(kept, feedback):
    keep(kept, "a-1")
    feedback.rate_kept("a-1", "up")
    feedback.rate_kept("a-1", "down", "其他")
    assert feedback.rating(KEPT_OWNER, ["a-1"]) == {"a-1": "down"} and feedback.total() == 1
    feedback.unrate(KEPT_OWNER, "a-1")
    assert feedback.total() == 0


@pytest.mark.parametrize("id", ["", "a-2", "\ud800", "%"])
def test_an_answer_that_is_not_kept_cannot_be_rated(kept, feedback, id):
    keep(kept, "a-1")
    with pytest.raises(UnknownAnswerError, match="找不到要评价的回答"):
        feedback.rate_kept(id, "up")
    assert feedback.total() == 0


def test_an_answer_of_a_conversation_is_its_owners_to_rate_and_the_other_way_round(kept, records, feedback):
    ask(records, "一")
    keep(kept, "a-1")
    with pytest.raises(UnknownAnswerError):
        feedback.rate_kept("a-一", "up")
    with pytest.raises(UnknownAnswerError):
        feedback.rate(KEPT_OWNER, "a-1", "up")


def test_a_rating_that_is_not_as_it_has_to_be_is_refused(kept, feedback):
    keep(kept, "a-1")
    with pytest.raises(RecordsInputError, match="请选择原因"):
        feedback.rate_kept("a-1", "down")
    assert feedback.total() == 0


def test_the_newest_answers_are_kept_and_ratings_of_older_ones_stay(kept, feedback, monkeypatch):
    monkeypatch.setattr(module, "MAX_KEPT_ANSWERS", 3)
    keep(kept, "a-0")
    feedback.rate_kept("a-0", "up")
    for number in range(1, 5):
        keep(kept, f"a-{number}")
    assert kept.total() == 3 and feedback.total() == 1
    for number in (2, 3, 4):
        feedback.rate_kept(f"a-{number}", "up")
    for number in (0, 1):
        with pytest.raises(UnknownAnswerError):
            feedback.rate_kept(f"a-{number}", "up")


def test_an_answer_that_failed_to_be_kept_takes_no_place(kept, file, monkeypatch):
    monkeypatch.setattr(module, "MAX_KEPT_ANSWERS", 3)
    keep(kept, "a-0")
    modified(file, "CREATE TRIGGER stop BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'stop'); END")
    for number in range(5):
        with pytest.raises(RecordsError, match="stop"):
            keep(kept, f"b-{number}", entry=ENTRY)
    assert kept.total() == 1
    for number in range(1, 3):
        keep(kept, f"a-{number}")
    assert kept.total() == 3


def test_threads_that_keep_at_once_lose_nothing(kept, database):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: keep(kept, f"a-{n}", entry=replace(ENTRY, answer_id=f"a-{n}")), range(80)))
    assert kept.total() == 80
    assert {entry.answer_id for entry in Trail(database).entries()} == {f"a-{n}" for n in range(80)}


def test_an_answer_that_cannot_be_stored_is_told_and_leaves_nothing(kept, database):
    with pytest.raises(RecordsInputError, match="无法保存的字符"):
        kept.keep("问", (), answered(text="半\ud800").answer, entry=ENTRY)
    assert kept.total() == 0 and list(Trail(database).entries()) == []


@pytest.mark.parametrize(("column", "value"), [("answer", "{"), ("history", "{"), ("history", "[1]")])
def test_an_answer_that_is_damaged_cannot_be_rated(kept, feedback, file, column, value):
    keep(kept, "a-1")
    modified(file, f"UPDATE kept_answers SET {column} = ?", value)
    with pytest.raises(RecordsError, match="已损坏的回答"):
        feedback.rate_kept("a-1", "up")


KEEPER = """
import sys
from pathlib import Path
from ui import kept as module
from ui.audit import Audit
from ui.database import Database
from ui.snapshot import Snapshot
module.MAX_KEPT_ANSWERS = 20
plain = Snapshot.model_validate_json(sys.argv[3])
database = Database(Path(sys.argv[1]))
kept, audit = module.KeptAnswers(database), Audit(database, b"x" * 32)
for number in range(100_000):
    answer = plain.model_copy(update={"id": f"{sys.argv[2]}-{number}", "text": "长" * 5000})
    entry = audit.entry(answer, who="key:k", door="api", request_id="r", milliseconds=1.0)
    kept.keep("问", (("user", "前"),), answer, entry)
    print(answer.id, flush=True)
"""


def test_a_process_killed_at_any_moment_leaves_every_acknowledged_answer_in_the_audit(file):
    Database(file).close()
    acknowledged: list[str] = []
    for attempt in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(file), f"k{attempt}", answered().answer.model_dump_json()],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        lines = [process.stdout.readline() for _ in range(25 + attempt * 7)]
        # At a moment that falls differently within a write each time.
        time.sleep(0.0017 * attempt)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait(10)
        assert process.returncode == -signal.SIGKILL
        acknowledged += [line.strip() for line in lines if line.endswith("\n")]
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            query = "SELECT answer_id FROM kept_answers ORDER BY number"
            there = [id for (id,) in connection.execute(query)]
        with closing(Database(file)) as database:
            recorded = [entry.answer_id for entry in Trail(database).entries()]
        # Those that are there are the newest that were recorded; nothing acknowledged is missing from the trail.
        assert len(there) == 20 and there == recorded[-20:]
        assert set(acknowledged) <= set(recorded) and len(recorded) <= len(acknowledged) + attempt + 1
