"""The densest clauses of many items within a room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.composition import Proof
from assistant.excerpting import BULLET_CHARS, excerpts
from index.schema import Article


def stretches(*texts: str) -> list[list[Proof]]:
    """Each text as a group of one stretch, in one article."""
    article = Article("a", "题", "", None, "", "\n".join(texts))
    groups, offset = [], 0
    for text in texts:
        groups.append([Proof(article, offset, offset + len(text))])
        offset += len(text) + 1
    return groups


def said(proofs: list[Proof]) -> list[str]:
    return [proof.article.text[proof.start : proof.end] for proof in proofs]


def digits(clause: str) -> float:
    """A worth for tests: what counts is figures."""
    return 1.0 + 20.0 * sum(character.isdigit() for character in clause)


def test_every_item_is_spoken_of_before_any_at_length() -> None:
    groups = stretches(*(f"第{n}组先做充分的准备,办了{n}次讲座,大家认真学习" for n in "2345"))
    assert all(f"办了{n}次讲座" in "".join(said(excerpts(groups, 140, digits))) for n in "2345")


def test_what_fits_is_said_whole() -> None:
    assert said(excerpts(stretches("甲部门办了3次讲座,发了5册书"), 100, digits)) == [
        "甲部门办了3次讲座,发了5册书"
    ]


def test_a_clause_that_only_says_when_is_not_said_alone() -> None:
    (run,) = said(
        excerpts(
            stretches("2022年以来,各分支机构一共开办了两百场次的专题讲座"), 40, lambda c: 50.0 * ("年" in c)
        )
    )
    assert "讲座" in run


def test_an_item_loses_its_number() -> None:
    assert said(excerpts(stretches("一是开通了便民热线。"), 50, digits)) == ["开通了便民热线"]


@given(
    st.lists(st.text(alphabet="甲乙丙一二35,;、。“”是", min_size=1, max_size=60), min_size=1, max_size=12),
    st.integers(min_value=20, max_value=320),
)
def test_the_room_is_never_exceeded_and_the_order_is_kept(texts: list[str], room: int) -> None:
    groups = stretches(*texts)
    runs = excerpts(groups, room, digits)
    assert sum(run.end - run.start + BULLET_CHARS for run in runs) <= room
    assert [run.start for run in runs] == sorted(run.start for run in runs)
    assert all(any(g.start <= run.start < run.end <= g.end for (g,) in groups) for run in runs)
