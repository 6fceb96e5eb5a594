"""Whether a built version answers: ``python -m index.checking <folder>``.

Run in a process of its own before a version is published, since a damaged Chroma folder can end the
process that opens it, or answer from a part of its rows without a word (tried: 501 of 2,500 with a damaged
HNSW file). So the rows that a query returns are counted against what the store says it holds, and each
chunk's own vector must find that chunk. Exit status 0 means sound; otherwise the last line of stderr says
what is not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from index.errors import IndexDamagedError, IndexUnusableError
from index.lexical import KeywordIndex
from index.store import VectorStore
from index.versions import CHROMA, KEYWORDS, damaged, digests, read_articles, read_manifest, verify

# A full check grows with the square of the index; past this an even sample tells as much.
SAMPLE = 2000
_SAME = 1e-3


def check(folder: Path) -> None:
    """Opens the version in ``folder`` as a server would, and asks it for what it must know.

    Raises:
        IndexUnusableError: files differ from the manifest, or an answer is missing or wrong.
    """
    manifest = read_manifest(folder)
    verify(folder, manifest)
    _, chunks = read_articles(folder)
    expected = {chunk.id for chunk in chunks}
    try:
        keywords = KeywordIndex.load(folder / KEYWORDS)
    except (OSError, ValueError) as error:
        raise IndexDamagedError(damaged(folder / KEYWORDS, str(error))) from error
    if set(keywords.ids) != expected:
        raise IndexDamagedError(
            damaged(folder / KEYWORDS, f"应有 {len(expected)} 段，实有 {keywords.size} 段")
        )
    with VectorStore.open(folder / CHROMA, None, digests(manifest, CHROMA)) as store:
        _check_store(folder / CHROMA, store, expected)


def _check_store(folder: Path, store: VectorStore, expected: set[str]) -> None:
    held = store.ids()
    if store.count() != len(expected) or set(held) != expected:
        raise IndexDamagedError(damaged(folder, f"应有 {len(expected)} 段，实有 {store.count()} 段"))
    step = -(-len(held) // SAMPLE)
    sample = sorted(held)[::step]
    vectors = store.vectors(sample)
    wanted = min(len(held), SAMPLE)
    answered = len(store.search(vectors[sample[0]], wanted))
    if answered != wanted:
        raise IndexDamagedError(damaged(folder, f"查询应返回 {wanted} 段，实得 {answered} 段"))
    for chunk_id in sample:
        # Chunks with the same text have the same vector, so the nearest may be a twin.
        _, similarity = store.search(vectors[chunk_id], 1)[0]
        if not np.isclose(similarity, 1.0, atol=_SAME):
            raise IndexDamagedError(damaged(folder, f"段落 {chunk_id} 查不到自己"))


def main(arguments: list[str]) -> int:
    """Exit status of checking the one folder that ``arguments`` names."""
    try:
        check(Path(arguments[0]))
    except IndexUnusableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
