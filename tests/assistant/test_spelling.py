"""Typing errors, mended by sound and by shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.spelling import Correction, Speller, sound

_VOCABULARY = ["赔付", "平安人寿", "大篷车", "纠纷", "消费者", "热线", "神秘客", "多元"]
_WORDS = {*_VOCABULARY, "多少", "多远", "调解", "了解", "我们"}


@pytest.fixture(scope="module")
def speller() -> Speller:
    """A speller that knows a handful of words."""
    return Speller(_VOCABULARY, _WORDS.__contains__)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("赔富", "赔付"),
        ("平安人受", "平安人寿"),
        ("大蓬车", "大篷车"),
        ("神密客", "神秘客"),
        ("消费着", "消费者"),
        ("热钱", "热线"),
    ],
)
def test_a_wrong_character_of_the_same_sound_or_shape_is_mended(
    speller: Speller, typed: str, meant: str
) -> None:
    text, corrections = speller.mend(f"请说说{typed}的事")
    assert text == f"请说说{meant}的事"
    assert corrections == (Correction(typed, meant),)


@pytest.mark.parametrize("text", ["赔付多少", "走了多远", "我们了解", "", "7*24 hours?", "天气很好"])
def test_words_of_the_language_are_left_as_typed(speller: Speller, text: str) -> None:
    assert speller.mend(text) == (text, ())


def test_a_word_that_shares_no_character_is_no_typing_error(speller: Speller) -> None:
    assert speller.mend("培富") == ("培富", ())


def test_sounds_that_many_speakers_do_not_tell_apart_are_one() -> None:
    assert sound("知") == sound("资") and sound("蓝") == sound("南") and sound("信") == sound("姓")
    assert sound("知") != sound("吃")


@given(st.lists(st.sampled_from(_VOCABULARY), min_size=1, max_size=6))
def test_what_is_spelt_right_is_never_changed(words: list[str]) -> None:
    text = "，".join(words)
    assert Speller(_VOCABULARY, _WORDS.__contains__).mend(text) == (text, ())


@given(st.text(alphabet="赔富付平安人受寿大蓬篷车多元远热钱线 ，a", max_size=40))
def test_mending_keeps_the_length_and_everything_but_what_it_reports(text: str) -> None:
    mended, corrections = Speller(_VOCABULARY, _WORDS.__contains__).mend(text)
    assert len(mended) == len(text)
    changed = sum(before != after for before, after in zip(text, mended, strict=True))
    assert changed == sum(a != b for c in corrections for a, b in zip(c.wrong, c.right, strict=True))
