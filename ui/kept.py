"""Answers given through doors without conversations, kept for a while so that a rating can be tied to them.

They have no owner: an answer's id is random (``uuid4``), so that knowing it is the right to rate the answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from assistant.schema import Role
from ui.audit import Entry, append
from ui.database import Database, now
from ui.snapshot import Snapshot
from ui.written import answer_json, history_json, written

MAX_KEPT_ANSWERS = 5000
"""Answers kept: the newest, whoever asked."""


class KeptAnswers:
    """The answers in a file that belong to no conversation.

    Any thread may call any method. Every method raises ``RecordsError`` where the file cannot be read or
    written, with a Chinese message naming the file and what to do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self, question: str, history: Iterable[tuple[Role, str]], answer: Snapshot, entry: Entry | None = None
    ) -> None:
        """Keep an answer with what it answers; what is beyond the most allowed goes, oldest first.

        ``entry`` is added to the audit trail in the same transaction: neither is ever written without the other.

        Raises:
            RecordsInputError: the answer holds characters that cannot be stored.
        """
        values = (answer.id, now(), written(question), history_json(history), answer_json(answer))
        with self._database.connection() as connection, self._database.change(connection):
            connection.execute(
                "INSERT INTO kept_answers (answer_id, created, question, history, answer) VALUES (?, ?, ?, ?, ?)",
                values,
            )
            # Numbers have no gaps. The log is not emptied each time: what makes room was not deleted by anyone, and
            # leaves the log when SQLite starts it anew.
            connection.execute(
                "DELETE FROM kept_answers WHERE number <= (SELECT max(number) FROM kept_answers) - ?",
                (MAX_KEPT_ANSWERS,),
            )
            if entry is not None:
                append(connection, entry)

    def total(self) -> int:
        """How many answers there are."""
        with self._database.connection() as connection:
            (number,) = connection.execute("SELECT count(*) FROM kept_answers").fetchone()
        return int(number)
