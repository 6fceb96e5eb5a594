"""Whether a run may be released: put beside a baseline that is kept in the repository.

A baseline is one JSON file::

    note        when and from what it was made, for people
    cases_hash  of the cases it was made with
    floors      least values of figures     ceilings  greatest values
    right       {case id: whether it was answered right}

A run fails when a figure is beyond its limit, when it answers significantly worse than the baseline, when it loses
more than two points outright, or when cases of the baseline are not in it. Limits that are made from a run
(``baseline_of``) leave two points of room, so that one case more or less is no alarm; that quotes stand where they
say they stand is promised by the answer's contract and gets no room at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from eval.errors import RunError
from eval.measures import MEASURES
from eval.report import percent
from eval.runs import Run
from eval.significance import mcnemar
from eval.summary import Summary, summarise

SLACK = 0.02
MOST_LOST = 0.02
SIGNIFICANT = 0.05

_MEASURED = ("citation_precision", "faithfulness", "exact_quotes")
_EXACT = frozenset({"exact_quotes"})
_TITLES = {
    "accuracy": "可回答：正确率",
    "evidence_cited": "对的答案中引全依据",
    "refusal_recall": "不可回答：拒答率",
    "false_refusals": "可回答：误拒率",
} | {measure.name: measure.title for measure in MEASURES}
FLOORS = ("accuracy", "refusal_recall", "evidence_cited", *_MEASURED)
CEILINGS = ("false_refusals",)
_FIGURES: dict[str, Callable[[Summary], float | None]] = {
    "accuracy": lambda summary: summary.accuracy.value,
    "evidence_cited": lambda summary: summary.evidence_cited.value,
    "refusal_recall": lambda summary: summary.refusal_recall.value,
    "false_refusals": lambda summary: summary.false_refusals.value,
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a run must live up to; shares are 0 to 1, ``right`` is by id of case."""

    note: str
    cases_hash: str
    floors: dict[str, float]
    ceilings: dict[str, float]
    right: dict[str, bool]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, as a Chinese line; what is not ``ok`` fails the gate."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the gate found. ``gained`` and ``lost`` are ids of cases that answer otherwise than in the baseline."""

    findings: tuple[Finding, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the run passes."""
        return all(finding.ok for finding in self.findings)


def baseline_of(run: Run, note: str = "") -> Baseline:
    """The baseline that a run sets: its verdicts, and its figures with ``SLACK`` of room as limits.

    Raises:
        RunError: a figure cannot be worked out from these cases, so that nothing would watch over it.
    """
    summary = summarise(run.results)
    if undefined := [name for name in (*FLOORS, *CEILINGS) if _figure(summary, name) is None]:
        raise RunError(
            f"这次评测不能作为基线：算不出{'、'.join(_TITLES[name] for name in undefined)}。请用全部用例评测。"
        )
    return Baseline(
        note=note,
        cases_hash=run.config.cases_hash,
        floors={name: _floor(name, _figure(summary, name) or 0.0) for name in FLOORS},
        ceilings={name: _ceiling(_figure(summary, name) or 0.0) for name in CEILINGS},
        right=_verdicts(run),
    )


def read_baseline(path: Path) -> Baseline:
    """A baseline from its file.

    Raises:
        RunError: the file cannot be read, is no baseline, or limits a figure that there is not.
    """
    try:
        baseline = _BASELINE.validate_json(path.read_bytes(), strict=True, extra="forbid")
    except OSError as error:
        raise RunError(f"无法读取基线 {path}（{error.strerror or error}）。") from error
    except ValidationError as error:
        troubles = "；".join(
            f"{'.'.join(map(str, item['loc'])) or '整个文件'}：{item['msg']}" for item in error.errors()
        )
        raise RunError(f"基线 {path} 的内容无法识别：{troubles}。") from error
    if unknown := [name for name in (*baseline.floors, *baseline.ceilings) if name not in _TITLES]:
        raise RunError(f"基线 {path} 限制了未知的指标：{'、'.join(unknown)}（可用：{'、'.join(_TITLES)}）。")
    return baseline


_BASELINE = TypeAdapter(Baseline)


def baseline_json(baseline: Baseline) -> str:
    """A baseline as the text of its file, one case a line, so that a change of it can be reviewed."""
    return json.dumps(baseline.to_dict(), ensure_ascii=False, indent=2) + "\n"


def gate(run: Run, baseline: Baseline) -> GateReport:
    """Whether a run is as good as the baseline demands; everything looked at is among the findings."""
    summary = summarise(run.results)
    verdicts = _verdicts(run)
    common = [name for name in baseline.right if name in verdicts]
    lost = tuple(name for name in common if baseline.right[name] and not verdicts[name])
    gained = tuple(name for name in common if verdicts[name] and not baseline.right[name])
    answerable = {result.case.id: result.case.answerable for result in run.results}
    findings = [
        *(_above(summary, name, least) for name, least in baseline.floors.items()),
        *(_below(summary, name, most) for name, most in baseline.ceilings.items()),
        _not_significant(len(lost), len(gained)),
        *(
            _not_outright(
                title, baseline.right, verdicts, [name for name in common if answerable[name] == sort]
            )
            for title, sort in (("可回答的用例", True), ("不可回答的用例", False))
        ),
        *_same_cases(run, baseline, verdicts),
    ]
    return GateReport(tuple(findings), gained, lost)


def gate_text(report: GateReport) -> str:
    """What the gate found, in Chinese: failures first."""
    lines = [
        "门禁：通过" if report.ok else "门禁：不通过",
        *(f"  ✗ {finding.text}" for finding in report.findings if not finding.ok),
        *(f"  ✓ {finding.text}" for finding in report.findings if finding.ok),
    ]
    for title, names in (("变错", report.lost), ("变对", report.gained)):
        if names:
            lines.append(f"  {title}：{'、'.join(names)}")
    return "\n".join(lines)


def _figure(summary: Summary, name: str) -> float | None:
    return _FIGURES[name](summary) if name in _FIGURES else summary.means[name].value


def _floor(name: str, value: float) -> float:
    if name in _EXACT:
        return 1.0
    return max(0.0, floor(round((value - SLACK) * 10_000, 6)) / 10_000)


def _ceiling(value: float) -> float:
    return min(1.0, ceil(round((value + SLACK) * 10_000, 6)) / 10_000)


def _verdicts(run: Run) -> dict[str, bool]:
    """Whether each case is right every time, by id."""
    verdicts: dict[str, bool] = {}
    for result in run.results:
        verdicts[result.case.id] = verdicts.get(result.case.id, True) and result.right
    return verdicts


def _above(summary: Summary, name: str, least: float) -> Finding:
    value = _figure(summary, name)
    return Finding(
        value is not None and value >= least, f"{_TITLES[name]} {percent(value)}，不得低于 {percent(least)}"
    )


def _below(summary: Summary, name: str, most: float) -> Finding:
    value = _figure(summary, name)
    return Finding(
        value is not None and value <= most, f"{_TITLES[name]} {percent(value)}，不得高于 {percent(most)}"
    )


def _not_significant(lost: int, gained: int) -> Finding:
    p = mcnemar(lost, gained)
    worse = lost > gained and p < SIGNIFICANT
    return Finding(
        not worse,
        f"与基线逐条相比：变错 {lost}，变对 {gained}，p = {p:.3g}" + ("，显著变差" if worse else ""),
    )


def _not_outright(
    title: str, before: Mapping[str, bool], after: Mapping[str, bool], names: list[str]
) -> Finding:
    """Counts verdicts over the cases that both have, so that added cases neither hide a loss nor make one."""
    if not names:
        return Finding(True, f"{title}：与基线没有共同的")
    was, now = (sum(verdicts[name] for name in names) for verdicts in (before, after))
    # In whole cases: 2 of 100 are two points, whatever the floats say.
    fell = was - now > MOST_LOST * len(names) + 1e-9
    return Finding(
        not fell,
        f"{title}（与基线共有 {len(names)} 个）：答对 {was} → {now}，至多可少 {percent(MOST_LOST)}",
    )


def _same_cases(run: Run, baseline: Baseline, verdicts: Mapping[str, bool]) -> list[Finding]:
    missing = [name for name in baseline.right if name not in verdicts]
    added = [name for name in verdicts if name not in baseline.right]
    findings = [
        Finding(
            not missing,
            f"基线的用例有 {len(missing)} 个没有评到：{'、'.join(missing[:10])}"
            if missing
            else "基线的用例都评到了",
        )
    ]
    if added:
        findings.append(Finding(True, f"基线之外的新用例：{len(added)} 个"))
    elif not missing and run.config.cases_hash != baseline.cases_hash:
        findings.append(Finding(True, "用例的内容在基线之后改过；请确认后更新基线"))
    return findings
