"""What the tests of the records share: turns to keep, and looks at the file from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tests.ui.conftest import CLAIMS, answer, citation, passage
from ui.audit import Entry
from ui.records import Conversation, Records, Turn
from ui.snapshot import Snapshot

QUOTE = "2022年，平安人寿赔付410万件"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ENTRY = Entry(
    at=NEW_YEAR,
    who="key:eval",
    door="api",
    request_id="r-1",
    question_hash="0" * 64,
    answer_id="a-1",
    status="grounded",
    citations=("a1-0", "a2-3"),
    index_version="v-1",
    engine="reader",
    milliseconds=38.4,
)


def answered(question: str = "赔付了多少件？", text: str = f"{QUOTE}[1]。", id: str = "answer-1") -> Turn:
    """A turn with an answer that cites something."""
    shown = answer(question, text, [citation(1, CLAIMS, QUOTE)], [passage(CLAIMS)], id=id)
    return Turn(question, Snapshot.of(shown))


def ask(
    records: Records, question: str, owner: str = "甲", id: str | None = None, **options: object
) -> Conversation:
    """Add a turn whose answer's id is ``a-`` and the question."""
    return records.add(owner, id, answered(question, id=f"a-{question}"), **options)


def questions(records: Records, id: str, owner: str = "甲") -> list[str]:
    return [turn.question for turn in records.turns(owner, id)]


def modified(file: Path, statement: str, *values: object) -> None:
    """Change the file behind the back of the program."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement, values)


def everything_in(file: Path) -> bytes:
    """The bytes of all files in the folder of ``file``: itself, its log and the log's index."""
    return b"".join(part.read_bytes() for part in sorted(file.parent.iterdir()))
