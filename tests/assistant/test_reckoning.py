"""Differences and ratios: worked out from two figures of the articles, and shown with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

TEXT = "\n".join(
    [
        "今年以来,平安集团累计推动立案80件,在办案件43件。",
        "2022年,平安人寿赔付410万件、平安产险赔付1.9亿件,平安健康险赔付245万件。",
        "2022年,审查发现问题164项,确定整改项目81项。",
        "95511客服热线接通率超99%。",
    ]
)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("推动立案的比在办的多几件？", "相差37件"),
        ("平安人寿比平安健康险多赔多少件？", "相差165万件"),
        ("平安产险的赔付件数是平安人寿的几倍？", "约46.3倍"),
        ("审查确定整改的项目数相当于发现问题数的百分之几？", "约49.4%"),
    ],
)
def test_what_is_worked_out_stands_first_and_both_figures_with_it(
    desk: Callable[..., Any], question: str, said: str
) -> None:
    answer = desk(TEXT).say(question)
    assert answer.startswith(said)
    assert "按资料数字计算" in answer
    assert "[1]" in answer


def test_a_share_that_the_articles_give_is_not_worked_out(desk: Callable[..., Any]) -> None:
    answer = desk(TEXT).say("客服热线接通率是百分之几？")
    assert "99%" in answer
    assert "计算" not in answer


def test_nothing_is_worked_out_from_one_figure(desk: Callable[..., Any]) -> None:
    assert "计算" not in desk("今年以来,平安集团累计推动立案80件。").say("立案的比在办的多几件？")


def test_figures_of_different_sorts_are_not_compared(desk: Callable[..., Any]) -> None:
    assert "计算" not in desk("审查覆盖11家子公司,发现问题164项,耗时3天。").say("耗时占多大比例？")
