"""The files of a report in the folder of its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.errors import RunError
from eval.runs import Run
from eval.summary import summarise
from eval.writing import write_reports


def test_every_form_of_the_report_is_written_beside_the_answers(mixed: Run, tmp_path: Path) -> None:
    assert (
        write_reports(tmp_path, mixed, summarise(mixed.results), previous=mixed) == tmp_path / "report.html"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "junit.xml",
        "report.html",
        "report.json",
        "summary.md",
    ]
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["summary"]["errors"] == 1
    assert "两次相同" in (tmp_path / "report.html").read_text("utf-8")


def test_a_later_report_takes_the_place_of_the_earlier(bench: Any, mixed: Run, tmp_path: Path) -> None:
    write_reports(tmp_path, mixed, summarise(mixed.results))
    alone = bench.run(bench.right("f1"))
    write_reports(tmp_path, alone, summarise(alone.results))
    assert len(json.loads((tmp_path / "report.json").read_text("utf-8"))["results"]) == 1


def test_half_a_surrogate_pair_in_a_question_does_not_stop_the_report(bench: Any, tmp_path: Path) -> None:
    run = bench.run(bench.wrong("f1", question="a\ud800b"))
    write_reports(tmp_path, run, summarise(run.results))
    assert "a?b" in (tmp_path / "report.html").read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(mixed: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="gone"):
        write_reports(tmp_path / "gone", mixed, summarise(mixed.results))
