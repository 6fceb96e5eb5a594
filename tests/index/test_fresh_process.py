"""What only a fresh process can show: what a killed ingest leaves behind, and what loading the model writes.

Starting one takes longer than all else here, so that one process shows both.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from index import checking, versions
from index.ingest import ingest
from index.retrieval import Retriever
from index.settings import IndexSettings

ROOT = Path(__file__).parents[2]
STAGES = ("计算", "写入", "检查", "pointer")

PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[3])
from conftest import BigramEmbeddings
from index import checking, ingest, versions
from index.embedding import ModelEmbeddings
from index.settings import IndexSettings

settings = IndexSettings(path=sys.argv[1], articles=sys.argv[2])

def die(*arguments, **named):
    os.kill(os.getpid(), 9)

def crash(stage):
    if stage == "pointer":  # the version has its name, the pointer still names the old one
        versions.point_to = die
    told = lambda line: line.startswith(stage) and die()
    ingest.ingest(settings, progress=told, embeddings=BigramEmbeddings(), check=checking.check)

# No client of Chroma exists before a fork, so each child starts as a process of its own would.
for stage in sys.argv[4:]:
    child = os.fork()
    if child == 0:
        crash(stage)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(stage, os.WTERMSIG(status), versions.current_version(settings.path), flush=True)

print("length", len(ModelEmbeddings(IndexSettings().model).embed_query("平安")))
"""


@dataclass(frozen=True)
class Ran:
    """What the program did: the index it was killed over, its version before that, the home folder, what was said."""

    settings: IndexSettings
    first: str | None
    home: Path
    said: tuple[str, ...]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, bigrams: Any) -> Ran:
    folder, home = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("home")
    (folder / "articles").mkdir()
    article = folder / "articles" / "a.txt"
    article.write_text("平安赔付\n平安人寿赔付410万件。", "utf-8")
    settings = IndexSettings(path=folder / "index", articles=folder / "articles")
    first = ingest(settings, embeddings=bigrams, check=checking.check).version
    article.write_text("平安赔付\n平安人寿赔付411万件。", "utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"PYTHONUTF8": "1", "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    arguments = [settings.path, settings.articles, ROOT / "tests", *STAGES]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Ran(settings, first, home, tuple(done.stdout.splitlines()))


def test_a_crash_at_any_stage_leaves_the_old_version_and_the_next_ingest_heals(
    ran: Ran, bigrams: Any
) -> None:
    assert ran.said[:-1] == tuple(f"{stage} 9 {ran.first}" for stage in STAGES)
    with Retriever.open(ran.settings, bigrams) as retriever:
        assert "410万件" in retriever.passages(["赔付"])[0].chunk.text
    report = ingest(ran.settings, embeddings=bigrams, check=checking.check)
    assert report.built and versions.leftovers(ran.settings.path) == []
    with Retriever.open(ran.settings, bigrams) as retriever:
        assert "411万件" in retriever.passages(["赔付"])[0].chunk.text


def test_nothing_is_reported_to_the_maker_of_the_runtime(ran: Ran) -> None:
    """The runtime makes a device id in the home folder when it is going to report; there must be none."""
    assert ran.said[-1] == "length 384"
    assert not [path for path in ran.home.rglob("*") if "microsoft" in path.name.lower()]
