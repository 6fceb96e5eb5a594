"""Questions that ask how two things differ."""

from __future__ import annotations

import pytest

from assistant.contrasts import contrasted, each


@pytest.mark.parametrize(
    ("question", "both"),
    [
        ("线上渠道与线下渠道的区别是什么？", ("线上渠道", "线下渠道")),
        ("飞行检查和定期检查，做法差在哪里?", ("飞行检查,做法", "定期检查,做法")),
        ("对员工和对客户，讲法有什么不一样？", ("对员工，讲法", "对客户，讲法")),
        ("平安银行和平安证券的受理流程有何不同", ("平安银行的受理流程", "平安证券的受理流程")),
    ],
)
def test_what_differs_is_looked_up_one_thing_at_a_time(question: str, both: tuple[str, str]) -> None:
    found = contrasted(question)
    assert found is not None
    assert tuple(part.replace("，", ",") for part in found) == tuple(part.replace("，", ",") for part in both)


@pytest.mark.parametrize(
    "question",
    [
        "两家公司的赔付件数相差多少？",
        "有哪些不同的服务？",
        "平安银行和平安证券谁先开始的？",
        "对不同客户怎么做？",
    ],
)
def test_a_reckoned_difference_and_a_difference_of_nothing_named_are_none(question: str) -> None:
    assert contrasted(question) is None


def test_what_is_asked_of_each_of_two_is_looked_up_one_at_a_time() -> None:
    assert each("柜台和热线的做法分别是什么？") == ("柜台的做法是什么", "热线的做法是什么")
    assert each("老人家、没有医保，旧版和新版头一年各要交多少？") == (
        "老人家、没有医保，旧版头一年要交多少",
        "老人家、没有医保，新版头一年要交多少",
    )
    assert each("理赔的满意度，24年跟23年比，各是多少") == (
        "理赔的满意度，24年比，是多少",
        "理赔的满意度，23年比，是多少",
    )
    assert each("甲山银行和乙水银行公告里留的电话分别是哪个") == (
        "甲山银行公告里留的电话是哪个",
        "乙水银行公告里留的电话是哪个",
    )


@pytest.mark.parametrize(
    "question", ["甲类案、乙类案和丙类案分别是什么？", "热线的号码是什么？", "做法分别是什么？"]
)
def test_three_things_or_one_are_not_two(question: str) -> None:
    assert each(question) is None


def test_what_the_first_is_of_the_second_is_of_too() -> None:
    assert contrasted("消保审查中的明察和暗访差在哪里？") == ("消保审查中的明察", "消保审查中的暗访")
