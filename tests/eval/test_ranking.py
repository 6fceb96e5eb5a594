"""Recall, reciprocal rank and nDCG of passages, by hand and against scikit-learn."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from eval.ranking import evidence_found, ndcg, reciprocal_rank

FIRST, SECOND = "赔付410万件", "覆盖11家子公司"
HOLDS_FIRST = "2022年,平安人寿赔付410万件。"
HOLDS_SECOND = "审查工作覆盖11家子公司。"
HOLDS_BOTH = HOLDS_FIRST + HOLDS_SECOND
OTHER = "与此无关的一段。"


def test_recall_is_the_share_of_needs_that_the_first_passages_hold() -> None:
    passages = [HOLDS_FIRST, OTHER, HOLDS_FIRST, HOLDS_SECOND]
    assert evidence_found(passages, [FIRST, SECOND], 1) == 0.5
    assert evidence_found(passages, [FIRST, SECOND], 3) == 0.5
    assert evidence_found(passages, [FIRST, SECOND], 4) == 1.0
    assert evidence_found(passages, [FIRST, SECOND]) == 1.0
    assert evidence_found([HOLDS_BOTH], [FIRST, SECOND], 1) == 1.0


def test_spaces_width_and_quotation_marks_do_not_hide_evidence() -> None:
    assert evidence_found(["旅游特种兵 消保说不停,喊出“口号”"], ['特种兵消保说不停，喊出"口号"'], 1) == 1.0


def test_the_reciprocal_rank_is_that_of_the_first_relevant_passage() -> None:
    assert reciprocal_rank([HOLDS_SECOND, OTHER], [FIRST, SECOND]) == 1.0
    assert reciprocal_rank([OTHER, OTHER, HOLDS_FIRST, HOLDS_BOTH], [FIRST]) == pytest.approx(1 / 3)
    assert reciprocal_rank([OTHER] * 9 + [HOLDS_FIRST], [FIRST]) == pytest.approx(1 / 10)
    assert reciprocal_rank([OTHER] * 10 + [HOLDS_FIRST], [FIRST]) == 0.0
    assert reciprocal_rank([], [FIRST]) == 0.0


def test_ndcg_by_hand() -> None:
    assert ndcg([HOLDS_FIRST, HOLDS_SECOND, OTHER], [FIRST, SECOND]) == 1.0
    assert ndcg([OTHER, HOLDS_FIRST], [FIRST]) == pytest.approx(1 / log2(3))
    gained, ideal = 1 + 1 / log2(4), 1 + 1 / log2(3)
    assert ndcg([HOLDS_FIRST, OTHER, HOLDS_SECOND], [FIRST, SECOND]) == pytest.approx(gained / ideal)


def test_a_need_that_nothing_holds_keeps_ndcg_from_being_perfect() -> None:
    assert ndcg([HOLDS_FIRST, OTHER], [FIRST, SECOND]) == pytest.approx(1 / (1 + 1 / log2(3)))
    assert ndcg([OTHER], [FIRST]) == 0.0
    assert ndcg([], [FIRST]) == 0.0


@given(st.lists(st.booleans(), min_size=2, max_size=25).filter(any), st.sampled_from([1, 4, 10]))
def test_ndcg_is_that_of_scikit_learn_where_everything_relevant_was_found(
    relevant: list[bool], k: int
) -> None:
    passages = [HOLDS_FIRST if holds else OTHER for holds in relevant]
    scores = [float(-rank) for rank in range(len(passages))]
    theirs = ndcg_score([[int(holds) for holds in relevant]], [scores], k=k)
    assert ndcg(passages, [FIRST], k) == pytest.approx(theirs)


def test_nothing_applies_to_a_case_without_evidence() -> None:
    assert evidence_found([OTHER], [], 1) is None
    assert reciprocal_rank([OTHER], []) is None
    assert ndcg([OTHER], []) is None
