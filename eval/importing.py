"""Questions from elsewhere made into cases: reading-comprehension sets, and lists of questions with their answers.

What a file is, is told by what stands in it:

- nested JSON as SQuAD has it (Rajpurkar et al., 2016 and 2018), which CMRC2018 and DRCD took over
- the list of ``context_text`` and ``qas`` that CMRC2018 (Cui et al., 2019) was first given out as
- JSON Lines of passages and questions, a line of either ``type``
- CSV of two columns, question and answer, in UTF-8 or GB18030, with or without a line of headings

All but the last bring their text, and become closed-context cases: answered from that text alone.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from eval.cases import OTHER_CHARS, Case, Document
from eval.errors import CasesError
from eval.normalising import normalise

ANSWERABLE = "span"
UNANSWERABLE = "unanswerable_near"
UNTITLED = "资料"

_QUESTION_HEADINGS = ("问题", "提问", "question", "q")
_ANSWER_HEADINGS = ("答案", "回答", "answer", "a")
_ENCODINGS = ("utf-8-sig", "gb18030")
_NAMED = 20

_Value = TypeVar("_Value")


def import_cases(path: Path, limit: int | None = None, seed: int = 0) -> list[Case]:
    """The questions of one file as cases, in its order; with ``limit`` so many of them, drawn by ``seed``.

    Every answer that the file gives is an alternative of the one fact, and a reference for exact match and F1. The
    shortest one that stands in the text is the evidence, so that a citation is right where it holds the answer.

    Raises:
        CasesError: the file cannot be read, is none of the forms, or a question in it cannot be made a case; the
            message names the file and the place.
    """
    cases = _imported(path)
    seen: dict[str, int] = {}
    for number, case in enumerate(cases, 1):
        if case.id in seen:
            raise CasesError(f"{path}：第 {seen[case.id]} 个和第 {number} 个问题的 id 相同：{case.id}。")
        seen[case.id] = number
    if not cases:
        raise CasesError(f"{path} 里没有问题。")
    if limit is None or limit >= len(cases):
        return cases
    chosen = random.Random(seed).sample(range(len(cases)), limit)
    return [cases[place] for place in sorted(chosen)]


def _imported(path: Path) -> list[Case]:
    text = _read(path)
    if text.lstrip()[:1] not in ("{", "["):
        return _from_table(path, text)
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        # Several JSON values after each other are JSON Lines; anything else is broken where the message says.
        if not text.lstrip().startswith("{") or error.msg != "Extra data":
            raise CasesError(
                f"{path} 第 {error.lineno} 行第 {error.colno} 列不是有效的 JSON：{error.msg}。"
            ) from error
        return _from_lines(path, text)
    if isinstance(values, dict) and "data" in values:
        return _from_squad(path, values)
    if isinstance(values, list) and values and isinstance(values[0], dict) and "context_text" in values[0]:
        return _from_first_cmrc(path, values)
    if isinstance(values, dict) and "type" in values:
        return _from_lines(path, text)
    raise CasesError(_unknown(path, values if isinstance(values, dict) else {}))


def _unknown(path: Path, values: dict[str, Any]) -> str:
    if {"id", "kind", "question", "answerable"} <= values.keys():
        return f"{path} 已经是用例文件，不用导入，请直接用 --cases。"
    return (
        f"{path} 的格式无法识别。可以导入：SQuAD 或 CMRC 格式的 JSON，"
        "每行一个 passage 或 question 的 JSONL，问题和答案两列的 CSV。"
    )


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CasesError(f"无法读取 {path}（{error.strerror or error}）。") from error
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise CasesError(f"{path} 不是 UTF-8 或 GB18030 编码的文本。")


# ---- SQuAD, CMRC2018, DRCD


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("是空的")
    return text


_Text = Annotated[str, AfterValidator(_not_blank)]


class _SquadAnswer(BaseModel):
    text: str


class _SquadQuestion(BaseModel):
    id: str | int | None = None
    question: _Text
    answers: list[_SquadAnswer] = Field(default_factory=list)
    is_impossible: bool = False


class _SquadParagraph(BaseModel):
    context: _Text
    qas: list[_SquadQuestion]


class _SquadArticle(BaseModel):
    title: str = ""
    paragraphs: list[_SquadParagraph]


class _Squad(BaseModel):
    data: list[_SquadArticle]


class _CmrcQuestion(BaseModel):
    query_id: str | int | None = None
    query_text: _Text
    answers: list[str]


class _CmrcContext(BaseModel):
    context_text: _Text
    title: str = ""
    qas: list[_CmrcQuestion]


_SQUAD = TypeAdapter(_Squad)
_CMRC = TypeAdapter(list[_CmrcContext])


def _from_squad(path: Path, values: Any) -> list[Case]:
    squad = _validated(path, _SQUAD, values)
    cases: list[Case] = []
    for article in squad.data:
        for paragraph in article.paragraphs:
            document = _document(article.title, paragraph.context)
            for asked in paragraph.qas:
                id = _id(path, asked.id, len(cases))
                answers = [] if asked.is_impossible else [answer.text for answer in asked.answers]
                cases.append(
                    _case(path, id, asked.question, answers, document, answerable=not asked.is_impossible)
                )
    return cases


def _from_first_cmrc(path: Path, values: Any) -> list[Case]:
    cases: list[Case] = []
    for context in _validated(path, _CMRC, values):
        document = _document(context.title, context.context_text)
        for asked in context.qas:
            id = _id(path, asked.query_id, len(cases))
            cases.append(_case(path, id, asked.query_text, asked.answers, document))
    return cases


# ---- JSON Lines of passages and questions


class _Line(BaseModel):
    """What a line has of either type, which ``type`` tells."""

    type: str


class _PassageLine(BaseModel):
    id: str
    title: str = ""
    text: _Text


class _QuestionLine(BaseModel):
    id: str
    question: _Text
    gold_passage_id: str
    answers: list[str] = Field(default_factory=list)
    answers_verbatim: list[str] = Field(default_factory=list)


_LINE, _PASSAGE, _QUESTION = TypeAdapter(_Line), TypeAdapter(_PassageLine), TypeAdapter(_QuestionLine)


def _from_lines(path: Path, text: str) -> list[Case]:
    passages: dict[str, Document] = {}
    questions: list[tuple[int, _QuestionLine]] = []
    # Not splitlines(): JSON strings may hold U+2028 and U+0085 as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f" 第 {number} 行"
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise CasesError(f"{path}{place}第 {error.colno} 列不是有效的 JSON：{error.msg}。") from error
        if not isinstance(values, dict) or "type" not in values:
            raise CasesError(_unknown(path, values if isinstance(values, dict) else {}))
        match _validated(path, _LINE, values, place).type:
            case "passage":
                passage = _validated(path, _PASSAGE, values, place)
                passages[passage.id] = _document(passage.title, passage.text)
            case "question":
                questions.append((number, _validated(path, _QUESTION, values, place)))
            case other:
                raise CasesError(f"{path}{place}：type 应是 passage 或 question，不是「{other}」。")
    cases: list[Case] = []
    for number, asked in questions:
        if asked.gold_passage_id not in passages:
            raise CasesError(f"{path} 第 {number} 行：文件里没有段落 {asked.gold_passage_id}。")
        answers = asked.answers_verbatim or asked.answers
        cases.append(_case(path, asked.id, asked.question, answers, passages[asked.gold_passage_id]))
    return cases


# ---- two columns


def _from_table(path: Path, text: str) -> list[Case]:
    first = text.lstrip().split("\n", 1)[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if "\t" in first and "," not in first else ","
    )
    cases: list[Case] = []
    troubles: list[str] = []
    try:
        for count, row in enumerate(row for row in reader if any(cell.strip() for cell in row)):
            if count == 0 and _is_heading(row):
                continue
            question, answer, *more = [cell.strip() for cell in row] + [""] * (2 - len(row))
            if not (question and answer) or any(more):
                troubles.append(f"第 {reader.line_num} 行应有问题和答案两列：{'，'.join(row)[:60]}")
                continue
            cases.append(_case(path, _id(path, None, len(cases)), question, [answer], None))
    except csv.Error as error:
        raise CasesError(f"{path} 第 {reader.line_num} 行不是有效的 CSV：{error}。") from error
    if troubles:
        some = troubles[:_NAMED] + ([f"…… 共 {len(troubles)} 处"] if len(troubles) > _NAMED else [])
        raise CasesError(f"{path} 有误（不可回答的问题请写成用例文件）：\n" + "\n".join(some))
    return cases


def _is_heading(row: Sequence[str]) -> bool:
    cells = [cell.strip().lower() for cell in row]
    return len(cells) >= 2 and cells[0] in _QUESTION_HEADINGS and cells[1] in _ANSWER_HEADINGS


# ---- all of them


def _case(
    path: Path,
    id: str,
    question: str,
    answers: Iterable[str],
    document: Document | None,
    *,
    answerable: bool = True,
) -> Case:
    # A mark or a blank alone is no answer that could be found in another.
    references = tuple(dict.fromkeys(answer.strip() for answer in answers if normalise(answer)))
    if answerable and not references:
        raise CasesError(f"{path}：问题 {id}「{question[:40]}」没有可以判分的答案。")
    verbatim = [answer for answer in references if document and answer in document.text]
    return Case(
        id=id,
        kind=ANSWERABLE if answerable else UNANSWERABLE,
        question=question,
        history=(),
        answerable=answerable,
        facts=(references,) if answerable else (),
        evidence=(min(verbatim, key=len),) if verbatim else (),
        forbid=(),
        documents=(document,) if document else (),
        max_chars=OTHER_CHARS,
        references=references,
    )


def _document(title: str, text: str) -> Document:
    return Document(title.strip() or UNTITLED, text)


def _id(path: Path, given: str | int | None, before: int) -> str:
    """The id that the file gives, else one of its name and place."""
    return str(given) if given not in (None, "") else f"{path.stem}-{before + 1:05d}"


def _validated(path: Path, adapter: TypeAdapter[_Value], values: Any, place: str = "") -> _Value:
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        some = [f"{'.'.join(map(str, item['loc']))}（{item['msg']}）" for item in error.errors()[:_NAMED]]
        raise CasesError(f"{path}{place} 有误：{'；'.join(some)}。") from error
