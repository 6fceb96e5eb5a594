"""Conversations and feedback, kept in one SQLite file that threads and server processes share.

A call borrows a connection of its own from a small pool, so none is ever used by two threads at once. What changes
the file is one transaction that has reached the disk before the call returns: a process killed at any moment loses
nothing that was acknowledged, and leaves no half of a turn. The file has to lie on a local disk: SQLite's log
(WAL) is shared memory between processes.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from assistant.schema import Answer
from ui.errors import RecordsError, RecordsInputError, UnknownAnswerError, UnknownConversationError
from ui.rendering import clean, shortened
from ui.snapshot import Snapshot

logger = logging.getLogger(__name__)

Rating = Literal["up", "down"]

RECORDS_FILE = "records.sqlite3"
"""The name of the file in the folder of records (``server.records``)."""
REASONS = ("答案错误", "来源不对", "没找到", "其他")
"""What can be said to be wrong with an answer."""
MAX_CONVERSATIONS = 500
"""Conversations kept of one owner: far more than anyone looks back at, and few enough that a script that never
stops asking does not fill the disk. Those unused the longest go first."""
MAX_TITLE_CHARS = 60
MAX_COMMENT_CHARS = 1000
UNTITLED = "无标题"

_TITLE_CHARS = 30
_BUSY_SECONDS = 10.0
_IDLE_CONNECTIONS = 8
# "xbQA", so that a database of something else is never taken for records.
_APPLICATION_ID = 0x78625141
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE conversations (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            title TEXT NOT NULL,
            renamed INTEGER NOT NULL DEFAULT 0,
            created TEXT NOT NULL,
            updated TEXT NOT NULL
        )""",
        "CREATE INDEX conversations_of_owner ON conversations (owner, updated)",
        # ``searchable`` is the question and the answer's text with their case folded.
        """CREATE TABLE turns (
            conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            question TEXT NOT NULL,
            error TEXT NOT NULL,
            answer_id TEXT,
            answer TEXT,
            searchable TEXT NOT NULL,
            PRIMARY KEY (conversation, position)
        )""",
        "CREATE INDEX turns_by_answer ON turns (answer_id)",
        # A copy of all it speaks of: it outlives the conversation, which its owner may delete.
        """CREATE TABLE feedback (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL,
            answer_id TEXT NOT NULL,
            created TEXT NOT NULL,
            rating TEXT NOT NULL,
            reason TEXT NOT NULL,
            comment TEXT NOT NULL,
            question TEXT NOT NULL,
            history TEXT NOT NULL,
            answer TEXT NOT NULL,
            index_version TEXT NOT NULL,
            UNIQUE (owner, answer_id)
        )""",
    ),
)
"""The statements that lead from each version of the schema to the next; ``PRAGMA user_version`` counts those done.
A released entry is never changed: what is new is a new entry."""

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
    """The conversations and the feedback in one file. ``owner`` says whose; what it is made of is the caller's.

    Any thread may call any method. Every method raises ``RecordsError`` where the file cannot be read or
    written, with a Chinese message naming the file and what to do.
    """

    def __init__(self, file: Path) -> None:
        """Open ``file``, made with its folder where there is none.

        Raises:
            RecordsError: it cannot be opened or written, is no database of ours, or is of a newer schema.
        """
        self._file = file
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        # SQLite lets waiting writers try again at random; within a process they rather queue.
        self._writing = threading.Lock()
        with self._connection() as connection, self._writing:
            _try_writing(connection)

    def conversations(self, owner: str, search: str = "") -> list[Conversation]:
        """The owner's conversations, last used first; with ``search``, those whose title, questions or answers' text
        hold it as it is written, in upper or lower case."""
        wanted = _storable(search).strip().casefold()
        with self._connection() as connection:
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
        with self._connection() as connection:
            return _find(connection, owner, id)

    def turns(self, owner: str, id: str) -> tuple[Turn, ...]:
        """What was asked and answered in a conversation, oldest first.

        Raises:
            UnknownConversationError: this owner has none of this id.
            RecordsError: a turn is damaged; the message names the conversation.
        """
        with self._connection() as connection, _transaction(connection, "DEFERRED"):
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
                    f"对话「{found.title}」（{id}）的第 {number} 问已损坏，无法读出（{self._file}）。"
                    "请删除这个对话，或从备份恢复记录。"
                ) from trouble
            turns.append(Turn(question, snapshot, error))
        return tuple(turns)

    def add(self, owner: str, id: str | None, turn: Turn, keep: int | None = None) -> Conversation:
        """Append a turn, to a new conversation titled by its question where ``id`` is None.

        ``keep`` first drops all turns after that many, to ask again from there; where it is 0, the conversation
        takes its title from the new question, unless it was given one by hand.

        Raises:
            UnknownConversationError: this owner has none of this id.
            RecordsInputError: the answer holds characters that cannot be stored.
        """
        question, error = _storable(turn.question), _storable(turn.error)
        title, answer = _title(question), _answer_json(turn.answer)
        said = "" if turn.answer is None else turn.answer.text
        erased = False
        now = _now()
        with self._connection() as connection:
            with self._change(connection):
                if id is None:
                    id = secrets.token_urlsafe(12)
                    connection.execute(
                        "INSERT INTO conversations (id, owner, title, created, updated) VALUES (?, ?, ?, ?, ?)",
                        (id, owner, title, now, now),
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
                    connection.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, id))
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
                conversation = _find(connection, owner, id)
            if erased:
                _wipe_log(connection)
        return conversation

    def rename(self, owner: str, id: str, title: str) -> Conversation:
        """Give a conversation a title by hand.

        Raises:
            UnknownConversationError: this owner has none of this id.
            RecordsInputError: the title is empty or longer than ``MAX_TITLE_CHARS``.
        """
        title = _one_line(title)
        if not title:
            raise RecordsInputError("标题是空的，请输入标题。")
        if len(title) > MAX_TITLE_CHARS:
            raise RecordsInputError(f"标题太长（{len(title)} 字），最多 {MAX_TITLE_CHARS} 字，请缩短后再试。")
        with self._connection() as connection, self._change(connection):
            _find(connection, owner, id)
            connection.execute("UPDATE conversations SET title = ?, renamed = 1 WHERE id = ?", (title, id))
            return _find(connection, owner, id)

    def delete(self, owner: str, id: str) -> None:
        """Delete a conversation with its turns, and what they said from the file. Feedback on its answers stays.

        Raises:
            UnknownConversationError: this owner has none of this id.
        """
        with self._connection() as connection:
            with self._change(connection):
                _find(connection, owner, id)
                connection.execute("DELETE FROM conversations WHERE id = ?", (id,))
            _wipe_log(connection)

    def rate(self, owner: str, answer_id: str, rating: Rating, reason: str = "", comment: str = "") -> None:
        """Keep what the owner thinks of an answer, with a copy of all it speaks of; an earlier rating is replaced.

        Raises:
            UnknownAnswerError: none of this owner's conversations has this answer.
            RecordsInputError: the rating or reason is unknown, the reason missing where the answer is blamed, or
                the comment longer than ``MAX_COMMENT_CHARS``.
        """
        comment = _storable(comment).strip()
        _check_rating(rating, reason, comment)
        with self._connection() as connection, self._change(connection):
            row = connection.execute(
                """SELECT conversation, position, question, answer FROM turns
                JOIN conversations ON conversations.id = turns.conversation
                WHERE answer_id = ? AND owner = ? ORDER BY turns.rowid DESC LIMIT 1""",
                (_storable(answer_id), owner),
            ).fetchone()
            if row is None:
                raise UnknownAnswerError("找不到要评价的回答，它可能已被删除。请刷新页面后再试。")
            conversation, position, question, answer = row
            before = connection.execute(
                """SELECT question, answer FROM turns
                WHERE conversation = ? AND position < ? AND answer IS NOT NULL ORDER BY position""",
                (conversation, position),
            ).fetchall()
            history = [
                message
                for asked, answered in before
                for message in (
                    {"role": "user", "content": asked},
                    {"role": "assistant", "content": self._loaded(answered)["text"]},
                )
            ]
            connection.execute("DELETE FROM feedback WHERE owner = ? AND answer_id = ?", (owner, answer_id))
            connection.execute(
                """INSERT INTO feedback
                (owner, answer_id, created, rating, reason, comment, question, history, answer, index_version)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    owner,
                    answer_id,
                    _now(),
                    rating,
                    reason,
                    comment,
                    question,
                    json.dumps(history, ensure_ascii=False),
                    answer,
                    self._loaded(answer)["index_version"],
                ),
            )

    def unrate(self, owner: str, answer_id: str) -> None:
        """Withdraw the owner's rating of an answer; where there is none, nothing happens."""
        with self._connection() as connection:
            with self._change(connection):
                connection.execute(
                    "DELETE FROM feedback WHERE owner = ? AND answer_id = ?", (owner, _storable(answer_id))
                )
            _wipe_log(connection)

    def rating(self, owner: str, answer_ids: Sequence[str]) -> dict[str, str]:
        """How the owner rated those of the answers that they rated."""
        with self._connection() as connection:
            rows = connection.execute(
                """SELECT answer_id, rating FROM feedback
                WHERE owner = ? AND answer_id IN (SELECT value FROM json_each(?))""",
                (owner, json.dumps([_storable(answer_id) for answer_id in answer_ids])),
            ).fetchall()
        return dict(rows)

    def feedback(self) -> Iterator[dict[str, Any]]:
        """All feedback, oldest first, as JSON values: ``created`` (ISO, UTC), ``rating``, ``reason``, ``comment``,
        ``question``, ``history`` (``role`` and ``content``), ``answer`` (as ``Answer.to_dict``), ``index_version``.

        Raises:
            RecordsError: feedback is damaged; the message names its number.
        """
        # One by one, so that neither memory nor a lock is held however much there is.
        number = 0
        while True:
            with self._connection() as connection:
                row = connection.execute(
                    """SELECT number, created, rating, reason, comment, question, history, answer, index_version
                    FROM feedback WHERE number > ? ORDER BY number LIMIT 1""",
                    (number,),
                ).fetchone()
            if row is None:
                return
            number, created, rating, reason, comment, question, history, answer, index_version = row
            try:
                values = {
                    "created": created,
                    "rating": rating,
                    "reason": reason,
                    "comment": comment,
                    "question": question,
                    "history": json.loads(history),
                    "answer": json.loads(answer),
                    "index_version": index_version,
                }
            except json.JSONDecodeError as error:
                raise RecordsError(
                    f"第 {number} 条反馈已损坏，无法读出（{self._file}）。请从备份恢复记录。"
                ) from error
            yield values

    def totals(self) -> tuple[int, int]:
        """How many conversations and how many pieces of feedback there are, whoever's, after looking whether the
        file is whole.

        Raises:
            RecordsError: it is damaged.
        """
        with self._connection() as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise RecordsError(_damaged(self._file))
            conversations, feedback = connection.execute(
                "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM feedback)"
            ).fetchone()
        return conversations, feedback

    def close(self) -> None:
        """Close the connections; those in use close when their call ends. A later call opens one for itself."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other call uses; what SQLite reports becomes a ``RecordsError``."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        try:
            connection = connection or _open(self._file)
            yield connection
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
                connection = None
            raise RecordsError(_trouble(self._file, error)) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def _change(self, connection: sqlite3.Connection) -> Iterator[None]:
        """A transaction that writes, after those of this process that came before."""
        with self._writing, _transaction(connection, "IMMEDIATE"):
            yield

    def _loaded(self, answer: str) -> dict[str, Any]:
        try:
            values: dict[str, Any] = json.loads(answer)
        except json.JSONDecodeError as error:
            raise RecordsError(
                f"这个对话里有已损坏的回答，无法评价（{self._file}）。请从备份恢复记录。"
            ) from error
        return values


def private_folder(folder: Path) -> None:
    """Make ``folder`` where there is none, for its owner alone; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _open(file: Path) -> sqlite3.Connection:
    """A connection to ``file``, which is made, or brought to the newest schema, where need be."""
    private_folder(file.parent)
    # SQLite would make it readable by all; its log takes the mode of the file. One that is there is not opened here:
    # closing it again would free the locks that this process holds on it.
    if not file.exists():
        with suppress(FileExistsError):
            file.touch(mode=0o600, exist_ok=False)
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        connection = sqlite3.connect(
            file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, file)
        except sqlite3.OperationalError as error:
            connection.close()
            # SQLite does not wait where two processes switch a new file to WAL at once.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        except (sqlite3.Error, RecordsError):
            connection.close()
            raise
        else:
            return connection


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    connection.create_function("folded", 1, str.casefold, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")
    # Committed means on the disk, also when the power fails.
    connection.execute("PRAGMA synchronous = FULL")
    version, application, objects = connection.execute(
        """SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)
        FROM pragma_user_version, pragma_application_id"""
    ).fetchone()
    if application != _APPLICATION_ID and objects:
        raise RecordsError(
            f"{file} 是别的程序的数据库，不是对话记录。请在设置中把 server.records 改为另一个文件夹。"
        )
    if version > len(_MIGRATIONS):
        raise RecordsError(
            f"对话记录 {file} 由更新版本的程序写成（第 {version} 版，本程序只认识到第 {len(_MIGRATIONS)} 版）。"
            "请升级消保问答，或在设置中把 server.records 改为另一个文件夹。"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    if version == len(_MIGRATIONS):
        return
    with _transaction(connection, "IMMEDIATE"):
        # Asked again: another process may have been first.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for statements in _MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _try_writing(connection: sqlite3.Connection) -> None:
    """Write what is there already and take it back: a file that is read-only is told now, not when it is needed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[None]:
    """All or nothing; IMMEDIATE takes the right to write at once, waiting for it, and fails where there is none."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # Whatever ended the block early; after COMMIT there is nothing left to undo.
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")


def _wipe_log(connection: sqlite3.Connection) -> None:
    """Empty the log, which holds the pages as they were before something was deleted.

    Best effort: where others are reading the log stays until the next time, and what was done is done.
    """
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        logger.warning("the log of the records could not be emptied: %s", error)
    else:
        if busy:
            logger.info("the log of the records is in use; it is emptied next time")


def _find(connection: sqlite3.Connection, owner: str, id: str) -> Conversation:
    row = connection.execute(f"{_CONVERSATION} WHERE id = ? AND owner = ?", (_storable(id), owner)).fetchone()
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


def _check_rating(rating: str, reason: str, comment: str) -> None:
    if rating not in ("up", "down"):
        raise RecordsInputError(f"评价应是 up 或 down，不是「{shortened(_one_line(rating), 20)}」。")
    if not reason and rating == "down":
        raise RecordsInputError(f"请选择原因：{'、'.join(REASONS)}。")
    if reason and reason not in REASONS:
        known = "、".join(REASONS)
        raise RecordsInputError(f"没有「{shortened(_one_line(reason), 20)}」这个原因，请从{known}中选择。")
    if len(comment) > MAX_COMMENT_CHARS:
        raise RecordsInputError(f"说明太长（{len(comment)} 字），最多 {MAX_COMMENT_CHARS} 字，请缩短后再试。")


def _answer_json(answer: Snapshot | None) -> str | None:
    try:
        return None if answer is None else answer.model_dump_json()
    except PydanticSerializationError as error:
        raise RecordsInputError("回答里有无法保存的字符，请换个说法再问。") from error


def _title(question: str) -> str:
    return shortened(_one_line(question), _TITLE_CHARS) or UNTITLED


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _storable(text: str) -> str:
    """``text`` without lone surrogates, which UTF-8 has no place for."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def _now() -> str:
    """The time in UTC, always as long, so that it sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _damaged(file: Path) -> str:
    return f"对话记录 {file} 已损坏。请从备份恢复这个文件，或把它改名移走，程序会新建一个。"


def _trouble(file: Path, error: sqlite3.Error | OSError) -> str:
    """What went wrong with the file, in Chinese, and what mends it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_NOTADB:
            return (
                f"{file} 不是数据库，无法用来保存对话记录。请把它改名移走，或在设置中换一个 server.records。"
            )
        case sqlite3.SQLITE_CORRUPT:
            return _damaged(file)
        case sqlite3.SQLITE_READONLY:
            return f"对话记录 {file} 是只读的，无法写入。请检查文件和所在文件夹的权限。"
        case sqlite3.SQLITE_FULL:
            return f"磁盘已满，对话记录 {file} 无法写入。请清理磁盘后再试。"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"对话记录 {file} 正被别的程序占用，请稍候再试。"
        case _:
            return (
                f"对话记录 {file} 无法打开或读写（{error}）。请检查文件和所在文件夹的权限，以及磁盘是否正常。"
            )
