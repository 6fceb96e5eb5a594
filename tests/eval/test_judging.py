"""What makes an answer right, with answers built by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from assistant.schema import Citation, Status
from eval.cases import Case
from eval.judging import failed, judge
from eval.measures import MEASURES
from eval.responses import Response

CASE = Case(
    id="fig-1",
    kind="figure",
    question="平安人寿赔付了多少件？",
    history=(),
    answerable=True,
    facts=(("410万件", "410万"),),
    evidence=("平安人寿赔付410万件",),
    forbid=("1.9亿",),
)
FAR = Case("far-1", "unanswerable_far", "今天天气怎么样？", (), False, (), (), ())
OVERVIEW = replace(
    CASE, kind="coverage", facts=(("410万件",), ("1.9亿件",), ("245万件",)), min_facts=2, forbid=()
)


def response(text: str, status: Status = "grounded", quotes: Sequence[str] = ()) -> Response:
    citations = tuple(
        Citation(number, "p", "a", "标题", "", None, "", (), quote, 0, len(quote))
        for number, quote in enumerate(quotes, 1)
    )
    return Response(text, "figure", status, "q", (), citations, (), "reader", "v1", {"total": 5.0}, 0.9)


@pytest.mark.parametrize("status", ["grounded", "partial"])
def test_an_answer_with_the_fact_is_right(status: Status) -> None:
    result = judge(CASE, response("平安人寿赔付410万件[1]", status, ["其中,平安人寿赔付410万件"]))
    assert result.right and result.answered and not result.refused
    assert result.reasons == ()
    assert result.measures["evidence_recall"] == 1.0
    assert result.measures["length"] == 11


def test_an_answer_without_the_fact_is_wrong_and_says_which() -> None:
    result = judge(CASE, response("平安健康险赔付245万件[1]", quotes=["平安健康险赔付245万件"]))
    assert not result.right
    assert result.facts_missing == (("410万件", "410万"),)
    assert result.reasons == ("缺少：410万件 / 410万",)
    assert result.measures["evidence_recall"] == 0.0


def test_a_forbidden_string_makes_an_answer_wrong() -> None:
    result = judge(CASE, response("平安人寿赔付410万件、平安产险赔付1.9亿件"))
    assert not result.right
    assert result.forbidden == ("1.9亿",)
    assert result.reasons == ("不应出现：1.9亿",)


def test_an_answer_may_be_as_long_as_its_cap_and_no_longer() -> None:
    text = "410万件" + "啊" * 85
    assert judge(CASE, response(text + "[1]")).right
    too_long = judge(CASE, response(text + "啊[1]"))
    assert not too_long.right
    assert too_long.reasons == ("太长：91 字，上限 90 字",)
    assert judge(replace(CASE, max_chars=91), response(text + "啊[1]")).right


def test_of_an_overview_some_facts_are_enough_and_the_missing_ones_are_still_named() -> None:
    enough = judge(OVERVIEW, response("赔付410万件和1.9亿件"))
    assert enough.right and enough.reasons == ()
    assert enough.facts_missing == (("245万件",),)
    assert enough.measures["fact_share"] == pytest.approx(2 / 3)
    too_few = judge(OVERVIEW, response("赔付410万件"))
    assert not too_few.right
    assert too_few.reasons == ("缺少：1.9亿件", "缺少：245万件")


@pytest.mark.parametrize("status", ["not_found", "declined"])
def test_refusing_an_answerable_question_is_wrong_whatever_the_text_says(status: Status) -> None:
    result = judge(CASE, response("没有找到，最接近的是：平安人寿赔付410万件", status))
    assert not result.right
    assert result.refused and not result.answered
    assert result.reasons == ("资料能够回答，却拒答了",)
    assert result.facts_missing == CASE.facts
    assert result.measures["evidence_recall"] is None
    assert result.measures["fact_share"] == 0.0


def test_small_talk_is_neither_an_answer_nor_a_refusal() -> None:
    for case in (CASE, FAR):
        result = judge(case, response("平安人寿赔付410万件，您好", "smalltalk"))
        assert not result.right
        assert not result.refused
        assert not result.answered


@pytest.mark.parametrize(
    ("status", "right"), [("not_found", True), ("declined", True), ("grounded", False), ("partial", False)]
)
def test_an_unanswerable_question_is_right_when_refused(status: Status, right: bool) -> None:
    result = judge(FAR, response("今天晴。", status))
    assert result.right is right
    assert bool(result.reasons) is not right
    assert result.measures["evidence_recall"] is None


def test_every_measure_is_taken_of_every_answer() -> None:
    for case in (CASE, FAR):
        assert list(judge(case, response("410万件")).measures) == [measure.name for measure in MEASURES]


def test_a_question_that_was_not_taken_is_wrong_with_its_error_and_has_no_measures() -> None:
    result = failed(CASE, "问题太长。", repeat=2)
    assert not result.right and not result.refused and not result.answered
    assert (result.response, result.error, result.reasons) == (None, "问题太长。", ("出错：问题太长。",))
    assert result.facts_missing == CASE.facts
    assert (result.measures, result.repeat) == ({}, 2)
