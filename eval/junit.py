"""A run as JUnit XML, the form in which CI systems read test results: one test case per answer.

There is no standard; this is the part that Jenkins' ``junit-10.xsd`` and GitLab agree on. It is small enough that
a library for it would not save anything.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from eval.judging import Result
from eval.report import failure_text, result_name
from eval.runs import Run

_SUITE = "xiaobao-eval"
# XML 1.0, section 2.2: what a document may not hold, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(run: Run) -> str:
    """The run as an XML text: a wrong answer is a failure, a question that was not taken an error.

    ``classname`` is the kind of the case. Characters that XML cannot hold become U+FFFD.
    """
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        {
            "name": _SUITE,
            "tests": str(len(run.results)),
            "failures": str(sum(not result.right and not result.error for result in run.results)),
            "errors": str(sum(bool(result.error) for result in run.results)),
            "skipped": "0",
            "timestamp": run.config.started,
            "time": _seconds(sum(_milliseconds(result) for result in run.results)),
        },
    )
    for result in run.results:
        _add(suite, result)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _add(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"{_SUITE}.{result.case.kind}",
            "name": _clean(f"{result_name(result)} {result.case.question}"),
            "time": _seconds(_milliseconds(result)),
        },
    )
    if result.right:
        return
    sort = "error" if result.error else "failure"
    message = {"message": _clean("；".join(result.reasons)), "type": "error" if result.error else "wrong"}
    ET.SubElement(case, sort, message).text = _clean(failure_text(result))


def _milliseconds(result: Result) -> float:
    return result.response.timings_ms.get("total", 0.0) if result.response else 0.0


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
