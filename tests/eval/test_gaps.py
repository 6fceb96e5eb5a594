"""Unanswered questions, put together by meaning."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from eval.gaps import gaps, gaps_text, unanswered
from index.embedding import ModelEmbeddings

QUESTIONS = [
    "房贷利率现在多少？",
    "公司年假有几天，怎么申请？",
    "退保能退多少钱",
    "按揭贷款利率是几个点",
    "我要退保",
    "首套房贷款的利率",
    "首套房贷款的利率？",
    "今天天气如何",
]


def unrelated(texts: Sequence[str]) -> np.ndarray:
    """Vectors that have nothing to do with each other."""
    return np.eye(len(texts), dtype=np.float32)


def test_questions_of_one_topic_are_one_gap_and_the_most_asked_comes_first(
    real_model: ModelEmbeddings,
) -> None:
    found = gaps(QUESTIONS, real_model.vectors)
    assert (found[0].asked, found[0].questions) == (4, 3)
    assert set(found[0].examples) == {"房贷利率现在多少？", "按揭贷款利率是几个点", "首套房贷款的利率"}
    assert {"我要退保", "退保能退多少钱"} in [set(gap.examples) for gap in found]
    assert sum(gap.asked for gap in found) == len(QUESTIONS)


def test_the_keywords_are_what_most_of_its_questions_share(real_model: ModelEmbeddings) -> None:
    assert gaps(QUESTIONS, real_model.vectors)[0].keywords[:1] == ("利率",)


def test_two_questions_about_nothing_in_common_stay_apart(real_model: ModelEmbeddings) -> None:
    assert len(gaps(["公司年假有几天？", "信用卡怎么还款？"], real_model.vectors)) == 2


def test_two_wordings_of_one_question_come_together(real_model: ModelEmbeddings) -> None:
    assert len(gaps(["退保怎么办理", "怎么退保"], real_model.vectors)) == 1


def test_the_same_question_is_counted_not_listed_twice() -> None:
    (gap,) = gaps(["怎么退保？", "怎麼退保", "怎么退保"], unrelated)
    assert (gap.asked, gap.questions, gap.examples) == (3, 1, ("怎么退保？",))


def test_the_distance_decides_what_is_together() -> None:
    assert len(gaps(QUESTIONS, unrelated, 0.0)) == 7
    assert len(gaps(QUESTIONS, unrelated, 1.0)) == 1
    with pytest.raises(ValueError, match="distance"):
        gaps(QUESTIONS, unrelated, 1.5)


def test_no_questions_leave_no_gap() -> None:
    assert gaps([], unrelated) == []
    assert gaps_text([]) == "没有未能回答的问题。"


def test_the_text_begins_with_what_is_asked_most(real_model: ModelEmbeddings) -> None:
    lines = gaps_text(gaps(QUESTIONS, real_model.vectors)).split("\n")
    assert lines[0].startswith("未能回答的问题：8 次")
    assert lines[1].startswith("1. 4 次，3 种问法（利率")


def test_questions_are_read_from_feedback_runs_and_plain_text() -> None:
    lines = [
        json.dumps({"question": "那股价呢", "answer": {"status": "not_found", "looked_up": "平安股价"}}),
        json.dumps({"case": "c1", "repeat": 1, "answer": {"status": "not_found", "question": "年假几天"}}),
        json.dumps({"question": "答了的", "answer": {"status": "grounded", "question": "答了的"}}),
        json.dumps({"case": "c2", "repeat": 1, "answer": None, "error": "太长"}),
        "# 七月客服记录",
        "",
        "怎么退保？",
        "{括号}里的问题",
    ]
    assert unanswered(lines) == ["平安股价", "年假几天", "怎么退保？", "{括号}里的问题"]
