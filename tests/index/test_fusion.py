"""Fusion ranks by a weighted sum of z-scores, whatever the scale of each leg."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from index.fusion import fuse, zscores

NAMES = st.sampled_from("abcdefgh")
# Whole numbers keep sums exact, so that what must be equal is equal.
LEG = st.dictionaries(NAMES, st.integers(-50, 50).map(float), min_size=1)


def order(legs: list[dict[str, float]], weights: list[float]) -> list[str]:
    return [name for name, _ in fuse(legs, weights)]


def test_zscores_are_those_of_the_statistics_module() -> None:
    scores = {"a": 1.0, "b": 2.0, "c": 6.0}
    mean, spread = statistics.fmean(scores.values()), statistics.pstdev(scores.values())
    assert zscores(scores) == pytest.approx({name: (score - mean) / spread for name, score in scores.items()})


def test_scores_that_do_not_differ_say_nothing() -> None:
    assert zscores({"a": 0.1 + 0.2, "b": 0.3}) == {"a": 0.0, "b": 0.0}
    assert zscores({}) == {}
    assert order([{"a": 1.0, "b": 2.0}, {"a": 7.0, "b": 7.0}], [0.1, 0.9]) == ["b", "a"]


def test_an_id_that_a_leg_does_not_name_gets_its_lowest() -> None:
    named, unnamed = (
        fuse([{"a": 3.0, "b": 1.0, "c": 2.0}, {"b": 5.0, "c": 4.0}], [0.5, 0.5]),
        {"b": 5.0, "c": 4.0},
    )
    full = fuse([{"a": 3.0, "b": 1.0, "c": 2.0}], [0.5])
    lowest = min(zscores(unnamed).values())
    assert dict(named)["a"] == pytest.approx(dict(full)["a"] + 0.5 * lowest)


def test_weights_decide_between_legs_that_disagree() -> None:
    legs = [{"a": 2.0, "b": 1.0}, {"a": 1.0, "b": 2.0}]
    assert order(legs, [0.7, 0.3]) == ["a", "b"]
    assert order(legs, [0.3, 0.7]) == ["b", "a"]


def test_equal_ids_come_in_order_of_id() -> None:
    assert order([{"b": 1.0, "a": 1.0, "c": 1.0}], [1.0]) == ["a", "b", "c"]


def test_a_weight_is_needed_for_each_leg() -> None:
    with pytest.raises(ValueError, match="2 legs, 1 weights"):
        fuse([{"a": 1.0}, {"a": 1.0}], [1.0])


@given(
    st.lists(LEG, min_size=2, max_size=2),
    st.integers(1, 9),
    st.integers(-40, 40),
    st.sampled_from([0.5, 2.0, 8.0]),
)
def test_the_scale_of_a_leg_does_not_matter(
    legs: list[dict[str, float]], tenths: int, shift: int, factor: float
) -> None:
    weights = [tenths / 10, 1 - tenths / 10]
    rescaled = [{name: factor * score + shift for name, score in legs[0].items()}, legs[1]]
    assert dict(fuse(rescaled, weights)) == pytest.approx(dict(fuse(legs, weights)), abs=1e-9)


@given(st.lists(LEG, min_size=2, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_legs_and_of_ids_does_not_matter(legs: list[dict[str, float]], random: object) -> None:
    weights = [0.7, 0.2, 0.1][: len(legs)]
    shuffled = [dict(sorted(leg.items(), reverse=True)) for leg in reversed(legs)]
    assert fuse(shuffled, weights[::-1]) == fuse(legs, weights)


@given(LEG)
def test_one_leg_alone_keeps_its_order(leg: dict[str, float]) -> None:
    assert order([leg], [0.7]) == [
        name for name, _ in sorted(leg.items(), key=lambda item: (-item[1], item[0]))
    ]


@given(st.lists(st.dictionaries(NAMES, st.integers(-50, 50).map(float), min_size=2), min_size=2, max_size=3))
def test_what_every_leg_ranks_higher_is_ranked_higher(legs: list[dict[str, float]]) -> None:
    ranking = order(legs, [0.5, 0.3, 0.2][: len(legs)])
    assume(len(ranking) > 1)
    for better in ranking:
        for worse in ranking:
            if all(leg.get(better, min(leg.values())) > leg.get(worse, min(leg.values())) for leg in legs):
                assert ranking.index(better) < ranking.index(worse)
