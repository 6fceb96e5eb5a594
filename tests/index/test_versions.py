"""Versions are immutable, published by one atomic step, and checked against their manifest."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from index import versions
from index.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from index.schema import Article, Chunk

MADE = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def build(path: Path, version: str, text: str = "内容") -> Path:
    building = versions.start_building(path, version)
    (building / "chroma").mkdir()
    (building / "chroma" / "rows").write_text(text, "utf-8")
    manifest = versions.Manifest(
        version=version,
        created=MADE.isoformat(),
        fingerprint="f",
        model="m",
        model_fingerprint="mf",
        max_chars=320,
        articles=1,
        chunks=1,
        sources={"a.txt": "0"},
        files=versions.file_records(building),
    )
    versions.write_manifest(building, manifest)
    return building


def names(count: int) -> list[str]:
    return [f"2026010{number + 1}-120000-0000000{number}" for number in range(count)]


def publish(path: Path, version: str) -> None:
    versions.publish(path, build(path, version), version)


def test_a_version_is_named_by_when_it_was_made() -> None:
    name = versions.version_name("f", MADE)
    assert name.startswith("20260101-120000-") and len(name) == 24
    assert name != versions.version_name("f", MADE.replace(microsecond=1))


def test_nothing_serves_before_the_first_is_published(tmp_path: Path) -> None:
    assert versions.current_version(tmp_path) is None and versions.list_versions(tmp_path) == []
    with pytest.raises(IndexMissingError, match=f"还没有建立索引：{tmp_path}。请先运行 xiaobao ingest"):
        versions.open_current(tmp_path)


def test_what_is_being_built_does_not_serve(tmp_path: Path) -> None:
    first, second = names(2)
    publish(tmp_path, first)
    build(tmp_path, second)
    assert versions.current_version(tmp_path) == first and versions.list_versions(tmp_path) == [first]


def test_publishing_lets_the_new_one_serve_and_keeps_the_old(tmp_path: Path) -> None:
    first, second = names(2)
    publish(tmp_path, first)
    publish(tmp_path, second)
    assert versions.list_versions(tmp_path) == [first, second]
    folder, manifest = versions.open_current(tmp_path)
    assert (folder.name, manifest.version) == (second, second)
    versions.point_to(tmp_path, first)
    assert versions.current_version(tmp_path) == first


def test_a_manifest_says_all_it_was_told(tmp_path: Path) -> None:
    (name,) = names(1)
    publish(tmp_path, name)
    folder, manifest = versions.open_current(tmp_path)
    assert manifest.files == {
        "chroma/rows": versions.FileRecord(6, versions.digests(manifest, "chroma")["rows"])
    }
    assert (manifest.sources, manifest.max_chars, manifest.format) == ({"a.txt": "0"}, 320, versions.FORMAT)
    versions.verify(folder, manifest)


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    (name,) = names(1)
    publish(tmp_path, name)
    folder, manifest = versions.open_current(tmp_path)
    rows = folder / "chroma" / "rows"
    if damage == "gone":
        rows.unlink()
    else:
        rows.write_text("外容" if damage == "changed" else "内", "utf-8")
    with pytest.raises(IndexDamagedError, match=r"chroma/rows.*xiaobao ingest --force"):
        versions.verify(folder, manifest)
    versions.verify(folder, manifest, under=["keywords"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": {"a": 3}}'])
def test_a_broken_manifest_is_damage(tmp_path: Path, text: str) -> None:
    (name,) = names(1)
    publish(tmp_path, name)
    (versions.version_folder(tmp_path, name) / versions.MANIFEST).write_text(text)
    with pytest.raises(IndexDamagedError, match=r"manifest.json.*xiaobao ingest --force"):
        versions.open_current(tmp_path)


@pytest.mark.parametrize("pointer", ["", "../elsewhere", "20260101-120000-zzzzzzzz"])
def test_a_broken_pointer_is_damage(tmp_path: Path, pointer: str) -> None:
    (tmp_path / versions.CURRENT).write_text(pointer)
    with pytest.raises(IndexDamagedError, match="CURRENT"):
        versions.open_current(tmp_path)


def test_a_version_that_is_gone_is_damage(tmp_path: Path) -> None:
    (tmp_path / versions.CURRENT).write_text(names(1)[0])
    with pytest.raises(IndexDamagedError, match="xiaobao ingest --force"):
        versions.open_current(tmp_path)


def test_another_format_is_a_mismatch(tmp_path: Path) -> None:
    (name,) = names(1)
    publish(tmp_path, name)
    path = versions.version_folder(tmp_path, name) / versions.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(IndexMismatchError, match="格式 99，本程序需要格式 1。请运行 xiaobao ingest"):
        versions.open_current(tmp_path)


def test_pruning_keeps_the_one_that_serves_and_the_newest_others(tmp_path: Path) -> None:
    first, second, third, fourth, fifth = names(5)
    for name in (first, second, third, fourth, fifth):
        publish(tmp_path, name)
    versions.point_to(tmp_path, second)
    assert versions.prune(tmp_path, 2) == [first, third]
    assert versions.list_versions(tmp_path) == [second, fourth, fifth]
    assert versions.prune(tmp_path, 2) == [] and versions.leftovers(tmp_path) == []


def test_leftovers_of_a_crash_are_removed_and_nothing_else(tmp_path: Path) -> None:
    first, second = names(2)
    publish(tmp_path, first)
    left = build(tmp_path, second)
    gone = versions.versions_folder(tmp_path) / f".removing-{second}"
    gone.mkdir()
    assert versions.leftovers(tmp_path) == [left, gone]
    versions.remove_leftovers(tmp_path)
    assert versions.leftovers(tmp_path) == [] and versions.list_versions(tmp_path) == [first]


def test_articles_and_chunks_are_read_as_they_were_written(tmp_path: Path) -> None:
    articles = (
        Article("a", "题“目”", "某报", date(2023, 9, 27), "http://a.cn", "正文。\n第二段\u2028。"),
        Article("b", "无日期", "", None, "", "正文。"),
    )
    chunks = (Chunk("1", "a", "正文。", 0, 3, ("一、甲", "乙")), Chunk("2", "b", "正\u2028文。", 0, 4, ()))
    versions.write_articles(tmp_path, articles, chunks)
    assert versions.read_articles(tmp_path) == (articles, chunks)


def test_unreadable_chunks_are_damage(tmp_path: Path) -> None:
    versions.write_articles(tmp_path, [], [])
    (tmp_path / versions.CHUNKS).write_text('{"id": "1"')
    with pytest.raises(IndexDamagedError, match="xiaobao ingest --force"):
        versions.read_articles(tmp_path)
