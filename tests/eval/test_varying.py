"""Variants of questions: the same asked in another way, and nothing else."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

import pytest
from opencc import OpenCC
from pypinyin import lazy_pinyin

from eval.cases import PACKAGED, Case, load_cases
from eval.varying import VARIANTS, variants, vary


def case(question: str, kind: str = "figure", name: str = "c1", **fields: Any) -> Case:
    """An answerable case."""
    facts = fields.pop("facts", (("410万件",),))
    return Case(name, kind, question, fields.pop("history", ()), True, facts, ("赔付410万件",), (), **fields)


def question(made: Case | None) -> str:
    """The question of a variant that must exist."""
    assert made is not None
    return made.question


LIFE = case("请问2022年平安人寿理赔了多少件投诉？")


def test_a_variant_asks_for_the_same_facts_under_its_own_id() -> None:
    made = vary(LIFE, "polite")
    assert made is not None
    assert (made.id, made.origin, made.variant, made.kind) == ("c1~polite", "c1", "polite", "robust")
    assert (made.facts, made.evidence, made.documents) == (LIFE.facts, LIFE.evidence, LIFE.documents)
    assert made.length_cap == LIFE.length_cap
    assert made.split == LIFE.split


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_is_the_same_every_time(variant: str) -> None:
    assert vary(LIFE, variant) == vary(LIFE, variant)


def test_a_typing_error_by_sound_changes_one_word_and_keeps_how_it_sounds() -> None:
    for number in range(20):
        origin = case("消保审查发现了多少问题", name=f"c{number}")
        made = question(vary(origin, "typo_pinyin"))
        assert made != origin.question
        assert lazy_pinyin(made) == lazy_pinyin(origin.question)
        assert sum(a != b for a, b in zip(made, origin.question, strict=True)) == 1


def test_a_typing_error_by_look_changes_one_character() -> None:
    made = question(vary(case("客户投诉了多少次"), "typo_shape"))
    assert sum(a != b for a, b in zip(made, "客户投诉了多少次", strict=True)) == 1


@pytest.mark.parametrize("variant", ["typo_pinyin", "typo_shape"])
def test_names_numbers_and_what_is_asked_for_are_never_mistyped(variant: str) -> None:
    for number in range(30):
        origin = case(
            "平安产险的“金融展馆”和手语服务在2022年接待了410万件理赔客户吗？",
            name=f"n{number}",
            facts=(("手语",),),
        )
        made = vary(origin, variant)
        if made is not None:
            for kept in ("平安产险", "“金融展馆”", "手语", "2022年", "410万件"):
                assert kept in made.question


@pytest.mark.parametrize("variant", ["typo_pinyin", "typo_shape"])
def test_a_question_without_a_word_to_mistype_has_no_such_variant(variant: str) -> None:
    assert vary(case("平安人寿呢？"), variant) is None


def test_traditional_characters_read_back_as_they_were() -> None:
    made = question(vary(case("机构怎样处理客户的投诉？"), "traditional"))
    assert made != "机构怎样处理客户的投诉？"
    assert OpenCC("t2s").convert(made) == "机构怎样处理客户的投诉？"


def test_full_width_is_the_same_text_in_compatibility_form() -> None:
    made = question(vary(case("95511在2022年的AI客服?"), "full_width"))
    assert made == "９５５１１在２０２２年的ＡＩ客服？"
    assert unicodedata.normalize("NFKC", made) == "95511在2022年的AI客服?"


def test_a_question_without_ascii_has_no_full_width_variant() -> None:
    assert vary(case("什么是明察？"), "full_width") is None


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("平安人寿如何打击黑灰产？", "平安人寿咋打击黑灰产"),
        ("适老化措施有哪些？", "适老化措施都有啥"),
        ("为什么要召开动员大会？", "为啥要召开动员大会"),
        ("请问一共有多少家？", "拢共有多少家"),
        ("请教一下，是什么意思？", "是啥意思"),
    ],
)
def test_colloquial_says_it_as_people_speak(asked: str, spoken: str) -> None:
    assert question(vary(case(asked), "colloquial")).startswith(spoken)


def test_a_quoted_name_stays_as_it_is_written_also_in_speech() -> None:
    assert vary(case("“如何维权”专栏在哪里？"), "colloquial") is None


@pytest.mark.parametrize(
    ("asked", "reordered"),
    [
        ("请问2022年平安人寿赔付了多少件？", "平安人寿赔付了多少件，2022年的？"),
        ("平安普惠通过走访解决了多少个问题？", "通过走访解决了多少个问题，我说的是平安普惠。"),
        ("在适老化方面，推出了哪几项服务？", "推出了哪几项服务，在适老化方面？"),
        ("什么是明察？", "明察是什么？"),
        ("家庭医生会员制是啥", "什么是家庭医生会员制？"),
        ("适老化服务措施有哪些？", "有哪些适老化服务措施？"),
    ],
)
def test_reordered_says_the_circumstance_last(asked: str, reordered: str) -> None:
    assert question(vary(case(asked), "reordered")) == reordered


@pytest.mark.parametrize(
    "asked",
    ["平安人寿和平安产险各赔付了多少件？", "平安人寿几次？平安产险几次？", "“全、实、新”三个字各是什么意思"],
)
def test_what_would_ask_something_else_is_not_reordered(asked: str) -> None:
    assert vary(case(asked), "reordered") is None


def test_a_follow_up_keeps_its_order_for_its_first_words_stand_before_it() -> None:
    assert vary(case("2022年平安人寿赔付了多少件？", history=(("user", "你好"),)), "reordered") is None


def test_politeness_is_put_around_the_question_once() -> None:
    made = question(vary(case("您好，请问赔付了多少件？"), "polite"))
    assert "赔付了多少件？" in made
    assert made.count("请问") == 0
    assert len(made) > len("您好，请问赔付了多少件？")


@pytest.mark.parametrize("kind", ["typo", "traditional", "english", "robust", "unanswerable_near"])
def test_what_is_a_variant_already_or_unanswerable_is_not_varied(kind: str) -> None:
    assert vary(case("2022年平安人寿赔付了多少件？", kind), "polite") is None


def test_an_unknown_variant_is_an_error() -> None:
    with pytest.raises(KeyError):
        vary(LIFE, "upside_down")


def test_variants_are_spread_over_the_origins() -> None:
    origins = [case("2022年平安人寿处理了多少件理赔投诉？", name=f"c{number}") for number in range(30)]
    made = variants(origins, 4)
    assert Counter(one.variant for one in made) == dict.fromkeys(VARIANTS, 4)
    assert max(Counter(one.origin for one in made).values()) == 1


def test_the_order_of_the_cases_does_not_matter() -> None:
    origins = [
        case(f"2022年平安人寿处理了多少件理赔投诉{'呢' * number}？", name=f"c{number}") for number in range(9)
    ]
    assert variants(origins, 2) == variants(origins[::-1], 2)


def test_variants_of_the_packaged_cases_keep_every_figure_and_company() -> None:
    cases = {one.id: one for one in load_cases([PACKAGED])}
    made = variants(list(cases.values()), 10)
    assert len(made) >= 6 * 10
    for one in made:
        origin = cases[one.origin]
        assert one.question != origin.question
        assert Counter(digits(one.question)) == Counter(digits(origin.question))


def digits(text: str) -> list[str]:
    """The Arabic digits of a text, in half width."""
    return [character for character in unicodedata.normalize("NFKC", text) if character.isdecimal()]
