"""What readers think of answers, on a real file."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from eval.drafting import from_feedback, parse_feedback
from tests.ui.conftest import CLAIMS, answer, citation, passage
from tests.ui.keeping import QUOTE, ask, modified
from ui.errors import RecordsError, RecordsInputError, UnknownAnswerError
from ui.feedback import MAX_COMMENT_CHARS, REASONS
from ui.records import Turn


def test_feedback_is_what_the_evaluation_reads(records, feedback):
    first = answer("多少件？", f"{QUOTE}[1]。", [citation(1, CLAIMS, QUOTE)], [passage(CLAIMS)], id="a1")
    id = records.add("甲", None, Turn.of("多少件？", first)).id
    records.add("甲", id, Turn("坏了？", error="出错了。"))
    second = answer("那产险呢？", f"{QUOTE}[1]。", [citation(1, CLAIMS, QUOTE)], id="a2", index_version="v-7")
    records.add("甲", id, Turn.of("那产险呢？", second))
    feedback.rate("甲", "a2", "down", "答案错误", " 应为\n1,000万件 ")
    feedback.rate("甲", "a1", "up", "", "")
    exported = list(feedback.all())
    assert exported[0] == {
        "created": exported[0]["created"],
        "rating": "down",
        "reason": "答案错误",
        "comment": "应为\n1,000万件",
        "question": "那产险呢？",
        "history": [
            {"role": "user", "content": "多少件？"},
            {"role": "assistant", "content": f"{QUOTE}[1]。"},
        ],
        "answer": json.loads(json.dumps(second.to_dict())),
        "index_version": "v-7",
    }
    assert datetime.fromisoformat(exported[0]["created"]) <= datetime.fromisoformat(exported[1]["created"])
    lines = [json.dumps(one, ensure_ascii=False) for one in exported]
    parsed = parse_feedback(lines)
    assert [(one.rating, one.reason, one.question) for one in parsed] == [
        ("down", "答案错误", "那产险呢？"),
        ("up", "", "多少件？"),
    ]
    assert parsed[0].history == (("user", "多少件？"), ("assistant", f"{QUOTE}[1]。"))
    assert parsed[1].response.citations[0].quote == QUOTE
    assert len(from_feedback(lines)) == 2


def test_rating_again_replaces_and_withdrawing_removes(records, feedback):
    for question in ("一", "二", "三"):
        ask(records, question)
        feedback.rate("甲", f"a-{question}", "up", "", "")
    feedback.rate("甲", "a-一", "down", "没找到", "再看")
    feedback.unrate("甲", "a-二")
    feedback.unrate("甲", "从没评过")
    assert [(one["question"], one["rating"]) for one in feedback.all()] == [("三", "up"), ("一", "down")]
    wanted = ["a-一", "a-二", "a-三", "\ud800"]
    assert feedback.rating("甲", wanted) == {"a-一": "down", "a-三": "up"}
    assert feedback.rating("甲", []) == {}
    assert feedback.total() == 2


@pytest.mark.parametrize(
    ("rating", "reason", "comment", "said"),
    [
        ("down", "", "", "请选择原因"),
        ("down", "不喜欢", "", "不喜欢"),
        ("up", "不喜欢", "", "没有「不喜欢」这个原因"),
        ("down", "其他", "长" * (MAX_COMMENT_CHARS + 1), "说明太长"),
        ("sideways", "", "", "up 或 down"),
    ],
)
def test_feedback_that_is_not_as_it_has_to_be_is_refused_in_chinese(
    records, feedback, rating, reason, comment, said
):
    ask(records, "一")
    with pytest.raises(RecordsInputError, match=said):
        feedback.rate("甲", "a-一", rating, reason, comment)
    assert list(feedback.all()) == []


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_and_the_longest_comment_are_taken(records, feedback, reason):
    ask(records, "一")
    feedback.rate("甲", "a-一", "down", reason, "长" * MAX_COMMENT_CHARS)
    assert [one["reason"] for one in feedback.all()] == [reason]


def test_feedback_outlives_its_conversation(records, feedback):
    conversation = ask(records, "一")
    feedback.rate("甲", "a-一", "down", "其他", "说明")
    records.delete("甲", conversation.id)
    assert [one["question"] for one in feedback.all()] == ["一"]
    assert feedback.rating("甲", ["a-一"]) == {"a-一": "down"}
    with pytest.raises(UnknownAnswerError):
        feedback.rate("甲", "a-一", "up", "", "")
    feedback.unrate("甲", "a-一")
    assert list(feedback.all()) == []


def test_damaged_feedback_is_named(file, records, feedback):
    ask(records, "一")
    feedback.rate("甲", "a-一", "up", "", "")
    modified(file, "UPDATE feedback SET answer = '{'")
    with pytest.raises(RecordsError, match="第 1 条反馈已损坏"):
        list(feedback.all())


def test_an_answer_that_is_damaged_cannot_be_rated(file, records, feedback):
    ask(records, "一")
    modified(file, "UPDATE turns SET answer = '{'")
    with pytest.raises(RecordsError, match="已损坏的回答"):
        feedback.rate("甲", "a-一", "up", "", "")
    ask(records, "二")
    feedback.rate("甲", "a-二", "up", "", "")
