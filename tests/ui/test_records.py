"""Conversations and feedback on a real file: what is kept, for whom, and that nothing can lose or leak it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.drafting import from_feedback, parse_feedback
from tests.ui.conftest import CLAIMS, answer, citation, passage
from ui import records as module
from ui.browsers import Browsers, load_secret
from ui.errors import RecordsError, RecordsInputError, UnknownAnswerError, UnknownConversationError
from ui.records import MAX_COMMENT_CHARS, MAX_TITLE_CHARS, REASONS, Records, Turn
from ui.snapshot import Snapshot

ROOT = Path(module.__file__).parents[1]
QUOTE = "2022年，平安人寿赔付410万件"


def answered(question: str = "赔付了多少件？", text: str = f"{QUOTE}[1]。", id: str = "answer-1") -> Turn:
    """A turn with an answer that cites something."""
    shown = answer(question, text, [citation(1, CLAIMS, QUOTE)], [passage(CLAIMS)], id=id)
    return Turn(question, Snapshot.of(shown))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "records" / "records.sqlite3"


@pytest.fixture
def records(file):
    opened = Records(file)
    yield opened
    opened.close()


def ask(records: Records, question: str, owner: str = "甲", id: str | None = None, **options):
    return records.add(owner, id, answered(question, id=f"a-{question}"), **options)


def questions(records: Records, id: str, owner: str = "甲") -> list[str]:
    return [turn.question for turn in records.turns(owner, id)]


def modified(file: Path, statement: str, *values: object) -> None:
    """Change the file behind the back of ``Records``."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement, values)


# What is kept


def test_a_conversation_comes_back_as_it_was_also_from_a_new_process(file, records):
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
    records.close()
    again = Records(file)
    assert again.turns("甲", id) == tuple(turns)
    assert again.conversation("甲", id) == conversation
    again.close()


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
    with tempfile.TemporaryDirectory() as folder:
        records = Records(Path(folder) / "r.sqlite3")
        id = None
        for text in texts:
            id = records.add("甲", id, Turn(text, error=text)).id
        assert records.turns("甲", id) == tuple(Turn(text, error=text) for text in texts)
        records.close()


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
    with tempfile.TemporaryDirectory() as folder:
        records = Records(Path(folder) / "r.sqlite3")
        records.add("甲", None, Turn(text))
        assert len(records.conversations("甲", text[start:end])) == 1
        records.close()


# Owners


def test_nobody_sees_or_changes_what_is_anothers(records):
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
        records.rate("乙", "a-一", "up", "", "")
    records.rate("甲", "a-一", "up", "", "")
    records.unrate("乙", "a-一")
    assert records.rating("乙", ["a-一"]) == {} and records.rating("甲", ["a-一"]) == {"a-一": "up"}
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


def everything_in(file: Path) -> bytes:
    return b"".join(part.read_bytes() for part in sorted(file.parent.iterdir()))


@pytest.mark.parametrize("chars", [10, 900, 9000])
def test_what_is_deleted_is_no_longer_in_the_file(file, records, chars):
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
    records.close()
    assert b"SECRET-" not in everything_in(file)


def test_a_question_that_was_replaced_is_no_longer_in_the_file(file, records):
    id = ask(records, "SECRET-1").id
    ask(records, "SECRET-2", id=id)
    ask(records, "NEW", id=id, keep=0)
    content = everything_in(file)
    assert b"SECRET-" not in content and b"NEW" in content


def test_feedback_outlives_its_conversation(records):
    conversation = ask(records, "一")
    records.rate("甲", "a-一", "down", "其他", "说明")
    records.delete("甲", conversation.id)
    assert [one["question"] for one in records.feedback()] == ["一"]
    assert records.rating("甲", ["a-一"]) == {"a-一": "down"}
    with pytest.raises(UnknownAnswerError):
        records.rate("甲", "a-一", "up", "", "")
    records.unrate("甲", "a-一")
    assert list(records.feedback()) == []


# Feedback


def test_feedback_is_what_the_evaluation_reads(records):
    first = answer("多少件？", f"{QUOTE}[1]。", [citation(1, CLAIMS, QUOTE)], [passage(CLAIMS)], id="a1")
    id = records.add("甲", None, Turn.of("多少件？", first)).id
    records.add("甲", id, Turn("坏了？", error="出错了。"))
    second = answer("那产险呢？", f"{QUOTE}[1]。", [citation(1, CLAIMS, QUOTE)], id="a2", index_version="v-7")
    records.add("甲", id, Turn.of("那产险呢？", second))
    records.rate("甲", "a2", "down", "答案错误", " 应为\n1,000万件 ")
    records.rate("甲", "a1", "up", "", "")
    exported = list(records.feedback())
    assert exported[0] == {
        "created": exported[0]["created"],
        "rating": "down",
        "reason": "答案错误",
        "comment": "应为\n1,000万件",
        "question": "那产险呢？",
        "history": [
            {"role": "user", "content": "多少件？"},
            {"role": "assistant", "content": f"{QUOTE}[1]。"},
        ],
        "answer": json.loads(json.dumps(second.to_dict())),
        "index_version": "v-7",
    }
    assert datetime.fromisoformat(exported[0]["created"]) <= datetime.fromisoformat(exported[1]["created"])
    lines = [json.dumps(one, ensure_ascii=False) for one in exported]
    parsed = parse_feedback(lines)
    assert [(one.rating, one.reason, one.question) for one in parsed] == [
        ("down", "答案错误", "那产险呢？"),
        ("up", "", "多少件？"),
    ]
    assert parsed[0].history == (("user", "多少件？"), ("assistant", f"{QUOTE}[1]。"))
    assert parsed[1].response.citations[0].quote == QUOTE
    assert len(from_feedback(lines)) == 2


def test_rating_again_replaces_and_withdrawing_removes(records):
    for question in ("一", "二", "三"):
        ask(records, question)
        records.rate("甲", f"a-{question}", "up", "", "")
    records.rate("甲", "a-一", "down", "没找到", "再看")
    records.unrate("甲", "a-二")
    records.unrate("甲", "从没评过")
    assert [(one["question"], one["rating"]) for one in records.feedback()] == [("三", "up"), ("一", "down")]
    wanted = ["a-一", "a-二", "a-三", "\ud800"]
    assert records.rating("甲", wanted) == {"a-一": "down", "a-三": "up"}
    assert records.rating("甲", []) == {}
    assert records.totals() == (3, 2)


@pytest.mark.parametrize(
    ("rating", "reason", "comment", "said"),
    [
        ("down", "", "", "请选择原因"),
        ("down", "不喜欢", "", "不喜欢"),
        ("up", "不喜欢", "", "没有「不喜欢」这个原因"),
        ("down", "其他", "长" * (MAX_COMMENT_CHARS + 1), "说明太长"),
        ("sideways", "", "", "up 或 down"),
    ],
)
def test_feedback_that_is_not_as_it_has_to_be_is_refused_in_chinese(records, rating, reason, comment, said):
    ask(records, "一")
    with pytest.raises(RecordsInputError, match=said):
        records.rate("甲", "a-一", rating, reason, comment)
    assert list(records.feedback()) == []


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_and_the_longest_comment_are_taken(records, reason):
    ask(records, "一")
    records.rate("甲", "a-一", "down", reason, "长" * MAX_COMMENT_CHARS)
    assert [one["reason"] for one in records.feedback()] == [reason]


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


def test_damaged_feedback_is_named(file, records):
    ask(records, "一")
    records.rate("甲", "a-一", "up", "", "")
    modified(file, "UPDATE feedback SET answer = '{'")
    with pytest.raises(RecordsError, match="第 1 条反馈已损坏"):
        list(records.feedback())


def test_an_answer_that_is_damaged_cannot_be_rated(file, records):
    ask(records, "一")
    modified(file, "UPDATE turns SET answer = '{'")
    with pytest.raises(RecordsError, match="已损坏的回答"):
        records.rate("甲", "a-一", "up", "", "")
    ask(records, "二")
    records.rate("甲", "a-二", "up", "", "")


def test_what_is_no_database_is_refused_and_left_alone(file):
    file.parent.mkdir()
    file.write_text("这不是数据库" * 100, "utf-8")
    with pytest.raises(RecordsError, match="不是数据库") as raised:
        Records(file)
    assert str(file) in str(raised.value) and "server.records" in str(raised.value)
    assert file.read_text("utf-8") == "这不是数据库" * 100


def test_a_database_of_something_else_is_refused_and_left_alone(file):
    file.parent.mkdir()
    modified(file, "CREATE TABLE turns (a)")
    before = file.read_bytes()
    with pytest.raises(RecordsError, match="别的程序的数据库"):
        Records(file)
    assert file.read_bytes() == before


def test_records_of_a_newer_program_are_refused_and_left_alone(file, records):
    id = ask(records, "一").id
    records.close()
    version = len(module._MIGRATIONS)
    modified(file, f"PRAGMA user_version = {version + 1}")
    with pytest.raises(RecordsError, match="更新版本的程序") as raised:
        Records(file)
    assert "升级" in str(raised.value)
    modified(file, f"PRAGMA user_version = {version}")
    assert questions(Records(file), id) == ["一"]


def test_a_new_schema_is_reached_from_an_old_file_with_what_it_holds(file, records, monkeypatch):
    id = ask(records, "一").id
    records.close()
    added = (*module._MIGRATIONS, ("ALTER TABLE turns ADD COLUMN liked INTEGER NOT NULL DEFAULT 7",))
    monkeypatch.setattr(module, "_MIGRATIONS", added)
    for _ in range(2):
        again = Records(file)
        assert questions(again, id) == ["一"]
        again.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT liked FROM turns").fetchall() == [(7,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(added),)


def test_a_new_schema_that_fails_half_way_leaves_the_old_one(file, records, monkeypatch):
    ask(records, "一")
    records.close()
    added = (
        *module._MIGRATIONS,
        ("ALTER TABLE turns ADD COLUMN liked INTEGER", "ALTER TABLE none ADD COLUMN x"),
    )
    with monkeypatch.context() as patched:
        patched.setattr(module, "_MIGRATIONS", added)
        with pytest.raises(RecordsError):
            Records(file)
    assert Records(file).totals() == (1, 0)
    with closing(sqlite3.connect(file)) as connection:
        assert "liked" not in [row[1] for row in connection.execute("PRAGMA table_info(turns)")]


@pytest.fixture
def unprivileged():
    """A folder of one's own, and no rights of root until the test ends."""
    folder = Path(tempfile.mkdtemp())
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, -1)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_a_file_that_may_not_be_written_is_told_at_once(unprivileged):
    file = unprivileged / "r.sqlite3"
    records = Records(file)
    ask(records, "一")
    records.close()
    file.chmod(0o400)
    with pytest.raises(RecordsError, match=r"只读|权限") as raised:
        Records(file)
    assert str(file) in str(raised.value)


def test_a_folder_that_cannot_be_made_or_written_is_told_at_once(unprivileged):
    unprivileged.chmod(0o500)
    for file in (unprivileged / "r.sqlite3", unprivileged / "new" / "r.sqlite3"):
        with pytest.raises(RecordsError, match="权限") as raised:
            Records(file)
        assert str(file) in str(raised.value)
    with pytest.raises(RecordsError, match="权限"):
        load_secret(unprivileged / "key")


def test_a_folder_in_the_files_place_is_told(tmp_path):
    with pytest.raises(RecordsError, match="无法打开"):
        Records(tmp_path)


def test_a_file_that_turns_bad_while_open_is_told_and_found_by_the_totals(file, records):
    for number in range(30):
        ask(records, f"{number}")
    records.close()
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(file.stat().st_size - 4096))
    damaged = Records(file)
    with pytest.raises(RecordsError, match="已损坏"):
        damaged.totals()
    with pytest.raises(RecordsError, match="已损坏"):
        damaged.conversations("甲")
    damaged.close()


def test_damage_in_what_is_seldom_read_is_found_by_the_totals(file, records):
    for number in range(30):
        ask(records, f"{number}")
    records.close()
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'turns'").fetchone()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(bytes(4096))
    damaged = Records(file)
    with pytest.raises(RecordsError, match="已损坏"):
        damaged.totals()
    damaged.close()


def test_a_file_that_another_program_holds_is_told(file, records, monkeypatch):
    ask(records, "一")
    records.close()
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.1)
    records = Records(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsError, match="正被别的程序占用"):
            ask(records, "二")
        assert len(records.conversations("甲")) == 1
    assert ask(records, "三").turns == 1
    records.close()


def test_a_failure_in_the_midst_of_adding_leaves_the_conversation_as_it_was(file, records):
    id = ask(records, "一").id
    modified(file, "CREATE TRIGGER stop BEFORE INSERT ON turns BEGIN SELECT raise(ABORT, 'stop'); END")
    with pytest.raises(RecordsError, match="stop"):
        ask(records, "二", id=id, keep=0)
    with pytest.raises(RecordsError, match="stop"):
        ask(records, "三")
    assert questions(records, id) == ["一"] and len(records.conversations("甲")) == 1


def test_what_staff_asked_is_readable_by_nobody_else(tmp_path):
    os.umask(old := os.umask(0))
    os.umask(0)
    try:
        file = tmp_path / "made" / "r.sqlite3"
        records = Records(file)
        ask(records, "一")
        load_secret(tmp_path / "made" / "key")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
        assert set(modes.values()) == {0o600} and {"r.sqlite3", "r.sqlite3-wal", "key"} <= set(modes)
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        records.close()
        there = tmp_path / "there"
        there.mkdir(mode=0o755)
        Records(there / "r.sqlite3").close()
        assert stat.S_IMODE(there.stat().st_mode) == 0o755
    finally:
        os.umask(old)


# Threads and processes


def test_threads_that_write_at_once_lose_nothing(records):
    shared = ask(records, "开始").id

    def write(number: int) -> None:
        own = ask(records, f"{number}-0", owner=f"o{number}").id
        for turn in range(1, 6):
            ask(records, f"{number}-{turn}", owner=f"o{number}", id=own)
            ask(records, f"s{number}-{turn}", id=shared)
            assert questions(records, own, f"o{number}")[-1] == f"{number}-{turn}"
            records.rate("甲", f"a-s{number}-{turn}", "up", "", "")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(write, range(12)))
    for number in range(12):
        (own,) = records.conversations(f"o{number}")
        assert questions(records, own.id, f"o{number}") == [f"{number}-{turn}" for turn in range(6)]
    asked = questions(records, shared)
    assert sorted(asked) == sorted(["开始", *(f"s{n}-{t}" for n in range(12) for t in range(1, 6))])
    for number in range(12):
        assert [q for q in asked if q.startswith(f"s{number}-")] == [f"s{number}-{t}" for t in range(1, 6)]
    assert records.totals() == (13, 60)


def test_all_who_start_at_once_on_a_new_file_can_use_it(tmp_path):
    for attempt in range(15):
        barrier = threading.Barrier(8)

        def start(file: Path, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(10)
            records = Records(file)
            ask(records, "一")
            records.close()

        file = tmp_path / f"r{attempt}.sqlite3"
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(start, [file] * 8))
        assert Records(file).totals() == (8, 0)


def test_a_new_file_that_another_process_is_setting_up_is_waited_for(file):
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, other.execute, ["ROLLBACK"])
        timer.start()
        records = Records(file)
        timer.join()
    assert ask(records, "一").turns == 1
    records.close()


def test_closing_while_others_are_at_work_leaves_no_connection_open(file, records):
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with records._connection():
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    records.close()
    assert file.with_name("records.sqlite3-wal").exists()
    go_on.set()
    thread.join(10)
    # SQLite takes its log away with the last connection.
    assert not file.with_name("records.sqlite3-wal").exists()
    assert ask(records, "还能用").turns == 1
    assert not file.with_name("records.sqlite3-wal").exists()


WRITER = """
import sys
from pathlib import Path
from ui.records import Records, Turn
from ui.snapshot import Snapshot
plain = Snapshot.model_validate_json(sys.argv[5])
records = Records(Path(sys.argv[1]))
id = sys.argv[2] or None
for number in range(int(sys.argv[4])):
    text = f"{sys.argv[3]}-{number}"
    turn = Turn(text, plain.model_copy(update={"id": f"a-{text}", "text": text * 200}))
    id = records.add("甲", id, turn).id
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
    records = Records(file)
    mine = [ask(records, f"m{number}") for number in range(20)]
    said = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    for number, lines in enumerate(said):
        id = lines[0].split()[0]
        assert questions(records, id) == [f"p{number}-{turn}" for turn in range(20)]
    assert len(records.conversations("甲")) == 3 + len(mine)
    records.close()


def test_a_process_killed_at_any_moment_loses_nothing_it_acknowledged(file):
    Records(file).close()
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
        records = Records(file)
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
        records.close()
    assert len(acknowledged) > 50


# Browsers


SECRET = bytes(range(32))


def test_a_browser_is_known_again_by_its_cookie_and_only_by_that():
    browsers = Browsers(SECRET)
    cookies = [browsers.new() for _ in range(50)]
    owners = [browsers.owner(cookie) for cookie in cookies]
    assert len(set(owners)) == 50 and all(len(owner) == 64 and int(owner, 16) for owner in owners)
    assert [Browsers(SECRET).owner(cookie) for cookie in cookies] == owners
    assert [Browsers(b"x" * 32).owner(cookie) for cookie in cookies] == [None] * 50
    # The token is not to be had from what the records hold.
    assert all(cookie.partition(".")[0] not in owner for cookie, owner in zip(cookies, owners, strict=True))


def test_a_cookie_goes_into_a_header_as_it_is():
    for _ in range(50):
        token, signature = Browsers(SECRET).new().split(".")
        assert len(token) == 22 and len(signature) == 43
        assert all(char.isascii() and (char.isalnum() or char in "-_") for char in token + signature)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 65), char=st.characters())
def test_a_cookie_with_any_character_changed_is_nobodys(position, char):
    browsers = Browsers(SECRET)
    cookie = browsers.new()
    forged = cookie[:position] + char + cookie[position + 1 :]
    assert (browsers.owner(forged) is None) == (forged != cookie)


@settings(max_examples=200, deadline=None)
@given(cookie=st.one_of(st.none(), st.text(), st.from_regex(r"[\w-]{0,30}\.[\w-]{0,50}")))
def test_no_cookie_however_malformed_is_anybodys(cookie):
    assert Browsers(SECRET).owner(cookie) is None


@pytest.mark.parametrize("change", [str.upper, lambda c: c + "=", lambda c: c + ".x", lambda c: " " + c])
def test_another_spelling_of_a_cookie_is_nobodys(change):
    browsers = Browsers(SECRET)
    assert browsers.owner(change(browsers.new())) is None


def test_the_secret_survives_and_is_made_once(tmp_path):
    file = tmp_path / "new" / "key"
    secret = load_secret(file)
    assert len(secret) == 32 and load_secret(file) == secret == file.read_bytes()
    assert load_secret(tmp_path / "other") != secret
    assert [path.name for path in file.parent.iterdir()] == ["key"]


def test_all_who_start_at_once_agree_on_one_secret(tmp_path):
    for attempt in range(20):
        barrier = threading.Barrier(8)

        def load(file: Path, barrier: threading.Barrier = barrier) -> bytes:
            barrier.wait(10)
            return load_secret(file)

        with ThreadPoolExecutor(8) as pool:
            secrets = set(pool.map(load, [tmp_path / f"key{attempt}"] * 8))
        assert len(secrets) == 1
    assert len(list(tmp_path.iterdir())) == 20


@pytest.mark.parametrize("content", [b"", b"x" * 31])
def test_a_secret_that_is_too_short_is_refused_in_chinese_and_left_alone(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(RecordsError, match="已损坏") as raised:
        load_secret(file)
    assert str(file) in str(raised.value) and file.read_bytes() == content


def test_a_secret_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "key").mkdir()
    with pytest.raises(RecordsError, match="无法读取"):
        load_secret(tmp_path / "key")
