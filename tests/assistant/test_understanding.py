"""A question, as typed, into what to look up."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import opencc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.schema import Question
from assistant.understanding import MOST_PARTS, Understanding, normalise, story, without_politeness

_TEXT = """2021年,平安人寿理赔30单,平安产险理赔45单。
平安银行的大篷车走遍5个省,行程8000公里,沿途举办反诈讲座。
平安普惠设立调解室,化解矛盾纠纷120件。"""

_TRADITIONAL = opencc.OpenCC("s2t")
_ANY_TEXT = st.text(st.characters(), max_size=200)


@pytest.fixture(scope="module")
def small(desk: Callable[[str], Any]) -> Any:
    """The parts over a small article."""
    return desk(_TEXT)


@pytest.fixture(scope="module")
def understand(small: Any) -> Callable[..., Understanding]:
    """Understands a question against the small article's words."""

    def understood(question: str, *history: tuple[str, str]) -> Understanding:
        return small.understander.understand(Question(question, tuple(history)))

    return understood


@given(_ANY_TEXT)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(_ANY_TEXT)
def test_what_is_normalised_can_be_written_as_utf8_on_one_line(text: str) -> None:
    assert "\n" not in normalise(text)
    assert normalise(text).encode("utf-8").decode("utf-8") == normalise(text)


@pytest.mark.parametrize(
    "text",
    ["\u200b\u200d\ufeff", "\u2066\u2069", "\u00ad\ufe0f", "\u3164", " \t\n\u3000", "\x00\x1b\x7f", "\ud800"],
)
def test_what_shows_nothing_is_nothing(text: str) -> None:
    assert normalise(text) == ""


def test_width_script_and_invisible_characters_do_not_matter() -> None:
    assert normalise("２０２１年平安\u200b銀行　ＡＰＰ") == "2021年平安银行 APP"


@pytest.mark.parametrize(
    "disguised",
    [
        "\u200b".join("2021年平安银行APP"),
        "2021年平安银行АPР",
        "2О2І年平安银行𝐀𝐏𝐏",
        "2021年\u202e平安银行\u202cAPP",
        "2021年平安银⾏ⒶⓅⓅ",
        "2021年平\ufe0f安\U000e0041银行A\u00adPP",
    ],
)
def test_a_disguised_question_is_the_plain_one(disguised: str) -> None:
    assert normalise(disguised) == "2021年平安银行APP"


def test_what_is_a_disguise_only_when_taken_apart_is_one() -> None:
    assert normalise("paϱer") == normalise("paρer") == "paper"


@pytest.mark.parametrize(
    "polite",
    [
        "请问{}",
        "您好，麻烦帮我查一下{}",
        "你好，我想问一下{}",
        "{}，谢谢",
        "不好意思，想知道{}，谢谢您！",
        "客户问{}",
    ],
)
def test_politeness_is_not_part_of_a_question(polite: str) -> None:
    assert without_politeness(polite.format("大篷车走了多远")) == "大篷车走了多远"


@pytest.mark.parametrize("text", ["谢谢", "你好", "请问"])
def test_a_text_of_polite_words_alone_stays(text: str) -> None:
    assert without_politeness(text) == text


@given(_ANY_TEXT)
@example("\ud800")
@example("那呢？" * 50)
def test_any_text_can_be_understood(small: Any, text: str) -> None:
    understood = small.understander.understand(Question(text, (("user", text), ("assistant", text))))
    assert 1 <= len(understood.parts) <= max(MOST_PARTS, 16)


@pytest.mark.parametrize("question", ["平安银行的大篷车行程多少公里", "化解矛盾纠纷多少件", "反诈讲座"])
def test_traditional_and_full_width_typing_is_looked_up_as_simplified(
    understand: Callable[..., Understanding], question: str
) -> None:
    plain = understand(question + "，2021年?").whole
    typed = understand(_TRADITIONAL.convert(question) + "，２０２１年？").whole
    assert (typed.text, typed.kind, typed.years, typed.queries) == (
        plain.text,
        plain.kind,
        plain.years,
        plain.queries,
    )


def test_typing_errors_are_mended_and_told(understand: Callable[..., Understanding]) -> None:
    understood = understand("大蓬车走了多少公里？")
    assert understood.whole.text == "大篷车走了多少公里?"
    assert [(c.wrong, c.right) for c in understood.corrections] == [("大蓬车", "大篷车")]
    assert "大蓬车走了多少公里?" in understood.whole.queries, "what was typed is searched too"


def test_what_is_named_is_told_apart(understand: Callable[..., Understanding]) -> None:
    whole = understand("2021年平安寿险理赔超过30单吗？").whole
    assert (whole.kind, whole.companies, whole.outsiders, whole.years) == (
        "yes_no",
        ("平安人寿",),
        False,
        (2021,),
    )
    assert [quantity.text for quantity in whole.quantities] == ["30单"]


@pytest.mark.parametrize("company", ["中国人寿", "恒丰人寿"])
def test_companies_that_are_no_members_are_outsiders(
    understand: Callable[..., Understanding], company: str
) -> None:
    whole = understand(f"{company}理赔多少单？").whole
    assert whole.companies == (company,) and whole.outsiders


@pytest.mark.parametrize("we", ["我们公司", "咱们集团", "贵公司", "平安集团"])
def test_the_group_counts_as_no_company(understand: Callable[..., Understanding], we: str) -> None:
    assert understand(f"{we}理赔多少单？").whole.companies == ()


def test_two_questions_in_one_are_looked_up_apart(understand: Callable[..., Understanding]) -> None:
    parts = understand("2021年平安银行的大篷车走了多少公里？平安普惠化解了多少件纠纷？").parts
    assert [part.companies for part in parts] == [("平安银行",), ("平安普惠",)]
    assert parts[1].years == (2021,), "the second inherits the year"


def test_a_short_second_question_leans_on_the_first(understand: Callable[..., Understanding]) -> None:
    parts = understand("平安银行的大篷车走了多少公里，去了几个省？").parts
    assert [part.kind for part in parts] == ["figure", "figure"]
    assert "大篷车" in parts[1].text and parts[1].companies == ("平安银行",)


def test_one_question_about_two_companies_is_asked_of_each(understand: Callable[..., Understanding]) -> None:
    parts = understand("平安人寿和平安产险各理赔多少单？").parts
    assert [part.companies for part in parts] == [("平安人寿",), ("平安产险",)]
    assert all(part.kind == "figure" for part in parts)


def test_a_comparison_stays_whole(understand: Callable[..., Understanding]) -> None:
    assert len(understand("平安人寿和平安产险谁理赔的单数更多？").parts) == 1


def test_the_same_question_again_and_again_is_one(understand: Callable[..., Understanding]) -> None:
    assert len(understand("大篷车走了多少公里？" * 50).parts) == 1


def test_many_questions_in_one_are_looked_up_in_a_few_parts_and_none_is_dropped(
    understand: Callable[..., Understanding],
) -> None:
    asked = [f"第{word}次讲座办了几场" for word in "甲乙丙丁戊己庚辛壬癸"]
    parts = understand("？".join(asked)).parts
    assert len(parts) == MOST_PARTS
    assert all(any(question in part.text for part in parts) for question in asked)


def test_english_is_looked_up_with_its_chinese_terms(understand: Callable[..., Understanding]) -> None:
    whole = understand("How many disputes did Ping An Puhui resolve?").whole
    assert whole.english and whole.kind == "figure" and whole.companies == ("平安普惠",)
    assert "矛盾纠纷" in whole.text and "化解" in whole.text


def test_a_chinese_question_with_a_latin_word_is_not_english(
    understand: Callable[..., Understanding],
) -> None:
    assert not understand("在App上怎么报案").whole.english


def test_normal_form_is_compatibility_composed() -> None:
    assert unicodedata.is_normalized("NFKC", normalise("ﬁ①Å㈱"))


def test_a_story_is_told_from_the_clause_that_asks() -> None:
    around, asking = story("客户在柜台急得直跺脚,说家里人都等着,平安人寿去年到底赔付了多少件,好让我回他")
    assert asking == "平安人寿去年到底赔付了多少件"
    assert "跺脚" in around and "回他" in around


@pytest.mark.parametrize(
    "question", ["平安人寿赔付了多少件", "平安人寿去年到底赔付了多少件,平安产险又赔付了多少件,各是哪年的数"]
)
def test_a_short_question_and_one_that_asks_twice_are_no_story(question: str) -> None:
    assert story(question) == ("", question)


def test_what_a_story_tells_weighs_less_than_what_it_asks(
    understand: Callable[..., Understanding],
) -> None:
    whole = understand("客户在柜台急得直跺脚,说家里人都等着,平安人寿2022年到底赔付了多少件,好让我回他").whole
    assert whole.kind == "figure"
    assert "柜台" in whole.topic and "柜台" not in whole.focus
    assert (whole.companies, whole.years) == (("平安人寿",), (2022,))


def test_things_counted_side_by_side_are_two_questions(understand: Callable[..., Understanding]) -> None:
    assert [part.focus for part in understand("今年推动立案几件、在办几件").parts] == [
        "今年推动立案几件",
        "在办几件",
    ]
    assert [part.focus for part in understand("明察、暗访分别是什么").parts] == ["明察是什么", "暗访是什么"]


def test_two_things_named_without_a_question_word_are_two(understand: Callable[..., Understanding]) -> None:
    assert len(understand("客服假期的接通率，还有消保宣传触达的人次").parts) == 2


@pytest.mark.parametrize(
    ("question", "years"),
    [
        ("23年赔付多少件", (2023,)),
        ("那22年", (2022,)),
        ("干了25年以上的有几人", ()),
        ("干了20年的有几人", ()),
    ],
)
def test_a_year_may_be_said_by_its_last_two_digits(
    understand: Callable[..., Understanding], question: str, years: tuple[int, ...]
) -> None:
    assert understand(question).whole.years == years


def test_two_years_are_looked_up_one_by_one(understand: Callable[..., Understanding]) -> None:
    parts = understand("平安人寿2021年和2022年各赔付多少件？").parts
    assert [part.years for part in parts] == [(2021,), (2022,)]
    assert all(part.kind == "figure" and part.companies == ("平安人寿",) for part in parts)
    assert len(understand("2021年和2022年的赔付件数相差多少？").parts) == 1


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("大篷车走了12个省，这个数要写进稿子，麻烦核一下", "yes_no"),
        ("总局是5月18日揭的牌，我材料里这样写行吗？", "yes_no"),
        ("大篷车走了多少个省，帮我核实一下", "figure"),
    ],
)
def test_what_is_to_be_verified_is_asserted(
    understand: Callable[..., Understanding], question: str, kind: str
) -> None:
    assert understand(question).whole.kind == kind


@pytest.mark.parametrize(
    "question",
    [
        "客户问现在由哪个机构统管，我该怎么说？",
        "领导要一句话：现在由哪个机构统管",
    ],
)
def test_who_wants_to_know_and_what_to_say_are_no_part_of_a_question(question: str) -> None:
    assert without_politeness(question).rstrip("？") == "现在由哪个机构统管"
