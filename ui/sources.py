"""The source panel: each cited passage with its quote marked, the whole article, and the list of all of them.

Like the answers they are one line of HTML with everything escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import pairwise

from assistant.schema import Citation
from index.cleaning import find_headings
from index.schema import Article
from ui.addresses import is_web_address
from ui.references import text_fragment
from ui.rendering import one_line, safe, source_id
from ui.snapshot import ShownPassage, Snapshot

NO_PUBLISHER = "发布方未注明"
NO_DATE = "未注明日期"
_MOST_NEAR = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a passage, counted in the text shown, and the citations that quote it."""

    start: int
    end: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """A stretch of an article as an earlier answer quoted it; ``check`` begins the SHA-256 of the quote.

    Its text form ``start-end-check`` leads from a card to the article, which may have changed since.
    """

    start: int
    end: int
    check: str

    @classmethod
    def of(cls, quote: str, start: int) -> Quoted:
        """The stretch that ``quote`` takes from ``start`` on."""
        return cls(start, start + len(quote), sha256(quote.encode("utf-8", "replace")).hexdigest()[:8])

    @classmethod
    def parse(cls, text: str) -> Quoted:
        """What ``str`` gave.

        Raises:
            ValueError: it is nothing of the kind.
        """
        start, end, check = text.split("-")
        return cls(int(start), int(end), check)

    def __str__(self) -> str:
        return f"{self.start}-{self.end}-{self.check}"

    def stands_in(self, article: Article) -> bool:
        """Whether the article still has the quote at its place."""
        return Quoted.of(article.text[self.start : self.end], self.start) == self


def panel_html(answer: Snapshot) -> str:
    """The sources of one answer: a card for every cited passage, and what was near but not used; may be nothing."""
    cards = "".join(_cited_cards(answer)) + _unused(answer)
    return f'<div class="xb-sources">{cards}</div>' if cards else ""


def library_html(articles: Sequence[Article], indexed: datetime | None) -> str:
    """Every article with publisher, date, size in characters, and when it was indexed."""
    if not articles:
        return '<div class="xb-library"><p class="xb-hint">资料载入后列在这里。</p></div>'
    when = f"索引于 {indexed.astimezone():%Y-%m-%d %H:%M}" if indexed else ""
    items = "".join(
        f'<li><button type="button" class="xb-title xb-read" data-article="{safe(article.id)}">'
        f"{one_line(article.title)}</button>"
        f'<div class="xb-meta">{one_line(provenance(article.publisher, article.published))} · '
        f"{len(article.text):,} 字{_link(article.url, '')}</div></li>"
        for article in articles
    )
    hint = " · ".join(part for part in (f"回答只出自这 {len(articles)} 篇资料", when) if part)
    return f'<div class="xb-library"><p class="xb-hint">{hint}</p><ol>{items}</ol></div>'


def article_html(article: Article, quoted: Sequence[Quoted] = ()) -> str:
    """A whole article with its headings, and the stretches of it that are quoted marked."""
    standing = [quote for quote in quoted if quote.stands_in(article)]
    headings = {heading.start: heading for heading in find_headings(article.text)}
    pieces = [
        f'<div class="xb-title">{one_line(article.title)}</div>'
        f'<div class="xb-meta">{one_line(provenance(article.publisher, article.published))} · '
        f"{len(article.text):,} 字{_link(article.url, '')}</div>"
    ]
    if len(standing) < len(quoted):
        pieces.append('<p class="xb-hint">资料在回答之后有改动，引用的原句已不在原处。</p>')
    at = 0
    for line in article.text.split("\n"):
        end = at + len(line)
        if line.strip():
            marked = [
                Mark(max(quote.start, at) - at, min(quote.end, end) - at, ())
                for quote in _apart(standing)
                if quote.start < end and quote.end > at
            ]
            heading = headings.get(at)
            is_line = heading is not None and heading.text == line.strip()
            tag = f"h{min(6, heading.level + 2)}" if heading is not None and is_line else "p"
            pieces.append(f"<{tag}>{_marked_text(line, marked)}</{tag}>")
        at = end + 1
    return f'<div class="xb-article">{"".join(pieces)}</div>'


def _apart(quoted: Sequence[Quoted]) -> list[Quoted]:
    """Quotes in order, those that touch or overlap as one."""
    joined: list[Quoted] = []
    for quote in sorted(quoted, key=lambda one: (one.start, one.end)):
        if joined and quote.start <= joined[-1].end:
            joined[-1] = Quoted(joined[-1].start, max(joined[-1].end, quote.end), "")
        else:
            joined.append(quote)
    return joined


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


def _cited_cards(answer: Snapshot) -> Iterator[str]:
    """One card for every cited passage, in the order of their first citation."""
    passages = {passage.id: passage for passage in answer.passages}
    by_passage: dict[str, list[Citation]] = {}
    for citation in answer.citations:
        by_passage.setdefault(citation.passage_id, []).append(citation)
    for passage_id, citations in by_passage.items():
        yield _cited_card(citations, passages.get(passage_id))


def _cited_card(citations: Sequence[Citation], passage: ShownPassage | None) -> str:
    first = citations[0]
    start, text = _shown(citations, passage)
    numbers = "".join(
        f'<span class="xb-number" id="{source_id(citation.number)}">{citation.number}</span>'
        for citation in citations
    )
    quoted = [Quoted.of(citation.quote, citation.start) for citation in citations]
    return _card(
        numbers,
        first.title,
        provenance(first.publisher, first.published),
        first.headings,
        _marked_text(text, marks(citations, start)),
        _actions(first.article_id, quoted, first.url, first.quote),
        "",
    )


def _shown(citations: Sequence[Citation], passage: ShownPassage | None) -> tuple[int, str]:
    """Where the text of a card begins in the article, and the text: the passage, and as far as its quotes reach.

    A quote may reach beyond the passage it was found in; what is known of the article there is the quote.
    """
    pieces = sorted((citation.start, citation.quote) for citation in citations)
    start, text = (passage.start, passage.text) if passage else pieces[0]
    for begin, quote in pieces:
        if begin < start and begin + len(quote) >= start:
            text = quote[: start - begin] + text
            start = begin
        end = start + len(text)
        if begin <= end < begin + len(quote):
            text += quote[end - begin :]
    return start, text


def _unused(answer: Snapshot) -> str:
    """The nearest passages of a question the articles do not answer, greyed."""
    passages = [passage for passage in answer.passages if not passage.used]
    if answer.status not in ("not_found", "partial") or not passages:
        return ""
    cards = "".join(
        _card(
            '<span class="xb-badge">未采用</span>',
            passage.title,
            provenance(passage.publisher, passage.published),
            passage.headings,
            one_line(passage.text),
            _actions(passage.article_id, [Quoted.of(passage.text, passage.start)], passage.url, passage.text),
            " xb-unused",
        )
        for passage in passages[:_MOST_NEAR]
    )
    summary = "相近的段落（没有直接回答这个问题，未采用）"
    return f'<details class="xb-near" open><summary>{summary}</summary>{cards}</details>'


def _card(
    label: str, title: str, origin: str, headings: Sequence[str], body: str, actions: str, modifier: str
) -> str:
    """One passage; ``label``, ``body`` and ``actions`` are HTML already, the rest is plain text."""
    path = f'<div class="xb-path">{one_line(" › ".join(headings))}</div>' if headings else ""
    return (
        f'<div class="xb-card{modifier}" tabindex="-1">'
        f'<div class="xb-origin">{label}<div><div class="xb-title">{one_line(title)}</div>'
        f'<div class="xb-meta">{one_line(origin)}</div></div></div>'
        f'{path}<div class="xb-passage">{body}</div><div class="xb-links">{actions}</div></div>'
    )


def _actions(article_id: str, quoted: Sequence[Quoted], url: str, quote: str) -> str:
    """What leads from a card to the whole article, here and where it was published."""
    places = " ".join(map(str, quoted))
    return (
        f'<button type="button" class="xb-read" data-article="{safe(article_id)}" data-quoted="{places}">'
        f"查看原文</button>{_link(url, quote)}"
    )


def _marked_text(text: str, marked: Sequence[Mark]) -> str:
    pieces = []
    at = 0
    for mark in marked:
        classes = " ".join(f"xb-quote-{number}" for number in mark.numbers)
        opened = f'<mark class="{classes}">' if classes else "<mark>"
        quote = one_line(text[mark.start : mark.end])
        pieces += [one_line(text[at : mark.start]), f"{opened}{quote}</mark>"]
        at = mark.end
    return "".join([*pieces, one_line(text[at:])])


def _link(url: str, quote: str) -> str:
    """A link to the original at ``quote``, where the article states an address that is the web's."""
    if not is_web_address(url):
        return ""
    target = text_fragment(url, quote) if quote else url
    return (
        f' <a class="xb-out" href="{safe(target)}" target="_blank" rel="noopener noreferrer nofollow">'
        "原网页 ↗</a>"
    )
