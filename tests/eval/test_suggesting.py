"""Drafts of cases from what the articles say and no case asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from eval.cases import Case, load_cases
from eval.drafting import DRAFT, drafts_text
from eval.errors import CasesError
from eval.normalising import contains, normalise
from eval.suggesting import suggest
from index.loading import load_articles
from index.schema import Article

TEXT = (
    "2022年，平安产险赔付1.9亿件，接待客户约1556人次。新办法于2023年3月1日起正式施行。\n"
    "平安银行搭建线上调解室，秉持“有温度的金融”初心，为全体客户提供省心省时又省钱的服务，打造放心的金融消费环境。"
)
ARTICLE = Article("a", "简报", "", None, "", TEXT)


def asked(*evidence: str, question: str = "问？") -> Case:
    """A case that rests on some evidence."""
    return Case("c", "figure", question, (), True, (("x",),), evidence, ())


def questions(*cases: Case, count: int = 20) -> list[str]:
    """What rules ask of the article."""
    return [draft["question"] for draft in suggest([ARTICLE], cases, count).drafts]


def scripted(*replies: Any) -> GenericFakeChatModel:
    """A model that says this, then falls silent with an empty list."""
    texts = [reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False) for reply in replies]
    return GenericFakeChatModel(messages=iter([AIMessage(text) for text in [*texts, *["[]"] * 9]]))


def test_figures_dates_companies_and_names_are_asked_for() -> None:
    assert questions() == [
        "2022年哪家公司赔付1.9亿件？",
        "2022年平安产险赔付多少件？",
        "2022年平安产险接待客户多少人次？",
        "新办法于什么时候起正式施行？",
        "哪家公司搭建线上调解室？",
        "平安银行秉持什么初心？",
    ]


def test_a_draft_names_its_fact_and_evidence_and_what_is_to_be_done() -> None:
    draft = suggest([ARTICLE], [], 2).drafts[1]
    assert (draft["kind"], draft["facts"], draft["evidence"]) == (
        "figure",
        [["1.9亿件"]],
        ["平安产险赔付1.9亿件"],
    )
    assert draft[DRAFT]["needs_review"] and "简报" in draft[DRAFT]["reason"]


def test_what_a_case_rests_on_is_not_asked_again() -> None:
    left = questions(asked("平安产险赔付1.9亿件", "新办法于2023年3月1日起"))
    assert left == ["2022年平安产险接待客户多少人次？", "哪家公司搭建线上调解室？", "平安银行秉持什么初心？"]


def test_a_question_that_a_case_has_is_not_asked_again() -> None:
    assert "平安银行秉持什么初心？" not in questions(asked(question="平安银行秉持什么初心"))


def test_no_more_are_drafted_than_asked_for_and_none_is_no_number() -> None:
    assert len(questions(count=3)) == 3
    with pytest.raises(ValueError, match="count"):
        suggest([ARTICLE], [], 0)


def test_every_draft_on_the_real_articles_holds_its_fact_in_verbatim_evidence(articles_folder: Path) -> None:
    articles = load_articles(articles_folder)
    drafts = suggest(articles, [], 60).drafts
    assert len(drafts) == 60
    for draft in drafts:
        (evidence,), ((fact,),) = draft["evidence"], draft["facts"]
        assert any(evidence in article.text for article in articles)
        assert contains(normalise(evidence), normalise(fact))
        assert not contains(normalise(draft["question"]), normalise(fact))
    assert len({draft["id"] for draft in drafts}) == 60


def test_a_draft_is_no_case_until_a_person_has_accepted_it(tmp_path: Path) -> None:
    file = tmp_path / "drafts.jsonl"
    file.write_text(drafts_text(suggest([ARTICLE], [], 3).drafts), "utf-8")
    with pytest.raises(CasesError):
        load_cases([file])


GOOD = {
    "question": "线上调解室是谁搭的？",
    "fact": "平安银行",
    "evidence": "平安银行搭建线上调解室",
    "kind": "entity",
}


def test_what_a_model_writes_is_taken_where_it_stands_in_the_text() -> None:
    suggestions = suggest([ARTICLE], [asked("2022年，平安产险赔付1.9亿件")], 5, scripted([GOOD]))
    (draft,) = suggestions.drafts
    assert (draft["question"], draft["facts"], draft["evidence"]) == (
        GOOD["question"],
        [["平安银行"]],
        ["平安银行搭建线上调解室"],
    )
    assert suggestions.rejected == ()


def test_a_fenced_answer_of_a_model_is_read_too() -> None:
    fenced = f"```json\n{json.dumps([GOOD], ensure_ascii=False)}\n```"
    assert len(suggest([ARTICLE], [asked("2022年，平安产险")], 5, scripted(fenced)).drafts) == 1


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("好的，题目如下", "不是 JSON"),
        ([GOOD | {"evidence": "平安银行搭建了调解室"}], "evidence 不是段落原文"),
        ([GOOD | {"fact": "平安证券"}], "fact 不在 evidence 里"),
        ([GOOD | {"question": "平安银行搭建了什么？"}], "question 里已经有答案"),
        ([GOOD | {"kind": "robust"}], "kind 不可用"),
        ([{"question": "问？"}], "缺少"),
        (["问？"], "缺少"),
    ],
)
def test_what_does_not_stand_is_rejected_and_said(written: Any, why: str) -> None:
    suggestions = suggest([ARTICLE], [asked("2022年，平安产险")], 5, scripted(written))
    assert suggestions.drafts == ()
    assert len(suggestions.rejected) == 1 and why in suggestions.rejected[0]


def test_a_model_is_shown_only_paragraphs_that_no_case_rests_on() -> None:
    covered = asked("2022年，平安产险赔付1.9亿件", "平安银行搭建线上调解室")
    assert suggest([ARTICLE], [covered], 5, scripted([GOOD])).drafts == ()
