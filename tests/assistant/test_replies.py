"""What is said where no article is quoted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.replies import introduction, not_found


def test_a_greeting_is_introduced_and_thanks_are_returned() -> None:
    assert "- 甲问？\n- 乙问？" in introduction("你好", ("甲问？", "乙问？"))
    assert introduction("谢谢", ("甲问？",)) == "不客气，有问题随时问我。"


def test_a_refusal_says_what_the_articles_do_not_speak_of(desk: Callable[[str], Any]) -> None:
    small = desk("2021年,平安人寿理赔30单。")
    told = {
        q: not_found(small.lookup(q), small.read(q))
        for q in ("中国太保理赔多少单？", "2017年平安人寿理赔多少单？", "平安人寿的股价多少？")
    }
    assert "中国太保" in told["中国太保理赔多少单？"]
    assert "2017年" in told["2017年平安人寿理赔多少单？"]
    assert "“股价”" in told["平安人寿的股价多少？"]
    assert all(text.startswith("资料中没有找到答案。") for text in told.values())


def test_a_refused_follow_up_shows_how_it_was_understood_but_not_at_length(
    desk: Callable[[str], Any],
) -> None:
    small = desk("2021年,平安人寿理赔30单。")
    lookup = small.lookup("它的天气怎么样？", [("user", "平安人寿理赔多少单？")])
    assert f"「{lookup.text}」" in not_found(lookup, None)
    lookup = small.lookup("它的" + "好" * 100 + "在哪？", [("user", "平安人寿理赔多少单？")])
    assert len(not_found(lookup, None)) < 60


def test_a_question_that_is_quoted_shortened_cuts_no_number_in_two(desk: Callable[[str], Any]) -> None:
    small = desk("2021年,平安人寿理赔30单。")
    for before in range(10, 34):
        question = f"它的{'好' * before}13800138000在哪{'里' * 20}？"
        said = not_found(small.lookup(question, [("user", "平安人寿理赔多少单？")]), None)
        assert "好好…」" in said or "13800138000" in said
