"""Answers for use elsewhere: bibliographic references, text for the clipboard, Markdown, links to a quote.

Pure functions. Titles, quotes and questions were written by others: control characters are taken out everywhere, and
in Markdown nothing they hold becomes a heading, a link, an image or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol
from urllib.parse import quote as percent_encoded

from assistant.schema import Citation
from ui.addresses import is_web_address
from ui.rendering import STATUS_LABELS, clean
from ui.snapshot import Snapshot

_MARKER = re.compile(r"\[(\d{1,3})\]")
_BULLET = "- "
# The characters of an address (RFC 3986); all others are percent-encoded, so that an address is one word of ASCII.
_ADDRESS_CHARS = "!#$%&'()*+,/:;=?@[]~"
_DIRECTIVE = ":~:"

# A longer quote is named by its ends: a short address survives e-mail, and fewer characters can have changed.
_WHOLE_CHARS = 40
_END_CHARS = 12
_SHORTEST_END_CHARS = 5
_LONGEST_END_CHARS = 19
_CLAUSE_END = re.compile(r"[，。；：！？、,;:!?…]")
_UNBROKEN = re.compile(r"[0-9０-９A-Za-z.,%％百千万亿]")

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What means something in the midst of a line of Markdown, or makes a link of a bare address in some dialects: the colon
# of a scheme and the dots of a host. Stops of figures, times and sentences stay as they are.
_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~$^@]|!$|:(?!\d)|(?<=[^\W\d])\.(?=\S)|\.(?=[^\W\d])")
# What means something at the start of a line.
_OPENING = re.compile(r"^(\d+(?=[.)](?: |$))|(?=[-+=]))")


class Asked(Protocol):
    """A turn: the question, and the answer or the message saying why there is none."""

    @property
    def question(self) -> str:
        """What was asked."""

    @property
    def answer(self) -> Snapshot | None:
        """What was answered, None where nothing was."""

    @property
    def error(self) -> str:
        """Why nothing was answered, in Chinese."""


def reference(citation: Citation, accessed: date) -> str:
    """The source of a citation as GB/T 7714—2015 has it, on one line.

    An electronic resource (4.6.2) is ``责任者. 题名[EB/OL]. (发布日期)[引用日期]. 网址.`` An unknown author is left
    out, as the numeric style allows (8.1.3), and so is an unknown date. What has no address on the web is of the kind
    「其他」 (appendix B), ``责任者. 题名[Z]. 发布日期.``, without a day of access.
    """
    head, address = _entry(citation, accessed)
    return f"{head} {address}." if address else head


def answer_text(answer: Snapshot, accessed: date) -> str:
    """An answer as plain text for the clipboard: its text with its ``[n]``, then one line for every article.

    GB/T 7714—2015 (10.1) gives a source one number however often it is cited; ours count quotes. So that every ``[n]``
    of the text is found below it, an article's entry is written once, with all of its numbers: ``[1][3] …``.
    """
    by_article: dict[str, list[Citation]] = {}
    for citation in answer.citations:
        by_article.setdefault(citation.article_id, []).append(citation)
    lines = [
        f"{''.join(f'[{citation.number}]' for citation in citations)} {reference(citations[0], accessed)}"
        for citations in by_article.values()
    ]
    return "\n".join([clean(answer.text), *(["", *lines] if lines else [])])


def conversation_markdown(title: str, turns: Sequence[Asked], accessed: date) -> str:
    """A conversation as Markdown: each question a heading, each answer with its status, its sources as footnotes.

    The footnote of citation 2 of the third question is ``[^3-2]``, so that none is used twice.
    """
    blocks = [f"# {_escaped(title)}"]
    for number, turn in enumerate(turns, start=1):
        blocks.append(f"## 问：{_escaped(turn.question)}")
        if turn.answer is None:
            blocks.append(f"没有回答：{_escaped(turn.error)}")
        else:
            blocks += _answer_blocks(turn.answer, number, accessed)
    return "\n\n".join(blocks) + "\n"


def text_fragment(url: str, quote: str) -> str:
    """``url`` with a text directive (WICG *URL Fragment Text Directives*) that leads a browser to the quote.

    A quote of one line and up to 40 characters is named whole, another by its beginning and its end: a directive finds a
    whole text within one block of the page only. Empty where ``url`` is no address on the web; where the quote is
    empty, the address alone.
    """
    address = _address(url)
    lines = [line.strip() for line in clean(quote).splitlines() if line.strip()]
    if not address or not lines:
        return address
    start, end = _ends(lines)
    directive = f"text={_directive_text(start)}" + (f",{_directive_text(end)}" if end else "")
    page, mark, fragment = address.partition("#")
    # A directive that is there already speaks of another text.
    kept = fragment.partition(_DIRECTIVE)[0] if mark else ""
    return f"{page}#{kept}{_DIRECTIVE}{directive}"


def _entry(citation: Citation, accessed: date) -> tuple[str, str]:
    """A reference but for its address, and the address, empty where there is none."""
    address = _address(citation.url)
    kind = "EB/OL" if address else "Z"
    title = f"{_one_line(citation.title)}[{kind}]."
    published = citation.published.isoformat() if citation.published else ""
    if address:
        dates = f"({published})[{accessed.isoformat()}]." if published else f"[{accessed.isoformat()}]."
    else:
        dates = f"{published}." if published else ""
    publisher = _one_line(citation.publisher)
    return " ".join(part for part in (f"{publisher}." if publisher else "", title, dates) if part), address


def _address(url: str) -> str:
    """``url`` in ASCII without spaces, empty where it is no address on the web."""
    # Browsers take line breaks and tabs out of an address before anything else, and so does ``urlsplit``.
    bare = re.sub(r"[\t\n]", "", clean(url)).strip()
    return percent_encoded(bare, safe=_ADDRESS_CHARS) if is_web_address(bare) else ""


def _answer_blocks(answer: Snapshot, turn: int, accessed: date) -> Iterator[str]:
    """The paragraphs, lists and footnotes of one answer."""
    if label := STATUS_LABELS[answer.status]:
        yield f"状态：{label}"
    numbers = {citation.number for citation in answer.citations}
    items: list[str] = []
    for line in clean(answer.text).splitlines():
        if line.startswith(_BULLET):
            items.append(_BULLET + _marked(line.removeprefix(_BULLET), numbers, turn))
            continue
        if items:
            yield "\n".join(items)
            items = []
        if line.strip():
            yield _marked(line, numbers, turn)
    if items:
        yield "\n".join(items)
    for citation in answer.citations:
        head, address = _entry(citation, accessed)
        source = f"{_escaped(head)} <{address}>." if address else _escaped(head)
        yield f"[^{turn}-{citation.number}]: {source} 原文：「{_escaped(citation.quote)}」"


def _marked(line: str, numbers: set[int], turn: int) -> str:
    """A line escaped, the markers of the answer's own citations as references to footnotes."""
    pieces = []
    at = 0
    line = _one_line(line)
    for match in _MARKER.finditer(line):
        if int(match.group(1)) in numbers:
            pieces += [_without_syntax(line[at : match.start()]), f"[^{turn}-{int(match.group(1))}]"]
            at = match.end()
            if line[at : at + 1] in ("(", ":"):
                # Either would make the marker the text or the definition of a link.
                pieces.append(f"\\{line[at]}")
                at += 1
    return _OPENING.sub(r"\1\\", "".join([*pieces, _without_syntax(line[at:])]))


def _escaped(text: str) -> str:
    """``text`` as Markdown that shows it as it is, on one line after something else."""
    return _without_syntax(_one_line(text))


def _without_syntax(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return "".join(_ENTITIES.get(char, char) for char in escaped)


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _ends(lines: Sequence[str]) -> tuple[str, str]:
    """The whole of a short line and nothing, or the beginning of the first line and the end of the last."""
    first, last = lines[0], lines[-1]
    if len(lines) > 1:
        return first[: _head(first)], last[len(last) - _tail(last) :]
    head, tail = _head(first), _tail(first)
    if len(first) <= _WHOLE_CHARS or head + tail >= len(first):
        return first, ""
    return first[:head], first[len(first) - tail :]


def _head(line: str) -> int:
    """How many characters of the beginning to name: to the end of a clause, as a browser finds whole words only and
    words are not cut there; else a fixed number and what is left of a figure."""
    if len(line) <= _LONGEST_END_CHARS:
        return len(line)
    if match := _CLAUSE_END.search(line, _SHORTEST_END_CHARS, _LONGEST_END_CHARS):
        at = match.start()
        # The comma of 1,000 ends no clause.
        if not _within_figure(line, at) and not _within_figure(line, at + 1):
            return at
    at = _END_CHARS
    while at < len(line) and _within_figure(line, at):
        at += 1
    return at


def _tail(line: str) -> int:
    """How many characters of the end to name, as ``_head``, read from the other side."""
    return _head(line[::-1])


def _within_figure(line: str, at: int) -> bool:
    """Whether a cut before character ``at`` would part a number or a Latin word."""
    return 0 < at < len(line) and all(_UNBROKEN.match(char) for char in line[at - 1 : at + 1])


def _directive_text(text: str) -> str:
    """``text`` percent-encoded; ``-``, ``,`` and ``&`` part a directive and so have to be, too."""
    return percent_encoded(text, safe="").replace("-", "%2D")
