"""Where the shapes of the plots stand, read back from the SVG."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.charts import Interval, Mark, cumulative_chart, histogram, interval_chart, step_chart

SHARES = st.floats(0, 1, allow_nan=False)


def shapes(svg: str, tag: str, style: str) -> list[dict[str, str]]:
    return [
        element.attrib
        for element in ET.fromstring(svg).iter(tag)
        if element.attrib.get("class", "").startswith(style)
    ]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("text")]


def path(svg: str) -> list[tuple[float, float]]:
    (curve,) = shapes(svg, "path", "curve")
    numbers = [float(number) for number in curve["d"].replace("M", "").replace("L", "").split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_a_dot_stands_on_its_whisker_as_far_along_as_its_value() -> None:
    svg = interval_chart("正确率", [Interval("数字", 0.5, 0.25, 1.0, "1/2"), Interval("日期", 1.0, 0.2, 1.0)])
    low, middle, high = (
        float(shapes(svg, "line", "whisker")[0]["x1"]),
        float(shapes(svg, "circle", "dot")[0]["cx"]),
        float(shapes(svg, "line", "whisker")[0]["x2"]),
    )
    assert (middle - low) / (high - low) == pytest.approx((0.5 - 0.25) / (1 - 0.25), abs=0.01)
    assert shapes(svg, "circle", "dot")[1]["cx"] == shapes(svg, "line", "whisker")[0]["x2"]
    assert {"数字", "日期", "1/2", "0%", "100%"} <= set(texts(svg))


def test_a_row_names_its_numbers_to_who_points_at_it() -> None:
    svg = interval_chart("正确率", [Interval("数字", 0.5, 0.25, 0.75, "1/2")])
    assert [title.text for title in ET.fromstring(svg).iter("title")] == ["数字：50.0%（25.0% – 75.0%）1/2"]


@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=30))
def test_a_curve_stays_inside_its_plot(points: list[tuple[float, float]]) -> None:
    svg = step_chart("曲线", points, "覆盖", "风险")
    width, height = (float(part) for part in ET.fromstring(svg).attrib["viewBox"].split()[2:])
    assert all(0 <= x <= width and 0 <= y <= height for x, y in path(svg))
    assert len(path(svg)) == len(points)


def test_a_curve_rises_where_its_values_do_and_a_mark_stands_on_it() -> None:
    svg = step_chart(
        "曲线", [(0.2, 0.1), (0.6, 0.3), (1.0, 0.4)], "覆盖", "风险", [Mark(0.6, 0.3, "阈值 0.3")]
    )
    xs, ys = zip(*path(svg), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    (dot,) = shapes(svg, "circle", "dot")
    assert (float(dot["cx"]), float(dot["cy"])) == (xs[1], ys[1])
    assert "阈值 0.3" in texts(svg)


def test_the_label_of_a_mark_stays_inside_the_picture() -> None:
    for x in (0.0, 0.5, 1.0):
        svg = step_chart("曲线", [(x, 0.5)], "覆盖", "风险", [Mark(x, 0.5, "建议阈值 0.1832")])
        (label,) = shapes(svg, "text", "label")
        end = float(label["x"]) + (-110 if label["text-anchor"] == "end" else 110)
        assert 0 <= end <= 420


def test_a_distribution_goes_from_none_to_all_of_the_values() -> None:
    points = path(cumulative_chart("用时", [30.0, 10.0, 20.0, 40.0], "毫秒"))
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[-1] == pytest.approx(190)
    steps = [before - after for before, after in pairwise(heights) if before != after]
    assert steps == pytest.approx([47.5] * 4)


def test_bars_count_tenths_and_what_is_too_long_stands_apart() -> None:
    svg = histogram("长度", [0.05, 0.3, 0.31, 0.1 * 3, 1.0, 1.01, 2.5], "占上限", "答案数")
    titles = [title.text for title in ET.fromstring(svg).iter("title")]
    assert titles[0] == "0% – 10%：1"
    assert titles[3] == "30% – 40%：3"
    assert titles[9] == "90% – 100%：1"
    assert titles[10] == "超过 100%：2"
    assert len(shapes(svg, "rect", "bar over")) == 1


def test_plots_of_nothing_are_drawn_without_a_curve() -> None:
    assert shapes(step_chart("曲线", [], "覆盖", "风险"), "path", "curve") == []
    assert histogram("长度", [], "占上限", "答案数").startswith("<svg")
    assert interval_chart("正确率", []).startswith("<svg")
    assert cumulative_chart("用时", [], "毫秒").startswith("<svg")


def test_the_same_numbers_give_the_same_bytes_and_texts_are_escaped() -> None:
    rows = [Interval("<script>&", 1 / 3, 0.1, 0.7)]
    assert interval_chart("a", rows) == interval_chart("a", rows)
    assert "<script>" not in interval_chart('"><b>', rows)
    assert "&lt;script&gt;&amp;" in interval_chart("a", rows)


def test_counts_are_marked_with_whole_numbers_however_few() -> None:
    marked = re.findall(
        r'class="tick"[^>]*>([^<%]+)<', histogram("长度", [0.1, 0.1, 0.5], "占上限", "答案数")
    )
    assert [text for text in marked if text.replace(".", "").isdigit()] == ["0", "1", "2", "3", "4", "5"]
