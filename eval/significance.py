"""How sure a number is: intervals of proportions and means, and whether two runs really differ.

Everything is deterministic: what is drawn at random is drawn from a generator with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, sqrt
from typing import Any

import numpy as np

Z_95 = 1.959963984540054  # two-sided 95 % point of the standard normal distribution
RESAMPLES = 10_000
SEED = 20_180_601
_AT_ONCE = 1_000  # resamples in memory together

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    successes: int
    n: int

    @property
    def value(self) -> float | None:
        """The share itself, 0 to 1; None of nothing."""
        return self.successes / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """The Wilson interval at 95 %; None of nothing."""
        return wilson_interval(self.successes, self.n)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``interval`` is the Wilson interval at 95 %."""
        return {"successes": self.successes, "n": self.n, "value": self.value, "interval": self.interval}


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean of paired differences (second less first) over ``n`` pairs, with its interval at 95 %."""

    mean: float
    interval: Interval
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"mean": self.mean, "interval": self.interval, "n": self.n}


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None for no values."""
    return sum(values) / len(values) if values else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value below which ``percent`` (0 to 100) of the values lie; None for no values.

    Linear between the two nearest ranks: definition 7 of Hyndman and Fan (1996), the one numpy uses.

    Raises:
        ValueError: ``percent`` is not within 0..100.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percent must lie within 0..100, not {percent}")
    if not values:
        return None
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100
    below = floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def wilson_interval(successes: int, n: int, z: float = Z_95) -> Interval | None:
    """Score interval of a proportion (Wilson, 1927, JASA 22:209-212), by default at 95 %; None for no trials.

    Raises:
        ValueError: ``successes`` is not within ``0..n``.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie within 0..{n}, not {successes}")
    if n == 0:
        return None
    share = successes / n
    centre = share + z * z / (2 * n)
    margin = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # The ends are 0 and 1 exactly where nothing or everything succeeded; rounding alone would miss them.
    low = 0.0 if successes == 0 else (centre - margin) / scale
    high = 1.0 if successes == n else (centre + margin) / scale
    return low, high


def bootstrap_interval(
    values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval | None:
    """Percentile interval of a mean at 95 % (Efron and Tibshirani, 1993, section 13.3); None for no values.

    The values are drawn again with replacement, as many as there are, ``resamples`` times; the interval goes
    from the 2.5th to the 97.5th percentile of those means. The same values and seed give the same interval.
    """
    if not values:
        return None
    known = np.asarray(values, dtype=np.float64)
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for start in range(0, resamples, _AT_ONCE):
        rows = min(_AT_ONCE, resamples - start)
        drawn = generator.integers(0, len(known), size=(rows, len(known)))
        means[start : start + rows] = known[drawn].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def paired_bootstrap(
    first: Sequence[float], second: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Difference | None:
    """How much higher the mean of ``second`` is, both being measured on the same cases; None for no cases.

    The cases are drawn again, each with both of its values (paired bootstrap; Koehn, 2004, "Statistical
    Significance Tests for Machine Translation Evaluation"), and the interval is that of
    ``bootstrap_interval``. The two differ significantly at 5 % where it does not hold 0.

    Raises:
        ValueError: the two are not equally long.
    """
    differences = [after - before for before, after in zip(first, second, strict=True)]
    interval = bootstrap_interval(differences, resamples=resamples, seed=seed)
    return (
        None
        if interval is None
        else Difference(sum(differences) / len(differences), interval, len(differences))
    )


def mcnemar(lost: int, gained: int) -> float:
    """Two-sided p of the exact McNemar test (McNemar, 1947, Psychometrika 12:153-157).

    Of the cases that two runs judge differently, ``lost`` went from right to wrong and ``gained`` from wrong
    to right; were the runs equally good, either would be a toss of a fair coin. 1 where none differs.

    Raises:
        ValueError: a number is negative.
    """
    if lost < 0 or gained < 0:
        raise ValueError(f"numbers of cases cannot be negative: {lost}, {gained}")
    n = lost + gained
    tail, ways = 0, 1
    for k in range(min(lost, gained) + 1):
        tail += ways
        ways = ways * (n - k) // (k + 1)  # the next binomial coefficient, exact
    return min(1.0, 2 * tail / (1 << n))
