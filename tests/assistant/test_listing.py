"""Lists: the items that were asked for, not the sentence that announces them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from assistant.listing import series_length

_ARTICLE = """2021年,旗下3家公司理赔总量超80单,平均每周理赔2单;其中,平安人寿理赔30单、平安产险理赔45单,平安健康险理赔12单。
平安坚持“四到位”为工作准绳,持续落实“资料到位、人员到位、回访到位、整改到位”。
平安搭建了“23”风控体系。即:两类名单,涵盖失信人员名单、可疑账户名单;三个系统,核验系统、预警系统、处置系统。
在便民方面,一是开通手语热线。二是设立爱心柜台。
平安严格落实审、控、查,所有合同上线前必须过审。
合规部对合同文本、收费标准、宣传海报、客服话术等进行上线前审查。"""


@pytest.fixture(scope="module")
def small(desk: Callable[[str], Any]) -> Any:
    """The parts over a small article."""
    return desk(_ARTICLE)


def plain(text: str) -> str:
    return re.sub(r"\[\d+\]", "", text)


def test_companies_that_a_sentence_counts_are_named_from_what_follows_it(small: Any) -> None:
    said = small.say("2021年公布理赔量的3家公司是哪几家？")
    assert all(name in said for name in ("平安人寿", "平安产险", "平安健康险"))


def test_a_quoted_name_is_answered_with_what_it_stands_for(small: Any) -> None:
    assert "资料到位、人员到位、回访到位、整改到位" in small.say("“四到位”有哪些内容？")


def test_what_is_explained_in_the_next_sentence_is_listed_part_by_part(small: Any) -> None:
    said = plain(small.say("“23”风控体系分别指什么？")).split("\n")
    assert len(said) == 2 and "可疑账户名单" in said[0] and "处置系统" in said[1]


def test_a_series_of_things_is_listed_rather_than_single_characters(small: Any) -> None:
    assert "收费标准、宣传海报" in small.say("上线前审查要审哪几类材料？")


def test_the_items_of_an_enumeration_are_all_listed(small: Any) -> None:
    assert len(small.say("便民方面有哪些举措？").split("\n")) == 2


def test_words_that_headings_quote_are_explained_heading_by_heading(desk: Callable[[str], Any]) -> None:
    text = "平安围绕“快、准”要求开展工作。\n理赔讲究“快”\n平安简化手续,三天到账。\n服务突出“准”\n平安细分客群,专人对接。"
    said = plain(desk(text).say("“快、准”两个字各是什么意思？")).split("\n")
    assert said == ["- 理赔讲究“快”：三天到账", "- 服务突出“准”：专人对接"]


@pytest.mark.parametrize(
    ("text", "length"),
    [("审、控、查", 0), ("甲乙、丙丁", 2), ("先做甲乙、丙丁、戊己,再做别的", 3), ("没有并列", 0)],
)
def test_a_series_is_as_long_as_the_things_it_names(text: str, length: int) -> None:
    assert series_length(text) == length


def test_of_an_enumeration_only_the_company_asked_about_is_told(desk: Callable[[str], Any]) -> None:
    made = desk(
        "一是完善热线和邮箱等渠道。\n二是探索多元调解,平安银行通过便民站、线上调解室等形式化解纠纷。\n三是落实三到位。"
    )
    said = made.say("平安银行通过哪些形式化解纠纷？")
    assert "线上调解室" in said and "三到位" not in said
