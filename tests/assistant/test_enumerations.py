"""Enumerations and sections of an article."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.enumerations import announced, at, enumerations, sections

_INLINE = "在便民方面,一是开通热线。二是设立柜台。三是送服务上门,不收费用。此外还有讲座。"
_PARAGRAPHS = "平安多措并举。\n一是开通热线。全天有人接听。\n二是设立柜台。\n以上做法受到好评。"


def test_items_of_one_paragraph_end_with_their_sentences() -> None:
    (found,) = enumerations(_INLINE)
    assert [_INLINE[start:end] for start, end in found.items] == [
        "一是开通热线。",
        "二是设立柜台。",
        "三是送服务上门,不收费用。",
    ]
    assert _INLINE[slice(*found.lead)] == "在便民方面,"


def test_items_of_several_paragraphs_end_with_their_paragraphs() -> None:
    (found,) = enumerations(_PARAGRAPHS)
    assert [_PARAGRAPHS[start:end] for start, end in found.items] == [
        "一是开通热线。全天有人接听。",
        "二是设立柜台。",
    ]


def test_one_item_alone_is_no_enumeration() -> None:
    assert enumerations("一是开通热线。") == []
    assert enumerations("这一是非之争，第二是成本。") == []


def test_a_gap_in_the_count_ends_an_enumeration() -> None:
    (found,) = enumerations("一是甲事项。二是乙事项。四是丁事项。")
    assert len(found.items) == 2


def test_a_count_that_begins_again_is_another_enumeration() -> None:
    assert [len(found.items) for found in enumerations("一是甲。二是乙。三是丙。\n一是丁。二是戊。")] == [
        3,
        2,
    ]


def test_a_sentence_belongs_to_the_enumeration_it_stands_in_or_introduces() -> None:
    item = _INLINE.index("二是")
    assert at(_INLINE, item, item + 3) == enumerations(_INLINE)[0]
    text = "做法有：\n一是甲。\n二是乙。"
    assert at(text, 0, 4) == enumerations(text)[0]
    assert at(_PARAGRAPHS, len(_PARAGRAPHS) - 5, len(_PARAGRAPHS)) is None


@given(
    st.lists(
        st.sampled_from(["一是", "二是", "三是", "办事", "。", "\n", "：", "，", "是否"]), max_size=25
    ).map("".join)
)
def test_items_stand_in_order_within_the_text(text: str) -> None:
    for found in enumerations(text):
        edges = [edge for item in found.items for edge in item]
        assert edges == sorted(edges) and found.start >= 0 and found.end <= len(text)
        assert all(text[start + 1] == "是" for start, _ in found.items)


def test_a_section_runs_to_the_next_heading_of_its_level() -> None:
    text = "一、制度建设\n平安建立制度。\n二、服务创新\n平安推出服务。"
    assert [(s.heading.text, text[s.heading.end : s.end].strip()) for s in sections(text)] == [
        ("一、制度建设", "平安建立制度。"),
        ("二、服务创新", "平安推出服务。"),
    ]


_ANNOUNCED = (
    "网点推出五大便民举措，方便客户。\n"
    "在线上方面,一是开通热线。二是改版页面。\n在线下方面,一是设立柜台。二是送服务上门。三是延长时间。"
)


def test_a_set_announced_by_its_number_is_what_the_following_runs_add_up_to() -> None:
    items = announced(_ANNOUNCED, 0, _ANNOUNCED.index("\n"))
    assert [_ANNOUNCED[start : start + 6] for start, _ in items] == [
        "一是开通热线",
        "二是改版页面",
        "一是设立柜台",
        "二是送服务上",
        "三是延长时间",
    ]


def test_runs_that_do_not_add_up_to_the_number_announced_are_not_the_set() -> None:
    text = _ANNOUNCED.replace("五大", "四大")
    assert announced(text, 0, text.index("\n")) == ()
