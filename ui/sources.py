"""The source panel: each cited passage with its quote marked, so that the proof is one glance away.

Like the chat's messages it is one line of HTML with everything escaped. Gradio's Markdown component
shows it, and cleans it a second time: its HTML component would need ``unsafe-eval`` in the page's policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from urllib.parse import urlsplit

from assistant.schema import Answer, Citation
from index.schema import Article, Passage
from ui.conversation import Turn
from ui.rendering import clean, one_line, safe, shortened, source_id

NO_PUBLISHER = "发布方未注明"
NO_DATE = "未注明日期"
NOTHING_CITED = "资料中没有能回答这个问题的内容。"


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a passage, counted in the text shown, and the citations that quote it."""

    start: int
    end: int
    numbers: tuple[int, ...]


def panel_html(turns: Sequence[Turn]) -> str:
    """The newest answer's sources, open, then earlier ones, folded; nothing before any answer has sources."""
    sections = [
        _section(turn, number, is_open=number == len(turns))
        for number, turn in reversed(list(enumerate(turns, start=1)))
        if turn.answer is not None and turn.answer.passages and turn.answer.status != "smalltalk"
    ]
    return (
        f'<div class="xb-panel" role="region" aria-label="出处">{"".join(sections)}</div>' if sections else ""
    )


def library_html(articles: Sequence[Article]) -> str:
    """What the answers are drawn from: every article's title, publisher and date."""
    if not articles:
        return '<div class="xb-panel"><p class="xb-hint">回答的出处会显示在这里。</p></div>'
    items = "".join(
        f'<li><div class="xb-title">{one_line(article.title)}</div>'
        f'<div class="xb-meta">{one_line(provenance(article.publisher, article.published))}</div></li>'
        for article in articles
    )
    return (
        '<div class="xb-panel" role="region" aria-label="资料">'
        f'<p class="xb-hint">回答只出自下面 {len(articles)} 篇资料；提问后，出处会显示在这里。</p>'
        f'<ol class="xb-library">{items}</ol></div>'
    )


def provenance(publisher: str, published: date | None) -> str:
    """``publisher · date``, saying so where the source states none."""
    return f"{publisher or NO_PUBLISHER} · {published.isoformat() if published else NO_DATE}"


def marks(citations: Sequence[Citation], offset: int) -> tuple[Mark, ...]:
    """The quotes of ``citations`` as stretches that do not overlap, in order; ``offset`` becomes 0.

    Where quotes overlap, the shared stretch carries both numbers.
    """
    edges = sorted({edge - offset for citation in citations for edge in (citation.start, citation.end)})
    stretches = (
        Mark(
            start,
            end,
            tuple(c.number for c in citations if c.start <= start + offset and end + offset <= c.end),
        )
        for start, end in pairwise(edges)
    )
    return tuple(mark for mark in stretches if mark.numbers)


def _section(turn: Turn, number: int, *, is_open: bool) -> str:
    answer = turn.answer
    assert answer is not None
    cards = "".join(_cited_cards(answer, number)) or f'<p class="xb-hint">{NOTHING_CITED}</p>'
    summary = f"第 {number} 问：{shortened(clean(turn.question), 40)}"
    return (
        f'<details class="xb-section" id="sources-{number}"{" open" if is_open else ""}>'
        f"<summary>{one_line(summary)}</summary>{cards}{_unused(answer)}</details>"
    )


def _cited_cards(answer: Answer, turn: int) -> Iterator[str]:
    """One card for every cited passage, in the order of their first citation."""
    passages = {passage.chunk.id: passage for passage in answer.passages}
    by_passage: dict[str, list[Citation]] = {}
    for citation in answer.citations:
        by_passage.setdefault(citation.passage_id, []).append(citation)
    for passage_id, citations in by_passage.items():
        yield _cited_card(citations, passages.get(passage_id), turn)


def _cited_card(citations: Sequence[Citation], passage: Passage | None, turn: int) -> str:
    first = citations[0]
    start = min(citation.start for citation in citations)
    if passage is None:
        text = first.quote
        marked = marks([first], start)
    else:
        # A quote may reach beyond the passage it was found in; what is shown reaches as far.
        start = min(start, passage.chunk.start)
        end = max(passage.chunk.end, *(citation.end for citation in citations))
        text = passage.article.text[start:end]
        marked = marks(citations, start)
    numbers = "".join(
        f'<span class="xb-number" id="{source_id(turn, citation.number)}">{citation.number}</span>'
        for citation in citations
    )
    return _card(
        numbers,
        first.title,
        provenance(first.publisher, first.published),
        first.headings,
        _marked_text(text, marked),
        first.url,
        "",
    )


def _unused(answer: Answer) -> str:
    """The nearest passages of a question the articles do not answer, folded and greyed."""
    passages = [passage for passage in answer.passages if not answer.used(passage)]
    if answer.status not in ("not_found", "partial") or not passages:
        return ""
    cards = "".join(
        _card(
            '<span class="xb-badge">未采用</span>',
            passage.article.title,
            provenance(passage.article.publisher, passage.article.published),
            passage.chunk.headings,
            one_line(passage.chunk.text),
            passage.article.url,
            " xb-unused",
        )
        for passage in passages
    )
    summary = f"相近的段落（{len(passages)} 段，未采用）"
    return f'<details class="xb-near" open><summary>{summary}</summary>{cards}</details>'


def _card(
    label: str, title: str, origin: str, headings: Sequence[str], body: str, url: str, modifier: str
) -> str:
    """One passage; ``label`` and ``body`` are HTML already, the rest is plain text."""
    path = f'<div class="xb-path">{one_line(" › ".join(headings))}</div>' if headings else ""
    return (
        f'<div class="xb-card{modifier}">'
        f'<div class="xb-origin">{label}<div><div class="xb-title">{one_line(title)}</div>'
        f'<div class="xb-meta">{one_line(origin)}{_link(url)}</div></div></div>'
        f'{path}<div class="xb-passage">{body}</div></div>'
    )


def _marked_text(text: str, marked: Sequence[Mark]) -> str:
    pieces = []
    at = 0
    for mark in marked:
        classes = " ".join(f"xb-quote-{number}" for number in mark.numbers)
        quote = one_line(text[mark.start : mark.end])
        pieces += [one_line(text[at : mark.start]), f'<mark class="{classes}">{quote}</mark>']
        at = mark.end
    return "".join([*pieces, one_line(text[at:])])


def _link(url: str) -> str:
    """A link to the original, where the article states an address that is the web's."""
    if not is_web_address(url):
        return ""
    return f' · <a href="{safe(url)}" target="_blank" rel="noopener noreferrer nofollow">查看原网页</a>'


def is_web_address(url: str) -> bool:
    """Whether ``url`` is an absolute http or https address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
