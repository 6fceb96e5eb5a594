"""The arithmetic of a report, worked out by hand, and what it leaves on disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.schema import Answer, Citation, Status
from eval.cases import Case
from eval.report import Share, failures, summarise, table, write_report
from eval.runner import Result, Run, judge

STARTED = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def case(
    name: str, kind: str = "figure", answerable: bool = True, evidence: tuple[str, ...] = ("甲", "乙")
) -> Case:
    facts = (("410万件",),) if answerable else ()
    return Case(name, kind, f"问题{name}？", (), answerable, facts, evidence if answerable else (), ())


def answer(text: str, status: Status = "grounded", quotes: str = "", total: float = 10.0) -> Answer:
    citations = tuple(Citation(1, "p", "a", "标题", "", None, "", (), quote, 0, 1) for quote in quotes)
    timings = {"total": total, "read": total / 2}
    return Answer("1", "q", "q", "figure", status, text, (), citations, (), (), "reader", "v1", timings)


@pytest.fixture
def mixed() -> Run:
    """Four answerable cases (two right, one wrong, one refused), three unanswerable (two refused), 1 lost."""
    return Run(
        (
            judge(case("f1"), answer("410万件[1]", quotes="甲乙", total=10)),
            judge(case("f2"), answer("共410万件[1]", quotes="甲", total=20)),
            judge(case("l1", "list"), answer("245万件。[1]", "partial", quotes="甲乙", total=30)),
            judge(case("l2", "list"), answer("没有找到", "not_found", total=40)),
            judge(case("n1", "unanswerable_near", False), answer("没有找到", "not_found", total=50)),
            judge(case("n2", "unanswerable_near", False), answer("410万件", quotes="甲", total=60)),
            judge(case("u1", "unanswerable_far", False), answer("恕不能答", "declined", total=70)),
            Result(case("e1"), None, False, ("出错：问题太长。",), error="问题太长。"),
        )
    )


def test_shares_are_counted_over_the_cases_they_are_about(mixed: Run) -> None:
    summary = summarise(mixed)
    assert summary.accuracy == Share(2, 5)
    assert summary.refusal_recall == Share(2, 3)
    assert summary.false_refusals == Share(1, 5)
    assert summary.errors == 1


def test_kinds_are_counted_each_in_their_usual_order(mixed: Run) -> None:
    assert list(summarise(mixed).right_by_kind.items()) == [
        ("figure", Share(2, 3)),
        ("list", Share(0, 2)),
        ("unanswerable_near", Share(1, 2)),
        ("unanswerable_far", Share(1, 1)),
    ]


def test_evidence_is_counted_among_right_answers_only(mixed: Run) -> None:
    summary = summarise(mixed)
    assert summary.evidence_cited == Share(1, 2)
    assert summary.evidence_recall == 0.75


def test_length_is_of_answers_given_to_answerable_questions(mixed: Run) -> None:
    length = summarise(mixed).length
    assert length.mean == pytest.approx((5 + 6 + 6) / 3)
    assert length.max == 6


def test_timings_are_spread_by_stage_over_all_answers(mixed: Run) -> None:
    timings = summarise(mixed).timings_ms
    assert list(timings) == ["read", "total"]
    assert timings["total"].p50 == 40
    assert timings["total"].p95 == pytest.approx(67)
    assert timings["total"].max == 70
    assert timings["read"].p50 == 20


def test_what_does_not_apply_is_none_and_not_zero() -> None:
    only_far = summarise(
        Run((judge(case("u1", "unanswerable_far", False), answer("没有找到", "not_found")),))
    )
    assert only_far.accuracy.value is None
    assert only_far.accuracy.to_dict()["interval"] is None
    assert only_far.evidence_recall is None
    assert only_far.length.mean is None
    assert only_far.refusal_recall.value == 1.0
    row = next(line for line in table(only_far).splitlines() if line.startswith("可回答：正确率"))
    assert row.split() == ["可回答：正确率", "0", "/", "0", "—", "—"]


def test_the_table_shows_count_share_and_interval(mixed: Run) -> None:
    lines = [line.split() for line in table(summarise(mixed)).splitlines()]
    assert ["figure", "2", "/", "3", "66.7%", "20.8%", "–", "93.9%"] in lines
    assert ["可回答：正确率", "2", "/", "5", "40.0%", "11.8%", "–", "76.9%"] in lines
    assert ["不可回答：拒答率", "2", "/", "3", "66.7%", "20.8%", "–", "93.9%"] in lines
    assert ["可回答：误拒率", "1", "/", "5", "20.0%", "3.6%", "–", "62.4%"] in lines
    assert ["total", "40.0", "67.0", "70.0"] in lines
    assert ["出错的用例：1", "个"] in lines


def test_failures_are_listed_with_what_was_expected_and_what_came(mixed: Run) -> None:
    text = failures(mixed)
    assert "答错的用例：4 个" in text
    assert (
        "✗ l1（list）问题l1？\n  应答：410万件\n  实答：245万件。[1]\n  状态：partial；缺少：410万件" in text
    )
    assert "✗ n2（unanswerable_near）问题n2？\n  应答：拒答\n  实答：410万件\n  状态：grounded" in text
    assert "✗ e1（figure）问题e1？\n  应答：410万件\n  实答：（无）\n  状态：error；出错：问题太长。" in text
    assert "✗ f1" not in text


def test_a_run_without_failures_says_so() -> None:
    assert failures(Run((judge(case("f1"), answer("410万件")),))) == "没有答错的用例。"


def test_a_report_keeps_the_numbers_and_every_whole_answer(mixed: Run, tmp_path: Path) -> None:
    folder = write_report(
        tmp_path / "runs", mixed, summarise(mixed), started=STARTED, about={"cases": ["a.jsonl"]}
    )
    assert folder == tmp_path / "runs" / "20240506-070809"
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert report["started"] == "2024-05-06T07:08:09+00:00"
    assert report["about"] == {"cases": ["a.jsonl"]}
    assert report["summary"]["accuracy"]["value"] == 0.4
    assert report["summary"]["refusal_recall"]["n"] == 3
    assert [(item["id"], item["right"]) for item in report["results"]][:3] == [
        ("f1", True),
        ("f2", True),
        ("l1", False),
    ]
    kept = [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
    assert [item["case"] for item in kept] == ["f1", "f2", "l1", "l2", "n1", "n2", "u1", "e1"]
    first = mixed.results[0].answer
    assert first is not None
    assert kept[0]["answer"] == json.loads(json.dumps(first.to_dict()))
    assert kept[-1] == {"case": "e1", "answer": None, "error": "问题太长。"}


def test_two_runs_in_one_second_do_not_overwrite_each_other(mixed: Run, tmp_path: Path) -> None:
    folders = [write_report(tmp_path, mixed, summarise(mixed), started=STARTED, about={}) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all((folder / "report.json").is_file() for folder in folders)
