"""What the trained reader is shown: short stretches around the sentences that may answer, each once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.sentences import statements
from assistant.windowing import windows_around

TEXT = "\n".join(
    [
        "问：什么是冷静期？答：借款发放后24小时内，客户可以全额退还。退还不收任何费用。每人每年限用两次。",
        "平安人寿赔付410万件；平安产险赔付1.9亿件。" + "全年服务客户数量稳步增长，" * 12 + "口碑良好。",
    ]
)


def test_a_window_holds_what_stands_beside_its_sentence_as_far_as_there_is_room(
    desk: Callable[..., Any],
) -> None:
    first, _ = desk(TEXT).passages
    answer = statements(first)[0]
    assert answer.text.startswith("答：")
    (wide,) = windows_around([answer], 4)
    assert wide.text == first.chunk.text
    (narrow,) = windows_around([answer], 4, chars=len(answer.text) + 10)
    assert narrow.text == first.chunk.text[: first.chunk.text.index("退还不收")]


def test_a_sentence_that_is_too_long_is_shown_by_itself(desk: Callable[..., Any]) -> None:
    _, second = desk(TEXT).passages
    long = statements(second)[-1]
    (window,) = windows_around([long], 4, chars=20)
    assert window.text == long.text
    assert window.holds(long)


def test_sentences_of_one_window_are_shown_once_and_in_order(desk: Callable[..., Any]) -> None:
    first, second = desk(TEXT).passages
    found = windows_around([statements(second)[0], *statements(first)], 4)
    assert [window.passage.chunk.id for window in found] == [second.chunk.id, first.chunk.id]
    assert windows_around(statements(first), 0) == []
