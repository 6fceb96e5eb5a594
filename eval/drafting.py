"""Drafts of cases from what users said of answers.

A draft is a case with one key more, ``draft``: where it comes from and what a person has to do before it is a case.
``load_cases`` refuses it for as long as that key is there, so that nothing is measured by what nobody has checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from assistant.lexicon import load_lexicon
from assistant.quantities import quantities
from eval.cases import KINDS, Case
from eval.dumping import json_line
from eval.errors import CasesError, ResponseError
from eval.normalising import contains, normalise, without_markers
from eval.responses import Response, parse_response

DRAFT = "draft"
"""The key that tells a draft from a case."""

_RATINGS = ("up", "down")
_DATE = re.compile(r"(?:\d{4}年)?\d{1,2}月\d{1,2}日|(?<!\d)\d{4}年")
_QUOTED = re.compile(r"[“《「]([^”》」]{2,20})[”》」]")
_CLAUSE = re.compile(r"[^，、；：。！？,;:!?\s]{4,30}")
_SHORTEST_NUMBER = 4
_MOST_FACTS = 6

_CHECK = "核对 facts 和 evidence 是否正确、完整，确认后删去 draft"
_FILL_IN = "对照资料填写 facts 和 evidence；资料确实没有答案就把 answerable 改为 false、kind 改为 unanswerable_near，再删去 draft"
_REFUSED = "确认资料确实没有答案后删去 draft；有答案就填写 facts 和 evidence"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One exported line of feedback. ``created`` is ISO; ``reason`` and ``comment`` are empty where none was given."""

    question: str
    history: tuple[tuple[str, str], ...]
    response: Response
    rating: Literal["up", "down"]
    reason: str
    comment: str
    created: str

    @property
    def key(self) -> str:
        """The same for the same question after the same turns, however it is written."""
        return "\n".join(normalise(text) for text in (*(text for _, text in self.history), self.question))


def from_feedback(lines: Iterable[str], existing: Sequence[Case] = ()) -> list[dict[str, Any]]:
    """Drafts from exported feedback (JSON Lines), in order of first mention; the same question gives one draft.

    A praised answer gives facts and evidence to be checked; a blamed one only the question, for a person to fill in,
    also where others praised it. What ``existing`` cases ask already gives none.

    Raises:
        CasesError: lines are not exported feedback; all troubles in one message.
    """
    groups: dict[str, list[Feedback]] = {}
    asked = {_case_key(case) for case in existing}
    for feedback in parse_feedback(lines):
        if feedback.key not in asked:
            groups.setdefault(feedback.key, []).append(feedback)
    return [_drafted(group) for group in groups.values()]


def parse_feedback(lines: Iterable[str]) -> list[Feedback]:
    """Exported feedback, blank lines left out.

    Raises:
        CasesError: as ``from_feedback``.
    """
    found: list[Feedback] = []
    troubles: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(_feedback(json.loads(line)))
        except json.JSONDecodeError as error:
            troubles.append(f"第 {number} 行：不是有效的 JSON（第 {error.colno} 列：{error.msg}）")
        except (CasesError, ResponseError) as error:
            troubles.append(f"第 {number} 行：{error}")
    if troubles:
        raise CasesError("反馈文件有误：\n" + "\n".join(troubles))
    return found


def drafts_text(drafts: Iterable[Mapping[str, Any]]) -> str:
    """Drafts as JSON Lines."""
    return "".join(json_line(draft) + "\n" for draft in drafts)


def _feedback(values: Any) -> Feedback:
    if not isinstance(values, dict):
        raise CasesError("一行应是一个 JSON 对象 {…}")
    if missing := [name for name in ("question", "answer", "rating") if name not in values]:
        raise CasesError(f"缺少键：{'、'.join(missing)}")
    if values["rating"] not in _RATINGS:
        raise CasesError(f"rating 应是 up 或 down，不是 {values['rating']}")
    if not isinstance(values["question"], str) or not values["question"].strip():
        raise CasesError("question 应是文字")
    if not isinstance(values["answer"], dict):
        raise CasesError("answer 应是对象 {…}")
    return Feedback(
        question=values["question"].strip(),
        history=tuple(_turn(turn) for turn in values.get("history") or ()),
        response=parse_response(values["answer"]),
        rating=values["rating"],
        reason=values.get("reason") or "",
        comment=values.get("comment") or "",
        created=values.get("created") or "",
    )


def _turn(turn: Any) -> tuple[str, str]:
    if not isinstance(turn, dict) or not {"role", "content"} <= set(turn):
        raise CasesError("history 的每一项应有 role 和 content")
    return str(turn["role"]), str(turn["content"])


def _case_key(case: Case) -> str:
    return "\n".join(normalise(text) for text in (*(text for _, text in case.history), case.question))


def _drafted(group: Sequence[Feedback]) -> dict[str, Any]:
    """One draft of all that was said of one question; the newest answer is the one looked at."""
    blamed = [feedback for feedback in group if feedback.rating == "down"]
    newest = max(blamed or group, key=lambda feedback: feedback.created)
    refused = newest.response.refused and not blamed
    facts = [] if blamed or refused else facts_of(newest.response)
    praise = _REFUSED if refused else _CHECK if facts else _FILL_IN
    return {
        "id": f"fb-{sha256(newest.key.encode('utf-8', 'replace')).hexdigest()[:8]}",
        "kind": _kind(newest, refused),
        "question": newest.question,
        "history": [{"role": role, "content": text} for role, text in newest.history],
        "answerable": not refused,
        "facts": facts,
        "evidence": [] if blamed or refused else _evidence(newest.response),
        DRAFT: {
            "reason": _reason(group, blamed),
            "todo": _FILL_IN if blamed else praise,
            "needs_review": bool(blamed),
            "answered": newest.response.text,
            "comments": [feedback.comment for feedback in group if feedback.comment],
        },
    }


def _reason(group: Sequence[Feedback], blamed: Sequence[Feedback]) -> str:
    reasons = "、".join(dict.fromkeys(feedback.reason for feedback in blamed if feedback.reason))
    said = f"（{reasons}）" if reasons else ""
    return f"用户反馈：{len(group) - len(blamed)} 次有帮助，{len(blamed)} 次没帮助{said}"


def _kind(feedback: Feedback, refused: bool) -> str:
    if refused:
        return "unanswerable_near"
    if feedback.history:
        return "follow_up"
    return feedback.response.kind if feedback.response.kind in KINDS else "span"


def _evidence(response: Response) -> list[str]:
    return list(dict.fromkeys(citation.quote for citation in response.citations))


def facts_of(response: Response) -> list[list[str]]:
    """What the answer says that can be checked as a string, and that its citations hold: its figures and dates;
    else the names in it; else its first clause."""
    held = normalise("\n".join(citation.quote for citation in response.citations))
    text = without_markers(re.sub(r"\[\d+\]", "", response.text))
    for strings in (_figures(text), _named(text), _CLAUSE.findall(text)[:1]):
        facts = [string for string in dict.fromkeys(strings) if contains(held, normalise(string))]
        if facts:
            return [[fact] for fact in facts[:_MOST_FACTS]]
    return []


def _figures(text: str) -> Iterator[str]:
    dates = [match.span() for match in _DATE.finditer(text)]
    found = [(start, text[start:end]) for start, end in dates]
    for quantity in quantities(text):
        if any(quantity.start < end and start < quantity.end for start, end in dates):
            continue
        if quantity.unit or len(quantity.text) >= _SHORTEST_NUMBER:
            found.append((quantity.start, quantity.text))
    return (string for _, string in sorted(found))


def _named(text: str) -> list[str]:
    companies = [
        text[mention.start : mention.end]
        for mention in load_lexicon().mentions(text)
        if mention.standing == "member"
    ]
    return [*companies, *_QUOTED.findall(text)]
