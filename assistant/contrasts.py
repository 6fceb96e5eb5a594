"""Questions about two things, as one for each: how they differ (A和B有什么不一样), or what either is (A和B分别…).

The articles seldom say that two things differ; they tell of the one and of the other.
"""

from __future__ import annotations

import re

from assistant.kinds import DIFFERENCE

_DIFFER = re.compile(
    r"(?:各自|分别|之间|两者|二者|到底|究竟|彼此)*(?:都)?(?:又)?(?:有|存在|是)?(?:着)?(?:什么|啥|哪些|何|怎么|怎样|如何)?(?:个)?(?:样的)?(?:的)?"
    r"(?:不一样|不同|区别|差别|差异|异同|区分)(?:点|处|之处)?(?:的)?(?:在|是)?(?:哪里?|哪儿|哪些地方|什么地方|何处|什么)?(?:呢|吗|么)?"
    r"|差(?:别)?在(?:了)?(?:哪里?|哪儿|什么地方|何处)(?:呢)?"
)
_TWO = re.compile(
    r"(?P<first>[^，,。；;？?、和与跟同及]{2,16})(?:、|和|与|跟|同|以及|及)(?P<join>对|给|在|向)?(?P<second>[^，,。；;？?的、和与]{2,12}+)(?![、和与])"
)
_EACH = re.compile(r"(?:各自|分别)(?:都)?|各(?=是|占|为|有|要|多少|几|[玩干做搞办推用靠叫讲])")
_JOINED = re.compile(r"[、和与及][^，,。；;？?]*$")
_EDGES = "，,。；;？?！! "


def contrasted(text: str) -> tuple[str, str] | None:
    """What to look up for either of the two things that ``text`` asks the difference of; None where it asks no such thing.

    A difference of figures is reckoned, not told, and so is none.
    """
    return None if DIFFERENCE.search(text) else _cut(text, _DIFFER)


def each(text: str) -> tuple[str, str] | None:
    """What to look up for either of the two things of which ``text`` asks the same (A和B分别…); None where there are not two."""
    return _cut(text, _EACH)


def _cut(text: str, pattern: re.Pattern[str]) -> tuple[str, str] | None:
    asked = pattern.search(text)
    pairs = list(_TWO.finditer(text, 0, asked.start())) if asked else []
    if asked is None or not pairs:
        return None
    two = pairs[-1]
    before, after = text[: two.start()], text[two.end() : asked.start()] + text[asked.end() :]
    if _JOINED.search(before):
        return None
    second, shared = _alike(two["first"], two["second"])
    tail = f"{shared}{after}"
    # 消保审查中的明察和暗访: what the first is of, the second is of too.
    owner = two["first"].rpartition("的")
    of_both = "".join(owner[:2]) if not two["join"] and len(owner[2]) >= len(second) - 2 else ""
    return (
        f"{before}{two['first']}{tail}".strip(_EDGES),
        f"{before}{two['join'] or ''}{of_both}{second}{tail}".strip(_EDGES),
    )


def _alike(first: str, second: str) -> tuple[str, str]:
    """``second`` cut after the ending that it shares with ``first`` (甲银行, 乙银行|公告里的电话), and what is asked of both."""
    for ending in (first[-2:], first[-1]):
        place = second.find(ending)
        if place > 0:
            end = place + len(ending)
            return second[:end], second[end:]
    return second, ""
