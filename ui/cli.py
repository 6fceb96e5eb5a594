"""The ``xiaobao`` command: build the index, ask, serve, and find out what is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.errors import AssistantError
from assistant.schema import Answer
from assistant.settings import Settings, load_settings
from index.errors import IndexingError, IndexUnusableError, SettingsError
from index.versions import open_current, read_articles
from ui import parts
from ui.audit import Trail
from ui.database import RECORDS_FILE, Database
from ui.doctor import examine
from ui.errors import DoorError, RecordsError
from ui.feedback import Feedback
from ui.keys import KEYS_FILE, Keys
from ui.rendering import STATUS_LABELS, clean, footnote, shortened
from ui.snapshot import Snapshot
from ui.sources import provenance

ANSWERED, NOT_FOUND, BAD_INPUT, BAD_INDEX, TROUBLE = range(5)

EPILOG = (
    "退出码：0 已回答或成功；1 资料中没有答案（ask）；2 输入、用法或设置有误；"
    "3 索引不可用，请运行 xiaobao ingest；4 其他已知问题，原因见错误信息。"
)

app = typer.Typer(
    name="xiaobao",
    help="消保问答：只依据资料原文回答，每句话都能查到出处。",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

feedback_app = typer.Typer(
    name="feedback", help="读者对回答的评价。", epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(feedback_app)

keys_app = typer.Typer(
    name="keys", help="接口的密钥。", epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(keys_app)
audit_app = typer.Typer(
    name="audit", help="回答的审计记录。", epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(audit_app)

Config = Annotated[
    Path | None,
    typer.Option("--config", help="设置文件（TOML）；不写则用当前目录的 xiaobao.toml，没有就用默认值。"),
]
To = Annotated[Path | None, typer.Option("--to", help="写入的文件；不写则输出到标准输出。")]
Force = Annotated[bool, typer.Option("--force", help="文件已存在时覆盖它。")]


@app.command(epilog=EPILOG)
def ingest(
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help="即使资料没有变化也重新建立。")] = False,
) -> None:
    """读入资料，建立索引；没有变化时什么也不做。"""
    with _exit_codes():
        report = parts.ingest(load_settings(config).index, force=force, progress=_say)
        done = "索引已建立" if report.built else "索引已是最新"
        size = f"{report.articles} 篇资料，{report.chunks} 段"
        typer.echo(f"{done}：版本 {report.version}，{size}，用时 {report.seconds:.1f} 秒")


@app.command(epilog=EPILOG)
def ask(
    question: Annotated[str, typer.Argument(help="问题；写 - 则从标准输入读取。")],
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出完整的回答。")] = False,
) -> None:
    """提一个问题，输出回答和出处。"""
    with _exit_codes():
        settings = load_settings(config)
        answer = parts.build_assistant(settings, warm=False).ask(_question(question))
        typer.echo(
            json.dumps(answer.to_dict(), ensure_ascii=False, indent=2) if as_json else answer_text(answer)
        )
        if answer.status in ("not_found", "declined"):
            raise typer.Exit(NOT_FOUND)


@app.command(epilog=EPILOG)
def serve(
    config: Config = None,
    host: Annotated[str | None, typer.Option("--host", help="监听的地址，默认见设置。")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="监听的端口，0 为任意空闲端口。")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="没有密钥也没有统一登录时，仍允许别的机器访问。")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="另在 /demo 提供一个嵌入了问答的示例网页。")] = False,
) -> None:
    """启动网页和接口，按 Ctrl-C 停止。"""
    with _exit_codes():
        settings = _listening_on(load_settings(config), host, port)
        _say("正在启动消保问答……")
        parts.serve(
            settings,
            lambda address: _say(f"消保问答已启动，请用浏览器打开 {address} （按 Ctrl-C 停止）"),
            insecure=insecure,
            demo=demo,
        )
        _say("已停止。")


@app.command(epilog=EPILOG)
def sources(config: Config = None) -> None:
    """列出索引里的资料。"""
    with _exit_codes():
        folder, manifest = open_current(load_settings(config).index.path)
        articles, _ = read_articles(folder)
        for number, article in enumerate(articles, start=1):
            typer.echo(f"{number}. {clean(article.title)}")
            typer.echo(
                f"   {clean(provenance(article.publisher, article.published))} · {len(article.text)} 字"
            )
        typer.echo(f"共 {len(articles)} 篇，索引版本 {manifest.version}")


@app.command(epilog=EPILOG)
def doctor(config: Config = None) -> None:
    """逐项检查运行环境，并说明怎样修复。"""
    with _exit_codes():
        settings = load_settings(config)
        failed = set()
        for finding in examine(settings, config, parts.build_assistant, parts.is_stale):
            typer.echo(f"[{finding.level}] {finding.part}：{finding.detail}")
            if finding.remedy:
                typer.echo(f"       办法：{finding.remedy}")
            if finding.level == "失败":
                failed.add(finding.part)
        if failed:
            raise typer.Exit(BAD_INDEX if "索引" in failed else TROUBLE)


@feedback_app.command("export", epilog=EPILOG)
def export_feedback(
    config: Config = None,
    to: To = None,
    force: Force = False,
) -> None:
    """导出读者的评价，每行一个 JSON，供 xiaobao-eval from-feedback 使用。"""
    with _exit_codes():
        number = _export(load_settings(config), lambda database: Feedback(database).all(), to, force=force)
        _say(f"已导出 {number} 条反馈" + (f"到 {to}" if to else ""))


@audit_app.command("export", epilog=EPILOG)
def export_audit(
    config: Config = None,
    to: To = None,
    force: Force = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="日期", help="只导出这一天（本地时间）起的，如 2026-01-01。"),
    ] = None,
) -> None:
    """导出审计记录，每行一个 JSON：谁在什么时候提问，回答引用了哪些段落；不含问题原文。"""
    with _exit_codes():
        settings, start = load_settings(config), _day(since)

        def entries(database: Database) -> Iterator[dict[str, Any]]:
            return (entry.to_dict() for entry in Trail(database).entries(start))

        number = _export(settings, entries, to, force=force)
        _say(f"已导出 {number} 条审计记录" + (f"到 {to}" if to else ""))


@keys_app.command("add", epilog=EPILOG)
def add_key(
    name: Annotated[str, typer.Argument(help="给谁用：1 到 40 个汉字、字母、数字、“-”“_”“.”。")],
    config: Config = None,
) -> None:
    """新建一个密钥，输出到标准输出；只显示这一次。"""
    with _exit_codes():
        key = _keys(config).add(name)
        typer.echo(key)
        _say(f"已为“{name}”新建密钥，只显示这一次，请立即妥善保存。")
        _say("调用接口时，请在请求头中写：Authorization: Bearer <密钥>")


@keys_app.command("list", epilog=EPILOG)
def list_keys(config: Config = None) -> None:
    """列出密钥的名称、建立时间（UTC）和开头几个字符。"""
    with _exit_codes():
        known = _keys(config).list()
        for key in known:
            typer.echo(f"{key.name}  {key.created:%Y-%m-%d %H:%M:%S} UTC  {key.prefix}…")
        _say(f"共 {len(known)} 个密钥")


@keys_app.command("revoke", epilog=EPILOG)
def revoke_key(
    name: Annotated[str, typer.Argument(help="要撤销的密钥的名称。")], config: Config = None
) -> None:
    """撤销一个密钥，正在运行的服务立即不再接受它。"""
    with _exit_codes():
        _keys(config).revoke(name)
        _say(f"已撤销“{name}”的密钥。")


@app.command(epilog=EPILOG)
def version() -> None:
    """输出版本号。"""
    try:
        typer.echo(installed_version("xiaobao"))
    except PackageNotFoundError as error:
        _say("错误：xiaobao 没有安装，正从源码直接运行。请运行 make install。")
        raise typer.Exit(TROUBLE) from error


def answer_text(answer: Answer) -> str:
    """An answer for a terminal: status, text, then every source with its quote."""
    lines = [clean(answer.text), ""]
    for citation in answer.citations:
        origin = provenance(citation.publisher, citation.published)
        lines.append(f"[{citation.number}] 《{clean(citation.title)}》 {clean(origin)}")
        if citation.headings:
            lines.append(f"    位置：{clean(' › '.join(citation.headings))}")
        lines.append(f"    原文：「{clean(citation.quote)}」")
    if answer.suggestions:
        lines += ["可以这样问：", *(f"  · {clean(suggestion)}" for suggestion in answer.suggestions)]
    label = STATUS_LABELS[answer.status]
    origin = footnote(Snapshot.of(answer))
    return "\n".join([*lines, f"（{label} · {origin}）" if label else f"（{origin}）"])


def main() -> None:
    """Entry point of the ``xiaobao`` command."""
    app()


def _question(argument: str) -> str:
    return clean(sys.stdin.read() if argument == "-" else argument)


def _keys(config: Path | None) -> Keys:
    return Keys(load_settings(config).server.records / KEYS_FILE)


def _export(
    settings: Settings,
    select: Callable[[Database], Iterable[dict[str, Any]]],
    to: Path | None,
    *,
    force: bool,
) -> int:
    """What ``select`` finds in the records, each as one line of JSON, into ``to`` or else to standard output; how many.

    Raises:
        RecordsError: there are no records, or they cannot be read.
    """
    file = settings.server.records / RECORDS_FILE
    if not file.is_file():
        # Opening would make it, and hide that the settings name another folder than the server's.
        raise RecordsError(
            f"没有对话记录：{file}。请检查设置中的 server.records，或先启动一次 xiaobao serve。"
        )
    with closing(Database(file)) as database:
        lines = [json.dumps(one, ensure_ascii=False) for one in select(database)]
    if to is None:
        for line in lines:
            typer.echo(line)
    else:
        _write(to, "".join(f"{line}\n" for line in lines), force=force)
    return len(lines)


def _day(text: str | None) -> datetime | None:
    """When the day of this date begins here; one that is none ends with the code of bad input."""
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        _say(f"错误：「{shortened(clean(text or ''), 20)}」不是日期。请写成 2026-01-01 这样。")
        raise typer.Exit(BAD_INPUT) from error


def _write(file: Path, text: str, *, force: bool) -> None:
    """``text`` into ``file``, which must not be there yet unless ``force``; otherwise ends with the code of bad input."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        _say(f"错误：{file} 已经存在。请换一个文件名，或加上 --force 覆盖它。")
        raise typer.Exit(BAD_INPUT) from error
    except OSError as error:
        _say(f"错误：无法写入 {file}：{error.strerror}。请检查文件夹是否存在、有没有写入的权限。")
        raise typer.Exit(TROUBLE) from error


def _listening_on(settings: Settings, host: str | None, port: int | None) -> Settings:
    """``settings`` with the address from the command line where it gives one."""
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"server": settings.server.model_copy(update=chosen)})


def _say(line: str) -> None:
    """A line about the work, kept apart from its result."""
    typer.echo(line, err=True)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Show a known trouble as one Chinese line and end with its code."""
    try:
        yield
    except (SettingsError, AssistantError) as error:
        _fail(error, BAD_INPUT)
    except IndexUnusableError as error:
        _fail(error, BAD_INDEX)
    except (IndexingError, DoorError) as error:
        _fail(error, TROUBLE)


def _fail(error: Exception, code: int) -> None:
    _say(f"错误：{error}")
    raise typer.Exit(code) from error
