"""Fitting how sure the assistant is: the signals that tell answers apart get the weight, and it is said how well."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from typing import Any

import pytest

from assistant.evidence import Evidence, Features, Reading
from assistant.sentences import Sentence
from assistant.understanding import Lookup
from eval.fitting import Sample, fit, samples
from index.schema import Article, Chunk, Passage


def drawn(count: int, seed: int = 3) -> list[Sample]:
    chance = random.Random(seed)
    made = []
    for number in range(count):
        answered = chance.random() < 0.6
        telling = chance.gauss(1.0 if answered else -1.0, 0.6)
        made.append(
            Sample(str(number), {"bias": 1.0, "telling": telling, "idle": chance.gauss(0, 1)}, answered)
        )
    return made


def test_the_signal_that_tells_gets_the_weight() -> None:
    found = fit(drawn(300))
    assert found.weights["telling"] > 1
    assert abs(found.weights["idle"]) < 0.5
    assert 0.9 < found.held_out_auroc <= 1.0
    assert found.answered + found.unanswered == 300


def test_a_signal_that_tells_nothing_is_not_said_to() -> None:
    noise = [
        Sample(s.case_id, {"bias": 1.0, "idle": s.signals["idle"]}, s.answered) for s in drawn(400, seed=5)
    ]
    assert 0.4 < fit(noise).held_out_auroc < 0.6


def test_the_same_cases_give_the_same_weights() -> None:
    assert fit(drawn(120)).to_toml() == fit(drawn(120)).to_toml()


def test_the_file_can_be_read_back() -> None:
    found = fit(drawn(100))
    table = tomllib.loads(found.to_toml())["answered"]
    assert table == pytest.approx(dict(found.weights), abs=1e-4)


def test_one_sort_of_case_alone_fits_nothing() -> None:
    answered = [sample for sample in drawn(50) if sample.answered]
    with pytest.raises(ValueError, match="both"):
        fit(answered)


def test_a_case_counts_where_what_was_read_is_its_evidence_or_where_it_has_no_answer(bench: Any) -> None:
    text = "2022年，平安人寿赔付410万件。"
    article = Article("a1", "标题", "", None, "", text)
    passage = Passage(Chunk("c1", "a1", text, 0, len(text), ()), article, 1.0)
    nothing = Features(*[0.0] * 10)
    evidence = Evidence(Sentence(passage, 0, len(text)), 1.0, nothing)
    reading = Reading((evidence,), 0.5, (), (), signals={"bias": 1.0})
    lookup = Lookup("问题", "", "问题", "figure", "问题", (), False, (), (), False, ("问题",))
    read = [(lookup, reading)]
    right = bench.case("right")
    elsewhere = bench.case("elsewhere", evidence=("平安产险赔付1.9亿件",))
    none = bench.case("none", "unanswerable_near")
    ruled_out = [(lookup, replace(reading, signals={}))]
    found = samples(
        [(right, read), (elsewhere, read), (none, read), (right, [*read, *read]), (right, ruled_out)]
    )
    assert [(sample.case_id, sample.answered) for sample in found] == [("right", True), ("none", False)]
