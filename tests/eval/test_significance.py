"""Intervals and tests against published tables and independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from eval.significance import (
    Difference,
    Share,
    bootstrap_interval,
    mcnemar,
    mean,
    paired_bootstrap,
    percentile,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, n)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_holds_the_share_and_mirrors_its_complement(trials: tuple[int, int]) -> None:
    successes, n = trials
    interval, mirrored = wilson_interval(successes, n), wilson_interval(n - successes, n)
    if n == 0:
        assert interval is None
        return
    assert interval is not None and mirrored is not None
    assert 0 <= interval[0] <= successes / n <= interval[1] <= 1
    assert mirrored == pytest.approx((1 - interval[1], 1 - interval[0]))


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.5"):
        wilson_interval(6, 5)


@given(
    st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=30),
    st.floats(min_value=0, max_value=100),
)
def test_percentiles_are_those_of_numpy(values: list[float], percent: float) -> None:
    assert percentile(values, percent) == pytest.approx(
        float(np.percentile(values, percent)), rel=1e-9, abs=1e-6
    )


def test_percentiles_by_hand() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([10, 20, 30], 95) == pytest.approx(29)
    assert percentile([], 50) is None
    with pytest.raises(ValueError, match=r"0\.\.100"):
        percentile([1], 101)


def test_the_mean_of_nothing_is_nothing() -> None:
    assert mean([1, 2, 6]) == 3
    assert mean([]) is None


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_that_of_scipy(trials: tuple[int, int]) -> None:
    successes, n = trials
    if n:
        theirs = binomtest(successes, n).proportion_ci(method="wilson")
        assert wilson_interval(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_share_of_nothing_has_no_value_and_no_interval() -> None:
    assert Share(0, 0).to_dict() == {"successes": 0, "n": 0, "value": None, "interval": None}
    assert Share(2, 3).to_dict() == {
        "successes": 2,
        "n": 3,
        "value": 2 / 3,
        "interval": wilson_interval(2, 3),
    }


def test_mcnemar_by_hand() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(1, 0) == 1
    assert mcnemar(3, 3) == 1
    assert mcnemar(0, 6) == 2 / 64
    assert mcnemar(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 1024)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_of_the_cases_that_differ(lost: int, gained: int) -> None:
    if lost + gained:
        assert mcnemar(lost, gained) == pytest.approx(binomtest(lost, lost + gained, 0.5).pvalue, rel=1e-9)


def test_a_negative_number_of_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


def test_thousands_of_cases_that_differ_do_not_overflow() -> None:
    assert 0 < mcnemar(2400, 2600) < 0.01


def test_the_bootstrap_interval_is_that_of_scipy_but_for_chance() -> None:
    values = [0.0, 0.2, 0.5, 0.5, 0.75, 1.0, 1.0, 1.0, 0.9, 0.1] * 4
    ours = bootstrap_interval(values)
    theirs = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(5)
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_the_bootstrap_gives_the_same_every_time_and_its_seed_matters() -> None:
    values = [0.1, 0.5, 0.9, 1.0, 0.3]
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, seed=1, resamples=99) != bootstrap_interval(
        values, seed=2, resamples=99
    )


def test_the_bootstrap_covers_a_known_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    samples = generator.uniform(size=(200, 60))
    intervals = [bootstrap_interval(list(sample), resamples=500) for sample in samples]
    held = sum(interval is not None and interval[0] <= 0.5 <= interval[1] for interval in intervals)
    assert 174 <= held <= 199  # a percentile interval of 60 values covers about 93 %


def test_values_that_are_all_alike_leave_no_room() -> None:
    assert bootstrap_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)
    assert bootstrap_interval([]) is None


def test_pairs_are_compared_pair_by_pair() -> None:
    first = [0.0, 0.9, 0.1, 0.8, 0.2, 0.7] * 5
    second = [value + 0.1 for value in first]
    difference = paired_bootstrap(first, second)
    assert difference is not None
    # Every case gained the same, so however they are drawn again the gain is that.
    assert difference.mean == pytest.approx(0.1)
    assert difference.interval == pytest.approx((0.1, 0.1))
    assert difference.n == 30


def test_equal_runs_differ_by_nothing() -> None:
    assert paired_bootstrap([0.2, 0.4, 1.0], [0.2, 0.4, 1.0]) == Difference(0.0, (0.0, 0.0), 3)
    assert paired_bootstrap([], []) is None


def test_a_loss_is_negative_and_its_interval_is_that_of_the_differences() -> None:
    first, second = [1.0, 0.8, 0.6, 0.9, 0.5], [0.5, 0.8, 0.1, 0.2, 0.4]
    difference = paired_bootstrap(first, second)
    assert difference is not None
    assert difference.mean == pytest.approx(-0.36)
    losses = [after - before for before, after in zip(first, second, strict=True)]
    assert difference.interval == bootstrap_interval(losses)
    assert difference.to_dict() == {"mean": difference.mean, "interval": difference.interval, "n": 5}


def test_runs_of_different_lengths_are_not_paired() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_bootstrap([1.0, 0.0], [1.0])
