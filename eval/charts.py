"""The plots of a report as inline SVG, drawn by hand.

A plotting library would weigh more than the rest of the evaluation, bake its colours in, and write a little
differently in every version. These few shapes take their colours from the page's style sheet, so that they follow
light, dark and print; their text is text; and the same numbers give the same bytes.

Widths and heights are in the units of the view box, 420 wide: wide enough for a half page, and its letters are
still readable on a telephone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.etree import ElementTree as ET

WIDTH = 420.0
_LETTER = 12.0  # the style sheet's font size inside plots
_ROW = 21.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 18.0, 12.0, 40.0
_PLOT_HEIGHT = 190.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with the ends of its interval, all 0 to 1, under a label; ``note`` stands beside it (a count)."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a plot that is pointed out."""

    x: float
    y: float
    label: str


def interval_chart(name: str, rows: Sequence[Interval]) -> str:
    """A dot with its whisker for each row, 0 to 100 %; ``name`` is what a screen reader says."""
    # A quarter for the labels and a fifth for the notes, as far as they need it.
    left = min(max((_text_width(row.label) for row in rows), default=0.0) + 10, WIDTH * 0.36)
    right = max((_text_width(row.note) for row in rows), default=0.0) + 16
    height = _TOP + _ROW * len(rows) + 24
    svg = _svg(name, height)
    scale = _Scale(0, 1, left, WIDTH - right)
    bottom = _TOP + _ROW * len(rows)
    for share in (0, 0.25, 0.5, 0.75, 1):
        _line(svg, scale(share), _TOP - 4, scale(share), bottom, "grid")
        _text(svg, scale(share), bottom + 16, f"{share:.0%}", "tick", "middle")
    for number, row in enumerate(rows):
        middle = _TOP + _ROW * (number + 0.5)
        group = ET.SubElement(svg, "g")
        ET.SubElement(
            group, "title"
        ).text = f"{row.label}：{row.value:.1%}（{row.low:.1%} – {row.high:.1%}）{row.note}"
        _text(group, left - 10, middle + 4, row.label, "label", "end")
        _line(group, scale(row.low), middle, scale(row.high), middle, "whisker")
        ET.SubElement(
            group, "circle", {"class": "dot", "cx": _n(scale(row.value)), "cy": _n(middle), "r": "4"}
        )
        _text(group, WIDTH, middle + 4, row.note, "tick", "end")
    return _written(svg)


def step_chart(
    name: str,
    points: Sequence[tuple[float, float]],
    x_title: str,
    y_title: str,
    marks: Sequence[Mark] = (),
) -> str:
    """Shares over shares, both 0 to 1, as a line through the points; the y axis ends where the values do."""
    top = _nice(max([y for _, y in points] + [mark.y for mark in marks], default=1.0))
    svg, horizontal, vertical = _plot(name, (0.0, 1.0), (0.0, top), x_title, y_title, percent_x=True)
    _path(svg, [(horizontal(x), vertical(y)) for x, y in points])
    for mark in marks:
        _mark(svg, horizontal(mark.x), vertical(mark.y), mark.label, above=True)
    return _written(svg)


def cumulative_chart(name: str, values: Sequence[float], x_title: str, marks: Sequence[Mark] = ()) -> str:
    """The share of the values that are no more than x (the empirical distribution)."""
    ordered = sorted(values)
    end = _nice(max([*ordered, *(mark.x for mark in marks)], default=1.0))
    svg, horizontal, vertical = _plot(name, (0.0, end), (0.0, 1.0), x_title, "占比")
    corners: list[tuple[float, float]] = [(0.0, 0.0)]
    for number, value in enumerate(ordered, 1):
        corners += [(value, (number - 1) / len(ordered)), (value, number / len(ordered))]
    _path(svg, [(horizontal(x), vertical(y)) for x, y in [*corners, (end, 1.0 if ordered else 0.0)]])
    for mark in marks:
        _line(svg, horizontal(mark.x), vertical(0), horizontal(mark.x), vertical(mark.y), "guide")
        _mark(svg, horizontal(mark.x), vertical(mark.y), mark.label, above=False)
    return _written(svg)


def histogram(name: str, shares: Sequence[float], x_title: str, y_title: str) -> str:
    """How many of the shares fall into each tenth; 1 belongs to the last one, what is above 1 to a bar of its own."""
    counts = [0] * 11
    for share in shares:
        # Rounded first: 0.3 / 0.1 is a little less than 3.
        counts[10 if share > 1 else min(9, floor(round(share * 10, 6)))] += 1
    # From five on every line of the grid is a whole number.
    top = _nice(max(5, *counts))
    svg, horizontal, vertical = _plot(
        name, (0.0, 1.1), (0.0, top), x_title, y_title, percent_x=True, percent_y=False
    )
    for number, count in enumerate(counts):
        start, end = horizontal(number / 10), horizontal((number + 1) / 10)
        group = ET.SubElement(svg, "g")
        between = f"{number * 10}% – {number * 10 + 10}%" if number < 10 else "超过 100%"
        ET.SubElement(group, "title").text = f"{between}：{count}"
        shape = {"class": "bar over" if number == 10 else "bar", "x": _n(start + 1), "y": _n(vertical(count))}
        shape |= {"width": _n(end - start - 2), "height": _n(vertical(0) - vertical(count))}
        ET.SubElement(group, "rect", shape)
    return _written(svg)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values between ``low`` and ``high`` as places between ``start`` and ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _plot(
    name: str,
    xs: tuple[float, float],
    ys: tuple[float, float],
    x_title: str,
    y_title: str,
    *,
    percent_x: bool = False,
    percent_y: bool = True,
) -> tuple[ET.Element, _Scale, _Scale]:
    """Axes, ticks and titles of a plot, with what places a value on it."""
    height = _TOP + 18 + _PLOT_HEIGHT + _BOTTOM
    svg = _svg(name, height)
    horizontal = _Scale(*xs, _LEFT, WIDTH - _RIGHT)
    vertical = _Scale(*ys, height - _BOTTOM, _TOP + 18)
    for value in _ticks(*ys):
        _line(svg, _LEFT, vertical(value), WIDTH - _RIGHT, vertical(value), "grid")
        _text(svg, _LEFT - 6, vertical(value) + 4, _tick(value, percent_y), "tick", "end")
    for value in _ticks(xs[0], min(xs[1], 1.0) if percent_x else xs[1]):
        _text(svg, horizontal(value), height - _BOTTOM + 16, _tick(value, percent_x), "tick", "middle")
    _line(svg, _LEFT, vertical(ys[0]), WIDTH - _RIGHT, vertical(ys[0]), "axis")
    _text(svg, 0, _TOP, y_title, "tick", "start")
    _text(svg, WIDTH - _RIGHT, height - 6, x_title, "tick", "end")
    return svg, horizontal, vertical


def _nice(value: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is not below the value; 1 for nothing."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** floor(log10(value))
    # A hair of room, so that rounding does not double an axis.
    return next(step * power for step in (1, 2, 2.5, 5, 10) if value <= step * power * (1 + 1e-9))


def _ticks(low: float, high: float) -> list[float]:
    return [low + (high - low) * part / 5 for part in range(6)]


def _tick(value: float, percent: bool) -> str:
    return f"{round(value * 100, 2):g}%" if percent else f"{round(value, 2):g}"


def _svg(name: str, height: float) -> ET.Element:
    # Without a namespace: inside an HTML page the parser knows svg by itself.
    return ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {_n(WIDTH)} {_n(ceil(height))}",
            "class": "plot",
            "role": "img",
            "aria-label": name,
        },
    )


def _line(parent: ET.Element, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
    ends = {"x1": _n(x1), "y1": _n(y1), "x2": _n(x2), "y2": _n(y2)}
    ET.SubElement(parent, "line", {"class": style} | ends)


def _text(parent: ET.Element, x: float, y: float, text: str, style: str, anchor: str) -> None:
    place = {"x": _n(x), "y": _n(y), "text-anchor": anchor}
    ET.SubElement(parent, "text", {"class": style} | place).text = text


def _path(svg: ET.Element, points: Iterable[tuple[float, float]]) -> None:
    written = " ".join(f"{'L' if number else 'M'}{_n(x)} {_n(y)}" for number, (x, y) in enumerate(points))
    if written:
        ET.SubElement(svg, "path", {"class": "curve", "d": written})


def _mark(svg: ET.Element, x: float, y: float, label: str, *, above: bool) -> None:
    ET.SubElement(svg, "circle", {"class": "dot", "cx": _n(x), "cy": _n(y), "r": "4.5"})
    # Off a curve that rises: above on its left, or below on its right, as long as the label fits there.
    width = _text_width(label) + 8
    left = x - width >= _LEFT if above else x + width > WIDTH
    place = y - 10 if above else y + 20
    _text(svg, x + (-8 if left else 8), place, label, "label halo", "end" if left else "start")


def _text_width(text: str) -> float:
    """About how wide a text is drawn: a letter's width for a Chinese character, little more than half for others."""
    return sum(_LETTER if ord(character) > 0x2E7F else 0.58 * _LETTER for character in text)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _written(svg: ET.Element) -> str:
    return ET.tostring(svg, encoding="unicode", short_empty_elements=False)
