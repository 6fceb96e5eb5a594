"""What passes the gate and what does not: worked out by hand, and with builds that are broken on purpose."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.evidence import Reading
from assistant.pipeline import Assistant
from assistant.reading import Reader
from assistant.settings import AnswerSettings
from assistant.understanding import Lookup
from assistant.wiring import assistant_over
from eval.cases import PACKAGED, Case, load_cases
from eval.errors import RunError
from eval.gating import Baseline, baseline_json, baseline_of, gate, gate_text, read_baseline
from eval.judging import judge
from eval.remembering import RememberingEmbeddings
from eval.responses import parse_response
from eval.runs import Run, RunConfig
from index.retrieval import Retriever
from index.schema import Passage
from index.settings import IndexSettings

Answers = dict[str, dict[str, Any]]


def failing(run: Run, baseline: Baseline) -> str:
    return "\n".join(finding.text for finding in gate(run, baseline).findings if not finding.ok)


@pytest.fixture
def good(bench: Any) -> Run:
    """A hundred cases to answer and a hundred to refuse, all right."""
    return bench.run(
        *(bench.right(f"f{number}") for number in range(100)),
        *(bench.right(f"n{number}", "unanswerable_near") for number in range(100)),
    )


def with_wrong(bench: Any, run: Run, *names: str) -> Run:
    results = [
        bench.wrong(result.case.id, result.case.kind) if result.case.id in names else result
        for result in run.results
    ]
    return replace(run, results=tuple(results))


def test_a_run_passes_its_own_baseline(good: Run) -> None:
    report = gate(good, baseline_of(good))
    assert report.ok
    assert gate_text(report).startswith("门禁：通过\n")


def test_a_baseline_leaves_two_points_of_room_but_none_for_quotes(good: Run) -> None:
    baseline = baseline_of(good)
    assert baseline.floors["accuracy"] == 0.98
    assert baseline.floors["refusal_recall"] == 0.98
    assert baseline.floors["exact_quotes"] == 1.0
    assert baseline.ceilings == {"false_refusals": 0.02}
    assert len(baseline.right) == 200


def test_a_loss_of_two_points_passes_and_one_of_three_does_not(bench: Any, good: Run) -> None:
    baseline = replace(baseline_of(good), floors={}, ceilings={})
    assert gate(with_wrong(bench, good, "f1", "f2"), baseline).ok
    assert "可回答的用例（与基线共有 100 个）：答对 100 → 97" in failing(
        with_wrong(bench, good, "f1", "f2", "f3"), baseline
    )
    assert "不可回答的用例（与基线共有 100 个）：答对 100 → 97" in failing(
        with_wrong(bench, good, "n1", "n2", "n3"), baseline
    )


def test_a_significant_loss_fails_even_where_it_is_small(bench: Any, good: Run) -> None:
    many = bench.run(*(bench.right(f"f{number}") for number in range(400)))
    baseline = replace(
        baseline_of(good), floors={}, ceilings={}, right={f"f{number}": True for number in range(400)}
    )
    six = failing(with_wrong(bench, many, *(f"f{number}" for number in range(6))), baseline)
    assert six == "与基线逐条相比：变错 6，变对 0，p = 0.0312，显著变差"
    assert failing(with_wrong(bench, many, *(f"f{number}" for number in range(5))), baseline) == ""


def test_a_significant_gain_passes(bench: Any, good: Run) -> None:
    baseline = replace(baseline_of(good), right={result.case.id: False for result in good.results})
    report = gate(good, baseline)
    assert report.ok
    assert len(report.gained) == 200


def test_a_figure_beyond_its_limit_fails(bench: Any, good: Run) -> None:
    baseline = replace(baseline_of(good), right={})
    assert failing(with_wrong(bench, good, "f1", "f2"), baseline) == ""
    assert "可回答：正确率 97.0%，不得低于 98.0%" in failing(
        with_wrong(bench, good, "f1", "f2", "f3"), baseline
    )
    refused = bench.response("资料中没有找到答案。", "not_found")
    refusing = [judge(result.case, refused) for result in good.results]
    assert "可回答：误拒率 100.0%，不得高于 2.0%" in failing(replace(good, results=tuple(refusing)), baseline)


def test_a_figure_that_cannot_be_worked_out_does_not_pass_for_good(bench: Any, good: Run) -> None:
    only_refusals = replace(good, results=good.results[100:])
    assert "可回答：正确率 —，不得低于 98.0%" in failing(only_refusals, replace(baseline_of(good), right={}))
    with pytest.raises(RunError, match="可回答：正确率"):
        baseline_of(only_refusals)


def test_cases_left_out_fail_and_new_ones_do_not_hide_a_loss(bench: Any, good: Run) -> None:
    baseline = baseline_of(good)
    assert failing(replace(good, results=good.results[1:]), baseline) == "基线的用例有 1 个没有评到：f0"
    more = [bench.right(f"new{number}") for number in range(300)]
    worse = with_wrong(bench, good, "f1", "f2", "f3")
    assert "答对 100 → 97" in failing(replace(worse, results=(*worse.results, *more)), baseline)
    assert "基线之外的新用例：300 个" in gate_text(
        gate(replace(good, results=(*good.results, *more)), baseline)
    )


def test_changed_cases_are_pointed_out(good: Run) -> None:
    changed = replace(good, config=replace(good.config, cases_hash="other"))
    assert "用例的内容在基线之后改过" in gate_text(gate(changed, baseline_of(good)))


def test_a_case_counts_as_right_when_it_is_right_every_time(bench: Any, good: Run) -> None:
    again = [replace(bench.wrong(f"f{number}"), repeat=2) for number in range(3)]
    assert "答对 100 → 97" in failing(replace(good, results=(*good.results, *again)), baseline_of(good))


def test_a_baseline_is_read_back_as_it_was_written(good: Run, tmp_path: Path) -> None:
    baseline = baseline_of(good, "手写的用例")
    (tmp_path / "main.json").write_text(baseline_json(baseline), "utf-8")
    assert read_baseline(tmp_path / "main.json") == baseline


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"floors": {"luck": 0.5}}, "luck"),
        ({"right": {"f1": "yes"}}, "right.f1"),
        ({"ceiling": {}}, "ceiling"),
    ],
)
def test_a_baseline_that_would_not_be_heeded_is_refused(
    good: Run, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "main.json"
    path.write_text(json.dumps(baseline_of(good).to_dict() | change), "utf-8")
    with pytest.raises(RunError, match=said):
        read_baseline(path)


def test_a_missing_baseline_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nowhere\.json"):
        read_baseline(tmp_path / "nowhere.json")


# Builds that are broken on purpose. The baseline is what the sound build answers to the same cases.


class InOrderReader:
    """Reads, and then takes the sentences as they stand instead of the best first."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, lookup: Lookup, passages: Sequence[Passage]) -> Reading:
        reading = self._reader.read(lookup, passages)
        return replace(reading, evidence=tuple(sorted(reading.evidence, key=lambda item: item.start)))


@pytest.fixture(scope="module")
def asked() -> list[Case]:
    """Some of every sort of the packaged cases."""
    return load_cases([PACKAGED / "dev.jsonl"])[::20]


@pytest.fixture(scope="module")
def retriever(real_settings: IndexSettings) -> Iterator[Retriever]:
    """Over the real articles; the builds are asked the same, so what one had embedded is known to the next."""
    with Retriever.open(real_settings, RememberingEmbeddings(real_settings.model)) as retriever:
        yield retriever


@pytest.fixture(scope="module")
def sound(retriever: Retriever, asked: list[Case]) -> Answers:
    """What the build as it is answers."""
    return answers(assistant_over(retriever, AnswerSettings()), asked)


def answers(assistant: Assistant, cases: Sequence[Case]) -> Answers:
    return {case.id: assistant.ask(case.question, case.history).to_dict() for case in cases}


def run_of(cases: Sequence[Case], given: Answers) -> Run:
    config = RunConfig("2026-01-02T03:04:05+08:00", "local", ("dev.jsonl",), "hash")
    return Run(config, tuple(judge(case, parse_response(given[case.id])) for case in cases))


def spoilt(given: Answers, spoil: Callable[[dict[str, Any], dict[str, Any]], None]) -> Answers:
    """The answers with ``spoil`` done to each citation and the passage it is from."""
    changed = copy.deepcopy(given)
    for answer in changed.values():
        passages = {passage["id"]: passage for passage in answer["passages"]}
        for citation in answer["citations"]:
            spoil(citation, passages[citation["passage_id"]])
    return changed


@pytest.fixture(scope="module")
def standard(asked: list[Case], sound: Answers) -> Iterator[Baseline]:
    run = run_of(asked, sound)
    baseline = baseline_of(run)
    assert gate(run, baseline).ok
    yield baseline


def test_a_threshold_of_nothing_fails(retriever: Retriever, asked: list[Case], standard: Baseline) -> None:
    careless = answers(assistant_over(retriever, AnswerSettings(threshold=0.0)), asked)
    assert "不可回答：拒答率" in failing(run_of(asked, careless), standard)


def test_a_build_that_ignores_its_reader_fails(
    retriever: Retriever, asked: list[Case], standard: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = assistant_over(retriever, AnswerSettings())
    monkeypatch.setattr(assistant, "_reader", InOrderReader(assistant._reader))
    assert "显著变差" in failing(run_of(asked, answers(assistant, asked)), standard)


def test_citations_of_another_sentence_fail_though_their_quotes_are_exact(
    asked: list[Case], sound: Answers, standard: Baseline
) -> None:
    changed = copy.deepcopy(sound)
    for answer in changed.values():
        last = answer["passages"][-1] if answer["passages"] else None
        for citation in answer["citations"]:
            citation |= {"passage_id": last["id"], "article_id": last["article_id"], "quote": last["text"]}
            citation |= {"start": last["start"], "end": last["end"]}
    found = failing(run_of(asked, changed), standard)
    assert "引文一字不差" not in found
    assert "对的答案中引全依据" in found
    assert "引用精确" in found


def test_offsets_that_are_one_off_fail(asked: list[Case], sound: Answers, standard: Baseline) -> None:
    def shift(citation: dict[str, Any], passage: dict[str, Any]) -> None:
        citation["start"] += 1
        citation["end"] += 1

    assert failing(run_of(asked, spoilt(sound, shift)), standard).startswith("引文一字不差 0.0%")


def test_quotes_cut_one_character_off_fail_though_they_stand_at_their_offsets(
    asked: list[Case], sound: Answers, standard: Baseline
) -> None:
    def cut(citation: dict[str, Any], passage: dict[str, Any]) -> None:
        start = citation["start"] + 1
        end = min(citation["end"] + 1, passage["end"])
        quote = passage["text"][start - passage["start"] : end - passage["start"]]
        citation |= {"start": start, "end": end, "quote": quote}

    found = failing(run_of(asked, spoilt(sound, cut)), standard)
    assert "引文一字不差" not in found
    assert found


def test_a_single_quote_that_is_one_off_fails(asked: list[Case], sound: Answers, standard: Baseline) -> None:
    changed = copy.deepcopy(sound)
    next(answer for answer in changed.values() if answer["citations"])["citations"][0]["start"] += 1
    assert "引文一字不差" in failing(run_of(asked, changed), standard)
