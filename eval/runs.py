"""A run on disk, kept answer by answer as they come, so that it can be resumed, and judged again anywhere.

    <parent>/20260101-120000/
        config.json     what was asked of what: files, target, settings, versions
        cases.jsonl     the cases as they were when the run began
        answers.jsonl   one line an answer, in the order in which they came

Nothing judged is kept here: ``RunFolder.load`` judges the answers anew, which gives the same verdicts every time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from eval.cases import Case, load_cases
from eval.dumping import cases_hash, dump_cases, json_line
from eval.errors import ResponseError, RunError
from eval.judging import Result, failed, judge
from eval.responses import parse_response

CONFIG = "config.json"
CASES = "cases.jsonl"
ANSWERS = "answers.jsonl"

_COMPARED = {
    "cases_hash": "用例",
    "repeat": "重复次数",
    "target": "评测对象",
    "settings": "设置",
    "versions": "版本",
}


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a run's figures depend on.

    ``started`` is ISO to the second; ``target`` is ``local`` or the address that is asked; ``cases`` are the case
    files and ``cases_hash`` says what stands in them (``dumping.cases_hash``); every question is asked ``repeat``
    times, ``jobs`` at a time. ``settings`` are None where the target has its own. ``versions`` names what answered;
    a loaded run has the index version and the engine that the answers name as ``index`` and ``engine``.
    """

    started: str
    target: str
    cases: tuple[str, ...]
    cases_hash: str
    repeat: int = 1
    jobs: int = 1
    settings: dict[str, Any] | None = None
    versions: dict[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the names of the fields."""
        return asdict(self) | {"cases": list(self.cases)}


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a run in the order of its cases, the repeats of one case next to each other."""

    config: RunConfig
    results: tuple[Result, ...]


_CONFIG = TypeAdapter(RunConfig)


@dataclass(frozen=True, slots=True)
class _Kept:
    """One line of ``answers.jsonl``: an answer, or the error in its place."""

    case: str
    repeat: int
    answer: dict[str, Any] | None
    error: str


_KEPT = TypeAdapter(_Kept)


class RunFolder:
    """The folder of one run, made by ``create``, ``open`` or ``resume``. Threads may add to one at once."""

    def __init__(self, path: Path, config: RunConfig, cases: Sequence[Case]) -> None:
        self.path = path
        self.config = config
        self.cases = tuple(cases)
        self._adding = threading.Lock()

    @classmethod
    def create(cls, parent: Path, config: RunConfig, cases: Sequence[Case]) -> RunFolder:
        """A new folder below ``parent``, named after the time of the start.

        Raises:
            RunError: the folder cannot be written.
        """
        name = datetime.fromisoformat(config.started).strftime("%Y%m%d-%H%M%S")
        try:
            path = _new_folder(parent, name)
            (path / CONFIG).write_text(
                json.dumps(config.to_dict(), ensure_ascii=False, indent=2) + "\n", "utf-8"
            )
            (path / CASES).write_text(dump_cases(cases), "utf-8")
            (path / ANSWERS).touch()
        except OSError as error:
            raise RunError(
                f"无法写入评测结果：{parent}（{error.strerror or error}）。请检查 --out 的文件夹。"
            ) from error
        return cls(path, config, cases)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of a run that was kept, to be read.

        Raises:
            RunError: it is no such folder, or a file of it is damaged.
            CasesError: its cases cannot be read.
        """
        try:
            config = _CONFIG.validate_json((path / CONFIG).read_bytes())
        except OSError as error:
            raise RunError(
                f"{path} 不是评测结果的文件夹：无法读取 {CONFIG}（{error.strerror or error}）。"
            ) from error
        except ValidationError as error:
            raise RunError(f"{path / CONFIG} 的内容无法识别：{_troubles(error)}。") from error
        return cls(path, config, load_cases([path / CASES]))

    @classmethod
    def resume(cls, path: Path, config: RunConfig) -> RunFolder:
        """The folder of a run that was broken off, to be added to. A last line that was cut while it was written is
        removed.

        Raises:
            RunError: as ``open``; or ``config`` differs in what the answers depend on.
            CasesError: its cases cannot be read.
        """
        folder = cls.open(path)
        theirs = {"cases_hash": cases_hash(folder.cases)}
        kept, wanted = folder.config.to_dict() | theirs, config.to_dict()
        if different := [
            f"{title}（原来：{_shown(kept[name], wanted[name])}；现在：{_shown(wanted[name], kept[name])}）"
            for name, title in _COMPARED.items()
            if kept[name] != wanted[name]
        ]:
            raise RunError(
                f"不能接着 {path} 继续评测，因为不一致：{'；'.join(different)}。请用原来的参数，或不加 --resume 重新开始。"
            )
        folder._mend()
        return folder

    def add(self, case: Case, repeat: int, answer: Mapping[str, Any] | None, error: str = "") -> None:
        """Keeps one answer (the JSON of ``Answer.to_dict``), or the error in its place; on disk on return.

        Raises:
            RunError: it cannot be written.
        """
        line = json_line({"case": case.id, "repeat": repeat, "answer": answer, "error": error})
        try:
            with self._adding, (self.path / ANSWERS).open("ab") as file:
                file.write(line.encode("utf-8") + b"\n")
        except OSError as trouble:
            raise RunError(f"无法写入 {self.path / ANSWERS}（{trouble.strerror or trouble}）。") from trouble

    def done(self) -> set[tuple[str, int]]:
        """The ``(case id, repeat)`` that are answered already.

        Raises:
            RunError: ``answers.jsonl`` is damaged elsewhere than in its last line.
        """
        return set(self._answers())

    def load(self) -> Run:
        """The run as far as it went, judged anew.

        Raises:
            RunError: as ``done``.
        """
        answers = self._answers()
        results = tuple(
            _judged(case, answers[case.id, repeat])
            for case in self.cases
            for repeat in range(1, self.config.repeat + 1)
            if (case.id, repeat) in answers
        )
        return Run(replace(self.config, versions=self._versions(results)), results)

    def _versions(self, results: Iterable[Result]) -> dict[str, str]:
        responses = [result.response for result in results if result.response and not result.case.documents]
        found = {
            "index": "、".join(sorted({response.index_version for response in responses})),
            "engine": "、".join(sorted({response.engine for response in responses})),
        }
        # What the target says of itself comes first: the name of a version changes whenever it is built again.
        return {name: value for name, value in found.items() if value} | (self.config.versions or {})

    def _answers(self) -> dict[tuple[str, int], _Kept]:
        """What is kept, by case and repeat; where one was asked twice the first answer stays."""
        lines = self._lines()
        answers: dict[tuple[str, int], _Kept] = {}
        for number, line in enumerate(lines, 1):
            try:
                kept = _KEPT.validate_json(line)
            except ValidationError as error:
                if number == len(lines):
                    break
                raise RunError(
                    f"{self.path / ANSWERS} 第 {number} 行已损坏：{_troubles(error)}。请删去这一行，再用 --resume 补上。"
                ) from error
            answers.setdefault((kept.case, kept.repeat), kept)
        return answers

    def _lines(self) -> list[bytes]:
        """The lines that were written to their end."""
        try:
            raw = (self.path / ANSWERS).read_bytes()
        except OSError as error:
            raise RunError(f"无法读取 {self.path / ANSWERS}（{error.strerror or error}）。") from error
        return raw.split(b"\n")[:-1]

    def _mend(self) -> None:
        """Cuts ``answers.jsonl`` after its last whole line, so that the next one does not grow onto a torn one."""
        lines = self._lines()
        try:
            if lines:
                _KEPT.validate_json(lines[-1])
        except ValidationError:
            lines.pop()
        with (self.path / ANSWERS).open("r+b") as file:
            file.truncate(sum(len(line) + 1 for line in lines))


def _judged(case: Case, kept: _Kept) -> Result:
    if kept.answer is None:
        return failed(case, kept.error, kept.repeat)
    try:
        return judge(case, parse_response(kept.answer), kept.repeat)
    except ResponseError as error:
        return failed(case, str(error), kept.repeat)


def _new_folder(parent: Path, name: str) -> Path:
    """A folder that was not there before: two runs within one second must not write over each other."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        place = parent / (name if number == 1 else f"{name}-{number}")
        try:
            place.mkdir()
        except FileExistsError:
            number += 1
        else:
            return place


def _shown(value: Any, other: Any) -> str:
    """A value for a message; of two tables only what differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {name: own for name, own in value.items() if own != other.get(name)}
    text = value if isinstance(value, str) else json_line(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _troubles(error: ValidationError) -> str:
    return "；".join(f"{'.'.join(map(str, item['loc'])) or '整体'}：{item['msg']}" for item in error.errors())
