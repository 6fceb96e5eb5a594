"""Who asked when, through which door, and what the answer rested on: a trail that is only ever added to.

An entry has nothing of the question's text. Its hash is keyed with a secret, so that whoever reads the trail cannot
find a short question by trying; who has the question and the secret can tell whether and when it was asked.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from assistant.schema import Status
from ui.database import Database, stamp, wipe_log
from ui.errors import RecordsError
from ui.snapshot import Snapshot
from ui.written import storable

Door = Literal["page", "api", "embed", "openai"]

# Keeps a hash made for this from being the same as any other that the secret may come to make.
_PURPOSE = b"xiaobao audit question\0"


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer that was given. ``at`` is in UTC; ``who`` a name such as ``key:eval``, ``browser:<hash prefix>`` or
    ``address:127.0.0.1``; ``citations`` the ids of the passages that were cited, in the order of the answer."""

    at: datetime
    who: str
    door: Door
    request_id: str
    question_hash: str
    answer_id: str
    status: Status
    citations: tuple[str, ...]
    index_version: str
    engine: str
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON values; ``at`` is ISO."""
        return asdict(self) | {"at": stamp(self.at), "citations": list(self.citations)}


class Trail:
    """The entries in a file, to be read and, when they are old, dropped; that takes no secret.

    Any thread may call any method. Every method raises ``RecordsError`` where the file cannot be read or
    written, with a Chinese message naming the file and what to do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, since: datetime | None = None) -> Iterator[Entry]:
        """All entries, or those from ``since`` on (which has a time zone), oldest first, one by one.

        Raises:
            RecordsError: an entry is damaged; the message names its number.
        """
        rows = self._database.each(
            """SELECT number, at, who, door, request_id, question_hash, answer_id, status, citations, index_version,
                engine, milliseconds
            FROM audit WHERE number > :number AND at >= :since ORDER BY number LIMIT 1""",
            since="" if since is None else stamp(since),
        )
        for number, at, who, door, request_id, question_hash, answer_id, status, citations, *others in rows:
            try:
                moment, passages = datetime.fromisoformat(at), tuple(json.loads(citations))
            except (ValueError, TypeError) as error:
                raise RecordsError(
                    f"第 {number} 条审计记录已损坏，无法读出（{self._database.file}）。请从备份恢复记录。"
                ) from error
            yield Entry(moment, who, door, request_id, question_hash, answer_id, status, passages, *others)

    def forget(self, before: datetime) -> int:
        """Drop the entries older than ``before`` (which has a time zone), also from the file; how many they were."""
        with self._database.connection() as connection:
            with self._database.change(connection):
                dropped = connection.execute("DELETE FROM audit WHERE at < ?", (stamp(before),)).rowcount
            wipe_log(connection)
        return dropped


class Audit(Trail):
    """The trail where it is added to."""

    def __init__(self, database: Database, secret: bytes) -> None:
        """``secret`` keys the questions' hashes; with another one the same question has another hash."""
        super().__init__(database)
        self._secret = secret

    def question_hash(self, question: str) -> str:
        """64 hexadecimal digits that are the same for the same question, whatever the width of its characters
        (Unicode's NFKC) and the space around it."""
        asked = unicodedata.normalize("NFKC", storable(question)).strip()
        return hmac.digest(self._secret, _PURPOSE + asked.encode("utf-8"), "sha256").hex()

    def entry(self, answer: Snapshot, *, who: str, door: Door, request_id: str, milliseconds: float) -> Entry:
        """The entry of an answer given now, to be recorded along with it; ``milliseconds`` is how long it took."""
        return Entry(
            at=datetime.now(UTC),
            who=who,
            door=door,
            request_id=request_id,
            question_hash=self.question_hash(answer.question),
            answer_id=answer.id,
            status=answer.status,
            citations=tuple(dict.fromkeys(citation.passage_id for citation in answer.citations)),
            index_version=answer.index_version,
            engine=answer.engine,
            milliseconds=milliseconds,
        )

    def record(self, entry: Entry) -> None:
        """Add an entry by itself; one of an answer that is kept is added by what keeps the answer."""
        with self._database.connection() as connection, self._database.change(connection):
            append(connection, entry)


def append(connection: sqlite3.Connection, entry: Entry) -> None:
    """Add ``entry`` within the transaction that ``connection`` is in."""
    connection.execute(
        """INSERT INTO audit (at, who, door, request_id, question_hash, answer_id, status, citations, index_version,
            engine, milliseconds)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            stamp(entry.at),
            storable(entry.who),
            entry.door,
            storable(entry.request_id),
            entry.question_hash,
            entry.answer_id,
            entry.status,
            json.dumps(entry.citations),
            entry.index_version,
            entry.engine,
            entry.milliseconds,
        ),
    )
