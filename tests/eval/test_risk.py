"""Risk, coverage and the recommended threshold, worked out by hand, by brute force and by scikit-learn."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from eval.risk import Outcome, area_under_risk_coverage, auroc, recommend, risk_coverage, risk_of
from eval.significance import Share


def given_right(confidence: float | None) -> Outcome:
    return Outcome(answerable=True, right=True, confidence=confidence)


def given_wrong(confidence: float | None) -> Outcome:
    return Outcome(answerable=True, right=False, confidence=confidence)


def unanswerable(confidence: float | None) -> Outcome:
    # Right is what it is called when it was refused; giving it would be an error whatever it was called.
    return Outcome(answerable=False, right=True, confidence=confidence)


OUTCOMES = [
    given_right(0.9),
    unanswerable(0.2),
    given_right(0.8),
    given_wrong(0.6),
    given_right(0.6),
    unanswerable(None),
    given_right(0.4),
    unanswerable(0.7),
]
SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.50001, 0.75, 1.0])
ANY = st.lists(
    st.builds(Outcome, answerable=st.booleans(), right=st.booleans(), confidence=SCORES),
    min_size=1,
    max_size=40,
)


def test_the_curve_has_a_point_for_every_confidence_from_the_surest_down() -> None:
    points = [(point.threshold, point.coverage, point.risk) for point in risk_coverage(OUTCOMES)]
    assert points == [
        (0.9, 1 / 8, 0.0),
        (0.8, 2 / 8, 0.0),
        (0.7, 3 / 8, 1 / 3),
        (0.6, 5 / 8, 2 / 5),
        (0.4, 6 / 8, 2 / 6),
        (0.2, 7 / 8, 3 / 7),
        (0.0, 1.0, 4 / 8),
    ]


def test_a_point_says_what_its_threshold_refuses() -> None:
    points = {point.threshold: point for point in risk_coverage(OUTCOMES)}
    assert (points[0.6].refusal_recall, points[0.6].false_refusals) == (2 / 3, 1 / 5)
    assert (points[0.0].refusal_recall, points[0.0].false_refusals) == (0.0, 0.0)


def test_a_point_says_nothing_of_a_sort_of_case_that_is_not_there() -> None:
    (point,) = risk_coverage([given_right(0.5)])
    assert point.refusal_recall is None
    assert point.false_refusals == 0.0


def test_the_area_is_the_mean_risk_over_every_number_of_answers_given() -> None:
    ordered = [given_right(0.9), given_wrong(0.8), given_right(0.7), unanswerable(0.6)]
    assert area_under_risk_coverage(ordered) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)


def test_an_order_that_ranks_every_error_last_has_the_least_area() -> None:
    best = [given_right(0.9), given_right(0.8), given_wrong(0.2)]
    worst = [given_right(0.2), given_right(0.3), given_wrong(0.9)]
    assert area_under_risk_coverage(best) == pytest.approx(1 / 9)
    assert area_under_risk_coverage(worst) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_no_outcomes_have_no_area() -> None:
    with pytest.raises(ValueError, match="no outcomes"):
        area_under_risk_coverage([])


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.2, 0.5, 0.9])), min_size=1, max_size=6))
def test_ties_count_as_the_mean_over_all_their_orders(cases: list[tuple[bool, float]]) -> None:
    areas = []
    for order in permutations(cases):
        ranked = sorted(order, key=lambda case: -case[1])  # stable: ties keep this permutation's order
        risks = [sum(wrong for wrong, _ in ranked[:k]) / k for k in range(1, len(ranked) + 1)]
        areas.append(sum(risks) / len(risks))
    outcomes = [given_wrong(score) if wrong else given_right(score) for wrong, score in cases]
    assert area_under_risk_coverage(outcomes) == pytest.approx(sum(areas) / len(areas))


@given(st.lists(SCORES, min_size=1, max_size=30), st.lists(SCORES, min_size=1, max_size=30))
def test_auroc_is_that_of_scikit_learn_ties_included(positive: list[float], negative: list[float]) -> None:
    theirs = roc_auc_score([1] * len(positive) + [0] * len(negative), positive + negative)
    assert auroc(positive, negative) == pytest.approx(theirs)


def test_auroc_needs_both_sorts() -> None:
    assert auroc([0.5], []) is None
    assert auroc([], [0.5]) is None
    assert auroc([0.5], [0.5]) == 0.5


def test_the_recommended_threshold_refuses_as_many_as_the_aim_allows() -> None:
    outcomes = [
        *(given_right(score / 100) for score in range(1, 101)),
        unanswerable(0.035),
        unanswerable(0.5),
    ]
    recommended = recommend(outcomes, 0.03)
    assert recommended is not None
    assert recommended.threshold == 0.04
    assert recommended.false_refusals == Share(3, 100)
    assert recommended.refusal_recall == Share(1, 2)


def test_cases_of_one_confidence_are_refused_together_or_not_at_all() -> None:
    outcomes = [given_right(0.2), given_right(0.2), given_right(0.9), given_right(0.9), unanswerable(0.1)]
    half, less = recommend(outcomes, 0.5), recommend(outcomes, 0.49)
    assert half is not None and less is not None
    assert (half.threshold, half.false_refusals.value) == (0.9, 0.5)
    assert (less.threshold, less.false_refusals.value) == (0.2, 0.0)


def test_a_threshold_is_rounded_down_so_that_the_case_it_comes_from_is_still_answered() -> None:
    for score, threshold in ((0.28716, 0.2871), (0.2871, 0.2871), (0.28714, 0.2871), (1.0, 1.0), (0.0, 0.0)):
        recommended = recommend([given_right(score), unanswerable(0.0)], 0.0)
        assert recommended is not None
        assert recommended.threshold == threshold
        assert recommended.false_refusals == Share(0, 1)


@given(ANY, st.sampled_from([0.0, 0.03, 0.1, 0.25, 0.5, 0.9]))
def test_no_higher_threshold_keeps_within_the_aim(outcomes: list[Outcome], aim: float) -> None:
    recommended = recommend(outcomes, aim)
    answerable = [outcome.score for outcome in outcomes if outcome.answerable]
    if not answerable or len(answerable) == len(outcomes):
        assert recommended is None
        return
    assert recommended is not None

    def refused(threshold: float) -> float:
        return sum(score < threshold for score in answerable) / len(answerable)

    assert refused(recommended.threshold) <= aim
    # Scores that differ by less than the digits of a threshold may fall on either side of it.
    assert refused(recommended.threshold + 1e-4) > aim


def test_an_aim_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        recommend(OUTCOMES, 3)


def test_everything_is_told_at_once_and_nothing_where_no_answer_has_a_confidence() -> None:
    risk = risk_of(OUTCOMES, most_false_refusals=0.2)
    assert risk is not None
    assert risk.auroc == roc_auc_score([1, 0, 1, 1, 1, 0, 1, 0], [0.9, 0.2, 0.8, 0.6, 0.6, 0.0, 0.4, 0.7])
    values = risk.to_dict()
    assert len(values["curve"]) == 7
    assert values["aurc"] == area_under_risk_coverage(OUTCOMES)
    assert values["recommended"]["threshold"] == 0.6
    assert values["recommended"]["refusal_recall"]["successes"] == 2
    assert risk_of([given_right(None), unanswerable(None)]) is None
    assert risk_of([]) is None


def test_without_unanswerable_cases_there_is_a_curve_and_no_threshold() -> None:
    risk = risk_of([given_right(0.9), given_wrong(0.1)])
    assert risk is not None
    assert risk.auroc is None and risk.recommended is None
    assert risk.to_dict()["recommended"] is None
