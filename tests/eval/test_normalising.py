"""Two texts that say the same get one spelling, and what is not the same stays apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.normalising import contains, normalise, without_markers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("410万件", "4100000件"),
        ("四百一十万件", "4,100,000件"),
        ("４１０萬件", "410 万件"),
        ("1.9亿件", "一点九亿件"),
        ("2.2万亿元", "2200000000000元"),
        ("两万余场", "20000余场"),
        ("3亿2千万", "320000000"),
        ("百分之九十九点五", "99.5％"),
        ("百分之百", "100%"),
        ("百分之99", "99%"),
        ("二〇二三年九月二十七日", "2023-09-27"),
        ("2023年09月27日", "2023/9/27"),
        ("一百零五项", "105项"),
        ("7*24小时", "7×24 小时"),
        ("“3·15”宣传周", "3-15宣传周"),
        ("平安產險賠付", "平安产险赔付"),
        ("AI 预审", "ai预审"),
        ("农村，社区、校园", "农村社区校园"),
    ],
)
def test_texts_that_say_the_same_are_spelt_the_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7*24", "724"),
        ("2.2", "22"),
        ("99", "99%"),
        ("410万", "410"),
        ("三四十件", "四十件"),
        ("上万名", "一万名"),
        ("千家万户", "一千家一万户"),
        ("in 2022 410", "in 2022410"),
        ("2022,410", "2022410"),
        ("一", "二"),
    ],
)
def test_texts_that_say_different_things_stay_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_a_number_is_spelt_out_in_full() -> None:
    assert normalise("平安人寿赔付四百一十万件。") == "平安人寿赔付4100000件"
    assert normalise("接通率超99.50%!") == "接通率超99.50%"


@given(st.integers(min_value=1, max_value=9999))
def test_ten_thousands_are_multiplied_out_for_any_number(number: int) -> None:
    assert normalise(f"{number}万件") == f"{number * 10_000}件"
    assert normalise(f"{number:,}万件") == f"{number * 10_000}件"


@given(st.text())
def test_any_text_can_be_normalised_and_keeps_no_white_space_at_its_ends(text: str) -> None:
    assert normalise(text) == normalise(text).strip()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("410万件", "10万件"),
        ("2.2万亿", "2万亿"),
        ("2.25", "2.2"),
        ("3.5项", "5项"),
        ("3.5项", "3"),
        ("2020年", "20"),
        ("aia集团", "ai"),
        ("28万", "8万"),
    ],
)
def test_a_part_of_a_number_or_word_is_not_found(text: str, wanted: str) -> None:
    assert not contains(normalise(text), normalise(wanted))


def test_a_whole_number_or_word_is_found_wherever_it_stands() -> None:
    assert contains(normalise("先赔付10万件，后赔付410万件"), normalise("410万"))
    assert contains(normalise("赔付110万件和10万件"), normalise("10万件"))
    assert contains(normalise("接通率超99%"), normalise("99"))
    assert contains(normalise("Datahub多元异构数仓"), normalise("datahub"))


def test_nothing_is_found_nowhere() -> None:
    assert not contains("任何文字", normalise("，。"))


def test_citation_markers_of_one_and_of_several_numbers_are_taken_out() -> None:
    assert without_markers(" 赔付410万件[1][2, 3]。 ") == "赔付410万件。"
    assert without_markers("见[附件]和[2，3]") == "见[附件]和"
