"""Measures of an answer's text, each a small pure function that says what it means and where it comes from.

Scoring is deterministic and needs no judge: a fact is looked for in the answer's text after both have
been brought to one spelling. A measure that does not apply to a case gives None, never zero, so that it
cannot pull an average down. What an answer cites is measured in ``attribution``, what was found in ``ranking``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from assistant.lexicon import load_lexicon
from assistant.schema import Citation
from eval.normalising import contains, normalise, without_markers

CITED_SHARE = 0.5

_QUOTES = str.maketrans({"“": '"', "”": '"', "「": '"', "」": '"', "‘": "'", "’": "'", "。": "."})
# The punctuation that CMRC's script leaves out; ASCII points, commas and brackets are not on its list.
_CMRC_PUNCTUATION = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CMRC_TOKEN = re.compile(r"[\u4e00-\u9fa5]|[^\W\u4e00-\u9fa5]+(?:[.,'][^\W\u4e00-\u9fa5]+)*|\S")


def facts_missing(answer_text: str, facts: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The facts (lists of alternatives) of which no alternative stands in the answer's text.

    What is not found as it is written is looked for again with every company under one name.
    """
    bare = without_markers(answer_text)
    text, renamed = normalise(bare), normalise(with_one_name(bare))
    return tuple(
        tuple(alternatives)
        for alternatives in facts
        if not any(
            contains(text, normalise(alternative)) or contains(renamed, normalise(with_one_name(alternative)))
            for alternative in alternatives
        )
    )


def fact_share(answer_text: str, facts: Sequence[Sequence[str]]) -> float | None:
    """Share of the facts that the answer's text holds; None where the case has none.

    Nugget recall: Voorhees (2003), "Overview of the TREC 2003 Question Answering Track", section 3, every
    nugget being vital.
    """
    return 1 - len(facts_missing(answer_text, facts)) / len(facts) if facts else None


def with_one_name(text: str) -> str:
    """``text`` with every company that the lexicon knows under its first name: 平安寿险 as 平安人寿."""
    parts: list[str] = []
    end = 0
    for mention in load_lexicon().mentions(text):
        # A name that merely looks like a company's has no other, and a mention may lie within another one.
        if mention.standing == "unknown" or mention.start < end:
            continue
        parts += [text[end : mention.start], mention.company]
        end = mention.end
    return "".join([*parts, text[end:]])


def forbidden_found(answer_text: str, forbid: Sequence[str]) -> tuple[str, ...]:
    """The strings an answer must not hold and yet does."""
    text = normalise(without_markers(answer_text))
    return tuple(string for string in forbid if contains(text, normalise(string)))


def answer_length(answer_text: str) -> int:
    """Characters a reader has to read: the text without citation markers."""
    return len(without_markers(answer_text))


def exact_match(answer_text: str, references: Sequence[str]) -> float | None:
    """Whether the answer is one of the references (1) or not (0); None where the case has none.

    As defined by CMRC 2018 (Cui et al., 2019, "A Span-Extraction Dataset for Chinese Machine Reading
    Comprehension", section 3.2): case and punctuation aside.
    """
    if not references:
        return None
    given = _cmrc_text(without_markers(answer_text))
    return float(any(_cmrc_text(reference) == given for reference in references))


def character_f1(answer_text: str, references: Sequence[str]) -> float | None:
    """F1 of the longest run of tokens that an answer shares with a reference, the best of the references.

    As defined by CMRC 2018 (Cui et al., 2019, section 3.2): a Chinese character is a token, so is a word of
    Latin letters or digits; case and punctuation do not count; what both have in common is their longest
    common substring. None where the case has no references.
    """
    if not references:
        return None
    given = _cmrc_tokens(without_markers(answer_text))
    return max(_substring_f1(given, _cmrc_tokens(reference)) for reference in references)


def _cmrc_text(text: str) -> str:
    return text.lower().strip().translate(_CMRC_PUNCTUATION)


def _cmrc_tokens(text: str) -> list[str]:
    return _CMRC_TOKEN.findall(_cmrc_text(text))


def _substring_f1(given: Sequence[str], reference: Sequence[str]) -> float:
    shared = _longest_common_run(given, reference)
    if not shared:
        return 0.0
    precision, recall = shared / len(given), shared / len(reference)
    return 2 * precision * recall / (precision + recall)


def _longest_common_run(first: Sequence[str], second: Sequence[str]) -> int:
    longest = 0
    above = [0] * (len(second) + 1)
    for token in first:
        row = [0]
        for place, other in enumerate(second):
            row.append(above[place] + 1 if token == other else 0)
        longest = max(longest, *row)
        above = row
    return longest


def evidence_recall(evidence: Sequence[str], citations: Sequence[Citation]) -> float | None:
    """Share of the evidence strings that a citation carries; None where the case names no evidence.

    A string counts as cited when it is contained in a quote, or contains a quote that covers at least half of
    it; white space, width of punctuation and shape of quotation marks aside. After citation recall in ALCE
    (Gao et al., 2023, "Enabling Large Language Models to Generate Text with Citations", section 4), with
    containment in the place of an entailment model.
    """
    if not evidence:
        return None
    quotes = [quote for quote in (plain(citation.quote) for citation in citations) if quote]
    return sum(_is_cited(plain(string), quotes) for string in evidence) / len(evidence)


def plain(text: str) -> str:
    """A text as places are compared: without white space, width of characters and shape of quotation marks aside."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).split())


def _is_cited(evidence: str, quotes: Sequence[str]) -> bool:
    return any(
        evidence in quote or (quote in evidence and len(quote) >= CITED_SHARE * len(evidence))
        for quote in quotes
    )
