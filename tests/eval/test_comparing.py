"""Two runs side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eval.comparing import compare, comparison_text, difference_text
from eval.judging import judge
from eval.runs import Run
from eval.significance import Difference


def test_a_run_equals_itself(mixed: Run) -> None:
    comparison = compare(mixed, mixed)
    assert comparison.equal
    assert comparison_text(comparison) == "两次评测相同：8 个用例的判定、答案和引用都没有变化。"


def test_timings_and_confidence_do_not_make_runs_differ(bench: Any) -> None:
    old = bench.run(judge(bench.case("f1"), bench.response("410万件[1]", total=10, confidence=0.9)))
    new = bench.run(judge(bench.case("f1"), bench.response("410万件[1]", total=99, confidence=0.8)))
    assert compare(old, new).equal


def test_another_text_or_another_citation_makes_runs_differ(bench: Any) -> None:
    old = bench.run(judge(bench.case("f1"), bench.response("410万件[1]")))
    said = bench.run(judge(bench.case("f1"), bench.response("共410万件[1]")))
    cited = bench.run(judge(bench.case("f1"), bench.response("410万件[1]", quotes=("410万件",))))
    for new in (said, cited):
        comparison = compare(old, new)
        assert not comparison.equal
        assert [pair.case.id for pair in comparison.reworded] == ["f1"]
        assert "判定未变、答案或引用变了：1 个（f1）" in comparison_text(comparison)


def test_gains_and_losses_are_counted_apart_for_both_sorts_of_case(bench: Any) -> None:
    old = bench.run(
        *(bench.right(f"f{number}") for number in range(8)),
        bench.wrong("f8"),
        bench.wrong("n1", "unanswerable_near"),
    )
    new = bench.run(
        *(bench.wrong(f"f{number}") for number in range(7)),
        bench.right("f7"),
        bench.right("f8"),
        bench.right("n1", "unanswerable_near"),
    )
    comparison = compare(old, new)
    everything, answerable, unanswerable = comparison.verdicts
    assert (everything.n, everything.gained, everything.lost) == (10, 2, 7)
    assert (answerable.n, answerable.gained, answerable.lost) == (9, 1, 7)
    assert (unanswerable.n, unanswerable.gained, unanswerable.lost) == (1, 1, 0)
    # Of 8 that differ at most 1 one way: 2 (1 + 8) / 256 by the binomial distribution.
    assert answerable.p == pytest.approx(18 / 256)
    assert not answerable.significant
    assert [pair.case.id for pair in comparison.lost] == [f"f{number}" for number in range(7)]
    assert [pair.case.id for pair in comparison.gained] == ["f8", "n1"]


def test_differences_are_new_less_old_over_the_same_cases(bench: Any) -> None:
    old = bench.run(bench.right("f1"), bench.right("f2"), bench.right("n1", "unanswerable_near"))
    new = bench.run(bench.right("f1"), bench.wrong("f2"), bench.wrong("n1", "unanswerable_near"))
    differences = {title: difference for title, _, difference in compare(old, new).differences}
    accuracy, length = differences["可回答：正确率"], differences["答案字数"]
    assert accuracy is not None
    assert (accuracy.mean, accuracy.n) == (-0.5, 2)
    assert accuracy.interval[0] <= -0.5 <= accuracy.interval[1]
    assert length is not None
    assert (length.mean, length.n) == (0.5, 2)


def test_a_case_that_demands_something_else_is_not_compared(bench: Any) -> None:
    old = bench.run(bench.right("f1"), bench.right("f2"), bench.right("f3"))
    new = bench.run(bench.wrong("f1", facts=(("999件",),)), bench.right("f2"), bench.right("f4"))
    comparison = compare(old, new)
    assert comparison.changed == ("f1",)
    assert comparison.appeared == ("f4",)
    assert comparison.vanished == ("f3",)
    assert comparison.verdicts[0].n == 1
    assert comparison.lost == ()
    assert not comparison.equal
    assert "用例改过，未比较：1 个（f1）" in comparison_text(comparison)


def test_with_repeats_a_case_is_right_when_it_is_right_every_time(bench: Any) -> None:
    twice = bench.run(bench.right("f1"), replace(bench.right("f1"), repeat=2))
    once_wrong = bench.run(bench.right("f1"), replace(bench.wrong("f1"), repeat=2))
    comparison = compare(twice, once_wrong)
    assert (comparison.verdicts[0].n, comparison.verdicts[0].lost) == (1, 1)
    assert compare(twice, twice).equal


def test_the_text_shows_both_answers_of_what_was_lost(bench: Any) -> None:
    text = comparison_text(compare(bench.run(bench.right("f1")), bench.run(bench.wrong("f1"))))
    assert "变错：1 个" in text
    assert "✗ f1（数字）问题f1？\n  应答：410万件\n  旧：平安人寿赔付410万件[1]（有依据）\n" in text
    assert "  新：平安健康险赔付245万件[1]（有依据；缺少：410万件）" in text
    assert "100.0% → 0.0%；变对 0，变错 1；McNemar p = 1" in text


def test_a_question_that_was_not_taken_is_shown_with_its_error(bench: Any) -> None:
    text = comparison_text(compare(bench.run(bench.right("e1")), bench.run(bench.failed("e1"))))
    assert "  新：出错：问题太长。" in text


def test_runs_without_a_case_in_common_say_so(bench: Any) -> None:
    text = comparison_text(compare(bench.run(bench.right("f1")), bench.run(bench.right("f2"))))
    assert "可回答：正确率：没有可比的用例" in text
    assert "新增的用例：1 个（f2）" in text


def test_a_difference_of_shares_is_in_points_and_nothing_has_no_sign() -> None:
    assert difference_text("正确率", True, Difference(-0.042, (-0.07, -0.019), 9)) == (
        "正确率：-4.2 个百分点（-7.0 至 -1.9）"
    )
    assert difference_text("字数", False, Difference(-0.01, (-0.04, 0.2), 9)) == "字数：0.0（0.0 至 +0.2）"
