"""The trained reader as it ships, the spans that scores give, and weights that are not what they should be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import index.models
from assistant.spans import BUNDLED, SpanModel, SpanScores, bundled_reader
from index.errors import ModelError

PLACES = np.asarray([[0, 2], [2, 4], [4, 6], [6, 8]])


def scored(starts: list[float], ends: list[float], nowhere: float = 0.0) -> SpanScores:
    return SpanScores(PLACES, np.asarray(starts, np.float32), np.asarray(ends, np.float32), nowhere)


def test_the_best_span_is_the_highest_sum_in_order() -> None:
    # The highest end stands before the highest start and does not count with it.
    found = scored([0, 5, 0, 0], [6, 0, 5, 0], nowhere=2).best()
    assert found is not None
    assert (found.span.start, found.span.end, found.margin) == (2, 6, pytest.approx(5 + 5 - 2))


def test_only_spans_that_begin_within_the_characters_asked_for_count() -> None:
    scores = scored([9, 0, 1, 0], [9, 0, 1, 0])
    found = scores.best(3, 8)
    assert found is not None
    assert (found.span.start, found.span.end) == (4, 6)
    assert scores.best(8) is None


def test_the_shipped_reader_finds_the_figure_of_the_company_asked_about() -> None:
    text = "2022年，平安人寿赔付410万件、平安产险赔付1.9亿件，平安健康险赔付245万件。"
    scores = bundled_reader().read([("平安健康险赔了多少件？", text), ("今天天气怎么样？", text)])
    asked, idle = (one.best() for one in scores)
    assert asked is not None
    assert idle is not None
    assert "245万" in text[asked.span.start : asked.span.end]
    assert asked.margin > idle.margin


def test_a_text_reads_alike_alone_and_among_others() -> None:
    pair = ("接通率是多少？", "客服热线接通率超99%。")
    others = [("几家公司？", "统筹13家成员公司，" * 12), ("谁？", "平安产险。")]
    alone = bundled_reader().read([pair])[0].best()
    among = bundled_reader().read([*others, pair])[2].best()
    assert alone is not None
    assert among is not None
    assert alone.span == among.span
    assert alone.margin == pytest.approx(among.margin, abs=0.05)


def test_an_empty_text_has_no_span() -> None:
    assert bundled_reader().read([("多少？", "")])[0].best() is None
    assert bundled_reader().read([]) == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED, tmp_path / "reader"))


def test_a_truncated_weight_file_is_named(copy: Path) -> None:
    weights = copy / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"阅读模型.*已损坏：model\.onnx.*重新安装"):
        SpanModel.load(copy)


def test_a_missing_file_or_folder_is_named(copy: Path, tmp_path: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"缺少 tokenizer\.json"):
        SpanModel.load(copy)
    with pytest.raises(ModelError, match="找不到阅读模型"):
        SpanModel.load(tmp_path / "nowhere")


def test_another_network_is_not_taken_for_the_reader() -> None:
    with pytest.raises(ModelError, match="不是阅读模型"):
        SpanModel.load(Path(index.models.__file__).parent / "e5-small-zh")
