"""Asking and judging, with answers built by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from assistant.errors import QuestionError
from assistant.schema import Answer, Citation, Role, Status
from eval.cases import Case, Document
from eval.runner import Ask, UnsupportedCaseError, judge, run
from index.errors import IndexMissingError

CASE = Case(
    id="fig-1",
    kind="figure",
    question="平安人寿赔付了多少件？",
    history=(),
    answerable=True,
    facts=(("410万件", "410万"),),
    evidence=("平安人寿赔付410万件",),
    forbid=("1.9亿",),
)
FAR = Case("far-1", "unanswerable_far", "今天天气怎么样？", (), False, (), (), ())


def answer(text: str, status: Status = "grounded", quotes: Sequence[str] = ()) -> Answer:
    citations = tuple(
        Citation(number, "p", "a", "标题", "", None, "", (), quote, 0, len(quote))
        for number, quote in enumerate(quotes, 1)
    )
    return Answer(
        "1", "q", "q", "figure", status, text, (), citations, (), (), "reader", "v1", {"total": 5.0}
    )


def scripted(*answers: Answer | Exception) -> tuple[Ask, list[tuple[str, tuple[tuple[Role, str], ...]]]]:
    """Something to ask that gives these answers in turn, and what it was asked."""
    left = list(answers)
    asked: list[tuple[str, tuple[tuple[Role, str], ...]]] = []

    def ask(question: str, history: Sequence[tuple[Role, str]]) -> Answer:
        asked.append((question, tuple(history)))
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return ask, asked


@pytest.mark.parametrize("status", ["grounded", "partial"])
def test_an_answer_with_the_fact_is_right(status: Status) -> None:
    result = judge(CASE, answer("平安人寿赔付410万件[1]", status, ["其中,平安人寿赔付410万件"]))
    assert result.right
    assert result.reasons == ()
    assert result.evidence_recall == 1.0
    assert result.length == 11


def test_an_answer_without_the_fact_is_wrong_and_says_which() -> None:
    result = judge(CASE, answer("平安健康险赔付245万件[1]", quotes=["平安健康险赔付245万件"]))
    assert not result.right
    assert result.facts_missing == (("410万件", "410万"),)
    assert result.reasons == ("缺少：410万件 / 410万",)
    assert result.evidence_recall == 0.0


def test_a_forbidden_string_makes_an_answer_wrong() -> None:
    result = judge(CASE, answer("平安人寿赔付410万件、平安产险赔付1.9亿件"))
    assert not result.right
    assert result.forbidden == ("1.9亿",)
    assert result.reasons == ("不应出现：1.9亿",)


def test_an_answer_may_be_as_long_as_its_cap_and_no_longer() -> None:
    text = "410万件" + "啊" * 85
    assert judge(CASE, answer(text + "[1]")).right
    too_long = judge(CASE, answer(text + "啊[1]"))
    assert not too_long.right
    assert too_long.reasons == ("太长：91 字，上限 90 字",)
    assert judge(replace(CASE, max_chars=91), answer(text + "啊[1]")).right


@pytest.mark.parametrize("status", ["not_found", "declined"])
def test_refusing_an_answerable_question_is_wrong_whatever_the_text_says(status: Status) -> None:
    result = judge(CASE, answer("没有找到，最接近的是：平安人寿赔付410万件", status))
    assert not result.right
    assert result.refused
    assert result.facts_missing == CASE.facts
    assert result.evidence_recall is None


def test_small_talk_is_neither_an_answer_nor_a_refusal() -> None:
    for case in (CASE, FAR):
        result = judge(case, answer("平安人寿赔付410万件，您好", "smalltalk"))
        assert not result.right
        assert not result.refused
        assert not result.answered


@pytest.mark.parametrize(
    ("status", "right"), [("not_found", True), ("declined", True), ("grounded", False), ("partial", False)]
)
def test_an_unanswerable_question_is_right_when_refused(status: Status, right: bool) -> None:
    result = judge(FAR, answer("今天晴。", status))
    assert result.right is right
    assert bool(result.reasons) is not right
    assert result.evidence_recall is None


def test_evidence_does_not_apply_to_a_case_without_any() -> None:
    assert judge(replace(CASE, evidence=()), answer("410万件", quotes=["410万件"])).evidence_recall is None


def test_every_case_is_asked_with_its_history_in_order_and_progress_is_told() -> None:
    follow_up = replace(
        CASE, id="fu-1", kind="follow_up", question="人寿呢？", history=(("user", "产险赔付多少？"),)
    )
    ask, asked = scripted(answer("没有找到", "not_found"), answer("410万件[1]"))
    told: list[tuple[int, int]] = []
    results = run([FAR, follow_up], ask, progress=lambda done, total: told.append((done, total))).results
    assert asked == [("今天天气怎么样？", ()), ("人寿呢？", (("user", "产险赔付多少？"),))]
    assert [(result.case.id, result.right) for result in results] == [("far-1", True), ("fu-1", True)]
    assert told == [(1, 2), (2, 2)]


def test_a_question_that_is_not_taken_is_wrong_and_the_run_goes_on() -> None:
    ask, _ = scripted(QuestionError("问题太长。"), answer("410万件"))
    first, second = run([CASE, replace(CASE, id="fig-2")], ask).results
    assert first.answer is None
    assert not first.right and not first.refused
    assert first.error == "问题太长。"
    assert second.right


def test_an_unusable_index_ends_the_run() -> None:
    ask, _ = scripted(IndexMissingError("没有索引。"))
    with pytest.raises(IndexMissingError):
        run([CASE], ask)


def test_a_case_with_documents_is_asked_of_those_alone() -> None:
    closed = replace(CASE, id="closed-1", documents=(Document("报道", "平安人寿赔付410万件。"),))
    ask, asked = scripted(answer("没有找到", "not_found"))
    inside, asked_inside = scripted(answer("410万件"))
    seen: list[tuple[Document, ...]] = []

    def ask_for(documents: tuple[Document, ...]) -> Ask:
        seen.append(documents)
        return inside

    results = run([closed, FAR], ask, ask_for=ask_for).results
    assert [result.right for result in results] == [True, True]
    assert seen == [closed.documents]
    assert asked_inside == [(CASE.question, ())]
    assert asked == [(FAR.question, ())]


def test_documents_that_a_target_cannot_take_are_refused_before_anything_is_asked() -> None:
    ask, asked = scripted(answer("410万件"))
    with pytest.raises(UnsupportedCaseError, match="closed-1"):
        run([CASE, replace(CASE, id="closed-1", documents=(Document("t", "x"),))], ask)
    assert asked == []
