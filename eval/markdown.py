"""A run as a short Markdown text, to be read under a merge request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.comparing import Comparison, Pair, difference_text
from eval.gating import GateReport
from eval.report import headline, interval_text, number, numbered, percent, risk_text
from eval.runs import Run
from eval.significance import Share
from eval.summary import Summary
from eval.titles import kind_title, variant_title

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@$-])")
_MOST_LISTED = 20


def markdown_summary(
    run: Run, summary: Summary, comparison: Comparison | None = None, gated: GateReport | None = None
) -> str:
    """The figures, what was gained and lost against an earlier run, and what the gate found."""
    parts = [
        "## 消保问答评测",
        f"{numbered(run.results)}，{escaped(run.config.target)}，{run.config.started}",
    ]
    if gated is not None:
        parts.append(_gate(gated))
    parts.append(_table("指标", headline(summary)))
    total = summary.timings_ms.get("total")
    if total is not None:
        parts.append(f"用时：p50 {number(total.p50)} ms，p95 {number(total.p95)} ms")
    if summary.risk:
        parts.append(risk_text(summary))
    if comparison is not None:
        parts.append(_comparison(comparison))
    parts.append(
        _folded(
            "分类结果",
            _table("类型", [(kind_title(kind), share) for kind, share in summary.right_by_kind.items()]),
        )
    )
    if summary.right_by_variant:
        rows = [(variant_title(name), share) for name, share in summary.right_by_variant.items()]
        parts.append(_folded("变体", _table("变体", rows)))
    wrong = [result for result in run.results if not result.right]
    if wrong:
        lines = [
            f"- `{_code(result.case.id)}` {escaped(result.case.question)}：{escaped('；'.join(result.reasons))}"
            for result in wrong[:_MOST_LISTED]
        ]
        parts.append(_folded(f"答错 {len(wrong)} 次", "\n".join([*lines, *_rest(len(wrong))])))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """A text of one line that Markdown shows as it stands, and in which nobody is mentioned."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def _table(title: str, rows: Sequence[tuple[str, Share]]) -> str:
    lines = [f"| {title} | 对 / 共 | 比例 | 95% 区间 |", "|---|--:|--:|--:|"]
    lines += [
        f"| {escaped(name)} | {share.successes} / {share.n} | {percent(share.value)} | {interval_text(share.interval)} |"
        for name, share in rows
    ]
    return "\n".join(lines)


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _gate(gated: GateReport) -> str:
    lines = ["**门禁：通过**" if gated.ok else "**门禁：不通过**"]
    failed = [f"- {escaped(finding.text)}" for finding in gated.findings if not finding.ok]
    return "\n\n".join(lines + (["\n".join(failed)] if failed else []))


def _comparison(comparison: Comparison) -> str:
    if comparison.equal:
        return f"与对照的评测相同：{comparison.verdicts[0].n} 个用例的判定、答案和引用都没有变化。"
    overall = comparison.verdicts[0]
    lines = [
        f"与对照的评测相比（共有 {overall.n} 个用例）：变对 {overall.gained}，变错 {overall.lost}，"
        f"McNemar p = {overall.p:.3g}{'（显著）' if overall.significant else ''}"
    ]
    lines += [
        f"- {difference_text(title, share, difference)}"
        for title, share, difference in comparison.differences
        if difference is not None
    ]
    blocks = ["\n".join([lines[0], "", *lines[1:]])]
    blocks += [
        f"{title}：\n\n{_listed(pairs)}"
        for title, pairs in (("变错", comparison.lost), ("变对", comparison.gained))
        if pairs
    ]
    return "\n\n".join(blocks)


def _listed(pairs: Sequence[Pair]) -> str:
    lines = [f"- `{_code(pair.case.id)}` {escaped(pair.case.question)}" for pair in pairs[:_MOST_LISTED]]
    return "\n".join([*lines, *_rest(len(pairs))])


def _rest(count: int) -> list[str]:
    return [f"- 其余 {count - _MOST_LISTED} 个见报告"] if count > _MOST_LISTED else []
