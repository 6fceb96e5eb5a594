"""Numbers, units and years as Chinese text writes them."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.quantities import UNITS, agree, chinese_number, quantities, relative_years, years

_NUMERALS = "零一二三四五六七八九"


def in_chinese(number: int) -> str:
    """A number as it is written out: the oracle for reading numerals."""
    if number == 0:
        return "零"
    groups: list[str] = []
    scale = ["", "万", "亿", "万亿"]
    place = 0
    rest, lacking = number, False
    while rest:
        rest, low = divmod(rest, 10_000)
        if low:
            text = _below_ten_thousand(low)
            groups.append(text + scale[place] + ("零" if lacking else ""))
            lacking = low < 1000
        elif groups and not groups[-1].startswith("零"):
            lacking = True
        place += 1
    return "".join(reversed(groups))


def _below_ten_thousand(number: int) -> str:
    text, gap = "", False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, power)
        if digit:
            text += ("零" if gap and text else "") + _NUMERALS[digit] + name
            gap = False
        else:
            gap = True
    return text


def one(text: str) -> tuple[Decimal, str]:
    """The only quantity of a text, as value and unit."""
    (found,) = quantities(text)
    return found.value, found.unit


@given(st.integers(0, 10**12 - 1))
def test_every_number_written_out_is_read_back(number: int) -> None:
    assert chinese_number(in_chinese(number)) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("四百一", 410),
        ("一万五", 15_000),
        ("两千三", 2300),
        ("二百五", 250),
        ("六万七", 67_000),
        ("一亿二", 120_000_000),
    ],
)
def test_a_last_digit_without_its_power_counts_the_next_lower_one(text: str, value: int) -> None:
    assert chinese_number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("四百零一", 401),
        ("一万零五", 10_005),
        ("三千五百万零五百", 35_000_500),
        ("一亿零五百万", 105_000_000),
    ],
)
def test_a_zero_before_the_last_digit_says_that_it_counts_ones(text: str, value: int) -> None:
    assert chinese_number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十二万", 120_000),
        ("一亿二千万", 120_000_000),
        ("三万亿", 3 * 10**12),
        ("一百十五", 115),
        ("两百", 200),
    ],
)
def test_powers_of_ten_thousand_multiply_only_what_stands_before_them(text: str, value: int) -> None:
    assert chinese_number(text) == value


@pytest.mark.parametrize(("text", "value"), [("二〇二三", 2023), ("九五五一一", 95511), ("一九", 19)])
def test_digits_in_a_row_are_read_one_by_one(text: str, value: int) -> None:
    assert chinese_number(text) == value


@pytest.mark.parametrize(
    "text", ["三四十", "七八", "三五百", "两三百", "五六", "十十", "百千", "一百零", "", "件"]
)
def test_what_leaves_the_value_open_or_is_no_numeral_has_no_value(text: str) -> None:
    assert chinese_number(text) is None


def test_decimals_are_read_after_the_point() -> None:
    assert chinese_number("九十九点五") == Decimal("99.5")
    assert chinese_number("三点") is None


@given(st.text(alphabet="零〇一二两三四五六七八九十百千万亿点", max_size=60))
def test_any_run_of_numerals_has_a_value_or_none(text: str) -> None:
    value = chinese_number(text)
    assert value is None or value >= 0


@pytest.mark.parametrize("text", ["万" * 2000, "一万" * 1000, "亿万" * 1000])
def test_a_numeral_as_long_as_a_page_has_no_value(text: str) -> None:
    assert chinese_number(text) is None
    assert all(found.value >= 0 for found in quantities(text))


@given(st.integers(1, 10**9), st.sampled_from(["件", "人次", "家", "公里", "场"]))
def test_an_arabic_figure_is_found_with_its_unit_and_place(number: int, unit: str) -> None:
    text = f"共{number:,}{unit}。"
    (found,) = quantities(text)
    assert (found.value, found.unit) == (number, unit)
    assert text[found.start : found.end] == found.text == f"{number:,}{unit}"


@given(st.integers(11, 10**9))
def test_arabic_and_chinese_writing_of_a_figure_agree(number: int) -> None:
    stated, source = quantities(f"{in_chinese(number)}件"), quantities(f"{number}件")
    assert agree(stated[0], source) is True


@given(st.integers(1, 9999), st.sampled_from([("万", 10_000), ("亿", 10**8), ("千万", 10**7)]))
def test_a_scale_after_arabic_digits_multiplies(number: int, scale: tuple[str, int]) -> None:
    assert one(f"{number}{scale[0]}件") == (number * scale[1], "件")


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("7.7亿元", "770000000", "元"),
        ("三点五亿元", "350000000", "元"),
        ("1,234.5元", "1234.5", "元"),
        ("99%", "99", "%"),
        ("99％", "99", "%"),
        ("百分之九十九点五", "99.5", "%"),
        ("百分之99.5", "99.5", "%"),
        ("百分之百", "100", "%"),
        ("四百一十万件", "4100000", "件"),
        ("１２３人", "123", "人"),
        ("12 个", "12", "个"),
        ("5人次", "5", "人次"),
    ],
)
def test_values_are_in_single_units(text: str, value: str, unit: str) -> None:
    assert one(text) == (Decimal(value), unit)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2万余场", 20_000),
        ("100多万场", 1_000_000),
        ("三十余万场", 300_000),
        ("近200场", 200),
        ("超过60场", 60),
        ("十几场", 10),
    ],
)
def test_round_figures_keep_their_value_and_are_marked_approximate(text: str, value: int) -> None:
    (found,) = quantities(text)
    assert (found.value, found.approximate) == (value, True)


def test_an_exact_figure_is_not_marked_approximate() -> None:
    assert not quantities("共200场")[0].approximate


@pytest.mark.parametrize("text", ["一是定制服务", "第三次", "几十个", "数百人", "千方百计", "三四十人"])
def test_ordinals_idioms_and_open_numbers_are_no_quantities(text: str) -> None:
    assert quantities(text) == []


def test_a_year_is_no_quantity() -> None:
    assert quantities("2022年") == []
    assert years("2022年") == [2022]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("二〇二二年和2023年", [2022, 2023]),
        ("2023-09-27", [2023]),
        ("2021 2021年", [2021]),
        ("12022年", []),
        ("2022件", []),
        ("2022", [2022]),
    ],
)
def test_calendar_years_are_found_once_and_in_order(text: str, found: list[int]) -> None:
    assert years(text) == found


def test_this_year_and_last_year_follow_the_day_of_publication() -> None:
    assert relative_years("今年以来，比去年多", date(2023, 9, 27)) == [2023, 2022]
    assert relative_years("今年", None) == []


def test_figures_that_count_different_things_neither_agree_nor_contradict() -> None:
    (stated,) = quantities("30公里")
    assert agree(stated, quantities("30件")) is None
    assert agree(stated, quantities("跑了31公里")) is False
    assert agree(stated, quantities("跑了31公里，又走了30公里")) is True


def test_measure_words_that_speakers_interchange_are_comparable() -> None:
    assert agree(quantities("5单")[0], quantities("5件")) is True
    assert agree(quantities("5位")[0], quantities("6名")) is False


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_is_hidden_by_a_shorter_one(unit: str) -> None:
    assert one(f"37{unit}")[1] == unit


@given(st.text(alphabet="零一二两三十百千万亿点余多几第年月日件个0123456789.,％% 百分之近", max_size=40))
def test_quantities_stand_in_order_where_they_say_they_do(text: str) -> None:
    found = quantities(text)
    assert all(text[item.start : item.end] == item.text for item in found)
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("12个省", "12", "省"),
        ("41个地区", "41", "地区"),
        ("5个工作日", "5", "工作日"),
        ("上万名", "10000", "名"),
        ("近千件", "1000", "件"),
        ("年满65周岁", "65", "周岁"),
    ],
)
def test_what_is_counted_is_the_unit_though_a_measure_word_stands_before_it(
    text: str, value: str, unit: str
) -> None:
    assert one(text) == (Decimal(value), unit)
