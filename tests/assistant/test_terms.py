"""The words of a question that an answer must speak of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.lexicon import Lexicon
from assistant.terms import GUESSED_CHARS, Term, TermReader, coverage, found, missing
from index.lexical import segmenter

_FREQUENCIES = {"大篷车": 1, "讲座": 4, "消费者": 10, "纠纷": 2}


@pytest.fixture(scope="module")
def reader(lexicon: Lexicon) -> TermReader:
    """Reads terms against an index of ten chunks."""
    return TermReader(lambda token: _FREQUENCIES.get(token, 0), 10, segmenter(), lexicon)


def texts(terms: Sequence[Term]) -> list[str]:
    return [term.text for term in terms]


def test_question_words_and_particles_are_no_terms(reader: TermReader) -> None:
    assert texts(reader.terms("大篷车到底有多少个呢")) == ["大篷车"]
    assert reader.terms("是什么？") == []


def test_a_rare_word_weighs_more_than_a_common_one(reader: TermReader) -> None:
    weights = {term.text: term.weight for term in reader.terms("大篷车的讲座和消费者")}
    assert weights["大篷车"] > weights["讲座"] > weights["消费者"]


def test_a_noun_is_essential_and_a_verb_is_not(reader: TermReader) -> None:
    essential = {term.text: term.essential for term in reader.terms("大篷车举办讲座")}
    assert essential["大篷车"] and not essential["举办"]


def test_what_was_carried_from_an_earlier_turn_weighs_less_and_is_not_essential(reader: TermReader) -> None:
    (own,), (carried,) = reader.terms("大篷车"), reader.terms("大篷车", scale=0.4)
    assert carried.weight == pytest.approx(0.4 * own.weight) and not carried.essential


def test_numbers_that_are_names_are_terms_and_figures_and_years_are_not(reader: TermReader) -> None:
    assert "95511" in texts(reader.terms("95511热线"))
    assert texts(reader.terms("2021年理赔30000件"))[:1] != ["30000"]
    assert "2021" not in texts(reader.terms("2021年理赔"))


def test_english_words_without_a_chinese_term_are_left_out(reader: TermReader) -> None:
    assert texts(reader.terms("how many wagons 大篷车", english=True)) == ["大篷车"]


def test_long_forms_are_terms_in_their_short_form(reader: TermReader) -> None:
    assert texts(reader.terms("消费者权益保护的大篷车")) == ["消保", "大篷车"]


def test_a_question_as_long_as_a_page_still_has_its_terms(reader: TermReader) -> None:
    assert "大篷车" in texts(reader.terms("年" * GUESSED_CHARS + "大篷车"))


@pytest.mark.parametrize(
    ("clause", "stands"),
    [("平安银行化解纠纷", True), ("化解纠纷120件", False), ("并且改进", False), ("“金融课堂”开讲", True)],
)
def test_a_clause_that_opens_with_a_verb_lacks_its_subject(
    reader: TermReader, clause: str, stands: bool
) -> None:
    assert reader.has_subject(clause) is stands


def test_pairs_are_what_segmentation_missed(reader: TermReader) -> None:
    terms = [Term("大篷车", 1.0, True)]
    assert reader.pairs("大篷车进乡村", terms) == ("车进", "进乡", "乡村")


def test_a_word_is_found_itself_by_a_synonym_or_by_most_of_its_characters(lexicon: Lexicon) -> None:
    assert found("讲座", "举办讲座", lexicon) == 1.0
    assert found("赔付", "完成理赔", lexicon) == pytest.approx(0.9)
    assert found("调解工作室", "设立调解室", lexicon) == pytest.approx(0.75 * 2 / 5)
    assert found("大篷车", "讲座", lexicon) == 0.0


@pytest.mark.parametrize(
    ("term", "text"),
    [("甲乙丙丁", "甲乙丙"), ("甲乙丙丁", "丙丁"), ("甲乙丙丁", "甲乙与乙丙丁"), ("甲甲甲甲", "甲甲甲")],
)
def test_the_longest_piece_held_decides_how_much_of_a_word_is_found(
    lexicon: Lexicon, term: str, text: str
) -> None:
    pieces = [term[i:j] for i in range(len(term)) for j in range(i + 2, len(term) + 1) if term[i:j] in text]
    assert found(term, text, lexicon) == pytest.approx(0.75 * max(map(len, pieces)) / len(term))


def test_a_term_as_long_as_a_page_is_looked_for_too(lexicon: Lexicon) -> None:
    assert 0 < found("1" * 2000, "11" + "2" * 300, lexicon) < 0.01


def test_coverage_is_the_weighted_share_found_in_the_best_field(lexicon: Lexicon) -> None:
    terms = [Term("大篷车", 3.0, True), Term("讲座", 1.0, True)]
    assert coverage(terms, [("大篷车来了", 1.0)], lexicon) == pytest.approx(0.75)
    assert coverage(terms, [("大篷车", 0.5), ("讲座与大篷车", 0.8)], lexicon) == pytest.approx(0.8)
    assert coverage([], [("大篷车", 1.0)], lexicon) == 0.0


def test_what_is_missing_is_named_the_heaviest_first(lexicon: Lexicon) -> None:
    terms = [
        Term("讲座", 0.3, True),
        Term("大篷车", 0.9, True),
        Term("举办", 1.0, False),
        Term("理赔", 1.0, True),
    ]
    assert texts(missing(terms, "理赔30单", lexicon)) == ["大篷车", "讲座"]
