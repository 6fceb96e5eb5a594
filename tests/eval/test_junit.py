"""The XML that a CI system reads, parsed back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

from eval.junit import junit_xml
from eval.runs import Run


def test_every_answer_is_a_test_case_and_wrong_ones_fail(mixed: Run) -> None:
    (suite,) = ET.fromstring(junit_xml(mixed).encode())
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors")} == {
        "tests": "8",
        "failures": "3",
        "errors": "1",
    }
    assert suite.attrib["timestamp"] == "2026-01-02T03:04:05+08:00"
    cases = {case.attrib["name"].split()[0]: case for case in suite}
    assert cases["l1"].attrib["classname"] == "xiaobao-eval.list"
    assert cases["f2"].attrib["time"] == "0.020"
    assert [[child.tag for child in cases[name]] for name in ("f1", "l1", "e1")] == [
        [],
        ["failure"],
        ["error"],
    ]


def test_a_failure_says_why_and_shows_the_answer(mixed: Run) -> None:
    failure = next(
        case.find("failure")
        for case in ET.fromstring(junit_xml(mixed)).iter("testcase")
        if "l1" in case.attrib["name"]
    )
    assert failure is not None
    assert failure.attrib["message"] == "缺少：410万件"
    assert "实答：平安健康险赔付245万件[1]" in (failure.text or "")


def test_text_that_xml_cannot_hold_does_not_break_the_file(bench: Any) -> None:
    hostile = bench.wrong("x1", question="a\x00b\x1b[31m<c>&\ud800]]>")
    (case,) = ET.fromstring(junit_xml(bench.run(hostile)).encode()).iter("testcase")
    assert case.attrib["name"] == "x1 a\ufffdb\ufffd[31m<c>&\ufffd]]>"


def test_repeats_of_one_case_have_names_of_their_own(bench: Any) -> None:
    run = bench.run(bench.right("f1"), replace(bench.right("f1"), repeat=2))
    names = [case.attrib["name"] for case in ET.fromstring(junit_xml(run)).iter("testcase")]
    assert names == ["f1 问题f1？", "f1 #2 问题f1？"]
