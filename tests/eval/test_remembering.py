"""Vectors that are computed once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from eval.remembering import RememberingEmbeddings
from index.embedding import ModelEmbeddings
from index.settings import IndexSettings


@pytest.fixture(scope="module")
def remembering() -> Iterator[RememberingEmbeddings]:
    """The bundled model, remembering."""
    yield RememberingEmbeddings(IndexSettings().model)


def test_vectors_are_those_of_the_model_in_the_order_of_the_texts(
    remembering: RememberingEmbeddings, real_model: ModelEmbeddings
) -> None:
    remembering.vectors(["平安人寿", "理赔"])
    texts = ["投诉", "理赔", "平安人寿", "理赔"]
    np.testing.assert_allclose(remembering.vectors(texts), real_model.vectors(texts), atol=1e-3)
    assert remembering.embed_query("投诉") == real_model.embed_query("投诉")
    assert (remembering.name, remembering.fingerprint) == (real_model.name, real_model.fingerprint)


def test_a_text_is_computed_once(remembering: RememberingEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = remembering.vectors(["大篷车", "大篷车"])
    asked = remembering.embed_query("大篷车")
    computed: list[str] = []
    monkeypatch.setattr(remembering._model, "encode_document", lambda texts, **_: computed.extend(texts))
    monkeypatch.setattr(remembering._model, "encode_query", lambda text, **_: computed.append(text))
    assert (remembering.vectors(["大篷车"])[0] == first[0]).all()
    assert remembering.embed_query("大篷车") == asked
    assert computed == []


def test_no_texts_have_no_vectors(remembering: RememberingEmbeddings) -> None:
    assert remembering.vectors([]).shape == (0, remembering.dimension)
