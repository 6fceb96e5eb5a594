"""How much of what is asked a text names, and what a clause is worth in an overview."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from assistant.lexicon import Lexicon
from assistant.quantities import quantities, years
from assistant.terms import Term, coverage
from assistant.understanding import normalise
from index.schema import Article

_HOLLOW = re.compile(
    r"(?:并|且|以|从而|进而|最终|有利于|有助于)?(?:不断|切实|进一步|持续|努力|扎实|助力|推动|助推|彰显|展现|提升|提高|促进|营造|打造|推进|实现|确保|保障|带来|取得|成为|使|让)"
)
_HAN_PAIR = re.compile(r"(?=([\u4e00-\u9fff]{2}))")


def worth_of(terms: Sequence[Term], lexicon: Lexicon, articles: Sequence[Article]) -> Callable[[str], float]:
    """What a clause is worth: its words by how rarely the articles say them, figures, names, and what was asked."""
    counts = [_pair_counts(article.text) for article in {a.id: a for a in articles}.values()]

    def worth(clause: str) -> float:
        pairs = set(_HAN_PAIR.findall(clause))
        news = sum(1 / max(1, *(count[pair] for count in counts)) for pair in pairs)
        if _HOLLOW.match(clause):
            news *= 0.5
        figures = sum(1 for q in quantities(clause) if q.unit and q.unit not in ("年", "月", "日"))
        member = any(m.standing == "member" for m in lexicon.mentions(clause))
        marked = bool(re.search(r"[“《]", clause))
        dated = 5 * bool(years(clause) or "今年" in clause)
        return (
            news + dated + 8 * min(2, figures) + 5 * member + 3 * marked + 8 * named(clause, terms, lexicon)
        )

    return worth


@lru_cache(maxsize=64)
def _pair_counts(text: str) -> Counter[str]:
    return Counter(_HAN_PAIR.findall(text))


def named(text: str, terms: Sequence[Term], lexicon: Lexicon) -> float:
    """The weighted share of ``terms`` that ``text`` holds; 0 … 1."""
    return coverage(terms, [(folded(text, lexicon), 1.0)], lexicon)


def folded(text: str, lexicon: Lexicon) -> str:
    """``text`` in the one form in which words are compared."""
    return lexicon.fold(normalise(text))
