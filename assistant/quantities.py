"""Numbers with units, and years, as Chinese text writes them: parsed, so that they can be compared.

「410万件」, 「四百一十万件」 and 「4,100,000件」 are one quantity; 「2万余场」 is 「2万场」 marked as approximate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}

UNITS = (
    "人次", "公里", "小时", "分钟", "个月", "工作日", "方面", "维度", "地区", "百分点", "平方米",
    "件", "次", "场", "人", "名", "位", "家", "项", "款", "个", "起", "元", "天", "日", "月", "年", "周",
    "省", "市", "地", "份", "种", "类", "条", "只", "部", "期", "篇", "笔", "单", "例", "户", "台", "辆", "步", "大", "倍", "岁", "成", "通", "批", "轮",
)  # fmt: skip
"""Measure words, longest first, so that 人次 is not read as 人."""

SAME_UNIT = ({"件", "单", "笔", "例", "起"}, {"人", "名", "位", "人次"}, {"个", "项", "款", "种", "类", "大", "家"}, {"场", "次"})
"""Measure words that speakers interchange for one thing counted."""

_NUMBER = (
    r"(?P<arabic>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?P<scale>[十百千]?[万亿]{0,2})"
    r"|(?P<chinese>[零〇一二两三四五六七八九十百千万亿]+)"
)
_QUANTITY = re.compile(
    r"(?P<percent_cn>百分之(?P<pc>[零〇一二两三四五六七八九十百点\d.]+))"
    rf"|(?:{_NUMBER})(?P<about>[余多来几]?)\s*(?P<unit>%|％|"
    + r"(?P<money>(?:亿|万)?元)|"
    + "|".join(UNITS)
    + r")?"
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?=\s*(?:年|财年|[-/.]\d{1,2}|(?!\d|[\u4e00-\u9fff%.,])))|([一二][九〇零][〇零一二三四五六七八九]{2})年")
_APPROXIMATE_BEFORE = re.compile(r"(?:超过|超|近|约|逾|大约|将近|上)$")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, found at ``text[start:end]`` of the text that was parsed.

    ``value`` is in single units (410万 is 4100000, 99% is 99 with unit ``%``); ``unit`` is empty when none is written.
    """

    value: Decimal
    unit: str
    approximate: bool
    start: int
    end: int
    text: str

    def comparable(self, other: Quantity) -> bool:
        """Whether both count the same sort of thing, so that different values contradict each other."""
        return self.unit == other.unit or any({self.unit, other.unit} <= same for same in SAME_UNIT)


def chinese_number(text: str) -> Decimal | None:
    """The value of a Chinese numeral such as 四百一十万 or 二〇二三; None when it is not one."""
    if not text or any(c not in _DIGITS and c not in _SMALL and c not in _LARGE for c in text):
        return None
    if all(c in _DIGITS for c in text):
        return Decimal("".join(str(_DIGITS[c]) for c in text))
    total, section, digit = 0, 0, 0
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _SMALL:
            section += (digit or 1) * _SMALL[character]
            digit = 0
        else:
            total = (total + section + digit or 1) * _LARGE[character]
            section = digit = 0
    return Decimal(total + section + digit)


def quantities(text: str) -> list[Quantity]:
    """Every quantity in ``text``, in order. Years (2022年) and dates are not quantities; see ``years``.

    A Chinese numeral counts only with a unit or of two characters and more, for single ones (一是, 第一) are mostly words.
    """
    taken = [match.span() for match in _YEAR.finditer(text)]
    found: list[Quantity] = []
    for match in _QUANTITY.finditer(text):
        start, end = match.span()
        if any(start < stop and begin < end for begin, stop in taken):
            continue
        quantity = _read(match, text)
        if quantity is not None:
            found.append(quantity)
    return found


def _read(match: re.Match[str], text: str) -> Quantity | None:
    start, end = match.span()
    if match["percent_cn"]:
        inner = match["pc"]
        value = Decimal(inner) if re.fullmatch(r"\d+(?:\.\d+)?", inner) else chinese_number(inner.replace("点", ""))
        return None if value is None else Quantity(value, "%", False, start, end, match[0])
    unit = (match["unit"] or "").replace("％", "%")
    if match["arabic"]:
        value = Decimal(match["arabic"].replace(",", ""))
        for character in match["scale"] or "":
            value *= _SMALL.get(character) or _LARGE[character]
    else:
        if len(match["chinese"]) < 2 and (not unit or match["chinese"] in "百千万亿零〇"):
            return None
        if start and text[start - 1] == "第":
            return None
        parsed = chinese_number(match["chinese"])
        if parsed is None:
            return None
        value = parsed
    if match["money"]:
        value *= _LARGE.get(match["money"][0], 1)
        unit = "元"
    about = bool(match["about"]) or bool(_APPROXIMATE_BEFORE.search(text[:start]))
    return Quantity(value, unit, about, start, end, match[0])


def years(text: str) -> list[int]:
    """Calendar years named in ``text`` (2022年, 二〇二二年, 2023-09-27, a bare 2022), in order, without repeats."""
    found = []
    for match in _YEAR.finditer(text):
        digits = match[1] or "".join(str(_DIGITS[c]) for c in match[2])
        found.append(int(digits))
    return list(dict.fromkeys(found))


def relative_years(text: str, published: date | None) -> list[int]:
    """Years that 今年 and 去年 mean in an article published on that day; empty when the day is not known."""
    if published is None:
        return []
    offsets = {"今年": 0, "本年": 0, "去年": -1, "上年": -1}
    return [published.year + offset for word, offset in offsets.items() if word in text]


def agree(stated: Quantity, sources: Iterable[Quantity]) -> bool | None:
    """Whether a stated quantity stands among the sources: True, False, or None when none counts the same thing."""
    same = [source for source in sources if stated.comparable(source)]
    if not same:
        return None
    return any(stated.value == source.value for source in same)
