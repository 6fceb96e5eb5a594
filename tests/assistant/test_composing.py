"""From a small article to the words of an answer: reading, composing, comparing and checking premises."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from assistant.composition import LONG_CHARS, Composition, Proof, Statement, bullets, whole_sentence
from assistant.confidence import RULED_OUT
from assistant.matching import company_match, scope_years, wanted_units, year_match
from assistant.sentences import Sentence, statements

_TEXT = """2021年,平安集团持续改进服务。其中,平安人寿理赔30单,平安产险理赔45单,平安健康险理赔12单;理赔金额7.7亿元。
平安银行的大篷车于5月20日启动,走遍5个省,行程近8000公里,沿途举办反诈讲座200余场。
在便民方面,一是开通手语热线95522。二是设立爱心柜台。三是为行动不便的客户送服务上门。
联席会议,即由各地机构轮流召集、共同商议宣传安排的会议。
平安普惠建立调解室,通过电话回访化解矛盾纠纷120件,这是为了减轻客户负担。
平安证券的App不收取资讯费用。"""


@pytest.fixture(scope="module")
def small(desk: Callable[[str], Any]) -> Any:
    """The parts over a small article."""
    return desk(_TEXT)


def plain(text: str) -> str:
    return re.sub(r"\[\d+\]", "", text)


def test_a_figure_is_said_in_its_shortest_clause_with_company_and_year(small: Any) -> None:
    assert plain(small.say("平安产险理赔多少单？")) == "2021年，平安产险理赔45单"


def test_a_figure_that_a_company_shares_a_sentence_with_is_its_own(small: Any) -> None:
    assert "12单" in small.say("平安健康险理赔了多少单") and "45" not in small.say("平安健康险理赔了多少单")


def test_the_unit_asked_for_chooses_among_the_figures_of_a_sentence(small: Any) -> None:
    assert "8000公里" in small.say("大篷车行程多远？")
    assert "5个省" in small.say("大篷车走遍几个省？")
    assert "7.7亿元" in small.say("理赔金额是多少？")


def test_a_date_is_said_for_when(small: Any) -> None:
    assert "5月20日" in small.say("大篷车什么时候启动？")


def test_a_contact_is_said_with_its_number(small: Any) -> None:
    assert "95522" in small.say("手语热线的号码是多少？")


def test_a_list_is_said_whole_an_item_a_line(small: Any) -> None:
    lines = small.say("便民方面有哪些措施？").split("\n")
    assert len(lines) == 3 and all(line.startswith("- ") for line in lines)
    assert "爱心柜台" in lines[1]


def test_a_definition_is_said_with_what_it_explains(small: Any) -> None:
    assert plain(small.say("什么是联席会议？")).startswith("联席会议,即")


def test_a_reason_and_a_way_are_said_as_sentences(small: Any) -> None:
    assert "减轻客户负担" in small.say("平安普惠为什么建立调解室？")
    assert "电话回访" in small.say("平安普惠怎么化解矛盾纠纷？")


def test_what_is_said_is_verbatim_but_for_the_words_that_join_it(small: Any) -> None:
    for question in (
        "平安人寿理赔多少单？",
        "大篷车什么时候启动？",
        "便民方面有哪些措施？",
        "什么是联席会议？",
    ):
        for statement in small.compose(question).statements:
            assert all(piece in _TEXT for piece in re.split("[，：]", statement.text))


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("平安人寿理赔了80单吗？", "不是。资料为30单，不是80单："),
        ("平安健康险理赔了80单吗？", "不是。资料为12单，不是80单："),
        ("平安健康险理赔了30单吗？", "不是。资料为12单，不是30单："),
        ("大篷车是6月20日启动的吗？", "不是。资料为5月20日，不是6月20日："),
        ("大篷车走遍了9个省，对吗？", "不是。资料为5个省，不是9个省："),
        ("平安人寿理赔30单，对吧？", "是的，"),
        ("大篷车举办了反诈讲座吗？", "是的，"),
    ],
)
def test_a_premise_is_confirmed_or_corrected_in_the_first_words(
    small: Any, question: str, opening: str
) -> None:
    said = small.say(question)
    assert said.startswith(opening)


def test_a_figure_stated_in_passing_is_corrected_too(small: Any) -> None:
    assert "资料为120件，不是150件" in small.say("平安普惠怎么化解矛盾纠纷150件的？")


def test_the_age_of_who_asks_is_no_premise(desk: Any) -> None:
    made = desk("团体意外险的保费，30岁客户每年286元，60岁客户每年1450元，首次投保不得晚于65岁。")
    assert "不是" not in made.say("团体意外险64岁的客户头一回投保可以吗？")[:3]


def test_a_denial_is_not_answered_with_yes(small: Any) -> None:
    assert not small.say("平安证券的App收取资讯费用吗？").startswith("是的")


def test_the_most_and_the_least_are_told_with_what_they_were_compared_with(small: Any) -> None:
    assert plain(small.say("哪家公司理赔的单数最多？")).startswith(
        "最多的是平安产险理赔45单；其余：平安人寿理赔30单"
    )
    assert plain(small.say("哪家公司理赔的单数最少？")).startswith("最少的是平安健康险理赔12单")


def test_only_the_companies_asked_about_are_compared(small: Any) -> None:
    said = small.say("平安人寿和平安健康险谁理赔的单数更多？")
    assert plain(said) == "最多的是平安人寿理赔30单；其余：平安健康险理赔12单"


@pytest.mark.parametrize("question", ["中国太保理赔多少单？", "2017年平安人寿理赔多少单？"])
def test_another_company_or_year_rules_an_answer_out(small: Any, question: str) -> None:
    assert small.read(question).probability == RULED_OUT


def test_a_question_without_a_telling_word_is_ruled_out(small: Any) -> None:
    assert small.read("的的的").probability == RULED_OUT


def test_a_thing_with_one_name_that_nothing_names_is_lacking(small: Any) -> None:
    reading = small.read("平安银行的股价是多少？")
    assert "股价" in reading.lacking and reading.probability < RULED_OUT


def test_no_passages_make_an_empty_reading(small: Any) -> None:
    reading = small.reader.read(small.lookup("平安人寿理赔多少单？"), ())
    assert reading.evidence == () and reading.probability == 0.0


def test_evidence_comes_best_first_and_stands_in_its_article(small: Any) -> None:
    evidence = small.read("平安人寿理赔多少单？").evidence
    read = [item for item in evidence if item.span is not None]
    assert read == list(evidence[: len(read)])
    assert [item.score for item in read] == sorted((item.score for item in read), reverse=True)
    assert all(_TEXT[item.start : item.end] == item.text for item in evidence)


def test_a_semicolon_parts_statements(small: Any) -> None:
    assert [s.text for s in statements(small.passages[0])][-1] == "理赔金额7.7亿元。"


def sentence(small: Any, words: str) -> Sentence:
    """The statement of the small article that holds these words."""
    return next(s for passage in small.passages for s in statements(passage) if words in s.text)


def test_a_company_is_matched_in_the_sentence_or_in_what_its_paragraph_says_before(small: Any) -> None:
    own, none = sentence(small, "平安普惠"), sentence(small, "爱心柜台")
    assert company_match((), own, small.lexicon) == 0.0
    assert company_match(("平安普惠",), own, small.lexicon) == 1.0
    assert company_match(("平安银行",), own, small.lexicon) == -1.0
    assert company_match(("平安银行",), none, small.lexicon) < 0


def test_a_year_is_the_sentences_own_or_the_nearest_before_it(small: Any) -> None:
    assert scope_years(sentence(small, "7.7亿元")) == [2021]
    assert year_match((2021,), sentence(small, "7.7亿元")) == 1.0
    assert year_match((2020,), sentence(small, "7.7亿元")) == -1.0
    assert year_match((), sentence(small, "7.7亿元")) == 0.0


def test_an_undated_sentence_speaks_of_about_the_year_it_was_published(desk: Callable[..., Any]) -> None:
    undated = desk("平安银行举办讲座。", published=date(2024, 3, 1))
    assert year_match((2023,), sentence(undated, "讲座")) == 0.0
    assert year_match((2015,), sentence(undated, "讲座")) < 0
    assert scope_years(sentence(desk("今年以来举办讲座。"), "讲座")) == [2024]


def test_the_units_that_may_answer() -> None:
    assert "件" in wanted_units("多少单") and "元" in wanted_units("理赔金额是多少")
    assert "公里" in wanted_units("走了多远") and {"天", "个月"} <= wanted_units("持续多久")
    assert wanted_units("有多少") == frozenset()


def test_the_quote_is_the_whole_sentence_unless_that_is_too_long(small: Any) -> None:
    start = _TEXT.index("理赔45单")
    begin, end = whole_sentence(small.source, start, start + 5)
    assert _TEXT[begin:end].startswith("其中") and _TEXT[begin:end].endswith("亿元。")


def test_a_quote_of_a_long_sentence_is_the_stretch_itself(desk: Callable[..., Any]) -> None:
    long = desk("平安银行" + "办讲座,讲知识" * 60 + "。")
    assert whole_sentence(long.source, 4, 8) == (4, 8)


def test_bullets_keep_within_a_small_paragraph(desk: Callable[..., Any]) -> None:
    text = "\n".join(f"{name}事项:{'先做准备,再办讲座,' * 12}最后总结。" for name in "甲乙丙丁戊")
    source = desk(text).source
    items, offset = [], 0
    for line in text.split("\n"):
        items.append((offset, offset + len(line)))
        offset += len(line) + 1
    composed = bullets(source, items)
    assert composed.bullets and sum(len(s.text) for s in composed.statements) <= LONG_CHARS + 10
    assert all(s.text in text for s in composed.statements)


def test_one_item_is_no_list(small: Any) -> None:
    end = _TEXT.index("。") + 1
    assert bullets(small.source, [(0, end)]) == Composition(
        (Statement(_TEXT[: end - 1], (Proof(small.source, 0, end),)),)
    )


def test_a_figure_that_the_sentence_does_not_give_is_not_confirmed(desk: Callable[..., Any]) -> None:
    said = desk("平安银行的大篷车走遍各地,举办反诈讲座。").say("平安银行的大篷车举办了30场反诈讲座吗？")
    assert said.startswith("资料提到：")


def test_which_company_is_told_with_its_name_though_the_deed_stands_apart(desk: Callable[..., Any]) -> None:
    made = desk(
        "平安银行聚焦偏远地区居民的金融需求,以多功能大篷车为载体,集知识普及、反诈教育、消保游戏于一体,"
        "穿越山川河谷,送去金融知识,深受当地群众的欢迎和好评,也得到了社会各界的广泛关注与支持。"
    )
    assert "平安银行" in made.say("开着大篷车送金融知识的是哪家公司？")
