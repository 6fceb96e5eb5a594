"""``xiaobao-eval``: ask every case and show how well it went, put runs side by side, and look after the cases.

Exit codes: 0 when the command did its work, whatever the score; 1 when ``lint`` found trouble, the gate failed or too
few changes were followed; 2 when the input, the settings, the index or the server cannot be used; 130 after Ctrl-C.
Progress goes to stderr, results to stdout.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, NoReturn, get_args

import typer

from assistant.errors import AssistantError
from assistant.settings import Settings, load_settings
from eval.cases import KINDS, PACKAGED, Case, Document, Split, case_files, load_cases
from eval.comparing import compare, comparison_text
from eval.drafting import drafts_text, from_feedback
from eval.dumping import cases_hash, dump_cases
from eval.errors import CasesError, EvaluationError, RunError, TargetError
from eval.gating import baseline_json, baseline_of, gate, gate_text, read_baseline
from eval.importing import import_cases
from eval.linting import check_cases, check_split
from eval.report import failures, table
from eval.runner import run_cases
from eval.runs import ANSWERS, Run, RunConfig, RunFolder
from eval.summary import summarise
from eval.targets import LOCAL, HttpTarget, Target
from eval.writing import write_reports
from index.errors import IndexingError
from index.loading import load_articles

if TYPE_CHECKING:
    from index.embedding import ModelEmbeddings

app = typer.Typer(
    help="消保问答评测：逐条提问、判分、出报告、比较、把关。",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

RUNS = Path("runs")
BASELINE = Path(__file__).parent / "baselines" / "main.json"

CasesOption = Annotated[
    list[Path] | None, typer.Option("--cases", help="用例文件或文件夹，可多次给出；默认为自带的用例。")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="设置文件（TOML）；默认为当前文件夹的 xiaobao.toml。")
]
ArticlesOption = Annotated[
    Path | None, typer.Option("--articles", help="改用这个文件夹里的资料（临时建索引），不用已建好的索引。")
]
OutOption = Annotated[Path, typer.Option("--out", help="评测结果放在这个文件夹里，每次一个子文件夹。")]
BaselineOption = Annotated[Path, typer.Option("--baseline", help="基线文件；默认为自带的基线。")]
ToOption = Annotated[Path | None, typer.Option("--to", help="写到这个文件；不给就打印出来。")]

_BAD_INPUT = 2
_TROUBLE = 1
_INTERRUPTED = 130


@app.command("run")
def run_command(
    cases: CasesOption = None,
    config: ConfigOption = None,
    target: Annotated[
        str, typer.Option("--target", help="local，或服务的地址（如 http://127.0.0.1:7860）。")
    ] = LOCAL,
    key: Annotated[
        str, typer.Option(envvar="XIAOBAO_EVAL_KEY", help="服务的 API 密钥；最好写在环境变量里。")
    ] = "",
    articles: ArticlesOption = None,
    out: OutOption = RUNS,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="只评这一类，可多次给出。")] = None,
    split: Annotated[str | None, typer.Option("--split", help="只评 dev 或 test 的用例。")] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="每个问题问几次。")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="同时问几个问题。")] = 1,
    resume: Annotated[Path | None, typer.Option("--resume", help="接着这个没做完的评测文件夹继续。")] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="与这次评测（文件夹）比较，写进报告。")
    ] = None,
    gated: Annotated[bool, typer.Option("--gate", help="与基线比较，变差就以 1 退出。")] = False,
    baseline: BaselineOption = BASELINE,
    show_failures: Annotated[bool, typer.Option("--failures/--no-failures", help="列出答错的用例。")] = True,
) -> None:
    """逐条提问并判分，打印结果表，写出 report.html 等报告。"""
    with _told():
        files = case_files(cases or [PACKAGED])
        chosen = _chosen(load_cases(files), kind or [], split)
        previous = _kept(against) if against else None
        floor = read_baseline(baseline) if gated else None
        settings = load_settings(config)
        with _target(target, settings, articles, key=key) as asked:
            if not all(case.documents for case in chosen):
                asked.open()
            run_config = RunConfig(
                started=datetime.now().astimezone().isoformat(timespec="seconds"),
                target=asked.name,
                cases=tuple(str(file) for file in files),
                cases_hash=cases_hash(chosen),
                repeat=repeat,
                jobs=jobs,
                settings=settings.model_dump(mode="json") if target == LOCAL else None,
                versions=asked.versions(),
            )
            folder = (
                RunFolder.resume(resume, run_config) if resume else RunFolder.create(out, run_config, chosen)
            )
            try:
                run = run_cases(chosen, asked, folder, jobs, repeat, _progress("已评", "个问题"))
            except KeyboardInterrupt:
                typer.echo(f"\n已中断。{_how_to_resume(folder.path)}", err=True)
                raise typer.Exit(_INTERRUPTED) from None
            except (TargetError, IndexingError) as error:
                if folder.done():
                    typer.echo(_how_to_resume(folder.path), err=True)
                raise error
        summary = summarise(run.results)
        found = gate(run, floor) if floor else None
        report = write_reports(folder.path, run, summary, previous, found)
    typer.echo(table(summary))
    if show_failures:
        typer.echo("\n" + failures(run))
    if previous:
        typer.echo("\n" + comparison_text(compare(previous, run)))
    if found:
        typer.echo("\n" + gate_text(found))
    typer.echo(f"\n报告：{report}")
    if found and not found.ok:
        raise typer.Exit(_TROUBLE)


@app.command("report")
def report_command(
    run: Annotated[Path, typer.Argument(help="评测结果的文件夹。")],
    against: Annotated[Path | None, typer.Option("--against", help="与这次评测（文件夹）比较。")] = None,
) -> None:
    """用存下的答案重新判分、重写报告，不再提问。"""
    with _told():
        loaded = _kept(run)
        previous = _kept(against) if against else None
        summary = summarise(loaded.results)
        report = write_reports(run, loaded, summary, previous)
    typer.echo(table(summary))
    typer.echo(f"\n报告：{report}")


@app.command("compare")
def compare_command(
    old: Annotated[Path, typer.Argument(help="原来的评测结果（文件夹）。")],
    new: Annotated[Path, typer.Argument(help="新的评测结果（文件夹）。")],
) -> None:
    """比较两次评测：哪些变对、哪些变错，差别是否显著。"""
    with _told():
        comparison = compare(_kept(old), _kept(new))
    typer.echo(comparison_text(comparison))


@app.command("gate")
def gate_command(
    run: Annotated[Path | None, typer.Argument(help="评测结果的文件夹；默认为最近一次。")] = None,
    baseline: BaselineOption = BASELINE,
    out: OutOption = RUNS,
) -> None:
    """与基线比较；指标越限、显著变差或缺用例，就以 1 退出。"""
    with _told():
        report = gate(_kept(run or _latest(out)), read_baseline(baseline))
    typer.echo(gate_text(report))
    if not report.ok:
        raise typer.Exit(_TROUBLE)


@app.command("baseline")
def baseline_command(
    run: Annotated[Path | None, typer.Argument(help="评测结果的文件夹；默认为最近一次。")] = None,
    note: Annotated[str, typer.Option("--note", help="说明：何时、为何定下这条基线。")] = "",
    out: OutOption = RUNS,
    to: ToOption = None,
) -> None:
    """把一次评测定为基线。"""
    with _told():
        text = baseline_json(baseline_of(_kept(run or _latest(out)), note))
        _put(text, to, again=True)


@app.command("lint")
def lint_command(cases: CasesOption = None, config: ConfigOption = None) -> None:
    """检查用例：格式、重复、依据是否为资料原文、永远匹配不到的写法、dev 与 test 是否互相泄漏。"""
    with _told():
        files = case_files(cases or [PACKAGED])
        loaded = load_cases(files)
        texts = [article.text for article in load_articles(load_settings(config).index.articles)]
        troubles = check_cases(loaded, texts)
        troubles += [trouble for file in files for trouble in check_split(file, load_cases([file]))]
    for trouble in troubles:
        typer.echo(trouble, err=True)
    if troubles:
        typer.echo(f"{len(loaded)} 个用例，{len(troubles)} 处有误。", err=True)
        raise typer.Exit(_TROUBLE)
    typer.echo(f"{len(loaded)} 个用例，没有发现问题。")


@app.command("perturb")
def perturb_command(
    cases: CasesOption = None,
    config: ConfigOption = None,
    to: Annotated[Path | None, typer.Option("--to", help="把每一处改动的结果写到这个 JSON 文件。")] = None,
    at_least: Annotated[
        float,
        typer.Option("--at-least", min=0, max=1, help="改过的数字至少要有这么多被跟上，否则以 1 退出。"),
    ] = 0.0,
    every: Annotated[int, typer.Option("--every", min=1, help="每几个用例取一个，快些看个大概。")] = 1,
) -> None:
    """改动资料（换数字、换公司、删原文）再问：答案必须跟着变。证明它是读出来的，不是记住的。"""
    perturbing = import_module("eval.perturbing")
    remembering = import_module("eval.remembering").RememberingEmbeddings
    with _told():
        loaded = load_cases(cases or [PACKAGED])[::every]
        settings = load_settings(config)
        documents = tuple(
            Document(article.title, article.text, article.published, article.publisher, article.url)
            for article in load_articles(settings.index.articles)
        )
        # Copies of the articles are the same but for some sentences: those alone are embedded again.
        with _target(LOCAL, settings, embeddings=remembering(settings.index.model)) as asked:
            report = perturbing.perturb(loaded, documents, asked.answer, progress=_progress("已问", "组资料"))
        if to:
            _put(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", to, again=True)
    typer.echo(perturbing.perturb_text(report))
    share = report.share("figure")
    if (share.value or 0.0) < at_least:
        typer.echo(f"数字跟上的比例低于 {at_least:.0%}。", err=True)
        raise typer.Exit(_TROUBLE)


@app.command("fit")
def fit_command(cases: CasesOption = None, config: ConfigOption = None, to: ToOption = None) -> None:
    """用 dev 用例拟合“有没有答上”的权重（assistant/weights.toml），并写明留出的用例上分得多清。"""
    fitting = import_module("eval.fitting")
    with _told():
        loaded = [case for case in load_cases(case_files(cases or [PACKAGED])) if case.split == "dev"]
        said = _progress("已读", "个用例")
        read = []
        local_target = import_module("eval.local").LocalTarget
        with (
            TemporaryDirectory(prefix="xiaobao-eval-") as folder,
            closing(local_target(load_settings(config), Path(folder))) as asked,
        ):
            for number, case in enumerate(loaded, 1):
                read.append((case, asked.examine(case)))
                said(number, len(loaded))
        try:
            fitted = fitting.fit(fitting.samples(read))
        except ValueError as error:
            raise CasesError("拟合要有能回答的和不能回答的 dev 用例。") from error
        _put(fitted.to_toml(), to, again=True)


@app.command("vary")
def vary_command(
    cases: CasesOption = None,
    per_variant: Annotated[int, typer.Option("--per-variant", min=1, help="每种变法做几个。")] = 18,
    to: ToOption = None,
) -> None:
    """按规则改写问法（错别字、繁体、全角、口语、换序、客套），做成 robust 用例；要逐条看过再用。"""
    varying = import_module("eval.varying")
    with _told():
        origins = [case for case in load_cases(cases or [PACKAGED]) if not case.variant]
        _put(dump_cases(varying.variants(origins, per_variant)), to)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CMRC/SQuAD 格式的 JSON、段落与问题的 JSONL，或两列的 CSV。")],
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="只取这么多个问题。")] = None,
    seed: Annotated[int, typer.Option("--seed", help="抽取的种子。")] = 0,
    to: ToOption = None,
) -> None:
    """把公开的问答数据或问答表变成用例文件。"""
    with _told():
        _put(dump_cases(import_cases(file, limit, seed)), to)


@app.command("from-feedback")
def from_feedback_command(
    file: Annotated[Path, typer.Argument(help="导出的反馈（JSONL）。")],
    cases: CasesOption = None,
    to: ToOption = None,
) -> None:
    """把用户反馈变成用例草稿，由人补全、核对。"""
    with _told():
        drafts = from_feedback(_lines(file), load_cases(cases or [PACKAGED]))
        _put(drafts_text(drafts), to)


@app.command("gaps")
def gaps_command(
    files: Annotated[
        list[Path], typer.Argument(help="导出的反馈、评测的 answers.jsonl，或每行一个问题的文本。")
    ],
    config: ConfigOption = None,
) -> None:
    """把没能回答的问题按意思归类：缺哪些资料，一看便知。"""
    finding = import_module("eval.gaps")
    with _told():
        lines = [_lines(file / ANSWERS if file.is_dir() else file) for file in files]
        asked = [question for part in lines for question in finding.unanswered(part)]
        # The model takes seconds to load: a file that is not there must not wait for it.
        embeddings = import_module("index.embedding").ModelEmbeddings
        found = finding.gaps(asked, embeddings(load_settings(config).index.model).vectors) if asked else []
    typer.echo(finding.gaps_text(found))


@app.command("suggest")
def suggest_command(
    cases: CasesOption = None,
    config: ConfigOption = None,
    count: Annotated[int, typer.Option("--count", min=1, help="最多起草几个。")] = 20,
    to: ToOption = None,
) -> None:
    """从还没有用例覆盖的资料里起草新用例，由人取舍。"""
    suggesting = import_module("eval.suggesting")
    with _told():
        articles = load_articles(load_settings(config).index.articles)
        suggestions = suggesting.suggest(articles, load_cases(cases or [PACKAGED]), count)
        _put(drafts_text(suggestions.drafts), to)
    for line in suggestions.rejected:
        typer.echo(line, err=True)


@contextmanager
def _told() -> Iterator[None]:
    """Ends the command with the message of an error that says what is wrong with what was given."""
    try:
        yield
    except (EvaluationError, IndexingError, AssistantError) as error:
        _fail(error)


@contextmanager
def _target(
    name: str,
    settings: Settings,
    articles: Path | None = None,
    embeddings: ModelEmbeddings | None = None,
    key: str = "",
) -> Iterator[Target]:
    """What is to be asked; closed at the end, with whatever was indexed on the way."""
    if name != LOCAL:
        if articles is not None:
            raise RunError("--articles 只能用于本机评测：服务用的是它自己的资料。")
        remote = HttpTarget(name, key=key)
        try:
            yield remote
        finally:
            remote.close()
        return
    # Importing the assistant takes ten seconds: a wrong case file, lint and --help must not wait for that.
    local_target = import_module("eval.local").LocalTarget
    with TemporaryDirectory(prefix="xiaobao-eval-") as folder:
        local: Target = local_target(settings, Path(folder), articles, embeddings)
        try:
            yield local
        finally:
            local.close()


def _chosen(cases: Sequence[Case], kinds: Sequence[str], split: str | None) -> list[Case]:
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise CasesError(f"--kind「{'、'.join(unknown)}」未知，可用：{'、'.join(KINDS)}。")
    if split is not None and split not in get_args(Split):
        raise CasesError(f"--split「{split}」未知，可用：dev、test。")
    chosen = [
        case for case in cases if (not kinds or case.kind in kinds) and (split is None or case.split == split)
    ]
    if not chosen:
        raise CasesError("没有这样的用例：请检查 --kind 和 --split。")
    return chosen


def _latest(out: Path) -> Path:
    """The newest run below ``out`` that has an answer, by the time in its name."""
    found = sorted(path.parent for path in out.glob(f"*/{ANSWERS}") if path.stat().st_size)
    if not found:
        raise RunError(f"{out} 里没有评测结果。请先运行 xiaobao-eval run。")
    return found[-1]


def _kept(path: Path) -> Run:
    """A run that was kept; says so where it is not whole."""
    folder = RunFolder.open(path)
    run = folder.load()
    asked = len(folder.cases) * folder.config.repeat
    if not run.results:
        raise RunError(f"{path} 里还没有任何答案。请重新运行 xiaobao-eval run。")
    if len(run.results) < asked:
        typer.echo(f"注意：{path} 没有做完，{asked} 个问题只有 {len(run.results)} 个答案。", err=True)
    return run


def _how_to_resume(folder: Path) -> str:
    """The command that goes on where a run stopped: the one that was typed, with its folder."""
    typed = sys.argv[1:]
    again = [] if "--resume" in typed else ["--resume", str(folder)]
    return f"接着做：{shlex.join(['xiaobao-eval', *typed, *again])}"


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise CasesError(f"无法读取 {file}（{error.strerror or error}）。") from error
    except UnicodeDecodeError as error:
        raise CasesError(f"{file} 不是 UTF-8 编码：第 {error.start} 个字节起无法读取。") from error


def _put(text: str, to: Path | None, *, again: bool = False) -> None:
    """Prints or writes; a file that is there already is written over only with ``again``: it may hold a person's work."""
    if to is None:
        typer.echo(text, nl=False)
        return
    if to.exists() and not again:
        raise RunError(f"{to} 已经存在，里面可能有改过的内容。请换一个文件名，或先把它移走。")
    try:
        to.write_text(text, "utf-8")
    except OSError as error:
        raise RunError(f"无法写入 {to}（{error.strerror or error}）。") from error
    typer.echo(f"已写入 {to}：{text.count(chr(10))} 行。")


def _progress(verb: str, things: str) -> Callable[[int, int], None]:
    """Tells how far a command is: one line written over where a person watches, only the last one in a log."""

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{verb} {done}/{total} {things}", err=True, nl=done == total)
        elif done == total:
            typer.echo(f"{verb} {done}/{total} {things}", err=True)

    return progress


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(_BAD_INPUT) from error


def main() -> None:
    """Entry point of the ``xiaobao-eval`` command."""
    app(prog_name="xiaobao-eval")
