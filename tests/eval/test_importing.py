"""Questions from elsewhere become cases that a case file can hold; what cannot is named with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.cases import load_cases
from eval.dumping import dump_cases
from eval.errors import CasesError
from eval.importing import import_cases
from eval.linting import check_cases

CONTEXT = "《战国无双3》是由光荣和ω-force开发的。\n本作以三大故事为主轴。"

SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "战国无双3",
            "paragraphs": [
                {
                    "id": "DEV_0",
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "DEV_0_QUERY_0",
                            "question": "由谁开发？",
                            "answers": [
                                {"text": "由光荣和ω-force开发", "answer_start": 8},
                                {"text": "光荣和ω-force", "answer_start": 9},
                                {"text": "光荣和ω-force", "answer_start": 9},
                            ],
                        },
                        {
                            "id": "DEV_0_QUERY_1",
                            "question": "卖出多少份？",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "三大", "answer_start": 30}],
                        },
                    ],
                }
            ],
        },
        {
            "paragraphs": [
                {"context": "别的。", "qas": [{"question": "什么？", "answers": [{"text": "别的"}]}]}
            ]
        },
    ],
}
FIRST_CMRC = [
    {
        "context_id": "TRIAL_800",
        "context_text": "生命数耗完即算为踢爆。",
        "title": "泡泡战士",
        "qas": [
            {
                "query_id": "TRIAL_800_QUERY_0",
                "query_text": "生命数耗完即算为什么？",
                "answers": ["踢爆", "踢爆。"],
            }
        ],
    }
]
LINES = [
    {"type": "question", "id": "q1", "question": "哪一年？", "gold_passage_id": "p1", "answers": ["公元1786年", "1786年"], "answers_verbatim": ["1786年"]},
    {"type": "passage", "id": "p1", "title": "梵文", "text": "1786年，协会举行。"},
    {"type": "passage", "id": "p2", "text": "没有人问的一段。"},
]  # fmt: skip


def written(folder: Path, name: str, content: Any, encoding: str = "utf-8") -> Path:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def lines(*values: Any) -> str:
    return "\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "\n"


def test_squad_questions_become_closed_context_cases(tmp_path: Path) -> None:
    asked, impossible, untitled = import_cases(written(tmp_path, "squad.json", SQUAD))
    assert (asked.id, asked.question, asked.kind, asked.answerable) == (
        "DEV_0_QUERY_0",
        "由谁开发？",
        "span",
        True,
    )
    assert asked.facts == (("由光荣和ω-force开发", "光荣和ω-force"),)
    assert asked.references == ("由光荣和ω-force开发", "光荣和ω-force")
    assert asked.evidence == ("光荣和ω-force",)
    (document,) = asked.documents
    assert (document.title, document.text) == ("战国无双3", CONTEXT)
    assert asked.length_cap == 320
    assert (impossible.kind, impossible.answerable, impossible.facts) == ("unanswerable_near", False, ())
    assert impossible.documents == asked.documents
    assert (untitled.id, untitled.documents[0].title) == ("squad-00003", "资料")


def test_the_first_form_of_cmrc_is_read(tmp_path: Path) -> None:
    (case,) = import_cases(written(tmp_path, "cmrc.json", FIRST_CMRC))
    assert (case.id, case.facts, case.evidence) == ("TRIAL_800_QUERY_0", (("踢爆", "踢爆。"),), ("踢爆",))
    assert case.documents[0].title == "泡泡战士"


def test_lines_of_passages_and_questions_are_read_in_any_order(tmp_path: Path) -> None:
    (case,) = import_cases(written(tmp_path, "lines.jsonl", lines(*LINES)))
    assert (case.id, case.facts, case.documents[0].text) == ("q1", (("1786年",),), "1786年，协会举行。")


def test_a_line_break_that_only_unicode_knows_does_not_end_a_line(tmp_path: Path) -> None:
    passage = LINES[1] | {"text": "1786年\u2028协会\u0085举行。"}
    (case,) = import_cases(written(tmp_path, "lines.jsonl", lines(LINES[0], passage)))
    assert case.documents[0].text == "1786年\u2028协会\u0085举行。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("heading", ["", "问题,答案\r\n", "Question , ANSWER\r\n"])
def test_a_table_of_two_columns_is_read_in_the_encodings_that_spreadsheets_write(
    tmp_path: Path, encoding: str, heading: str
) -> None:
    table = heading + '平安人寿赔付了多少件？,"410万件"\r\n\r\n"电话是多少，几点打？","95511,\n全天"\r\n'
    first, second = import_cases(written(tmp_path, "faq.csv", table, encoding))
    assert (first.id, first.question, first.facts) == ("faq-00001", "平安人寿赔付了多少件？", (("410万件",),))
    assert (second.question, second.references) == ("电话是多少，几点打？", ("95511,\n全天",))
    assert first.documents == () and first.evidence == ()


def test_columns_may_stand_apart_by_tabs(tmp_path: Path) -> None:
    (case,) = import_cases(written(tmp_path, "faq.tsv", "问题\t答案\n多少件？\t1,000万件\n"))
    assert case.facts == (("1,000万件",),)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("squad.json", SQUAD),
        ("cmrc.json", FIRST_CMRC),
        ("lines.jsonl", lines(*LINES)),
        ("a.csv", "多少？,3项\n"),
    ],
)
def test_what_was_imported_is_a_case_file_without_trouble(tmp_path: Path, name: str, content: Any) -> None:
    cases = import_cases(written(tmp_path, name, content))
    file = written(tmp_path, "cases.jsonl", dump_cases(cases))
    assert load_cases([file]) == cases
    assert check_cases(cases, []) == []


def test_a_limit_draws_the_same_cases_for_the_same_seed_and_keeps_their_order(tmp_path: Path) -> None:
    file = written(tmp_path, "faq.csv", "".join(f"第{number}个？,答{number}\n" for number in range(100)))
    drawn = [[case.id for case in import_cases(file, 10, seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 10
    assert drawn[0] == sorted(drawn[0])
    assert len(import_cases(file, 1000)) == 100


def squad(**question: Any) -> dict[str, Any]:
    whole = {"id": "1", "question": "什么？", "answers": [{"text": "别的"}]} | question
    return {"data": [{"title": "", "paragraphs": [{"context": "别的。", "qas": [whole]}]}]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"data": [', "第 1 行第 11 列不是有效的 JSON"),
        ("a.json", {"data": [{"title": "x"}]}, "data.0.paragraphs"),
        ("a.json", squad(question="  "), "data.0.paragraphs.0.qas.0.question（.*是空的"),
        ("a.json", squad(answers=[]), "问题 1「什么？」没有可以判分的答案"),
        ("a.json", squad(answers=[{"text": "。"}]), "没有可以判分的答案"),
        ("a.json", {"data": squad()["data"] * 2}, "第 1 个和第 2 个问题的 id 相同：1"),
        ("a.json", {"data": []}, "里没有问题"),
        ("a.json", {"questions": []}, "格式无法识别"),
        ("a.json", [1, 2], "格式无法识别"),
        ("a.json", [{"context_text": "一。", "qas": [{"query_text": "？"}]}], "0.qas.0.answers"),
        ("a.jsonl", lines(LINES[0], LINES[2]), "第 1 行：文件里没有段落 p1"),
        ("a.jsonl", lines(LINES[1]) + '{"type": \n', "第 2 行第 10 列不是有效的 JSON"),
        ("a.jsonl", lines(LINES[1], {"type": "question", "id": "q"}), "第 2 行 有误：question"),
        ("a.jsonl", lines(LINES[1], {"type": "answer"}), "第 2 行：type 应是 passage 或 question，不是「answer」"),
        ("a.jsonl", lines({"id": "x", "kind": "figure", "question": "？", "answerable": True}), "请直接用 --cases"),
        ("a.csv", "多少？,3项\n没有答案的？\n一,二,三\n,只有答案\n", r"第 2 行应有问题和答案两列：没有答案的？\n第 3 行.*\n第 4 行"),
        ("a.csv", "问题,答案\n", "里没有问题"),
        ("a.csv", "", "里没有问题"),
        ("a.csv", "多少？," + "一" * 200_000, "第 1 行不是有效的 CSV"),
        ("a.csv", "多少？,\0", "不是 UTF-8 或 GB18030 编码的文本"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_named_with_its_place(
    tmp_path: Path, name: str, content: Any, said: str
) -> None:
    with pytest.raises(CasesError, match=said) as caught:
        import_cases(written(tmp_path, name, content))
    assert str(tmp_path / name) in str(caught.value)


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("a.bin", "none.json"):
        with pytest.raises(CasesError, match=name):
            import_cases(tmp_path / name)
