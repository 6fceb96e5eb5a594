"""What lint finds in cases that load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from eval.cases import PACKAGED, Case, Document, case_files, load_cases
from eval.linting import check_cases, check_split
from index.loading import load_articles
from index.settings import IndexSettings

TEXT = "2022年,平安人寿赔付410万件。"


def case(name: str = "fig-1", **changes: object) -> Case:
    made = Case(
        id=name,
        kind="figure",
        question="2022年平安人寿赔付了多少件？",
        history=(),
        answerable=True,
        facts=(("410万件",),),
        evidence=("平安人寿赔付410万件",),
        forbid=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def of_split(split: str) -> Iterator[str]:
    """Names whose hash puts them in ``split``."""
    return (name for name in (f"c{number}" for number in count()) if case(name).split == split)


def test_a_sound_case_has_no_findings() -> None:
    assert check_cases([case()], ["别的文章。", TEXT]) == []


def test_evidence_must_stand_verbatim_in_an_article() -> None:
    (trouble,) = check_cases([case()], ["2022年,平安人寿共赔付410万件。"])
    assert "fig-1" in trouble and "平安人寿赔付410万件" in trouble


def test_evidence_of_a_case_with_documents_must_stand_in_those() -> None:
    assert check_cases([case(documents=(Document("t", TEXT),))], []) == []
    assert len(check_cases([case(documents=(Document("t", "别的。"),))], [TEXT])) == 1


def test_strings_that_nothing_can_match_are_found() -> None:
    assert len(check_cases([case(facts=(("410万件", "……"),), forbid=("——",))], [TEXT])) == 2


def test_a_fact_longer_than_the_answer_may_be_is_found() -> None:
    (trouble,) = check_cases([case(facts=(("410万件",),), max_chars=3)], [TEXT])
    assert "字数上限 3" in trouble


def test_a_fact_that_cannot_be_said_without_what_is_forbidden_is_found() -> None:
    (trouble,) = check_cases([case(facts=(("平安人寿410万件",),), forbid=("410万件",))], [TEXT])
    assert "永远判错" in trouble


def test_the_same_question_twice_is_found_unless_the_history_or_the_texts_differ() -> None:
    again = case("fig-2", question="2022年，平安人寿赔付了多少件")
    (trouble,) = check_cases([case(), again], [TEXT])
    assert "fig-1、fig-2" in trouble
    assert check_cases([case(), replace(again, history=(("user", "你好"),))], [TEXT]) == []
    assert check_cases([case(), replace(again, documents=(Document("t", TEXT),))], [TEXT]) == []


def test_nearly_the_same_question_in_both_splits_is_found_but_not_in_one() -> None:
    dev, test = of_split("dev"), of_split("test")
    asked = case(next(dev))
    nearly = "2022年平安人寿一共赔付了多少件？"
    (trouble,) = check_cases([asked, case(next(test), question=nearly)], [TEXT])
    assert "分属 dev 和 test" in trouble
    assert check_cases([asked, case(next(dev), question=nearly)], [TEXT]) == []
    assert check_cases([asked, case(next(test), question="有几家子公司？")], [TEXT]) == []


def test_a_variant_stays_with_its_origin_and_needs_it() -> None:
    origin = case(next(of_split("test")))
    variant = case("v", kind="robust", origin=origin.id, variant="polite", question="您好，件数是多少，谢谢")
    assert variant.split == origin.split
    assert check_cases([origin, variant], [TEXT]) == []
    (trouble,) = check_cases([variant], [TEXT])
    assert origin.id in trouble


def test_a_case_in_the_file_of_the_other_split_is_found() -> None:
    dev, test = next(of_split("dev")), next(of_split("test"))
    cases = [case(dev), case(test)]
    (trouble,) = check_split(Path("dev.jsonl"), cases)
    assert test in trouble
    (trouble,) = check_split(Path("test.jsonl"), cases)
    assert dev in trouble
    assert check_split(Path("mine.jsonl"), cases) == []


def test_the_packaged_cases_are_sound() -> None:
    articles = [article.text for article in load_articles(IndexSettings().articles)]
    assert check_cases(load_cases([PACKAGED]), articles) == []


@pytest.mark.parametrize("file", case_files([PACKAGED]), ids=lambda file: file.name)
def test_the_packaged_cases_lie_where_their_hash_puts_them(file: Path) -> None:
    assert check_split(file, load_cases([file])) == []
