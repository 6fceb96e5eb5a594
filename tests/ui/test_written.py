"""That nothing of what was said gets into the file but through the one place where it can still be reworded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.schema import Claim
from tests.ui.conftest import CLAIMS, answer, citation, passage
from tests.ui.keeping import QUOTE, everything_in
from ui import written as module
from ui.kept import KeptAnswers
from ui.records import Turn
from ui.snapshot import Snapshot

SAID = "SECRET"


@pytest.fixture
def reworded(monkeypatch):
    monkeypatch.setattr(
        module, "_reworded", lambda text: text.replace(SAID, "＊").replace(SAID.lower(), "＊")
    )


def talkative(id: str = "a1"):
    """An answer that repeats what was said wherever an answer can."""
    said = answer(
        f"{SAID}？", f"{SAID}：{QUOTE}[1]。", [citation(1, CLAIMS, QUOTE)], [passage(CLAIMS)], id=id
    )
    return replace(
        said,
        claims=(Claim(f"{SAID}：{QUOTE}", (1,), "verbatim"),),
        suggestions=(f"{SAID}呢？",),
        looked_up=SAID,
    )


def test_every_word_of_a_conversation_and_its_feedback_passes_one_place(reworded, file, records, feedback):
    turn = Turn.of(f"{SAID}？", talkative())
    conversation = records.add("甲", None, turn)
    assert conversation.title == "＊？"
    records.add("甲", conversation.id, Turn(f"{SAID}！", error=f"{SAID}不能回答。"))
    records.add("甲", conversation.id, Turn.of(f"{SAID}？", talkative("a2")))
    assert records.rename("甲", conversation.id, f"我的{SAID}").title == "我的＊"
    feedback.rate("甲", "a2", "down", "其他", f"{SAID}错了")
    content = everything_in(file)
    assert SAID.encode() not in content and SAID.lower().encode() not in content
    kept = records.turns("甲", conversation.id)[0].answer
    assert (kept.text, kept.claims[0].text) == (f"＊：{QUOTE}[1]。", f"＊：{QUOTE}")
    assert kept.citations == turn.answer.citations and kept.passages == turn.answer.passages
    one = next(feedback.all())
    assert one["comment"] == "＊错了" and one["history"][0]["content"] == "＊？"


def test_every_word_of_an_answer_without_a_conversation_passes_that_place_too(
    reworded, file, database, feedback
):
    history = (("user", f"{SAID}一"), ("assistant", f"{SAID}二"))
    KeptAnswers(database).keep(f"{SAID}？", history, Snapshot.of(talkative()))
    feedback.rate_kept("a1", "down", "其他", f"{SAID}错了")
    assert SAID.encode() not in everything_in(file)
    assert [message["content"] for message in next(feedback.all())["history"]] == ["＊一", "＊二"]


def test_what_was_kept_before_it_was_reworded_is_so_when_feedback_copies_it(
    file, records, feedback, monkeypatch
):
    id = records.add("甲", None, Turn.of(f"{SAID}？", talkative())).id
    records.add("甲", id, Turn.of(f"{SAID}？", talkative("a2")))
    monkeypatch.setattr(module, "_reworded", lambda text: text.replace(SAID, "＊"))
    feedback.rate("甲", "a2", "up")
    assert SAID not in str(next(feedback.all()))


def test_a_title_is_reworded_whole_before_it_is_cut(reworded, records):
    assert records.add("甲", None, Turn("长" * 27 + SAID)).title == "长" * 27 + "＊"
    assert records.add("甲", None, Turn("SEC\u200bRET")).title == "＊"
