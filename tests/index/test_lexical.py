"""Words are found whatever their script, width or way of writing numbers; BM25 ranks as its formula says."""

from __future__ import annotations

import logging
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.lexical import DICTIONARY, KeywordIndex, tokens

TEXTS = {
    "pay": "2022年,平安人寿赔付410万件,平安产险赔付1.9亿件,每天赔付7.7亿元。",
    "car": "平安银行以多功能大篷车为载体,跨越近10000公里。",
    "law": "践行“浦江经验”,化解矛盾纠纷27728起,设95511热线。",
    "day": "“3·15”宣传周开展活动2万余场,7*24小时服务。",
}


@pytest.fixture(scope="module")
def index() -> KeywordIndex:
    return KeywordIndex.build(list(TEXTS), list(TEXTS.values()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("消費者權益保護", "消费者权益保护"),
        ("ＡＩ预审", "ai预审"),
        ("９５５１１热线", "95511热线"),
        ("1,000万件", "1000万件"),
        ("7×24小时", "7*24小时"),
        ("7 x 24小时", "7*24小时"),
    ],
)
def test_ways_of_writing_the_same_words_give_the_same_tokens(one: str, other: str) -> None:
    assert tokens(one) == tokens(other)


def test_the_consumers_day_is_found_however_it_is_written() -> None:
    for written in ("3·15", "３・15", "3.15", "315"):
        assert "315" in tokens(f"{written}宣传周")
    assert "315" not in tokens("3.15亿元")


def test_a_number_is_one_word_with_its_decimals_and_percent_sign() -> None:
    assert {"7.7", "100%", "99.5%", "7*24"} <= set(tokens("7.7亿元,100%,99.5%,7*24小时"))
    assert "7.7" not in tokens("17.7亿") and "7*24" not in tokens("17*24")


@pytest.mark.parametrize("text", ["赔" * 100_000, "1" * 100_000, "1*" * 50_000, "1." * 50_000, "a" * 100_000])
def test_a_hundred_thousand_characters_of_anything_are_read_in_seconds(text: str) -> None:
    started = time.process_time()
    assert tokens(text)
    # Quadratic work on this much would take minutes.
    assert time.process_time() - started < 10


def test_a_long_word_comes_with_the_words_inside_it() -> None:
    assert {"平安人寿", "平安", "人寿"} <= set(tokens("平安人寿"))
    assert {"消费者权益保护", "消费者", "权益", "保护"} <= set(tokens("消费者权益保护"))


def test_words_of_the_field_are_words() -> None:
    words = DICTIONARY.read_text("utf-8").split()
    assert len(words) == len(set(words))
    assert [word for word in words if word not in tokens(f"了{word}的")] == []


def test_punctuation_and_blanks_are_no_words() -> None:
    assert tokens("，。！？“”《》 \n\t_……—") == []
    assert tokens("") == []
    assert tokens("\ud83d消保") == tokens("消保")


def test_the_dictionary_is_read_once_by_many_threads_and_without_noise(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(tokens, ["平安人寿赔付410万件"] * 64))
    assert all(words == found[0] for words in found)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("平安人壽賠付了多少", "pay"),
        ("大篷车走了几公里", "car"),
        ("浦江经验是什么", "law"),
        ("315干了什么", "day"),
        ("热线", "law"),
    ],
)
def test_a_question_finds_the_text_with_its_words(index: KeywordIndex, query: str, expected: str) -> None:
    assert index.search(query, 4)[0][0] == expected


def test_scores_are_those_of_bm25(index: KeywordIndex) -> None:
    counted = {name: tokens(text) for name, text in TEXTS.items()}
    mean = sum(map(len, counted.values())) / len(counted)
    expected = []
    for words in counted.values():
        total = 0.0
        for term in ("赔付", "95511"):
            holding = sum(term in other for other in counted.values())
            idf = math.log(1 + (len(counted) - holding + 0.5) / (holding + 0.5))
            count = words.count(term)
            total += idf * count / (count + 1.5 * (1 - 0.75 + 0.75 * len(words) / mean))
        expected.append(total)
    assert index.scores(["赔付", "95511", "不在其中"]) == pytest.approx(expected, rel=1e-5)


def test_scores_are_aligned_to_the_ids(index: KeywordIndex) -> None:
    scores = index.scores(["大篷车"])
    assert scores.shape == (4,) and scores.dtype == np.float32
    assert [index.ids[place] for place in np.flatnonzero(scores)] == ["car"]
    assert index.place("car") == 1


def test_a_repeated_word_counts_once(index: KeywordIndex) -> None:
    assert index.scores(["赔付", "赔付"]) == pytest.approx(index.scores(["赔付"]))


def test_unknown_words_score_nothing(index: KeywordIndex) -> None:
    assert not index.scores(["火星"]).any() and not index.scores([]).any()
    assert index.search("火星", 3) == [] and index.search("", 3) == []


def test_the_best_k_are_given_and_equal_ones_in_order_of_id() -> None:
    same = KeywordIndex.build(["c", "a", "b", "d"], ["大篷车", "大篷车", "大篷车", "热线"])
    assert [name for name, _ in same.search("大篷车", 2)] == ["a", "b"]
    assert same.search("大篷车", 0) == []


def test_document_frequency_and_vocabulary(index: KeywordIndex) -> None:
    assert (
        index.document_frequency("赔付"),
        index.document_frequency("平安"),
        index.document_frequency("火星"),
    ) == (1, 2, 0)
    assert {"赔付", "大篷车", "95511"} <= index.vocabulary and "" not in index.vocabulary
    assert index.size == 4


def test_texts_without_words_are_indexed_and_never_found() -> None:
    empty = KeywordIndex.build(["a", "b"], ["……", "。"])
    assert empty.search("……", 2) == [] and empty.document_frequency("") == 0
    assert empty.vocabulary == frozenset()


def test_a_saved_index_answers_as_before(index: KeywordIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "keywords")
    loaded = KeywordIndex.load(tmp_path / "keywords")
    for query in ("平安赔付", "热线", "3·15"):
        assert loaded.search(query, 4) == index.search(query, 4)
    assert loaded.ids == index.ids and loaded.vocabulary == index.vocabulary
    assert isinstance(loaded._scorer.scores["data"], np.memmap)


def test_ids_and_texts_must_be_as_many_and_not_none() -> None:
    with pytest.raises(ValueError, match="2 ids, 1 texts"):
        KeywordIndex.build(["a", "b"], ["平安"])
    with pytest.raises(ValueError, match="0 ids"):
        KeywordIndex.build([], [])


def test_importing_does_not_touch_the_root_logger() -> None:
    assert logging.getLogger("bm25s").level == logging.WARNING
    assert logging.getLogger("jieba").level == logging.WARNING
