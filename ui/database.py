"""The one SQLite file of everything the doors keep, shared by threads and server processes.

A call borrows a connection of its own from a small pool, so none is ever used by two threads at once. What changes
the file is one transaction that has reached the disk before the call returns: a process killed at any moment loses
nothing that was acknowledged, and leaves no half of it. The file has to lie on a local disk: SQLite's log (WAL) is
shared memory between processes.

What the tables mean is known by the modules that use them (``ui.records``, ``ui.feedback``, ``ui.audit``,
``ui.kept``); that their definitions
stand here together is because a file has one version.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ui.errors import RecordsError

logger = logging.getLogger(__name__)

RECORDS_FILE = "records.sqlite3"
"""The name of the file in the folder of records (``server.records``)."""

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
    (
        # Without an index of its times: it is written all the time and read as a whole.
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            who TEXT NOT NULL,
            door TEXT NOT NULL,
            request_id TEXT NOT NULL,
            question_hash TEXT NOT NULL,
            answer_id TEXT NOT NULL,
            status TEXT NOT NULL,
            citations TEXT NOT NULL,
            index_version TEXT NOT NULL,
            engine TEXT NOT NULL,
            milliseconds REAL NOT NULL
        )""",
        """CREATE TRIGGER audit_stays_as_written BEFORE UPDATE ON audit
        BEGIN SELECT raise(ABORT, 'entries of the audit are never changed'); END""",
        # Numbered without end, so that those beyond the newest so many are found without counting.
        """CREATE TABLE kept_answers (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            answer_id TEXT NOT NULL,
            created TEXT NOT NULL,
            question TEXT NOT NULL,
            history TEXT NOT NULL,
            answer TEXT NOT NULL
        )""",
        "CREATE INDEX kept_answers_by_id ON kept_answers (answer_id)",
    ),
)
"""The statements that lead from each version of the schema to the next; ``PRAGMA user_version`` counts those done.
A released entry is never changed: what is new is a new entry."""


class Database:
    """A file of records and its connections.

    Any thread may call any method. Whatever SQLite reports within ``connection`` becomes a ``RecordsError`` with a
    Chinese message that names the file and what to do.
    """

    def __init__(self, file: Path) -> None:
        """Open ``file``, made with its folder where there is none.

        Raises:
            RecordsError: it cannot be opened or written, is no database of ours, or is of a newer schema.
        """
        self.file = file
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        # SQLite lets waiting writers try again at random; within a process they rather queue.
        self._writing = threading.Lock()
        with self.connection() as connection, self._writing:
            _try_writing(connection)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other call uses.

        Raises:
            RecordsError: the file cannot be read or written.
        """
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        try:
            connection = connection or _open(self.file)
            yield connection
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
                connection = None
            raise RecordsError(_trouble(self.file, error)) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    @contextmanager
    def change(self, connection: sqlite3.Connection) -> Iterator[None]:
        """A transaction that writes, after those of this process that came before."""
        with self._writing, transaction(connection, "IMMEDIATE"):
            yield

    def each(self, query: str, **values: Any) -> Iterator[tuple[Any, ...]]:
        """Row after row, so that neither memory nor a lock is held however many there are.

        ``query`` selects a ``number`` first, and the one row that follows on ``:number``; ``values`` are its others.
        """
        number = 0
        while True:
            with self.connection() as connection:
                row = connection.execute(query, {"number": number, **values}).fetchone()
            if row is None:
                return
            number = row[0]
            yield row

    def check(self) -> None:
        """Look whether the file is whole.

        Raises:
            RecordsError: it is damaged.
        """
        with self.connection() as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise RecordsError(_damaged(self.file))

    def close(self) -> None:
        """Close the connections; those in use close when their call ends. A later call opens one for itself."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[None]:
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


def wipe_log(connection: sqlite3.Connection) -> None:
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


def now() -> str:
    """The time as it is kept."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """A moment as it is kept: in UTC and always as long, so that it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


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
    with transaction(connection, "IMMEDIATE"):
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
