"""What readers think of answers, with a copy of all it speaks of: it outlives the conversation, which its owner may
delete."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from assistant.schema import Role
from ui.database import Database, now, wipe_log
from ui.errors import RecordsError, RecordsInputError, UnknownAnswerError
from ui.rendering import shortened
from ui.snapshot import Snapshot
from ui.written import answer_json, history_json, single_line, storable, written

Rating = Literal["up", "down"]

REASONS = ("答案错误", "来源不对", "没找到", "其他")
"""What can be said to be wrong with an answer."""
MAX_COMMENT_CHARS = 1000
KEPT_OWNER = "api"
"""Whose the ratings of answers without a conversation are: no browser is called so."""


class Feedback:
    """The ratings in a file. ``owner`` says whose; what it is made of is the caller's.

    Any thread may call any method. Every method raises ``RecordsError`` where the file cannot be read or
    written, with a Chinese message naming the file and what to do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(self, owner: str, answer_id: str, rating: Rating, reason: str = "", comment: str = "") -> None:
        """Keep what the owner thinks of an answer, with a copy of all it speaks of; an earlier rating is replaced.

        Raises:
            UnknownAnswerError: none of this owner's conversations has this answer.
            RecordsInputError: the rating or reason is unknown, the reason missing where the answer is blamed, or
                the comment longer than ``MAX_COMMENT_CHARS``.
        """
        opinion = _Opinion.of(rating, reason, comment)
        with self._database.connection() as connection, self._database.change(connection):
            self._put(connection, owner, opinion, self._in_conversation(connection, owner, answer_id))

    def rate_kept(self, answer_id: str, rating: Rating, reason: str = "", comment: str = "") -> None:
        """Keep what somebody thinks of an answer that belongs to no conversation, as ``rate`` does, under the owner
        ``KEPT_OWNER``. Whoever knows its id may say so; of all they say the last word is kept.

        Raises:
            UnknownAnswerError: there is no such answer among those that are kept.
            RecordsInputError: as ``rate``.
        """
        opinion = _Opinion.of(rating, reason, comment)
        with self._database.connection() as connection, self._database.change(connection):
            self._put(connection, KEPT_OWNER, opinion, self._kept(connection, answer_id))

    def unrate(self, owner: str, answer_id: str) -> None:
        """Withdraw the owner's rating of an answer; where there is none, nothing happens."""
        with self._database.connection() as connection:
            with self._database.change(connection):
                connection.execute(
                    "DELETE FROM feedback WHERE owner = ? AND answer_id = ?", (owner, storable(answer_id))
                )
            wipe_log(connection)

    def rating(self, owner: str, answer_ids: Sequence[str]) -> dict[str, str]:
        """How the owner rated those of the answers that they rated."""
        with self._database.connection() as connection:
            rows = connection.execute(
                """SELECT answer_id, rating FROM feedback
                WHERE owner = ? AND answer_id IN (SELECT value FROM json_each(?))""",
                (owner, json.dumps([storable(answer_id) for answer_id in answer_ids])),
            ).fetchall()
        return dict(rows)

    def all(self) -> Iterator[dict[str, Any]]:
        """All feedback, oldest first, as JSON values: ``created`` (ISO, UTC), ``rating``, ``reason``, ``comment``,
        ``question``, ``history`` (``role`` and ``content``), ``answer`` (as ``Answer.to_dict``), ``index_version``.

        Raises:
            RecordsError: feedback is damaged; the message names its number.
        """
        rows = self._database.each(
            """SELECT number, created, rating, reason, comment, question, history, answer, index_version
            FROM feedback WHERE number > :number ORDER BY number LIMIT 1"""
        )
        for number, created, rating, reason, comment, question, history, answer, index_version in rows:
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
                    f"第 {number} 条反馈已损坏，无法读出（{self._database.file}）。请从备份恢复记录。"
                ) from error
            yield values

    def total(self) -> int:
        """How many pieces of feedback there are, whoever's."""
        with self._database.connection() as connection:
            (number,) = connection.execute("SELECT count(*) FROM feedback").fetchone()
        return int(number)

    def _in_conversation(self, connection: sqlite3.Connection, owner: str, answer_id: str) -> _Answered:
        row = connection.execute(
            """SELECT conversation, position, question, answer FROM turns
            JOIN conversations ON conversations.id = turns.conversation
            WHERE answer_id = ? AND owner = ? ORDER BY turns.rowid DESC LIMIT 1""",
            (storable(answer_id), owner),
        ).fetchone()
        if row is None:
            raise UnknownAnswerError("找不到要评价的回答，它可能已被删除。请刷新页面后再试。")
        conversation, position, question, answer = row
        before = connection.execute(
            """SELECT question, answer FROM turns
            WHERE conversation = ? AND position < ? AND answer IS NOT NULL ORDER BY position""",
            (conversation, position),
        ).fetchall()
        history: list[tuple[Role, str]] = []
        for asked, answered in before:
            history += [("user", asked), ("assistant", self._read(answered).text)]
        return _Answered(question, history, self._read(answer))

    def _kept(self, connection: sqlite3.Connection, answer_id: str) -> _Answered:
        row = connection.execute(
            """SELECT question, history, answer FROM kept_answers
            WHERE answer_id = ? ORDER BY number DESC LIMIT 1""",
            (storable(answer_id),),
        ).fetchone()
        if row is None:
            raise UnknownAnswerError(
                "找不到要评价的回答：编号不对，或回答得太早，已不再保存。请重新提问后再评价。"
            )
        question, history, answer = row
        return _Answered(question, self._messages(history), self._read(answer))

    def _put(
        self, connection: sqlite3.Connection, owner: str, opinion: _Opinion, answered: _Answered
    ) -> None:
        answer = answered.answer
        connection.execute("DELETE FROM feedback WHERE owner = ? AND answer_id = ?", (owner, answer.id))
        connection.execute(
            """INSERT INTO feedback
            (owner, answer_id, created, rating, reason, comment, question, history, answer, index_version)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                owner,
                answer.id,
                now(),
                opinion.rating,
                opinion.reason,
                written(opinion.comment),
                written(answered.question),
                history_json(answered.history),
                answer_json(answer),
                answer.index_version,
            ),
        )

    def _read(self, answer: str) -> Snapshot:
        try:
            return Snapshot.model_validate_json(answer)
        except ValidationError as error:
            raise self._damaged() from error

    def _messages(self, history: str) -> list[tuple[Role, str]]:
        try:
            return [(message["role"], message["content"]) for message in json.loads(history)]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise self._damaged() from error

    def _damaged(self) -> RecordsError:
        return RecordsError(
            f"要评价的对话里有已损坏的回答，无法评价（{self._database.file}）。请从备份恢复记录。"
        )


@dataclass(frozen=True, slots=True)
class _Opinion:
    """A rating that may be kept."""

    rating: Rating
    reason: str
    comment: str

    @classmethod
    def of(cls, rating: Rating, reason: str, comment: str) -> _Opinion:
        comment = storable(comment).strip()
        _check_rating(rating, reason, comment)
        return cls(rating, reason, comment)


@dataclass(frozen=True, slots=True)
class _Answered:
    """An answer with what it answers, for the copy that feedback keeps."""

    question: str
    history: Sequence[tuple[Role, str]]
    answer: Snapshot


def _check_rating(rating: str, reason: str, comment: str) -> None:
    if rating not in ("up", "down"):
        raise RecordsInputError(f"评价应是 up 或 down，不是「{shortened(single_line(rating), 20)}」。")
    if not reason and rating == "down":
        raise RecordsInputError(f"请选择原因：{'、'.join(REASONS)}。")
    if reason and reason not in REASONS:
        known = "、".join(REASONS)
        raise RecordsInputError(f"没有「{shortened(single_line(reason), 20)}」这个原因，请从{known}中选择。")
    if len(comment) > MAX_COMMENT_CHARS:
        raise RecordsInputError(f"说明太长（{len(comment)} 字），最多 {MAX_COMMENT_CHARS} 字，请缩短后再试。")
