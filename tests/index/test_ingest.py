"""Ingest builds what the articles say, does nothing when nothing changed, and never harms what serves."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from index import checking, versions
from index.errors import IndexDamagedError, IndexingError, IngestBusyError, SourceError
from index.ingest import LOCK, IngestReport, check_in_subprocess, ingest, is_stale
from index.retrieval import Retriever
from index.settings import IndexSettings
from index.store import VectorStore


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class Built:
    """A first ingest of two short articles, and what it said on the way."""

    folder: Path
    report: IngestReport
    lines: tuple[str, ...]

    @property
    def settings(self) -> IndexSettings:
        return IndexSettings(path=self.folder / "index", articles=self.folder / "articles")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, bigrams: Any) -> Built:
    folder = tmp_path_factory.mktemp("built")
    (folder / "articles").mkdir()
    (folder / "articles" / "a.txt").write_text("平安赔付\n平安人寿赔付410万件。", "utf-8")
    (folder / "articles" / "b.txt").write_text("大篷车\n一、行程\n大篷车跨越7省6地。", "utf-8")
    settings = IndexSettings(path=folder / "index", articles=folder / "articles")
    lines: list[str] = []
    report = ingest(settings, progress=lines.append, embeddings=bigrams, check=checking.check)
    return Built(folder, report, tuple(lines))


@pytest.fixture
def settings(built: Built, tmp_path: Path) -> IndexSettings:
    """The same articles and index, to be changed and harmed."""
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    return IndexSettings(path=tmp_path / "index", articles=tmp_path / "articles")


def test_an_index_of_the_articles_is_built(bigram_settings: IndexSettings) -> None:
    folder, manifest = versions.open_current(bigram_settings.path)
    assert (manifest.articles, manifest.model, manifest.max_chars) == (2, "bigrams", 320)
    assert set(manifest.sources) == {"000_95d66e2d0ceeb092.txt", "003_80f3064cc1f2ad3a.txt"}
    assert len(versions.read_articles(folder)[1]) == manifest.chunks


def test_progress_is_told_and_the_report_counts(built: Built) -> None:
    version = versions.current_version(built.settings.path)
    assert built.report == IngestReport(version or "", True, 2, 2, built.report.seconds)
    assert built.lines == (
        "读取资料：2 篇，切分为 2 段",
        "计算向量：0/2 段",
        "写入向量库和关键词索引",
        "检查索引",
        f"索引已更新：{version}",
    )


def test_nothing_is_written_when_nothing_changed(bigram_settings: IndexSettings, bigrams: Any) -> None:
    before = contents(bigram_settings.path)
    lines: list[str] = []
    report = ingest(bigram_settings, progress=lines.append, embeddings=bigrams)
    assert not report.built and lines[-1] == f"索引已是最新：{report.version}"
    assert contents(bigram_settings.path) == before
    assert not is_stale(bigram_settings, bigrams)


def change_article(settings: IndexSettings) -> None:
    (settings.articles / "a.txt").write_text("平安赔付\n平安人寿赔付411万件。", "utf-8")


def add_article(settings: IndexSettings) -> None:
    (settings.articles / "c.txt").write_text("另一篇\n浦江经验。", "utf-8")


def remove_article(settings: IndexSettings) -> None:
    (settings.articles / "b.txt").unlink()


def describe_article(settings: IndexSettings) -> None:
    (settings.articles / "articles.toml").write_text('["a.txt"]\npublisher = "某报"', "utf-8")


def damage_index(settings: IndexSettings) -> None:
    folder, _ = versions.open_current(settings.path)
    (folder / versions.CHROMA / "chroma.sqlite3").write_bytes(b"")


def lose_pointer(settings: IndexSettings) -> None:
    (settings.path / versions.CURRENT).unlink()


def break_manifest(settings: IndexSettings) -> None:
    folder, _ = versions.open_current(settings.path)
    (folder / versions.MANIFEST).write_text("{", "utf-8")


def come_from_another_chunker(settings: IndexSettings) -> None:
    folder, manifest = versions.open_current(settings.path)
    articles, chunks = versions.read_articles(folder)
    versions.write_articles(folder, articles, chunks[:1])
    other = replace(manifest, fingerprint="0" * 64, files=versions.file_records(folder))
    versions.write_manifest(folder, other)


@pytest.mark.parametrize(
    "change",
    [
        change_article,
        add_article,
        remove_article,
        describe_article,
        damage_index,
        lose_pointer,
        break_manifest,
        come_from_another_chunker,
    ],
)
def test_whatever_changes_the_answers_makes_the_index_stale(
    settings: IndexSettings, bigrams: Any, change: Callable[[IndexSettings], None]
) -> None:
    assert not is_stale(settings, bigrams)
    change(settings)
    assert is_stale(settings, bigrams)


def test_another_model_or_chunk_size_makes_the_index_stale(
    bigram_settings: IndexSettings, bigrams: Any, other_bigrams: Any
) -> None:
    assert is_stale(bigram_settings, other_bigrams)
    assert is_stale(bigram_settings.model_copy(update={"max_chars": 100}), bigrams)


def test_there_is_no_index_to_begin_with(settings: IndexSettings, bigrams: Any, tmp_path: Path) -> None:
    assert is_stale(settings.model_copy(update={"path": tmp_path / "none"}), bigrams)


def test_a_damaged_index_is_mended_and_a_withdrawn_article_is_gone(
    settings: IndexSettings, bigrams: Any
) -> None:
    damage_index(settings)
    remove_article(settings)
    assert ingest(settings, embeddings=bigrams, check=checking.check).built
    assert not is_stale(settings, bigrams)
    with Retriever.open(settings, bigrams) as retriever:
        assert [article.id for article in retriever.articles] == ["a"]
        assert [passage.article.id for passage in retriever.passages(["大篷车跨越7省6地"], 10)] == ["a"]


def test_force_builds_again_and_old_versions_are_kept_within_bounds(
    settings: IndexSettings, bigrams: Any
) -> None:
    one = settings.model_copy(update={"keep_versions": 1})
    first = versions.current_version(settings.path)
    second, third = (
        ingest(one, force=True, embeddings=bigrams, check=checking.check).version for _ in range(2)
    )
    assert versions.current_version(settings.path) == third and first not in (second, third)
    assert sorted(versions.list_versions(settings.path)) == sorted([second, third])


def test_a_second_ingest_is_refused_while_one_is_at_work(settings: IndexSettings, bigrams: Any) -> None:
    change_article(settings)
    before = contents(settings.path)
    with (
        FileLock(settings.path / LOCK),
        pytest.raises(IngestBusyError, match=f"另一个 ingest 正在更新这个索引：{settings.path}"),
    ):
        ingest(settings, embeddings=bigrams)
    assert contents(settings.path) == before


def test_without_articles_it_says_where_they_go(settings: IndexSettings, bigrams: Any) -> None:
    shutil.rmtree(settings.articles)
    settings.articles.mkdir()
    before = contents(settings.path)
    with pytest.raises(SourceError, match="放进这个文件夹"):
        ingest(settings, embeddings=bigrams)
    assert contents(settings.path) == before


def test_a_place_that_cannot_be_written_is_named(settings: IndexSettings, bigrams: Any) -> None:
    shutil.rmtree(settings.path)
    settings.path.write_text("a file where the folder should be")
    with pytest.raises(IndexingError, match=f"无法写入索引：{settings.path}"):
        ingest(settings, embeddings=bigrams)


def test_a_full_disk_is_told_and_the_old_version_serves(settings: IndexSettings, bigrams: Any) -> None:
    first = versions.current_version(settings.path)
    change_article(settings)

    def full(line: str) -> None:
        if line.startswith("写入"):
            raise OSError(28, "No space left on device", str(settings.path))

    with pytest.raises(IndexingError, match=f"磁盘空间不足，无法写入索引：{settings.path}"):
        ingest(settings, progress=full, embeddings=bigrams)
    assert versions.current_version(settings.path) == first
    assert versions.leftovers(settings.path) == []


class HalfBlind:
    """An embedder that gives every passage the same vector but one, which is not a direction at all."""

    name, fingerprint, dimension = "half-blind", "half-blind", 4

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.ones((len(texts), 4), dtype=np.float32) / 2
        vectors[0] = 0
        return vectors


def test_what_does_not_pass_its_check_is_never_published(settings: IndexSettings, bigrams: Any) -> None:
    first = versions.current_version(settings.path)
    with pytest.raises(IndexingError, match=r"没有通过检查，未启用：.*查不到自己.*原来的索引不受影响"):
        ingest(settings, embeddings=HalfBlind())  # type: ignore[arg-type]
    assert versions.current_version(settings.path) == first
    assert versions.leftovers(settings.path) == []


def test_the_check_may_run_in_this_process_and_is_made_before_anything_is_published(
    settings: IndexSettings, bigrams: Any
) -> None:
    fresh = settings.model_copy(update={"path": settings.path / "fresh"})
    checked: list[tuple[Path, str | None]] = []

    def check(folder: Path) -> None:
        checking.check(folder)
        checked.append((folder, versions.current_version(fresh.path)))

    ingest(fresh, embeddings=bigrams, check=check)
    ((folder, serving_then),) = checked
    assert serving_then is None and not folder.exists()
    with pytest.raises(IndexDamagedError, match="查不到自己"):
        ingest(fresh, embeddings=HalfBlind(), check=check)  # type: ignore[arg-type]
    assert len(versions.list_versions(fresh.path)) == 1


def test_the_check_finds_rows_that_are_missing(settings: IndexSettings, bigrams: Any) -> None:
    folder, _ = versions.open_current(settings.path)
    articles, chunks = versions.read_articles(folder)
    fewer = folder.parent / "fewer"
    with VectorStore.create(fewer / versions.CHROMA, None) as store:
        store.add(chunks[:1], {article.id: article for article in articles}, bigrams.vectors(["x"]))
    with (
        VectorStore.open(fewer / versions.CHROMA, None) as store,
        pytest.raises(IndexDamagedError, match="应有 2 段，实有 1 段"),
    ):
        checking._check_store(fewer, store, {chunk.id for chunk in chunks})


def test_a_check_that_dies_is_a_failed_check(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match=r"没有通过检查，未启用：.*manifest.json"):
        check_in_subprocess(tmp_path)
