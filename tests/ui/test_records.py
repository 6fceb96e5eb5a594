"""Conversations on a real file: what is kept, for whom, and that nothing can lose or leak it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.conftest import CLAIMS, answer, citation, passage
from tests.ui.keeping import QUOTE, answered, ask, everything_in, modified, questions
from ui import records as module
from ui.audit import Trail
from ui.database import Database
from ui.errors import RecordsError, RecordsInputError, UnknownAnswerError, UnknownConversationError
from ui.records import MAX_TITLE_CHARS, Records, Turn

ROOT = Path(module.__file__).parents[1]


# What is kept


def test_a_conversation_comes_back_as_it_was_also_from_a_new_process(file, database, records):
    turns = [
        answered(id="a1"),
        Turn("坏了？", error="正在加载资料。"),
        answered("又多少？", "没有。", id="a2"),
    ]
    id = None
    for turn in turns:
        conversation = records.add("甲", id, turn)
        id = conversation.id
    assert conversation.turns == 3
    database.close()
    with closing(Database(file)) as reopened:
        again = Records(reopened)
        assert again.turns("甲", id) == tuple(turns)
        assert again.conversation("甲", id) == conversation


def test_an_answer_is_kept_as_the_assistant_gave_it(records):
    given_answer = answer("多少？", f"{QUOTE}[1]。", [citation(1, CLAIMS, QUOTE)], [passage(CLAIMS)])
    conversation = records.add("甲", None, Turn.of("多少？", given_answer))
    (turn,) = records.turns("甲", conversation.id)
    assert turn.answer.model_dump(mode="json") == json.loads(json.dumps(given_answer.to_dict()))


def test_times_are_in_utc_and_the_second_turn_moves_only_the_last_use(records):
    first = ask(records, "一")
    second = ask(records, "二", id=first.id)
    assert first.created.tzinfo is UTC and abs(datetime.now(UTC) - first.created) < timedelta(minutes=1)
    assert second.created == first.created == first.updated < second.updated


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("短问", "短问"),
        ("多\n行\t 问\u202e题", "多 行 问题"),
        ("长" * 31, "长" * 30 + "…"),
        (" \n", "无标题"),
    ],
)
def test_a_conversation_is_titled_by_its_question_on_one_line(records, question, title):
    assert records.add("甲", None, Turn(question)).title == title


def test_the_last_used_conversation_is_listed_first(records):
    one, two, three = ask(records, "一"), ask(records, "二"), ask(records, "三")
    ask(records, "再问", id=one.id)
    assert [c.id for c in records.conversations("甲")] == [one.id, three.id, two.id]


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_whatever_is_asked_can_be_kept(texts):
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(Path(folder) / "r.sqlite3")) as database,
    ):
        records = Records(database)
        id = None
        for text in texts:
            id = records.add("甲", id, Turn(text, error=text)).id
        assert records.turns("甲", id) == tuple(Turn(text, error=text) for text in texts)


def test_half_a_surrogate_pair_is_dropped_rather_than_the_turn(records):
    conversation = records.add("甲", None, Turn("问\ud800题", error="错\udfff"))
    assert records.turns("甲", conversation.id) == (Turn("问题", error="错"),)
    assert records.conversations("甲", "\ud800题")[0].id == conversation.id


def test_an_answer_that_cannot_be_stored_is_told_in_chinese_and_nothing_is_kept(records):
    with pytest.raises(RecordsInputError, match="无法保存的字符"):
        records.add("甲", None, answered(text="半\ud800"))
    assert records.conversations("甲") == []


# Editing


@pytest.mark.parametrize(
    ("keep", "left"),
    [(None, ["一", "二", "三", "新"]), (3, ["一", "二", "三", "新"]), (1, ["一", "新"]), (0, ["新"])],
)
def test_asking_again_drops_the_turns_after_the_place(records, keep, left):
    id = ask(records, "一").id
    for question in ("二", "三"):
        ask(records, question, id=id)
    conversation = ask(records, "新", id=id, keep=keep)
    assert questions(records, id) == left and conversation.turns == len(left)
    assert conversation.title == ("新" if keep == 0 else "一")
    ask(records, "后", id=id)
    assert questions(records, id) == [*left, "后"]


def test_a_title_given_by_hand_stays_when_the_first_question_is_asked_anew(records):
    id = ask(records, "一").id
    assert records.rename("甲", id, "  我的\n标题 ").title == "我的 标题"
    assert ask(records, "新", id=id, keep=0).title == "我的 标题"


@pytest.mark.parametrize("title", ["", " \n\u200b", "长" * (MAX_TITLE_CHARS + 1)])
def test_a_title_that_is_empty_or_too_long_is_refused_in_chinese(records, title):
    id = ask(records, "一").id
    with pytest.raises(RecordsInputError, match="标题"):
        records.rename("甲", id, title)
    assert records.conversation("甲", id).title == "一"
    assert records.rename("甲", id, "长" * MAX_TITLE_CHARS).title == "长" * MAX_TITLE_CHARS


# Search


@pytest.mark.parametrize("wanted", ["标题里", "xyz", "XYZ", "问题里", "答案里", "abc", "ABC", " 问题里 "])
def test_search_looks_in_title_questions_and_answers_whatever_the_case(records, wanted):
    found = records.add("甲", None, answered("问题里 aBc", "答案里"))
    records.rename("甲", found.id, "标题里 xYz")
    ask(records, "别的")
    assert [c.id for c in records.conversations("甲", wanted)] == [found.id]


@pytest.mark.parametrize("wanted", ["%", "_", "100%", "a_b", "\\", "'", "*", "[1]"])
def test_search_takes_every_character_as_itself(records, wanted):
    found = ask(records, f"前{wanted}后")
    records.add("甲", None, Turn("什么都没有 100 aXb"))
    assert [c.id for c in records.conversations("甲", wanted)] == [found.id]


def test_search_does_not_look_where_the_reader_does_not_see(records):
    ask(records, "一")
    assert records.conversations("甲", "index_version") == []
    assert records.conversations("甲", CLAIMS.url) == []


@settings(max_examples=40, deadline=None)
@given(text=st.text(min_size=1, max_size=20), data=st.data())
def test_every_stretch_of_a_question_finds_it(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(Path(folder) / "r.sqlite3")) as database,
    ):
        records = Records(database)
        records.add("甲", None, Turn(text))
        assert len(records.conversations("甲", text[start:end])) == 1


# Owners


def test_nobody_sees_or_changes_what_is_anothers(records, feedback):
    mine = ask(records, "一")
    assert records.conversations("乙") == [] and records.conversations("乙", "一") == []
    attempts = [
        lambda: records.conversation("乙", mine.id),
        lambda: records.turns("乙", mine.id),
        lambda: records.add("乙", mine.id, answered(), keep=0),
        lambda: records.rename("乙", mine.id, "我的了"),
        lambda: records.delete("乙", mine.id),
    ]
    for attempt in attempts:
        with pytest.raises(UnknownConversationError, match="找不到这个对话"):
            attempt()
    with pytest.raises(UnknownAnswerError, match="找不到要评价的回答"):
        feedback.rate("乙", "a-一", "up", "", "")
    feedback.rate("甲", "a-一", "up", "", "")
    feedback.unrate("乙", "a-一")
    assert feedback.rating("乙", ["a-一"]) == {} and feedback.rating("甲", ["a-一"]) == {"a-一": "up"}
    assert questions(records, mine.id) == ["一"] and records.conversation("甲", mine.id) == mine


@pytest.mark.parametrize("id", ["", "none", "\ud800", "' OR 1=1 --"])
def test_an_unknown_conversation_is_told_in_chinese(records, id):
    ask(records, "一")
    with pytest.raises(UnknownConversationError, match="找不到这个对话"):
        records.turns("甲", id)


def test_the_conversations_used_least_lately_make_room(records, monkeypatch):
    monkeypatch.setattr(module, "MAX_CONVERSATIONS", 3)
    other = ask(records, "别人的", owner="乙")
    one, two = ask(records, "一"), ask(records, "二")
    ask(records, "又", id=one.id)
    three, four = ask(records, "三"), ask(records, "四")
    assert [c.id for c in records.conversations("甲")] == [four.id, three.id, one.id]
    with pytest.raises(UnknownConversationError):
        records.turns("甲", two.id)
    assert records.conversations("乙") == [other]


# Deleting


@pytest.mark.parametrize("chars", [10, 900, 9000])
def test_what_is_deleted_is_no_longer_in_the_file(file, database, records, chars):
    secret = "SECRET-" + "x" * chars
    kept = [ask(records, f"KEPT-{number}") for number in range(10)]
    gone = []
    for number in range(10):
        conversation = records.add("甲", None, answered(f"{secret}{number}", secret, id=f"s{number}"))
        ask(records, f"{secret}-{number}", id=conversation.id)
        ask(records, f"KEPT-B{number}")
        gone.append(conversation)
    assert b"SECRET-" in everything_in(file)
    for conversation in gone:
        records.delete("甲", conversation.id)
    content = everything_in(file)
    assert b"SECRET-" not in content and b"secret-" not in content and b"KEPT-B9" in content
    assert len(records.conversations("甲")) == 20 and questions(records, kept[0].id) == ["KEPT-0"]
    database.close()
    assert b"SECRET-" not in everything_in(file)


def test_a_question_that_was_replaced_is_no_longer_in_the_file(file, records):
    id = ask(records, "SECRET-1").id
    ask(records, "SECRET-2", id=id)
    ask(records, "NEW", id=id, keep=0)
    content = everything_in(file)
    assert b"SECRET-" not in content and b"NEW" in content


# Trouble


@pytest.mark.parametrize("damaged", ["{", '{"id": 1}', "not json"])
def test_a_damaged_turn_names_the_conversation_and_leaves_the_others_readable(file, records, damaged):
    id = ask(records, "坏的").id
    sound = ask(records, "好的").id
    modified(file, "UPDATE turns SET answer = ? WHERE conversation = ?", damaged, id)
    with pytest.raises(RecordsError, match=f"对话「坏的」（{id}）的第 1 问已损坏"):
        records.turns("甲", id)
    assert questions(records, sound) == ["好的"] and len(records.conversations("甲", "的")) == 2
    records.delete("甲", id)


def test_a_failure_in_the_midst_of_adding_leaves_the_conversation_as_it_was(file, records):
    id = ask(records, "一").id
    modified(file, "CREATE TRIGGER stop BEFORE INSERT ON turns BEGIN SELECT raise(ABORT, 'stop'); END")
    with pytest.raises(RecordsError, match="stop"):
        ask(records, "二", id=id, keep=0)
    with pytest.raises(RecordsError, match="stop"):
        ask(records, "三")
    assert questions(records, id) == ["一"] and len(records.conversations("甲")) == 1


# Threads and processes


def test_threads_that_write_at_once_lose_nothing(records, feedback):
    shared = ask(records, "开始").id

    def write(number: int) -> None:
        own = ask(records, f"{number}-0", owner=f"o{number}").id
        for turn in range(1, 6):
            ask(records, f"{number}-{turn}", owner=f"o{number}", id=own)
            ask(records, f"s{number}-{turn}", id=shared)
            assert questions(records, own, f"o{number}")[-1] == f"{number}-{turn}"
            feedback.rate("甲", f"a-s{number}-{turn}", "up", "", "")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(write, range(12)))
    for number in range(12):
        (own,) = records.conversations(f"o{number}")
        assert questions(records, own.id, f"o{number}") == [f"{number}-{turn}" for turn in range(6)]
    asked = questions(records, shared)
    assert sorted(asked) == sorted(["开始", *(f"s{n}-{t}" for n in range(12) for t in range(1, 6))])
    for number in range(12):
        assert [q for q in asked if q.startswith(f"s{number}-")] == [f"s{number}-{t}" for t in range(1, 6)]
    assert records.total() == 13 and feedback.total() == 60


WRITER = """
import sys
from pathlib import Path
from ui.audit import Audit
from ui.database import Database
from ui.records import Records, Turn
from ui.snapshot import Snapshot
plain = Snapshot.model_validate_json(sys.argv[5])
database = Database(Path(sys.argv[1]))
records, audit = Records(database), Audit(database, b"x" * 32)
id = sys.argv[2] or None
for number in range(int(sys.argv[4])):
    text = f"{sys.argv[3]}-{number}"
    answer = plain.model_copy(update={"id": f"a-{text}", "text": text * 200})
    entry = audit.entry(answer, who="user:k", door="page", request_id=text, milliseconds=1.0)
    id = records.add("甲", id, Turn(text, answer), entry=entry).id
    print(id, text, flush=True)
"""


def writer(file: Path, id: str, name: str, count: int) -> subprocess.Popen[str]:
    """A process that adds turns and says so after each."""
    plain = answered().answer.model_dump_json()
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), id, name, str(count), plain],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_processes_that_start_on_a_new_file_and_write_at_once_lose_nothing(file):
    processes = [writer(file, "", f"p{number}", 20) for number in range(3)]
    database = Database(file)
    records = Records(database)
    mine = [ask(records, f"m{number}") for number in range(20)]
    said = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    for number, lines in enumerate(said):
        id = lines[0].split()[0]
        assert questions(records, id) == [f"p{number}-{turn}" for turn in range(20)]
    assert len(records.conversations("甲")) == 3 + len(mine)
    database.close()


def test_a_process_killed_at_any_moment_loses_nothing_it_acknowledged(file):
    Database(file).close()
    acknowledged: list[tuple[str, str]] = []
    for attempt in range(5):
        process = writer(file, "", f"k{attempt}", 100_000)
        lines = [process.stdout.readline() for _ in range(3 + attempt * 7)]
        # At a moment that falls differently within a write each time.
        time.sleep(0.0013 * attempt)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait(10)
        assert process.returncode == -signal.SIGKILL
        acknowledged += [tuple(line.split()) for line in lines if line.endswith("\n")]
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        database = Database(file)
        records = Records(database)
        kept = {
            (conversation.id, turn.question): turn
            for conversation in records.conversations("甲")
            for turn in records.turns("甲", conversation.id)
        }
        assert set(acknowledged) <= set(kept)
        # What was not yet acknowledged may be there, but whole, and at most one of each process.
        assert len(kept) <= len(acknowledged) + attempt + 1
        assert all(turn.answer.text == question * 200 for (_, question), turn in kept.items())
        assert all(conversation.turns > 0 for conversation in records.conversations("甲"))
        # No turn is without its entry, and no entry without its turn.
        recorded = [entry.answer_id for entry in Trail(database).entries()]
        assert sorted(recorded) == sorted(turn.answer.id for turn in kept.values())
        database.close()
    assert len(acknowledged) > 50
