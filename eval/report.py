"""What a run found, as numbers, as a table to read in a terminal, and as files to keep.

Every share carries its Wilson interval at 95 %. A number that does not apply is None in JSON and a dash in
the table.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from eval.cases import KINDS
from eval.metrics import mean, percentile, wilson_interval
from eval.runner import Result, Run

_STAGES = ("understand", "retrieve", "read", "generate", "verify", "total")


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    successes: int
    n: int

    @property
    def value(self) -> float | None:
        """The share itself, 0 to 1; None of nothing."""
        return self.successes / self.n if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``interval`` is the Wilson interval at 95 %."""
        interval = wilson_interval(self.successes, self.n)
        return {"successes": self.successes, "n": self.n, "value": self.value, "interval": interval}


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
class Summary:
    """The numbers of a run.

    ``accuracy`` is over answerable cases; ``right_by_kind`` over all kinds, where a refusal is what is right
    for an unanswerable one. ``evidence_cited`` is the share of right answers that cite all of their evidence,
    and ``evidence_recall`` the mean share of it that they cite. ``refusal_recall`` is the share of
    unanswerable cases that were refused, ``false_refusals`` that of answerable ones. ``length`` is of answers
    given to answerable cases, in characters; ``timings_ms`` by stage, over all answers.
    """

    accuracy: Share
    right_by_kind: dict[str, Share]
    evidence_cited: Share
    evidence_recall: float | None
    refusal_recall: Share
    false_refusals: Share
    length: Spread
    timings_ms: dict[str, Spread]
    errors: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields."""
        return {
            "accuracy": self.accuracy.to_dict(),
            "right_by_kind": {kind: share.to_dict() for kind, share in self.right_by_kind.items()},
            "evidence_cited": self.evidence_cited.to_dict(),
            "evidence_recall": self.evidence_recall,
            "refusal_recall": self.refusal_recall.to_dict(),
            "false_refusals": self.false_refusals.to_dict(),
            "length": self.length.to_dict(),
            "timings_ms": {stage: spread.to_dict() for stage, spread in self.timings_ms.items()},
            "errors": self.errors,
        }


def summarise(run: Run) -> Summary:
    """The numbers of a run."""
    answerable = [result for result in run.results if result.case.answerable]
    unanswerable = [result for result in run.results if not result.case.answerable]
    recalls = [
        result.evidence_recall for result in answerable if result.right and result.evidence_recall is not None
    ]
    kinds = {result.case.kind for result in run.results}
    return Summary(
        accuracy=_share(result.right for result in answerable),
        right_by_kind={
            kind: _share(result.right for result in run.results if result.case.kind == kind)
            for kind in KINDS
            if kind in kinds
        },
        evidence_cited=_share(recall == 1 for recall in recalls),
        evidence_recall=mean(recalls),
        refusal_recall=_share(result.refused for result in unanswerable),
        false_refusals=_share(result.refused for result in answerable),
        length=_spread([result.length for result in answerable if result.answered]),
        timings_ms=_timings(run.results),
        errors=sum(bool(result.error) for result in run.results),
    )


def _share(flags: Iterable[bool]) -> Share:
    values = list(flags)
    return Share(sum(values), len(values))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(mean(values), percentile(values, 50), percentile(values, 95), max(values, default=None))


def _timings(results: Sequence[Result]) -> dict[str, Spread]:
    by_stage: dict[str, list[float]] = {}
    for result in results:
        for stage, milliseconds in (result.answer.timings_ms if result.answer else {}).items():
            by_stage.setdefault(stage, []).append(milliseconds)
    order = [*_STAGES, *sorted(set(by_stage) - set(_STAGES))]
    return {stage: _spread(by_stage[stage]) for stage in order if stage in by_stage}


def table(summary: Summary) -> str:
    """The numbers as a Chinese text table, columns aligned for a terminal."""
    rows = [("类型", "对 / 共", "正确率", "95% 区间")]
    rows += [(kind, *_cells(share)) for kind, share in summary.right_by_kind.items()]
    totals = [
        ("可回答：正确率", *_cells(summary.accuracy)),
        ("对的答案中引全依据", *_cells(summary.evidence_cited)),
        ("不可回答：拒答率", *_cells(summary.refusal_recall)),
        ("可回答：误拒率", *_cells(summary.false_refusals)),
    ]
    timings = [("用时（毫秒）", "p50", "p95", "最长")]
    timings += [
        (stage, _number(spread.p50), _number(spread.p95), _number(spread.max))
        for stage, spread in summary.timings_ms.items()
    ]
    width = max(_width(row[0]) for row in rows + totals + timings)
    length = summary.length
    lines = [
        *(_line(row, width) for row in rows),
        "",
        *(_line(row, width) for row in totals),
        f"依据召回（对的答案平均）：{_percent(summary.evidence_recall)}",
        f"答案长度（字）：平均 {_number(length.mean)}，最长 {_number(length.max)}",
        "",
        *(_line(row, width) for row in timings),
    ]
    if summary.errors:
        lines += ["", f"出错的用例：{summary.errors} 个"]
    return "\n".join(lines)


def failures(run: Run) -> str:
    """Every wrong answer with what was expected and what came, in Chinese; says so when there is none."""
    wrong = [result for result in run.results if not result.right]
    if not wrong:
        return "没有答错的用例。"
    return "\n\n".join([f"答错的用例：{len(wrong)} 个", *(_failure(result) for result in wrong)])


def _failure(result: Result) -> str:
    case, answer = result.case, result.answer
    expected = (
        "；".join(" / ".join(alternatives) for alternatives in case.facts) if case.answerable else "拒答"
    )
    got = answer.text.replace("\n", "\n        ") if answer else "（无）"
    return "\n".join(
        [
            f"✗ {case.id}（{case.kind}）{case.question}",
            f"  应答：{expected}",
            f"  实答：{got}",
            f"  状态：{answer.status if answer else 'error'}；{'；'.join(result.reasons)}",
        ]
    )


def write_report(
    folder: Path, run: Run, summary: Summary, *, started: datetime, about: dict[str, Any]
) -> Path:
    """Keep a run under ``folder`` as ``<timestamp>/report.json`` and ``answers.jsonl``; gives that new
    folder.

    ``about`` is what the numbers depend on (case files, settings), as plain JSON values. ``answers.jsonl``
    has one line per case with the whole answer.
    """
    place = _new_folder(folder, started.strftime("%Y%m%d-%H%M%S"))
    report = {
        "started": started.isoformat(timespec="seconds"),
        "about": about,
        "summary": summary.to_dict(),
        "results": [_result_dict(result) for result in run.results],
    }
    (place / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", "utf-8")
    answers = (
        {
            "case": result.case.id,
            "answer": result.answer.to_dict() if result.answer else None,
            "error": result.error,
        }
        for result in run.results
    )
    lines = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
    (place / "answers.jsonl").write_text(lines, "utf-8")
    return place


def _new_folder(parent: Path, name: str) -> Path:
    """A folder that was not there before: two runs within one second must not write over each other."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        place = parent / (name if number == 1 else f"{name}-{number}")
        try:
            place.mkdir()
        except FileExistsError:
            number += 1
        else:
            return place


def _result_dict(result: Result) -> dict[str, Any]:
    case, answer = result.case, result.answer
    return {
        "id": case.id,
        "kind": case.kind,
        "question": case.question,
        "answerable": case.answerable,
        "facts": case.facts,
        "right": result.right,
        "reasons": result.reasons,
        "status": answer.status if answer else None,
        "text": answer.text if answer else None,
        "facts_missing": result.facts_missing,
        "forbidden": result.forbidden,
        "length": result.length,
        "max_chars": case.length_cap,
        "evidence_recall": result.evidence_recall,
        "error": result.error,
    }


def _cells(share: Share) -> tuple[str, str, str]:
    interval = wilson_interval(share.successes, share.n)
    shown = f"{_percent(interval[0])} – {_percent(interval[1])}" if interval else "—"
    return f"{share.successes} / {share.n}", _percent(share.value), shown


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"


def _line(row: tuple[str, str, str, str], width: int) -> str:
    first, *others = row
    return (
        first
        + " " * (width - _width(first))
        + "".join(" " * (11 - _width(cell)) + cell for cell in others[:2])
        + ("  " + " " * (15 - _width(others[2])) + others[2])
    )


def _width(text: str) -> int:
    """Columns a terminal gives a text: two for a wide character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
