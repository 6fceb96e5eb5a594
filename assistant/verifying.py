"""Whether a claim stands in the quotes that it cites: word for word, in substance, or not.

verbatim     every piece of the claim is a piece of one of the quotes
supported    its numbers and names stand there, and most of its characters do
unsupported  anything else; such a claim is not published
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.quantities import agree, quantities, years
from assistant.schema import Support
from assistant.understanding import normalise

_PIECES = re.compile(r"[，：]")
# A point between digits is part of a number: 7.7亿 is not 77亿.
_PUNCTUATION = re.compile(r"[\s，。；：、,;:!?！？“”\"'「」（）()]+|(?<!\d)\.|\.(?!\d)")
ENOUGH = 0.8
"""Share of a claim's character pairs that its quotes must hold for it to count as supported."""


def support(claim: str, quotes: Sequence[str]) -> Support:
    """How well ``quotes`` carry ``claim`` (its text without citation markers)."""
    bare = [_bare(quote) for quote in quotes]
    if _bare(claim) and any(_bare(claim) in quote for quote in bare):
        return "verbatim"
    pieces = [_bare(piece) for piece in _PIECES.split(claim)]
    if any(pieces) and all(any(piece in quote for quote in bare) for piece in pieces):
        return "verbatim"
    together = "\n".join(quotes)
    stated = quantities(claim)
    if not all(agree(quantity, quantities(together)) for quantity in stated) or not set(years(claim)) <= set(
        years(together)
    ):
        return "unsupported"
    words = _bare(claim)
    pairs = {words[i : i + 2] for i in range(len(words) - 1)}
    held = sum(any(pair in quote for quote in bare) for pair in pairs)
    return "supported" if pairs and held >= ENOUGH * len(pairs) else "unsupported"


def _bare(text: str) -> str:
    return _PUNCTUATION.sub("", normalise(text)).lower()
