"""Source files into articles. What ``articles.toml`` says of a file comes before what its page says.

One file is one article, known by the file's name without its ending. Only ``_READERS`` knows formats.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from index.cleaning import Cleaned, clean
from index.disguises import undisguised
from index.errors import SourceError
from index.schema import Article

DESCRIPTIONS = "articles.toml"
_KEYS = ("title", "publisher", "date", "url")


@dataclass(frozen=True, slots=True)
class Description:
    """What ``articles.toml`` says of one file; None where it says nothing."""

    title: str | None = None
    publisher: str | None = None
    published: date | None = None
    url: str | None = None


def source_files(folder: Path) -> list[Path]:
    """The files of ``folder`` that hold articles, in order of name.

    ``articles.toml`` and names that begin with a dot or underscore are not articles.

    Raises:
        SourceError: there is no such folder, it holds no article, a subfolder, or a format that is not read.
    """
    if not folder.is_dir():
        raise SourceError(f"找不到资料文件夹：{folder}。请检查设置 index.articles。")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(f"无法读取资料文件夹：{folder}（{error.strerror}）。") from error
    files = [entry for entry in entries if entry.name != DESCRIPTIONS and entry.name[0] not in "._"]
    for file in files:
        if file.is_dir():
            raise SourceError(f"不读取子文件夹：{file}。请把资料直接放在 {folder} 里。")
        if file.suffix.lower() not in _READERS:
            known = "、".join(sorted(_READERS))
            raise SourceError(f"不支持的资料格式：{file}。目前可读取的格式：{known}。")
    if not files:
        raise SourceError(f"没有资料：{folder} 是空的。请把文章（.txt，UTF-8 编码）放进这个文件夹后再运行。")
    stems = [file.stem for file in files]
    for file in files:
        if stems.count(file.stem) > 1:
            raise SourceError(f"有两份资料同名：{file.stem}。请改名，文件名（不含扩展名）是资料的编号。")
    return files


def load_articles(folder: Path) -> list[Article]:
    """The articles of ``folder``, in order of file name, cleaned and described.

    Raises:
        SourceError: see ``source_files``, ``load_article`` and ``load_descriptions``.
    """
    files = source_files(folder)
    descriptions = load_descriptions(folder, {file.name for file in files})
    return [load_article(file, descriptions.get(file.name, Description())) for file in files]


def load_article(path: Path, description: Description) -> Article:
    """One file as an article; its title is the file's name where neither page nor description gives one.

    Raises:
        SourceError: the file cannot be read, is of an unknown format or encoding, or has no text.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"不支持的资料格式：{path}。目前可读取的格式：{'、'.join(sorted(_READERS))}。")
    try:
        cleaned = clean(reader(path))
    except OSError as error:
        raise SourceError(f"无法读取资料：{path}（{error.strerror}）。请检查文件权限。") from error
    if not cleaned.text:
        raise SourceError(f"资料没有正文：{path}。请检查文件内容。")
    return _described(path.stem, cleaned, description)


def _described(article_id: str, cleaned: Cleaned, description: Description) -> Article:
    def told(said: str | None, found: str) -> str:
        return found if said is None else undisguised(said)

    return Article(
        id=article_id,
        title=told(description.title, cleaned.title) or article_id,
        publisher=told(description.publisher, cleaned.publisher),
        published=description.published or cleaned.published,
        url=told(description.url, cleaned.url),
        text=cleaned.text,
    )


def _read_text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"资料不是 UTF-8 编码：{path}（第 {error.start} 字节）。请另存为 UTF-8。"
        ) from error
    if "\0" in text:
        raise SourceError(f"资料不是文本文件：{path}。请另存为 UTF-8 编码的 .txt。")
    return text


_READERS: Mapping[str, Callable[[Path], str]] = {".txt": _read_text}


def load_descriptions(folder: Path, names: set[str]) -> dict[str, Description]:
    """What ``articles.toml`` in ``folder`` says, by file name; empty if there is no such file.

    Raises:
        SourceError: it is not TOML, names a file that is not among ``names``, or has an unknown key or a
            wrong value.
    """
    path = folder / DESCRIPTIONS
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} 不是有效的 TOML：{error}。") from error
    except OSError as error:
        raise SourceError(f"无法读取 {path}（{error.strerror}）。请检查文件权限。") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SourceError(f'{path}：{name} 应写成一节，例如 ["文件名.txt"]。')
        if name not in names:
            raise SourceError(f"{path} 提到的文件不存在：{name}。请检查文件名，或删去这一节。")
    return {name: _description(path, name, table) for name, table in tables.items()}


def _description(path: Path, name: str, table: Mapping[str, Any]) -> Description:
    for key, value in table.items():
        if key not in _KEYS:
            raise SourceError(f"{path} 的 {name}：不认识的项 {key}。可用的项：{'、'.join(_KEYS)}。")
        if key != "date" and not isinstance(value, str):
            raise SourceError(f"{path} 的 {name}：{key} 应是文字，写在引号里。")
    return Description(
        title=table.get("title"),
        publisher=table.get("publisher"),
        published=_date(path, name, table.get("date")),
        url=table.get("url"),
    )


def _date(path: Path, name: str, value: object) -> date | None:
    if value is None or type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _not_a_date(value)
    except ValueError as error:
        raise SourceError(f"{path} 的 {name}：日期 {value} 有误。请写成 2023-09-27 的样子。") from error


def _not_a_date(value: object) -> date:
    raise ValueError(f"not a date: {value!r}")
