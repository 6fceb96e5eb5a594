"""The files of a report, put beside the answers of the run that they are about."""

from __future__ import annotations

from pathlib import Path

from eval.comparing import compare
from eval.errors import RunError
from eval.gating import GateReport
from eval.htmlreport import html_report
from eval.junit import junit_xml
from eval.markdown import markdown_summary
from eval.report import report_json
from eval.runs import Run
from eval.summary import Summary

HTML = "report.html"
JSON = "report.json"
JUNIT = "junit.xml"
MARKDOWN = "summary.md"


def write_reports(
    folder: Path, run: Run, summary: Summary, previous: Run | None = None, gated: GateReport | None = None
) -> Path:
    """Writes every form of the report into an existing folder, over those of before; gives the path of the HTML.

    ``previous`` is an earlier run that this one is put beside, ``gated`` what the gate found.

    Raises:
        RunError: a file cannot be written.
    """
    comparison = None if previous is None else compare(previous, run)
    texts = {
        HTML: html_report(run, summary, comparison, previous, gated),
        JSON: report_json(run, summary),
        JUNIT: junit_xml(run),
        MARKDOWN: markdown_summary(run, summary, comparison, gated),
    }
    try:
        for name, text in texts.items():
            # Bytes: line ends must not depend on the system, nor lone surrogates of a question stop a report.
            (folder / name).write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise RunError(f"无法写入报告：{folder}（{error.strerror or error}）。") from error
    return folder / HTML
