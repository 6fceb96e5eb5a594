"""Every formula against numbers worked out by hand, published, or from an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Citation
from eval.metrics import (
    answer_length,
    contains,
    evidence_recall,
    facts_found,
    facts_missing,
    forbidden_found,
    mean,
    normalise,
    percentile,
    wilson_interval,
    without_markers,
)


def citation(quote: str, number: int = 1) -> Citation:
    return Citation(number, "p", "a", "标题", "", None, "", (), quote, 0, len(quote))


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


def test_every_fact_needs_one_of_its_alternatives() -> None:
    text = "平安人寿赔付410万件[1]，平安产险赔付1.9亿件[2]。"
    facts = [["4100000件", "410万次"], ["一点九亿件"]]
    assert facts_found(text, facts) is True
    assert facts_missing(text, facts) == ()
    assert facts_found(text, [*facts, ["245万件", "245万"]]) is False
    assert facts_missing(text, [*facts, ["245万件", "245万"]]) == (("245万件", "245万"),)


def test_facts_do_not_apply_where_none_is_asked_for() -> None:
    assert facts_found("任何回答", []) is None


def test_a_citation_marker_is_no_part_of_the_answer() -> None:
    assert not facts_found("接待客户[12]", [["12"]])
    assert facts_found("410[1]万件", [["410万件"]])
    assert without_markers(" 赔付410万件[1][2, 3]。 ") == "赔付410万件。"
    assert answer_length("赔付410万件[1][2]。") == 8


def test_forbidden_strings_are_named() -> None:
    assert forbidden_found("共8万余场[1]", ["8万", "2万"]) == ("8万",)
    assert forbidden_found("共28万场", ["8万"]) == ()


def test_evidence_inside_a_quote_is_cited() -> None:
    assert (
        evidence_recall(["赔付410万件"], [citation("其中,平安人寿赔付410万件、平安产险赔付1.9亿件")]) == 1.0
    )


def test_a_quote_inside_the_evidence_counts_from_half_of_it_on() -> None:
    evidence = "一二三四五六七八九十"
    assert evidence_recall([evidence], [citation("三四五六七")]) == 1.0
    assert evidence_recall([evidence], [citation("三四五六")]) == 0.0


def test_evidence_recall_is_the_share_of_cited_strings() -> None:
    quotes = [citation("平安人寿赔付410万件"), citation("覆盖11家子公司", 2)]
    assert evidence_recall(["赔付410万件", "覆盖11家子公司", "434个在售产品"], quotes) == pytest.approx(2 / 3)


def test_spaces_and_width_of_punctuation_do_not_keep_evidence_from_being_cited() -> None:
    assert (
        evidence_recall(
            ["旅游特种兵 消保说不停,喊出“口号”"], [citation('旅游特种兵消保说不停，喊出"口号"。')]
        )
        == 1.0
    )


def test_an_overlap_that_neither_contains_the_other_is_not_a_citation() -> None:
    assert evidence_recall(["平安人寿赔付410万件"], [citation("寿赔付410万件、平安产险")]) == 0.0


def test_an_answer_without_citations_cites_nothing_and_without_evidence_nothing_applies() -> None:
    assert evidence_recall(["赔付410万件"], []) == 0.0
    assert evidence_recall(["赔付410万件"], [citation(" ")]) == 0.0
    assert evidence_recall([], [citation("赔付410万件")]) is None


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, n)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_holds_the_share_and_mirrors_its_complement(trials: tuple[int, int]) -> None:
    successes, n = trials
    interval, mirrored = wilson_interval(successes, n), wilson_interval(n - successes, n)
    if n == 0:
        assert interval is None
        return
    assert interval is not None and mirrored is not None
    assert 0 <= interval[0] <= successes / n <= interval[1] <= 1
    assert mirrored == pytest.approx((1 - interval[1], 1 - interval[0]))


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.5"):
        wilson_interval(6, 5)


@given(
    st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=30),
    st.floats(min_value=0, max_value=100),
)
def test_percentiles_are_those_of_numpy(values: list[float], percent: float) -> None:
    assert percentile(values, percent) == pytest.approx(
        float(np.percentile(values, percent)), rel=1e-9, abs=1e-6
    )


def test_percentiles_by_hand() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([10, 20, 30], 95) == pytest.approx(29)
    assert percentile([], 50) is None
    with pytest.raises(ValueError, match=r"0\.\.100"):
        percentile([1], 101)


def test_the_mean_of_nothing_is_nothing() -> None:
    assert mean([1, 2, 6]) == 3
    assert mean([]) is None
