"""What is said where no article is quoted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.replies import examples, introduction, not_found, rephrasings
from index.schema import Chunk, Passage

_TEXT = """一、制度建设
2021年,平安人寿理赔30单。
二、服务创新
在提升便民服务方面,一是开通热线。二是设立柜台。"""


def test_examples_ask_for_a_figure_a_list_and_a_summary_of_the_articles(desk: Callable[[str], Any]) -> None:
    small = desk(_TEXT)
    assert examples([small.source], small.lexicon) == (
        "2021年平安人寿理赔了多少单？",
        "提升便民服务方面有哪些举措？",
        "概括一下“服务创新”",
    )


def test_articles_without_figures_or_lists_offer_no_such_questions(desk: Callable[[str], Any]) -> None:
    small = desk("平安银行举办讲座。")
    assert examples([small.source], small.lexicon) == ()


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


def test_rephrasings_ask_about_the_sections_that_came_near(desk: Callable[[str], Any]) -> None:
    source = desk("甲。").source
    near = [
        Passage(Chunk(str(place), source.id, "甲。", 0, 2, headings), source, 1.0)
        for place, headings in enumerate(
            [("一、制度建设",), (), ("一、制度建设", "小节"), ("活动覆盖“全”",), ("三、其他",)]
        )
    ]
    assert rephrasings(near) == ("概括一下“制度建设”", "概括一下活动覆盖“全”")
    assert rephrasings([]) == ()
