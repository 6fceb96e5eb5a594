"""When to answer and when to refuse: what each threshold of confidence would have cost, from one run.

An answer is given when its confidence reaches the threshold. Giving one is an error when it is wrong or when the
articles do not answer the question; not giving one is a false refusal when they do. What a refused answer would have
said is not known, so an answerable case that was refused counts as an error at the thresholds that would give it:
below the threshold that the run was made with, the curve is an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from eval.significance import Share

MOST_FALSE_REFUSALS = 0.03
_DIGITS = 4  # of a recommended threshold, so that it can be written into the settings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case: can the articles answer it, was it answered right, and how sure was the answer.

    ``confidence`` is a probability, or None where nothing was looked up; that ranks as 0.
    """

    answerable: bool
    right: bool
    confidence: float | None

    @property
    def score(self) -> float:
        """What cases are ranked by, 0 to 1."""
        return 0.0 if self.confidence is None else self.confidence

    @property
    def loss(self) -> bool:
        """Whether giving the answer is an error."""
        return not (self.answerable and self.right)


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What giving every answer of at least ``threshold`` means.

    ``coverage`` is the share of all cases that get an answer, ``risk`` the share of those answers that is an
    error; ``refusal_recall`` and ``false_refusals`` the shares of unanswerable and of answerable cases that get
    none, None where there is no such case.
    """

    threshold: float
    coverage: float
    risk: float
    refusal_recall: float | None
    false_refusals: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields."""
        return {
            "threshold": self.threshold,
            "coverage": self.coverage,
            "risk": self.risk,
            "refusal_recall": self.refusal_recall,
            "false_refusals": self.false_refusals,
        }


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The highest ``threshold`` with at most ``aim`` false refusals, and what it does to the cases of the run."""

    threshold: float
    aim: float
    refusal_recall: Share
    false_refusals: Share

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields."""
        return {
            "threshold": self.threshold,
            "aim": self.aim,
            "refusal_recall": self.refusal_recall.to_dict(),
            "false_refusals": self.false_refusals.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Risk:
    """How well confidence tells when to answer.

    ``auroc`` and ``recommended`` are None where not both sorts of case are there, answerable and not.
    """

    curve: tuple[RiskPoint, ...]
    aurc: float
    auroc: float | None
    recommended: Recommendation | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields."""
        return {
            "curve": [point.to_dict() for point in self.curve],
            "aurc": self.aurc,
            "auroc": self.auroc,
            "recommended": self.recommended.to_dict() if self.recommended else None,
        }


def risk_of(outcomes: Sequence[Outcome], *, most_false_refusals: float = MOST_FALSE_REFUSALS) -> Risk | None:
    """Everything this module tells of a run; None where no case has a confidence.

    Raises:
        ValueError: ``most_false_refusals`` is not within 0 to 1.
    """
    if all(outcome.confidence is None for outcome in outcomes):
        return None
    return Risk(
        curve=risk_coverage(outcomes),
        aurc=area_under_risk_coverage(outcomes),
        auroc=auroc(
            [outcome.score for outcome in outcomes if outcome.answerable],
            [outcome.score for outcome in outcomes if not outcome.answerable],
        ),
        recommended=recommend(outcomes, most_false_refusals),
    )


def risk_coverage(outcomes: Sequence[Outcome]) -> tuple[RiskPoint, ...]:
    """The risk-coverage curve: one point for each confidence that occurs, from the surest down.

    El-Yaniv and Wiener (2010), "On the Foundations of Noise-free Selective Classification", JMLR 11:1605-1641;
    selective risk as in Geifman and El-Yaniv (2017), "Selective Classification for Deep Neural Networks",
    section 2. Cases of one confidence are given together, for no threshold parts them.
    """
    points: list[RiskPoint] = []
    given = losses = 0
    for threshold, group in _surest_first(outcomes):
        given += len(group)
        losses += sum(outcome.loss for outcome in group)
        refused, missed = _refused_below(outcomes, threshold)
        points.append(
            RiskPoint(threshold, given / len(outcomes), losses / given, refused.value, missed.value)
        )
    return tuple(points)


def area_under_risk_coverage(outcomes: Sequence[Outcome]) -> float:
    """AURC: the mean, over k = 1..n, of the risk of the k surest answers; lower is better.

    Geifman, Uziel and El-Yaniv (2019), "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers",
    section 3. Cases of one confidence have no order among them, so the expectation over all their orders is
    taken: within such a group the errors come in evenly.

    Raises:
        ValueError: there are no outcomes.
    """
    if not outcomes:
        raise ValueError("the area under a curve of no outcomes is not defined")
    total = 0.0
    given = losses = 0
    for _, group in _surest_first(outcomes):
        inside = sum(outcome.loss for outcome in group)
        total += sum((losses + inside * k / len(group)) / (given + k) for k in range(1, len(group) + 1))
        given += len(group)
        losses += inside
    return total / len(outcomes)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The probability that a positive's score is above a negative's, a tie counting half; None without either.

    The area under the ROC curve as the Mann-Whitney statistic: Hanley and McNeil (1982), Radiology 143:29-36.
    """
    if not positive or not negative:
        return None
    scores = sorted([(score, 1) for score in positive] + [(score, 0) for score in negative])
    twice_won = below = 0
    for _, tied in groupby(scores, key=lambda scored: scored[0]):
        kinds = [kind for _, kind in tied]
        positives = sum(kinds)
        negatives = len(kinds) - positives
        twice_won += positives * (2 * below + negatives)
        below += negatives
    return twice_won / (2 * len(positive) * len(negative))


def recommend(outcomes: Sequence[Outcome], most_false_refusals: float) -> Recommendation | None:
    """The highest threshold at which at most that share of the answerable cases is refused, 0 to 1.

    It is the confidence of the first answerable case that must still be answered, rounded down to four digits.
    None where there is no answerable or no unanswerable case: then any threshold, or none, would do.

    Raises:
        ValueError: ``most_false_refusals`` is not within 0 to 1.
    """
    if not 0 <= most_false_refusals <= 1:
        raise ValueError(f"a share lies within 0 to 1: {most_false_refusals}")
    scores = sorted(outcome.score for outcome in outcomes if outcome.answerable)
    if not scores or len(scores) == len(outcomes):
        return None
    # The share is compared as it is reported; floor(aim * n) would lose a case to rounding.
    refusable = max(k for k in range(len(scores)) if k / len(scores) <= most_false_refusals)
    threshold = _rounded_down(scores[refusable])
    refused, missed = _refused_below(outcomes, threshold)
    return Recommendation(threshold, most_false_refusals, refused, missed)


def _rounded_down(score: float) -> float:
    threshold = round(score, _DIGITS)
    # A product and floor() would take 0.2871, which is stored a little lower, for 0.2870.
    return threshold if threshold <= score else round(threshold - 10**-_DIGITS, _DIGITS)


def _surest_first(outcomes: Sequence[Outcome]) -> list[tuple[float, list[Outcome]]]:
    ordered = sorted(outcomes, key=lambda outcome: -outcome.score)
    return [(score, list(group)) for score, group in groupby(ordered, key=lambda outcome: outcome.score)]


def _refused_below(outcomes: Sequence[Outcome], threshold: float) -> tuple[Share, Share]:
    """How many of the unanswerable, and of the answerable, cases a threshold refuses."""
    unanswerable = [outcome.score < threshold for outcome in outcomes if not outcome.answerable]
    answerable = [outcome.score < threshold for outcome in outcomes if outcome.answerable]
    return Share(sum(unanswerable), len(unanswerable)), Share(sum(answerable), len(answerable))
