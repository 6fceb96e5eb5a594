"""Case files are checked as a whole, and the packaged ones hold what they promise."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assistant.kinds import reckons
from eval.cases import (
    KINDS,
    PACKAGED,
    UNANSWERABLE_KINDS,
    Case,
    Document,
    case_files,
    load_cases,
    parse_case,
)
from eval.errors import CasesError
from eval.normalising import contains, normalise
from index.loading import load_articles
from index.settings import IndexSettings

GOOD: dict[str, Any] = {
    "id": "fig-1",
    "kind": "figure",
    "question": "平安人寿赔付了多少件？",
    "history": [],
    "answerable": True,
    "facts": [["410万件", "410万"]],
    "evidence": ["平安人寿赔付410万件"],
    "forbid": [],
}
UNANSWERABLE: dict[str, Any] = {
    "id": "far-1",
    "kind": "unanswerable_far",
    "question": "今天天气怎么样？",
    "answerable": False,
}


def line(**changes: Any) -> str:
    return json.dumps(GOOD | changes, ensure_ascii=False)


def file_of(folder: Path, *lines: str, name: str = "cases.jsonl") -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def test_a_case_is_read_with_all_it_says(tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        line(
            kind="follow_up",
            history=[
                {"role": "user", "content": "平安产险呢？"},
                {"role": "assistant", "content": "1.9亿件"},
            ],
            documents=[{"title": "报道", "text": "平安人寿赔付410万件。"}],
            forbid=["411万"],
            max_chars=60,
        ),
    )
    assert load_cases([file]) == [
        Case(
            id="fig-1",
            kind="follow_up",
            question="平安人寿赔付了多少件？",
            history=(("user", "平安产险呢？"), ("assistant", "1.9亿件")),
            answerable=True,
            facts=(("410万件", "410万"),),
            evidence=("平安人寿赔付410万件",),
            forbid=("411万",),
            documents=(Document("报道", "平安人寿赔付410万件。"),),
            max_chars=60,
        )
    ]


def test_what_is_optional_may_be_left_out() -> None:
    case = parse_case(json.dumps(UNANSWERABLE))
    assert (case.history, case.facts, case.evidence, case.forbid, case.documents) == ((), (), (), (), ())
    assert case.max_chars is None


def test_a_single_fact_must_be_short_and_other_answers_may_be_longer() -> None:
    assert parse_case(line()).length_cap == 90
    assert parse_case(line(kind="list")).length_cap == 320
    assert parse_case(line(max_chars=120)).length_cap == 120


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": ', "不是有效的 JSON"),
        ("[1]", "JSON 对象"),
        ('{"id": "a", "id": "b"}', "键重复：id"),
        (line(fact=[["x"]]), "未知的键：fact"),
        ('{"id": "a", "kind": "figure"}', "缺少键：question、answerable"),
        (line(id=7), "id 应是字符串，不是 7"),
        (line(question="  "), "question 是空的"),
        (line(kind="figures"), "kind「figures」未知"),
        (line(answerable="true"), 'answerable 应是 true 或 false，不是 "true"'),
        (line(answerable=1), "answerable 应是 true 或 false，不是 1"),
        (line(facts=[]), "可回答的用例必须有 facts"),
        (line(facts=["410万件"]), '第 1 项 应是字符串的列表，不是 "410万件"'),
        (line(facts=[["410万件"], []]), "facts 第 2 项没有任何备选写法"),
        (line(facts=[["410万件", ""]]), "facts 第 1 项 第 2 项 是空的"),
        (line(facts={"a": "b"}), "facts 应是列表"),
        (line(evidence="原文"), "evidence 应是字符串的列表"),
        (line(forbid=[None]), "forbid 第 1 项 应是字符串，不是 null"),
        (line(history=[{"role": "system", "content": "x"}]), "role 应是 user 或 assistant"),
        (line(history=[{"role": "user"}]), "history 第 1 项 缺少键：content"),
        (line(history=["user"]), "history 第 1 项 应是对象"),
        (line(kind="follow_up"), "history 却是空的"),
        (line(documents=[{"title": "t", "text": "x", "link": "y"}]), "documents 第 1 项 有未知的键：link"),
        (
            line(documents=[{"title": "t", "text": "x", "published": "去年"}]),
            "published 应是 2023-09-27 这样的日期",
        ),
        (line(min_facts=2), "min_facts 是 2，facts 却只有 1 项"),
        (line(kind="robust"), "要有 origin 和 variant"),
        (line(origin="a", variant="polite"), "别的用例不应有"),
        (line(references="410万件"), "references 应是字符串的列表"),
        (line(max_chars=True), "max_chars 应是正整数，不是 true"),
        (line(max_chars=0), "max_chars 应是正整数，不是 0"),
        (line(kind="unanswerable_far"), "answerable 却是 true"),
        (line(answerable=False, facts=[], evidence=[]), "kind 应为 unanswerable_near 或 unanswerable_far"),
        (line(answerable=False, kind="unanswerable_near", evidence=[]), "不应有 facts"),
        (line(answerable=False, kind="unanswerable_near", facts=[]), "不应有 facts 或 evidence"),
    ],
)
def test_a_wrong_line_is_refused_with_the_reason_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    file = file_of(tmp_path, json.dumps(UNANSWERABLE), "", text)
    with pytest.raises(CasesError) as caught:
        load_cases([file])
    assert says in str(caught.value)
    assert f"{file} 第 3 行" in str(caught.value)


def test_all_wrong_lines_are_named_at_once(tmp_path: Path) -> None:
    file = file_of(tmp_path, "{", line(), "[]")
    with pytest.raises(CasesError) as caught:
        load_cases([file])
    assert "第 1 行" in str(caught.value)
    assert "第 2 行" not in str(caught.value)
    assert "第 3 行" in str(caught.value)


def test_an_id_is_used_once_over_all_files(tmp_path: Path) -> None:
    first = file_of(tmp_path, line(), name="a.jsonl")
    second = file_of(tmp_path, json.dumps(UNANSWERABLE), line(question="另一问？"), name="b.jsonl")
    with pytest.raises(CasesError, match="fig-1") as caught:
        load_cases([first, second])
    assert f"{second} 第 2 行" in str(caught.value)
    assert f"{first} 第 1 行" in str(caught.value)


def test_a_folder_stands_for_its_case_files_and_no_file_is_read_twice(tmp_path: Path) -> None:
    second = file_of(tmp_path, json.dumps(UNANSWERABLE), name="b.jsonl")
    first = file_of(tmp_path, line(), name="a.jsonl")
    (tmp_path / "README.md").write_text("no case", "utf-8")
    assert case_files([tmp_path, first]) == [first, second]
    assert [case.id for case in load_cases([tmp_path, first])] == ["fig-1", "far-1"]


def test_missing_empty_and_undecodable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="找不到用例文件"):
        load_cases([tmp_path / "none.jsonl"])
    with pytest.raises(CasesError, match=r"没有 \.jsonl"):
        load_cases([tmp_path])
    with pytest.raises(CasesError, match="没有找到任何用例"):
        load_cases([file_of(tmp_path, "", name="empty.jsonl")])
    (tmp_path / "gbk.jsonl").write_bytes("用例".encode("gb18030"))
    with pytest.raises(CasesError, match="UTF-8"):
        load_cases([tmp_path / "gbk.jsonl"])


def test_the_split_follows_the_hash_of_the_id_and_a_variant_its_origin() -> None:
    splits = Counter(parse_case(line(id=f"fig-{number}")).split for number in range(400))
    assert 150 < splits["dev"] < 250
    origin = parse_case(line())
    assert all(
        parse_case(line(id=f"v-{number}", kind="robust", origin="fig-1", variant="polite")).split
        == origin.split
        for number in range(20)
    )


def test_an_overview_needs_as_many_facts_as_it_says_others_all() -> None:
    facts = [["a"], ["b"], ["c"]]
    assert parse_case(line(facts=facts)).facts_needed == 3
    assert parse_case(line(facts=facts, kind="coverage", min_facts=2)).facts_needed == 2


def test_a_document_carries_what_it_says_of_itself() -> None:
    told = {
        "title": "t",
        "text": "x",
        "published": "2023-09-27",
        "publisher": "p",
        "url": "https://a.example/",
    }
    (document,) = parse_case(line(documents=[told])).documents
    assert document == Document("t", "x", date(2023, 9, 27), "p", "https://a.example/")


def test_a_byte_order_mark_and_unusual_line_separators_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + line(question="甲\u2028乙？").encode() + b"\r\n")
    assert load_cases([file])[0].question == "甲\u2028乙？"


def test_the_packaged_cases_cover_what_they_promise() -> None:
    cases = load_cases([PACKAGED])
    kinds = Counter(case.kind for case in cases)
    unanswerable = sum(not case.answerable for case in cases)
    near, far = (kinds[kind] for kind in UNANSWERABLE_KINDS)
    assert len(cases) >= 80
    assert unanswerable >= 25
    assert near >= unanswerable // 2 and far > 0
    # Spans are what public benchmarks bring.
    assert set(kinds) == set(KINDS) - {"span"}


def test_every_packaged_fact_can_be_told_from_its_texts() -> None:
    articles = normalise("\n".join(article.text for article in load_articles(IndexSettings().articles)))
    for case in load_cases([PACKAGED]):
        own = "\n".join(f"{item.title}\n{item.published}\n{item.text}" for item in case.documents)
        told = normalise(own) or articles
        if reckons(case.question):  # the texts give the figures, and not what comes of them
            continue
        for alternatives in case.facts:
            assert any(contains(told, normalise(string)) for string in alternatives), (case.id, alternatives)


def test_every_packaged_answerable_case_names_its_evidence() -> None:
    assert [case.id for case in load_cases([PACKAGED]) if case.answerable and not case.evidence] == []
