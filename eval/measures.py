"""Which measures are taken of one answer, by name. Each puts a pure function to a case and its answer.

A measure that does not apply gives None: it is left out of every mean, never counted as zero. What an answer says
and cites is measured where it answers; a refusal says nothing of what an answerable case asks for, so its share of
facts, exact match and F1 are 0. What was found is measured wherever something was looked up, refused or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eval.attribution import citation_precision, citation_recall, exact_quotes, faithfulness
from eval.cases import Case
from eval.metrics import answer_length, character_f1, evidence_recall, exact_match, fact_share
from eval.ranking import evidence_found, ndcg, reciprocal_rank
from eval.responses import Response


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of an answer; ``title`` is shown (Chinese). ``share`` says that it lies within 0 to 1."""

    name: str
    title: str
    of: Callable[[Case, Response], float | None]
    share: bool = True


def _said(response: Response) -> str:
    return response.text if response.answered else ""


def _fact_share(case: Case, response: Response) -> float | None:
    return fact_share(_said(response), case.facts)


def _exact_match(case: Case, response: Response) -> float | None:
    return exact_match(_said(response), case.references) if case.answerable else None


def _character_f1(case: Case, response: Response) -> float | None:
    return character_f1(_said(response), case.references) if case.answerable else None


def _evidence_recall(case: Case, response: Response) -> float | None:
    return evidence_recall(case.evidence, response.citations) if response.answered else None


def _citation_recall(case: Case, response: Response) -> float | None:
    return citation_recall(response.claims, response.citations) if response.answered else None


def _citation_precision(case: Case, response: Response) -> float | None:
    return citation_precision(response.claims, response.citations) if response.answered else None


def _faithfulness(case: Case, response: Response) -> float | None:
    return faithfulness(response.claims, response.citations) if response.answered else None


def _exact_quotes(case: Case, response: Response) -> float | None:
    return exact_quotes(response.citations, response.passages)


def _looked_at(response: Response) -> list[str]:
    return [passage.text for passage in response.ranked]


def _recall_at(k: int | None) -> Callable[[Case, Response], float | None]:
    def recall(case: Case, response: Response) -> float | None:
        return evidence_found(_looked_at(response), case.evidence, k) if _was_looked_up(response) else None

    return recall


def _reciprocal_rank(case: Case, response: Response) -> float | None:
    return reciprocal_rank(_looked_at(response), case.evidence) if _was_looked_up(response) else None


def _ndcg(case: Case, response: Response) -> float | None:
    return ndcg(_looked_at(response), case.evidence) if _was_looked_up(response) else None


def _was_looked_up(response: Response) -> bool:
    return response.answered or response.status == "not_found"


def _length(case: Case, response: Response) -> float | None:
    return answer_length(response.text) if case.answerable and response.answered else None


MEASURES = (
    Measure("fact_share", "要点召回", _fact_share),
    Measure("exact_match", "完全一致（EM）", _exact_match),
    Measure("character_f1", "字级 F1", _character_f1),
    Measure("evidence_recall", "依据召回", _evidence_recall),
    Measure("citation_recall", "引用召回", _citation_recall),
    Measure("citation_precision", "引用精确", _citation_precision),
    Measure("faithfulness", "忠实度", _faithfulness),
    Measure("exact_quotes", "引文一字不差", _exact_quotes),
    Measure("recall_at_1", "检索召回@1", _recall_at(1)),
    Measure("recall_at_4", "检索召回@4", _recall_at(4)),
    Measure("recall_at_all", "检索召回（全部）", _recall_at(None)),
    Measure("reciprocal_rank", "首个命中排名倒数@10（MRR）", _reciprocal_rank),
    Measure("ndcg", "nDCG@10", _ndcg),
    Measure("length", "答案字数", _length, share=False),
)
