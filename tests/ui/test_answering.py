"""The line of questions: who is let in when, what those who wait are told, and what becomes of those who leave."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from assistant.errors import QuestionError
from assistant.schema import Answer, Finished
from tests.ui.conftest import ScriptedAssistant
from ui.answering import Answering
from ui.errors import AnswerTimeoutError, BusyError, InternalError, RecordsError
from ui.service import Service
from ui.streaming import Queued, Step

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def answering(assistant: object, **limits: object) -> AsyncIterator[Answering]:
    service = Service(lambda: assistant)  # type: ignore[arg-type, return-value]
    service.start()
    service.settle(5)
    desk = Answering(service, **({"workers": 1, "waiting": 5, "seconds": 10.0} | limits))  # type: ignore[arg-type]
    yield desk
    desk.close()


async def collect(desk: Answering, question: str, keep: Callable[[Answer], object] = id) -> list[Step]:
    return [step async for step in desk.stream(question, (), keep)]


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        while not condition():
            await anyio.sleep(0.01)


async def test_those_who_wait_are_told_how_many_are_ahead_and_answered_in_the_order_they_came(assistant):
    done: list[str] = []
    seen: dict[str, list[Step]] = {}

    async def ask(question: str) -> None:
        seen[question] = await collect(desk, question)
        done.append(question)

    async with answering(assistant) as desk, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "等一等")
        await until(lambda: desk.running == 1)
        for place, question in enumerate(["赔付一", "赔付二", "赔付三"], start=1):
            tasks.start_soon(ask, question)
            await until(lambda place=place: desk.waiting == place)
        assistant.gate.set()
    assert done == ["等一等", "赔付一", "赔付二", "赔付三"]
    assert not any(isinstance(step, Queued) for step in seen["等一等"])
    for ahead, question in enumerate(["赔付一", "赔付二", "赔付三"]):
        told = [step.ahead for step in seen[question] if isinstance(step, Queued)]
        assert told == list(range(ahead, -1, -1))
        assert isinstance(seen[question][-1], Finished)
    assert (desk.running, desk.waiting, assistant.most_running) == (0, 0, 1)


async def test_who_comes_when_the_line_is_full_is_told_at_once(assistant):
    async with answering(assistant, waiting=1) as desk, anyio.create_task_group() as tasks:
        tasks.start_soon(collect, desk, "等一等")
        await until(lambda: desk.running == 1)
        tasks.start_soon(collect, desk, "赔付")
        await until(lambda: desk.waiting == 1)
        with pytest.raises(BusyError, match="1 个"):
            await collect(desk, "赔付")
        assistant.gate.set()


async def test_who_leaves_the_line_makes_way_for_the_others(assistant):
    async with answering(assistant) as desk, anyio.create_task_group() as tasks:
        tasks.start_soon(collect, desk, "等一等")
        await until(lambda: desk.running == 1)
        leaver = desk.stream("赔付", (), id)
        assert await anext(leaver) == Queued(0)
        seen: list[Step] = []

        async def stay() -> None:
            seen.extend(await collect(desk, "赔付"))

        tasks.start_soon(stay)
        await until(lambda: desk.waiting == 2)
        await leaver.aclose()
        assert desk.waiting == 1
        assistant.gate.set()
    assert seen[:2] == [Queued(1), Queued(0)] and isinstance(seen[-1], Finished)


async def test_an_abandoned_question_keeps_its_place_until_its_thread_is_done(assistant):
    kept: list[Answer] = []
    async with answering(assistant) as desk:
        steps = desk.stream("等一等", (), kept.append)
        await anext(steps)
        await steps.aclose()
        assert desk.running == 1
        assistant.gate.set()
        await until(lambda: desk.running == 0)
        assert kept == []
        assert isinstance((await collect(desk, "赔付"))[-1], Finished)


async def test_a_question_that_takes_too_long_is_given_up_whether_at_work_or_in_line(assistant):
    async with answering(assistant, seconds=0.2) as desk, anyio.create_task_group() as tasks:
        errors: list[str] = []

        async def ask(question: str) -> None:
            try:
                await collect(desk, question)
            except AnswerTimeoutError as error:
                errors.append(str(error))

        tasks.start_soon(ask, "等一等")
        tasks.start_soon(ask, "赔付")
        await until(lambda: len(errors) == 2)
        assert "用时太久" in errors[0] and desk.waiting == 0
        assistant.gate.set()
        await until(lambda: desk.running == 0)
        assert isinstance((await collect(desk, "赔付"))[-1], Finished)


async def test_an_answer_is_kept_before_anybody_is_given_it_and_not_given_where_that_fails(assistant):
    order: list[str] = []

    def keep(answer: Answer) -> None:
        time.sleep(0.05)
        order.append("kept")

    def fail(answer: Answer) -> None:
        raise RecordsError("磁盘已满。")

    async with answering(assistant) as desk:
        async for step in desk.stream("赔付", (), keep):
            if isinstance(step, Finished):
                order.append("given")
        assert order == ["kept", "given"]
        with pytest.raises(RecordsError, match="磁盘已满"):
            await collect(desk, "赔付", fail)
        assert isinstance((await collect(desk, "赔付"))[-1], Finished)


async def test_what_goes_wrong_in_the_thread_reaches_who_asked_and_frees_the_place(assistant):
    async with answering(assistant) as desk:
        with pytest.raises(QuestionError):
            await collect(desk, " ")
        for question in ("一开始就坏", "中途坏"):
            with pytest.raises(InternalError, match="编号"):
                await collect(desk, question)
        await until(lambda: desk.running == 0)
        assert isinstance((await collect(desk, "赔付"))[-1], Finished)


async def test_a_hundred_questions_at_once_are_all_answered_by_as_many_threads_as_there_are_places():
    assistant = ScriptedAssistant()
    names: set[str] = set()
    async with answering(assistant, workers=3, waiting=100) as desk, anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(
                collect, desk, f"赔付{number}", lambda answer: names.add(threading.current_thread().name)
            )
    assert len(assistant.asked) == 100 and assistant.most_running <= 3
    assert len(names) <= 3 and all(name.startswith("answer") for name in names)
