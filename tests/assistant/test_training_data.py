"""Examples that the reader learns from: every answer stands where it is said to stand."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

import index.models
from assistant.training.data import (
    PASSAGE,
    Example,
    MaterialError,
    Span,
    batch,
    cut,
    encode,
    headed,
    in_script,
    locate,
    read_material,
    sentences,
    window,
)

TEXT = (
    "2022年，平安人寿赔付410万件，赔付总金额404亿元。公司开展了8万余场教育宣传活动！覆盖消费者超3亿人次；"
    "投诉办结率为100%。董事长任委员会主任。"
)
ANSWER = Span(TEXT.index("404"), TEXT.index("404") + len("404亿元"))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(Path(index.models.__file__).parent / "e5-small-zh" / "tokenizer.json"))


def write(folder: Path, name: str, text: str, question: str, answers: list[str]) -> Path:
    rows = [
        {"type": "passage", "id": "p", "title": "梵文", "text": text},
        {
            "type": "question",
            "id": "q",
            "question": question,
            "gold_passage_id": "p",
            "answers_verbatim": answers,
        },
    ]
    file = folder / name
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return file


@given(st.text(alphabet="甲乙。！；\n」a ", max_size=60))
def test_sentences_cover_a_text_without_gap_or_overlap(text: str) -> None:
    assert "".join(text[part.start : part.end] for part in sentences(text)) == text


@given(st.integers(10, 200), st.integers(0, 10_000))
def test_a_window_always_holds_the_whole_answer(limit: int, seed: int) -> None:
    span = window(TEXT, ANSWER, limit, random.Random(seed))
    text, answer = cut(TEXT, span, ANSWER)
    assert answer is not None
    assert text[answer.start : answer.end] == "404亿元"


@given(st.integers(40, 200), st.integers(0, 10_000))
def test_a_window_keeps_to_its_limit_where_the_sentence_fits(limit: int, seed: int) -> None:
    span = window(TEXT, ANSWER, limit, random.Random(seed))
    assert span.end - span.start <= limit


def test_a_wide_window_takes_in_the_whole_text() -> None:
    assert window(TEXT, ANSWER, 1000, random.Random(1)) == Span(0, len(TEXT))


def test_of_several_places_the_one_that_speaks_of_the_question_is_taken() -> None:
    text = "1999年他出生于北京。后来的许多年里他在各地旅行，写下了很多文章，也结识了许多朋友和同行的人。1999年公司成立。"
    found = locate("公司成立于哪一年？", text, "1999年")
    assert found is not None
    assert found.start == text.rindex("1999年")


def test_an_answer_that_is_not_in_the_text_has_no_place() -> None:
    assert locate("谁？", "甲和乙", "丙") is None
    assert locate("谁？", "甲和乙", "") is None


def test_traditional_material_is_read_in_simplified_characters(tmp_path: Path) -> None:
    file = write(tmp_path, "drcd_small.jsonl", "在歐洲，梵語的學術研究開始了。", "研究在哪裡開始？", ["歐洲"])
    (one,) = read_material([file])
    assert one.question == "研究在哪里开始？"
    assert one.words == "欧洲"
    assert one.answers == ("欧洲",)


def test_other_material_is_left_as_it_is(tmp_path: Path) -> None:
    file = write(tmp_path, "other.jsonl", "在歐洲開始。", "在哪裡？", ["歐洲"])
    (one,) = read_material([file])
    assert one.words == "歐洲"


def test_a_question_whose_answer_is_not_verbatim_is_left_out(tmp_path: Path) -> None:
    assert read_material([write(tmp_path, "other.jsonl", "在欧洲。", "在哪里？", [])]) == []


def test_missing_material_is_named(tmp_path: Path) -> None:
    with pytest.raises(MaterialError, match=r"none\.jsonl"):
        read_material([tmp_path / "none.jsonl"])


def test_a_title_before_the_text_moves_the_answer_along() -> None:
    shown = headed(Example("赔付多少？", TEXT, ANSWER, "answered"), "年报")
    assert shown.answer is not None
    assert shown.text[shown.answer.start : shown.answer.end] == "404亿元"
    assert shown.text.startswith("年报\n2022年")


def test_another_script_that_keeps_the_length_keeps_the_answer() -> None:
    shown = in_script(Example("赔付？", TEXT, ANSWER, "answered"), lambda text: text.replace("赔", "賠"))
    assert shown.question == "賠付？"
    assert shown.answer == ANSWER


def test_another_script_that_changes_the_length_is_not_used() -> None:
    example = Example("赔付？", TEXT, ANSWER, "answered")
    assert in_script(example, lambda text: text + "。") == example


def test_the_tokens_marked_as_the_answer_spell_the_answer(tokenizer: Tokenizer) -> None:
    example = Example("2022年赔付总金额是多少？", TEXT, ANSWER, "answered")
    encoded = encode(tokenizer, example, 256)
    assert encoded is not None
    offsets = tokenizer.encode("query: " + example.question, PASSAGE + TEXT).offsets
    shown = (PASSAGE + TEXT)[offsets[encoded.start][0] : offsets[encoded.end][1]]
    assert shown == "404亿元"
    assert encoded.start >= encoded.passage


def test_no_answer_is_the_first_token(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, Example("谁？", TEXT, None, "elsewhere"), 256)
    assert encoded is not None
    assert (encoded.start, encoded.end) == (0, 0)


def test_an_answer_cut_away_makes_no_example(tokenizer: Tokenizer) -> None:
    late = Span(TEXT.index("董事长"), TEXT.index("董事长") + 3)
    assert encode(tokenizer, Example("谁任主任？", TEXT, late, "answered"), 40) is None


def test_a_cut_example_keeps_its_closing_token(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, Example("谁？", TEXT, None, "elsewhere"), 40)
    assert encoded is not None
    assert len(encoded.ids) == 40
    assert encoded.ids[-1] == tokenizer.token_to_id("</s>")


def test_only_the_first_token_and_the_passage_are_candidates(tokenizer: Tokenizer) -> None:
    short = encode(tokenizer, Example("谁？", "甲。", None, "elsewhere"), 256)
    long = encode(tokenizer, Example("谁任主任？", TEXT, None, "elsewhere"), 256)
    assert short is not None
    assert long is not None
    made = batch([short, long])
    assert made.ids.shape == made.mask.shape == made.candidate.shape
    assert made.candidate[:, 0].all()
    assert not made.candidate[1, 1 : long.passage].any()
    assert made.candidate[0].sum() == 1 + len(short.ids) - 1 - short.passage
    assert not made.candidate[0, len(short.ids) - 1 :].any()
    assert made.mask[0].sum() == len(short.ids)
