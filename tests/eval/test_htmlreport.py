"""The HTML report, parsed back: what it holds, and that nothing from outside can act in it."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from eval.comparing import compare
from eval.gating import Baseline, gate
from eval.htmlreport import Piece, html_report, pieces_between
from eval.judging import judge
from eval.runs import Run
from eval.summary import summarise

HOSTILE = '"><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>{{ 7*7 }}'


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text in between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(run: Run, previous: Run | None = None) -> str:
    comparison = None if previous is None else compare(previous, run)
    return html_report(run, summarise(run.results), comparison, previous)


def test_failures_come_first_and_open_and_the_rest_is_folded(mixed: Run) -> None:
    cases = [
        (tag, values["data-verdict"]) for tag, values in Page(rendered(mixed)).tags if "data-case" in values
    ]
    assert cases == [("article", "wrong")] * 4 + [("details", "right")] * 4


def test_a_failure_shows_question_history_expectation_answer_quotes_and_passages(bench: Any) -> None:
    text = Page(rendered(bench.run(bench.wrong("f1", "follow_up", history=(("user", "平安呢？"),))))).text
    for part in (
        "问题f1？",
        "平安呢？",
        "410万件",
        "平安健康险赔付245万件[1]",
        "缺少：410万件",
        "把握 90.0%",
    ):
        assert part in text
    assert "看过的段落（1）" in text
    assert bench.passage.text in text


def test_the_headline_has_shares_intervals_and_times(mixed: Run) -> None:
    text = re.sub(r"\s+", " ", Page(rendered(mixed)).text)
    assert "正确率（可回答）40.0%2 / 5，11.8% – 76.9%" in text
    assert "p95 34.0 ms" in text
    assert "出错的用例：1 个" in text


def test_all_plots_are_drawn_and_the_threshold_is_marked(mixed: Run) -> None:
    html = rendered(mixed)
    names = [values["aria-label"] for tag, values in Page(html).tags if tag == "svg"]
    assert names == ["各类用例的正确率和区间", "风险与覆盖曲线", "用时的累积分布", "答案长度占上限的比例"]
    assert "所用阈值 0.3" in html


def test_a_run_that_nothing_can_be_plotted_of_still_has_a_report(bench: Any) -> None:
    html = rendered(bench.run(bench.failed("e1"), settings=None, versions=None))
    assert [values["aria-label"] for tag, values in Page(html).tags if tag == "svg"] == [
        "各类用例的正确率和区间"
    ]
    assert "问题太长。" in Page(html).text


def test_the_file_loads_nothing(mixed: Run) -> None:
    page = Page(rendered(mixed, mixed))
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    assert not any(name in ("src", "href", "srcset", "action") for _, values in page.tags for name in values)
    assert "url(" not in rendered(mixed)
    assert "@import" not in rendered(mixed)


def test_text_from_outside_stays_text(bench: Any) -> None:
    case = bench.case(
        "f1",
        question=HOSTILE,
        history=(("user", HOSTILE),),
        facts=((HOSTILE,),),
        forbid=(HOSTILE,),
        evidence=(HOSTILE,),
    )
    response = replace(
        bench.response(HOSTILE),
        looked_up=HOSTILE,
        passages=(replace(bench.passage, text=HOSTILE, headings=(HOSTILE,)),),
        citations=tuple(
            replace(citation, quote=HOSTILE, title=HOSTILE, headings=(HOSTILE,))
            for citation in bench.response("").citations
        ),
    )
    run = bench.run(
        judge(case, response),
        bench.failed(HOSTILE, HOSTILE),
        target=HOSTILE,
        settings={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
    )
    older = bench.run(judge(case, bench.response("旧答案")), bench.wrong(HOSTILE))
    page = Page(rendered(run, older))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any(tag == "img" for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, values in page.tags for name in values)
    assert page.text.count("{{ 7*7 }}") > 10


def test_only_the_script_of_the_report_itself_may_run(mixed: Run) -> None:
    html = rendered(mixed)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    policy = next(
        values["content"] for tag, values in Page(html).tags if tag == "meta" and "http-equiv" in values
    )
    assert policy is not None
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")


def test_an_earlier_run_is_shown_beside_each_answer(bench: Any) -> None:
    html = rendered(
        bench.run(bench.wrong("f1"), bench.right("f2")), bench.run(bench.right("f1"), bench.right("f2"))
    )
    assert "<del>" in html
    assert "<ins>" in html
    text = Page(html).text
    assert "变错：1 个" in text
    assert "对，有依据；答案相同" in text


def test_the_same_run_twice_gives_the_same_bytes(mixed: Run) -> None:
    assert rendered(mixed, mixed) == rendered(mixed, mixed)
    assert "两次相同" in rendered(mixed, mixed)


def test_what_the_gate_found_stands_at_the_top(bench: Any) -> None:
    run = bench.run(bench.wrong("f1"))
    gated = gate(run, Baseline("", "", {"accuracy": 0.9}, {}, {"f1": True}))
    text = Page(html_report(run, summarise(run.results), gated=gated)).text
    assert "门禁：不通过" in text
    assert text.index("✗ 可回答：正确率 0.0%，不得低于 90.0%") < text.index("符合要求的")


def test_pieces_join_to_both_texts_again() -> None:
    old, new = "平安人寿赔付410万件。", "平安产险赔付1.9亿件。"
    pieces = pieces_between(old, new)
    assert "".join(piece.text for piece in pieces if piece.sort != "new") == old
    assert "".join(piece.text for piece in pieces if piece.sort != "old") == new
    assert pieces_between("甲乙", "甲乙") == (Piece("same", "甲乙"),)
    assert pieces_between("", "甲") == (Piece("new", "甲"),)
