"""Reading with a network, measuring it, training it: the formulas, the windows, and a run that is interrupted."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

import index.models
from assistant.spans import PASSAGE, QUERY, SpanModel
from assistant.training.data import Encoded, batch
from assistant.training.evaluate import area, exact, f1, longest_run, refused, sentence_at
from assistant.training.export import reader_graph
from assistant.training.model import Shape, SpanReader
from assistant.training.reading import windows
from assistant.training.train import Plan, Trainer, factor, loss_of, read_loss, restore, save

SMALL = Shape(vocabulary=50, positions=64, hidden=64, layers=2, heads=2, inner=128)
EXAMPLES = [Encoded((0, 5, 6, 2, 2, 7, 8, 9 + number, 10, 2), 5, 6, 7, True) for number in range(4)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(Path(index.models.__file__).parent / "e5-small-zh" / "tokenizer.json"))


def trainer_of(reader: SpanReader, plan: Plan) -> Trainer[Encoded]:
    return Trainer(reader, plan, partial(read_loss, ranking=False))


def small_reader() -> SpanReader:
    torch.manual_seed(3)
    return SpanReader(SMALL, frozen=1, dropout=0.1)


@given(st.text(alphabet="甲乙丙。\n", min_size=1, max_size=80), st.integers(2, 30))
def test_windows_cover_the_text_and_keep_to_the_limit(text: str, limit: int) -> None:
    found = windows(text, limit)
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(later.start <= earlier.end for earlier, later in itertools.pairwise(found))
    assert all(0 < part.end - part.start <= limit for part in found)


def test_a_network_is_asked_about_the_texts_own_tokens_alone(tokenizer: Tokenizer) -> None:
    text = "公司去年赔付410万件。"
    tokens = tokenizer.encode(QUERY + "去年赔付多少？", PASSAGE + text)
    first = next(place for place, side in enumerate(tokens.sequence_ids) if side == 1)

    def score(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.zeros((*ids.shape, 2), np.float32)
        scores[:, :first] = 50  # the question's tokens, and "not here"
        return scores

    read = SpanModel(tokenizer, score).read([("去年赔付多少？", text)])[0]
    assert read.nowhere == 100
    assert read.starts.max() == 0
    assert [text[start:end] for start, end in read.places.tolist() if end > start][-1] == "。"


@pytest.mark.parametrize(
    ("answer", "gold", "value"),
    [
        ("410万件", "410万件", 1.0),
        ("410万件。", "410万件", 1.0),
        ("赔付410万件", "410万件", 0.75),
        ("甲", "乙", 0.0),
    ],
)
def test_f1_counts_characters_and_whole_numbers(answer: str, gold: str, value: float) -> None:
    # 410 is one unit: 赔 付 410 万 件 against 410 万 件 shares 3 of 5 and 3 of 3.
    assert f1(answer, gold) == pytest.approx(value)


def test_the_longest_run_is_without_gaps() -> None:
    assert longest_run("甲乙丙丁", "甲丙丁乙") == 2


def test_punctuation_and_case_do_not_make_an_answer_wrong() -> None:
    assert exact("《ABC》", "abc")
    assert not exact("abd", "abc")


def test_the_sentence_is_the_one_around_the_place() -> None:
    text = "甲在。乙在；丙在！丁"
    assert sentence_at(text, 0) == "甲在。"
    assert sentence_at(text, 6) == "乙在；丙在！"
    assert sentence_at(text, len(text) - 1) == "丁"


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    assert area([3, 2], [1, 0]) == 1
    assert area([1], [1]) == 0.5
    assert area([3, 0], [1, 2]) == 0.5


def test_refusals_are_counted_below_the_threshold() -> None:
    positive = [float(number) for number in range(100)]
    assert refused(positive, [-1.0, 2.0, 50.0, 60.0]) == 0.5


def test_the_rate_rises_then_falls_to_zero_in_both_phases() -> None:
    plan = Plan(steps=100, spoken_steps=50, spoken_rate=0.5)
    rates = [factor(step, plan) for step in range(plan.total + 1)]
    assert max(rates[:100]) == 1
    assert rates[0] < rates[3] < 1
    assert rates[50] > rates[90] > rates[99] > 0
    assert max(rates[100:]) == 0.5
    assert rates[100] < 0.5 > rates[140] > rates[150] == 0


def test_the_loss_of_an_unanswerable_question_falls_with_the_first_tokens_score() -> None:
    part = batch([replace(EXAMPLES[0], answerable=False)])
    scores = torch.zeros(1, part.ids.shape[1], 2)
    raised = scores.clone()
    raised[0, 0] = 3
    assert loss_of(raised, part, ranking=False) < loss_of(scores, part, ranking=False)
    placed = scores.clone()
    placed[0, 6, 0] = placed[0, 7, 1] = 3
    assert loss_of(placed, part, ranking=False) > loss_of(scores, part, ranking=False)


def test_ranking_tells_the_passages_tokens_apart_while_not_here_leads() -> None:
    part = batch(EXAMPLES[:1])
    scores = torch.zeros(1, part.ids.shape[1], 2)
    scores[0, 0] = 20
    rival = scores.clone().requires_grad_()
    for ranking in (False, True):
        (slope,) = torch.autograd.grad(loss_of(rival, part, ranking=ranking), rival)
        assert bool(slope[0, 8, 0] > 0.05) is ranking
        assert slope[0, 3].abs().sum() == 0  # a token of the question


def test_training_lowers_the_loss_and_leaves_frozen_layers_alone() -> None:
    reader = small_reader()
    before = {name: value.clone() for name, value in reader.state_dict().items()}
    plan = Plan(steps=60, size=4, rate=3e-3, frozen=1)
    trainer = trainer_of(reader, plan)
    losses = [trainer.step(step, EXAMPLES, factor(step, plan)) for step in range(40)]
    assert losses[-1] < losses[0] / 2
    after = reader.state_dict()
    assert torch.equal(before["layers.0.joined.weight"], after["layers.0.joined.weight"])
    assert not torch.equal(before["layers.1.joined.weight"], after["layers.1.joined.weight"])


def test_a_run_that_is_interrupted_ends_with_the_same_weights(tmp_path: Path) -> None:
    plan = Plan(steps=12, size=4, frozen=1)
    whole = trainer_of(small_reader(), plan)
    for step in range(8):
        whole.step(step, EXAMPLES, factor(step, plan))
        if step == 3:
            save(tmp_path, whole, 4)
    resumed = trainer_of(small_reader(), plan)
    done = restore(tmp_path, resumed)
    assert done == 4
    for step in range(done, 8):
        resumed.step(step, EXAMPLES, factor(step, plan))
    for name, value in whole.reader.state_dict().items():
        assert torch.equal(value, resumed.reader.state_dict()[name]), name


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    trainer = trainer_of(small_reader(), Plan(size=4))
    for step in (200, 400, 600, 800):
        save(tmp_path, trainer, step)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "checkpoint-000400.pt",
        "checkpoint-000600.pt",
        "checkpoint-000800.pt",
    ]


def test_a_run_without_a_checkpoint_begins_at_the_beginning(tmp_path: Path) -> None:
    assert restore(tmp_path, trainer_of(small_reader(), replace(Plan(), size=4))) == 0


def test_padding_does_not_change_the_scores() -> None:
    reader = small_reader().eval()
    ids = torch.tensor([[0, 5, 6, 2, 2, 7, 8, 2]])
    padded = torch.cat([ids, torch.ones(1, 4, dtype=torch.long)], dim=1)
    mask = torch.cat([torch.ones_like(ids), torch.zeros(1, 4, dtype=torch.long)], dim=1)
    with torch.inference_mode():
        plain = reader(ids, torch.ones_like(ids))
        assert torch.allclose(plain, reader(padded, mask)[:, : ids.shape[1]], atol=1e-5)


def test_the_graph_scores_as_the_network_does() -> None:
    reader = small_reader().eval()
    with torch.no_grad():
        reader.span.weight.normal_()
    session = onnxruntime.InferenceSession(reader_graph(reader).SerializeToString())
    ids = np.array([[0, 5, 6, 2, 2, 7, 8, 2], [0, 9, 2, 2, 11, 2, 1, 1]], np.int64)
    mask = (ids != 1).astype(np.int64)
    scores = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    with torch.inference_mode():
        wanted = reader(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    assert np.abs(scores - wanted)[mask == 1].max() < 0.05 * np.abs(wanted).max()
