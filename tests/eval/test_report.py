"""A run as a table, as a list of what went wrong, and as JSON that two runs can be compared by."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from eval.cases import KINDS
from eval.judging import Result, judge
from eval.report import failures, numbered, report_dict, report_json, table
from eval.runs import Run
from eval.summary import summarise
from eval.titles import KIND_TITLES


def rows(run: Run) -> list[list[str]]:
    return [line.split() for line in table(summarise(run.results)).splitlines()]


def test_the_table_shows_count_share_and_interval(mixed: Run) -> None:
    lines = rows(mixed)
    assert ["数字", "2", "/", "3", "66.7%", "20.8%", "–", "93.9%"] in lines
    assert ["可回答：正确率", "2", "/", "5", "40.0%", "11.8%", "–", "76.9%"] in lines
    assert ["不可回答：拒答率", "2", "/", "3", "66.7%", "20.8%", "–", "93.9%"] in lines
    assert ["可回答：误拒率", "1", "/", "5", "20.0%", "3.6%", "–", "62.4%"] in lines
    assert ["答案字数", "3", "9.7", "—"] in lines
    assert ["合计", "10.0", "34.0", "40.0"] in lines
    assert ["出错的用例：1", "个"] in lines


def test_the_columns_of_the_table_are_aligned_for_wide_characters(mixed: Run) -> None:
    block = table(summarise(mixed.results)).split("\n\n")[0].splitlines()
    widths = {sum(2 if ord(character) > 0x2E7F else 1 for character in line) for line in block}
    assert len(widths) == 1
    assert len({len(line) for line in block}) > 1


def test_a_measure_that_never_applies_and_what_was_not_tried_are_left_out(bench: Any, mixed: Run) -> None:
    text = table(summarise(mixed.results))
    assert "完全一致（EM）" not in text
    assert "变体" not in text
    assert "每次答得一样" not in text
    again = [replace(bench.right("f1"), repeat=number) for number in (1, 2)]
    varied = bench.run(bench.right("f1~polite", "robust", origin="f1", variant="polite"), *again)
    lines = rows(varied)
    assert ["客套话", "1", "/", "1", "100.0%", "20.7%", "–", "100.0%"] in lines
    assert any(line[:1] == ["每次答得一样"] for line in lines)


def test_what_does_not_apply_is_a_dash(bench: Any) -> None:
    lines = rows(bench.run(bench.right("u1", "unanswerable_far")))
    assert ["可回答：正确率", "0", "/", "0", "—", "—"] in lines


def test_failures_are_listed_with_what_was_expected_and_what_came(mixed: Run) -> None:
    text = failures(mixed)
    assert "答错的用例：4 个" in text
    assert (
        "✗ l1（列举）问题l1？\n  应答：410万件\n  实答：平安健康险赔付245万件[1]\n  状态：有依据；缺少：410万件"
        in text
    )
    assert "✗ n2（不可回答（相近））问题n2？\n  应答：拒答\n" in text
    assert "✗ e1（数字）问题e1？\n  应答：410万件\n  实答：（无）\n  状态：出错；出错：问题太长。" in text
    assert "✗ f1" not in text


def test_an_overview_says_how_many_of_its_points_are_enough(bench: Any) -> None:
    case = bench.case("s1", "coverage", facts=(("甲",), ("乙", "丙")), min_facts=1)
    assert "应答：至少 1 项：甲；乙 / 丙" in failures(bench.run(judge(case, bench.response("没有"))))


def test_a_run_without_failures_says_so(bench: Any) -> None:
    assert failures(bench.run(bench.right("f1"))) == "没有答错的用例。"


def test_repeats_are_told_apart(bench: Any) -> None:
    run = bench.run(bench.right("f1"), replace(bench.wrong("f1"), repeat=2))
    assert "✗ f1 #2（数字）" in failures(run)
    assert numbered(run.results) == "1 个用例，共 2 次回答"


def test_the_json_holds_config_numbers_and_every_answer(mixed: Run) -> None:
    report = json.loads(report_json(mixed, summarise(mixed.results)))
    assert report["config"]["cases"] == ["eval/cases/dev.jsonl"]
    assert report["summary"]["accuracy"]["value"] == 0.4
    assert report["timings_ms"]["total"]["max"] == 40
    assert [item["id"] for item in report["results"]] == ["f1", "f2", "l1", "l2", "n1", "n2", "u1", "e1"]
    first, last = report["results"][0], report["results"][-1]
    assert first["right"] is True
    assert first["confidence"] == 0.9
    assert first["measures"]["length"] == 11
    assert last["error"] == "问题太长。"
    assert last["status"] is None


def test_two_runs_of_one_version_differ_in_their_start_and_timings_alone(bench: Any, mixed: Run) -> None:
    def slower(result: Result) -> Result:
        if result.response is None:
            return result
        timings = {stage: 3 * value for stage, value in result.response.timings_ms.items()}
        return judge(result.case, replace(result.response, timings_ms=timings))

    later = Run(replace(mixed.config, started="2027-01-01T00:00:00+08:00"), tuple(map(slower, mixed.results)))
    one, other = (report_dict(run, summarise(run.results)) for run in (mixed, later))
    assert one != other
    for report in (one, other):
        del report["config"]["started"], report["timings_ms"]
    assert json.dumps(one) == json.dumps(other)


def test_every_kind_has_a_title() -> None:
    assert set(KINDS) <= set(KIND_TITLES)
