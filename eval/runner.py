"""Asks every case and judges the answers. What is asked is one callable, so that the assistant in this
process, a server over HTTP or a scripted stand-in are run, and judged, alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.errors import AssistantError
from assistant.schema import Answer, Role
from eval.cases import Case, Document, EvaluationError
from eval.metrics import answer_length, evidence_recall, facts_missing, forbidden_found

Ask = Callable[[str, Sequence[tuple[Role, str]]], Answer]
AskFor = Callable[[tuple[Document, ...]], Ask]
Progress = Callable[[int, int], None]

ANSWERED = ("grounded", "partial")
REFUSED = ("not_found", "declined")


class UnsupportedCaseError(EvaluationError):
    """The target cannot run a case of this sort."""


@dataclass(frozen=True, slots=True)
class Result:
    """A case with the answer it got, and the verdict.

    ``reasons`` says in Chinese why an answer is wrong and is empty when it is right. ``answer`` is None, and
    ``error`` the message, when the question was not taken at all. ``length`` is in characters without
    citation markers; ``evidence_recall`` is None where it does not apply: a case without evidence, or one
    that was not answered.
    """

    case: Case
    answer: Answer | None
    right: bool
    reasons: tuple[str, ...]
    facts_missing: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[str, ...] = ()
    length: int = 0
    evidence_recall: float | None = None
    error: str = ""

    @property
    def refused(self) -> bool:
        """Whether the answer says that the articles do not hold one."""
        return self.answer is not None and self.answer.status in REFUSED

    @property
    def answered(self) -> bool:
        """Whether the answer claims to answer the question."""
        return self.answer is not None and self.answer.status in ANSWERED


@dataclass(frozen=True, slots=True)
class Run:
    """All results of one run, in the order of the cases."""

    results: tuple[Result, ...]


def judge(case: Case, answer: Answer) -> Result:
    """The verdict on one answer.

    An answerable case is right when it is answered (``grounded`` or ``partial``), holds every fact and no
    forbidden string, and is no longer than its cap. An unanswerable one is right when it is refused
    (``not_found``, ``declined``).
    """
    length = answer_length(answer.text)
    if not case.answerable:
        forbidden = forbidden_found(answer.text, case.forbid)
        refused = answer.status in REFUSED
        reasons = () if refused else ("资料不能回答，却没有拒答",)
        return Result(case, answer, refused, reasons, forbidden=forbidden, length=length)
    if answer.status not in ANSWERED:
        reasons = ("资料能够回答，却拒答了" if answer.status in REFUSED else "没有当作问题回答",)
        return Result(case, answer, False, reasons, facts_missing=case.facts, length=length)
    missing = facts_missing(answer.text, case.facts)
    forbidden = forbidden_found(answer.text, case.forbid)
    reasons = (
        *(f"缺少：{' / '.join(alternatives)}" for alternatives in missing),
        *(f"不应出现：{string}" for string in forbidden),
        *((f"太长：{length} 字，上限 {case.length_cap} 字",) if length > case.length_cap else ()),
    )
    recall = evidence_recall(case.evidence, answer.citations)
    return Result(case, answer, not reasons, reasons, missing, forbidden, length, recall)


def run(
    cases: Sequence[Case], ask: Ask, *, ask_for: AskFor | None = None, progress: Progress | None = None
) -> Run:
    """Ask and judge every case, in order.

    ``ask_for`` gives what to ask in the place of ``ask`` for a case that brings its own documents;
    ``progress`` is told after each case how many of how many are done. A question that the assistant does not
    take is a wrong answer with its error; trouble with the index is not caught, for it concerns every case.

    Raises:
        UnsupportedCaseError: a case brings documents and there is no ``ask_for``; before anything is asked.
    """
    if ask_for is None and (closed := [case.id for case in cases if case.documents]):
        some = "、".join(closed[:5]) + (" 等" if len(closed) > 5 else "")
        raise UnsupportedCaseError(
            f"这个评测对象不支持自带 documents 的用例：{some}。请去掉这些用例，或改用本机评测。"
        )
    results: list[Result] = []
    for case in cases:
        asked = ask_for(case.documents) if ask_for is not None and case.documents else ask
        results.append(_result(case, asked))
        if progress is not None:
            progress(len(results), len(cases))
    return Run(tuple(results))


def _result(case: Case, ask: Ask) -> Result:
    try:
        answer = ask(case.question, case.history)
    except AssistantError as error:
        return Result(case, None, False, (f"出错：{error}",), facts_missing=case.facts, error=str(error))
    return judge(case, answer)
