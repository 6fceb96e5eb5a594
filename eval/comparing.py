"""Two runs side by side: what was gained and lost, case by case, and whether the difference is more than chance.

Cases are paired by id, and only where they ask and demand the same in both runs; a case that was changed in
between is listed apart. With repeats a case is right when it is right every time, and its measures are the means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.schema import Citation
from eval.cases import Case
from eval.judging import Result
from eval.measures import MEASURES
from eval.report import cells, expected_text, percent
from eval.runs import Run
from eval.significance import Difference, mcnemar, mean, paired_bootstrap
from eval.titles import kind_title, status_title

COMPARED = ("evidence_recall", "citation_precision", "length")
_SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """A case with its answers in both runs, one for each repeat; neither is empty."""

    old: tuple[Result, ...]
    new: tuple[Result, ...]

    @property
    def case(self) -> Case:
        """What was asked."""
        return self.new[0].case

    @property
    def was_right(self) -> bool:
        """Whether it was right every time in the old run."""
        return all(result.right for result in self.old)

    @property
    def is_right(self) -> bool:
        """Whether it is right every time in the new run."""
        return all(result.right for result in self.new)

    @property
    def same(self) -> bool:
        """Whether verdict, status, text and citations are the same in both, repeat by repeat."""
        return [_shown(result) for result in self.old] == [_shown(result) for result in self.new]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Right and wrong over the cases that both runs have, with the two-sided p of the exact McNemar test."""

    title: str
    n: int
    old_right: int
    new_right: int
    gained: int
    lost: int
    p: float

    @property
    def significant(self) -> bool:
        """Whether a difference as large as this would come by chance in less than 5 % of cases."""
        return self.p < _SIGNIFICANT


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from the old run to the new one.

    ``verdicts`` are of all cases, of answerable and of unanswerable ones. ``differences`` are new less old, by
    title, with whether they are shares; None where no case has the measure in both. ``reworded`` have the same
    verdict and another text or other citations; ``changed`` are cases that have the id in common and nothing else
    for sure; ``appeared`` and ``vanished`` are ids.
    """

    verdicts: tuple[Verdicts, ...]
    differences: tuple[tuple[str, bool, Difference | None], ...]
    gained: tuple[Pair, ...]
    lost: tuple[Pair, ...]
    reworded: tuple[Pair, ...]
    changed: tuple[str, ...]
    appeared: tuple[str, ...]
    vanished: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether both ran the same cases and no verdict, text or citation differs."""
        return not (
            self.gained or self.lost or self.reworded or self.changed or self.appeared or self.vanished
        )


def compare(old: Run, new: Run) -> Comparison:
    """What changed from one run to another."""
    before, after = _by_case(old), _by_case(new)
    common = [name for name in after if name in before]
    unchanged = [name for name in common if before[name][0].case == after[name][0].case]
    pairs = [Pair(before[name], after[name]) for name in unchanged]
    answerable = [pair for pair in pairs if pair.case.answerable]
    titles = {measure.name: (measure.title, measure.share) for measure in MEASURES}
    return Comparison(
        verdicts=(
            _verdicts("全部", pairs),
            _verdicts("可回答", answerable),
            _verdicts("不可回答", [pair for pair in pairs if not pair.case.answerable]),
        ),
        differences=(
            ("可回答：正确率", True, _difference(answerable, _right)),
            *((*titles[name], _difference(pairs, _measure(name))) for name in COMPARED),
        ),
        gained=tuple(pair for pair in pairs if pair.is_right and not pair.was_right),
        lost=tuple(pair for pair in pairs if pair.was_right and not pair.is_right),
        reworded=tuple(pair for pair in pairs if pair.was_right == pair.is_right and not pair.same),
        changed=tuple(name for name in common if name not in set(unchanged)),
        appeared=tuple(name for name in after if name not in before),
        vanished=tuple(name for name in before if name not in after),
    )


def _by_case(run: Run) -> dict[str, tuple[Result, ...]]:
    found: dict[str, list[Result]] = {}
    for result in run.results:
        found.setdefault(result.case.id, []).append(result)
    return {name: tuple(sorted(results, key=lambda result: result.repeat)) for name, results in found.items()}


def _shown(
    result: Result,
) -> tuple[int, bool, str, str | None, str | None, tuple[tuple[int, str, str, int, int], ...]]:
    """What a reader sees of an answer, and its verdict."""
    response = result.response
    if response is None:
        return result.repeat, result.right, result.error, None, None, ()
    seen = tuple(_place(citation) for citation in response.citations)
    return result.repeat, result.right, result.error, response.status, response.text, seen


def _place(citation: Citation) -> tuple[int, str, str, int, int]:
    return citation.number, citation.article_id, citation.quote, citation.start, citation.end


def _verdicts(title: str, pairs: Sequence[Pair]) -> Verdicts:
    gained = sum(pair.is_right and not pair.was_right for pair in pairs)
    lost = sum(pair.was_right and not pair.is_right for pair in pairs)
    old_right, new_right = sum(pair.was_right for pair in pairs), sum(pair.is_right for pair in pairs)
    return Verdicts(title, len(pairs), old_right, new_right, gained, lost, mcnemar(lost, gained))


def _difference(
    pairs: Sequence[Pair], measured: Callable[[Sequence[Result]], float | None]
) -> Difference | None:
    values = [
        (before, after)
        for pair in pairs
        if (before := measured(pair.old)) is not None and (after := measured(pair.new)) is not None
    ]
    return paired_bootstrap([before for before, _ in values], [after for _, after in values])


def _right(results: Sequence[Result]) -> float:
    return float(all(result.right for result in results))


def _measure(name: str) -> Callable[[Sequence[Result]], float | None]:
    def measured(results: Sequence[Result]) -> float | None:
        return mean([value for result in results if (value := result.measures.get(name)) is not None])

    return measured


def comparison_text(comparison: Comparison) -> str:
    """A comparison for a terminal, in Chinese."""
    if comparison.equal:
        return f"两次评测相同：{comparison.verdicts[0].n} 个用例的判定、答案和引用都没有变化。"
    blocks = ["\n".join(_verdict_line(verdicts) for verdicts in comparison.verdicts if verdicts.n)]
    if lines := [
        difference_text(title, share, difference) for title, share, difference in comparison.differences
    ]:
        blocks.append("差值（新 − 旧，95% 区间）：\n" + "\n".join(f"  {line}" for line in lines))
    if comparison.lost:
        blocks.append(_listed("变错", comparison.lost))
    if comparison.gained:
        blocks.append(_listed("变对", comparison.gained))
    if comparison.reworded:
        blocks.append(
            f"判定未变、答案或引用变了：{len(comparison.reworded)} 个（{_some(comparison.reworded)}）"
        )
    others = (
        ("用例改过，未比较", comparison.changed),
        ("新增的用例", comparison.appeared),
        ("不再有的用例", comparison.vanished),
    )
    blocks.extend(f"{title}：{len(names)} 个（{_names(names)}）" for title, names in others if names)
    return "\n\n".join(blocks)


def _verdict_line(verdicts: Verdicts) -> str:
    old, new = percent(verdicts.old_right / verdicts.n), percent(verdicts.new_right / verdicts.n)
    return (
        f"{cells(verdicts.title, 8)}  {verdicts.n} 个用例，正确率 {old} → {new}；"
        f"变对 {verdicts.gained}，变错 {verdicts.lost}；McNemar p = {verdicts.p:.3g}"
        + ("（显著）" if verdicts.significant else "")
    )


def difference_text(title: str, share: bool, difference: Difference | None) -> str:
    """One difference with its interval: in percentage points for a share."""
    if difference is None:
        return f"{title}：没有可比的用例"
    scale, unit = (100, " 个百分点") if share else (1, "")
    shown, low, high = (_signed(value * scale) for value in (difference.mean, *difference.interval))
    return f"{title}：{shown}{unit}（{low} 至 {high}）"


def _signed(value: float) -> str:
    # Rounded first: a little less than nothing is 0.0, not -0.0.
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def _listed(title: str, pairs: Sequence[Pair]) -> str:
    return "\n\n".join([f"{title}：{len(pairs)} 个", *(_pair_text(pair) for pair in pairs)])


def _pair_text(pair: Pair) -> str:
    case = pair.case
    return "\n".join(
        [
            f"{'✓' if pair.is_right else '✗'} {case.id}（{kind_title(case.kind)}）{case.question}",
            f"  应答：{expected_text(pair.new[0])}",
            f"  旧：{_answer_text(pair.old)}",
            f"  新：{_answer_text(pair.new)}",
        ]
    )


def _answer_text(results: Sequence[Result]) -> str:
    """The answer that shows the verdict: the first wrong one, or the first."""
    result = next((result for result in results if not result.right), results[0])
    if result.response is None:
        return f"出错：{result.error}"
    said = result.response.text.replace("\n", "\n      ")
    why = "；".join(result.reasons)
    return f"{said}（{status_title(result.response.status)}{'；' + why if why else ''}）"


def _some(pairs: Sequence[Pair]) -> str:
    return _names([pair.case.id for pair in pairs])


def _names(names: Sequence[str]) -> str:
    return "、".join(names[:10]) + (" 等" if len(names) > 10 else "")
