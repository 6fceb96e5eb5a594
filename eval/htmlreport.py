"""A run as one HTML file that opens from disk: figures, plots, and every case with what was expected and what came.

The file asks nothing of any server: styles, plots and the few lines of script that filter the cases are in it, and
its content security policy lets nothing else load or run. Questions and answers are text from outside, so the
template escapes everything; the plots alone, which ``charts`` writes and escapes itself, are put in as they are.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from eval.charts import Interval, Mark, cumulative_chart, histogram, interval_chart, step_chart
from eval.comparing import Comparison, difference_text
from eval.gating import GateReport
from eval.judging import Result
from eval.measures import MEASURES
from eval.report import (
    expected_text,
    interval_text,
    measure_text,
    number,
    numbered,
    percent,
    result_name,
    risk_text,
)
from eval.runs import Run
from eval.significance import Share
from eval.summary import Summary
from eval.titles import kind_title, stage_title, status_title, variant_title, version_title

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text put beside an older one: ``same``, or only in the older (``old``) or the newer (``new``)."""

    sort: str
    text: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """The answer of an earlier run to the same case; ``pieces`` are empty where its text is the same."""

    right: bool
    status: str
    text: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline number: ``value`` in large letters, ``note`` below it."""

    title: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its caption and what it shows, in a sentence."""

    title: str
    about: str
    svg: Markup


def html_report(
    run: Run,
    summary: Summary,
    comparison: Comparison | None = None,
    previous: Run | None = None,
    gated: GateReport | None = None,
) -> str:
    """The report as an HTML text; ``comparison`` is with ``previous``, an earlier run whose answers are shown too."""
    earlier = {} if previous is None else {(item.case.id, item.repeat): item for item in previous.results}
    script = (_TEMPLATES / "report.js").read_text("utf-8")
    page = _template().render(
        run=run,
        summary=summary,
        asked=numbered(run.results),
        style=Markup((_TEMPLATES / "report.css").read_text("utf-8")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        figures=_figures(summary),
        plots=_plots(run, summary),
        kinds=[(kind_title(name), share) for name, share in summary.right_by_kind.items()],
        variants=[(variant_title(name), share) for name, share in summary.right_by_variant.items()],
        risk=risk_text(summary),
        measures=[(measure, mean) for measure in MEASURES if (mean := summary.means[measure.name]).n],
        wrong=[result for result in run.results if not result.right],
        right=[result for result in run.results if result.right],
        earlier={
            (result.case.id, result.repeat): _earlier(result, earlier[result.case.id, result.repeat])
            for result in run.results
            if (result.case.id, result.repeat) in earlier
        },
        previous=previous,
        comparison=comparison,
        gated=gated,
        settings=json.dumps(run.config.settings, ensure_ascii=False, indent=2, sort_keys=True),
    )
    return page.lstrip()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "interval": interval_text,
        "kind": kind_title,
        "variant": variant_title,
        "status": status_title,
        "version_name": version_title,
        "stage": stage_title,
        "measure": lambda value, name: measure_text(name, value),
        "name": result_name,
        "expected": expected_text,
        "difference": lambda row: difference_text(*row),
    }
    return environment.get_template("report.html.j2")


def _figures(summary: Summary) -> list[Figure]:
    def share(title: str, value: Share) -> Figure:
        note = f"{value.successes} / {value.n}"
        return Figure(
            title, percent(value.value), f"{note}，{interval_text(value.interval)}" if value.n else note
        )

    figures = [
        share("正确率（可回答）", summary.accuracy),
        share("引全依据（对的答案）", summary.evidence_cited),
        share("拒答率（不可回答）", summary.refusal_recall),
        share("误拒率（可回答）", summary.false_refusals),
    ]
    if total := summary.timings_ms.get("total"):
        figures.append(Figure("用时中位数", f"{number(total.p50)} ms", f"p95 {number(total.p95)} ms"))
    if summary.stable:
        figures.append(share("每次答得一样", summary.stable))
    return figures


def _plots(run: Run, summary: Summary) -> list[Plot]:
    plots = [
        Plot(
            "各类正确率",
            "点是正确率，线是 95% 区间（Wilson）。",
            Markup(interval_chart("各类用例的正确率和区间", _intervals(summary.right_by_kind))),
        )
    ]
    if summary.risk is not None:
        plots.append(
            Plot(
                "风险与覆盖",
                "按把握从大到小作答：答得越多（右），答案中出错的比例（上）如何变化。"
                "拒答的用例当时没有给出答案，按出错算，所以阈值以下是上限。",
                Markup(_risk_chart(run, summary)),
            )
        )
    times = [
        result.response.timings_ms["total"]
        for result in run.results
        if result.response and "total" in result.response.timings_ms
    ]
    if (
        times
        and (total := summary.timings_ms.get("total"))
        and total.p50 is not None
        and total.p95 is not None
    ):
        marks = [
            Mark(total.p50, 0.5, f"p50 {number(total.p50)} ms"),
            Mark(total.p95, 0.95, f"p95 {number(total.p95)} ms"),
        ]
        plots.append(
            Plot(
                "用时",
                "在多少毫秒以内答完的问题占多少。",
                Markup(cumulative_chart("用时的累积分布", times, "毫秒", marks)),
            )
        )
    lengths = [
        length / result.case.length_cap
        for result in run.results
        if (length := result.measures.get("length")) is not None
    ]
    if lengths:
        plots.append(
            Plot(
                "答案长度与上限",
                "可回答用例的答案用去了字数上限的多少；超过上限的单列在最右。",
                Markup(histogram("答案长度占上限的比例", lengths, "占上限", "答案数")),
            )
        )
    return plots


def _intervals(shares: Mapping[str, Share]) -> list[Interval]:
    rows: list[Interval] = []
    for kind, share in shares.items():
        if share.value is not None and share.interval is not None:
            note = f"{share.successes}/{share.n}"
            rows.append(Interval(kind_title(kind), share.value, *share.interval, note))
    return rows


def _risk_chart(run: Run, summary: Summary) -> str:
    points = summary.risk.curve if summary.risk else ()
    marks: list[Mark] = []
    used = _used_threshold(run.config.settings)
    best = summary.risk.recommended if summary.risk else None
    for title, threshold in (("所用阈值", used), ("建议阈值", best.threshold if best else None)):
        given = [point for point in points if threshold is not None and point.threshold >= threshold]
        if given and not any(mark.x == given[-1].coverage for mark in marks):
            marks.append(Mark(given[-1].coverage, given[-1].risk, f"{title} {threshold:g}"))
    return step_chart(
        "风险与覆盖曲线",
        [(point.coverage, point.risk) for point in points],
        "作答的比例（覆盖）",
        "出错的比例（风险）",
        marks,
    )


def _used_threshold(settings: Mapping[str, Any] | None) -> float | None:
    answer = (settings or {}).get("answer")
    value = answer.get("threshold") if isinstance(answer, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def _earlier(result: Result, old: Result) -> Earlier:
    if old.response is None:
        return Earlier(old.right, "出错", old.error, ())
    new = result.response.text if result.response else ""
    pieces = () if new == old.response.text else pieces_between(old.response.text, new)
    return Earlier(old.right, status_title(old.response.status), old.response.text, pieces)


def pieces_between(old: str, new: str) -> tuple[Piece, ...]:
    """Both texts in one row, character by character: what they share, what went and what came."""
    pieces: list[Piece] = []
    # Without autojunk: in a long Chinese text every common character would count as junk.
    for _, old_start, old_end, new_start, new_end in _opcodes(old, new):
        if old[old_start:old_end] == new[new_start:new_end]:
            pieces.append(Piece("same", old[old_start:old_end]))
            continue
        if old_end > old_start:
            pieces.append(Piece("old", old[old_start:old_end]))
        if new_end > new_start:
            pieces.append(Piece("new", new[new_start:new_end]))
    return tuple(pieces)


def _opcodes(old: str, new: str) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
