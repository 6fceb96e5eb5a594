"""What is wrong with cases that load: evidence that stands nowhere, strings that nothing can match, questions asked
twice, and cases of one split that give away cases of the other.

Every check gives its findings as lines in Chinese, none where all is well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from eval.cases import Case, Split
from eval.normalising import contains, normalise

SPLIT_FILES: Mapping[str, Split] = {"dev.jsonl": "dev", "test.jsonl": "test"}
# Two questions that share this much of their character pairs ask the same in the same words.
ALIKE = 0.75


def check_cases(cases: Sequence[Case], article_texts: Sequence[str]) -> list[str]:
    """All findings about ``cases``; ``article_texts`` are the cleaned texts of the articles.

    A case with documents is checked against those, not against the articles.
    """
    troubles = [trouble for case in cases for trouble in _check_case(case, article_texts)]
    return [*troubles, *_repeated(cases), *_leaking(cases), *_without_origin(cases)]


def check_split(file: Path, cases: Sequence[Case]) -> list[str]:
    """Cases of a file named after a split (``dev.jsonl``, ``test.jsonl``) that the hash of their id puts in the other."""
    split = SPLIT_FILES.get(file.name)
    return [
        f"{case.id}：按 id 的散列应在 {case.split}.jsonl，不在 {file.name}"
        for case in cases
        if split is not None and case.split != split
    ]


def _check_case(case: Case, article_texts: Sequence[str]) -> Iterator[str]:
    texts = [document.text for document in case.documents] or article_texts
    for string in case.evidence:
        if not any(string in text for text in texts):
            yield f"{case.id}：资料里没有这段依据原文：{string}"
    alternatives = [string for fact in case.facts for string in fact]
    for string in (*alternatives, *case.forbid):
        if not normalise(string):
            yield f"{case.id}：「{string}」只有标点或空白，永远匹配不到"
    for string in alternatives:
        if len(normalise(string)) > case.length_cap:
            yield f"{case.id}：「{string}」比答案的字数上限 {case.length_cap} 还长，永远匹配不到"
        for forbidden in case.forbid:
            if contains(normalise(string), normalise(forbidden)):
                yield f"{case.id}：写出「{string}」就写出了不应出现的「{forbidden}」，永远判错"


def _repeated(cases: Sequence[Case]) -> Iterator[str]:
    """Cases that ask the same, in the same words, of the same texts; a case and its variants only if to the letter."""
    by_question: dict[object, list[Case]] = defaultdict(list)
    for case in cases:
        by_question[normalise(case.question), _context(case)].append(case)
    for same in by_question.values():
        families = {case.origin or case.id for case in same}
        letters = {case.question for case in same}
        if len(families) > 1 or len(letters) < len(same):
            yield f"{'、'.join(case.id for case in same)}：问的是同一句话"


def _leaking(cases: Sequence[Case]) -> Iterator[str]:
    """Pairs of cases across the splits whose questions are nearly the same: tuned on the one, the other tells nothing."""
    by_context: dict[object, list[tuple[Case, frozenset[str]]]] = defaultdict(list)
    for case in cases:
        by_context[_context(case)].append((case, _pairs(normalise(case.question))))
    for group in by_context.values():
        for (one, one_pairs), (other, other_pairs) in combinations(group, 2):
            if one.split != other.split and _alike(one_pairs, other_pairs) >= ALIKE:
                yield f"{one.id}、{other.id}：分属 dev 和 test，问题却几乎一样"


def _context(case: Case) -> object:
    """What a question is asked within: the same words after another history, or of other texts, are another question."""
    return case.history, case.documents


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[place : place + 2] for place in range(len(text) - 1))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity of two sets of character pairs."""
    return len(one & other) / len(one | other) if one | other else 0.0


def _without_origin(cases: Sequence[Case]) -> Iterator[str]:
    known = {case.id for case in cases}
    for case in cases:
        if case.origin and case.origin not in known:
            yield f"{case.id}：由 {case.origin} 变来，用例里却没有它"
