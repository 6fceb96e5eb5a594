"""What a run found, as numbers. A number that does not apply is None, never zero.

Repeats of one case are no independent trials, so proportions count cases: with repeats a case is right when it
is right every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.cases import KINDS
from eval.judging import Result
from eval.measures import MEASURES
from eval.risk import MOST_FALSE_REFUSALS, Outcome, Risk, risk_of
from eval.significance import Interval, Share, bootstrap_interval, mean, percentile, wilson_interval

STAGES = ("understand", "retrieve", "read", "generate", "verify", "total")


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure is spread over a run, in the measure's own unit."""

    mean: float | None
    p50: float | None
    p95: float | None
    max: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"mean": self.mean, "p50": self.p50, "p95": self.p95, "max": self.max}


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a measure over the ``n`` cases it applies to; ``interval`` at 95 % for measures within 0 to 1."""

    value: float | None
    n: int
    interval: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"value": self.value, "n": self.n, "interval": self.interval}


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a run.

    ``accuracy`` is over answerable cases; ``right_by_kind`` over all kinds, where a refusal is what is right
    for an unanswerable one; ``right_by_variant`` over cases made from others by rule. ``evidence_cited`` is the
    share of right answers that cite all of their evidence. ``refusal_recall`` is the share of unanswerable
    cases that are refused, ``false_refusals`` that of answerable ones. ``means`` are of the measures by name.
    ``risk`` is None where no answer has a confidence. ``length`` is of answers given to answerable cases, in
    characters; ``timings_ms`` by stage, over all answers; ``errors`` counts questions that were not taken.
    ``stable`` is the share of cases whose text is the same every time; None where nothing is asked twice.
    """

    accuracy: Share
    right_by_kind: dict[str, Share]
    right_by_variant: dict[str, Share]
    evidence_cited: Share
    refusal_recall: Share
    false_refusals: Share
    means: dict[str, Mean]
    risk: Risk | None
    length: Spread
    timings_ms: dict[str, Spread]
    errors: int
    stable: Share | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields, floats rounded to six digits.

        Without timings, so that two runs of one version give the same; those are ``timings_dict``.
        """
        values = {
            "accuracy": self.accuracy.to_dict(),
            "right_by_kind": {kind: share.to_dict() for kind, share in self.right_by_kind.items()},
            "right_by_variant": {name: share.to_dict() for name, share in self.right_by_variant.items()},
            "evidence_cited": self.evidence_cited.to_dict(),
            "refusal_recall": self.refusal_recall.to_dict(),
            "false_refusals": self.false_refusals.to_dict(),
            "means": {name: value.to_dict() for name, value in self.means.items()},
            "risk": self.risk.to_dict() if self.risk else None,
            "length": self.length.to_dict(),
            "errors": self.errors,
            "stable": self.stable.to_dict() if self.stable else None,
        }
        rounded_values: dict[str, Any] = rounded(values)
        return rounded_values

    def timings_dict(self) -> dict[str, Any]:
        """The spread of milliseconds by stage, as plain JSON values rounded to six digits."""
        values: dict[str, Any] = rounded({name: spread.to_dict() for name, spread in self.timings_ms.items()})
        return values


def rounded(value: Any) -> Any:
    """Plain JSON values with every float rounded to six digits, so that files can be compared."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value


def summarise(results: Sequence[Result], *, most_false_refusals: float = MOST_FALSE_REFUSALS) -> Summary:
    """The numbers of a run's results; ``most_false_refusals`` is the aim of the threshold that ``risk`` recommends."""
    asked = _by_case(results)
    answerable = [times for times in asked if times[0].case.answerable]
    unanswerable = [times for times in asked if not times[0].case.answerable]
    kinds = {times[0].case.kind for times in asked}
    variants = sorted({times[0].case.variant for times in asked} - {""})
    cited = [
        _measured(times, "evidence_recall") for times in answerable if all(result.right for result in times)
    ]
    return Summary(
        accuracy=_right(answerable),
        right_by_kind={
            kind: _right(times for times in asked if times[0].case.kind == kind)
            for kind in KINDS
            if kind in kinds
        },
        right_by_variant={
            variant: _right(times for times in asked if times[0].case.variant == variant)
            for variant in variants
        },
        evidence_cited=share_of(recall == 1 for recall in cited if recall is not None),
        refusal_recall=share_of(all(result.refused for result in times) for times in unanswerable),
        false_refusals=share_of(any(result.refused for result in times) for times in answerable),
        means={
            measure.name: _mean([_measured(times, measure.name) for times in asked], within=measure.share)
            for measure in MEASURES
        },
        risk=risk_of([_outcome(times[0]) for times in asked], most_false_refusals=most_false_refusals),
        length=spread_of(
            [length for result in results if (length := result.measures.get("length")) is not None]
        ),
        timings_ms=_timings(results),
        errors=sum(bool(result.error) for result in results),
        stable=_stable(asked),
    )


def share_of(flags: Iterable[bool]) -> Share:
    """How many of them are true."""
    values = list(flags)
    return Share(sum(values), len(values))


def spread_of(values: Sequence[float]) -> Spread:
    """Mean, median, 95th percentile and maximum; each None for no values."""
    return Spread(mean(values), percentile(values, 50), percentile(values, 95), max(values, default=None))


def _by_case(results: Sequence[Result]) -> list[list[Result]]:
    """The results of each case, cases and repeats in the order in which they stand."""
    asked: dict[str, list[Result]] = {}
    for result in results:
        asked.setdefault(result.case.id, []).append(result)
    return list(asked.values())


def _right(asked: Iterable[Sequence[Result]]) -> Share:
    return share_of(all(result.right for result in times) for times in asked)


def _measured(times: Sequence[Result], name: str) -> float | None:
    """The mean of a measure over the repeats of one case that it applies to."""
    return mean([value for result in times if (value := result.measures.get(name)) is not None])


def _mean(measured: Sequence[float | None], *, within: bool) -> Mean:
    values = [value for value in measured if value is not None]
    interval: Interval | None = None
    if within and all(value in (0, 1) for value in values):
        # A proportion; drawing again from values that are all alike would make it look certain.
        interval = wilson_interval(round(sum(values)), len(values))
    elif within:
        interval = bootstrap_interval(values)
    return Mean(mean(values), len(values), interval)


def _outcome(result: Result) -> Outcome:
    return Outcome(
        result.case.answerable, result.right, result.response.confidence if result.response else None
    )


def _timings(results: Sequence[Result]) -> dict[str, Spread]:
    by_stage: dict[str, list[float]] = {}
    for result in results:
        for stage, milliseconds in (result.response.timings_ms if result.response else {}).items():
            by_stage.setdefault(stage, []).append(milliseconds)
    order = [*STAGES, *sorted(set(by_stage) - set(STAGES))]
    return {stage: spread_of(by_stage[stage]) for stage in order if stage in by_stage}


def _stable(asked: Sequence[Sequence[Result]]) -> Share | None:
    repeated = [times for times in asked if len(times) > 1]
    if not repeated:
        return None
    return share_of(
        len({result.response and result.response.text for result in times}) == 1 for times in repeated
    )
