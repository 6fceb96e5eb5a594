"""The verdict on one answer: right or wrong, why, and every measure that applies to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eval.cases import Case
from eval.measures import MEASURES
from eval.metrics import answer_length, facts_missing, forbidden_found
from eval.responses import Response


@dataclass(frozen=True, slots=True)
class Result:
    """A case with the answer it got, and the verdict.

    ``reasons`` says in Chinese why an answer is wrong and is empty when it is right. ``response`` is None, and
    ``error`` the message, when the question was not taken at all. ``measures`` has one value by name of measure;
    None where it does not apply. ``repeat`` counts from 1 where every question is asked several times.
    """

    case: Case
    response: Response | None
    right: bool
    reasons: tuple[str, ...]
    facts_missing: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[str, ...] = ()
    measures: Mapping[str, float | None] = field(default_factory=dict)
    error: str = ""
    repeat: int = 1

    @property
    def refused(self) -> bool:
        """Whether the answer says that the articles do not hold one."""
        return self.response is not None and self.response.refused

    @property
    def answered(self) -> bool:
        """Whether the answer claims to answer the question."""
        return self.response is not None and self.response.answered


def judge(case: Case, response: Response, repeat: int = 1) -> Result:
    """The verdict on one answer.

    An answerable case is right when it is answered (``grounded`` or ``partial``), holds as many facts as are
    needed and no forbidden string, and is no longer than its cap. An unanswerable one is right when it is
    refused (``not_found``, ``declined``).
    """
    measures = {measure.name: measure.of(case, response) for measure in MEASURES}
    forbidden = forbidden_found(response.text, case.forbid)
    if not case.answerable:
        reasons = () if response.refused else ("资料不能回答，却没有拒答",)
        return Result(case, response, response.refused, reasons, (), forbidden, measures, repeat=repeat)
    if not response.answered:
        reasons = ("资料能够回答，却拒答了" if response.refused else "没有当作问题回答",)
        return Result(case, response, False, reasons, case.facts, (), measures, repeat=repeat)
    missing = facts_missing(response.text, case.facts)
    enough = len(case.facts) - len(missing) >= case.facts_needed
    length = answer_length(response.text)
    reasons = (
        *(() if enough else (f"缺少：{' / '.join(alternatives)}" for alternatives in missing)),
        *(f"不应出现：{string}" for string in forbidden),
        *((f"太长：{length} 字，上限 {case.length_cap} 字",) if length > case.length_cap else ()),
    )
    return Result(case, response, not reasons, reasons, missing, forbidden, measures, repeat=repeat)


def failed(case: Case, error: str, repeat: int = 1) -> Result:
    """The verdict on a question that was not taken: wrong, with its error."""
    return Result(case, None, False, (f"出错：{error}",), case.facts, error=error, repeat=repeat)
