"""Questions as people ask them: where their answers stand, and texts that no longer are what they were written for."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path

import pytest

from assistant.training.data import MaterialError, Text
from assistant.training.spoken import FILE, Mix, Spoken

TEXT = "甲公司去年推出防骗大篷车。大篷车走过12个县，听讲的有3万人。乙公司没有这样的车。"
NEWS = [Text("news:1", "news:1", "", TEXT)]


def question(quote: str, answer: str, source: str = "news:1") -> str:
    start = TEXT.index(quote)
    place = [TEXT.index(answer), TEXT.index(answer) + len(answer)] if answer else None
    check = sha256(quote.encode()).hexdigest()[:8]
    row = {
        "source": source,
        "question": "车跑了多少县？",
        "quote": [start, start + len(quote)],
        "answer": place,
        "check": check,
    }
    return json.dumps(row)


def spoken(tmp_path: Path, *lines: str) -> Spoken:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return Spoken(NEWS, file)


def test_an_answer_is_shown_where_it_stands(tmp_path: Path) -> None:
    drawn = spoken(tmp_path, question("大篷车走过12个县", "12个县"))
    for seed in range(20):
        example = drawn.draw(30, random.Random(seed), Mix(0.0, 1.0, 0.0))
        assert example.answerable
        assert example.answer is not None
        assert example.text[example.answer.start : example.answer.end] == "12个县"


def test_a_part_that_lacks_the_answer_is_shown_as_one(tmp_path: Path) -> None:
    drawn = spoken(tmp_path, question("大篷车走过12个县", "12个县"))
    for seed in range(20):
        example = drawn.draw(12, random.Random(seed), Mix(0.0, 0.0, 1.0))
        assert not example.answerable
        assert "12个县" not in example.text


def test_a_near_miss_has_no_answer(tmp_path: Path) -> None:
    drawn = spoken(tmp_path, question("乙公司没有这样的车", ""))
    example = drawn.draw(30, random.Random(1), Mix(0.0, 1.0, 0.0))
    assert (example.answer, example.answerable) == (None, False)
    assert "乙公司没有这样的车" in example.text


def test_a_text_that_has_changed_is_said_to_have(tmp_path: Path) -> None:
    moved = question("大篷车走过12个县", "12个县").replace('"quote": [', '"quote": [1, 2], "was": [')
    with pytest.raises(MaterialError, match="news:1 is not the text"):
        spoken(tmp_path, moved)
    with pytest.raises(MaterialError, match="news:9"):
        spoken(tmp_path, question("大篷车走过12个县", "12个县", source="news:9"))


def test_every_shipped_question_about_the_articles_fits_them(tmp_path: Path) -> None:
    lines = FILE.read_text("utf-8").splitlines()
    own = [line for line in lines if not json.loads(line)["source"].startswith("crud:")]
    assert len(own) > 500
    found = spoken(tmp_path, *own)
    assert 0.2 < sum(talk.answer is None for talk in found.talks) / len(own) < 0.5
    assert all(
        talk.answer is None or talk.quote.start <= talk.answer.start < talk.answer.end <= talk.quote.end
        for talk in found.talks
    )
