"""Overviews over small articles: what they are about, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from assistant.overviews import OVERVIEW_CHARS, asks_for_overview, quoted_sections

_ARTICLE = """近年来,金融消费需求不断增长。2023年3月1日,监管办法正式施行。
一、制度先行,完善客户保护机制
平安集团党委每季度听取汇报,修订制度12项。各级干部压实责任。
二、走进乡村,送去金融知识
平安银行在6个省开办金融夜校,培训村民3400人;平安产险组织宣讲队,走访养殖户820户;平安普惠印发防骗手册5万册。此后,各机构继续努力。
三、守护“暖”
平安把温暖送到客户身边。
送关怀:平安银行为老年客户设立绿色窗口,上门办理业务260次。窗口配备老花镜。
送健康:平安健康险开设义诊点,服务居民1900人次。
四、打击非法中介
平安普惠协助警方破案7起,抓获嫌疑人23人。
五、面向未来
平安将继续努力。"""


@pytest.fixture(scope="module")
def brief(desk: Callable[..., Any]) -> Any:
    """The parts over an article with headings and labels."""
    return desk(_ARTICLE, title="平安客户保护工作巡礼")


def lines(said: str) -> list[str]:
    """What an answer says, a bullet an element, without marks and citation numbers."""
    return [re.sub(r"\[\d+\]", "", line).removeprefix("- ") for line in said.split("\n")]


def test_a_section_that_the_question_names_is_told_item_by_item(brief: Any) -> None:
    said = lines(brief.say("汇总一下走进乡村送金融知识的情况"))
    assert len(said) >= 3
    assert any("3400人" in line for line in said) and any("820户" in line for line in said)
    assert any("5万册" in line for line in said) and not any("23人" in line for line in said)


def test_what_a_company_did_is_gathered_from_the_whole_article(brief: Any) -> None:
    said = lines(brief.say("平安银行做了哪些工作，整理一份简介"))
    assert any("3400人" in line for line in said) and any("260次" in line for line in said)
    assert not any("820户" in line or "1900人次" in line for line in said)


def test_what_a_company_did_in_one_matter_leaves_its_other_work_out(brief: Any) -> None:
    said = brief.say("总结平安普惠打击非法中介的工作")
    assert "7起" in said and "5万册" not in said


def test_a_company_is_told_up_to_where_the_sentence_turns_to_another(desk: Callable[..., Any]) -> None:
    small = desk("2021年,平安人寿理赔30单,回访客户90人,平安产险理赔45单,平安健康险理赔12单。")
    said = small.say("总结平安人寿的工作")
    assert "30单" in said and "90人" in said and "45单" not in said


def test_the_aspects_of_an_article_are_its_headings(brief: Any) -> None:
    said = lines(brief.say("这篇巡礼文章主要讲了哪几个方面？"))
    assert said[0] == "一、制度先行,完善客户保护机制" and len(said) == 5


def test_a_word_that_question_and_heading_both_quote_names_the_section(brief: Any) -> None:
    (section,) = quoted_sections(brief.lookup("“暖”是怎么做的"), brief.source)
    assert section.heading.text == "三、守护“暖”"
    assert quoted_sections(brief.lookup("暖是怎么做的"), brief.source) == []
    assert quoted_sections(brief.lookup("“冷、暖”各是什么"), brief.source) == [section]


def test_a_labelled_item_keeps_its_label(brief: Any) -> None:
    said = lines(brief.say("总结守护“暖”的做法"))
    assert any(line.startswith("送关怀：") for line in said)
    assert any(line.startswith("送健康：") for line in said)


def test_a_paragraph_that_only_opens_a_section_stands_for_all_of_it(brief: Any) -> None:
    said = brief.say("概述平安怎样把温暖送到客户身边")
    assert "260次" in said and "1900人次" in said


def test_the_background_is_what_stands_before_the_first_heading(brief: Any) -> None:
    said = brief.say("概述客户保护工作的背景")
    assert "2023年3月1日" in said and "12项" not in said


def test_an_overview_keeps_to_its_room_whatever_it_is_of(desk: Callable[..., Any]) -> None:
    long = desk(
        "\n".join(f"平安第{n}分行举办{n}次讲座,发放手册{n}00册,接待居民{n}000人。" for n in range(2, 60))
    )
    said = lines(long.say("总结一下简报"))
    assert len(said) >= 3 and sum(len(line) + 3 for line in said) <= OVERVIEW_CHARS


def test_a_text_without_a_place_to_cut_is_still_answered(desk: Callable[..., Any]) -> None:
    solid = desk("平安银行" + "举办讲座发放手册" * 60)
    assert "举办讲座" in solid.say("总结平安银行举办讲座的情况")


def test_every_statement_of_an_overview_stands_in_its_own_quote(brief: Any) -> None:
    for question in ("总结守护“暖”的做法", "汇总走进乡村送金融知识的情况", "整理一下平安普惠的工作"):
        for statement in brief.compose(question).statements:
            (proof,) = statement.proofs
            quote = proof.article.text[proof.start : proof.end]
            assert all(piece in quote for piece in statement.text.split("："))


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("有哪些举措", True),
        ("做了哪些工作", True),
        ("主要做法有哪些", True),
        ("有哪些常见方言", False),
        ("跟哪些单位合作", False),
        ("分别是哪几家", False),
    ],
)
def test_asking_what_was_done_is_asking_for_an_overview(question: str, asks: bool) -> None:
    assert asks_for_overview(question) is asks


def test_labels_that_the_question_names_are_told_and_no_others(brief: Any) -> None:
    assert [s.heading.text for s in quoted_sections(brief.lookup("送健康都做了什么"), brief.source)] == [
        "送健康"
    ]
    said = brief.say("送健康都做了什么")
    assert "1900人次" in said and "260次" not in said


@pytest.mark.parametrize("question", ["今年搞了哪些新花样？", "有什么创新的做法，都说说", "哪些新鲜玩法？"])
def test_what_is_new_stands_where_a_heading_quotes_new(desk: Callable[..., Any], question: str) -> None:
    made = desk("一、保障“稳”\n机构坚守岗位。\n二、形式“新”\n新平台:在网站开专栏。\n新渠道:请主播讲课。")
    found = quoted_sections(made.lookup(question), made.source)
    assert [section.heading.text for section in found] == ["二、形式“新”"]
    of_one = made.lookup(f"平安银行{question}")
    assert quoted_sections(of_one, made.source) == []


def test_a_short_opening_sentence_is_told_with_the_rest_of_its_paragraph(desk: Callable[..., Any]) -> None:
    made = desk("平安践行“清泉经验”。干部每月下访12次,成立专家小组,逐件化解。\n客服热线全天有人接听。")
    assert "专家小组" in made.say("“清泉经验”是怎么落地的，提炼几个要点，概括一下")
