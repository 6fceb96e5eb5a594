"""Chunks follow sections, sentences and lists, keep exact offsets, and cut no number and no quotation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.chunking import chunk, sentences
from index.cleaning import clean
from index.loading import load_articles
from index.schema import Article, Chunk

MAX = 80


def article(text: str) -> Article:
    return Article("a", "标题", "", None, "", text)


def texts(text: str, max_chars: int = MAX) -> list[str]:
    return [part.text for part in chunk(article(text), max_chars)]


def said(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


# Sentences


def test_a_sentence_ends_at_its_mark_with_the_closing_quotes() -> None:
    assert said("平安赔付了！真的吗？是的。他说：“好。”然后走了。") == [
        "平安赔付了！", "真的吗？", "是的。", "他说：“好。”", "然后走了。",
    ]  # fmt: skip


def test_a_semicolon_does_not_end_a_sentence() -> None:
    assert said("甲赔付80件;乙赔付43件；丙没有。") == ["甲赔付80件;乙赔付43件；丙没有。"]


def test_a_quotation_or_bracket_is_never_cut() -> None:
    assert said("落实“诉求合理的解决到位。诉求无理的教育到位！”的方针（见附件。第二页）。好。") == [
        "落实“诉求合理的解决到位。诉求无理的教育到位！”的方针（见附件。第二页）。", "好。",
    ]  # fmt: skip


def test_a_quotation_that_opens_a_sentence_does_not_end_it() -> None:
    assert said("“以客户为中心。”这是理念。") == ["“以客户为中心。”这是理念。"]


def test_a_mark_without_its_partner_is_an_ordinary_character() -> None:
    assert said("他说“好。然后走了。第二天） 又来。") == ["他说“好。", "然后走了。", "第二天） 又来。"]


def test_a_quotation_never_reaches_into_the_next_paragraph() -> None:
    assert said("他说“好。\n第二段。”完") == ["他说“好。", "第二段。”", "完"]


def test_a_question_mark_in_an_address_ends_nothing() -> None:
    assert said("见 http://a.cn/?x=1 页. What? 好!") == ["见 http://a.cn/?x=1 页. What?", "好!"]


def test_offsets_count_from_where_the_text_begins() -> None:
    assert [(span.start, span.end) for span in sentences("好。 行。", start=100)] == [(100, 102), (103, 105)]


MARKS = "平安消保。！？；，、：!?;,.:“”‘’「」『』《》（）()1234567890%亿年件 \n\u3000是一二三"


@given(st.text(alphabet=MARKS, max_size=400))
def test_sentences_hold_every_character_once_and_in_order(text: str) -> None:
    spans = sentences(text)
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert "".join("".join(said(text)).split()) == "".join(text.split())
    assert all("\n" not in sentence and sentence == sentence.strip() for sentence in said(text))


# Chunks


def test_a_chunk_stays_under_one_path_of_headings() -> None:
    found = chunk(article("引子。\n一、甲\n甲文。\n（一）乙\n乙文。\n二、丙\n丙文。"), MAX)
    assert [(part.text, part.headings) for part in found] == [
        ("引子。", ()),
        ("甲文。", ("一、甲",)),
        ("乙文。", ("一、甲", "（一）乙")),
        ("丙文。", ("二、丙",)),
    ]


def test_a_heading_without_body_stays_in_the_path_of_what_follows() -> None:
    found = chunk(article("一、甲\n活动覆盖“全”\n正文。"), MAX)
    assert [part.headings for part in found] == [("一、甲", "活动覆盖“全”")]


def test_a_heading_that_closes_the_text_is_not_lost() -> None:
    assert texts("正文。\n一、甲\n二、乙") == ["正文。\n一、甲\n二、乙"]


def test_a_paragraph_with_a_label_is_its_own_chunk_under_that_label() -> None:
    found = chunk(article("活动内容“新”\n总起句。\n新模式:党建加消保。\n新技术:虚拟现实。\n结束语。"), MAX)
    assert [(part.text, part.headings[1:]) for part in found] == [
        ("总起句。", ()),
        ("新模式:党建加消保。", ("新模式",)),
        ("新技术:虚拟现实。", ("新技术",)),
        ("结束语。", ()),
    ]


def test_short_paragraphs_join_their_neighbours_and_long_ones_do_not() -> None:
    long = "平" * 99 + "。"
    assert texts(f"短。\n{long}\n{long}\n短。", 240) == [f"短。\n{long}", f"{long}\n短。"]


def test_an_enumeration_that_fits_stays_in_one_chunk() -> None:
    before, listed, after = "平" * 60 + "。", "要做到:一是快。二是省。三是好。", "安" * 60 + "。"
    found = texts(before + listed + after)
    assert any(listed in part for part in found) and len(found) > 1


def test_an_enumeration_that_does_not_fit_is_cut_between_its_items() -> None:
    items = [f"{number}是{'平' * 30}。{'安' * 10}。" for number in "一二三四"]
    found = texts("".join(items), 120)
    assert len(found) > 1
    assert all(part.startswith(("一是", "二是", "三是", "四是")) for part in found)
    assert "".join(found) == "".join(items)


def test_items_that_are_paragraphs_stay_with_the_one_that_opens_them() -> None:
    opening = "平" * 90 + "。"
    items = [f"{number}是{'安' * 90}。" for number in "一二三"]
    other = "保" * 90 + "。"
    assert texts("\n".join([other, opening, *items, other]), 400) == [
        other,
        "\n".join([opening, *items]),
        other,
    ]
    assert texts("\n".join([opening, *items]), 200) == ["\n".join([opening, items[0]]), "\n".join(items[1:])]


def test_a_paragraph_that_is_too_long_is_cut_at_sentences_into_even_pieces() -> None:
    long = "".join(f"{'平' * 29}。" for _ in range(4))
    assert [len(part) for part in texts(long, 100)] == [60, 60]


def test_a_sentence_that_is_too_long_is_cut_at_semicolons_before_commas() -> None:
    long = f"{'平' * 30}，{'安' * 30}；{'消' * 30}，{'保' * 30}。"
    assert texts(long, 80) == [f"{'平' * 30}，{'安' * 30}；", f"{'消' * 30}，{'保' * 30}。"]
    assert texts(long.replace("；", "，"), 80)[0] == f"{'平' * 30}，{'安' * 30}，"


def test_an_id_tells_article_place_and_text_apart() -> None:
    first, second = chunk(article("一、甲\n好。\n二、乙\n好。"), MAX)
    assert first.text == second.text and first.id != second.id and len(first.id) == 16
    assert chunk(Article("b", "标题", "", None, "", "一、甲\n好。"), MAX)[0].id != first.id
    assert chunk(article("一、甲\n好。"), MAX)[0].id == first.id


LINES = st.one_of(
    st.sampled_from(
        [
            "一、党建引领",
            "二、深入基层,调研",
            "（一）做法",
            "活动覆盖“全”",
            "新模式:党建。",
            "一是快。",
            "二是省。",
            "",
        ]
    ),
    st.text(alphabet=MARKS.replace("\n", ""), max_size=250),
)


@given(st.lists(LINES, max_size=12), st.sampled_from([80, 120, 320]))
def test_chunks_keep_offsets_and_order_and_length(lines: list[str], max_chars: int) -> None:
    source = article("\n".join(lines))
    found = chunk(source, max_chars)
    assert all(source.text[part.start : part.end] == part.text == part.text.strip() != "" for part in found)
    assert all(len(part.text) <= max_chars for part in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


@given(st.lists(LINES, max_size=12), st.sampled_from([80, 120, 320]))
def test_every_line_is_in_the_chunks_or_in_the_headings_of_the_next(lines: list[str], max_chars: int) -> None:
    source = article("\n".join(lines))
    found = chunk(source, max_chars)
    covered = {place for part in found for place in range(part.start, part.end)}
    start = 0
    for line in lines:
        places = {start + place for place, character in enumerate(line) if not character.isspace()}
        if not places <= covered:
            following = next(part for part in found if part.start > start)
            assert not places & covered
            assert line.strip() in following.headings
        start += len(line) + 1


WHOLE = [
    "7.7亿元", "2.2万亿元", "1,000件", "410万件", "7*24小时", "3·15", "100%", "2023年9月15日", "59016个",
    "9600余次", "www.example.com/a?b", "767871486@qq.com", "１２３４家", "三千五百人",
    "“诉求合理的解决到位、诉求无理的思想教育到位、生活困难的帮扶救助到位”",
    "《银行保险机构消费者权益保护管理办法》",
    "「省心。省时；又省钱」", "（平安,即集团!）", "“他说‘好。’然后走了”",
]  # fmt: skip
FILLER = st.text(alphabet="平安消保理赔服务客户", max_size=60)
JOINT = st.sampled_from(["", "，", "、", "；", "。", "\n", ",", ";", "是", "和"])


@given(
    st.lists(st.tuples(FILLER, JOINT, st.sampled_from(WHOLE), JOINT), max_size=30),
    st.sampled_from([80, 100, 320]),
)
def test_a_number_or_quotation_is_never_cut(
    pieces: Sequence[tuple[str, str, str, str]], max_chars: int
) -> None:
    text = ""
    planted = []
    for filler, before, item, after in pieces:
        text += filler + before
        planted.append((len(text), len(text) + len(item)))
        text += item + (after or "保")
    edges = sorted({edge for part in chunk(article(text), max_chars) for edge in (part.start, part.end)})
    ends = sorted({edge for span in sentences(text) for edge in (span.start, span.end)})
    for start, end in planted:
        assert not [text[start:end] for edge in edges if start < edge < end]
        assert not [text[start:end] for edge in ends if start < edge < end]


@pytest.mark.parametrize("item", WHOLE)
@pytest.mark.parametrize("joint", ["", "，", "、"])
def test_wherever_the_end_of_a_chunk_falls_it_moves_out_of_a_number_or_quotation(
    item: str, joint: str
) -> None:
    for length in range(1, 81):
        filler = "平" * length + joint
        text = (filler + item) * 12
        edges = {edge for part in chunk(article(text), MAX) for edge in (part.start, part.end)}
        starts = [place * len(filler + item) + len(filler) for place in range(12)]
        assert not [edge for edge in edges for start in starts if start < edge < start + len(item)]


ENDLESS = {
    "no boundary": "平" * 200_000,
    "digits": "7" * 200_000,
    "commas between digits": "1,000" * 40_000,
    "open quotes": "“" * 200_000,
    "mixed marks": "“《（" * 33_000 + "）》”" * 33_000,
    "short quotes": "“平”" * 66_000,
    "exclamations": "!" * 199_999 + "a",
    "dots": "a." * 100_000,
    "addresses": "a@" * 100_000,
    "items": "一是平，二是安。" * 25_000,
    "short lines": "平安\n" * 66_000,
    "headings": "一、平\n" * 50_000,
    "headings, then body": "一、平\n" * 25_000 + "（一）平\n安。\n" * 12_000,
    "labels": "新模式:平\n" * 33_000,
    "item lines": "一是平。\n二是安。\n" * 20_000,
    "blanks": " " * 200_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_two_hundred_thousand_characters_of_anything_are_cut_in_seconds(name: str) -> None:
    started = time.process_time()
    source = article(clean(ENDLESS[name]).text)
    found = chunk(source, 320)
    # Quadratic work on this much would take minutes; this takes a second or two on a slow machine.
    assert time.process_time() - started < 15
    assert all(len(part.text) <= 320 for part in found)


# The source articles


@pytest.fixture(scope="module")
def real(articles_folder: Path) -> list[Chunk]:
    return [part for source in load_articles(articles_folder) for part in chunk(source, 320)]


def one_with(chunks: list[Chunk], words: str) -> Chunk:
    (found,) = [part for part in chunks if words in part.text]
    return found


def test_the_figures_of_a_year_stand_in_one_chunk_under_their_section(real: list[Chunk]) -> None:
    part = one_with(real, "平安人寿赔付410万件")
    assert part.headings == ("三、践行责任,踏踏实实办金融惠民实事",)
    assert "2022年" in part.text and "每天赔付7.7亿元" in part.text


def test_the_lists_of_the_articles_are_whole(real: list[Chunk]) -> None:
    assert "四是配套健康管理服务" in one_with(real, "保险业健康发展方面,一是推出车险急速理赔服务").text
    assert "二是推出多语言服务" in one_with(real, "一是上线双保障服务").text
    assert "八大应用" in one_with(real, "即:四类数据").text


def test_labels_of_the_second_article_are_the_innermost_heading(real: list[Chunk]) -> None:
    part = one_with(real, "10000公里")
    assert part.headings == ("活动内容“新”", "新载体") and part.text.startswith("新载体:")


def test_no_furniture_and_no_heading_line_is_in_a_chunk(real: list[Chunk]) -> None:
    whole = "\n".join(part.text for part in real)
    for words in ("chaguwang", "查股网", "QQ", "声明:本网", "内幕信息", "一、党建引领", "\n活动覆盖“全”"):
        assert words not in whole
