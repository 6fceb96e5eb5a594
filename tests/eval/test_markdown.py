"""What is read under a merge request."""

from __future__ import annotations

from typing import Any

from eval.comparing import compare
from eval.gating import Baseline, gate
from eval.markdown import escaped, markdown_summary
from eval.runs import Run
from eval.summary import summarise


def test_it_begins_with_the_figures_and_folds_the_rest(mixed: Run) -> None:
    text = markdown_summary(mixed, summarise(mixed.results))
    assert "| 可回答：正确率 | 2 / 5 | 40.0% | 11.8% – 76.9% |" in text
    assert text.index("可回答：正确率") < text.index("<details>") < text.index("| 数字 | 2 / 3 |")
    assert "- `l1` 问题l1？：缺少：410万件" in text
    assert "`f1`" not in text


def test_it_names_what_was_lost_and_gained(bench: Any) -> None:
    old = bench.run(bench.right("f1"), bench.wrong("f2"), bench.right("f3"))
    new = bench.run(bench.wrong("f1"), bench.right("f2"), bench.right("f3"))
    text = markdown_summary(new, summarise(new.results), compare(old, new))
    assert "变对 1，变错 1，McNemar p = 1" in text
    assert "变错：\n\n- `f1` 问题f1？\n" in text
    assert "变对：\n\n- `f2` 问题f2？\n" in text


def test_it_says_when_nothing_changed(mixed: Run) -> None:
    text = markdown_summary(mixed, summarise(mixed.results), compare(mixed, mixed))
    assert "与对照的评测相同：8 个用例" in text


def test_it_says_what_the_gate_found(bench: Any) -> None:
    run = bench.run(bench.wrong("f1"))
    baseline = Baseline("", "", {"accuracy": 0.9}, {}, {"f1": True})
    text = markdown_summary(run, summarise(run.results), gated=gate(run, baseline))
    assert "**门禁：不通过**" in text
    assert "- 可回答：正确率 0.0%，不得低于 90.0%" in text


def test_a_question_cannot_change_the_page_or_call_anybody(bench: Any) -> None:
    assert escaped("a|b <img src=x>\n# @all `c` [d](e)") == (r"a\|b \<img src=x\> \# \@all \`c\` \[d\]\(e\)")
    run = bench.run(bench.wrong("f1", question="甲|乙\n\n</details><script>"))
    assert "- `f1` 甲\\|乙 \\</details\\>\\<script\\>：" in markdown_summary(run, summarise(run.results))


def test_a_long_list_of_failures_is_cut(bench: Any) -> None:
    run = bench.run(*(bench.wrong(f"f{number}") for number in range(25)))
    text = markdown_summary(run, summarise(run.results))
    assert "`f19`" in text
    assert "`f20`" not in text
    assert "其余 5 个见报告" in text
