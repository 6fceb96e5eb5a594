"""``xiaobao-eval``: ask every case and show how well it went (``run``); check that the cases are sound
(``lint``).

Exit codes: 0 when the command did its work, whatever the score; 1 when ``lint`` found trouble; 2 when the
input, the settings or the index cannot be used. Progress goes to stderr, results to stdout.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from assistant.errors import AssistantError
from assistant.settings import Settings, load_settings
from eval.cases import KINDS, PACKAGED, Case, CasesError, EvaluationError, case_files, check_cases, load_cases
from eval.report import failures, summarise, table, write_report
from eval.runner import Run
from eval.runner import run as run_cases
from index.errors import IndexingError
from index.loading import load_articles

if TYPE_CHECKING:
    from eval.targets import LocalTarget

app = typer.Typer(
    help="消保问答评测：逐条提问、判分、出报告。",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

CasesOption = Annotated[
    list[Path] | None, typer.Option("--cases", help="用例文件或文件夹，可多次给出；默认为自带的用例。")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="设置文件（TOML）；默认为当前文件夹的 xiaobao.toml。")
]

_BAD_INPUT = 2
_TROUBLE = 1


@app.command("run")
def run_command(
    cases: CasesOption = None,
    config: ConfigOption = None,
    out: Annotated[Path, typer.Option("--out", help="报告写在这个文件夹里，每次一个子文件夹。")] = Path(
        "runs"
    ),
    kind: Annotated[list[str] | None, typer.Option("--kind", help="只评这一类，可多次给出。")] = None,
    show_failures: Annotated[bool, typer.Option("--failures/--no-failures", help="列出答错的用例。")] = True,
) -> None:
    """逐条提问并判分，打印结果表，写出 report.json 和 answers.jsonl。"""
    try:
        files = case_files(cases or [PACKAGED])
        chosen = _of_kinds(load_cases(files), kind or [])
        settings = load_settings(config)
        started = datetime.now().astimezone()
        run = _run_locally(chosen, settings)
    except (EvaluationError, IndexingError, AssistantError) as error:
        _fail(error)
    summary = summarise(run)
    typer.echo(table(summary))
    if show_failures:
        typer.echo("\n" + failures(run))
    folder = write_report(out, run, summary, started=started, about=_about(files, settings, run))
    typer.echo(f"\n报告：{folder / 'report.json'}")


@app.command("lint")
def lint_command(cases: CasesOption = None, config: ConfigOption = None) -> None:
    """检查用例：格式、重复的 id、依据是否为资料原文、永远匹配不到的写法。"""
    try:
        loaded = load_cases(cases or [PACKAGED])
        articles = load_articles(load_settings(config).index.articles)
    except (EvaluationError, IndexingError) as error:
        _fail(error)
    troubles = check_cases(loaded, [article.text for article in articles])
    for trouble in troubles:
        typer.echo(trouble, err=True)
    if troubles:
        typer.echo(f"{len(loaded)} 个用例，{len(troubles)} 处有误。", err=True)
        raise typer.Exit(_TROUBLE)
    typer.echo(f"{len(loaded)} 个用例，没有发现问题。")


def _of_kinds(cases: Sequence[Case], kinds: Sequence[str]) -> list[Case]:
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise CasesError(f"--kind「{'、'.join(unknown)}」未知，可用：{'、'.join(KINDS)}。")
    chosen = [case for case in cases if not kinds or case.kind in kinds]
    if not chosen:
        raise CasesError(f"没有 {'、'.join(kinds)} 类的用例。")
    return chosen


def _run_locally(cases: Sequence[Case], settings: Settings) -> Run:
    # Importing the assistant takes ten seconds: a wrong case file, lint and --help must not wait for that.
    local_target: type[LocalTarget] = import_module("eval.targets").LocalTarget
    with TemporaryDirectory(prefix="xiaobao-eval-") as folder:
        target = local_target(settings, Path(folder))
        return run_cases(cases, target.ask, ask_for=target.ask_for, progress=_progress)


def _progress(done: int, total: int) -> None:
    # One line that is written over where a person watches; only the last one in a log.
    if sys.stderr.isatty():
        typer.echo(f"\r已评 {done}/{total} 个用例", err=True, nl=done == total)
    elif done == total:
        typer.echo(f"已评 {done}/{total} 个用例", err=True)


def _about(files: Sequence[Path], settings: Settings, run: Run) -> dict[str, Any]:
    answers = [result.answer for result in run.results if result.answer]
    return {
        "cases": [str(file) for file in files],
        "settings": settings.model_dump(mode="json"),
        "engines": sorted({answer.engine for answer in answers}),
        "index_versions": sorted({answer.index_version for answer in answers}),
    }


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(_BAD_INPUT) from error


def main() -> None:
    """Entry point of the ``xiaobao-eval`` command."""
    app(prog_name="xiaobao-eval")
