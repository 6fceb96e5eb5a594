"""One spelling for texts that say the same, so that a fact can be looked for in an answer as a string."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache

from opencc import OpenCC

from assistant.quantities import chinese_number

_MARKER = re.compile(r"\[\d+(?:\s*[,，、]\s*\d+)*\]")
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d.])")
_SPACED_SCALE = re.compile(r"(?<=\d)\s+(?=[十百千万亿])")
_LEADING_ZERO = re.compile(r"(?<!\d)0(?=\d[月日号])")
_CN_DIGIT, _CN_NUMERAL = "零〇一二两三四五六七八九", "零〇一二两三四五六七八九十百千万亿"
_NUMBER = re.compile(
    r"(?P<percent>百分之)?(?:"
    r"(?P<scaled>(?:\d+(?:\.\d+)?[十百千万亿]+)+\d*)|(?P<arabic>\d+(?:\.\d+)?)"
    rf"|(?P<decimal>[{_CN_DIGIT}十][{_CN_NUMERAL}]*点[{_CN_DIGIT}]+[十百千万亿]*)"
    # A run that begins with a scale word (千家万户, 上万) is no number, save in 百分之百.
    rf"|(?P<chinese>[{_CN_DIGIT}十][{_CN_NUMERAL}]*|(?<=百分之)百))"
)
_SCALED_PART = re.compile(r"(\d+(?:\.\d+)?)([十百千万亿]*)")
# 三四十 and 七八百 are estimates, not numbers.
_ESTIMATE = re.compile(r"[一二两三四五六七八九]{2,}[十百千万亿]|[十百千万亿][一二两三四五六七八九]{2,}")


@cache
def _to_simplified() -> OpenCC:
    return OpenCC("t2s")


def without_markers(text: str) -> str:
    """An answer's text without its ``[n]`` citation markers and without the white space around it."""
    return _MARKER.sub("", text).strip()


def normalise(text: str) -> str:
    """One spelling for texts that say the same, so that a fact can be looked for as a string.

    Unicode NFKC (UAX #15), traditional to simplified characters (OpenCC ``t2s``), lower case, thousands
    separators dropped, numbers in Arabic digits with 万 and 亿 multiplied out (四百一十万, 410万 and
    4,100,000 are one), dates as ``2023年9月27日``, and neither spaces nor punctuation. What was apart stays
    apart: between two ASCII letters or digits a space is kept (``7*24`` is not 724), as are decimal points
    and the percent sign.
    """
    text = unicodedata.normalize("NFKC", text)
    text = _to_simplified().convert(text).lower()
    text = _SPACED_SCALE.sub("", text)
    text = _GROUPED.sub(lambda match: match.group().replace(",", ""), text)
    text = _ISO_DATE.sub(lambda match: f"{match[1]}年{int(match[3])}月{int(match[4])}日", text)
    text = _LEADING_ZERO.sub("", _NUMBER.sub(_in_arabic_digits, text))
    kept: list[str] = []
    gap = False
    for place, character in enumerate(text):
        if _is_kept(text, place):
            if gap and kept and _is_ascii_word(kept[-1]) and _is_ascii_word(character):
                kept.append(" ")
            kept.append(character)
            gap = False
        else:
            gap = True
    return "".join(kept)


def _in_arabic_digits(match: re.Match[str]) -> str:
    value: Decimal | None
    if match["scaled"]:
        value = sum((_scaled(*part) for part in _SCALED_PART.findall(match["scaled"])), Decimal(0))
    elif match["arabic"]:
        return match["arabic"] + "%" if match["percent"] else match[0]
    elif match["decimal"]:
        whole, _, fraction = match["decimal"].partition("点")
        digits = fraction.rstrip("十百千万亿")
        before, after = chinese_number(whole), chinese_number(digits)
        if before is None or after is None:
            return match[0]
        value = _scaled(f"{before}.{int(after):0{len(digits)}d}", fraction[len(digits) :])
    else:
        value = None if _ESTIMATE.search(match["chinese"]) else chinese_number(match["chinese"])
    if value is None:
        return match[0]
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return plain + "%" if match["percent"] else plain


def _scaled(number: str, scales: str) -> Decimal:
    value = Decimal(number)
    for scale in scales:
        value *= chinese_number(scale) or 1
    return value


def _is_kept(text: str, place: int) -> bool:
    character = text[place]
    if character == "%":
        return True
    if character == ".":
        return 0 < place < len(text) - 1 and text[place - 1].isdecimal() and text[place + 1].isdecimal()
    return unicodedata.category(character)[0] in "LNM"


def _is_ascii_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def contains(text: str, wanted: str) -> bool:
    """Whether ``wanted`` stands in ``text``, both already normalised, and not as a part of a longer number or
    word.

    ``10`` does not stand in ``410``, ``2`` not in ``2.2``, ``ai`` not in ``aia``. An empty ``wanted`` stands
    nowhere.
    """
    if not wanted:
        return False
    start = text.find(wanted)
    while start >= 0:
        if not (_splits_word(text, start) or _splits_word(text, start + len(wanted))):
            return True
        start = text.find(wanted, start + 1)
    return False


def _splits_word(text: str, place: int) -> bool:
    """Whether the place between two characters lies inside one number or one ASCII word."""
    if not 0 < place < len(text):
        return False
    left, right = text[place - 1], text[place]
    if left.isdecimal() and right == ".":
        return True
    if left == "." and right.isdecimal():
        return True
    if left.isdecimal() and right.isdecimal():
        return True
    return all(character.isascii() and character.isalpha() for character in (left, right))
