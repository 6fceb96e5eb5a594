"""A run as a table to read in a terminal, as a list of what went wrong, and as JSON to keep.

Every share carries its interval at 95 %. A number that does not apply is null in JSON and a dash in the table.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from eval.judging import Result
from eval.measures import MEASURES
from eval.runs import Run
from eval.significance import Interval, Share
from eval.summary import Mean, Summary, rounded
from eval.titles import kind_title, stage_title, status_title, variant_title

_DASH = "—"
_Row = tuple[str, str, str, str]


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal; a dash for None."""
    return _DASH if value is None else f"{value:.1%}"


def number(value: float | None) -> str:
    """A number with one decimal; a dash for None."""
    return _DASH if value is None else f"{value:.1f}"


def interval_text(interval: Interval | None) -> str:
    """Both ends of an interval as percentages; a dash for None."""
    return _DASH if interval is None else f"{percent(interval[0])} – {percent(interval[1])}"


def measure_text(name: str, value: float | None) -> str:
    """A value of a measure in its own unit: a percentage where it lies within 0 to 1."""
    return percent(value) if _IS_SHARE.get(name) else number(value)


_IS_SHARE = {measure.name: measure.share for measure in MEASURES}


def headline(summary: Summary) -> list[tuple[str, Share]]:
    """The shares that a run is first judged by, with their titles."""
    return [
        ("可回答：正确率", summary.accuracy),
        ("对的答案中引全依据", summary.evidence_cited),
        ("不可回答：拒答率", summary.refusal_recall),
        ("可回答：误拒率", summary.false_refusals),
    ]


def table(summary: Summary) -> str:
    """The numbers as a Chinese text table, columns aligned for a terminal."""
    blocks: list[list[_Row]] = [
        [
            ("类型", "对 / 共", "正确率", "95% 区间"),
            *(_share_row(kind_title(kind), share) for kind, share in summary.right_by_kind.items()),
        ],
        [_share_row(title, share) for title, share in headline(summary)],
        [
            ("平均", "用例", "值", "95% 区间"),
            *(
                _mean_row(measure.name, measure.title, mean)
                for measure in MEASURES
                if (mean := summary.means[measure.name]).n
            ),
        ],
        [
            ("用时（毫秒）", "p50", "p95", "最长"),
            *(
                (stage_title(stage), number(spread.p50), number(spread.p95), number(spread.max))
                for stage, spread in summary.timings_ms.items()
            ),
        ],
    ]
    if summary.right_by_variant:
        rows = [_share_row(variant_title(name), share) for name, share in summary.right_by_variant.items()]
        blocks.insert(1, [("变体", "对 / 共", "正确率", "95% 区间"), *rows])
    if summary.stable:
        blocks[-2].append(_share_row("每次答得一样", summary.stable))
    width = max(_width(row[0]) for block in blocks for row in block)
    text = "\n\n".join("\n".join(_line(row, width) for row in block) for block in blocks)
    return "\n\n".join([text, *_remarks(summary)])


def _remarks(summary: Summary) -> list[str]:
    remarks = [risk_text(summary)] if summary.risk else []
    return [*remarks, f"出错的用例：{summary.errors} 个"] if summary.errors else remarks


def risk_text(summary: Summary) -> str:
    """What the risk-coverage curve says, in one Chinese line; empty where no answer has a confidence."""
    risk = summary.risk
    if risk is None:
        return ""
    text = f"拒答：AURC {_plain(risk.aurc)}，AUROC {_plain(risk.auroc)}"
    best = risk.recommended
    if best is None:
        return text
    return (
        f"{text}；误拒不超过 {percent(best.aim)} 的最高阈值 {best.threshold:g}"
        f"（拒答率 {percent(best.refusal_recall.value)}，误拒率 {percent(best.false_refusals.value)}）"
    )


def _plain(value: float | None) -> str:
    return _DASH if value is None else f"{value:.3f}"


def failures(run: Run) -> str:
    """Every wrong answer with what was expected and what came, in Chinese; says so when there is none."""
    wrong = [result for result in run.results if not result.right]
    if not wrong:
        return "没有答错的用例。"
    return "\n\n".join([f"答错的用例：{len(wrong)} 个", *(failure_text(result) for result in wrong)])


def failure_text(result: Result) -> str:
    """One answer with what was expected, as lines of text."""
    case, response = result.case, result.response
    got = response.text.replace("\n", "\n        ") if response else "（无）"
    status = status_title(response.status) if response else "出错"
    return "\n".join(
        [
            f"✗ {result_name(result)}（{kind_title(case.kind)}）{case.question}",
            f"  应答：{expected_text(result)}",
            f"  实答：{got}",
            f"  状态：{status}；{'；'.join(result.reasons)}",
        ]
    )


def expected_text(result: Result) -> str:
    """What a right answer holds, in one line."""
    case = result.case
    if not case.answerable:
        return "拒答"
    facts = "；".join(" / ".join(alternatives) for alternatives in case.facts)
    return facts if case.min_facts is None else f"至少 {case.min_facts} 项：{facts}"


def result_name(result: Result) -> str:
    """The id of the case, with the number of the repeat from the second on."""
    return result.case.id if result.repeat == 1 else f"{result.case.id} #{result.repeat}"


def report_dict(run: Run, summary: Summary) -> dict[str, Any]:
    """The whole report as plain JSON values.

    Two runs of the same version differ in ``config.started`` and ``timings_ms`` at most: floats are rounded to six
    digits, and neither the ids of answers nor how long each took are in it.
    """
    values: dict[str, Any] = rounded(
        {
            "config": run.config.to_dict(),
            "summary": summary.to_dict(),
            "timings_ms": summary.timings_dict(),
            "results": [_result_dict(result) for result in run.results],
        }
    )
    return values


def report_json(run: Run, summary: Summary) -> str:
    """``report_dict`` as a JSON text with sorted keys."""
    return json.dumps(report_dict(run, summary), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _result_dict(result: Result) -> dict[str, Any]:
    case, response = result.case, result.response
    return {
        "id": case.id,
        "kind": case.kind,
        "variant": case.variant,
        "question": case.question,
        "answerable": case.answerable,
        "right": result.right,
        "reasons": list(result.reasons),
        "status": response.status if response else None,
        "text": response.text if response else None,
        "facts_missing": [list(alternatives) for alternatives in result.facts_missing],
        "forbidden": list(result.forbidden),
        "measures": dict(result.measures),
        "confidence": response.confidence if response else None,
        "error": result.error,
        "repeat": result.repeat,
    }


def _share_row(title: str, share: Share) -> _Row:
    return title, f"{share.successes} / {share.n}", percent(share.value), interval_text(share.interval)


def _mean_row(name: str, title: str, mean: Mean) -> _Row:
    return title, str(mean.n), measure_text(name, mean.value), interval_text(mean.interval)


def _line(row: _Row, width: int) -> str:
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


def cells(text: str, width: int) -> str:
    """A text with spaces after it up to so many columns of a terminal."""
    return text + " " * (width - _width(text))


def numbered(results: Sequence[Result]) -> str:
    """How many answers there are and of how many cases, in Chinese."""
    cases = len({result.case.id for result in results})
    return f"{cases} 个用例" if cases == len(results) else f"{cases} 个用例，共 {len(results)} 次回答"
