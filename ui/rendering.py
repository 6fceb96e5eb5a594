"""Answers and events as HTML that is safe wherever it is put: pure functions, everything escaped.

The chat shows Markdown and cleans HTML by a list of its own. To depend on neither, every message here
is one line that opens with ``<div``: CommonMark takes that for an HTML block and leaves the inside
alone, so no link, image or emphasis can arise from what an article, a question or a model wrote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html import escape
from itertools import groupby

from assistant.schema import Answer, Citation, Draft, Event, Kind, Retrieved, Searching, Status

STATUS_LABELS: dict[Status, str] = {
    "grounded": "有据可查",
    "partial": "部分有据",
    "not_found": "资料中未找到",
    "declined": "不在回答范围",
    "smalltalk": "",
}

# What would break a page or mislead its reader: control characters, lone surrogates, and the characters
# that turn the direction of text around or take no room at all.
_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_MARKER = re.compile(r"\[(\d{1,3})\]")
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
_BULLET = "- "
_MOST_BOLD = 4
_SHOWN_QUESTION_CHARS = 600
_QUOTE_CHARS = 200


def clean(text: str) -> str:
    """``text`` without characters that cannot be shown or that deceive; line breaks and tabs stay."""
    return _UNSHOWABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def safe(text: str) -> str:
    """``text`` as HTML text or attribute value, on as many lines as it has."""
    return escape(clean(text), quote=True)


def one_line(text: str) -> str:
    """``text`` as HTML on one line; line breaks become ``<br>``."""
    return "<br>".join(safe(text).split("\n"))


def shortened(text: str, limit: int) -> str:
    """``text``, or its first ``limit`` characters and an ellipsis."""
    return text if len(text) <= limit else text[:limit] + "…"


def source_id(turn: int, number: int) -> str:
    """The anchor of citation ``number`` of turn ``turn`` in the source panel."""
    return f"source-{turn}-{number}"


def question_html(question: str) -> str:
    """What was asked, as the reader typed it."""
    shown = shortened(question, _SHOWN_QUESTION_CHARS)
    if shown != question:
        shown += f"（共 {len(question)} 字）"
    return f'<div class="xb-question">{one_line(shown)}</div>'


def event_html(event: Event) -> str:
    """What the chat shows while an answer is on its way; the finished answer is ``answer_html``'s."""
    match event:
        case Searching(looked_up):
            return progress_html(f"正在查找：{shortened(looked_up, 60)}")
        case Retrieved(passages):
            return progress_html(f"找到 {len(passages)} 段资料，正在核对原文")
        case Draft(text):
            badge = '<span class="xb-badge">草稿，正在核对</span>'
            return f'<div class="xb-draft">{badge}<br>{one_line(text)}</div>'
        case _:
            return progress_html("正在整理回答")


def progress_html(text: str) -> str:
    """A line saying what is being done."""
    return f'<div class="xb-progress">{one_line(text)}<span class="xb-dots">…</span></div>'


def error_html(message: str) -> str:
    """A question that could not be answered, and why."""
    return f'<div class="xb-error"><span class="xb-badge xb-bad">没有回答</span><br>{one_line(message)}</div>'


def answer_html(answer: Answer, turn: int) -> str:
    """A finished answer: its status, its text with chips for the citations, and how it came about."""
    parts = [badge_html(answer.status), f'<div class="xb-text">{text_html(answer, turn)}</div>']
    if is_rewritten(answer):
        parts.append(f'<div class="xb-meta">按「{one_line(shortened(answer.looked_up, 80))}」查找</div>')
    parts.append(f'<div class="xb-meta">{one_line(footnote(answer))}</div>')
    return f'<div class="xb-answer">{"".join(parts)}</div>'


def badge_html(status: Status) -> str:
    """The answer's status as a coloured label; nothing for small talk."""
    label = STATUS_LABELS[status]
    return f'<div><span class="xb-badge xb-{status}">{label}</span></div>' if label else ""


def is_rewritten(answer: Answer) -> bool:
    """Whether the question was looked up in other words than it was asked in; punctuation does not count."""
    return answer.status not in ("smalltalk", "declined") and _words(answer.looked_up) != _words(
        answer.question
    )


def _words(text: str) -> str:
    return "".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text))).casefold()


def footnote(answer: Answer) -> str:
    """Who answered and how long it took, as in ``用时 38 毫秒 · 原文摘录``."""
    engine = "原文摘录" if answer.engine == "reader" else f"模型 {answer.engine.removeprefix('llm:')}"
    total = answer.timings_ms.get("total")
    return engine if total is None else f"用时 {max(1, round(total))} 毫秒 · {engine}"


def text_html(answer: Answer, turn: int) -> str:
    """The answer's text on one line: a list as a list, markers of its own citations as chips, its key figures bold."""
    html = []
    for listed, lines in groupby(answer.text.split("\n"), key=lambda line: line.startswith(_BULLET)):
        if listed:
            items = (f"<li>{_line_html(answer, line.removeprefix(_BULLET), turn)}</li>" for line in lines)
            html.append(f"<ul>{''.join(items)}</ul>")
        else:
            html.append("<br>".join(_line_html(answer, line, turn) for line in lines))
    return "".join(html)


def _line_html(answer: Answer, line: str, turn: int) -> str:
    citations = {citation.number: citation for citation in answer.citations}
    bold = key_figures(answer)
    pieces = []
    for text, number in _split_markers(line):
        pieces.append(_emphasised(text, bold))
        if number is not None:
            citation = citations.get(number)
            pieces.append(f"[{number}]" if citation is None else chip_html(citation, turn))
    return "".join(pieces)


def chip_html(citation: Citation, turn: int) -> str:
    """A raised number that names its source and quote, and leads to both in the panel."""
    title = safe(f"《{citation.title}》：{shortened(citation.quote, _QUOTE_CHARS)}").replace("\n", " ")
    anchor = source_id(turn, citation.number)
    return f'<sup><a class="xb-cite" href="#{anchor}" title="{title}">{citation.number}</a></sup>'


def key_figures(answer: Answer) -> frozenset[str]:
    """The figures that answer a question about a figure: those it does not name itself.

    None for other kinds of question, and none where there are so many that bold would mark nothing.
    """
    wanted = _FIGURE_OF_KIND.get(answer.kind)
    if wanted is None or answer.status not in ("grounded", "partial"):
        return frozenset()
    matches = _FIGURE.finditer(_MARKER.sub("", answer.text))
    found = {match.group() for match in matches if match.lastgroup == wanted}
    unknown = frozenset(figure for figure in found if figure not in answer.question)
    return unknown if len(unknown) <= _MOST_BOLD else frozenset()


def _split_markers(text: str) -> Iterator[tuple[str, int | None]]:
    """``text`` as runs without markers, each with the number of the marker after it, None at the end."""
    at = 0
    for match in _MARKER.finditer(text):
        yield text[at : match.start()], int(match.group(1))
        at = match.end()
    yield text[at:], None


def _emphasised(text: str, bold: frozenset[str]) -> str:
    pieces = []
    at = 0
    for match in _FIGURE.finditer(text):
        if match.group() in bold:
            pieces += [one_line(text[at : match.start()]), f"<strong>{one_line(match.group())}</strong>"]
            at = match.end()
    return "".join([*pieces, one_line(text[at:])])
