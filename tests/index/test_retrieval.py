"""The retriever finds passages by meaning and by words, from many threads, and says what ails an index."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import versions
from index.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from index.fusion import fuse
from index.lexical import tokens
from index.retrieval import Retriever
from index.settings import IndexSettings


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("2022年平安人寿赔付了多少件？", "平安人寿赔付410万件"),
        ("大篷車跨越了多少公里", "跨越近10000公里"),
        ("什么是浦江经验？", "四是深刻践行“浦江经验”"),
        ("神秘客检查", "“神秘客”检查工作"),
        ("315宣传周触达多少消费者", "触达消费者超7亿人次"),
    ],
)
def test_a_question_finds_the_passage_that_answers_it(
    bigram_retriever: Retriever, question: str, words: str
) -> None:
    assert any(words in passage.chunk.text for passage in bigram_retriever.passages([question], 3))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("投诉电话是多少", "95511热线"),
        ("新员工要考试吗", "100%学习消保"),
        ("平安给老年人提供了哪些服务", "提升适老化服务措施"),
        ("平安養老險賠付件數", "平安养老险赔付1599万件"),
        ("每天赔多少钱", "每天赔付7.7亿元"),
        ("宣传月什么时候启动", "2023年9月15日正式启动"),
    ],
)
def test_with_the_bundled_model_other_words_find_it_first(
    real_retriever: Retriever, question: str, words: str
) -> None:
    assert words in real_retriever.passages([question], 1)[0].chunk.text


def test_passages_come_best_first_with_their_article(bigram_retriever: Retriever) -> None:
    found = bigram_retriever.passages(["平安人寿赔付410万件"], 5)
    assert len(found) == 5 and len({passage.chunk.id for passage in found}) == 5
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)
    for passage in found:
        assert passage.article.id == passage.chunk.article_id
        assert passage.article.text[passage.chunk.start : passage.chunk.end] == passage.chunk.text


def test_a_passage_keeps_its_best_score_over_several_formulations(bigram_retriever: Retriever) -> None:
    one, other = "平安人寿赔付多少件", "大篷车走了多少公里"
    everything = len(bigram_retriever.chunks)
    single = [
        {passage.chunk.id: passage.score for passage in bigram_retriever.passages([text], everything)}
        for text in (one, other)
    ]
    both = bigram_retriever.passages([one, other, one, " "], everything)
    assert {passage.chunk.id: passage.score for passage in both} == {
        chunk_id: max(scores[chunk_id] for scores in single) for chunk_id in single[0]
    }
    texts = [passage.chunk.text for passage in both[:2]]
    assert any("410万件" in text for text in texts) and any("10000公里" in text for text in texts)


def test_nothing_asked_finds_nothing(bigram_retriever: Retriever) -> None:
    assert bigram_retriever.passages([]) == [] == bigram_retriever.passages(["", " \n"])
    assert bigram_retriever.passages(["赔付"], 0) == []


def test_any_text_can_be_looked_up(bigram_retriever: Retriever) -> None:
    for text in ("🙂", "'; DROP TABLE passages; --", "<script>", "赔" * 20_000, "\0", "\ud83d"):
        assert len(bigram_retriever.passages([text], 3)) == 3


def test_scores_are_the_fused_legs_even_where_a_leg_did_not_propose_the_passage(
    bigram_settings: IndexSettings, bigrams: Any
) -> None:
    question = "平安人寿赔付多少件，大篷车走了多少公里"
    few = bigram_settings.model_copy(update={"candidates": 5})
    with Retriever.open(few, bigrams) as retriever:
        found = {passage.chunk.id: passage.score for passage in retriever.passages([question], 100)}
        cosines = retriever.similarities(question, list(found))
        words = retriever.keywords.scores(tokens(question))
        keywords = {chunk_id: float(words[retriever.keywords.place(chunk_id)]) for chunk_id in found}
    assert 5 < len(found) <= 10
    assert found == pytest.approx(dict(fuse([cosines, keywords], [0.7, 1 - 0.7])), abs=1e-4)


def test_the_weights_are_those_of_the_settings(bigram_settings: IndexSettings, bigrams: Any) -> None:
    question = "95511热线接通率"
    orders = {}
    for weight in (0.0, 1.0):
        weighted = bigram_settings.model_copy(update={"dense_weight": weight})
        with Retriever.open(weighted, bigrams) as retriever:
            orders[weight] = [passage.chunk.id for passage in retriever.passages([question], 3)]
            by_words = [chunk_id for chunk_id, _ in retriever.keywords.search(question, 3)]
            cosines = retriever.similarities(question, [chunk.id for chunk in retriever.chunks])
    assert orders[0.0] == by_words
    assert orders[1.0] == sorted(cosines, key=lambda chunk_id: -cosines[chunk_id])[:3]


def test_similarities_are_cosines_of_the_known_chunks(bigram_retriever: Retriever) -> None:
    (passage,) = bigram_retriever.passages(["赔付"], 1)
    by_text = bigram_retriever.similarities("赔付", [passage.chunk.id, "unknown"])
    by_vector = bigram_retriever.similarities(bigram_retriever.embed("赔付"), [passage.chunk.id])
    assert by_text == by_vector and list(by_text) == [passage.chunk.id]
    assert 0 < by_text[passage.chunk.id] < 1


def test_the_passage_at_an_offset_is_the_one_that_holds_it_or_the_next(bigram_retriever: Retriever) -> None:
    own = [chunk for chunk in bigram_retriever.chunks if chunk.article_id.startswith("003")]
    for before, after in pairwise(own):
        for offset, expected in [(before.start, before), (before.end - 1, before), (before.end, after)]:
            assert bigram_retriever.passage_at(before.article_id, offset).chunk == expected
    assert bigram_retriever.passage_at(own[0].article_id, 10**6).chunk == own[-1]
    with pytest.raises(KeyError):
        bigram_retriever.passage_at("unknown", 0)


def test_a_remembered_query_vector_cannot_be_changed(bigram_retriever: Retriever) -> None:
    vector = bigram_retriever.embed("赔付")
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1.0
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_langchain_gets_documents_with_all_metadata(bigram_retriever: Retriever) -> None:
    documents = bigram_retriever.invoke("大篷车跨越多少公里")
    passages = bigram_retriever.passages(["大篷车跨越多少公里"])
    assert [document.id for document in documents] == [passage.chunk.id for passage in passages]
    assert len(documents) == bigram_retriever.k == 6
    first, passage = documents[0], passages[0]
    assert first.page_content == passage.chunk.text
    assert first.metadata == {
        "article_id": passage.article.id, "title": passage.article.title,
        "publisher": "", "published": "", "url": "",
        "headings": ["活动内容“新”", "新载体"], "start": passage.chunk.start, "end": passage.chunk.end,
        "score": passage.score,
    }  # fmt: skip


def test_it_says_what_it_reads(
    bigram_retriever: Retriever, bigram_settings: IndexSettings, bigrams: Any
) -> None:
    assert bigram_retriever.version == versions.current_version(bigram_settings.path)
    assert bigram_retriever.created.strftime("%Y%m%d-%H%M%S") == bigram_retriever.version[:15]
    assert [article.id[:3] for article in bigram_retriever.articles] == ["000", "003"]
    assert bigram_retriever.embeddings is bigrams
    assert "赔付" in bigram_retriever.keywords.vocabulary
    starts = [(chunk.article_id, chunk.start) for chunk in bigram_retriever.chunks]
    assert starts == sorted(starts)


def test_twelve_threads_get_what_one_gets(bigram_retriever: Retriever) -> None:
    questions = ["平安人寿赔付多少件", "大篷车走了多少公里", "浦江经验是什么", "接通率是多少"]
    expected = [bigram_retriever.passages([question]) for question in questions]
    bigram_retriever._index.embed.cache_clear()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda number: bigram_retriever.passages([questions[number % 4]]), range(96)))
    assert all(found[number] == expected[number % 4] for number in range(96))


@pytest.fixture
def copied(bigram_settings: IndexSettings, tmp_path: Path) -> IndexSettings:
    """An index that may be harmed."""
    shutil.copytree(bigram_settings.path, tmp_path / "index")
    return bigram_settings.model_copy(update={"path": tmp_path / "index"})


def test_a_missing_index_names_the_command_that_builds_it(tmp_path: Path, bigrams: Any) -> None:
    with pytest.raises(IndexMissingError, match="请先运行 xiaobao ingest"):
        Retriever.open(IndexSettings(path=tmp_path / "none"), bigrams)


def test_another_model_is_a_mismatch_that_names_both(
    bigram_settings: IndexSettings, other_bigrams: Any
) -> None:
    with pytest.raises(IndexMismatchError, match=r"bigrams.*现在的模型是 other.*请运行 xiaobao ingest 重建"):
        Retriever.open(bigram_settings, other_bigrams)


@pytest.mark.parametrize(
    "name",
    [
        "articles.json",
        "chunks.jsonl",
        "keywords/ids.json",
        "keywords/data.csc.index.npy",
        "chroma/chroma.sqlite3",
    ],
)
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_a_damaged_file_is_named_with_the_command_that_mends_it(
    copied: IndexSettings, bigrams: Any, name: str, damage: str
) -> None:
    folder, _ = versions.open_current(copied.path)
    content = (folder / name).read_bytes()
    if damage == "gone":
        (folder / name).unlink()
    else:
        half = len(content) // 2
        changed = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        (folder / name).write_bytes(content[:half] if damage == "cut" else changed)
    with pytest.raises(IndexDamagedError, match=rf"{Path(name).name}.*xiaobao ingest --force"):
        Retriever.open(copied, bigrams)


def test_asking_leaves_the_index_as_it_was(copied: IndexSettings, bigrams: Any) -> None:
    folder, manifest = versions.open_current(copied.path)
    with Retriever.open(copied, bigrams) as retriever:
        retriever.passages(["赔付"])
    versions.verify(folder, manifest)
    assert versions.file_records(folder) == manifest.files


def test_a_retriever_goes_on_when_its_version_is_removed(copied: IndexSettings, bigrams: Any) -> None:
    with Retriever.open(copied, bigrams) as retriever:
        shutil.rmtree(copied.path)
        assert retriever.passages(["大篷车跨越多少公里"], 1)[0].chunk.text.startswith("新载体")
