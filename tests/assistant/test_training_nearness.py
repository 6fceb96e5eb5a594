"""Pairs that the embedding model learns from: a question, the text that answers it, and one beside it that does not."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from assistant.training.data import Asked, Text
from assistant.training.nearness import Pair, Pairs, Plan, Shown, loss_of
from assistant.training.spoken import Spoken
from index.segmentation import Span

TEXT = "甲公司去年推出防骗大篷车。大篷车走过12个县，听讲的有3万人。乙公司没有这样的车。"
ANSWER = Span(TEXT.index("12个县"), TEXT.index("12个县") + 4)


@pytest.fixture
def spoken(tmp_path: Path) -> Spoken:
    quote = Span(TEXT.index("大篷车走过"), ANSWER.end)
    row = {
        "source": "news:1",
        "question": "车跑了多少县？",
        "quote": [quote.start, quote.end],
        "answer": [ANSWER.start, ANSWER.end],
        "check": sha256(TEXT[quote.start : quote.end].encode()).hexdigest()[:8],
    }
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps(row), encoding="utf-8")
    return Spoken([Text("news:1", "news:1", "", TEXT)], file)


@pytest.mark.parametrize(("share", "longest"), [(0.0, 250), (1.0, 14)])
def test_a_spoken_question_is_shown_its_answer_and_a_text_without_it(
    spoken: Spoken, share: float, longest: int
) -> None:
    plan = Plan(spoken=1.0, passages=share, longest=longest, traditional=0.0)
    for seed in range(10):
        pair = Pairs(spoken, [], plan).draw(random.Random(seed))
        assert pair is not None
        assert pair.shown.holds("news:1", ANSWER)
        assert not pair.beside.holds("news:1", ANSWER)
        assert "12个县" not in pair.beside.text


def test_an_encyclopaedic_question_is_shown_its_answer_and_a_text_without_it(spoken: Spoken) -> None:
    asked = [Asked("q", "走过多少个县？", Text("t", "g", "大篷车", TEXT), ANSWER, ("12个县",))]
    pairs = Pairs(spoken, asked, Plan(spoken=0.0, traditional=0.0))
    drawn = [pairs.draw(random.Random(seed)) for seed in range(20)]
    found = [pair for pair in drawn if pair]
    assert found
    assert all("12个县" in pair.shown.text and "12个县" not in pair.beside.text for pair in found)


def test_a_text_that_answers_too_is_no_negative() -> None:
    here, there = Shown("甲", "t", Span(0, 5)), Shown("乙", "u", Span(0, 5))
    first = Pair("一", "t", Span(1, 2), here, there)
    again = Pair("二", "t", Span(1, 3), here, there)
    vectors = torch.eye(4)
    near = vectors[[0, 0]]
    alone = loss_of(near, vectors[[0, 0, 2, 3]], [first, again], 0.1)
    assert alone.item() == pytest.approx(0.0, abs=1e-3)
    elsewhere = Pair("二", "v", Span(1, 3), Shown("丙", "v", Span(0, 5)), there)
    assert loss_of(near, vectors[[0, 0, 2, 3]], [first, elsewhere], 0.1).item() > 1.0
