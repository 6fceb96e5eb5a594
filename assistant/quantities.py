"""Numbers with units, and years, as Chinese text writes them: parsed, so that they can be compared.

「410万件」, 「四百一十万件」 and 「4,100,000件」 are one quantity; 「2万余场」 is 「2万场」 marked as approximate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}

UNITS = (
    "人次", "公里", "周岁", "小时", "分钟", "个月", "工作日", "方面", "维度", "地区", "个百分点", "平方米",
    "件", "次", "场", "人", "名", "位", "家", "项", "款", "个", "起", "元", "天", "日", "月", "年", "周",
    "省", "市", "地", "份", "种", "类", "条", "只", "部", "期", "篇", "笔", "单", "例", "户", "台", "辆", "步", "大", "倍", "岁", "成", "通", "批", "轮",
)  # fmt: skip
"""Measure words, longest first, so that 人次 is not read as 人."""

SAME_UNIT = (
    {"件", "单", "笔", "例", "起"},
    {"人", "名", "位", "人次"},
    {"个", "项", "款", "种", "类", "大", "家", "地区"},
    {"场", "次"},
    {"岁", "周岁"},
)
"""Measure words that speakers interchange for one thing counted."""

_OPEN = frozenset(["一二", "两三", "二三", "三四", "三五", "四五", "五六", "六七", "七八", "八九"])
"""Pairs of digits that mean some number of that size, not a number of two digits."""
_LONGEST_NUMERAL = 40

_HAN_NUMBER = r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+(?![十百千分刻]))?"
_NUMBER = (
    r"(?P<arabic>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?P<odd>[余多来几](?=[万亿]))?(?P<scale>[十百千]?[万亿]{0,2})"
    rf"|(?P<chinese>{_HAN_NUMBER})(?:(?P<han_odd>[余多来几](?=[万亿]))?(?P<han_scale>[万亿]{{1,2}}))?"
)
_QUANTITY = re.compile(
    rf"(?P<percent_cn>百分之(?P<pc>\d+(?:\.\d+)?|{_HAN_NUMBER}))"
    # 12个省 counts 省, as 12省 does.
    rf"|(?:{_NUMBER})(?P<about>[余多来几]?)\s*(?:个(?=省|市|地区|工作日))?(?P<unit>%|％|"
    + r"(?P<money>(?:亿|万)?元)|"
    + "|".join(UNITS)
    + r")?"
)
_YEAR = re.compile(
    r"(?<!\d)((?:19|20)\d{2})(?=\s*(?:年|财年|[-/.]\d{1,2}|(?!\d|[\u4e00-\u9fff%.,])))|([一二][九〇零][〇零一二三四五六七八九]{2})年"
)
CLOCK = r"\d{1,2}[:：]\d{2}|\d{1,2}[点时](?![间候段代效长])|24小时"
"""A pattern of times of day, as notices give opening hours."""
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
    """The value of a Chinese numeral such as 四百一十万, 二〇二三 or 九十九点五; None when it is not one.

    A last digit without its power counts the next lower one, as in speech: 四百一 is 410, 一万五 is 15000. Numerals
    that leave the value open (三四十, 七八) have none.
    """
    whole, point, decimals = text.partition("点")
    if point:
        units = chinese_number(whole)
        if units is None or not decimals or any(c not in _DIGITS for c in decimals):
            return None
        return units + Decimal("0." + "".join(str(_DIGITS[c]) for c in decimals))
    if len(text) > 1 and all(c in _DIGITS for c in text):
        return None if text in _OPEN else Decimal("".join(str(_DIGITS[c]) for c in text))
    value = _counted(text) if 0 < len(text) <= _LONGEST_NUMERAL else None
    return None if value is None else Decimal(value)


def _counted(text: str) -> int | None:
    """The value of a numeral of powers; empty is 1, so that 万 is 10,000."""
    for character in "亿万":
        if character in text:
            power = _LARGE[character]
            head, _, tail = text.rpartition(character)
            times = _counted(head) if head else 1
            if tail in _DIGITS:
                rest: int | None = _DIGITS[tail] * power // 10
            else:
                rest = _counted(tail.lstrip("零〇")) if tail else 0
            return None if times is None or rest is None or rest >= power else times * power + rest
    return _below_ten_thousand(text)


def _below_ten_thousand(text: str) -> int | None:
    value, below = 0, 10_000
    digit: int | None = None
    skipped = False
    for character in text:
        if character in _SMALL:
            power = _SMALL[character]
            if power >= below or (digit is None and value and power > 10):
                return None
            value += (1 if digit is None else digit) * power
            below, digit, skipped = power, None, False
        elif digit is not None or (skipped and character in "零〇"):
            return None
        elif character in "零〇" and len(text) > 1:
            skipped = True
        elif character in _DIGITS:
            digit = _DIGITS[character]
        else:
            return None
    if digit is None:
        return None if skipped or not text else value
    return value + digit * (below // 10 if value and not skipped else 1)


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
        value = Decimal(inner) if inner[0].isdecimal() else chinese_number(inner)
        return None if value is None else Quantity(value, "%", False, start, end, match[0])
    unit = (match["unit"] or "").replace("％", "%")
    if match["arabic"]:
        value = Decimal(match["arabic"].replace(",", ""))
        scale = match["scale"]
    else:
        bare_power = match["chinese"] in "百千万亿零〇"
        if len(match["chinese"]) < 2 and (not unit or (bare_power and not _some_power(text, start))):
            return None
        if start and text[start - 1] in "第几数":
            return None
        parsed = chinese_number(match["chinese"])
        if parsed is None:
            return None
        value, scale = parsed, match["han_scale"] or ""
    for character in scale:
        value *= _SMALL.get(character) or _LARGE[character]
    if match["money"]:
        value *= _LARGE.get(match["money"][0], 1)
        unit = "元"
    odd = match["about"] or match["odd"] or match["han_odd"]
    about = bool(odd) or bool(_APPROXIMATE_BEFORE.search(text[max(0, start - 2) : start]))
    return Quantity(value, unit, about, start, end, match[0])


def _some_power(text: str, start: int) -> bool:
    """Whether the power at ``start`` is said to be reached: 上万名, 近千件."""
    return start > 0 and text[start - 1] in "上近超过逾"


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
