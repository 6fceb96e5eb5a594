"""Questions thought of beforehand: which statement they speak for, and when they are not used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.anticipated import BUNDLED, FILE, Anticipated, Likeness, Questions, bundled_questions, check_of
from assistant.sentences import Sentence, statements
from assistant.training.anticipating import write
from assistant.training.spoken import FILE as WRITTEN
from assistant.training.spoken import LATER
from assistant.understanding import normalise
from index.embedding import CHECKSUMS, ModelEmbeddings, sha256
from index.errors import ModelError
from index.loading import load_articles
from index.schema import Article, Chunk, Passage
from index.settings import IndexSettings

MODEL = "a model"
FIRST, SECOND = "甲公司的车走过12个县。", "乙公司没有这样的车。"
EAST, NORTH = np.asarray([1.0, 0.0], np.float32), np.asarray([0.0, 1.0], np.float32)


@pytest.fixture
def questions() -> Questions:
    """One that 12个县 answers, and one that the second sentence does not answer."""
    quotes = (FIRST, SECOND)
    answer = FIRST.index("12个县")
    return Questions(
        vectors=np.stack([EAST, NORTH]),
        articles=np.asarray(["a", "a"]),
        places=np.asarray(
            [
                (0, len(FIRST), answer, answer + 4),
                (len(FIRST), len(FIRST) + len(SECOND), -1, -1),
            ],
            np.int32,
        ),
        checks=np.asarray([check_of(quote) for quote in quotes]),
        offered=np.asarray([0], np.int32),
        wordings=np.asarray(["甲公司的车走过多少个县？"]),
        fingerprint=MODEL,
    )


def sentences(text: str) -> list[Sentence]:
    """The statements of an article that is one passage."""
    source = Article("a", "题目", "", None, "", text)
    return statements(Passage(Chunk("a-0", "a", text, 0, len(text), ()), source, 1.0))


def likeness(questions: Questions, found: list[Sentence], vector: np.ndarray) -> list[Likeness]:
    articles = [sentence.passage.article for sentence in found]
    return Anticipated(questions, articles, MODEL).likeness(vector, found)


def test_a_known_question_speaks_for_the_statement_that_answers_it(questions: Questions) -> None:
    found = sentences(FIRST + SECOND)
    first, second = likeness(questions, found, EAST)
    assert (first, second) == (Likeness(1.0, 0.0), Likeness(0.0, 0.0))


def test_and_one_without_an_answer_against_the_statement_that_looks_like_it(questions: Questions) -> None:
    first, second = likeness(questions, sentences(FIRST + SECOND), NORTH)
    assert (first, second) == (Likeness(0.0, 0.0), Likeness(0.0, 1.0))


def test_the_answers_to_the_nearest_known_questions_can_be_looked_at(questions: Questions) -> None:
    known = Anticipated(questions, [sentences(FIRST + SECOND)[0].passage.article], MODEL)
    assert known.nearest(EAST) == [("a", FIRST.index("12个县"))]
    # What has no answer has no place, and what is far from every known question is like none.
    assert known.nearest(NORTH) == [] and known.nearest(-EAST) == []
    assert known.covers("a") and not known.covers("b")


def test_where_an_article_has_changed_the_question_is_not_used(questions: Questions) -> None:
    found = sentences(FIRST.replace("12", "13") + SECOND)
    assert likeness(questions, found, EAST)[0] == Likeness(0.0, 0.0)
    assert likeness(questions, found, NORTH)[1] == Likeness(0.0, 1.0)


def test_a_known_question_can_be_offered_as_long_as_its_quote_stands(questions: Questions) -> None:
    source = sentences(FIRST + SECOND)[0].passage.article
    known = Anticipated(questions, [source], MODEL)
    (offer,) = known.offers
    assert (offer.wording, offer.article) == ("甲公司的车走过多少个县？", "a")
    assert source.text[offer.answer.start : offer.answer.end] == "12个县"
    assert source.text[offer.statement.start : offer.statement.end] == FIRST
    assert known.offer_vectors.tolist() == [EAST.tolist()]
    changed = replace(source, text=source.text.replace("12", "13"))
    assert Anticipated(questions, [changed], MODEL).offers == ()


def test_nothing_is_known_with_another_embedding_model(questions: Questions) -> None:
    found = sentences(FIRST + SECOND)
    articles = [sentence.passage.article for sentence in found]
    known = Anticipated(questions, articles, "another model")
    assert len(known) == 0
    # Its vectors may be of another length too.
    assert known.likeness(np.ones(3, np.float32), found) == [Likeness(0.0, 0.0)] * 2


def test_what_is_written_is_read_again(questions: Questions, tmp_path: Path) -> None:
    write(tmp_path, questions)
    read = Questions.load(tmp_path)
    assert np.allclose(read.vectors, questions.vectors, atol=0.005)
    assert read.places.tolist() == questions.places.tolist()
    assert read.articles.tolist() == questions.articles.tolist()
    assert (read.offered.tolist(), read.wordings.tolist()) == ([0], ["甲公司的车走过多少个县？"])
    assert (read.fingerprint, read.checks.tolist()) == (MODEL, questions.checks.tolist())


def test_a_damaged_or_foreign_file_is_said_to_be_one(questions: Questions, tmp_path: Path) -> None:
    write(tmp_path, questions)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-20])
    with pytest.raises(ModelError, match=r"预想问题.*已损坏"):
        Questions.load(tmp_path)
    np.savez(tmp_path / FILE, vectors=np.zeros((1, 2)))
    (tmp_path / CHECKSUMS).write_text(f"{sha256(tmp_path / FILE)}  {FILE}\n", "utf-8")
    with pytest.raises(ModelError, match="无法读取预想问题"):
        Questions.load(tmp_path)


def test_the_shipped_questions_are_those_that_were_written_for_the_shipped_articles() -> None:
    shipped = bundled_questions()
    texts = {article.id: article.text for article in load_articles(IndexSettings().articles)}
    rows = [json.loads(line) for file in (WRITTEN, LATER) for line in file.read_text("utf-8").splitlines()]
    own = [row for row in rows if row["source"] in texts]
    assert shipped.checks.tolist() == [row["check"] for row in own]
    marked = {number for number, row in enumerate(own) if row.get("offer")}
    assert set(shipped.offered.tolist()) <= marked
    asked = [normalise(own[number]["question"]).rstrip("?") for number in shipped.offered.tolist()]
    assert [normalise(text).rstrip("?") for text in shipped.wordings.tolist()] == asked
    model = ModelEmbeddings(IndexSettings().model)
    assert shipped.fingerprint == model.fingerprint, f"run assistant.training.anticipating for {BUNDLED}"
    for number in range(0, len(own), len(own) // 20):
        vector = np.asarray(model.embed_query(normalise(own[number]["question"])), np.float32)
        assert shipped.vectors[number] @ vector > 0.97
    assert len(Anticipated(shipped, load_articles(IndexSettings().articles), model.fingerprint)) == len(own)
