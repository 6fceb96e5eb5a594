"""The audit trail on a real file: what is in it, that it goes with what it speaks of, and what is never in it."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.conftest import CLAIMS, answer, citation, passage
from tests.ui.keeping import ENTRY, NEW_YEAR, QUOTE, answered, everything_in, modified
from ui.audit import Audit, Entry
from ui.errors import RecordsError, RecordsInputError, UnknownConversationError
from ui.snapshot import Snapshot

SECRET = bytes(range(32))


@pytest.fixture
def audit(database):
    return Audit(database, SECRET)


def at(day: int) -> Entry:
    return replace(ENTRY, at=NEW_YEAR + timedelta(days=day), answer_id=f"a-{day}")


def answers(audit: Audit, since: datetime | None = None) -> list[str]:
    return [entry.answer_id for entry in audit.entries(since)]


def test_an_entry_comes_back_as_it_was_and_cannot_be_changed(audit):
    audit.record(ENTRY)
    (entry,) = audit.entries()
    assert entry == ENTRY and entry.at.tzinfo is UTC
    with pytest.raises(FrozenInstanceError):
        entry.who = "user:zhang"


def test_an_entry_says_what_the_answer_rested_on_and_nothing_of_what_was_asked(audit, file):
    question = "SECRET-赔付多少？"
    cited = [citation(1, CLAIMS, QUOTE), citation(2, CLAIMS, "同比增长5%")]
    given_answer = answer(question, f"SECRET {QUOTE}[1]。", cited, [passage(CLAIMS)], id="a-7")
    entry = audit.entry(
        Snapshot.of(given_answer), who="browser:1f2e", door="page", request_id="r-2", milliseconds=41.5
    )
    audit.record(entry)
    assert abs(datetime.now(UTC) - entry.at) < timedelta(minutes=1)
    assert entry == replace(
        ENTRY,
        at=entry.at,
        who="browser:1f2e",
        door="page",
        request_id="r-2",
        question_hash=audit.question_hash(question),
        answer_id="a-7",
        citations=("a1-0",),
        index_version="v-test",
        milliseconds=41.5,
    )
    content = everything_in(file)
    assert b"a-7" in content and b"SECRET" not in content and "赔付".encode() not in content


def test_a_questions_hash_is_keyed_for_this_purpose_alone(audit):
    question = "多少？"
    message = b"xiaobao audit question\0" + question.encode()
    # NFKC makes the wide question mark a narrow one.
    assert audit.question_hash(question) != hmac.new(SECRET, message, hashlib.sha256).hexdigest()
    message = b"xiaobao audit question\0" + "多少?".encode()
    assert audit.question_hash(question) == hmac.new(SECRET, message, hashlib.sha256).hexdigest()
    assert audit.question_hash(question) != hmac.new(SECRET, "多少?".encode(), hashlib.sha256).hexdigest()
    assert Audit(audit._database, b"x" * 32).question_hash(question) != audit.question_hash(question)


@pytest.mark.parametrize(
    "spelling", ["2022年多少?", " 2022年多少?\n", "\u3000２０２２年多少？", "2022年多少?\ud800"]
)
def test_the_same_question_has_the_same_hash_however_wide_it_is_written(audit, spelling):
    assert audit.question_hash(spelling) == audit.question_hash("2022年多少？")


@given(question=st.text())
def test_whatever_is_asked_has_a_hash(question):
    digest = Audit(None, SECRET).question_hash(question)
    assert len(digest) == 64 and int(digest, 16) >= 0


def test_entries_come_oldest_first_and_from_a_moment_on_in_whatever_zone_it_is_given(audit):
    for day in range(4):
        audit.record(at(day))
    assert answers(audit) == ["a-0", "a-1", "a-2", "a-3"]
    assert answers(audit, NEW_YEAR + timedelta(days=2)) == ["a-2", "a-3"]
    assert answers(audit, datetime(2026, 1, 3, 8, tzinfo=timezone(timedelta(hours=8)))) == ["a-2", "a-3"]
    assert answers(audit, NEW_YEAR + timedelta(days=9)) == []


def test_entries_are_read_without_keeping_others_from_writing(audit):
    for day in range(3):
        audit.record(at(day))
    entries = audit.entries()
    assert next(entries).answer_id == "a-0"
    assert audit.forget(NEW_YEAR + timedelta(days=2)) == 2
    audit.record(at(7))
    assert [entry.answer_id for entry in entries] == ["a-2", "a-7"]


def test_what_is_older_than_a_moment_can_be_dropped_also_from_the_file(audit, file):
    for day in range(4):
        audit.record(replace(at(day), who=f"user:u{day}"))
    assert audit.forget(NEW_YEAR + timedelta(days=2)) == 2
    assert answers(audit) == ["a-2", "a-3"]
    content = everything_in(file)
    assert b"user:u1" not in content and b"user:u2" in content
    assert audit.forget(NEW_YEAR) == 0


def test_nobody_who_writes_through_the_program_or_beside_it_changes_an_entry(audit, file):
    audit.record(ENTRY)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        modified(file, "UPDATE audit SET who = 'user:other'")
    assert list(audit.entries()) == [ENTRY]


@pytest.mark.parametrize(("column", "value"), [("citations", "{"), ("citations", "7"), ("at", "gestern")])
def test_a_damaged_entry_is_named(audit, file, column, value):
    audit.record(ENTRY)
    modified(file, "DROP TRIGGER audit_stays_as_written")
    modified(file, f"UPDATE audit SET {column} = ?", value)
    with pytest.raises(RecordsError, match="第 1 条审计记录已损坏"):
        list(audit.entries())


# With a turn


def test_a_turn_and_its_entry_are_there_together(records, audit):
    conversation = records.add("甲", None, answered(id="a-1"), entry=ENTRY)
    records.add("甲", conversation.id, answered(id="a-2"), keep=0, entry=replace(ENTRY, answer_id="a-2"))
    assert answers(audit) == ["a-1", "a-2"]
    records.delete("甲", conversation.id)
    assert answers(audit) == ["a-1", "a-2"]


def test_a_turn_that_cannot_be_kept_leaves_no_entry(records, audit):
    with pytest.raises(UnknownConversationError):
        records.add("甲", "none", answered(), entry=ENTRY)
    with pytest.raises(RecordsInputError):
        records.add("甲", None, answered(text="半\ud800"), entry=ENTRY)
    assert answers(audit) == []


def test_an_entry_that_cannot_be_written_leaves_no_turn(records, audit, file):
    modified(file, "CREATE TRIGGER stop BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'stop'); END")
    with pytest.raises(RecordsError, match="stop"):
        records.add("甲", None, answered(), entry=ENTRY)
    assert records.conversations("甲") == [] and answers(audit) == []
