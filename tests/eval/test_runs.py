"""What a run keeps, and what it refuses to be continued with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Answer, Citation
from eval.cases import Case, Document, load_cases, parse_case
from eval.dumping import case_dict, cases_hash, dump_cases, json_line
from eval.errors import RunError
from eval.runs import ANSWERS, CASES, CONFIG, RunConfig, RunFolder

FIRST = Case("a", "figure", "平安人寿赔付了多少件？", (), True, (("410万件",),), ("平安人寿赔付410万件",), ())
SECOND = Case("b", "unanswerable_far", "今天天气怎么样？", (), False, (), (), ())
CASES_OF_RUN = (FIRST, SECOND)


def config(**changed: Any) -> RunConfig:
    whole = RunConfig(
        started="2026-01-02T03:04:05+08:00",
        target="local",
        cases=("cases.jsonl",),
        cases_hash=cases_hash(CASES_OF_RUN),
        repeat=2,
        settings={"answer": {"threshold": 0.3, "passages": 6}},
        versions={"package": "0.1.0"},
    )
    return replace(whole, **changed)


def answer(text: str, status: str = "grounded", version: str = "v1") -> dict[str, Any]:
    citation = Citation(1, "p", "a", "标题", "", None, "", (), text, 0, len(text))
    return Answer(
        "1",
        "q",
        "q",
        "figure",
        status,
        text,
        (),
        (citation,),
        (),
        (),
        "reader",
        version,
        {"total": 5.0},
        0.9,  # type: ignore[arg-type]
    ).to_dict()


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", config(), CASES_OF_RUN)


def test_a_run_is_named_after_its_start_and_two_in_one_second_are_kept_apart(tmp_path: Path) -> None:
    names = [RunFolder.create(tmp_path / "runs", config(), CASES_OF_RUN).path.name for _ in range(2)]
    assert names == ["20260102-030405", "20260102-030405-2"]


def test_results_come_in_the_order_of_the_cases_however_the_answers_came(folder: RunFolder) -> None:
    folder.add(SECOND, 1, answer("没有找到", "not_found"))
    folder.add(FIRST, 2, answer("平安人寿赔付245万件[1]"))
    folder.add(FIRST, 1, answer("平安人寿赔付410万件[1]"))
    assert folder.done() == {("a", 1), ("a", 2), ("b", 1)}
    results = RunFolder.open(folder.path).load().results
    assert [(result.case.id, result.repeat, result.right) for result in results] == [
        ("a", 1, True),
        ("a", 2, False),
        ("b", 1, True),
    ]


def test_what_is_read_back_is_what_was_kept(folder: RunFolder) -> None:
    opened = RunFolder.open(folder.path)
    assert (opened.config, opened.cases) == (config(), CASES_OF_RUN)


def test_judging_a_kept_run_again_gives_the_same(folder: RunFolder) -> None:
    folder.add(FIRST, 1, answer("平安人寿赔付410万件[1]"))
    assert folder.load() == RunFolder.open(folder.path).load()


def test_an_error_in_the_place_of_an_answer_is_a_wrong_answer(folder: RunFolder) -> None:
    folder.add(FIRST, 1, None, "问题太长。")
    (result,) = folder.load().results
    assert (result.right, result.response, result.error) == (False, None, "问题太长。")


def test_an_answer_that_is_none_is_a_wrong_answer_and_says_what_is_missing(folder: RunFolder) -> None:
    folder.add(FIRST, 1, {"text": "410万件"})
    (result,) = folder.load().results
    assert not result.right
    assert "status" in result.error


def test_the_versions_are_those_that_the_answers_name_unless_the_target_knew_better(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, config(), CASES_OF_RUN)
    folder.add(FIRST, 1, answer("410万件", version="v1"))
    assert folder.load().config.versions == {"package": "0.1.0", "index": "v1", "engine": "reader"}
    sure = RunFolder.create(tmp_path, config(versions={"index": "abc"}), CASES_OF_RUN)
    sure.add(FIRST, 1, answer("410万件", version="v1"))
    assert sure.load().config.versions == {"index": "abc", "engine": "reader"}


def test_many_threads_may_add_at_once(tmp_path: Path) -> None:
    cases = [replace(FIRST, id=f"case-{number}") for number in range(40)]
    folder = RunFolder.create(tmp_path, config(cases_hash=cases_hash(cases)), cases)
    long = answer("410万件") | {"question": "很长" * 10_000}
    threads = [
        threading.Thread(target=lambda own=own: [folder.add(case, 1, long) for case in own])
        for own in (cases[:10], cases[10:20], cases[20:30], cases[30:])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.case.id for result in folder.load().results] == [case.id for case in cases]


@pytest.mark.parametrize("torn", ['{"case": "b", "repe', '{"case": "b", "repeat": 1}\n', "{\n", "\udcff"])
def test_a_last_line_that_was_cut_is_dropped_and_written_again_on_resuming(
    folder: RunFolder, torn: str
) -> None:
    folder.add(FIRST, 1, answer("平安人寿赔付410万件[1]"))
    with (folder.path / ANSWERS).open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    assert folder.done() == {("a", 1)}
    resumed = RunFolder.resume(folder.path, config())
    resumed.add(SECOND, 1, answer("没有找到", "not_found"))
    assert resumed.done() == {("a", 1), ("b", 1)}
    assert len((folder.path / ANSWERS).read_bytes().splitlines()) == 2


def test_reading_a_run_changes_nothing_in_its_folder(folder: RunFolder) -> None:
    with (folder.path / ANSWERS).open("ab") as file:
        file.write(b'{"case": "b", "repe')
    RunFolder.open(folder.path).load()
    assert (folder.path / ANSWERS).read_bytes() == b'{"case": "b", "repe'


def test_a_line_that_is_damaged_in_the_middle_is_named(folder: RunFolder) -> None:
    folder.add(FIRST, 1, answer("410万件"))
    with (folder.path / ANSWERS).open("ab") as file:
        file.write(b"half a li\n")
    folder.add(SECOND, 1, answer("没有找到", "not_found"))
    with pytest.raises(RunError, match="第 2 行已损坏"):
        folder.load()


def test_an_answer_that_was_given_twice_counts_as_it_came_first(folder: RunFolder) -> None:
    folder.add(FIRST, 1, answer("平安人寿赔付410万件[1]"))
    folder.add(FIRST, 1, answer("别的[1]"))
    assert [result.right for result in folder.load().results] == [True]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cases_hash": "0" * 64}, "用例"),
        ({"repeat": 3}, "重复次数（原来：2；现在：3）"),
        ({"target": "http://127.0.0.1:7860"}, "评测对象（原来：local；现在：http://127.0.0.1:7860）"),
        (
            {"versions": {"package": "0.2.0"}},
            '版本（原来：{"package": "0.1.0"}；现在：{"package": "0.2.0"}）',
        ),
        (
            {"settings": {"answer": {"threshold": 0.5, "passages": 6}}},
            '设置（原来：{"answer": {"threshold": 0.3, "passages": 6}}；',
        ),
    ],
)
def test_a_run_is_not_continued_with_anything_else_and_it_says_what_differs(
    folder: RunFolder, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(RunError) as caught:
        RunFolder.resume(folder.path, config(**changed))
    assert said in str(caught.value)
    assert str(caught.value).count("原来：") == 1


def test_a_run_may_be_continued_later_and_with_more_threads(folder: RunFolder) -> None:
    assert RunFolder.resume(folder.path, config(started="2026-01-03T00:00:00", jobs=4)).config == config()


def test_cases_that_were_changed_in_the_folder_are_not_continued(folder: RunFolder) -> None:
    (folder.path / CASES).write_text(dump_cases([replace(FIRST, question="别的？"), SECOND]), "utf-8")
    with pytest.raises(RunError, match="用例"):
        RunFolder.resume(folder.path, config())


def _without_config(path: Path) -> None:
    (path / CONFIG).unlink()


def _with_an_empty_config(path: Path) -> None:
    (path / CONFIG).write_text("{}", "utf-8")


def _without_answers(path: Path) -> None:
    (path / ANSWERS).unlink()


@pytest.mark.parametrize("harm", [_without_config, _with_an_empty_config, _without_answers])
def test_a_folder_that_is_no_run_is_named(folder: RunFolder, harm: Callable[[Path], None]) -> None:
    harm(folder.path)
    with pytest.raises(RunError, match=folder.path.name):
        RunFolder.open(folder.path).load()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(RunError, match="无法写入"):
        RunFolder.create(tmp_path / "file", config(), CASES_OF_RUN)


# ---- cases as lines

_texts = st.text(min_size=1).filter(lambda text: bool(text.strip()))
_lists = st.lists(_texts, max_size=3).map(tuple)
_cases = st.builds(
    Case,
    id=_texts,
    kind=st.just("figure"),
    question=_texts,
    history=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), _texts), max_size=2).map(tuple),
    answerable=st.just(True),
    facts=st.lists(st.lists(_texts, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple),
    evidence=_lists,
    forbid=_lists,
    documents=st.lists(
        st.builds(
            Document,
            title=_texts,
            text=_texts,
            published=st.none() | st.dates(),
            publisher=st.just("") | _texts,
            url=st.just("") | _texts,
        ),
        max_size=2,
    ).map(tuple),
    max_chars=st.none() | st.integers(1, 1000),
    min_facts=st.none() | st.just(1),
    references=_lists,
)


@given(_cases)
def test_a_case_is_read_back_as_it_was_written(case: Case) -> None:
    (line,) = [line for line in dump_cases([case]).split("\n") if line]
    assert parse_case(line) == case


def test_a_case_file_with_half_a_character_is_written_and_read_back(tmp_path: Path) -> None:
    case = replace(FIRST, question="多少\ud83d件？")
    file = tmp_path / "cases.jsonl"
    file.write_text(dump_cases([case]), "utf-8")
    assert load_cases([file]) == [case]
    assert json.loads(json_line({"text": case.question})) == {"text": case.question}


def test_the_hash_changes_with_what_is_asked_or_expected_and_with_nothing_else() -> None:
    same = [parse_case(json.dumps(case_dict(case), sort_keys=True)) for case in CASES_OF_RUN]
    assert cases_hash(same) == cases_hash(CASES_OF_RUN)
    others = [
        CASES_OF_RUN[::-1],
        CASES_OF_RUN[:1],
        (replace(FIRST, question="？"), SECOND),
        (replace(FIRST, facts=(("1",),)), SECOND),
    ]
    assert len({cases_hash(cases) for cases in (CASES_OF_RUN, *others)}) == 5
