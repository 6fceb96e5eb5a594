"""To which cases and answers a measure applies, and what it is given of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.schema import Citation, Claim
from eval.cases import Case
from eval.measures import MEASURES
from eval.responses import Response, SeenPassage

FIRST, SECOND = "平安人寿赔付410万件。", "平安产险赔付1.9亿件。"
CASE = Case(
    id="two-1",
    kind="two_part",
    question="平安人寿和平安产险各赔付多少件？",
    history=(),
    answerable=True,
    facts=(("410万件",), ("1.9亿件",)),
    evidence=(FIRST, SECOND),
    forbid=(),
    references=("平安人寿赔付410万件",),
)
FAR = Case("far-1", "unanswerable_far", "今天天气怎么样？", (), False, (), (), ())
ANSWER = Response(
    text="平安人寿赔付410万件[1]",
    kind="figure",
    status="grounded",
    looked_up="q",
    claims=(Claim("平安人寿赔付410万件", (1,), "verbatim"),),
    citations=(Citation(1, "p1", "a", "标题", "", None, "", (), FIRST, 100, 100 + len(FIRST)),),
    # As an answer lists them: the cited passage first, although two others were found above it.
    passages=(
        SeenPassage("p1", "a", FIRST, 100, 100 + len(FIRST), (), 0.5, True),
        SeenPassage("p2", "a", "无关。", 0, 3, (), 0.9, False),
        SeenPassage("p3", "a", SECOND, 200, 200 + len(SECOND), (), 0.7, False),
    ),
    engine="reader",
    index_version="v1",
    timings_ms={"total": 5.0},
    confidence=0.9,
)
REFUSAL = replace(ANSWER, text="没有找到。", status="not_found", claims=(), citations=())
DECLINED = replace(REFUSAL, status="declined", passages=(), confidence=None)


def measured(case: Case, response: Response) -> dict[str, float | None]:
    return {measure.name: measure.of(case, response) for measure in MEASURES}


def test_an_answer_is_measured_in_what_it_says_cites_and_found() -> None:
    assert measured(CASE, ANSWER) == pytest.approx(
        {
            "fact_share": 0.5,
            "exact_match": 1.0,
            "character_f1": 1.0,
            "evidence_recall": 0.5,
            "citation_recall": 1.0,
            "citation_precision": 1.0,
            "faithfulness": 1.0,
            "exact_quotes": 1.0,
            "recall_at_1": 0.0,
            "recall_at_4": 1.0,
            "recall_at_all": 1.0,
            "reciprocal_rank": 0.5,
            # Relevant at 2 and 3 of an ideal 1 and 2: (1/log2 3 + 1/log2 4) / (1 + 1/log2 3).
            "ndcg": 0.693426,
            "length": 11,
        },
        abs=1e-6,
    )


def test_a_refusal_says_nothing_and_cites_nothing_but_its_passages_still_count() -> None:
    values = measured(CASE, REFUSAL)
    assert {name: values[name] for name in ("fact_share", "exact_match", "character_f1")} == {
        "fact_share": 0.0,
        "exact_match": 0.0,
        "character_f1": 0.0,
    }
    assert values["recall_at_4"] == 1.0 and values["reciprocal_rank"] == 0.5
    for name in (
        "evidence_recall",
        "citation_recall",
        "citation_precision",
        "faithfulness",
        "exact_quotes",
        "length",
    ):
        assert values[name] is None


def test_where_nothing_was_looked_up_retrieval_does_not_apply() -> None:
    values = measured(CASE, DECLINED)
    for name in ("recall_at_1", "recall_at_4", "recall_at_all", "reciprocal_rank", "ndcg"):
        assert values[name] is None


def test_an_answerable_question_for_which_nothing_was_found_counts_as_a_miss() -> None:
    assert measured(CASE, replace(REFUSAL, passages=()))["recall_at_4"] == 0.0


def test_of_a_refused_unanswerable_case_nothing_applies() -> None:
    assert set(measured(FAR, REFUSAL).values()) == {None}
    assert set(measured(FAR, DECLINED).values()) == {None}


def test_an_answer_to_an_unanswerable_case_is_held_to_what_it_cites() -> None:
    values = measured(FAR, ANSWER)
    applies = {name for name, value in values.items() if value is not None}
    assert applies == {"citation_recall", "citation_precision", "faithfulness", "exact_quotes"}


def test_the_names_and_titles_of_measures_are_told_apart() -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert len({measure.title for measure in MEASURES}) == len(MEASURES)
    assert [measure.name for measure in MEASURES if not measure.share] == ["length"]
