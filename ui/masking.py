"""Personal data replaced by labels before anything is written down: logs, history, feedback, audit.

Staff paste what customers sent them. An answer never needs a customer's ID card, mobile or bank card number or e-mail
address, and what is not kept can neither leak nor be asked for. What only looks like such a number is left alone: a
label in the place of a figure would make a record useless. So a number is taken by what it is made of (check digits, a
date of birth, the way people group its digits), never by its length alone.

Time is linear in the text: every quantifier is bounded or possessive, and of the digits that follow a place no more are
looked at than the longest number has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

ID_CARD = "[身份证号]"
MOBILE = "[手机号]"
BANK_CARD = "[银行卡号]"
EMAIL = "[邮箱]"

# Takes no room where it is shown, so it must not part the digits of a number either. Holds all that
# ``ui.rendering.clean`` drops, or dropping it later would bring a number together again.
_INVISIBLE = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u20e3\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{_INVISIBLE}]")
# One character for one, so that places stay what they are.
_PLAIN: dict[int, int | str] = {
    **{wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys((*range(0x2010, 0x2014), 0x2212, 0xFE63), "-"),
}

_DOMAIN = re.compile(r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_LOCAL_PART = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-")
# The ids of answers, conversations and index versions are such words, and now and then hold eleven digits in a row. Two
# letters, so that one that was typed after a card number does not hide it.
_HEXADECIMAL = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9]{0,128}[a-f][0-9]{0,128}[a-f])[0-9a-f]{16,128}(?![0-9A-Za-z])"
)
_DIGITS = re.compile(r"[0-9]++")
_GAP = re.compile(r"[ -]{1,3}")
_AMOUNT = re.compile(r"(?:\.[0-9]{1,2})? ?元(?![旦宵月])|\.[0-9]{1,2}(?![0-9. -])")
_CURRENCY = re.compile(r"[¥￥$] ?\Z")
_FRACTION = re.compile(r"(?<![0-9])0\.\Z")
_MOBILE_NUMBER = re.compile(r"(?:(?:00)?86)?1[3-9][0-9]{9}")

_Sizes = tuple[int, ...]


def _with_prefix(sizes: _Sizes) -> Iterator[_Sizes]:
    """``sizes`` as they are and behind 86 or 0086, apart or joined to the first group."""
    yield sizes
    for prefix in (2, 4):
        yield (prefix, *sizes)
        yield (prefix + sizes[0], *sizes[1:])


# How people group the digits of each kind of number. What is grouped otherwise is figures beside each other.
_MOBILE_GROUPS = frozenset(
    grouped
    for sizes in ((11,), (3, 4, 4), (3, 8), (7, 4), (4, 3, 4), (3, 3, 5))
    for grouped in _with_prefix(sizes)
)
_ID_GROUPS: frozenset[_Sizes] = frozenset(
    {(18,), (6, 8, 4), (6, 4, 4, 4), (6, 12), (14, 4), (3, 3, 4, 4, 4), (15,), (6, 6, 3)}
)
# The same where the last of eighteen is an X, which is not a digit.
_ID_GROUPS_BEFORE_X = frozenset((*sizes[:-1], sizes[-1] - 1) for sizes in _ID_GROUPS if sum(sizes) == 18)
_CARD_GROUPS: frozenset[_Sizes] = frozenset(
    {
        *((length,) for length in range(13, 20)),
        *((4,) * fours + (rest,) for fours, rest in ((3, 1), (3, 2), (3, 3), (3, 4), (4, 1), (4, 2), (4, 3))),
        (4, 6, 5),
        (6, 13),
    }
)
_BEGINNINGS = frozenset(
    sizes[:count]
    for sizes in _MOBILE_GROUPS | _ID_GROUPS | _ID_GROUPS_BEFORE_X | _CARD_GROUPS
    for count in range(1, len(sizes) + 1)
)

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def masked(text: str) -> str:
    """``text`` with every ID card, mobile and bank card number and e-mail address replaced by a label.

    Full-width characters count as what they stand for, and invisible ones between two digits do not part them. All
    else stays as it is, hotlines, landlines, amounts and dates among it. What is masked once stays as it is.
    """
    places = [seen.start() for seen in _VISIBLE.finditer(text)]
    plain = "".join([text[place] for place in places]).translate(_PLAIN)
    found = list(_emails(plain))
    # What is part of an address or of an id is no number of its own.
    rest = _HEXADECIMAL.sub(lambda word: "_" * len(word[0]), _blotted(plain, found))
    found += _numbers(rest)
    pieces: list[str] = []
    done = 0
    for start, end, label in sorted(found):
        pieces += (text[done : places[start]], label)
        done = places[end - 1] + 1
    return "".join([*pieces, text[done:]])


def masked_values(value: Any) -> Any:
    """``value``, of dicts, lists, tuples, strings and whatever else JSON has, with every string in it masked.

    Keys of dicts stay as they are: they are ours, not the customer's.
    """
    match value:
        case str():
            return masked(value)
        case dict():
            return {key: masked_values(one) for key, one in value.items()}
        case list():
            return [masked_values(one) for one in value]
        case tuple():
            return tuple(masked_values(one) for one in value)
        case _:
            return value


_Found = tuple[int, int, str]
"""Start, end and label of something in the plain text."""


def _emails(plain: str) -> Iterator[_Found]:
    done = 0
    for domain in _DOMAIN.finditer(plain):
        start = domain.start()
        while start > done and plain[start - 1] in _LOCAL_PART:
            start -= 1
        if start < domain.start():
            done = domain.end()
            yield start, done, EMAIL


def _blotted(plain: str, found: list[_Found]) -> str:
    """``plain``, as long as it was, with nothing readable where something was ``found``."""
    pieces: list[str] = []
    done = 0
    for start, end, _ in found:
        pieces += (plain[done:start], "_" * (end - start))
        done = end
    return "".join([*pieces, plain[done:]])


def _numbers(plain: str) -> Iterator[_Found]:
    runs = [run.span() for run in _DIGITS.finditer(plain)]
    at = 0
    while at < len(runs):
        number = _number_at(plain, runs, at)
        if number is None:
            at += 1
        else:
            found, at = number
            yield found


def _number_at(plain: str, runs: list[tuple[int, int]], at: int) -> tuple[_Found, int] | None:
    """The longest number that begins with run ``at``, and the run after it; None where none does."""
    start, end = runs[at]
    sizes: _Sizes = (end - start,)
    digits = plain[start:end]
    following = at + 1
    longest = None
    while sizes in _BEGINNINGS:
        if sizes in _ID_GROUPS_BEFORE_X and plain[end : end + 1] in ("X", "x") and _is_id(f"{digits}X"):
            longest = (start, end + 1, ID_CARD), following
        elif (label := _label(sizes, digits)) and (label == ID_CARD or not _is_amount(plain, start, end)):
            longest = (_first(plain, start, digits), end, label), following
        if following == len(runs) or not _GAP.fullmatch(plain, end, runs[following][0]):
            break
        begin, end = runs[following]
        sizes = (*sizes, end - begin)
        digits += plain[begin:end]
        following += 1
    return longest


def _label(sizes: _Sizes, digits: str) -> str | None:
    """What a number of these digits in groups of these sizes is."""
    if sizes in _ID_GROUPS and _is_id(digits):
        return ID_CARD
    if sizes in _MOBILE_GROUPS and _MOBILE_NUMBER.fullmatch(digits):
        return MOBILE
    if sizes in _CARD_GROUPS and digits[0] in "3456" and _is_luhn(digits):
        return BANK_CARD
    return None


def _first(plain: str, start: int, digits: str) -> int:
    """Where the number begins: with the plus before a country's code where there is one."""
    return start - 1 if digits.startswith("86") and plain[start - 1 : start] == "+" else start


def _is_id(number: str) -> bool:
    """Whether ``number`` is that of an ID card: GB 11643-1999, or the fifteen digits that were before it."""
    if number[0] not in "12345678":
        return False
    if len(number) == 15:
        return _is_date(f"19{number[6:12]}")
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False))
    return number[6:8] in ("19", "20") and _is_date(number[6:14]) and number[17] == _ID_CHECKS[total % 11]


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def _is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B)."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def _is_amount(plain: str, start: int, end: int) -> bool:
    """Whether the digits are of an amount or a fraction: 元 or decimals after them, ¥ or a lone ``0.`` before them."""
    before = plain[max(0, start - 3) : start]
    return bool(_FRACTION.search(before) or _CURRENCY.search(before) or _AMOUNT.match(plain, end))
