"""Whether a sentence holds the sort of thing that was asked for."""

from __future__ import annotations

import pytest

from assistant.matching import (
    announces,
    calculable,
    company_match,
    explains,
    lacks_names,
    lacks_parts,
    lacks_value,
)
from assistant.quantities import quantities
from assistant.replies import not_found
from assistant.sentences import statements

PAID = "2022年,平安人寿赔付410万件。"
COUNTED = "宣传月期间,统筹13家成员公司,穿越7省6地。"


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("平安人寿赔付了多少件？", PAID, False),
        ("平安人寿赔付了多少钱？", PAID, True),
        ("平安人寿赔付金额是多少亿元？", PAID, True),
        ("系列推文推出了几期？", "推出“平安高管说消保”系列推文。", True),
        ("覆盖多少个地区？", "在全国32地开展。", False),
        ("有几家成员公司参加？", "协调成员公司联动联合。", True),
        ("有几家成员公司参加？", "协调13家成员公司联动联合。", False),
        ("有多少人参加？", "参与7亿人次。", False),
        ("平安人寿是谁？", PAID, False),
        ("平安人寿什么时候赔付的？", PAID, False),
        ("系列推文是什么时候推出的？", "推出“平安高管说消保”系列推文。", True),
    ],
)
def test_a_figure_in_another_unit_than_the_one_asked_for_is_none(
    desk, question: str, text: str, lacking: bool
) -> None:
    assert lacks_value(desk(PAID).lookup(question), text) is lacking


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("参加的13家成员公司都是哪些公司？", COUNTED, True),
        ("13家成员公司的名单是什么？", COUNTED, True),
        ("由哪几家公司参加？", "由平安人寿、平安产险和平安银行参加。", False),
        ("由哪些机构联合部署？", "由金融监管总局、人民银行、证监会联合部署。", False),
        ("大篷车穿越的7省是哪些省？", COUNTED, True),
        ("大篷车去了哪些省？", "大篷车去了四川、云南和贵州。", False),
        ("各成员公司通过哪些形式宣传？", "通过大篷车、文艺表演等形式。", False),
    ],
)
def test_a_count_is_no_answer_to_who_is_counted(desk, question: str, text: str, lacking: bool) -> None:
    made = desk(PAID)
    places = made.terms.names_places(text)
    assert lacks_names(made.lookup(question), text, made.lexicon, places) is lacking


def test_a_value_that_is_not_given_is_said_to_be_missing_in_plain_words(desk) -> None:
    made = desk("推出“平安高管说消保”系列推文。")
    question = "“平安高管说消保”系列推文推出了几期？"
    assert not_found(made.lookup(question), made.read(question)).endswith("资料没有给出所问的数字。")


@pytest.mark.parametrize(
    ("text", "announcing"),
    [
        ("现将有关事项公告如下：", True),
        ("有关安排如下。", True),
        ("渠道如下：电话95511。", False),
        (PAID, False),
    ],
)
def test_a_sentence_that_only_announces_is_told(text: str, announcing: bool) -> None:
    assert announces(text) is announcing


def test_we_are_the_company_whose_article_it_is(desk) -> None:
    made = desk("我司自2024年5月6日起优化流程。", title="汇澄财险关于优化流程的公告")
    sentence = made.read("汇澄财险哪天起优化流程？").evidence[0].sentence
    assert company_match(["汇澄财险"], sentence, made.lexicon) > 0
    assert company_match(["平安产险"], sentence, made.lexicon) < 0


def test_a_question_that_the_text_asks_itself_states_nothing(desk) -> None:
    made = desk("问：什么是冷静期退借？答：借款发放后24小时内可以全额退还。")
    assert [s.text for s in statements(made.passages[0])] == ["答：借款发放后24小时内可以全额退还。"]
    assert len(statements(made.passages[0], questions=True)) == 2
    assert "24小时" in made.say("什么是冷静期退借？")


@pytest.mark.parametrize(
    ("text", "lacking"), [("本行秉持“两全”原则开展审查", True), ("两全，即全流程、全人员", False)]
)
def test_things_asked_for_one_by_one_must_stand_side_by_side(desk, text: str, lacking: bool) -> None:
    assert lacks_parts(desk(PAID).lookup("“两全”具体是哪两全？"), text) is lacking


def test_a_figure_that_the_question_states_is_one_of_those_that_are_reckoned_with() -> None:
    text = "宣传活动2万余场,触达7亿人次,其中重点区域9600余次"
    assert calculable(text)
    assert not calculable(text, quantities("7亿人次"))
    assert calculable(text, quantities("2万余场"))


@pytest.mark.parametrize(
    ("question", "text", "explaining"),
    [
        ("消保检查里的“暗访”是什么做法？", "暗访,即由集团派出神秘客。", True),
        ("“明察暗访”里的暗访是什么？", "暗访,即由集团派出神秘客。", True),
        ("“明察暗访”是什么机制？", "暗访,即由集团派出神秘客。", False),
        ("暗访是什么？", "暗访检查由集团派人进行。", False),
    ],
)
def test_a_sentence_explains_the_word_that_it_opens_with(
    desk, question: str, text: str, explaining: bool
) -> None:
    made = desk("平安建立了“明察暗访”机制。")
    lookup = made.lookup(question)
    terms = made.terms.terms(lookup.focus)
    assert explains(lookup, terms, text) is explaining
