"""How sure the assistant is: what speaks for an answer, what against, and what rules it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assistant.confidence import RULED_OUT, Absent, contradicted, probability, signals, weights

TEXT = "2022年,平安人寿赔付410万件。平安银行的消保大篷车穿越7省6地。"
NOTHING = Absent(0, False)


def test_every_signal_has_a_weight_and_every_weight_a_signal(desk: Callable[..., Any]) -> None:
    reading = desk(TEXT).read("2022年平安人寿赔付多少件？")
    assert set(reading.signals) == set(weights())


@pytest.mark.parametrize("question", ["2022年平安人寿赔付多少件？", "平安人寿的赔付情况怎么样？"])
def test_a_higher_margin_of_the_trained_reader_makes_surer(desk: Callable[..., Any], question: str) -> None:
    made = desk(TEXT)
    lookup, best = made.lookup(question), replace(made.read(question).evidence[0].features, meaning=0.87)
    sure = [
        probability(signals(replace(best, margin=margin), lookup, NOTHING)) for margin in (-9, -3, 0, 3, 9)
    ]
    assert sure == sorted(sure)
    odds = [share / (1 - share) for share in sure]
    assert odds[-1] > 10 * odds[0]


def test_what_is_lacking_makes_less_sure(desk: Callable[..., Any]) -> None:
    made = desk(TEXT)
    question = "2022年平安人寿赔付多少件？"
    lookup, best = made.lookup(question), replace(made.read(question).evidence[0].features, meaning=0.87)
    whole = probability(signals(best, lookup, NOTHING))
    assert probability(signals(best, lookup, Absent(1, False))) < whole
    assert probability(signals(best, lookup, Absent(0, True))) < whole
    assert probability(signals(replace(best, lacking=1.0), lookup, NOTHING)) < whole


@pytest.mark.parametrize(
    ("question", "ruled_out"),
    [
        ("2021年平安人寿赔付多少件？", True),
        ("新华保险2022年赔付多少件？", True),
        ("2022年平安人寿赔付多少件？", False),
        # It asserts, and can be set right.
        ("2021年平安人寿赔付了410万件吗？", False),
    ],
)
def test_another_year_or_company_rules_an_answer_out(
    desk: Callable[..., Any], question: str, ruled_out: bool
) -> None:
    made = desk(TEXT)
    reading = made.read(question)
    assert contradicted(reading.evidence[0].features, made.lookup(question)) is ruled_out
    assert (reading.probability == RULED_OUT) is ruled_out


def test_a_thing_of_another_company_can_be_set_right_where_it_is_known_to_be_asked_about(
    desk: Callable[..., Any],
) -> None:
    made = desk(TEXT)
    lookup = made.lookup("平安产险2022年的赔付通道有几条？")
    of_another = replace(made.read("2022年平安人寿赔付多少件？").evidence[0].features, company=-1.0)
    assert contradicted(replace(of_another, asked=0.3, unasked=0.1, margin=3.0), lookup)
    assert contradicted(replace(of_another, asked=0.6, unasked=0.6, margin=3.0), lookup)
    assert not contradicted(replace(of_another, asked=0.6, unasked=0.4, margin=3.0), lookup)
