"""Whether the passages that were found hold what is needed, and how far up.

What is needed are the evidence strings of a case. A passage is relevant when it holds one of them, white space, width
of punctuation and shape of quotation marks aside. Every function gives None for a case without evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from eval.metrics import plain

DEPTH = 10


def evidence_found(passages: Sequence[str], evidence: Sequence[str], k: int | None = None) -> float | None:
    """Recall at k: the share of the evidence strings that the first ``k`` passages hold, None standing for all.

    Every string is a need of its own, so that a question with two parts needs both.
    """
    if not evidence:
        return None
    texts = [plain(passage) for passage in passages[:k]]
    return sum(any(plain(string) in text for text in texts) for string in evidence) / len(evidence)


def reciprocal_rank(passages: Sequence[str], evidence: Sequence[str], k: int = DEPTH) -> float | None:
    """One over the place of the first relevant passage, 0 where the first ``k`` have none.

    Its mean is MRR: Voorhees (1999), "The TREC-8 Question Answering Track Report", section 3.
    """
    if not evidence:
        return None
    relevant = _relevant(passages[:k], evidence)
    return 1 / (relevant.index(True) + 1) if True in relevant else 0.0


def ndcg(passages: Sequence[str], evidence: Sequence[str], k: int = DEPTH) -> float | None:
    """Normalised discounted cumulative gain at ``k``, a relevant passage gaining 1.

    Järvelin and Kekäläinen (2002), "Cumulated Gain-based Evaluation of IR Techniques", ACM TOIS 20:422-446,
    with the discount log2(1 + rank) that is usual since Burges et al. (2005). The ideal list begins with every
    relevant passage there is: those that were found at any place, and one for each string that none of them
    holds.
    """
    if not evidence:
        return None
    relevant = _relevant(passages, evidence)
    texts = [plain(passage) for passage in passages]
    not_found = sum(not any(plain(string) in text for text in texts) for string in evidence)
    gained = sum(_discount(rank) for rank, gains in enumerate(relevant[:k], 1) if gains)
    ideal = sum(_discount(rank) for rank in range(1, min(sum(relevant) + not_found, k) + 1))
    return gained / ideal


def _discount(rank: int) -> float:
    return 1 / log2(rank + 1)


def _relevant(passages: Sequence[str], evidence: Sequence[str]) -> list[bool]:
    wanted = [plain(string) for string in evidence]
    return [any(string in text for string in wanted) for text in map(plain, passages)]
