"""Trains the reader.

    python -m assistant.training.train --data DIR --weights DIR --out DIR [--steps N] [--spoken-steps N] [--seed S]

``--data`` holds the material, ``--weights`` the float weights of the embedding model, ``--out`` gets
checkpoints, the log and, at the end, ``reader.safetensors``. Called again with the same ``--out`` it goes on from
the last checkpoint; the examples of a step depend on the seed and the step's number alone. Another ``--steps``
on the way moves the end of the linear decay.

The weights are computed with in bfloat16 and kept in float32 by the optimiser. Each of the workers reads a part of
the batch on one thread, so that a busy machine slows one operation and not every pair of threads at a barrier.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import torch
from opencc import OpenCC
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from assistant.training.data import (
    Asked,
    Batch,
    Encoded,
    Example,
    batch,
    encode,
    headed,
    in_script,
    read_material,
    read_texts,
)
from assistant.training.model import SpanReader, load_encoder, parameters_trained
from assistant.training.negatives import Examples, Mix, made_questions, reworded
from assistant.training.spoken import Spoken

QUESTIONS = ("drcd_dev_retrieval.jsonl", "drcd_test_retrieval.jsonl", "cmrc_trial_retrieval.jsonl")
NEWS = "crud_finance_news.jsonl"
FINAL = "reader.safetensors"
CHECKPOINT = "checkpoint-{:06d}.pt"
CHUNK = 40  # batches whose examples are drawn together and sorted by length
KEPT = 3
LONG = 10  # characters from which on an answer is a long one
TOLD = 20  # steps between lines of the log

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Optimising:
    """How weights are changed: by AdamW, the examples of a step shared among workers."""

    rate: float = 1.5e-4
    warm_up: float = 0.06
    decay: float = 0.01
    clip: float = 1.0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Plan(Optimising):
    """What a run does; lengths are in tokens, or in characters where it says so."""

    steps: int = 2200
    seed: int = 7
    size: int = 16
    frozen: int = 2
    dropout: float = 0.1
    most: int = 208
    shortest: int = 120  # characters of a window
    longest: int = 300
    titled: float = 0.3
    traditional: float = 0.12
    every: int = 200
    settled: int = 600  # steps after which ranking counts too, and long answers are drawn more often
    long: float = 0.15  # share of questions drawn for their long answers
    spoken_steps: int = 1600  # steps of a second phase, in which questions as people ask them are mixed in
    spoken: float = 0.6  # their share in it
    spoken_rate: float = 0.6  # how much of ``rate`` it begins with

    @property
    def total(self) -> int:
        """Steps of both phases."""
        return self.steps + self.spoken_steps


class Source:
    """The batches of a run: step number -> examples, the same for the same seed."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, plan: Plan) -> None:
        self._plan = plan
        self._tokenizer = tokenizer
        self._traditional = OpenCC("s2t").convert
        asked = read_material(folder / name for name in QUESTIONS)
        self._long = [one for one in asked if len(one.words) >= LONG]
        chance = random.Random(plan.seed)
        # The other half of the news stays unseen, for measuring with it.
        news = read_texts(folder / NEWS)[::2]
        self._spoken = Spoken(news) if plan.spoken_steps else None
        passages = list({one.passage.id: one.passage for one in asked}.values())
        self.natural = len(asked)
        self.asked: list[Asked] = (
            asked + made_questions(news, chance, 2) + made_questions(passages, chance, 1)
        )
        self._examples = Examples(self.asked, passages + news, Mix())
        self._chunk: tuple[int, list[list[Encoded]]] = (-1, [])
        self._order: tuple[int, list[int]] = (-1, [])

    def at(self, step: int) -> list[Encoded]:
        """The examples of ``step``, shortest first."""
        number, place = divmod(step, CHUNK)
        if self._chunk[0] != number:
            self._chunk = (number, self._draw(number))
        return self._chunk[1][place]

    def _draw(self, number: int) -> list[list[Encoded]]:
        plan = self._plan
        chance = random.Random(f"{plan.seed}:{number}")
        count = CHUNK * plan.size
        drawn: list[Encoded] = []
        slot = number * count
        while len(drawn) < count:
            if self._spoken and number * CHUNK >= plan.steps and chance.random() < plan.spoken:
                length = chance.randint(plan.shortest, plan.longest)
                found = self._encoded(self._spoken.draw(length, chance), chance)
                drawn += [found] if found else []
                continue
            if number * CHUNK >= plan.settled and chance.random() < plan.long:
                one = chance.choice(self._long)
            else:
                one = self._question(slot)
                slot += 1
            found = self._example(one, chance)
            if found:
                drawn.append(found)
        drawn.sort(key=lambda example: len(example.ids))
        batches = [drawn[place : place + plan.size] for place in range(0, count, plan.size)]
        chance.shuffle(batches)
        return batches

    def _question(self, slot: int) -> Asked:
        passed, place = divmod(slot, len(self.asked))
        if self._order[0] != passed:
            chance = random.Random(f"{self._plan.seed}:pass:{passed}")
            self._order = (passed, chance.sample(range(len(self.asked)), len(self.asked)))
        return self.asked[self._order[1][place]]

    def _example(self, one: Asked, chance: random.Random) -> Encoded | None:
        plan = self._plan
        drawn = self._examples.draw(one, chance.randint(plan.shortest, plan.longest), chance)
        drawn = replace(drawn, question=reworded(drawn.question, chance))
        if one.passage.title and drawn.kind != "elsewhere" and chance.random() < plan.titled:
            drawn = headed(drawn, one.passage.title)
        return self._encoded(drawn, chance)

    def _encoded(self, drawn: Example, chance: random.Random) -> Encoded | None:
        if chance.random() < self._plan.traditional:
            drawn = in_script(drawn, self._traditional)
        return encode(self._tokenizer, drawn, self._plan.most)


def loss_of(scores: Tensor, part: Batch, *, ranking: bool) -> Tensor:
    """The loss summed over the examples; ``scores`` (batch, length, 2).

    Cross entropy of start and end, halved, where the first token is the place of an unanswerable question. With
    ``ranking`` also the same among the passage's tokens alone, wherever a place is known: while "not here" leads,
    the first loss hardly tells the tokens of the passage apart.
    """
    first = torch.zeros_like(part.candidate)
    first[:, 0] = True
    targets = torch.stack([part.start, part.end], dim=1)
    loss = _cross_entropy(scores, part.candidate, targets * part.answerable[:, None])
    known = part.start > 0
    if ranking and bool(known.any()):
        loss = loss + _cross_entropy(scores[known], (part.candidate & ~first)[known], targets[known])
    return loss


def read_loss(
    reader: SpanReader, examples: Sequence[Encoded], noise: torch.Generator, *, ranking: bool
) -> Tensor:
    """``loss_of`` what ``reader`` says of the examples."""
    part = batch(examples)
    return loss_of(reader(part.ids, part.mask, noise), part, ranking=ranking)


def _cross_entropy(scores: Tensor, allowed: Tensor, targets: Tensor) -> Tensor:
    """Of both columns of ``scores`` (batch, length, 2) against ``targets`` (batch, 2), summed and halved."""
    kept = scores.masked_fill(~allowed[:, :, None], -1e4)
    return functional.cross_entropy(kept, targets, reduction="sum") / 2


class Trainer(Generic[Item]):
    """The float32 weights, their optimiser, and one bfloat16 copy that the workers share.

    Args:
        reader: what is trained.
        plan: rate, decay, clip and the number of workers.
        loss: the loss summed over a worker's share of the examples; with a generator of the worker's own.
    """

    def __init__(
        self,
        reader: SpanReader,
        plan: Optimising,
        loss: Callable[[SpanReader, Sequence[Item], torch.Generator], Tensor],
    ) -> None:
        self._plan = plan
        self.loss = loss
        self.reader = reader
        self.trained = parameters_trained(reader)
        self.optimiser = torch.optim.AdamW(
            self.trained, lr=plan.rate, betas=(0.9, 0.98), weight_decay=plan.decay, fused=True
        )
        first = copy.deepcopy(reader).to(torch.bfloat16).train()
        self._replicas = [first]
        for _ in range(plan.workers - 1):
            other = copy.deepcopy(first)
            for mine, shared in zip(other.parameters(), first.parameters(), strict=True):
                mine.data = shared.data
            self._replicas.append(other)
        self._pool = ThreadPoolExecutor(plan.workers)

    def step(self, number: int, examples: Sequence[Item], rate: float) -> float:
        """One update with ``rate`` times the plan's; returns the mean loss of the examples."""
        plan = self._plan
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate * rate
        jobs = [
            self._pool.submit(
                self._read, replica, examples[place :: plan.workers], number * plan.workers + place
            )
            for place, replica in enumerate(self._replicas)
        ]
        loss = sum(job.result() for job in jobs)
        copies = zip(*(parameters_trained(replica) for replica in self._replicas), strict=True)
        for parameter, shared in zip(self.trained, copies, strict=True):
            total = torch.zeros_like(parameter)
            for one in shared:
                if one.grad is not None:
                    total += one.grad
                    one.grad = None
            parameter.grad = total / len(examples)
        torch.nn.utils.clip_grad_norm_(self.trained, plan.clip)
        self.optimiser.step()
        self.publish()
        return loss / len(examples)

    def publish(self) -> None:
        """Copies the float32 weights into the bfloat16 ones."""
        with torch.no_grad():
            for target, source in zip(parameters_trained(self._replicas[0]), self.trained, strict=True):
                target.copy_(source)

    def _read(self, replica: SpanReader, examples: Sequence[Item], seed: int) -> float:
        torch.set_num_threads(1)
        loss = self.loss(replica, examples, torch.Generator().manual_seed(seed))
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())


class Progress:
    """A run's progress on standard output: every ``TOLD`` steps a line of JSON with the mean loss and the pace."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._began = time.monotonic()

    def tell(self, step: int, loss: float) -> None:
        """``step`` steps are done, the last with ``loss``."""
        self._losses.append(loss)
        if step % TOLD:
            return
        pace = (time.monotonic() - self._began) / len(self._losses)
        mean = sum(self._losses) / len(self._losses)
        print(json.dumps({"step": step, "loss": round(mean, 4), "s/step": round(pace, 3)}), flush=True)
        self._losses.clear()
        self._began = time.monotonic()


def factor(step: int, plan: Plan) -> float:
    """What the learning rate is multiplied with: up to 1 over the warm-up, then down to 0; less so in the second phase."""
    if step >= plan.steps:
        return plan.spoken_rate * ramp(step - plan.steps, plan.spoken_steps, plan.warm_up)
    return ramp(step, plan.steps, plan.warm_up)


def ramp(step: int, steps: int, warm_up: float) -> float:
    """Up from 0 to 1 over the share ``warm_up`` of ``steps``, then down to 0."""
    warm = max(1, int(steps * warm_up))
    if step < warm:
        return (step + 1) / warm
    return max(0.0, (steps - step) / max(1, steps - warm))


def save(folder: Path, trainer: Trainer[Encoded], step: int) -> None:
    """Writes a checkpoint in one rename, and removes all but the newest ones."""
    file = folder / CHECKPOINT.format(step)
    state = {
        "step": step,
        "reader": trainer.reader.state_dict(),
        "optimiser": trainer.optimiser.state_dict(),
    }
    _atomically(file, lambda path: torch.save(state, path))
    for old in sorted(folder.glob(CHECKPOINT.replace("{:06d}", "*")))[:-KEPT]:
        old.unlink()


def restore(folder: Path, trainer: Trainer[Encoded]) -> int:
    """Loads the newest checkpoint; returns the number of steps done, 0 without one."""
    files = sorted(folder.glob(CHECKPOINT.replace("{:06d}", "*")))
    if not files:
        return 0
    state = torch.load(files[-1], weights_only=True)
    trainer.reader.load_state_dict(state["reader"])
    trainer.optimiser.load_state_dict(state["optimiser"])
    trainer.publish()
    return int(state["step"])


def _atomically(file: Path, write: Callable[[Path], object]) -> None:
    scratch = file.with_suffix(".part")
    write(scratch)
    scratch.replace(file)


def train(data: Path, weights: Path, out: Path, plan: Plan) -> None:
    """The whole run; progress goes to standard output, a line of JSON each ``TOLD`` steps."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    reader = load_encoder(weights, frozen=plan.frozen, dropout=plan.dropout)
    trainer = Trainer(reader, plan, partial(read_loss, ranking=False))
    source = Source(data, Tokenizer.from_file(str(weights / "tokenizer.json")), plan)
    done = restore(out, trainer)
    counts = {"natural": source.natural, "questions": len(source.asked)}
    print(json.dumps({"plan": asdict(plan), **counts, "from": done}), flush=True)
    progress = Progress()
    for step in range(done, plan.total):
        if step >= plan.settled:
            trainer.loss = partial(read_loss, ranking=True)
        progress.tell(step + 1, trainer.step(step, source.at(step), factor(step, plan)))
        if (step + 1) % plan.every == 0:
            save(out, trainer, step + 1)
    weights_now = {name: value.contiguous() for name, value in reader.state_dict().items()}
    _atomically(out / FINAL, lambda path: save_file(weights_now, path))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the material")
    parser.add_argument(
        "--weights", type=Path, required=True, help="folder with the float weights to start from"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the result")
    parser.add_argument("--steps", type=int, default=Plan().steps)
    parser.add_argument(
        "--spoken-steps", type=int, default=Plan().spoken_steps, help="steps of the second phase"
    )
    parser.add_argument("--seed", type=int, default=Plan().seed)
    parser.add_argument(
        "--frozen", type=int, default=Plan().frozen, help="lowest layers that keep their weights"
    )
    parser.add_argument("--every", type=int, default=Plan().every, help="steps between checkpoints")
    options = parser.parse_args(arguments)
    plan = Plan(
        steps=options.steps,
        spoken_steps=options.spoken_steps,
        seed=options.seed,
        frozen=options.frozen,
        every=options.every,
    )
    train(options.data, options.weights, options.out, plan)
    return 0


if __name__ == "__main__":
    sys.exit(main())
