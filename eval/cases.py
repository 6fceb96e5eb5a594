"""Evaluation cases: what is asked, and what an answer must and must not hold. One JSON line each.

The schema is described in ``eval/cases/README.md``. A file is checked as a whole before anything runs, so
that one reading of the message mends all of it. Messages are in Chinese: they are shown as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast

from assistant.schema import Role
from eval.errors import CasesError

Split = Literal["dev", "test"]

PACKAGED = Path(__file__).parent / "cases"

UNANSWERABLE_KINDS = ("unanswerable_near", "unanswerable_far")
KINDS = (
    "figure", "date", "entity", "contact", "list", "definition", "how", "why", "yes_no", "paraphrase",
    "typo", "traditional", "english", "follow_up", "two_part", "comparison", "summary", "false_premise",
    "conflict", "time", "coverage", "span", "robust", *UNANSWERABLE_KINDS,
)  # fmt: skip
SINGLE_FACT_KINDS = ("figure", "date", "entity", "contact", "yes_no")
SINGLE_FACT_CHARS = 90
OTHER_CHARS = 320

_REQUIRED = ("id", "kind", "question", "answerable")
_OPTIONAL = (
    "history", "facts", "evidence", "forbid", "documents", "max_chars", "min_facts", "references", "origin", "variant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A text that a closed-context case is answered from, in the place of the articles.

    ``published`` is None, ``publisher`` and ``url`` empty where the case does not say.
    """

    title: str
    text: str
    published: date | None = None
    publisher: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One question with what makes an answer right.

    Every item of ``facts`` is a list of alternatives of which one must stand in the answer; ``evidence`` are
    verbatim strings of an article; ``history`` is ``(role, text)``, newest last; ``documents`` are empty
    unless the case brings its own texts; ``max_chars`` is the longest right answer, or None for the default
    of its kind. Of an overview's facts (nuggets) ``min_facts`` are enough; None asks for all. ``references``
    are the short answers that exact match and character F1 compare with. A case made from another one by
    rule names that one as ``origin`` and the rule as ``variant``.
    """

    id: str
    kind: str
    question: str
    history: tuple[tuple[Role, str], ...]
    answerable: bool
    facts: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]
    forbid: tuple[str, ...]
    documents: tuple[Document, ...] = ()
    max_chars: int | None = None
    min_facts: int | None = None
    references: tuple[str, ...] = ()
    origin: str = ""
    variant: str = ""

    @property
    def facts_needed(self) -> int:
        """How many of the facts a right answer holds at least."""
        return len(self.facts) if self.min_facts is None else self.min_facts

    @property
    def split(self) -> Split:
        """The half a case belongs to, by hash of its id, so that nobody chooses; a variant goes with its origin.

        Of SHA-256 over the id in UTF-8 the first byte decides: even is for tuning, odd is for reporting.
        """
        return "test" if sha256((self.origin or self.id).encode()).digest()[0] % 2 else "dev"

    @property
    def length_cap(self) -> int:
        """The most characters a right answer has, citation markers not counted."""
        if self.max_chars is not None:
            return self.max_chars
        return SINGLE_FACT_CHARS if self.kind in SINGLE_FACT_KINDS else OTHER_CHARS


def case_files(paths: Iterable[Path]) -> list[Path]:
    """The files meant by paths: a folder stands for its ``*.jsonl``, in order of name.

    Raises:
        CasesError: a path does not exist, or a folder holds no case file.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.jsonl"))
            if not inside:
                raise CasesError(f"文件夹 {path} 里没有 .jsonl 用例文件。")
            files.extend(inside)
        elif path.is_file():
            files.append(path)
        else:
            raise CasesError(f"找不到用例文件：{path}。请检查 --cases 后面的路径。")
    return list(dict.fromkeys(files))


def load_cases(paths: Iterable[Path]) -> list[Case]:
    """The cases of all files, in order; folders stand for their ``*.jsonl``.

    Raises:
        CasesError: a file is missing or not UTF-8, or any line is not a case; all troubles in one message.
    """
    cases: list[Case] = []
    first_seen: dict[str, str] = {}
    troubles: list[str] = []
    for file in case_files(paths):
        for place, line in _lines(file):
            try:
                case = parse_case(line)
                if case.id in first_seen:
                    raise CasesError(f"id「{case.id}」重复，已在 {first_seen[case.id]} 用过")
            except CasesError as error:
                troubles.append(f"{place}：{error}")
                continue
            first_seen[case.id] = place
            cases.append(case)
    if troubles:
        raise CasesError("用例文件有误：\n" + "\n".join(troubles))
    if not cases:
        raise CasesError("没有找到任何用例：用例文件是空的。")
    return cases


def _lines(file: Path) -> list[tuple[str, str]]:
    """Lines that are not blank, each with the place to name in a message."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CasesError(f"用例文件 {file} 不是 UTF-8 编码：第 {error.start} 个字节起无法读取。") from error
    # Not splitlines(): JSON strings may hold U+2028 and U+0085 as they are.
    return [
        (f"{file} 第 {number} 行", line) for number, line in enumerate(text.split("\n"), 1) if line.strip()
    ]


def parse_case(line: str) -> Case:
    """One JSON line as a case.

    Raises:
        CasesError: it is no JSON object, a key is missing or unknown, or a value has the wrong type or sense.
    """
    try:
        values = json.loads(line, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise CasesError(f"不是有效的 JSON（第 {error.colno} 列：{error.msg}）") from error
    if not isinstance(values, dict):
        raise CasesError("一行应是一个 JSON 对象 {…}")
    if "draft" in values:
        draft = values["draft"]
        todo = draft.get("todo", "") if isinstance(draft, dict) else draft
        raise CasesError(f"还是草稿，补全后去掉 draft 这一项才能使用：{todo}")
    _check_keys(values, "", _REQUIRED, _OPTIONAL)
    case = Case(
        id=_text(values, "id"),
        kind=_text(values, "kind"),
        question=_text(values, "question"),
        history=tuple(_turn(item, place) for place, item in _items(values, "history")),
        answerable=_flag(values, "answerable"),
        facts=tuple(_texts(item, place) for place, item in _items(values, "facts")),
        evidence=_texts(values.get("evidence", []), "evidence"),
        forbid=_texts(values.get("forbid", []), "forbid"),
        documents=tuple(_document(item, place) for place, item in _items(values, "documents")),
        max_chars=_positive(values, "max_chars"),
        min_facts=_positive(values, "min_facts"),
        references=_texts(values.get("references", []), "references"),
        origin=_text(values, "origin") if "origin" in values else "",
        variant=_text(values, "variant") if "variant" in values else "",
    )
    _check_sense(case)
    return case


def _check_sense(case: Case) -> None:
    if case.kind not in KINDS:
        raise CasesError(f"kind「{case.kind}」未知，可用：{'、'.join(KINDS)}")
    if case.answerable and case.kind in UNANSWERABLE_KINDS:
        raise CasesError(f"kind「{case.kind}」表示资料不能回答，answerable 却是 true")
    if not case.answerable and case.kind not in UNANSWERABLE_KINDS:
        raise CasesError(
            f"answerable 是 false，kind 应为 {' 或 '.join(UNANSWERABLE_KINDS)}，不是「{case.kind}」"
        )
    if case.answerable and not case.facts:
        raise CasesError("可回答的用例必须有 facts")
    if not case.answerable and (case.facts or case.evidence):
        raise CasesError("不可回答的用例不应有 facts 或 evidence")
    for number, alternatives in enumerate(case.facts, 1):
        if not alternatives:
            raise CasesError(f"facts 第 {number} 项没有任何备选写法")
    if case.kind == "follow_up" and not case.history:
        raise CasesError("kind 是 follow_up，history 却是空的")
    if case.min_facts is not None and case.min_facts > len(case.facts):
        raise CasesError(f"min_facts 是 {case.min_facts}，facts 却只有 {len(case.facts)} 项")
    if (case.kind == "robust") != bool(case.origin and case.variant):
        raise CasesError("kind 是 robust 的用例要有 origin 和 variant，别的用例不应有")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a key given twice would silently lose its first value."""
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise CasesError(f"键重复：{'、'.join(name for name in values if names.count(name) > 1)}")
    return values


def _check_keys(
    values: Mapping[str, Any], place: str, required: Sequence[str], optional: Sequence[str] = ()
) -> None:
    where = f"{place} " if place else ""
    if unknown := [name for name in values if name not in (*required, *optional)]:
        raise CasesError(
            f"{where}有未知的键：{'、'.join(unknown)}（可用：{'、'.join((*required, *optional))}）"
        )
    if missing := [name for name in required if name not in values]:
        raise CasesError(f"{where}缺少键：{'、'.join(missing)}")


def _text(values: Mapping[str, Any], name: str, place: str = "") -> str:
    return _not_empty(values[name], f"{place}{name}")


def _not_empty(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise CasesError(f"{place} 应是字符串，不是 {_named(value)}")
    if not value.strip():
        raise CasesError(f"{place} 是空的")
    return value


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise CasesError(f"{place} 应是字符串的列表，不是 {_named(value)}")
    return tuple(_not_empty(item, f"{place} 第 {number} 项") for number, item in enumerate(value, 1))


def _items(values: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    value = values.get(name, [])
    if not isinstance(value, list):
        raise CasesError(f"{name} 应是列表，不是 {_named(value)}")
    return [(f"{name} 第 {number} 项", item) for number, item in enumerate(value, 1)]


def _flag(values: Mapping[str, Any], name: str) -> bool:
    value = values[name]
    if not isinstance(value, bool):
        raise CasesError(f"{name} 应是 true 或 false，不是 {_named(value)}")
    return value


def _positive(values: Mapping[str, Any], name: str) -> int | None:
    value = values.get(name)
    # bool is an int to Python, and true is no length.
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise CasesError(f"{name} 应是正整数，不是 {_named(value)}")
    return value


def _object(
    value: Any, place: str, required: Sequence[str], optional: Sequence[str] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise CasesError(f"{place} 应是对象 {{{', '.join(required)}}}，不是 {_named(value)}")
    _check_keys(value, place, required, optional)
    return value


def _turn(value: Any, place: str) -> tuple[Role, str]:
    turn = _object(value, place, ("role", "content"))
    if turn["role"] not in ("user", "assistant"):
        raise CasesError(f"{place} 的 role 应是 user 或 assistant，不是 {_named(turn['role'])}")
    return cast(Role, turn["role"]), _text(turn, "content", f"{place} 的 ")


def _document(value: Any, place: str) -> Document:
    document = _object(value, place, ("title", "text"), ("published", "publisher", "url"))
    where = f"{place} 的 "
    texts = {
        name: _text(document, name, where)
        for name in ("title", "text", "publisher", "url")
        if name in document
    }
    return Document(**texts, published=_day(document.get("published"), f"{where}published"))


def _day(value: Any, place: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(_not_empty(value, place))
    except ValueError as error:
        raise CasesError(f"{place} 应是 2023-09-27 这样的日期，不是 {_named(value)}") from error


def _named(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 40 else shown[:40] + "…"
