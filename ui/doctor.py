"""``xiaobao doctor``: looks at every part the product rests on and says what mends what is wrong.

Each check stands alone and returns findings rather than raising, so that one fault does not hide another.
"""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.settings import DEFAULT_FILE, Settings
from index.errors import IndexingError, IndexMissingError
from index.versions import open_current, verify
from ui.access import is_loopback
from ui.browsers import SECRET_FILE, load_secret
from ui.database import RECORDS_FILE, Database
from ui.errors import KeysError, RecordsError
from ui.feedback import Feedback
from ui.keys import KEYS_FILE, Keys
from ui.records import Records

Level = Literal["正常", "注意", "失败"]

OLDEST_PYTHON = (3, 11)
FIRST_UNTRIED_PYTHON = (3, 13)
# Chroma refuses to start on an older one.
OLDEST_SQLITE = (3, 35, 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``remedy`` is empty where nothing needs doing."""

    part: str
    level: Level
    detail: str
    remedy: str = ""


def examine(
    settings: Settings,
    config: Path | None,
    load: Callable[[Settings], object],
    is_stale: Callable[[Settings], bool],
) -> Iterator[Finding]:
    """Every finding, cheapest check first; ``load`` builds the assistant as the server would."""
    yield python(sys.version_info[:3])
    yield sqlite(sqlite3.sqlite_version_info)
    yield settings_file(config)
    found = index(settings, is_stale)
    yield found
    yield loading(settings, load, index_usable=found.level != "失败")
    yield records(settings.server.records)
    yield access(settings)
    yield port(settings.server.host, settings.server.port)


def python(version: tuple[int, int, int]) -> Finding:
    """Whether this Python is one the product was tried on."""
    text = ".".join(map(str, version))
    if OLDEST_PYTHON <= version[:2] < FIRST_UNTRIED_PYTHON:
        return Finding("Python", "正常", text)
    return Finding(
        "Python", "失败", f"{text}，需要 3.11 或 3.12", "请安装 Python 3.11 后重新运行 make install。"
    )


def sqlite(version: tuple[int, ...]) -> Finding:
    """Whether the SQLite that Python was built with is new enough for Chroma."""
    text = ".".join(map(str, version))
    if version >= OLDEST_SQLITE:
        return Finding("SQLite", "正常", text)
    return Finding("SQLite", "失败", f"{text}，需要 3.35 以上", "请换用自带较新 SQLite 的 Python 3.11。")


def settings_file(config: Path | None) -> Finding:
    """Where the settings come from; that they are sound is known by the time this is asked."""
    file = config or DEFAULT_FILE
    if file.is_file():
        return Finding("设置", "正常", str(file))
    return Finding("设置", "正常", f"没有 {DEFAULT_FILE}，使用默认值")


def index(settings: Settings, is_stale: Callable[[Settings], bool]) -> Finding:
    """Whether the index is there, whole, and made from the articles as they are now."""
    try:
        folder, manifest = open_current(settings.index.path)
        verify(folder, manifest)
        stale = is_stale(settings)
    except IndexMissingError as error:
        return Finding("索引", "失败", str(error), "请运行 xiaobao ingest。")
    except IndexingError as error:
        return Finding("索引", "失败", str(error), "请运行 xiaobao ingest --force。")
    detail = f"{manifest.version}，{manifest.articles} 篇资料，{manifest.chunks} 段"
    if stale:
        return Finding("索引", "注意", f"{detail}；资料或设置在建立索引之后有改动", "请运行 xiaobao ingest。")
    return Finding("索引", "正常", detail)


def loading(settings: Settings, load: Callable[[Settings], object], *, index_usable: bool) -> Finding:
    """Whether the model and the whole assistant can be loaded."""
    if not index_usable:
        return Finding("模型", "注意", "索引不可用，没有试着加载", "请先修好索引，再运行 xiaobao doctor。")
    try:
        load(settings)
    except IndexingError as error:
        return Finding("模型", "失败", str(error), "请检查设置中的 [index] model，或重新运行 make install。")
    return Finding("模型", "正常", settings.index.model)


def records(folder: Path) -> Finding:
    """Where conversations and feedback are and how many, or why they cannot be kept; makes no file."""
    file, secret = folder / RECORDS_FILE, folder / SECRET_FILE
    try:
        if secret.exists():
            load_secret(secret)
        if not file.exists():
            return Finding("记录", "正常", f"{file} 还没有，第一次启动 xiaobao serve 时建立")
        with closing(Database(file)) as database:
            database.check()
            conversations, feedback = Records(database).total(), Feedback(database).total()
    except RecordsError as error:
        return Finding("记录", "失败", str(error), "请按上面的说明处理，再运行 xiaobao doctor。")
    return Finding("记录", "正常", f"{file}，{conversations} 个对话，{feedback} 条反馈")


def access(settings: Settings) -> Finding:
    """Who may ask, and whether anybody can."""
    auth, host = settings.auth, settings.server.host
    try:
        keys = len(Keys(settings.server.records / KEYS_FILE).list())
    except KeysError as error:
        return Finding("访问", "失败", str(error), "请按上面的说明处理，再运行 xiaobao doctor。")
    if auth.api_keys and not keys and not auth.sso_header:
        return Finding(
            "访问", "注意", "要求密钥，但还没有发放，谁也不能提问", "请运行 xiaobao keys add 名称。"
        )
    if auth.required:
        ways = [f"{keys} 个密钥"] if auth.api_keys else []
        ways += [f"统一登录（{auth.sso_header}）"] if auth.sso_header else []
        return Finding("访问", "正常", "、".join(ways))
    if is_loopback(host):
        return Finding("访问", "正常", "只在本机，谁都可以提问")
    return Finding(
        "访问",
        "失败",
        f"{host} 能被别的机器访问，而谁都可以提问，xiaobao serve 会拒绝启动",
        "请在设置的 [auth] 中启用密钥或统一登录，或把 server.host 改回 127.0.0.1。",
    )


def port(host: str, number: int) -> Finding:
    """Whether the page's address is free to listen on."""
    where = f"{host}:{number}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except (OSError, UnicodeError) as error:
        remedy = "如果消保问答已在运行，不必处理；否则请换一个端口（xiaobao serve --port 7861）。"
        return Finding("端口", "注意", f"{where} 现在不能监听：{error}", remedy)
    return Finding("端口", "正常", f"{where} 空闲")
