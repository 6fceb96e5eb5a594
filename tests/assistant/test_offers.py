"""Questions that an article's own structure gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.offers import figures, first, lists, names, stated, summaries
from index.segmentation import Span

_TEXT = """一、健全制度建设
2021年,平安人寿理赔30单。平安银行举办讲座4场。
二、加快服务创新
在提升便民服务方面,一是开通热线。二是设立柜台。
三、活动内容“新”
在响应号召,提升便民服务举措方面,一是开通热线。二是设立柜台。"""


def test_what_is_offered_first_asks_for_a_figure_a_list_and_a_summary(desk: Callable[[str], Any]) -> None:
    small = desk(_TEXT)
    assert [offer.wording for offer in first([small.source], small.lexicon)] == [
        "2021年平安人寿理赔了多少单？",
        "提升便民服务方面有哪些举措？",
        "概括一下“加快服务创新”",
    ]


def test_articles_without_figures_or_lists_offer_no_such_questions(desk: Callable[[str], Any]) -> None:
    small = desk("平安银行举办讲座。")
    assert first([small.source], small.lexicon) == ()


def test_an_offer_tells_where_its_answer_stands(desk: Callable[[str], Any]) -> None:
    small = desk(_TEXT)
    figure, other = figures(small.source, small.lexicon)
    assert other.wording == "2021年平安银行举办讲座多少场？"
    assert _TEXT[figure.answer.start : figure.answer.end] == "平安人寿理赔30单"
    found = [_TEXT[offer.answer.start : offer.answer.end] for offer in lists(small.source)]
    assert all(text.endswith("二是设立柜台。") for text in found)
    # 举措方面有哪些举措 would say it twice.
    assert [offer.wording for offer in lists(small.source)] == ["提升便民服务方面有哪些举措？"] * 2
    topics = list(summaries(small.source))
    assert [offer.wording for offer in topics] == [
        "概括一下“健全制度建设”",
        "概括一下“加快服务创新”",
        "概括一下活动内容“新”",
    ]
    assert _TEXT[topics[0].answer.start : topics[0].answer.end].startswith("一、健全制度建设\n2021年")
    assert _TEXT[topics[0].statement.start : topics[0].statement.end] == "一、健全制度建设"


def test_what_is_named_in_quotation_marks_is_asked_about_once(desk: Callable[[str], Any]) -> None:
    text = "开展“聆听日”活动,办好“银龄课堂行动”。“聆听日”活动办了三次,大家说“很好”。"
    found = list(names(desk(text).source))
    assert [offer.wording for offer in found] == ["“聆听日”活动是什么？", "“银龄课堂行动”是什么？"]
    assert {text[offer.answer.start : offer.answer.end] for offer in found} == {
        "开展“聆听日”活动,办好“银龄课堂行动”。"
    }


def test_a_heading_of_a_word_or_two_is_not_asked_about(desk: Callable[[str], Any]) -> None:
    assert list(summaries(desk("一、宣传\n讲课。\n二、服务\n开通热线。").source)) == []


def test_a_statement_goes_as_far_as_a_full_stop_semicolon_or_line_end() -> None:
    text = "甲在家;乙出门。丙不在\n丁来了"

    def of(answer: str) -> str:
        start = text.index(answer)
        place = stated(text, Span(start, start + len(answer)))
        return text[place.start : place.end]

    assert [of("甲"), of("出门"), of("丙"), of("来")] == ["甲在家;", "乙出门。", "丙不在\n", "丁来了"]
    assert of("家;乙") == "甲在家;乙出门。" and of("出门。") == "乙出门。"
