"""Characters by which a text says to a reader one thing and to a search another, made what they look like.

An article or a question may hold characters that show nothing (zero-width ones, tags, variation selectors), that turn
the direction of reading, or that look like others: a Cyrillic а in an English word, a mathematical 𝟒 for a 4, a radical
⻓ for the ideograph 长. By accident (text copied out of a PDF, or from a styled page) or on purpose, they keep a passage
from being found, or hide in it what nobody sees. What is only another way of typing (full width, traditional characters,
Chinese punctuation) is no disguise and stays.

What hides is Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties) and its category C; what a radical stands for,
its Equivalent_Unified_Ideograph; which letters look alike follows UTS #39, as far as an upright print face shows them alike.
"""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[\n\t -~\xa0·×—‘’“”…\u3000-\u303f\u4e00-\u9fff\uff01-\uff5e]*")
"""Texts that need no closer look: nearly all of them."""

_SHOWS_NOTHING = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""What is ignorable by default although it counts as a letter or a mark."""
_IDEOGRAPHIC_PLANES = range(0x20000, 0x3FFFE)
"""Here Unicode adds ideographs every few years; one that this Python does not know yet may be in somebody's name."""

_RADICALS = (
    "厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄心扌攵⺚旡日月歺母民氵氺灬爫爫丬牛犭王𤴔目示礻𥫗糹纟罓罒㓁冗𦉫羊𦍌𦍋耂肀聿肉"
    "𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶邑钅長镸长门𨸏阝雨青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟"
)
"""What U+2E81 to U+2EF3 stand for, in order."""
_COMPATIBLE = (range(0x2F00, 0x2FE0), range(0xF900, 0xFB00), range(0x2F800, 0x2FA20))
"""Kangxi radicals and compatibility ideographs. Twelve of U+FA0E to U+FA29 are ideographs in their own right."""
_IDEOGRAPHS = {0x2E81 + place: ideograph for place, ideograph in enumerate(_RADICALS)} | {
    code: unicodedata.normalize("NFKC", chr(code)) for codes in _COMPATIBLE for code in codes
}

_FOREIGN = {
    "A": "ΑА", "B": "ΒВ", "C": "СϹ", "E": "ΕЕ", "H": "ΗН", "I": "ΙІӀ", "J": "ЈͿ", "K": "ΚК", "L": "Լ", "M": "ΜМ", "N": "Ν",
    "O": "ΟОՕ", "P": "ΡР", "Q": "Ԛ", "S": "ЅՏ", "T": "ΤТ", "U": "Ս", "V": "Ѵ", "W": "Ԝ", "X": "ΧХ", "Y": "ΥУҮ", "Z": "Ζ",
    "a": "аα", "b": "Ьв", "c": "сϲ", "d": "ԁ", "e": "е", "g": "ց", "h": "һнհ", "i": "іι", "j": "јյ", "k": "кκ", "l": "ӏ",
    "m": "м", "n": "ո", "o": "оοօ", "p": "рρ", "q": "ԛզ", "r": "г", "s": "ѕ", "t": "т", "u": "υս", "v": "νѵ", "w": "ԝ",
    "x": "хχ", "y": "уүγ",
}  # fmt: skip
"""Latin letters, and the Greek, Cyrillic and Armenian ones that look like them."""
_SYMBOLS = frozenset("αγκνρχ")
"""Greek letters that stand before or after a Latin word as themselves (TNFα); inside one they do not."""
_DIGITS = {"0": "ΟοОоՕօ", "1": "ΙІӀ", "3": "Зз", "4": "Ч", "6": "б"}
_STYLED = {
    "a": "ɑᴀ", "b": "ʙ", "c": "ᴄ", "d": "ᴅ", "e": "ᴇ", "f": "ꜰ", "g": "ɡɢ", "h": "ʜ", "i": "ɪ", "j": "ᴊ", "k": "ᴋ", "l": "ʟ",
    "m": "ᴍ", "n": "ɴ", "o": "ᴏ", "p": "ᴘ", "r": "ʀ", "s": "ꜱ", "t": "ᴛ", "u": "ᴜ", "v": "ᴠ", "w": "ᴡ", "y": "ʏ", "z": "ᴢ",
}  # fmt: skip
"""Latin letters in another dress: small capitals and letters of phonetic script."""
_ENCLOSED = ((0x24B6, "A"), (0x24D0, "a"), (0x1F130, "A"), (0x1F150, "A"), (0x1F170, "A"))
"""Where each alphabet in circles or squares begins, and with which letter."""


def _looks(table: dict[str, str]) -> dict[str, str]:
    return {alike: letter for letter, many in table.items() for alike in many}


_AS_LATIN = _looks(_FOREIGN)
_AS_DIGIT = _looks(_DIGITS)
_UNDRESSED = _looks(_STYLED) | {
    chr(start + place): chr(ord(first) + place) for start, first in _ENCLOSED for place in range(26)
}
_ABROAD = re.compile(r"[\u0370-\u052f\u0531-\u0587\u1c80-\u1c8f\u1f00-\u1fff]")
_WORD = re.compile(
    r"[0-9A-Za-z\xc0-\xd6\xd8-\xf6\xf8-\u02af\u0300-\u037d\u037f\u0386\u0388-\u0481\u048a-\u052f\u0531-\u0556"
    r"\u0561-\u0587\u1c80-\u1c8f\u1d00-\u1dbf\u1e00-\u1fbc\u1fc2-\u1fcc\u1fd0-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ffc"
    r"\ua720-\ua7ff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9"
    r"\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]{2,}"
)
"""Letters of the four scripts, their marks, and digits. One character alone is no word in disguise: Ⓐ may number a list."""


def undisguised(text: str) -> str:
    """``text`` without what shows nothing, and with what only looks like a character replaced by that character.

    Line feeds and tabs stay; other controls, a carriage return among them, go. Pure, never fails, and
    ``undisguised(undisguised(text)) == undisguised(text)``. A word wholly of one other script stays, even where
    every letter of it looks like a Latin one.
    """
    if _PLAIN.fullmatch(text):
        return text
    seen = "".join(_upright(character) for character in text if not _is_hidden(character))
    return _WORD.sub(_word, seen.translate(_IDEOGRAPHS))


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    category = unicodedata.category(character)
    if category == "Cn" and ord(character) in _IDEOGRAPHIC_PLANES:
        return False
    return category[0] == "C" or _SHOWS_NOTHING.match(character) is not None


def _upright(character: str) -> str:
    """A mathematical letter or digit as the plain one: bold, italic, script, Fraktur, double-struck or monospaced."""
    font, _, code = unicodedata.decomposition(character).partition(" ")
    return chr(int(code, 16)) if font == "<font>" else character


def _word(match: re.Match[str]) -> str:
    """A word as it looks, if that is wholly Latin letters and digits; else the word itself."""
    word = "".join(_UNDRESSED.get(character, character) for character in match[0])
    abroad = [place for place, character in enumerate(word) if _ABROAD.match(character)]
    if not abroad:
        return word
    table = _table(word, abroad)
    if any(word[place] not in table or _is_symbol(word, place) for place in abroad):
        return match[0]
    return "".join(table[character] if _ABROAD.match(character) else character for character in word)


def _table(word: str, abroad: list[int]) -> dict[str, str]:
    """What its letters of other scripts look like in this word; nothing where it has no Latin letter and no digit."""
    rest = [character for character in word if not _ABROAD.match(character)]
    if any(character.isalpha() for character in rest):
        return _AS_LATIN
    if not any(character.isdigit() for character in rest):
        return {}
    if all(word[place] in _AS_DIGIT for place in abroad):
        return _AS_DIGIT
    # А380 with a Cyrillic А is a name in disguise; 1905г and СССР1 are not.
    return _AS_LATIN if len(abroad) == 1 and word[abroad[0]].isupper() else {}


def _is_symbol(word: str, place: int) -> bool:
    within = 0 < place < len(word) - 1 and not (word[place - 1].isdigit() or word[place + 1].isdigit())
    return word[place] in _SYMBOLS and not within
