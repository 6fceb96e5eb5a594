"""Cuts the multilingual vocabulary down to what Chinese articles and their readers type.

Of 250,002 tokens nearly nine in ten belong to other scripts and are most of the model's size. Kept are the
special tokens, every token that holds a Chinese character or Chinese punctuation and no Japanese or Korean
letter, every single symbol or punctuation mark up to the dingbats, every number, the words of the prompts,
and the likeliest tokens of plain ASCII that an English and Portuguese cut of the same model keeps too (the
one list at hand that leaves most other languages out). A kept token keeps its score, so that a text is
split as the whole vocabulary would split it wherever all those tokens are kept.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Sequence, Set
from typing import Any

WORDS = 20_000
PROMPTS = ("passage", "query")
SYMBOLS_BELOW = 0x2700  # dingbats and emoji start here
CHINESE = (
    (0x3000, 0x303F),  # punctuation
    (0x3400, 0x9FFF),  # unified ideographs and extension A
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFE30, 0xFE4F),  # compatibility forms
    (0xFF00, 0xFFEF),  # full-width forms
    (0x20000, 0x323AF),  # extensions B to H
)
JAPANESE_OR_KOREAN = ((0x1100, 0x11FF), (0x3040, 0x30FF), (0xAC00, 0xD7A3), (0xFF66, 0xFFDC))
WORD_START = "▁"


def is_chinese(character: str) -> bool:
    """Whether ``character`` is a Chinese ideograph, Chinese punctuation or a full-width form."""
    return _within(character, CHINESE) and not _within(character, JAPANESE_OR_KOREAN)


def kept_tokens(pieces: Sequence[tuple[str, float]], specials: Set[int], english: Set[str]) -> list[int]:
    """Ids to keep out of ``pieces`` (token, log-probability), ascending.

    ``specials`` are ids that are always kept, ``english`` the tokens that ASCII words are chosen from.
    """
    kept = set(specials)
    words = []
    for token_id, (piece, _) in enumerate(pieces):
        text = piece.replace(WORD_START, "")
        if _is_chinese_text(text) or _is_mark(text) or _is_number(text) or text in PROMPTS:
            kept.add(token_id)
        elif text.isascii() and piece in english:
            words.append(token_id)
    words.sort(key=lambda token_id: -pieces[token_id][1])
    return sorted(kept.union(words[:WORDS]))


def _is_chinese_text(text: str) -> bool:
    foreign = any(_within(character, JAPANESE_OR_KOREAN) for character in text)
    return not foreign and any(map(is_chinese, text))


def _is_mark(text: str) -> bool:
    return len(text) == 1 and ord(text) < SYMBOLS_BELOW and unicodedata.category(text)[0] in "PSN"


def _is_number(text: str) -> bool:
    return text.isascii() and any(map(str.isdigit, text))


def _within(character: str, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)


def special_ids(tokenizer: dict[str, Any]) -> set[int]:
    """Ids of the special tokens of a parsed ``tokenizer.json``."""
    return {token["id"] for token in tokenizer["added_tokens"]}


def pruned(tokenizer: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """A parsed Unigram ``tokenizer.json`` with only the ``kept`` tokens, numbered in their order.

    Every place that names an id is renumbered: special tokens, the unknown token, the post-processor.
    """
    number = {old: new for new, old in enumerate(kept)}
    result = copy.deepcopy({key: value for key, value in tokenizer.items() if key != "model"})
    model = tokenizer["model"]
    result["model"] = {
        **model,
        "unk_id": number[model["unk_id"]],
        "vocab": [model["vocab"][old] for old in kept],
    }
    for token in result["added_tokens"]:
        token["id"] = number[token["id"]]
    for token in result["post_processor"]["special_tokens"].values():
        token["ids"] = [number[old] for old in token["ids"]]
    return result
