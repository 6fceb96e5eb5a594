"""How many requests of one asker are let through in a minute, by a clock that the test sets."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import limits.storage.memory
import pytest

from ui import limiting
from ui.limiting import RateLimit


class Clock:
    now = 1_700_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The clock that ``limits`` and this module read, which stands still until it is set."""
    clock = Clock()
    for module in (limits.storage.memory, limiting):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=clock.time))
    return clock


def test_as_many_as_allowed_are_let_through_and_the_next_is_told_how_long_to_wait(clock):
    limit = RateLimit(3)
    assert [limit.wait("甲") for _ in range(3)] == [None, None, None]
    clock.now += 20.5
    assert limit.wait("甲") == 40


@pytest.mark.parametrize("later", [0, 0.25, 20, 59.5, 59.999, 60])
def test_who_waits_as_long_as_told_is_let_through(clock, later):
    limit = RateLimit(1)
    assert limit.wait("甲") is None
    clock.now += later
    seconds = limit.wait("甲")
    assert isinstance(seconds, int) and 1 <= seconds <= 61
    clock.now += seconds
    assert limit.wait("甲") is None


def test_the_window_moves_with_each_request(clock):
    limit = RateLimit(2)
    assert limit.wait("甲") is None
    clock.now += 40
    assert limit.wait("甲") is None and limit.wait("甲") == 21
    clock.now += 21
    assert limit.wait("甲") is None and limit.wait("甲") == 40


def test_a_refused_request_makes_the_wait_no_longer(clock):
    limit = RateLimit(1)
    assert limit.wait("甲") is None
    for _ in range(30):
        clock.now += 1
        assert limit.wait("甲") is not None
    clock.now += 30.5
    assert limit.wait("甲") is None


def test_each_asker_is_counted_alone(clock):
    limit = RateLimit(1)
    assert limit.wait("甲") is None and limit.wait("甲/1") is None and limit.wait("") is None
    assert limit.wait("甲") and limit.wait("甲/1") and limit.wait("")


def test_nought_means_no_limit(clock):
    limit = RateLimit(0)
    assert {limit.wait("甲") for _ in range(1000)} == {None}


def test_two_limits_do_not_count_for_each_other(clock):
    first, second = RateLimit(1), RateLimit(1)
    assert first.wait("甲") is None and second.wait("甲") is None


def test_however_many_ask_only_so_many_are_remembered(clock, monkeypatch):
    monkeypatch.setattr(limiting, "MAX_KNOWN", 50)
    limit = RateLimit(2)
    for number in range(500):
        assert limit.wait(f"asker-{number}") is None
        assert len(limit._known) <= 50
        assert len(limit._limiter.storage.events) <= 50


def test_one_who_is_known_stays_counted_when_all_places_are_taken(clock, monkeypatch):
    monkeypatch.setattr(limiting, "MAX_KNOWN", 3)
    limit = RateLimit(1)
    assert [limit.wait(who) for who in "甲乙丙"] == [None] * 3
    assert all(limit.wait(who) for who in "甲乙丙")


def test_threads_together_are_let_through_no_oftener_than_allowed(clock):
    limit = RateLimit(40)
    answers: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: answers.extend(limit.wait("甲") for _ in range(20))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 160 and answers.count(None) == 40


def test_a_process_that_limits_ends_when_it_is_done():
    code = (
        "from ui.limiting import RateLimit; limit = RateLimit(1); limit.wait('a'); print(limit.wait('a') > 0)"
    )
    root = Path(limiting.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, timeout=60, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "True\n" and ended.stderr == ""
