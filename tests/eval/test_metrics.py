"""Every measure of an answer's text against numbers worked out by hand or by a definition's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Citation
from eval.metrics import (
    answer_length,
    character_f1,
    evidence_recall,
    exact_match,
    fact_share,
    facts_missing,
    forbidden_found,
    with_one_name,
)


def citation(quote: str, number: int = 1) -> Citation:
    return Citation(number, "p", "a", "标题", "", None, "", (), quote, 0, len(quote))


def test_every_fact_needs_one_of_its_alternatives() -> None:
    text = "平安人寿赔付410万件[1]，平安产险赔付1.9亿件[2]。"
    facts = [["4100000件", "410万次"], ["一点九亿件"]]
    assert facts_missing(text, facts) == ()
    assert fact_share(text, facts) == 1.0
    assert fact_share(text, [*facts, ["245万件", "245万"]]) == pytest.approx(2 / 3)
    assert fact_share("没有", facts) == 0.0
    assert facts_missing(text, [*facts, ["245万件", "245万"]]) == (("245万件", "245万"),)


def test_facts_do_not_apply_where_none_is_asked_for() -> None:
    assert fact_share("任何回答", []) is None


def test_a_company_is_found_under_any_name_it_is_known_by() -> None:
    assert facts_missing("平安寿险赔付410万件[1]", [["平安人寿赔付410万件"]]) == ()
    assert facts_missing("平安人寿赔付410万件[1]", [["平安寿险赔付410万件"]]) == ()
    assert facts_missing("中国平安的产险赔付1.9亿件", [["平安财险赔付1.9亿件"]]) == ()


def test_another_company_is_not_found_under_the_name_of_this_one() -> None:
    assert facts_missing("平安健康险赔付245万件", [["平安人寿赔付245万件"]]) == (("平安人寿赔付245万件",),)
    assert facts_missing("商业健康险保单", [["平安健康险"]]) == (("平安健康险",),)


def test_a_fact_that_names_only_a_part_of_a_company_is_still_found() -> None:
    # Under one name 平安银行 the 银行 of the fact would stand glued to it all the same.
    assert facts_missing("由寿险公司和平安银行办理", [["寿险"], ["银行"], ["平安"]]) == ()


def test_companies_get_their_first_name_and_nothing_else_changes() -> None:
    assert with_one_name("平安寿险与平安财险、恒大人寿。") == "平安人寿与平安产险、恒大人寿。"
    assert with_one_name("没有公司") == "没有公司"


def test_a_citation_marker_is_no_part_of_the_answer() -> None:
    assert facts_missing("接待客户[12]", [["12"]]) == (("12",),)
    assert facts_missing("410[1]万件", [["410万件"]]) == ()
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
    ("answer", "reference", "expected"),
    [
        ("平安人寿", "平安人寿。", 1),
        (" Ping An[1] ", "ping an", 1),
        ("“3·15”宣传周", "315宣传周", 1),
        ("平安人寿公司", "平安人寿", 0),
        # ASCII points and commas are not on the list of CMRC's script, nor is the space within.
        ("10,777份", "10777份", 0),
        ("ping  an", "ping an", 0),
    ],
)
def test_an_exact_match_leaves_out_case_and_the_listed_punctuation(
    answer: str, reference: str, expected: float
) -> None:
    assert exact_match(answer, [reference]) == expected


def test_one_reference_of_several_is_enough_for_an_exact_match() -> None:
    assert exact_match("二〇二三年", ["2023年", "二〇二三年"]) == 1.0


@pytest.mark.parametrize(
    ("answer", "reference", "tokens_given", "tokens_wanted", "shared"),
    [
        ("平安人寿", "平安人寿", 4, 4, 4),
        ("是平安人寿。", "平安人寿", 5, 4, 4),
        # The longest common run counts, not every shared character: 平安 or 人寿.
        ("平安的人寿", "平安人寿", 5, 4, 2),
        # 平安 and 2023 apart from each other: a run of digits or letters is one token.
        ("2023年", "2024年", 2, 2, 1),
        ("Datahub数仓", "datahub多元数仓", 3, 5, 2),
        ("10,777份", "10,777份", 2, 2, 2),
        ("接通率99.5%", "99.5%", 5, 2, 2),
        ("“一老一少”", "一老,一少", 4, 5, 2),
        ("甲乙", "丙丁", 2, 2, 0),
    ],
)
def test_f1_is_that_of_the_longest_common_run_of_tokens(
    answer: str, reference: str, tokens_given: int, tokens_wanted: int, shared: int
) -> None:
    # 2pr / (p + r) with p = shared / given and r = shared / wanted is the Dice coefficient.
    assert character_f1(answer, [reference]) == pytest.approx(2 * shared / (tokens_given + tokens_wanted))


def test_the_best_reference_counts_for_f1() -> None:
    assert character_f1("平安人寿", ["甲乙丙", "平安人寿险"]) == pytest.approx(8 / 9)


def test_exact_match_and_f1_do_not_apply_without_references() -> None:
    assert exact_match("平安人寿", []) is None
    assert character_f1("平安人寿", []) is None


def test_an_answer_that_says_nothing_shares_nothing() -> None:
    assert exact_match("", ["平安人寿"]) == 0.0
    assert character_f1("[1]", ["平安人寿"]) == 0.0


@given(
    st.text(alphabet="平安人寿险ab1 ，", max_size=12),
    st.text(alphabet="平安人寿险ab1 ，", min_size=1, max_size=12),
)
def test_f1_lies_within_0_and_1_and_does_not_mind_which_side_is_which(one: str, other: str) -> None:
    score = character_f1(one, [other])
    assert score is not None and 0 <= score <= 1
    assert character_f1(other, [one]) == pytest.approx(score)
    if exact_match(one, [other]) and score:
        assert score == 1.0
