"""The weights of the assistant's confidence, fitted on cases: which signals tell an answer from a near miss.

Logistic regression with an L2 penalty on all weights but the bias. A case counts where one thing is asked and what was
read first either is the case's evidence (answered) or the case cannot be answered (not answered); an answerable
case for which another sentence was read first says nothing about either and is left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assistant.evidence import Reading
from assistant.understanding import Lookup
from eval.cases import Case
from eval.normalising import normalise
from eval.risk import auroc

Floats = NDArray[np.float64]
PENALTY = 0.5
FOLDS = 8
_BIAS = "bias"


@dataclass(frozen=True, slots=True)
class Sample:
    """The signals of one case, and whether what was read answers it."""

    case_id: str
    signals: Mapping[str, float]
    answered: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """The weights by signal, over how many cases, and how well they rank cases that they were not fitted on."""

    weights: Mapping[str, float]
    answered: int
    unanswered: int
    held_out_auroc: float

    def to_toml(self) -> str:
        """The file that the assistant reads."""
        lines = [
            "# How much each signal says about whether the best sentence answers (assistant/confidence.py).",
            f"# Fitted on {self.answered} answered and {self.unanswered} unanswerable cases; AUROC over {FOLDS} folds, each held out once:"
            f" {self.held_out_auroc:.3f}.",
            "# Written by `xiaobao-eval fit`; not to be edited by hand.",
            "[answered]",
        ]
        return (
            "\n".join([*lines, *(f"{name} = {weight:.4f}" for name, weight in self.weights.items())]) + "\n"
        )


def samples(cases: Iterable[tuple[Case, Sequence[tuple[Lookup, Reading]]]]) -> list[Sample]:
    """The cases that say something, with the signals of what was read for each."""
    found: list[Sample] = []
    for case, parts in cases:
        if len(parts) != 1 or not parts[0][1].signals:
            continue
        reading = parts[0][1]
        if not case.answerable or _holds(reading.evidence[0].text, case.evidence):
            found.append(Sample(case.id, dict(reading.signals), case.answerable))
    return found


def _holds(text: str, evidence: Sequence[str]) -> bool:
    said = normalise(text)
    wanted = [normalise(quote) for quote in evidence]
    return any(quote in said or said in quote for quote in wanted)


def fit(found: Sequence[Sample], seed: int = 7) -> Fit:
    """The weights that ``found`` give.

    Raises:
        ValueError: there is no answered or no unanswerable case among them.
    """
    labels = np.asarray([sample.answered for sample in found], np.float64)
    if not 0 < labels.sum() < len(labels):
        raise ValueError("both answered and unanswerable cases are needed")
    names = list(found[0].signals)
    values = np.asarray([[sample.signals[name] for name in names] for sample in found], np.float64)
    free = np.asarray([name == _BIAS for name in names])
    places = list(range(len(found)))
    random.Random(seed).shuffle(places)
    held = np.zeros(len(found))
    for fold in range(FOLDS):
        out = places[fold::FOLDS]
        kept = [place for place in places if place not in set(out)]
        held[out] = values[out] @ _weights(values[kept], labels[kept], free)
    whole = _weights(values, labels, free)
    weights = dict(zip(names, whole.tolist(), strict=True))
    ranked = auroc(held[labels == 1].tolist(), held[labels == 0].tolist())
    return Fit(weights, int(labels.sum()), int(len(labels) - labels.sum()), ranked or 0.0)


def _weights(values: Floats, labels: Floats, free: NDArray[np.bool_]) -> Floats:
    """The weights (signals,) with the least penalised logistic loss over ``values`` (cases, signals)."""
    signs = 2 * labels - 1

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = signs * (values @ weights)
        gradient = -(values.T @ (signs / (1 + np.exp(np.clip(scores, -30, 30)))))
        penalised = np.where(free, 0.0, weights)
        total = float(np.logaddexp(0, -scores).sum() + PENALTY / 2 * (penalised @ penalised))
        return total, gradient + PENALTY * penalised

    found: Floats = minimize(loss, np.zeros(values.shape[1]), jac=True, method="L-BFGS-B").x
    return found
