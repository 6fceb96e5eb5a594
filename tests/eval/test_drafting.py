"""Drafts of cases from feedback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.cases import Case, load_cases
from eval.drafting import DRAFT, drafts_text, from_feedback
from eval.errors import CasesError

QUOTE = "2022年，平安人寿赔付410万件，平安产险赔付1.9亿件"


def line(
    question: str = "平安人寿赔付了多少件？",
    rating: str = "up",
    text: str = "平安人寿赔付410万件[1]",
    status: str = "grounded",
    **fields: Any,
) -> str:
    """One exported line of feedback."""
    citation = {
        "number": 1,
        "passage_id": "p1",
        "article_id": "a1",
        "title": "简报",
        "publisher": "",
        "published": None,
        "url": "",
        "headings": [],
        "quote": QUOTE,
        "start": 0,
        "end": len(QUOTE),
    }
    answer = {
        "text": text,
        "kind": "figure",
        "status": status,
        "looked_up": question,
        "claims": [],
        "citations": [citation] if status == "grounded" else [],
        "passages": [],
        "engine": "reader",
        "index_version": "v1",
        "timings_ms": {},
    }
    values = {
        "question": question,
        "history": [],
        "answer": answer,
        "rating": rating,
        "reason": "",
        "comment": "",
        "index_version": "v1",
        "created": "2024-01-01T00:00:00",
    }
    return json.dumps(values | fields, ensure_ascii=False)


def only(*lines: str) -> dict[str, Any]:
    """The one draft of some feedback."""
    (draft,) = from_feedback(lines)
    return draft


def test_a_praised_answer_gives_its_figures_as_facts_and_its_citations_as_evidence() -> None:
    draft = only(line())
    assert draft["facts"] == [["410万件"]]
    assert draft["evidence"] == [QUOTE]
    assert (draft["kind"], draft["answerable"], draft[DRAFT]["needs_review"]) == ("figure", True, False)


def test_a_fact_that_no_citation_holds_is_not_taken() -> None:
    assert only(line(text="平安人寿赔付410万件，比500万件少[1]"))["facts"] == [["410万件"]]


def test_a_date_is_one_fact_and_the_marker_of_a_citation_is_none() -> None:
    assert only(line(text="2022年平安人寿赔付410万件[1]"))["facts"] == [["2022年"], ["410万件"]]


def test_an_answer_without_figures_gives_its_names_as_facts() -> None:
    assert only(line(text="是平安产险[1]"))["facts"] == [["平安产险"]]


def test_a_blamed_answer_gives_a_draft_that_a_person_has_to_fill_in() -> None:
    draft = only(line(rating="down", reason="答案错误", comment="应该是500万"))
    assert draft["facts"] == [] and draft["evidence"] == []
    assert draft[DRAFT]["needs_review"] is True
    assert "答案错误" in draft[DRAFT]["reason"]
    assert draft[DRAFT]["comments"] == ["应该是500万"]


def test_a_praised_refusal_is_drafted_as_not_answerable() -> None:
    draft = only(line("股价多少？", text="资料中没有找到答案。", status="not_found"))
    assert (draft["answerable"], draft["kind"], draft["facts"]) == (False, "unanswerable_near", [])


def test_the_same_question_written_otherwise_is_one_draft_and_blame_outweighs_praise() -> None:
    draft = only(line(), line("平安人壽賠付了多少件"), line(" 平安人寿赔付了多少件?", rating="down"))
    assert draft["facts"] == []
    assert "2 次有帮助，1 次没帮助" in draft[DRAFT]["reason"]


def test_of_several_praised_answers_the_newest_counts() -> None:
    newer = line(text="平安产险赔付1.9亿件[1]", created="2024-02-01T00:00:00")
    assert only(newer, line())["facts"] == [["1.9亿件"]]


def test_the_same_words_after_other_turns_are_another_question() -> None:
    history = [{"role": "user", "content": "平安产险呢？"}]
    drafts = from_feedback([line(), line(history=history)])
    assert [draft["kind"] for draft in drafts] == ["figure", "follow_up"]
    assert drafts[0]["id"] != drafts[1]["id"]


def test_what_is_a_case_already_is_not_drafted() -> None:
    known = Case("c", "figure", "平安人寿赔付了多少件", (), True, (("410万件",),), (), ())
    assert from_feedback([line()], [known]) == []


def test_lines_that_are_no_feedback_are_all_named() -> None:
    with pytest.raises(CasesError) as caught:
        from_feedback(["{", "", '{"question": "问"}', line(rating="5"), line(answer={"text": "x"})])
    message = str(caught.value)
    assert all(f"第 {number} 行" in message for number in (1, 3, 4, 5))
    assert "answer、rating" in message


def test_a_draft_is_refused_as_a_case_until_a_person_has_accepted_it(tmp_path: Path) -> None:
    file = tmp_path / "drafts.jsonl"
    drafts = from_feedback([line()])
    file.write_text(drafts_text(drafts), "utf-8")
    with pytest.raises(CasesError):
        load_cases([file])
    accepted = [{name: value for name, value in draft.items() if name != DRAFT} for draft in drafts]
    file.write_text(drafts_text(accepted), "utf-8")
    assert [case.facts for case in load_cases([file])] == [(("410万件",),)]
