"""Truth tests: the articles with facts changed, and what an answer must then say.

An assistant that reads answers from the text as it now stands; one that remembers gives what used to stand there.
After the knowledge conflicts of Longpre et al. (2021, "Entity-Based Knowledge Conflicts in Question Answering"), made
on the articles themselves:

- ``figure``, ``date``: a number is another one of its magnitude, wherever that same figure stands
- ``swap``: two companies change places in the statement that a fact stands in, or one takes another's place
- ``delete``: every statement that holds the figure is gone

Many changes share one copy of the articles, a world, so that a few indexes serve them all. Nothing a question
names is changed in the world where it is asked: it would then rest on a premise that has become false.
Everything is drawn from a hash of what is changed, so that the same cases and articles always give the same worlds.

What becomes of a change:

- ``followed``: the answer holds what now stands there and not what stood there; of a deleted fact, that it is refused
- ``stale``: it holds what stood there, which no article says any more: it was remembered
- ``lost``: neither; of a deleted fact, something else was answered
- ``unknown``: the unchanged articles did not get the old fact out of it either, so nothing is shown; not counted
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from assistant.errors import AssistantError
from eval.cases import Case, Document
from eval.figures import of_deletions, of_figures
from eval.normalising import contains, normalise, without_markers
from eval.responses import REFUSED, Response, parse_response
from eval.significance import Share
from eval.swapping import of_swaps
from eval.worlds import TYPES, Perturbation, Type, World, shared

FIGURE_WORLDS, SWAP_WORLDS, DELETE_WORLDS = 3, 2, 2

Outcome = Literal["followed", "stale", "lost", "unknown"]
AnswerCase = Callable[[Case], Mapping[str, Any]]
Progress = Callable[[int, int], None]

_TITLES: Mapping[Type, str] = {"figure": "改数字", "date": "改日期", "swap": "换公司", "delete": "删原文"}
_OUTCOMES: Mapping[Outcome, str] = {
    "stale": "仍给旧值",
    "lost": "没有跟上",
    "followed": "跟上",
    "unknown": "原文未变时也答不出",
}


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of one perturbation; ``before`` and ``after`` are the answers' texts."""

    perturbation: Perturbation
    world: str
    outcome: Outcome
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PerturbReport:
    """All perturbations of one run, in the order of the worlds."""

    results: tuple[Followed, ...]

    def share(self, *types: Type) -> Share:
        """How many of those that count were followed; of all types where none is named."""
        counted = [result for result in self._of(*types) if result.outcome != "unknown"]
        return Share(sum(result.outcome == "followed" for result in counted), len(counted))

    def count(self, outcome: Outcome, *types: Type) -> int:
        """How many ended so."""
        return sum(result.outcome == outcome for result in self._of(*types))

    @property
    def not_followed(self) -> tuple[Followed, ...]:
        """Those that did not follow, stale ones first."""
        bad = [result for result in self.results if result.outcome in ("stale", "lost")]
        return tuple(sorted(bad, key=lambda result: result.outcome != "stale"))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "by_type": {
                kind: self.share(kind).to_dict()
                | {outcome: self.count(outcome, kind) for outcome in ("stale", "lost", "unknown")}
                for kind in TYPES
            },
            "results": [
                {
                    "id": result.perturbation.case.id,
                    "question": result.perturbation.case.question,
                    "type": result.perturbation.type,
                    "world": result.world,
                    "old": result.perturbation.old,
                    "new": result.perturbation.new,
                    "outcome": result.outcome,
                    "before": result.before,
                    "after": result.after,
                }
                for result in self.results
            ],
        }

    def _of(self, *types: Type) -> Iterator[Followed]:
        return (result for result in self.results if not types or result.perturbation.type in types)


def worlds(cases: Sequence[Case], documents: Sequence[Document]) -> list[World]:
    """The worlds that test these cases on these articles.

    Cases that bring their own documents are left out, and variants: they ask for the facts of their origins.
    """
    usable = [
        case
        for case in cases
        if case.answerable and case.evidence and not case.documents and not case.variant
    ]
    figures: list[Perturbation] = []
    dates: list[Perturbation] = []
    for case in usable:
        for found in of_figures(case, documents):
            (dates if found.type == "date" else figures).append(found)
    made = [
        *shared("figure", [*figures, *dates], FIGURE_WORLDS, documents),
        *shared("swap", [p for case in usable for p in of_swaps(case, documents)], SWAP_WORLDS, documents),
        *shared(
            "delete", [p for case in usable for p in of_deletions(case, documents)], DELETE_WORLDS, documents
        ),
    ]
    return [world for world in made if world.perturbations]


def perturb(
    cases: Sequence[Case],
    documents: Sequence[Document],
    answer: AnswerCase,
    *,
    progress: Progress = lambda done, total: None,
) -> PerturbReport:
    """Change the articles, ask again, and judge.

    ``documents`` are the articles; ``answer`` gives an answer's JSON to a case from the case's own documents
    alone; ``progress`` is told how many of how many worlds are done.

    Raises:
        ResponseError: what comes back is no answer.
        IndexingError, TargetError: a world cannot be indexed or asked.
    """
    planned = worlds(cases, documents)
    perturbed = {p.case.id: p.case for world in planned for p in world.perturbations}
    before = _answers(list(perturbed.values()), tuple(documents), answer)
    progress(1, len(planned) + 1)
    results: list[Followed] = []
    for number, world in enumerate(planned, 2):
        asked = {p.case.id: p.case for p in world.perturbations}
        after = _answers(list(asked.values()), world.documents, answer)
        results.extend(_judged(p, world, before[p.case.id], after[p.case.id]) for p in world.perturbations)
        progress(number, len(planned) + 1)
    return PerturbReport(tuple(results))


def _answers(
    cases: Sequence[Case], documents: tuple[Document, ...], answer: AnswerCase
) -> dict[str, Response | None]:
    answers: dict[str, Response | None] = {}
    for case in cases:
        try:
            answers[case.id] = parse_response(answer(replace(case, documents=documents)))
        except AssistantError:
            answers[case.id] = None  # the question is not taken, before or after: unknown
    return answers


def _judged(
    perturbation: Perturbation, world: World, before: Response | None, after: Response | None
) -> Followed:
    return Followed(
        perturbation,
        world.name,
        judged(perturbation, before, after),
        before.text if before else "",
        after.text if after else "",
    )


def judged(perturbation: Perturbation, before: Response | None, after: Response | None) -> Outcome:
    """What became of a fact, from the answers before and after the change; None is a question not taken."""
    if before is None or after is None or not before.answered or not _holds(before, perturbation.old):
        return "unknown"
    if after.status in REFUSED:
        return "lost" if perturbation.new else "followed"
    if any(_holds(after, string) for string in perturbation.gone):
        return "stale"
    return "followed" if perturbation.new and _holds(after, perturbation.new) else "lost"


def _holds(response: Response, wanted: str) -> bool:
    return contains(normalise(without_markers(response.text)), normalise(wanted))


def perturb_text(report: PerturbReport) -> str:
    """The report for a terminal: a line for each type of change, then what did not follow."""
    lines = ["改动资料后的回答（跟上 / 计入；95% Wilson 区间）"]
    for kind in TYPES:
        share = report.share(kind)
        if not any(result.perturbation.type == kind for result in report.results):
            continue
        low, high = share.interval or (0.0, 0.0)
        value = f"{share.value:6.1%}（{low:.1%}–{high:.1%}）" if share.value is not None else "—"
        rest = "，".join(
            f"{_OUTCOMES[outcome]} {number}"
            for outcome in ("stale", "lost", "unknown")
            if (number := report.count(outcome, kind))
        )
        lines.append(f"  {_TITLES[kind]}  {share.successes}/{share.n}  {value}{'  ' + rest if rest else ''}")
    if report.not_followed:
        lines.append("\n没有跟上改动的：")
    for result in report.not_followed:
        p = result.perturbation
        change = f"{p.old} → {p.new}" if p.new else f"删去含 {p.old} 的原文"
        lines.append(
            f"  [{_OUTCOMES[result.outcome]}] {p.case.id}（{change}）{p.case.question}\n    答：{result.after}"
        )
    return "\n".join(lines)
