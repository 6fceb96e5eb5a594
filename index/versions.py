"""Index versions on disk: immutable folders, and one pointer to the one that serves.

    <path>/CURRENT                       the name of the version that serves, one line
    <path>/versions/20260101-120000-ab12cd34/
        manifest.json                    what made it, and the size and sha256 of every other file
        articles.json  chunks.jsonl      the cleaned articles, and the chunks in order
        chroma/  keywords/               the two legs of the search
    <path>/versions/.building-*          a version in the making; left over if the process was killed
    <path>/versions/.removing-*          a version on its way out; the same

A version is built beside the others, gets its name by one rename, and serves from the moment the pointer
is replaced by another. Each step is atomic and on disk before the next, so a crash leaves the old version
serving.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from index.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from index.schema import Article, Chunk

FORMAT = 1
CURRENT = "CURRENT"
MANIFEST = "manifest.json"
ARTICLES = "articles.json"
CHUNKS = "chunks.jsonl"
CHROMA = "chroma"
KEYWORDS = "keywords"

_BUILDING = ".building-"
_REMOVING = ".removing-"
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes and sha256 in hex of one file of a version."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version is and what it was made from.

    ``fingerprint`` is the same for two versions exactly if they would answer alike: it covers the articles,
    the chunks, the model and the keyword dictionary. ``sources`` has the sha256 of each source file by name.
    """

    version: str
    created: str
    fingerprint: str
    model: str
    model_fingerprint: str
    max_chars: int
    articles: int
    chunks: int
    sources: Mapping[str, str]
    files: Mapping[str, FileRecord]
    format: int = FORMAT


def version_name(fingerprint: str, created: datetime) -> str:
    """The name of a version made at ``created``; two made in one second still differ."""
    unique = hashlib.sha256(f"{fingerprint}{created.isoformat()}".encode()).hexdigest()
    return f"{created:%Y%m%d-%H%M%S}-{unique[:8]}"


def versions_folder(path: Path) -> Path:
    """Where the versions of the index at ``path`` are kept."""
    return path / "versions"


def version_folder(path: Path, version: str) -> Path:
    """The folder of one version."""
    return versions_folder(path) / version


def list_versions(path: Path) -> list[str]:
    """The names of all published versions, oldest first."""
    folder = versions_folder(path)
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if _NAME.fullmatch(entry.name))


def current_version(path: Path) -> str | None:
    """The name of the version that serves; None if none has been published."""
    try:
        name = (path / CURRENT).read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamagedError(damaged(path / CURRENT, str(error))) from error
    if not _NAME.fullmatch(name):
        raise IndexDamagedError(damaged(path / CURRENT, "指向的版本名有误"))
    return name


def open_current(path: Path) -> tuple[Path, Manifest]:
    """The folder and manifest of the version that serves. Its files are not looked at; see ``verify``.

    Raises:
        IndexMissingError: none has been published.
        IndexDamagedError: the pointer or the manifest is missing or unreadable.
        IndexMismatchError: the version is of another format.
    """
    name = current_version(path)
    if name is None:
        raise IndexMissingError(f"还没有建立索引：{path}。请先运行 xiaobao ingest。")
    folder = version_folder(path, name)
    return folder, read_manifest(folder)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the version in ``folder``.

    Raises:
        IndexDamagedError: it is missing or unreadable.
        IndexMismatchError: it is of another format.
    """
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text("utf-8"))
        found = values["format"]
        if found == FORMAT:
            files = {name: FileRecord(**record) for name, record in values.pop("files").items()}
            return Manifest(**values, files=files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise IndexDamagedError(damaged(path, str(error))) from error
    raise IndexMismatchError(
        f"索引格式不符：{folder} 是格式 {found}，本程序需要格式 {FORMAT}。请运行 xiaobao ingest 重建。"
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest, and brings it and all files it names to disk."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text, "utf-8")
    for name in (MANIFEST, *manifest.files):
        _sync(folder / name)
    for below in {(folder / name).parent for name in (MANIFEST, *manifest.files)}:
        _sync(below)


def file_records(folder: Path) -> dict[str, FileRecord]:
    """Size and sha256 of every file below ``folder`` but the manifest, by its path with forward slashes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != MANIFEST)
    return {file.relative_to(folder).as_posix(): _record(file) for file in files}


def verify(folder: Path, manifest: Manifest, under: Iterable[str] | None = None) -> None:
    """Compares the files of a version with its manifest; ``under`` names the top-level entries to look at.

    Raises:
        IndexDamagedError: a file is missing or has changed; the message names it.
    """
    chosen = None if under is None else frozenset(under)
    for name, expected in manifest.files.items():
        if chosen is not None and name.split("/")[0] not in chosen:
            continue
        try:
            found = _record(folder / name)
        except OSError as error:
            raise IndexDamagedError(damaged(folder / name, error.strerror or str(error))) from error
        if found != expected:
            raise IndexDamagedError(damaged(folder / name, "内容与清单不符"))


def digests(manifest: Manifest, folder: str) -> dict[str, str]:
    """The sha256 of the files below one top-level folder of a version, by their path below it."""
    prefix = f"{folder}/"
    return {
        name.removeprefix(prefix): record.sha256
        for name, record in manifest.files.items()
        if name.startswith(prefix)
    }


def damaged(path: Path, reason: str) -> str:
    """What staff are told of a damaged file."""
    return f"索引已损坏：{path}（{reason}）。请运行 xiaobao ingest --force 重建。"


def start_building(path: Path, version: str) -> Path:
    """A new, empty folder to build ``version`` in."""
    folder = versions_folder(path) / f"{_BUILDING}{version}"
    folder.mkdir(parents=True)
    return folder


def publish(path: Path, building: Path, version: str) -> None:
    """Makes the finished folder ``building`` the version that serves."""
    building.rename(version_folder(path, version))
    _sync(versions_folder(path))
    point_to(path, version)


def point_to(path: Path, version: str) -> None:
    """Lets ``version`` serve, by one atomic replacement of the pointer."""
    fresh = path / f".{CURRENT}.new"
    fresh.write_text(f"{version}\n", "utf-8")
    _sync(fresh)
    fresh.replace(path / CURRENT)
    _sync(path)


def leftovers(path: Path) -> list[Path]:
    """The unfinished folders that a killed ingest, or one still at work, has there."""
    entries = sorted(versions_folder(path).glob(".*"))
    return [entry for entry in entries if entry.name.startswith((_BUILDING, _REMOVING))]


def remove_leftovers(path: Path) -> None:
    """Removes what a killed process left unfinished. Only under the ingest lock."""
    for entry in leftovers(path):
        shutil.rmtree(entry)


def prune(path: Path, keep: int) -> list[str]:
    """Removes all but the version that serves and the ``keep`` newest others; the names of those removed."""
    serving = current_version(path)
    others = [name for name in list_versions(path) if name != serving]
    surplus = others[: max(0, len(others) - keep)]
    for name in surplus:
        # Renamed first, so that a crash half-way through cannot leave half a version under its name.
        leaving = versions_folder(path) / f"{_REMOVING}{name}"
        version_folder(path, name).rename(leaving)
        shutil.rmtree(leaving)
    return surplus


def write_articles(folder: Path, articles: Iterable[Article], chunks: Iterable[Chunk]) -> None:
    """Writes the articles with their cleaned text, and the chunks in order."""
    rows = [
        asdict(article) | {"published": article.published.isoformat() if article.published else None}
        for article in articles
    ]
    (folder / ARTICLES).write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
    with (folder / CHUNKS).open("w", encoding="utf-8") as file:
        for chunk in chunks:
            file.write(json.dumps(asdict(chunk), ensure_ascii=False) + "\n")


def read_articles(folder: Path) -> tuple[tuple[Article, ...], tuple[Chunk, ...]]:
    """The articles and chunks of the version in ``folder``.

    Raises:
        IndexDamagedError: they are missing or unreadable.
    """
    try:
        rows = json.loads((folder / ARTICLES).read_text("utf-8"))
        articles = tuple(_article(row) for row in rows)
        with (folder / CHUNKS).open(encoding="utf-8") as file:
            chunks = tuple(_chunk(json.loads(line)) for line in file)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IndexDamagedError(damaged(folder, str(error))) from error
    return articles, chunks


def _article(row: dict[str, Any]) -> Article:
    published = row.pop("published")
    return Article(**row, published=date.fromisoformat(published) if published else None)


def _chunk(row: dict[str, Any]) -> Chunk:
    return Chunk(**{**row, "headings": tuple(row["headings"])})


def _record(file: Path) -> FileRecord:
    with file.open("rb") as reading:
        return FileRecord(file.stat().st_size, hashlib.file_digest(reading, "sha256").hexdigest())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
