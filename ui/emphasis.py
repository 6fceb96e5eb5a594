"""What of an answer stands out in bold: the figure, date, number, name or verdict that was asked for."""

from __future__ import annotations

import re

from assistant.lexicon import load_lexicon
from assistant.matching import wanted_units
from assistant.quantities import quantities
from assistant.schema import Kind
from ui.snapshot import Snapshot

_MARKER = re.compile(r"\[\d{1,3}\]")
_FIGURE = re.compile(
    r"(?P<date>(?:\d{4}年)?\d{1,2}月(?:\d{1,2}日)?|\d{4}年)"
    r"|(?P<figure>\d[\d,.]*(?:[％%]|[多余]?[万亿千百]*[多余]?(?:人次|小时|分钟|美元|[件次人场家名户款项个篇秒天元倍位种条辆所处起期]|(?<=[万亿]))))"
    r"|(?P<contact>\d{3,}(?:-\d+)*)"
)
_FIGURE_OF_KIND: dict[Kind, str] = {
    "figure": "figure",
    "comparison": "figure",
    "date": "date",
    "contact": "contact",
}
_VERDICTS = ("是的", "不是")
_VERDICT = re.compile(rf"^(?:{'|'.join(_VERDICTS)})(?=[，。])")
_MOST = 4
"""Where more would be bold, bold would mark nothing."""


def key_phrases(answer: Snapshot) -> frozenset[str]:
    """The words of an answer that the question asked for, and did not name itself; none where there are too many."""
    if answer.status not in ("grounded", "partial"):
        return frozenset()
    text = _MARKER.sub("", answer.text)
    match answer.kind:
        case "yes_no":
            found = set(_VERDICT.findall(text))
        case "entity":
            mentions = load_lexicon().mentions(text)
            found = {text[one.start : one.end] for one in mentions if one.standing != "group"}
        case _:
            found = _figures(answer, text)
    unknown = frozenset(phrase for phrase in found if phrase not in answer.question)
    return unknown if len(unknown) <= _MOST else frozenset()


def stretches(text: str, phrases: frozenset[str]) -> list[tuple[int, int]]:
    """Where ``phrases`` stand in ``text``, in order and apart.

    A figure only where it is one (5件 is not in 15件), a verdict only where it begins.
    """
    found = [match for match in _FIGURE.finditer(text) if match.group() in phrases]
    verdict = _VERDICT.match(text)
    if verdict and verdict.group() in phrases:
        found.append(verdict)
    names = [phrase for phrase in phrases if not _FIGURE.fullmatch(phrase) and phrase not in _VERDICTS]
    if names:
        found += re.finditer("|".join(map(re.escape, names)), text)
    return sorted(match.span() for match in found)


def _figures(answer: Snapshot, text: str) -> set[str]:
    wanted = _FIGURE_OF_KIND.get(answer.kind)
    found = {match.group() for match in _FIGURE.finditer(text) if match.lastgroup == wanted}
    if wanted != "figure":
        return found
    # 触达多少人 asks for 7亿人次, and not for the 2万余场 beside it.
    units = wanted_units(answer.looked_up)
    fitting = {figure for figure in found if any(one.unit in units for one in quantities(figure))}
    return fitting or found
