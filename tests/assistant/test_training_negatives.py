"""Unanswerable examples: none of them holds what its question asks for."""

from __future__ import annotations

import random

import pytest

from assistant.training.data import Asked, Example, Span, Text
from assistant.training.negatives import (
    DETAILS,
    Examples,
    Mix,
    add_year,
    answered,
    dated,
    likest,
    made_questions,
    names_in,
    removed,
    reworded,
    swap_detail,
    swap_number,
)

REPORT = (
    "平安人寿在2022年赔付410万件。公司总部位于深圳。"
    + "服务网点遍布全国各地，为客户提供便捷的服务和专业的咨询，得到了社会各界的广泛好评。" * 4
    + "董事长马明哲任委员会主任。"
)
OTHER = "新华保险在2021年赔付300万件。公司总部位于北京，成立于1996年，董事长任主任。"
THIRD = "《红楼梦》是曹雪芹所写的小说，共120回，成书于清代。"


def asked(number: str, passage: Text, question: str, answer: str) -> Asked:
    start = passage.text.index(answer)
    return Asked(number, question, passage, Span(start, start + len(answer)), (answer,))


@pytest.fixture(scope="module")
def material() -> list[Asked]:
    report = Text("1", "平安", "平安", REPORT)
    other = Text("2", "新华", "新华", OTHER)
    third = Text("3", "红楼梦", "红楼梦", THIRD)
    return [
        asked("a", report, "平安人寿在2022年赔付多少万件？", "410万件"),
        asked("b", report, "深圳公司的董事长是谁？", "马明哲"),
        asked("c", other, "新华保险的总部位于北京吗，是哪一年成立的？", "1996年"),
        asked("d", third, "《红楼梦》共有多少回？", "120回"),
    ]


@pytest.fixture(scope="module")
def examples(material: list[Asked]) -> Examples:
    return Examples(material, [one.passage for one in material[1:]], Mix())


def test_an_answered_example_shows_the_answer_where_it_says(material: list[Asked]) -> None:
    for seed in range(30):
        for one in material:
            shown = answered(one, 60, random.Random(seed))
            assert shown.answer is not None
            assert shown.answerable
            assert shown.text[shown.answer.start : shown.answer.end] == one.words


@pytest.mark.parametrize("kind", ["elsewhere", "sibling", "removed"])
def test_a_text_without_the_answer_does_not_hold_its_words(
    kind: str, material: list[Asked], examples: Examples
) -> None:
    made = 0
    for seed in range(40):
        for one in material:
            chance = random.Random(seed)
            shown = (
                removed(one, 80, chance) if kind == "removed" else getattr(examples, kind)(one, 80, chance)
            )
            if shown:
                made += 1
                assert shown.answer is None
                assert not shown.answerable
                assert shown.kind == kind
                assert one.words not in shown.text
    assert made


def test_the_passage_without_the_sentence_keeps_the_other_sentences(material: list[Asked]) -> None:
    shown = removed(material[0], 1000, random.Random(1))
    assert shown is not None
    assert "410万件" not in shown.text
    assert "马明哲" in shown.text


def test_an_answer_that_stands_twice_cannot_be_removed() -> None:
    text = Text(
        "1",
        "g",
        "t",
        "他生于北京。"
        + "那是一个很大的城市，有很多人在那里生活和工作，每天都有新的事情。"
        + "他也死于北京。",
    )
    assert removed(asked("a", text, "他生于哪里？", "北京"), 200, random.Random(1)) is None


def test_the_likest_other_passage_is_preferred(material: list[Asked], examples: Examples) -> None:
    texts = [examples.elsewhere(material[0], 60, random.Random(seed)) for seed in range(40)]
    near = sum(text is not None and "新华保险" in text.text for text in texts)
    assert near > len(texts) / 2


def test_a_question_of_the_same_article_is_asked_of_another_part(
    material: list[Asked], examples: Examples
) -> None:
    shown = examples.sibling(material[0], 60, random.Random(1))
    assert shown is not None
    assert shown.question == material[0].question
    assert "马明哲" in shown.text


def test_a_swapped_question_differs_and_its_new_part_is_not_in_the_text(
    material: list[Asked], examples: Examples
) -> None:
    made = 0
    for seed in range(60):
        for one in material:
            shown = examples.swapped(one, 80, random.Random(seed))
            if shown:
                made += 1
                assert not shown.answerable
                assert shown.question != one.question
    assert made


def test_a_year_becomes_a_year_that_the_text_does_not_name() -> None:
    for seed in range(50):
        question = swap_number("2022年赔付多少？", "2022年赔付410万件，2021年300万件。", random.Random(seed))
        assert question is not None
        year = question[:4]
        assert year not in ("2022", "2021")
        assert year.startswith(("20", "21"))


def test_a_number_that_the_text_does_not_hold_is_left_alone() -> None:
    assert swap_number("2023年赔付多少？", "2022年赔付410万件。", random.Random(1)) is None


def test_a_year_that_the_text_does_not_name_makes_a_question_unanswerable() -> None:
    for seed in range(50):
        question = add_year("赔付多少？", "2022年赔付410万件，2021年300万件。", random.Random(seed))
        assert question is None or question[:4] not in ("2021", "2022")
    assert add_year("2022年赔付多少？", "2022年赔付410万件。", random.Random(1)) is None


def test_the_year_of_the_answer_may_stand_in_an_answered_question() -> None:
    text = "2021年赔付300万件。2022年赔付410万件。"
    example = Example("赔付多少？", text, Span(text.index("410"), text.index("410") + 5), "answered")
    questions = {dated(example, random.Random(seed)).question for seed in range(20)}
    assert questions == {"赔付多少？", "2022年赔付多少？"}


def test_a_detail_becomes_another_that_the_text_does_not_name() -> None:
    for seed in range(20):
        question = swap_detail("谁是公司的董事长？", "董事长是甲，总经理是乙。", random.Random(seed))
        assert question is not None
        assert "董事长" not in question
        assert "总经理" not in question


def test_a_detail_that_nothing_can_replace_is_left_alone() -> None:
    group = next(group for group in DETAILS if "冠军" in group)
    assert swap_detail("谁是冠军？", "".join(group), random.Random(1)) is None


def test_a_name_becomes_a_name_that_the_text_does_not_hold(material: list[Asked], examples: Examples) -> None:
    swapped = {examples.swap_name(material[1], REPORT, random.Random(seed)) for seed in range(20)} - {None}
    assert swapped
    assert all("深圳" not in str(question) for question in swapped)


def test_names_are_found_in_titles_and_in_latin_letters() -> None:
    assert ("红楼梦", "title") in names_in("《红楼梦》是谁写的？")
    assert ("Nexon", "latin") in names_in("Nexon开发了什么？")


def test_rewording_never_touches_a_digit() -> None:
    for seed in range(300):
        question = reworded("2022年平安人寿赔付了多少万件，共404亿元？", random.Random(seed))
        assert "".join(letter for letter in question if letter.isdigit()) == "2022404"


def test_the_sentence_that_shares_most_is_the_likest() -> None:
    part = likest("公司总部位于哪里？", OTHER)
    assert "总部" in OTHER[part.start : part.end]


def test_a_statement_with_a_quantity_becomes_a_question_about_it() -> None:
    text = Text("n", "n", "", "公司去年在全国开展了8万余场教育宣传活动。")
    (one,) = made_questions([text], random.Random(1), 2)
    assert one.question in (
        "公司去年在全国开展了多少场教育宣传活动？",
        "公司去年在全国开展了多少万场教育宣传活动？",
    )
    assert one.words == "8万余场"


def test_a_statement_with_a_list_becomes_a_question_about_it() -> None:
    text = Text("n", "n", "", "该公司的主要产品包括寿险、健康险和意外险，深受欢迎。")
    (one,) = made_questions([text], random.Random(1), 2)
    assert one.question == "该公司的主要产品包括哪些？"
    assert one.words == "寿险、健康险和意外险"


def test_the_mix_is_near_what_was_asked_for(material: list[Asked], examples: Examples) -> None:
    chance = random.Random(5)
    kinds = [examples.draw(one, 80, chance).kind for _ in range(250) for one in material]
    assert 0.5 < kinds.count("answered") / len(kinds) < 0.7
    assert {"elsewhere", "sibling", "removed", "swapped"} < set(kinds)


def test_the_same_seed_draws_the_same_examples(material: list[Asked], examples: Examples) -> None:
    first = [examples.draw(one, 80, random.Random(3)) for one in material]
    assert first == [examples.draw(one, 80, random.Random(3)) for one in material]
