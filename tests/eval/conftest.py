"""What tests of reports share: cases, answers and runs made by hand, over one passage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistant.schema import Citation, Claim, Status
from eval.cases import Case
from eval.dumping import cases_hash
from eval.judging import Result, failed, judge
from eval.responses import Response, SeenPassage
from eval.runs import Run, RunConfig

PASSAGE = SeenPassage(
    id="p1",
    article_id="a1",
    text="2022年，平安人寿赔付410万件，平安健康险赔付245万件。客服电话95511。",
    start=100,
    end=141,
    headings=("三、理赔",),
    score=2.5,
    used=True,
)


class Bench:
    """Makes cases, answers and runs. Every quote must stand in the passage."""

    passage = PASSAGE

    def case(self, name: str, kind: str = "figure", **fields: Any) -> Case:
        """A case that asks for 410万件, or one that is to be refused where ``kind`` says so."""
        answerable = not kind.startswith("unanswerable")
        facts = (("410万件",),) if answerable else ()
        evidence = ("平安人寿赔付410万件",) if answerable else ()
        return replace(Case(name, kind, f"问题{name}？", (), answerable, facts, evidence, ()), **fields)

    def response(
        self,
        text: str,
        status: Status = "grounded",
        quotes: tuple[str, ...] = ("平安人寿赔付410万件",),
        total: float = 10.0,
        confidence: float | None = 0.9,
    ) -> Response:
        """An answer; one that refuses cites nothing."""
        if status in ("not_found", "declined"):
            quotes = ()
        citations = tuple(self._citation(number, quote) for number, quote in enumerate(quotes, 1))
        claims = (Claim(text, tuple(range(1, len(quotes) + 1)), "verbatim"),) if quotes else ()
        timings = {"read": total / 2, "total": total}
        return Response(
            text, "figure", status, "", claims, citations, (PASSAGE,), "reader", "v1", timings, confidence
        )

    def _citation(self, number: int, quote: str) -> Citation:
        start = PASSAGE.start + PASSAGE.text.index(quote)
        return Citation(
            number, PASSAGE.id, "a1", "标题", "", None, "", PASSAGE.headings, quote, start, start + len(quote)
        )

    def right(self, name: str, kind: str = "figure", **fields: Any) -> Result:
        """A case that was answered, or refused, as it should be."""
        case = self.case(name, kind, **fields)
        if case.answerable:
            return judge(case, self.response("平安人寿赔付410万件[1]"))
        return judge(case, self.response("资料中没有找到答案。", "not_found", confidence=0.1))

    def wrong(self, name: str, kind: str = "figure", **fields: Any) -> Result:
        """A case that was answered with another figure; or answered where it had to be refused."""
        text = "平安健康险赔付245万件[1]"
        return judge(self.case(name, kind, **fields), self.response(text, quotes=("平安健康险赔付245万件",)))

    def failed(self, name: str, error: str = "问题太长。") -> Result:
        """A case whose question was not taken."""
        return failed(self.case(name), error)

    def run(self, *results: Result, **config: Any) -> Run:
        """A run of these results."""
        cases = list(dict.fromkeys(result.case for result in results))
        about = RunConfig(
            started="2026-01-02T03:04:05+08:00",
            target="local",
            cases=("eval/cases/dev.jsonl",),
            cases_hash=cases_hash(cases),
            settings={"answer": {"threshold": 0.3}},
            versions={"package": "0.1.0"},
        )
        return Run(replace(about, **config), results)


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Makes cases, answers and runs."""
    return Bench()


@pytest.fixture(scope="session")
def mixed(bench: Bench) -> Run:
    """Five answerable cases (two right, one wrong, one refused, one lost), three to refuse (two refused)."""
    refused = bench.response("资料中没有找到答案。", "not_found", total=40, confidence=0.2)
    return bench.run(
        bench.right("f1"),
        judge(bench.case("f2"), bench.response("共410万件[1]", quotes=("410万件，平安健康险",), total=20)),
        bench.wrong("l1", "list"),
        judge(bench.case("l2", "list"), refused),
        bench.right("n1", "unanswerable_near"),
        bench.wrong("n2", "unanswerable_near"),
        bench.right("u1", "unanswerable_far"),
        bench.failed("e1"),
    )
