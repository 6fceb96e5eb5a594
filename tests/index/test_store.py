"""The vector store keeps what it is given, finds it by meaning, and leaves the published folder as it was."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from chromadb.api.shared_system_client import SharedSystemClient
from langchain_core.embeddings import Embeddings

from index.copying import PREFIX, ChangedFileError, PrivateCopy
from index.errors import IndexDamagedError, IndexUnusableError
from index.schema import Article, Chunk
from index.store import VectorStore, embedded_text

ARTICLES = {
    "a": Article("a", "赔付", "某报", date(2023, 9, 27), "", ""),
    "b": Article("b", "大篷车", "", None, "", ""),
}
CHUNKS = [
    Chunk("1", "a", "平安人寿赔付410万件", 0, 12, ("三、实事",)),
    Chunk("2", "a", "深刻践行浦江经验", 13, 21, ()),
    Chunk("3", "b", "大篷车跨越近10000公里", 0, 13, ("活动内容“新”", "新载体")),
]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path: Path, bigrams: Embeddings) -> Path:
    with VectorStore.create(tmp_path / "chroma", bigrams) as store:
        store.add(CHUNKS, ARTICLES)
    return tmp_path / "chroma"


@pytest.fixture
def store(folder: Path, bigrams: Embeddings) -> Iterator[VectorStore]:
    with VectorStore.open(folder, bigrams, contents(folder)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own, so that its copies can be counted."""
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    return own


def test_what_is_embedded_has_title_and_headings_before_the_text() -> None:
    assert embedded_text(CHUNKS[2], ARTICLES["b"]) == "大篷车\n活动内容“新”\n新载体\n大篷车跨越近10000公里"


def test_a_chunk_is_found_by_its_text_and_by_its_vector(store: VectorStore, bigrams: Embeddings) -> None:
    by_text = store.search("大篷车跨越多少公里", 2)
    assert by_text[0][0] == "3" and len(by_text) == 2
    vector = np.asarray(bigrams.embed_query(embedded_text(CHUNKS[0], ARTICLES["a"])))
    (chunk_id, similarity), *_ = store.search(vector, 3)
    assert chunk_id == "1" and similarity == pytest.approx(1.0, abs=1e-5)


def test_similarity_is_the_cosine(store: VectorStore, bigrams: Embeddings) -> None:
    query = np.asarray(bigrams.embed_query("赔付410万件"))
    stored = store.vectors(["1", "2", "3", "unknown"])
    assert sorted(stored) == ["1", "2", "3"]
    expected = {chunk_id: float(vector @ query) for chunk_id, vector in stored.items()}
    assert dict(store.search(query, 3)) == pytest.approx(expected, abs=1e-5)


def test_chroma_keeps_the_chunks_own_text_and_its_metadata(store: VectorStore) -> None:
    (document,) = store.chroma.get_by_ids(["3"])
    assert document.page_content == CHUNKS[2].text
    assert document.metadata == {
        "article_id": "b", "start": 0, "end": 13, "published": 0, "headings": "活动内容“新” / 新载体",
    }  # fmt: skip
    assert store.chroma.get_by_ids(["1"])[0].metadata["published"] == 20230927


def test_a_search_can_be_narrowed_by_metadata(store: VectorStore) -> None:
    assert [hit for hit, _ in store.search("大篷车", 3, {"article_id": "a"})] != []
    assert "3" not in dict(store.search("大篷车", 3, {"article_id": "a"}))
    assert set(dict(store.search("大篷车", 3, {"published": {"$gte": 20230101}}))) == {"1", "2"}


def test_adding_a_chunk_again_replaces_it(tmp_path: Path, bigrams: Embeddings) -> None:
    with VectorStore.create(tmp_path / "twice", bigrams) as store:
        store.add(CHUNKS, ARTICLES)
        store.add([Chunk("1", "a", "改过的话", 0, 4, ())], ARTICLES)
        assert store.count() == 3 and sorted(store.ids()) == ["1", "2", "3"]
        assert store.chroma.get_by_ids(["1"])[0].page_content == "改过的话"


def test_more_than_one_batch_is_stored_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.store.BATCH", 7)
    many = [Chunk(str(number), "a", f"第{number}段", number, number + 1, ()) for number in range(30)]
    vectors = np.eye(30, dtype=np.float32)
    with VectorStore.create(tmp_path / "many", None) as store:
        store.add(many, ARTICLES, vectors)
        assert store.count() == 30
        assert [store.search(vector, 1)[0][0] for vector in vectors] == [chunk.id for chunk in many]
        assert len(store.vectors([chunk.id for chunk in many])) == 30


def test_opening_and_asking_leaves_the_folder_byte_for_byte(folder: Path, bigrams: Embeddings) -> None:
    before = contents(folder)
    for _ in range(2):
        with VectorStore.open(folder, bigrams, before) as store:
            store.search("赔付", 3)
    assert contents(folder) == before


def test_two_can_have_the_same_folder_open(folder: Path, bigrams: Embeddings) -> None:
    with VectorStore.open(folder, bigrams) as one, VectorStore.open(folder, bigrams) as other:
        assert one.search("赔付", 3) == other.search("赔付", 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_can_be_asked(folder: Path, bigrams: Embeddings) -> None:
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        with VectorStore.open(folder, bigrams) as store:
            assert store.count() == 3
    finally:
        for path in paths:
            path.chmod(0o700)


@pytest.mark.parametrize("name", ["chroma.sqlite3", "header.bin", "data_level0.bin"])
def test_a_changed_file_is_found_before_chroma_reads_it(folder: Path, bigrams: Embeddings, name: str) -> None:
    digests = contents(folder)
    (path,) = folder.rglob(name)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexDamagedError, match=rf"{name} 内容与清单不符.*xiaobao ingest --force"):
        VectorStore.open(folder, bigrams, digests)


def test_a_missing_file_is_found(folder: Path, bigrams: Embeddings) -> None:
    digests = contents(folder)
    (folder / "chroma.sqlite3").unlink()
    with pytest.raises(IndexDamagedError, match=r"chroma\.sqlite3 无法读取"):
        VectorStore.open(folder, bigrams, digests)


def test_what_is_no_database_is_damaged(tmp_path: Path, bigrams: Embeddings, temporary_folder: Path) -> None:
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_text("no database at all")
    with pytest.raises(IndexDamagedError, match="xiaobao ingest --force"):
        VectorStore.open(tmp_path / "chroma", bigrams)
    assert list(temporary_folder.iterdir()) == []


def test_a_temporary_folder_that_is_gone_is_not_called_damage(
    folder: Path, bigrams: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    with pytest.raises(IndexUnusableError, match="临时文件夹") as caught:
        VectorStore.open(folder, bigrams)
    assert not isinstance(caught.value, IndexDamagedError)


def test_closing_releases_chroma_and_removes_the_copy(
    folder: Path, bigrams: Embeddings, temporary_folder: Path
) -> None:
    known = set(SharedSystemClient._identifier_to_system)
    store = VectorStore.open(folder, bigrams)
    assert len(list(temporary_folder.iterdir())) == 1
    store.close()
    store.close()
    assert set(SharedSystemClient._identifier_to_system) == known
    assert list(temporary_folder.iterdir()) == []


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path, temporary_folder: Path) -> None:
    with pytest.raises(ChangedFileError, match=r"gone\.bin 无法读取"):
        PrivateCopy(tmp_path, {"gone.bin": "0"})
    assert list(temporary_folder.iterdir()) == []


def test_a_copy_left_by_a_killed_process_is_removed_by_the_next(folder: Path, temporary_folder: Path) -> None:
    script = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1]; from pathlib import Path;"
        "from index.copying import PrivateCopy; copy = PrivateCopy(Path(sys.argv[2]));"
        "os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script, temporary_folder, folder], cwd=root, check=False)
    (orphan,) = temporary_folder.glob(f"{PREFIX}*")
    living = PrivateCopy(folder)
    assert orphan.exists()  # too young to be taken for forsaken
    long_ago = time.time() - 3600
    for root in (orphan, living.folder.parent):
        os.utime(root, (long_ago, long_ago))
    PrivateCopy(folder).remove()
    assert not orphan.exists() and living.folder.exists()
    living.remove()


def test_a_forked_child_does_not_remove_what_its_parent_uses(folder: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from index.copying import PrivateCopy;"
        "copy = PrivateCopy(Path(sys.argv[1])); child = os.fork(); child or sys.exit(0); os.waitpid(child, 0);"
        "print(len(list(copy.folder.iterdir())))"
    )
    command = [sys.executable, "-c", script, folder]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(len(list(folder.iterdir())))


def test_many_threads_get_the_same_answer(store: VectorStore) -> None:
    expected = store.search("赔付410万件", 3)
    with ThreadPoolExecutor(12) as pool:
        assert all(
            hits == expected for hits in pool.map(lambda _: store.search("赔付410万件", 3), range(120))
        )
