"""The arithmetic of a summary, worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from assistant.schema import Citation, Claim, Status
from eval.cases import Case
from eval.judging import Result, failed, judge
from eval.responses import Response
from eval.significance import Share, bootstrap_interval, wilson_interval
from eval.summary import Mean, rounded, summarise


def case(
    name: str, kind: str = "figure", answerable: bool = True, evidence: tuple[str, ...] = ("甲", "乙")
) -> Case:
    facts = (("410万件",),) if answerable else ()
    return Case(name, kind, f"问题{name}？", (), answerable, facts, evidence if answerable else (), ())


def response(
    text: str,
    status: Status = "grounded",
    quotes: str = "",
    total: float = 10.0,
    confidence: float | None = 0.9,
    claims: tuple[Claim, ...] = (),
) -> Response:
    citations = tuple(Citation(1, "p", "a", "标题", "", None, "", (), quote, 0, 1) for quote in quotes)
    timings = {"total": total, "read": total / 2}
    return Response(text, "figure", status, "q", claims, citations, (), "reader", "v1", timings, confidence)


@pytest.fixture
def mixed() -> list[Result]:
    """Four answerable cases (two right, one wrong, one refused), three unanswerable (two refused), 1 lost."""
    return [
        judge(case("f1"), response("410万件[1]", quotes="甲乙", total=10, confidence=0.9)),
        judge(case("f2"), response("共410万件[1]", quotes="甲", total=20, confidence=0.8)),
        judge(case("l1", "list"), response("245万件。[1]", "partial", "甲乙", 30, 0.7)),
        judge(case("l2", "list"), response("没有找到", "not_found", "", 40, 0.2)),
        judge(case("n1", "unanswerable_near", False), response("没有找到", "not_found", "", 50, 0.1)),
        judge(case("n2", "unanswerable_near", False), response("410万件", "grounded", "甲", 60, 0.75)),
        judge(case("u1", "unanswerable_far", False), response("恕不能答", "declined", "", 70, None)),
        failed(case("e1"), "问题太长。"),
    ]


def test_shares_are_counted_over_the_cases_they_are_about(mixed: list[Result]) -> None:
    summary = summarise(mixed)
    assert summary.accuracy == Share(2, 5)
    assert summary.refusal_recall == Share(2, 3)
    assert summary.false_refusals == Share(1, 5)
    assert summary.errors == 1


def test_kinds_are_counted_each_in_their_usual_order(mixed: list[Result]) -> None:
    assert list(summarise(mixed).right_by_kind.items()) == [
        ("figure", Share(2, 3)),
        ("list", Share(0, 2)),
        ("unanswerable_near", Share(1, 2)),
        ("unanswerable_far", Share(1, 1)),
    ]


def test_variants_are_counted_in_order_of_name_and_originals_are_none() -> None:
    made = [
        replace(case(name, "robust"), origin="f1", variant=variant)
        for name, variant in (("r1", "typo"), ("r2", "noise"), ("r3", "typo"))
    ]
    texts = ("410万件", "410万件", "245万件")
    results = [judge(case("f1"), response("245万件"))]
    results += [judge(variant, response(text)) for variant, text in zip(made, texts, strict=True)]
    assert list(summarise(results).right_by_variant.items()) == [
        ("noise", Share(1, 1)),
        ("typo", Share(1, 2)),
    ]


def test_evidence_is_counted_among_right_answers_only(mixed: list[Result]) -> None:
    assert summarise(mixed).evidence_cited == Share(1, 2)


def test_a_mean_is_over_the_cases_a_measure_applies_to(mixed: list[Result]) -> None:
    recall = summarise(mixed).means["evidence_recall"]
    assert (recall.value, recall.n) == (pytest.approx((1 + 0.5 + 1) / 3), 3)
    assert recall.interval == bootstrap_interval([1.0, 0.5, 1.0])


def test_a_mean_of_zeros_and_ones_is_a_proportion(mixed: list[Result]) -> None:
    facts = summarise(mixed).means["fact_share"]
    assert (facts.value, facts.n) == (0.5, 4)
    assert facts.interval == wilson_interval(2, 4)


def test_a_length_has_a_mean_and_no_interval(mixed: list[Result]) -> None:
    assert summarise(mixed).means["length"] == Mean(pytest.approx(17 / 3), 3, None)


def test_length_is_of_answers_given_to_answerable_questions(mixed: list[Result]) -> None:
    length = summarise(mixed).length
    assert length.mean == pytest.approx((5 + 6 + 6) / 3)
    assert length.max == 6


def test_timings_are_spread_by_stage_over_all_answers(mixed: list[Result]) -> None:
    timings = summarise(mixed).timings_ms
    assert list(timings) == ["read", "total"]
    assert timings["total"].p50 == 40
    assert timings["total"].p95 == pytest.approx(67)
    assert timings["total"].max == 70
    assert timings["read"].p50 == 20


def test_risk_counts_every_answer_to_an_unanswerable_case_as_an_error(mixed: list[Result]) -> None:
    risk = summarise(mixed, most_false_refusals=0.5).risk
    assert risk is not None
    points = {point.threshold: point for point in risk.curve}
    # 0.9 and 0.8 are right; 0.75 answers what cannot be answered, 0.7 is wrong.
    assert points[0.8].risk == 0.0
    assert points[0.75].risk == pytest.approx(1 / 3)
    assert points[0.7].risk == pytest.approx(2 / 4)
    assert risk.recommended is not None
    # The question that was not taken and the one at 0.2 may be refused, of five.
    assert risk.recommended.threshold == 0.7
    assert risk.recommended.false_refusals == Share(2, 5)
    assert risk.recommended.refusal_recall == Share(2, 3)


def test_what_does_not_apply_is_none_and_not_zero() -> None:
    refused = response("没有找到", "not_found", confidence=None)
    only_far = summarise([judge(case("u1", "unanswerable_far", False), refused)])
    assert only_far.accuracy.value is None
    assert only_far.accuracy.to_dict()["interval"] is None
    assert only_far.means["evidence_recall"] == Mean(None, 0, None)
    assert only_far.length.mean is None
    assert only_far.risk is None
    assert only_far.stable is None
    assert only_far.refusal_recall.value == 1.0


def test_a_case_asked_again_is_one_case_and_right_only_if_it_always_is() -> None:
    always, once = case("f1"), case("f2")
    refused = case("l1", "list")
    results = [
        judge(always, response("410万件"), 1),
        judge(always, response("410万件"), 2),
        judge(once, response("410万件", quotes="甲乙"), 1),
        judge(once, response("245万件", quotes="甲"), 2),
        judge(refused, response("410万件"), 1),
        judge(refused, response("没有找到", "not_found"), 2),
    ]
    summary = summarise(results)
    assert summary.accuracy == Share(1, 3)
    assert summary.right_by_kind == {"figure": Share(1, 2), "list": Share(0, 1)}
    assert summary.false_refusals == Share(1, 3)
    assert summary.stable == Share(1, 3)
    # f1 cites nothing, f2 all and half of it, l1 nothing where it answers.
    assert summary.means["evidence_recall"].value == pytest.approx((0 + 0.75 + 0) / 3)
    assert summary.timings_ms["total"].p50 == 10


def test_an_unanswerable_case_is_refused_only_if_it_always_is() -> None:
    near = case("n1", "unanswerable_near", False)
    results = [judge(near, response("没有找到", "not_found"), 1), judge(near, response("410万件"), 2)]
    assert summarise(results).refusal_recall == Share(0, 1)


def test_an_answer_that_is_an_error_once_is_not_stable() -> None:
    one = case("f1")
    assert summarise([judge(one, response("410万件"), 1), failed(one, "忙", 2)]).stable == Share(0, 1)


def test_a_summary_is_plain_json_that_two_equal_runs_share(mixed: list[Result]) -> None:
    summary = summarise(mixed)
    values = json.loads(json.dumps(summary.to_dict()))
    assert values["accuracy"] == {"successes": 2, "n": 5, "value": 0.4, "interval": [0.117621, 0.769276]}
    assert values["means"]["evidence_recall"]["value"] == 0.833333
    assert values["risk"]["auroc"] == rounded(summary.risk.auroc if summary.risk else None)
    assert values["stable"] is None
    slower = [
        replace(result, response=replace(result.response, timings_ms={"total": 999.0}))
        if result.response
        else result
        for result in mixed
    ]
    assert summarise(slower).to_dict() == summary.to_dict()
    assert summarise(slower).timings_dict() == {
        "total": {"mean": 999.0, "p50": 999.0, "p95": 999.0, "max": 999.0}
    }


def test_floats_are_rounded_wherever_they_stand_and_nothing_else_is() -> None:
    values = {"a": (1 / 3, None), "b": [{"c": 2.0, "d": 7}], "e": "0.33333333", "f": True}
    assert rounded(values) == {"a": [0.333333, None], "b": [{"c": 2.0, "d": 7}], "e": "0.33333333", "f": True}
