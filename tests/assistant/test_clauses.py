"""Clauses: where a statement may be cut, and which of them are said."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.clauses import clauses, shortest_run, without_joiner

_MARKS = " \n，,。；;、：:！？!?"
_MATERIAL = st.lists(
    st.sampled_from(
        [
            "平安银行",
            "1,234,567件",
            "7.7亿元",
            "“走乡村、进校园，办实事”",
            "（含分公司）",
            "，",
            "；",
            "、",
            "：",
            "2021年",
            "其中",
            "化解120件",
            "12:30",
            "99%",
            " ",
        ]
    ),
    max_size=12,
).map("".join)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text)]


@given(_MATERIAL)
def test_clauses_cover_all_but_the_marks_between_them(text: str) -> None:
    spans = clauses(text)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    outside = "".join(
        text[a:b]
        for a, b in zip([0, *(s[1] for s in spans)], [*(s[0] for s in spans), len(text)], strict=True)
    )
    assert set(outside) <= set(_MARKS)


@given(_MATERIAL)
def test_no_clause_cuts_a_number_or_a_quotation(text: str) -> None:
    edges = {edge for span in clauses(text) for edge in span}
    whole = re.finditer(r"1,234,567|7\.7|“走乡村、进校园，办实事”|（含分公司）|12:30", text)
    assert not any(match.start() < edge < match.end() for match in whole for edge in edges)


@given(st.text(max_size=80))
def test_any_text_has_clauses_within_it(text: str) -> None:
    assert all(0 <= start < end <= len(text) for start, end in clauses(text))


def test_items_without_figures_stay_together_and_items_with_figures_part() -> None:
    assert cut("提供粤语、四川话、手语服务") == ["提供粤语、四川话、手语服务"]
    assert cut("人寿理赔30单、产险理赔45单") == ["人寿理赔30单", "产险理赔45单"]


def test_the_shortest_run_that_keeps_what_was_asked_is_said() -> None:
    text = "在监管指导下,平安普惠设立线上调解室,全年化解矛盾纠纷120件,受到好评"
    start, end = shortest_run(text, lambda run: float("纠纷" in run), 40, lambda run: "件" in run)
    assert text[start:end] == "全年化解矛盾纠纷120件"


def test_a_run_grows_to_hold_what_is_worth_its_characters() -> None:
    text = "平安普惠设立调解室,化解纠纷120件"
    start, end = shortest_run(
        text, lambda run: ("普惠" in run) * 0.5 + ("120" in run) * 0.5, 40, lambda run: True
    )
    assert text[start:end] == text


def test_with_no_complete_run_the_whole_is_said() -> None:
    text = "设立调解室,化解纠纷"
    start, end = shortest_run(text, lambda run: 1.0, 40, lambda run: False)
    assert text[start:end] == text


def test_a_complete_run_beyond_the_longest_is_better_than_none() -> None:
    text = "设立便民调解室并且持续改进,化解纠纷120件"
    start, end = shortest_run(text, lambda run: 0.0, 3, lambda run: "120" in run)
    assert text[start:end] == "化解纠纷120件"


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("其中,平安人寿理赔30单", "平安人寿理赔30单"),
        ("同时开展讲座", "开展讲座"),
        ("一是开通热线", "开通热线"),
        ("其中", "其中"),
        ("平安人寿", "平安人寿"),
    ],
)
def test_a_word_that_only_joins_is_not_said(clause: str, said: str) -> None:
    start, end = without_joiner(clause, (0, len(clause)))
    assert clause[start:end] == said


@pytest.mark.parametrize("text", ["，" * 2000, "其中" * 1000, "“" * 2000, "1、" * 200])
def test_a_text_of_nothing_but_marks_is_cut_too(text: str) -> None:
    assert all(start < end for start, end in clauses(text))


def test_what_only_leads_on_to_the_next_clause_is_no_end() -> None:
    text = "成年客户的重疾赔付中，心脑血管疾病占三成，其余为恶性肿瘤和意外伤害，公司将继续提高理赔的速度"
    start, end = shortest_run(text, lambda run: 1.0, 90, lambda run: "重疾" in run)
    assert text[start:end] == "成年客户的重疾赔付中，心脑血管疾病占三成"
    start, end = shortest_run(text, lambda run: 1.0, 90, lambda run: "重疾" in run, answer=(0, 4))
    assert text[start:end] == "成年客户的重疾赔付中"
