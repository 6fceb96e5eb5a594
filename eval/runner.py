"""Asks every case and keeps each answer as it comes, so that a run that is broken off can be resumed. Whatever is
asked, the assistant in this process, a server or a scripted stand-in, is asked alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from assistant.errors import AssistantError
from eval.cases import Case, Document
from eval.errors import RunError, TargetError
from eval.runs import Run, RunFolder
from eval.targets import Target

Progress = Callable[[int, int], None]

_NAMED = 5


def run_cases(
    cases: Sequence[Case],
    target: Target,
    folder: RunFolder,
    jobs: int = 1,
    repeat: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Asks every case ``repeat`` times, ``jobs`` at a time, and judges the answers; results come in the order of the cases.

    What ``folder`` holds already is not asked again. Cases that share documents are asked one after the other in one
    thread. ``progress`` is told how many of how many answers there are, one call at a time. A question that is not
    answered is a wrong answer with its error; what concerns every question ends the run, and so does Ctrl-C: questions
    under way are still answered and kept, and the folder can be resumed.

    Raises:
        TargetError: a case brings documents that ``target`` does not take (before anything is asked), or it cannot be
            asked any more.
        IndexingError: the index cannot be used.
        RunError: ``folder`` is of other cases or another ``repeat``, or cannot be read or written.
    """
    if folder.cases != tuple(cases) or folder.config.repeat != repeat:
        raise RunError(f"{folder.path} 记录的不是这些用例，或重复次数不同，不能写在一起。")
    if not target.takes_documents:
        _refuse_documents(cases)
    asking = _Asking(target, folder, len(cases) * repeat, progress)
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="asking") as threads:
        try:
            futures = [threads.submit(asking.ask, group, repeat) for group in _groups(cases)]
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        finally:
            # However this ends: whoever is not done stops after the question it is at.
            asking.stop.set()
    return folder.load()


class _Asking:
    """One run under way, shared by its threads."""

    def __init__(self, target: Target, folder: RunFolder, total: int, progress: Progress | None) -> None:
        self._target = target
        self._folder = folder
        self._total = total
        self._progress = progress
        self._done = folder.done()
        self._counting = threading.Lock()
        self._count = len(self._done)
        self.stop = threading.Event()

    def ask(self, group: Iterable[Case], repeat: int) -> None:
        """Asks the cases of a group in turn, as long as nobody says stop."""
        for case in group:
            for number in range(1, repeat + 1):
                if self.stop.is_set():
                    return
                if (case.id, number) not in self._done:
                    self._ask_once(case, number)

    def _ask_once(self, case: Case, number: int) -> None:
        try:
            answer = self._target.answer(case)
        except AssistantError as error:
            self._folder.add(case, number, None, str(error))
        else:
            self._folder.add(case, number, answer)
        with self._counting:
            self._count += 1
            if self._progress is not None:
                self._progress(self._count, self._total)


def _groups(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases that share documents together, every other case by itself; in order of their first case."""
    groups: list[list[Case]] = []
    by_documents: dict[tuple[Document, ...], list[Case]] = {}
    for case in cases:
        if case.documents and case.documents in by_documents:
            by_documents[case.documents].append(case)
            continue
        groups.append([case])
        if case.documents:
            by_documents[case.documents] = groups[-1]
    return groups


def _refuse_documents(cases: Iterable[Case]) -> None:
    closed = [case.id for case in cases if case.documents]
    if closed:
        some = "、".join(closed[:_NAMED]) + (f" 等 {len(closed)} 个" if len(closed) > _NAMED else "")
        raise TargetError(
            f"这个评测对象不支持自带 documents 的用例：{some}。请去掉这些用例，或改用 --target local。"
        )
