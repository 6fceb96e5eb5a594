"""Figures and dates of the articles, exchanged for others or deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from assistant.quantities import Quantity, quantities
from eval.cases import Case, Document
from eval.worlds import Edit, Perturbation, draw, names, statement

_MOST_PLACES = 6
_MOST_DELETED = 2
_DAY = re.compile(r"(?<!\d)(\d{1,2})月(\d{1,2})日")
_YEAR = re.compile(r"(?<!\d)(20\d\d)年")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_HAN_DIGIT = re.compile(r"[二三四五六七八九](?![十百千万亿点])")


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure or date at ``text[start:end]``; ``key`` is the same for the same figure however it is written."""

    type: Literal["figure", "date"]
    key: tuple[str, ...]
    start: int
    end: int
    text: str


def of_figures(case: Case, documents: Sequence[Document]) -> Iterator[Perturbation]:
    for mark in _facts_marks(case):
        places = _places(mark.key, tuple(documents))
        written = _written(mark, documents, places)
        if written is None or names(case, written, mark.text):
            continue
        if mark.type == "figure" and case.kind == "comparison":
            continue  # who has more may change with the figure
        if mark.type == "date" and len(mark.key) == 2 and len(places) > 1:
            continue  # a year that stands in several places says when, everywhere
        new = _another(mark.key, written, tuple(documents))
        if new is not None and not names(case, new):
            edits = tuple(
                Edit(document, place.start, place.end, _rewritten(place.text, written, new))
                for document, place in places
            )
            yield Perturbation(case, mark.type, written, new, (written,), edits)


def of_deletions(case: Case, documents: Sequence[Document]) -> Iterator[Perturbation]:
    # Of a case with several facts the others can still be answered.
    if len(case.facts) != 1:
        return
    for mark in _facts_marks(case):
        places = _places(mark.key, tuple(documents))
        written = _written(mark, documents, places)
        if written is None or names(case, written, mark.text):
            continue
        spans = {(document, *statement(documents[document].text, place.start)) for document, place in places}
        for string in case.evidence:
            for number, document in enumerate(documents):
                if (start := document.text.find(string)) >= 0:
                    spans.add((number, *statement(document.text, start)))
        if len(spans) <= _MOST_DELETED:
            edits = tuple(Edit(document, start, end, "") for document, start, end in sorted(spans))
            yield Perturbation(case, "delete", written, "", (written,), edits)


def _facts_marks(case: Case) -> Iterator[Mark]:
    """The figures that the facts ask for and the evidence holds, as the evidence writes them, each once."""
    held = {mark.key: mark for string in case.evidence for mark in marks_of(string)}
    seen: set[tuple[str, ...]] = set()
    for alternatives in case.facts:
        for mark in (mark for alternative in alternatives for mark in marks_of(alternative)):
            if mark.key in held and mark.key not in seen:
                seen.add(mark.key)
                yield held[mark.key]
                break


def marks_of(text: str) -> list[Mark]:
    """The figures with a unit (or of four digits and more) and the dates in ``text``."""
    days = [Mark("date", (m[1], m[2], "日"), *m.span(), m[0]) for m in _DAY.finditer(text)]
    dates = [*days, *(Mark("date", (m[1], "年"), *m.span(), m[0]) for m in _YEAR.finditer(text))]
    figures = [
        Mark(
            "figure",
            (str(quantity.value.normalize()), quantity.unit, ""),
            quantity.start,
            quantity.end,
            quantity.text,
        )
        for quantity in quantities(text)
        if _is_figure(quantity, text)
        and not any(quantity.start < date.end and date.start < quantity.end for date in dates)
    ]
    return sorted([*dates, *figures], key=lambda mark: mark.start)


def _is_figure(quantity: Quantity, text: str) -> bool:
    digits = _DIGITS.match(quantity.text)
    if digits is None:
        return bool(quantity.unit) and _HAN_DIGIT.match(quantity.text) is not None
    # 7*24 and 3·15 are names, not counts.
    joined = text[quantity.start - 1 : quantity.start] if quantity.start else ""
    return joined not in ("*", "·", ".") and (bool(quantity.unit) or len(digits[0]) >= 4)


@cache
def _places(key: tuple[str, ...], documents: tuple[Document, ...]) -> tuple[tuple[int, Mark], ...]:
    """Everywhere the figure stands."""
    return tuple(
        (number, mark)
        for number, document in enumerate(documents)
        for mark in marks_of(document.text)
        if mark.key == key
    )


def _written(mark: Mark, documents: Sequence[Document], places: Sequence[tuple[int, Mark]]) -> str | None:
    """How the articles write the figure; None where they do not, or so often that it is no one fact."""
    if not 0 < len(places) <= _MOST_PLACES:
        return None
    # The word for a small number stands in many a phrase: changed only where it stands once.
    if _HAN_DIGIT.match(mark.text) and len(places) > 1:
        return None
    return places[0][1].text


def _rewritten(text: str, old: str, new: str) -> str:
    """``new`` in the manner of a place that writes the same figure a little differently (with 余, or without)."""
    number, other = _number(old), _number(new)
    return text.replace(number, other, 1) if number in text else new


def _number(text: str) -> str:
    if day := _DAY.match(text):
        return day[0]
    found = _DIGITS.match(text) or _HAN_DIGIT.match(text)
    return found[0] if found else text


@cache
def _another(key: tuple[str, ...], written: str, documents: tuple[Document, ...]) -> str | None:
    """Another value for the figure, as plausible as the old one, and none that the articles hold already."""
    taken = {mark.text for document in documents for mark in marks_of(document.text)}
    numbers = {_number(text) for text in taken}
    fits: list[str] = []
    for new in _candidates(written):
        same_number = _number(new) in numbers and len(_number(new)) > 2
        if new not in taken and new != written and not same_number:
            fits.append(new)
    return fits[draw("|".join(key)) % len(fits)] if fits else None


def _candidates(written: str) -> Iterator[str]:
    """Values of the same magnitude and precision: within half to twice the old one, as many digits as it has."""
    if day := _DAY.match(written):
        yield from (f"{day[1]}月{number}日" for number in range(1, 29) if len(str(number)) == len(day[2]))
        return
    if year := _YEAR.match(written):
        yield from (f"{number}年" for number in range(int(year[1]) - 4, int(year[1])))
        return
    if han := _HAN_DIGIT.match(written):
        yield from (digit + written[han.end() :] for digit in "三四五六七八九")
        return
    digits = _number(written)
    rest = written[len(digits) :]
    decimals = len(digits.partition(".")[2])
    plain = digits.replace(".", "")
    # 10000 and 9600 are round: so is what comes in their place.
    step = 10 ** max(0, len(plain) - max(2, len(plain.rstrip("0"))))
    value = int(plain)
    top = 99 * 10**decimals if rest.startswith(("%", "％")) else 2 * value
    for number in range(max(step, value // 2 // step * step), max(top, 9) + 1, step):
        if len(str(number)) == len(plain) and number != value and (not decimals or number % 10):
            yield f"{Decimal(number).scaleb(-decimals):f}{rest}"
