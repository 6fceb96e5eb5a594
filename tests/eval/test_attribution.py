"""What counts as supported by a quote, and the measures that rest on it, worked out by hand."""

from __future__ import annotations

import pytest

from assistant.schema import Citation, Claim
from eval.attribution import (
    citation_precision,
    citation_recall,
    details_missing,
    exact_quotes,
    faithfulness,
    supports,
)
from eval.responses import SeenPassage

CLAIMS_PAID = "2022年,旗下4家保险公司赔付总件数超2亿件;其中,平安人寿赔付410万件、平安产险赔付1.9亿件。"
REVIEW = "2022年,平安集团消费者权益保护审查工作覆盖11家子公司434个在售产品和服务,发现问题164项。"
MONTH = "金融监管总局等于2023年9月15日正式启动“金融消费者权益保护教育宣传月”活动。"
RATE = "95511客服在出行高峰期间坚守岗位,接通率超99%。"


def claim(text: str, *numbers: int) -> Claim:
    return Claim(text, numbers, "unsupported")  # what the assistant thinks of its claim has no say


def citations(*quotes: str) -> tuple[Citation, ...]:
    return tuple(
        Citation(number, "p", "a", "标题", "", None, "", (), quote, 0, len(quote))
        for number, quote in enumerate(quotes, 1)
    )


@pytest.mark.parametrize(
    ("statement", "quote"),
    [
        ("2022年，平安人寿赔付410万件", CLAIMS_PAID),
        ("平安寿险赔付四百一十万件", CLAIMS_PAID),
        ("平安产险赔付190000000件", CLAIMS_PAID),
        ("2022年平安集团审查工作覆盖11家子公司", REVIEW),
        ("于2023年9月15日正式启动", MONTH),
        ("正式启动《金融消费者权益保护教育宣传月》活动", MONTH),
        ("接通率超百分之九十九", RATE),
    ],
)
def test_what_stands_in_the_quote_is_supported_however_it_is_spelt(statement: str, quote: str) -> None:
    assert details_missing(statement, [quote]) == ()
    assert supports(statement, [quote])


@pytest.mark.parametrize(
    ("statement", "quote", "missing"),
    [
        ("平安人寿赔付411万件", CLAIMS_PAID, "411万件"),
        ("平安人寿赔付410万元", CLAIMS_PAID, "410万元"),
        ("2023年，平安人寿赔付410万件", CLAIMS_PAID, "2023年"),
        ("平安健康险赔付410万件", CLAIMS_PAID, "平安健康险"),
        ("于2023年9月16日正式启动", MONTH, "9月16日"),
        ("正式启动“金融知识普及月”活动", MONTH, "金融知识普及月"),
        ("接通率超98%", RATE, "98%"),
    ],
)
def test_a_detail_that_the_quote_does_not_have_is_missing(statement: str, quote: str, missing: str) -> None:
    assert missing in details_missing(statement, [quote])
    assert not supports(statement, [quote])


def test_a_number_of_one_company_does_not_support_it_of_another() -> None:
    # Both companies and the number stand in the quote; only whose it is differs.
    assert details_missing("平安产险赔付410万件", [CLAIMS_PAID]) == ("410万件",)
    assert details_missing("赔付410万件", [CLAIMS_PAID]) == ()


def test_words_that_the_quote_does_not_have_are_not_supported() -> None:
    assert not supports("2022年平安集团审查工作使客户满意度大幅提升", [REVIEW])
    assert details_missing("2022年平安集团审查工作使客户满意度大幅提升", [REVIEW]) == ()


def test_a_negation_must_stand_in_the_quote() -> None:
    assert supports("平安集团消费者权益保护审查工作发现问题", [REVIEW])
    assert not supports("平安集团消费者权益保护审查工作未发现问题", [REVIEW])


def test_nothing_is_supported_by_no_quote_and_an_empty_statement_by_none() -> None:
    assert not supports("平安人寿赔付410万件", [])
    assert not supports("赔", [])
    assert not supports("", [REVIEW])


def test_a_statement_of_one_word_or_number_must_stand_there_whole() -> None:
    assert supports("95511", [RATE])
    assert not supports("9551", [RATE])


def test_quotes_support_together_what_neither_does_alone() -> None:
    statement = "平安人寿赔付410万件，接通率超99%"
    assert supports(statement, [CLAIMS_PAID, RATE])
    assert not supports(statement, [CLAIMS_PAID])
    assert not supports(statement, [RATE])


def test_citation_recall_is_the_share_of_supported_claims() -> None:
    cited = citations(CLAIMS_PAID, REVIEW)
    claims = (claim("平安人寿赔付410万件", 1), claim("覆盖11家子公司", 1), claim("发现问题164项", 2))
    assert citation_recall(claims, cited) == pytest.approx(2 / 3)


def test_a_claim_without_a_citation_or_with_a_number_of_none_is_not_supported() -> None:
    cited = citations(CLAIMS_PAID)
    assert citation_recall((claim("平安人寿赔付410万件"),), cited) == 0.0
    assert citation_recall((claim("平安人寿赔付410万件", 2),), cited) == 0.0
    assert citation_recall((claim("平安人寿赔付410万件", 1, 2),), cited) == 0.0


def test_a_citation_that_the_others_make_needless_is_not_precise() -> None:
    cited = citations(CLAIMS_PAID, REVIEW, CLAIMS_PAID)
    needless = (claim("平安人寿赔付410万件", 1, 2),)
    assert citation_recall(needless, cited) == 1.0
    assert citation_precision(needless, cited) == 0.5
    # Either carries the claim alone, so neither is irrelevant.
    assert citation_precision((claim("平安人寿赔付410万件", 1, 3),), cited) == 1.0


def test_citations_that_are_only_enough_together_are_both_precise() -> None:
    both = (claim("平安人寿赔付410万件，接通率超99%", 1, 2),)
    assert citation_precision(both, citations(CLAIMS_PAID, RATE)) == 1.0


def test_citations_of_a_claim_that_is_not_supported_are_not_precise() -> None:
    claims = (claim("平安人寿赔付411万件", 1, 2), claim("覆盖11家子公司", 2))
    assert citation_precision(claims, citations(CLAIMS_PAID, REVIEW)) == pytest.approx(1 / 3)


def test_precision_counts_citations_and_recall_counts_claims() -> None:
    cited = citations(CLAIMS_PAID, REVIEW)
    claims = (claim("平安人寿赔付410万件", 1, 2), claim("覆盖11家子公司", 2))
    assert citation_recall(claims, cited) == 1.0
    assert citation_precision(claims, cited) == pytest.approx(2 / 3)


def test_faithfulness_is_about_details_and_not_about_other_words() -> None:
    cited = citations(CLAIMS_PAID, REVIEW)
    claims = (
        claim("平安人寿为客户送去410万件温暖", 1),
        claim("平安人寿赔付411万件", 1),
        claim("覆盖11家子公司", 1),
        claim("覆盖11家子公司", 1, 2),
    )
    assert faithfulness(claims, cited) == 0.5


def test_a_detail_without_a_citation_is_not_faithful() -> None:
    assert faithfulness((claim("赔付410万件"),), citations(CLAIMS_PAID)) == 0.0


def test_nothing_applies_where_nothing_is_claimed_or_cited() -> None:
    assert citation_recall((), citations(REVIEW)) is None
    assert citation_precision((claim("覆盖11家子公司"),), ()) is None
    assert faithfulness((), ()) is None
    assert exact_quotes((), ()) is None


ARTICLE = "甲公司赔付410万件。乙公司赔付245万件。丙公司没有披露。"


def passage(start: int, end: int, article: str = "a") -> SeenPassage:
    return SeenPassage(f"{article}{start}", article, ARTICLE[start:end], start, end, (), 1.0, True)


def quoted(start: int, end: int, quote: str | None = None, article: str = "a") -> Citation:
    text = ARTICLE[start:end] if quote is None else quote
    return Citation(1, "p", article, "标题", "", None, "", (), text, start, end)


def test_a_quote_is_exact_when_it_stands_at_its_offsets() -> None:
    assert exact_quotes([quoted(11, 22)], [passage(0, 22)]) == 1.0
    assert exact_quotes([quoted(11, 22)], [passage(11, 22), passage(0, 11)]) == 1.0


def test_a_quote_beside_its_offsets_is_not_exact() -> None:
    assert exact_quotes([quoted(12, 23, ARTICLE[11:22])], [passage(0, 30)]) == 0.0
    assert exact_quotes([quoted(11, 22, ARTICLE[11:21])], [passage(0, 30)]) == 0.0
    assert exact_quotes([quoted(0, 11), quoted(11, 22, "乙公司赔付246万件。")], [passage(0, 30)]) == 0.5


def test_of_a_quote_that_runs_over_passages_every_part_must_stand_there() -> None:
    assert exact_quotes([quoted(4, 16)], [passage(0, 11), passage(11, 22)]) == 1.0
    bent = ARTICLE[4:15] + "九"
    assert exact_quotes([quoted(4, 16, bent)], [passage(0, 11), passage(11, 22)]) == 0.0


def test_a_quote_that_no_passage_overlaps_cannot_be_checked() -> None:
    assert exact_quotes([quoted(11, 22)], [passage(0, 11), passage(11, 22, "b")]) is None
    assert exact_quotes([quoted(0, 11), quoted(11, 22)], [passage(0, 11)]) == 1.0
