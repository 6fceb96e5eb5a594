"""What the articles lack: questions that got no answer, put together by meaning.

Questions are near by the cosine of their vectors, lessened by what any two questions share: with the bundled model
the cosines of any two lie between 0.75 and 0.95, so that the mean vector of them and of some everyday questions is taken
off first. To that comes, in equal
part, the share of words they have in common (Dice), which tells apart what the model takes for one topic. Clusters
are agglomerative with average linkage (Sokal and Michener, 1958), cut at ``DISTANCE``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from eval.normalising import normalise
from index.lexical import segmenter, tokens

DISTANCE = 0.8
"""Where the tree of questions is cut: at 0 every question stands alone, at 1 unrelated ones are together."""

MOST_KEYWORDS = 5
MOST_EXAMPLES = 5
_COMMON = frozenset(
    [
        "什么",
        "怎么",
        "多少",
        "哪些",
        "哪个",
        "哪家",
        "是否",
        "可以",
        "如何",
        "为什么",
        "请问",
        "没有",
        "有没有",
        "是不是",
        "能不能",
        "我们",
        "咱们",
        "一下",
        "现在",
        "时候",
        "什么时候",
        "多久",
        "几个",
        "谢谢",
        "平安",
        "中国平安",
        "平安集团",
    ]
)

_EVERYDAY = (
    "今天天气怎么样？", "这个词是什么意思？", "附近有什么好吃的？", "火车几点开？", "怎么修改密码？", "谁写了这本书？",
    "这件衣服多少钱？", "为什么天是蓝的？", "请推荐一部电影", "医院周末开门吗？", "如何学好英语？", "快递到哪里了？",
)  # fmt: skip
"""Questions about nothing in common: with a handful of unanswered ones, their own mean would be no measure."""

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A cluster of unanswered questions: ``asked`` counts every time one was asked, ``central`` is nearest to all
    others, ``keywords`` are shared by most, ``examples`` are different questions, the most asked first."""

    asked: int
    central: str
    keywords: tuple[str, ...]
    examples: tuple[str, ...]
    questions: int


def unanswered(lines: Iterable[str]) -> list[str]:
    """The questions without an answer in exported feedback, in a run's ``answers.jsonl``, or in plain text.

    A JSON line counts when its ``answer`` has the status ``not_found``; a follow-up is taken as it was looked up.
    Any other line is a question as it stands; blank ones and lines that begin with # are left out.
    """
    return list(_unanswered(lines))


def _unanswered(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        values = _object(text)
        if values is None:
            yield text
            continue
        answer = values.get("answer")
        if isinstance(answer, dict) and answer.get("status") == "not_found":
            question = answer.get("looked_up") or answer.get("question") or values.get("question")
            if isinstance(question, str) and question.strip():
                yield question.strip()


def _object(text: str) -> dict[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        values = json.loads(text)
    except json.JSONDecodeError:
        return None  # a question may begin with a brace
    return values if isinstance(values, dict) else None


def gaps(questions: Sequence[str], vectors: Vectors, distance: float = DISTANCE) -> list[Gap]:
    """The clusters of ``questions``, the most asked first.

    ``vectors`` gives float32 of shape ``(texts, dimension)``, each of length 1 (``ModelEmbeddings.vectors``).

    Raises:
        ValueError: ``distance`` is not within 0..1.
    """
    if not 0 <= distance <= 1:
        raise ValueError(f"distance must lie within 0..1, not {distance}")
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for question in questions:
        plain = normalise(question)
        counts[plain] += 1
        written.setdefault(plain, question)
    different = list(written)
    if not different:
        return []
    texts = [written[plain] for plain in different]
    between = _distances(texts, vectors)
    found: dict[int, list[int]] = {}
    for place, label in enumerate(_labels(between, distance)):
        found.setdefault(label, []).append(place)
    made = [_gap(places, texts, [counts[plain] for plain in different], between) for places in found.values()]
    return sorted(made, key=lambda gap: (-gap.asked, -gap.questions, gap.central))


def _distances(texts: Sequence[str], vectors: Vectors) -> NDArray[np.float64]:
    """Distances between questions, float64 of shape ``(texts, texts)``, 0 to 1."""
    known = np.asarray(vectors([*texts, *_EVERYDAY]), dtype=np.float64)
    centred = (known - known.mean(axis=0))[: len(texts)]
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = centred / np.where(lengths > 0, lengths, 1.0)
    meaning = np.clip(centred @ centred.T, 0.0, 1.0)
    words = [_content(text) for text in texts]
    shared = np.array([[_dice(one, other) for other in words] for one in words])
    between = 1.0 - (meaning + shared) / 2
    np.fill_diagonal(between, 0.0)
    symmetric: NDArray[np.float64] = (between + between.T) / 2
    return symmetric


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def _content(text: str) -> frozenset[str]:
    return frozenset(word for word in tokens(text) if len(word) > 1 and word not in _COMMON)


def _labels(between: NDArray[np.float64], distance: float) -> list[int]:
    if len(between) == 1:
        return [1]
    tree = linkage(squareform(between, checks=False), method="average")
    return [int(label) for label in fcluster(tree, distance, criterion="distance")]


def _gap(
    places: Sequence[int], texts: Sequence[str], counts: Sequence[int], between: NDArray[np.float64]
) -> Gap:
    central = min(places, key=lambda place: (between[place, places].sum(), -counts[place], place))
    asked = sorted(places, key=lambda place: (-counts[place], between[central, place], place))
    return Gap(
        asked=sum(counts[place] for place in places),
        central=texts[central],
        keywords=_keywords([texts[place] for place in places]),
        examples=tuple(texts[place] for place in asked[:MOST_EXAMPLES]),
        questions=len(places),
    )


def _keywords(texts: Sequence[str]) -> tuple[str, ...]:
    """Words of most of the questions, the widest spread first, then the rarest in the language."""
    spread = Counter(word for text in texts for word in _content(text))
    frequencies = segmenter().FREQ
    least = 1 if len(texts) == 1 else max(2, (len(texts) + 1) // 2)
    common = [word for word, number in spread.items() if number >= least]
    whole = [word for word in common if not any(word != other and word in other for other in common)]
    ordered = sorted(whole, key=lambda word: (-spread[word], frequencies.get(word) or 0, word))
    return tuple(ordered[:MOST_KEYWORDS])


def gaps_text(found: Sequence[Gap]) -> str:
    """The clusters for a terminal, the most asked first."""
    if not found:
        return "没有未能回答的问题。"
    lines = [f"未能回答的问题：{sum(gap.asked for gap in found)} 次，归为 {len(found)} 类"]
    for number, gap in enumerate(found, 1):
        words = f"（{'、'.join(gap.keywords)}）" if gap.keywords else ""
        lines.append(f"{number}. {gap.asked} 次，{gap.questions} 种问法{words}：{gap.central}")
        lines.extend(f"     {question}" for question in gap.examples if question != gap.central)
    return "\n".join(lines)
