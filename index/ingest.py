"""Articles into a published index version: load, clean, chunk, embed, store, check, publish.

Whether there is anything to do is read off what would be built, not off dates: articles, chunks, model and
dictionary make one fingerprint, and an index that has it and is whole is left alone, untouched on disk. One
ingest at a time holds the lock; asking needs no lock, since what serves never changes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from index import versions
from index.chunking import chunk
from index.embedding import ModelEmbeddings
from index.errors import IndexingError, IndexUnusableError, IngestBusyError
from index.lexical import DICTIONARY, KeywordIndex
from index.loading import load_articles, source_files
from index.schema import Article, Chunk
from index.settings import PACKAGE, IndexSettings
from index.store import VectorStore, embedded_text

LOCK = "ingest.lock"
_EMBEDDING_BATCH = 64

Progress = Callable[[str], None]
Check = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did. ``built`` is False where the index was up to date and nothing was written."""

    version: str
    built: bool
    articles: int
    chunks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the sources would make: everything a version holds but the vectors."""

    articles: tuple[Article, ...]
    chunks: tuple[Chunk, ...]
    sources: dict[str, str]
    fingerprint: str


def ingest(
    settings: IndexSettings,
    *,
    force: bool = False,
    progress: Progress = lambda line: None,
    embeddings: ModelEmbeddings | None = None,
    check: Check | None = None,
) -> IngestReport:
    """Brings the index at ``settings.path`` up to date with the articles; ``force`` builds it anew anyway.

    ``progress`` is told, in Chinese, what is being done. ``embeddings`` saves loading the model again. ``check``
    looks at the folder of a version before it is published, and raises where it is not sound; without it that is
    ``check_in_subprocess``. An index that is made for one moment and of little text may be checked in this process,
    by ``index.checking.check``: that saves seconds, but a damaged one may end the process.

    Raises:
        SourceError: an article or its description is unusable.
        ModelError: the embedding model cannot be loaded.
        IngestBusyError: another ingest is at work on this index.
        IndexingError: the index cannot be written, or what was built does not pass its check.
    """
    started = time.monotonic()
    embeddings = embeddings or ModelEmbeddings(settings.model)
    plan = _plan(settings, embeddings)
    progress(f"读取资料：{len(plan.articles)} 篇，切分为 {len(plan.chunks)} 段")
    version = None if force or versions.leftovers(settings.path) else _up_to_date(settings, plan)
    built = False
    if version is None:
        with _locked(settings.path), _writing(settings.path):
            versions.remove_leftovers(settings.path)
            version = None if force else _up_to_date(settings, plan)
            if version is None:
                version = _build(settings, plan, embeddings, progress, check or check_in_subprocess)
                built = True
                versions.prune(settings.path, settings.keep_versions)
    progress(f"索引已更新：{version}" if built else f"索引已是最新：{version}")
    seconds = time.monotonic() - started
    return IngestReport(version, built, len(plan.articles), len(plan.chunks), seconds)


def is_stale(settings: IndexSettings, embeddings: ModelEmbeddings | None = None) -> bool:
    """Whether ``ingest`` would build: no index, a damaged one, or one of other articles or another model.

    Raises:
        SourceError, ModelError: as ``ingest``.
    """
    plan = _plan(settings, embeddings or ModelEmbeddings(settings.model))
    return _up_to_date(settings, plan) is None


def _plan(settings: IndexSettings, embeddings: ModelEmbeddings) -> _Plan:
    articles = tuple(load_articles(settings.articles))
    sources = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in source_files(settings.articles)
    }
    chunks = tuple(part for article in articles for part in chunk(article, settings.max_chars))
    content = {
        "format": versions.FORMAT,
        "model": embeddings.fingerprint,
        "dictionary": hashlib.sha256(DICTIONARY.read_bytes()).hexdigest(),
        "articles": [asdict(article) for article in articles],
        "chunks": [asdict(part) for part in chunks],
    }
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return _Plan(articles, chunks, sources, hashlib.sha256(canonical.encode()).hexdigest())


def _up_to_date(settings: IndexSettings, plan: _Plan) -> str | None:
    """The version that serves, if it is whole and is what ``plan`` would make."""
    try:
        folder, manifest = versions.open_current(settings.path)
        if manifest.fingerprint != plan.fingerprint:
            return None
        versions.verify(folder, manifest)
    except IndexUnusableError:  # missing, damaged or of another format: each is mended by building
        return None
    return manifest.version


def _build(
    settings: IndexSettings, plan: _Plan, embeddings: ModelEmbeddings, progress: Progress, check: Check
) -> str:
    created = datetime.now(UTC)
    version = versions.version_name(plan.fingerprint, created)
    building = versions.start_building(settings.path, version)
    try:
        _write(building, plan, embeddings, progress)
        manifest = versions.Manifest(
            version=version,
            created=created.isoformat(timespec="seconds"),
            fingerprint=plan.fingerprint,
            model=embeddings.name,
            model_fingerprint=embeddings.fingerprint,
            max_chars=settings.max_chars,
            articles=len(plan.articles),
            chunks=len(plan.chunks),
            sources=plan.sources,
            files=versions.file_records(building),
        )
        versions.write_manifest(building, manifest)
        progress("检查索引")
        check(building)
        versions.publish(settings.path, building, version)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return version


def _write(building: Path, plan: _Plan, embeddings: ModelEmbeddings, progress: Progress) -> None:
    by_id = {article.id: article for article in plan.articles}
    texts = [embedded_text(part, by_id[part.article_id]) for part in plan.chunks]
    vectors = _embed(texts, embeddings, progress)
    progress("写入向量库和关键词索引")
    with VectorStore.create(building / versions.CHROMA, None) as store:
        store.add(plan.chunks, by_id, vectors)
    KeywordIndex.build([part.id for part in plan.chunks], texts).save(building / versions.KEYWORDS)
    versions.write_articles(building, plan.articles, plan.chunks)


def _embed(texts: Sequence[str], embeddings: ModelEmbeddings, progress: Progress) -> np.ndarray:
    """The vectors of ``texts``, float32 of shape ``(len(texts), dimension)``."""
    parts = []
    for start in range(0, len(texts), _EMBEDDING_BATCH):
        progress(f"计算向量：{start}/{len(texts)} 段")
        parts.append(embeddings.vectors(texts[start : start + _EMBEDDING_BATCH]))
    return np.concatenate(parts)


def check_in_subprocess(folder: Path) -> None:
    """Runs ``index.checking`` on a built version, in a process of its own.

    Raises:
        IndexingError: the version does not pass, or the process ended without a verdict.
    """
    command = [sys.executable, "-X", "utf8", "-m", "index.checking", str(folder.resolve())]
    # The folder that holds this package, so that the same one is found however it was installed.
    done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"检查进程异常退出，代码 {done.returncode}"])[-1]
        raise IndexingError(f"新建的索引没有通过检查，未启用：{reason} 原来的索引不受影响。")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path / LOCK, timeout=0)
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise IngestBusyError(f"另一个 ingest 正在更新这个索引：{path}。请等它完成后再试。") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Errors of the file system told as what staff can do about them."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise IndexingError(f"磁盘空间不足，无法写入索引：{where}。请清理后重试。") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise IndexingError(
                f"没有写入权限：{where}。请检查文件夹权限，或改用设置 index.path。"
            ) from error
        raise IndexingError(f"无法写入索引：{where}（{error.strerror or error}）。") from error
