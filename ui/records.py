"""Conversations: what was asked and answered, each its owner's alone."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from assistant.schema import Answer
from ui.audit import Entry, append
from ui.database import Database, now, transaction, wipe_log
from ui.errors import RecordsError, RecordsInputError, UnknownConversationError
from ui.rendering import shortened
from ui.snapshot import Snapshot
from ui.written import answer_json, single_line, storable, written

MAX_CONVERSATIONS = 500
"""Conversations kept of one owner: far more than anyone looks back at, and few enough that a script that never
stops asking does not fill the disk. Those unused the longest go first."""
MAX_TITLE_CHARS = 60
UNTITLED = "无标题"

_TITLE_CHARS = 30

_CONVERSATION = """SELECT id, title, created, updated,
    (SELECT count(*) FROM turns WHERE conversation = conversations.id) FROM conversations"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer, or with the Chinese message saying why there is none."""

    question: str
    answer: Snapshot | None = None
    error: str = ""

    @classmethod
    def of(cls, question: str, answer: Answer) -> Turn:
        """A turn that was answered, with what is kept of the answer."""
        return cls(question, Snapshot.of(answer))


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a list shows it; ``turns`` is how many it has, the times are in UTC."""

    id: str
    title: str
    created: datetime
    updated: datetime
    turns: int


class Records:
    """The conversations in a file. ``owner`` says whose; what it is made of is the caller's.

    Any thread may call any method. Every method raises ``RecordsError`` where the file cannot be read or
    written, with a Chinese message naming the file and what to do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def conversations(self, owner: str, search: str = "") -> list[Conversation]:
        """The owner's conversations, last used first; with ``search``, those whose title, questions or answers' text
        hold it as it is written, in upper or lower case."""
        wanted = storable(search).strip().casefold()
        with self._database.connection() as connection:
            rows = connection.execute(
                f"""{_CONVERSATION} WHERE owner = :owner AND (:wanted = '' OR instr(folded(title), :wanted) > 0
                    OR EXISTS (SELECT 1 FROM turns
                               WHERE conversation = conversations.id AND instr(searchable, :wanted) > 0))
                ORDER BY updated DESC, rowid DESC""",
                {"owner": owner, "wanted": wanted},
            ).fetchall()
        return [_conversation(row) for row in rows]

    def conversation(self, owner: str, id: str) -> Conversation:
        """One conversation.

        Raises:
            UnknownConversationError: this owner has none of this id.
        """
        with self._database.connection() as connection:
            return _find(connection, owner, id)

    def turns(self, owner: str, id: str) -> tuple[Turn, ...]:
        """What was asked and answered in a conversation, oldest first.

        Raises:
            UnknownConversationError: this owner has none of this id.
            RecordsError: a turn is damaged; the message names the conversation.
        """
        with self._database.connection() as connection, transaction(connection, "DEFERRED"):
            found = _find(connection, owner, id)
            rows = connection.execute(
                "SELECT question, answer, error FROM turns WHERE conversation = ? ORDER BY position", (id,)
            ).fetchall()
        turns = []
        for number, (question, answer, error) in enumerate(rows, start=1):
            try:
                snapshot = None if answer is None else Snapshot.model_validate_json(answer)
            except ValidationError as trouble:
                raise RecordsError(
                    f"对话「{found.title}」（{id}）的第 {number} 问已损坏，无法读出（{self._database.file}）。"
                    "请删除这个对话，或从备份恢复记录。"
                ) from trouble
            turns.append(Turn(question, snapshot, error))
        return tuple(turns)

    def add(
        self, owner: str, id: str | None, turn: Turn, keep: int | None = None, entry: Entry | None = None
    ) -> Conversation:
        """Append a turn, to a new conversation titled by its question where ``id`` is None.

        ``keep`` first drops all turns after that many, to ask again from there; where it is 0, the conversation
        takes its title from the new question, unless it was given one by hand.

        ``entry`` is added to the audit trail in the same transaction: neither is ever there without the other.

        Raises:
            UnknownConversationError: this owner has none of this id.
            RecordsInputError: the answer holds characters that cannot be stored.
        """
        question, error, title = written(turn.question), written(turn.error), _title(turn.question)
        answer = None if turn.answer is None else answer_json(turn.answer)
        said = "" if turn.answer is None else written(turn.answer.text)
        erased = False
        moment = now()
        with self._database.connection() as connection:
            with self._database.change(connection):
                if id is None:
                    id = secrets.token_urlsafe(12)
                    connection.execute(
                        "INSERT INTO conversations (id, owner, title, created, updated) VALUES (?, ?, ?, ?, ?)",
                        (id, owner, title, moment, moment),
                    )
                    erased = _drop_oldest(connection, owner)
                else:
                    _find(connection, owner, id)
                    if keep is not None:
                        dropped = connection.execute(
                            "DELETE FROM turns WHERE conversation = ? AND position >= ?", (id, keep)
                        )
                        erased = dropped.rowcount > 0
                    if keep == 0:
                        connection.execute(
                            "UPDATE conversations SET title = ? WHERE id = ? AND NOT renamed", (title, id)
                        )
                    connection.execute("UPDATE conversations SET updated = ? WHERE id = ?", (moment, id))
                connection.execute(
                    """INSERT INTO turns (conversation, position, question, error, answer_id, answer, searchable)
                    VALUES (:id, (SELECT count(*) FROM turns WHERE conversation = :id),
                            :question, :error, :answer_id, :answer, :searchable)""",
                    {
                        "id": id,
                        "question": question,
                        "error": error,
                        "answer_id": None if turn.answer is None else turn.answer.id,
                        "answer": answer,
                        "searchable": f"{question}\n{said}".casefold(),
                    },
                )
                if entry is not None:
                    append(connection, entry)
                conversation = _find(connection, owner, id)
            if erased:
                wipe_log(connection)
        return conversation

    def rename(self, owner: str, id: str, title: str) -> Conversation:
        """Give a conversation a title by hand.

        Raises:
            UnknownConversationError: this owner has none of this id.
            RecordsInputError: the title is empty or longer than ``MAX_TITLE_CHARS``.
        """
        title = single_line(title)
        if not title:
            raise RecordsInputError("标题是空的，请输入标题。")
        if len(title) > MAX_TITLE_CHARS:
            raise RecordsInputError(f"标题太长（{len(title)} 字），最多 {MAX_TITLE_CHARS} 字，请缩短后再试。")
        with self._database.connection() as connection, self._database.change(connection):
            _find(connection, owner, id)
            connection.execute(
                "UPDATE conversations SET title = ?, renamed = 1 WHERE id = ?", (written(title), id)
            )
            return _find(connection, owner, id)

    def delete(self, owner: str, id: str) -> None:
        """Delete a conversation with its turns, and what they said from the file. Feedback on its answers stays.

        Raises:
            UnknownConversationError: this owner has none of this id.
        """
        with self._database.connection() as connection:
            with self._database.change(connection):
                _find(connection, owner, id)
                connection.execute("DELETE FROM conversations WHERE id = ?", (id,))
            wipe_log(connection)

    def total(self) -> int:
        """How many conversations there are, whoever's."""
        with self._database.connection() as connection:
            (number,) = connection.execute("SELECT count(*) FROM conversations").fetchone()
        return int(number)


def _find(connection: sqlite3.Connection, owner: str, id: str) -> Conversation:
    row = connection.execute(f"{_CONVERSATION} WHERE id = ? AND owner = ?", (storable(id), owner)).fetchone()
    if row is None:
        raise UnknownConversationError("找不到这个对话，它可能已被删除。请刷新页面，或开始新的对话。")
    return _conversation(row)


def _conversation(row: tuple[str, str, str, str, int]) -> Conversation:
    id, title, created, updated, turns = row
    return Conversation(id, title, datetime.fromisoformat(created), datetime.fromisoformat(updated), turns)


def _drop_oldest(connection: sqlite3.Connection, owner: str) -> bool:
    """Drop what the owner has beyond the most allowed; whether there was any."""
    dropped = connection.execute(
        """DELETE FROM conversations WHERE id IN (
            SELECT id FROM conversations WHERE owner = ? ORDER BY updated DESC, rowid DESC LIMIT -1 OFFSET ?
        )""",
        (owner, MAX_CONVERSATIONS),
    )
    return dropped.rowcount > 0


def _title(question: str) -> str:
    # What was cut through, or held apart by what is not shown, could not be told for what it is.
    return shortened(written(single_line(question)), _TITLE_CHARS) or UNTITLED
