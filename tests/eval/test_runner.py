"""Asking all cases: what is asked, in which order it comes back, and how a run ends early and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import QuestionError
from assistant.schema import Answer
from eval.cases import Case, Document
from eval.dumping import cases_hash
from eval.errors import RunError, TargetError
from eval.runner import run_cases
from eval.runs import ANSWERS, RunConfig, RunFolder
from eval.targets import own_versions
from index.errors import IndexMissingError

CASE = Case("fig-1", "figure", "多少件？", (), True, (("410万件",),), (), ())
CASES = tuple(replace(CASE, id=f"fig-{number}") for number in range(8))
ONE, OTHER = (Document("一", "一"),), (Document("二", "二"),)


def answer(text: str = "410万件[1]") -> dict[str, Any]:
    return Answer(
        "1", "q", "q", "figure", "grounded", text, (), (), (), (), "reader", "v1", {"total": 5.0}
    ).to_dict()


class Scripted:
    """A target that keeps what it was asked, and does to some cases what it is told to."""

    name = "scripted"

    def __init__(self, takes_documents: bool = True, **steps: Callable[[], dict[str, Any]]) -> None:
        self.takes_documents = takes_documents
        self.asked: list[tuple[str, int]] = []
        self._steps = steps
        self._asking = threading.Lock()

    @property
    def ids(self) -> list[str]:
        return [case_id for case_id, _ in self.asked]

    def answer(self, case: Case) -> dict[str, Any]:
        with self._asking:
            self.asked.append((case.id, threading.get_ident()))
        return self._steps.get(case.id.replace("-", "_"), slowly)()

    def versions(self) -> dict[str, str]:
        return own_versions()

    def close(self) -> None:
        pass


def slowly(seconds: float = 0.02) -> dict[str, Any]:
    time.sleep(seconds)
    return answer()


def raising(error: BaseException) -> Callable[[], dict[str, Any]]:
    def step() -> dict[str, Any]:
        raise error

    return step


def folder_of(parent: Path, cases: Sequence[Case], repeat: int = 1) -> RunFolder:
    config = RunConfig("2026-01-02T03:04:05", "scripted", (), cases_hash(cases), repeat)
    return RunFolder.create(parent, config, cases)


def resumed(folder: RunFolder) -> RunFolder:
    return RunFolder.resume(folder.path, folder.config)


@pytest.mark.parametrize("jobs", [1, 4])
def test_results_come_in_the_order_of_the_cases_and_each_is_asked_once(tmp_path: Path, jobs: int) -> None:
    target = Scripted(fig_0=lambda: slowly(0.2))
    told: list[tuple[int, int]] = []
    run = run_cases(
        CASES, target, folder_of(tmp_path, CASES), jobs, progress=lambda done, all: told.append((done, all))
    )
    assert [result.case for result in run.results] == list(CASES)
    assert sorted(target.ids) == [case.id for case in CASES]
    assert told == [(number, 8) for number in range(1, 9)]


def test_with_several_jobs_several_questions_are_under_way_at_once(tmp_path: Path) -> None:
    meeting = threading.Barrier(3, timeout=10)
    steps = {f"fig_{number}": lambda: (meeting.wait(), answer())[1] for number in range(3)}
    run_cases(CASES[:3], Scripted(**steps), folder_of(tmp_path, CASES[:3]), jobs=3)
    assert not meeting.broken


def test_every_question_is_asked_as_often_as_it_should_be(tmp_path: Path) -> None:
    target = Scripted()
    run = run_cases(CASES[:2], target, folder_of(tmp_path, CASES[:2], 3), jobs=2, repeat=3)
    assert [(result.case.id, result.repeat) for result in run.results] == [
        (case.id, repeat) for case in CASES[:2] for repeat in (1, 2, 3)
    ]
    assert len(target.asked) == 6


def test_a_question_that_is_not_taken_is_wrong_and_the_run_goes_on(tmp_path: Path) -> None:
    target = Scripted(fig_0=raising(QuestionError("问题太长。")))
    first, second = run_cases(CASES[:2], target, folder_of(tmp_path, CASES[:2])).results
    assert (first.right, first.error) == (False, "问题太长。")
    assert second.right


@pytest.mark.parametrize("error", [TargetError("服务器不在了。"), IndexMissingError("没有索引。")])
@pytest.mark.parametrize("jobs", [1, 3])
def test_what_concerns_every_question_ends_the_run_which_can_be_resumed(
    tmp_path: Path, error: Exception, jobs: int
) -> None:
    folder = folder_of(tmp_path, CASES)
    broken = Scripted(fig_3=raising(error), fig_4=lambda: slowly(0.3))
    with pytest.raises(type(error)):
        run_cases(CASES, broken, folder, jobs)
    done = folder.done()
    assert ("fig-3", 1) not in done
    assert {("fig-0", 1), ("fig-1", 1), ("fig-2", 1)} <= done
    mended = Scripted()
    told: list[tuple[int, int]] = []
    run = run_cases(
        CASES, mended, resumed(folder), jobs, progress=lambda count, all: told.append((count, all))
    )
    assert sorted(mended.ids) == [case.id for case in CASES if (case.id, 1) not in done]
    assert told[0] == (len(done) + 1, len(CASES))
    assert [result.case for result in run.results] == list(CASES)


# In a process of its own: a signal to this one could end in any of pytest's callbacks, and be swallowed there.
INTERRUPTED = """
import os, signal, sys, time
from pathlib import Path
# Whoever runs the tests in the background has interruptions ignored, and this process inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from test_runner import CASES, Scripted, folder_of, interrupting
from eval.runner import run_cases

target = Scripted(fig_2=interrupting)
try:
    run_cases(CASES, target, folder_of(Path(sys.argv[2]), CASES), jobs=int(sys.argv[3]))
finally:
    print(*target.ids)
"""


def interrupting() -> dict[str, Any]:
    """As if somebody pressed Ctrl-C; slow enough for the main thread to hear of it before the answer is there."""
    os.kill(os.getpid(), signal.SIGINT)
    return slowly(0.5)


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_interruption_keeps_what_was_answered_and_the_run_goes_on_from_there(
    tmp_path: Path, jobs: int
) -> None:
    child = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(Path(__file__).parent), str(tmp_path), str(jobs)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert child.returncode == -signal.SIGINT, child.stderr
    folder = resumed(RunFolder.open(next(tmp_path.iterdir())))
    done = folder.done()
    assert done == {(case_id, 1) for case_id in child.stdout.split()}
    assert {("fig-0", 1), ("fig-1", 1), ("fig-2", 1)} <= done
    rest = Scripted()
    run = run_cases(CASES, rest, folder, jobs)
    assert sorted(rest.ids) == [case.id for case in CASES if (case.id, 1) not in done]
    assert len(run.results) == len(CASES)


def test_an_answer_that_was_half_written_is_asked_again(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, CASES[:3])
    run_cases(CASES[:3], Scripted(), folder)
    whole = (folder.path / ANSWERS).read_bytes()
    (folder.path / ANSWERS).write_bytes(whole[:-20])
    target = Scripted()
    assert len(run_cases(CASES[:3], target, resumed(folder)).results) == 3
    assert target.ids == ["fig-2"]
    assert (folder.path / ANSWERS).read_bytes() == whole


def test_a_run_that_is_whole_is_not_asked_again(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, CASES)
    first = run_cases(CASES, Scripted(), folder)
    target = Scripted()
    assert run_cases(CASES, target, resumed(folder)) == first
    assert target.asked == []


def test_cases_that_share_documents_are_asked_one_after_the_other_in_one_thread(tmp_path: Path) -> None:
    cases = [replace(case, documents=(ONE, OTHER, ())[number % 3]) for number, case in enumerate(CASES)]
    target = Scripted(**{f"fig_{number}": slowly for number in range(8)})
    run = run_cases(cases, target, folder_of(tmp_path, cases), jobs=4)
    threads = dict(target.asked)
    assert len({threads[case.id] for case in cases if case.documents == ONE}) == 1
    assert len({threads[case.id] for case in cases if case.documents == OTHER}) == 1
    assert [result.case for result in run.results] == cases


def test_alone_cases_with_documents_are_asked_set_by_set(tmp_path: Path) -> None:
    cases = [replace(case, documents=(ONE, OTHER)[number % 2]) for number, case in enumerate(CASES[:4])]
    target = Scripted()
    run_cases(cases, target, folder_of(tmp_path, cases))
    assert target.ids == ["fig-0", "fig-2", "fig-1", "fig-3"]


def test_documents_that_a_target_cannot_take_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    cases = [CASE, replace(CASE, id="closed-1", documents=ONE)]
    target = Scripted(takes_documents=False)
    with pytest.raises(TargetError, match=r"closed-1。.*--target local"):
        run_cases(cases, target, folder_of(tmp_path, cases))
    assert target.asked == []


def test_answers_are_not_written_into_the_folder_of_another_run(tmp_path: Path) -> None:
    target = Scripted()
    for cases, repeat in ((CASES[:2], 1), (CASES, 2)):
        with pytest.raises(RunError, match="不能写在一起"):
            run_cases(cases, target, folder_of(tmp_path, CASES), repeat=repeat)
    assert target.asked == []
