"""Answers and events as HTML that is safe wherever it is put: pure functions, everything escaped.

The page puts what comes from here into itself as it is, and makes no HTML of its own from text. Every
piece is one line that opens with ``<div``: also a Markdown component leaves the inside of that alone
(CommonMark, HTML blocks), so no link, image or emphasis can arise from what an article, a question or a
model wrote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html import escape
from itertools import groupby

from assistant.schema import Citation, Draft, Retrieved, Searching, Status, Support
from ui.emphasis import key_phrases, stretches
from ui.snapshot import Snapshot
from ui.streaming import Queued, Step

STATUS_LABELS: dict[Status, str] = {
    "grounded": "有据可查",
    "partial": "部分有据",
    "not_found": "资料中未找到",
    "declined": "不在回答范围",
    "smalltalk": "",
}
SUPPORT_LABELS: dict[Support, str] = {
    "verbatim": "逐字引用",
    "supported": "已核对",
    "unsupported": "未能核对",
}

# What would break a page or mislead its reader: control characters, lone surrogates, and the characters
# that turn the direction of text around or take no room at all.
_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_MARKER = re.compile(r"\[(\d{1,3})\]")
_BULLET = "- "
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


def source_id(number: int) -> str:
    """The anchor of citation ``number`` in the source panel, which shows one answer's sources at a time."""
    return f"source-{number}"


def question_html(question: str) -> str:
    """What was asked, as the reader typed it."""
    shown = shortened(question, _SHOWN_QUESTION_CHARS)
    if shown != question:
        shown += f"（共 {len(question)} 字）"
    return f'<div class="xb-question">{one_line(shown)}</div>'


def step_html(step: Step) -> str:
    """What the chat shows while an answer is on its way; the finished answer is ``answer_html``'s."""
    match step:
        case Queued(0):
            return progress_html("正在排队，下一个就是你")
        case Queued(ahead):
            return progress_html(f"正在排队，前面还有 {ahead} 个问题")
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


def answer_html(answer: Snapshot) -> str:
    """A finished answer: its status, its text with chips for the citations, and how it came about."""
    parts = [badge_html(answer.status), f'<div class="xb-text">{text_html(answer)}</div>']
    if is_rewritten(answer):
        parts.append(f'<div class="xb-meta">按「{one_line(shortened(answer.looked_up, 80))}」查找</div>')
    parts.append(f'<div class="xb-meta">{one_line(footnote(answer))}</div>')
    parts.append(support_html(answer))
    return f'<div class="xb-answer">{"".join(parts)}</div>'


def support_html(answer: Snapshot) -> str:
    """Sentence by sentence how well each is carried by what it cites, folded; nothing where nothing is claimed."""
    if not answer.claims:
        return ""
    citations = {citation.number: citation for citation in answer.citations}
    rows = []
    for claim in answer.claims:
        chips = "".join(chip_html(citations[n]) for n in claim.citation_numbers if n in citations)
        text = one_line(_MARKER.sub("", claim.text).strip())
        label = SUPPORT_LABELS[claim.support]
        rows.append(f'<li><span class="xb-badge xb-{claim.support}">{label}</span> {text}{chips}</li>')
    summary = f"逐句核对（{len(rows)} 句）"
    return f'<details class="xb-support"><summary>{summary}</summary><ol>{"".join(rows)}</ol></details>'


def badge_html(status: Status) -> str:
    """The answer's status as a coloured label; nothing for small talk."""
    label = STATUS_LABELS[status]
    return f'<div><span class="xb-badge xb-{status}">{label}</span></div>' if label else ""


def is_rewritten(answer: Snapshot) -> bool:
    """Whether the question was looked up in other words than it was asked in; punctuation does not count."""
    return answer.status not in ("smalltalk", "declined") and _words(answer.looked_up) != _words(
        answer.question
    )


def _words(text: str) -> str:
    return "".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text))).casefold()


def footnote(answer: Snapshot) -> str:
    """Who answered and how long it took, as in ``用时 38 毫秒 · 原文摘录``."""
    engine = "原文摘录" if answer.engine == "reader" else f"模型 {answer.engine.removeprefix('llm:')}"
    total = answer.timings_ms.get("total")
    return engine if total is None else f"用时 {max(1, round(total))} 毫秒 · {engine}"


def text_html(answer: Snapshot) -> str:
    """The answer's text on one line: a list as a list, markers of its own citations as chips, its key figures bold."""
    html = []
    for listed, lines in groupby(answer.text.split("\n"), key=lambda line: line.startswith(_BULLET)):
        if listed:
            items = (f"<li>{_line_html(answer, line.removeprefix(_BULLET))}</li>" for line in lines)
            html.append(f"<ul>{''.join(items)}</ul>")
        else:
            html.append("<br>".join(_line_html(answer, line) for line in lines))
    return "".join(html)


def _line_html(answer: Snapshot, line: str) -> str:
    citations = {citation.number: citation for citation in answer.citations}
    bold = key_phrases(answer)
    pieces = []
    for text, number in _split_markers(line):
        pieces.append(_emphasised(text, bold))
        if number is not None:
            citation = citations.get(number)
            pieces.append(f"[{number}]" if citation is None else chip_html(citation))
    return "".join(pieces)


def chip_html(citation: Citation) -> str:
    """A raised number that names its source and quote, and leads to both in the panel.

    The page shows ``data-origin`` and ``data-quote`` where the chip is pointed at or focused.
    """
    origin = safe(f"《{citation.title}》").replace("\n", " ")
    quote = safe(shortened(citation.quote, _QUOTE_CHARS)).replace("\n", " ")
    return (
        f'<sup><button type="button" class="xb-cite" aria-label="出处 {citation.number}：{origin}" '
        f'data-source="{citation.number}" data-origin="{origin}" data-quote="{quote}">'
        f"{citation.number}</button></sup>"
    )


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
    for start, end in stretches(text, bold):
        pieces += [one_line(text[at:start]), f"<strong>{one_line(text[start:end])}</strong>"]
        at = end
    return "".join([*pieces, one_line(text[at:])])
