"""Company names and what people call them."""

from __future__ import annotations

import pytest

from assistant.lexicon import Lexicon


def named(lexicon: Lexicon, text: str) -> list[tuple[str, str]]:
    return [(mention.company, mention.standing) for mention in lexicon.mentions(text)]


@pytest.mark.parametrize("text", ["平安人寿", "平安寿险", "中国平安人寿", "Ping An Life", "ping an life"])
def test_a_company_goes_by_its_canonical_name_whatever_it_is_called(lexicon: Lexicon, text: str) -> None:
    assert named(lexicon, text) == [("平安人寿", "member")]


def test_the_longest_name_wins(lexicon: Lexicon) -> None:
    assert named(lexicon, "平安健康保险") == [("平安健康险", "member")]
    assert named(lexicon, "平安") == [("平安集团", "group")]


@pytest.mark.parametrize("text", ["新华社报道", "商业健康险怎么买", "普惠金融", "消费型寿险产品"])
def test_a_short_name_inside_another_word_names_no_company(lexicon: Lexicon, text: str) -> None:
    assert named(lexicon, text) == []


@pytest.mark.parametrize("text", ["健康险赔了多少", "平安人寿和产险", "那普惠呢"])
def test_a_short_name_that_stands_alone_names_its_company(lexicon: Lexicon, text: str) -> None:
    assert named(lexicon, text)[-1][1] == "member"


def test_companies_outside_the_group_are_known_as_such(lexicon: Lexicon) -> None:
    assert named(lexicon, "太平洋保险") == [("中国太保", "outside")]


def test_a_company_on_no_list_is_known_by_how_its_name_ends(lexicon: Lexicon) -> None:
    assert named(lexicon, "恒丰人寿公司") == [("恒丰人寿", "unknown")]


@pytest.mark.parametrize(
    "text", ["哪家保险", "意外保险", "所有银行", "智能理财的信托", "从股票账户往银行卡转", "清溪稳盈债券基金"]
)
def test_kinds_of_insurance_and_banks_are_no_companies(lexicon: Lexicon, text: str) -> None:
    assert named(lexicon, text) == []


def test_mentions_say_where_they_stand_in_order(lexicon: Lexicon) -> None:
    text = "平安银行与甲乙银行、平安证券"
    found = lexicon.mentions(text)
    assert [text[mention.start : mention.end] for mention in found] == ["平安银行", "甲乙银行", "平安证券"]


def test_long_forms_are_compared_as_their_short_ones(lexicon: Lexicon) -> None:
    assert lexicon.fold("消费者权益保护 Rap") == "消保 rap"


def test_english_terms_are_translated_the_longest_first(lexicon: Lexicon) -> None:
    assert lexicon.translate("mystery shoppers in the campaign") == "神秘客 宣传 活动"
    assert lexicon.translate("nothing known") == ""


def test_synonyms_hold_both_ways(lexicon: Lexicon) -> None:
    assert all(word in lexicon.synonyms[other] for word, line in lexicon.synonyms.items() for other in line)


@pytest.mark.parametrize("text", ["作为区域性寿险公司", "货币市场基金的份额"])
def test_a_sort_of_company_is_no_company(lexicon: Lexicon, text: str) -> None:
    assert named(lexicon, text) == []


def test_a_short_name_after_in_is_a_company(lexicon: Lexicon) -> None:
    assert named(lexicon, "宣传月里产险做了什么") == [("平安产险", "member")]
