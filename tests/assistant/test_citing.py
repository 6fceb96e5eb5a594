"""Compositions into claims with numbered citations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assistant.citing import Citer
from assistant.composition import Composition, Proof, Statement

_TEXT = "平安人寿理赔30单。平安产险理赔45单。\n一是开通热线。二是设立柜台。"


@pytest.fixture(scope="module")
def small(desk: Callable[[str], Any]) -> Any:
    """A small article in two passages."""
    return desk(_TEXT)


def said(small: Any, words: str, quote: str | None = None) -> Statement:
    """A statement proved by a stretch of the small article."""
    start = _TEXT.index(quote or words)
    return Statement(words, (Proof(small.source, start, start + len(quote or words)),))


def test_a_citation_quotes_the_article_where_it_says(small: Any) -> None:
    citer = Citer(small.passage_at)
    assert citer.cite(Composition((said(small, "平安人寿理赔30单"),))) == "平安人寿理赔30单[1]"
    (citation,) = citer.citations
    assert _TEXT[citation.start : citation.end] == citation.quote == "平安人寿理赔30单"
    assert (citation.passage_id, citation.title, citation.publisher) == ("brief-0", "平安消保简报", "测试社")
    assert citer.claims[0].citation_numbers == (1,) and citer.claims[0].support == "verbatim"


def test_claims_that_rest_on_the_same_words_share_a_number(small: Any) -> None:
    citer = Citer(small.passage_at)
    first = said(small, "平安人寿理赔30单", "平安人寿理赔30单。平安产险理赔45单。")
    assert citer.cite(Composition((first, said(small, "平安产险理赔45单")))).count("[1]") == 2
    assert len(citer.citations) == 1


def test_numbers_run_on_through_the_parts_of_an_answer(small: Any) -> None:
    citer = Citer(small.passage_at)
    citer.cite(Composition((said(small, "平安人寿理赔30单"),)))
    assert citer.cite(Composition((said(small, "二是设立柜台"),))) == "二是设立柜台[2]"


def test_neighbouring_items_of_one_passage_are_proved_by_one_quote(small: Any) -> None:
    citer = Citer(small.passage_at)
    text = citer.cite(Composition((said(small, "一是开通热线"), said(small, "二是设立柜台")), bullets=True))
    assert text == "- 一是开通热线[1]\n- 二是设立柜台[1]"
    assert [citation.quote for citation in citer.citations] == ["一是开通热线。二是设立柜台"]


def test_items_of_two_passages_are_proved_apart(small: Any) -> None:
    citer = Citer(small.passage_at)
    citer.cite(Composition((said(small, "平安产险理赔45单"), said(small, "一是开通热线")), bullets=True))
    assert [citation.passage_id for citation in citer.citations] == ["brief-0", "brief-1"]


def test_what_its_quotes_do_not_carry_is_not_said(small: Any) -> None:
    citer = Citer(small.passage_at)
    wrong = said(small, "平安人寿理赔99单", "平安人寿理赔30单")
    assert citer.cite(Composition((wrong,), lead="是的，")) == ""
    assert citer.claims == [] and citer.citations == []


def test_lead_and_joining_words_stand_around_the_statements(small: Any) -> None:
    order = (said(small, "平安产险理赔45单"), said(small, "平安人寿理赔30单"))
    text = Citer(small.passage_at).cite(Composition(order, lead="最多的是", joined="；其余："))
    assert text == "最多的是平安产险理赔45单[1]；其余：平安人寿理赔30单[2]"
