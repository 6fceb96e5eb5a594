"""Whether a claim stands in the quotes that it cites."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assistant.verifying import support

_QUOTE = "2021年,平安人寿理赔30单,平安银行的大篷车走遍5个省,行程近8000公里。"


@given(st.integers(0, len(_QUOTE) - 2), st.integers(2, len(_QUOTE)))
def test_a_slice_of_a_quote_is_verbatim(start: int, length: int) -> None:
    claim = _QUOTE[start : start + length]
    assume(claim.strip(" ,。"))
    assert support(claim, [_QUOTE]) == "verbatim"


@given(st.text(alphabet="平安银行大篷车理赔单省，。、“”12345.,万件 ", min_size=1, max_size=60), st.data())
def test_a_slice_of_any_quote_is_verbatim(quote: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(quote) - 1))
    claim = quote[start : data.draw(st.integers(start + 1, len(quote)))]
    assume(claim.strip(" ，。、“”.,"))
    assert support(claim, ["另一段。", quote]) == "verbatim"


def test_pieces_of_several_quotes_joined_by_a_comma_are_verbatim() -> None:
    assert support("2021年，大篷车走遍5个省", [_QUOTE]) == "verbatim"
    assert support("平安普惠：化解纠纷", ["平安普惠设立调解室", "全年化解纠纷120件"]) == "verbatim"


def test_punctuation_width_and_script_do_not_break_a_quotation() -> None:
    assert support("平安人壽理賠３０單", [_QUOTE]) == "verbatim"


def test_other_words_around_the_same_figures_are_supported() -> None:
    assert support("平安人寿2021年理赔30单", [_QUOTE]) == "supported"


@pytest.mark.parametrize(
    "claim",
    ["平安人寿理赔31单", "2020年平安人寿理赔30单", "平安产险开展了反诈讲座", "平安人寿理赔30万单", "", "。"],
)
def test_another_figure_year_or_fact_is_unsupported(claim: str) -> None:
    assert support(claim, [_QUOTE]) == "unsupported"


def test_a_point_within_a_number_counts() -> None:
    assert support("理赔金额7.7亿元", ["全年理赔金额7.7亿元。"]) == "verbatim"
    assert support("理赔金额77亿元", ["全年理赔金额7.7亿元。"]) == "unsupported"


def test_nothing_is_supported_by_no_quote() -> None:
    assert support("平安人寿理赔30单", []) == "unsupported"
