"""Questions that can be offered for asking, each with where in its article the answer stands.

Those here are read off an article's own structure, so that any article has some: its figures of a company, its runs
一是…二是…, what it names in quotation marks, its sections. Those that were thought of beforehand about the bundled
articles are in ``anticipated``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.clauses import clauses, without_joiner
from assistant.enumerations import enumerations, sections
from assistant.lexicon import Lexicon
from assistant.quantities import quantities, years
from index.schema import Article
from index.segmentation import Span, sentences

_IN_RESPECT_OF = re.compile(
    r"(?:^在|[,，])(?P<what>[^,，、。]{4,20}?)(?:的?(?:措施|举措|工作))?(?P<respect>方面)[,，]?$"
)
_NUMBERED = re.compile(r"^[一二三四五六七八九十]+、|^（[一二三四五六七八九十]+）")
_SORTS = "活动|服务|机制|平台|模式|原则|方针|经验|检查|行动|计划|项目|评选|系列|专栏|体系|理念|制度"
_NAMED = re.compile(
    rf"“(?P<whole>[^“”\n]{{2,14}}(?:{_SORTS}))”(?!{_SORTS})|“(?P<name>[^“”\n]{{2,16}})”(?P<sort>{_SORTS})"
)
_TELLING = 6
"""Characters: a shorter heading (宣传教育) says too little to be asked about by itself."""
# What a statement ends with.
_ENDS = "。！？；;\n"


@dataclass(frozen=True, slots=True)
class Offer:
    """A question as it is offered: ``answer`` is what of its article's text answers it, ``statement`` what it is asked of.

    Two that are asked of one statement are too much alike to be offered together.
    """

    wording: str
    article: str
    statement: Span
    answer: Span


def stated(text: str, answer: Span) -> Span:
    """The statement that ``answer`` stands in, or those that it runs through: as far as a full stop, semicolon or line end."""
    start = max(text.rfind(mark, 0, answer.start) for mark in _ENDS) + 1
    stops = [place for mark in _ENDS if (place := text.find(mark, max(answer.start, answer.end - 1))) >= 0]
    stop = min(stops, default=len(text) - 1) + 1
    return Span(start, stop)


def figures(article: Article, lexicon: Lexicon) -> Iterator[Offer]:
    """「平安人寿赔付410万件」 asks 「平安人寿赔付了多少件？」, with the year its paragraph gives."""
    for sentence in sentences(article.text):
        text = article.text[sentence.start : sentence.end]
        paragraph = article.text.rfind("\n", 0, sentence.start) + 1
        for start, end in clauses(text):
            start, end = without_joiner(text, (start, end))
            clause = text[start:end]
            named, held = lexicon.mentions(clause), quantities(clause)
            if (
                len(named) != 1
                or named[0].start != 0
                or len(held) != 1
                or not held[0].unit
                or held[0].end != len(clause)
            ):
                continue
            verb = clause[named[0].end : held[0].start]
            place = Span(sentence.start + start, sentence.start + end)
            dated = years(article.text[paragraph : place.start])
            if 2 <= len(verb) <= 4:
                year = f"{dated[-1]}年" if dated else ""
                done = "了" if len(verb) == 2 else ""  # 赔付了多少件, 举办讲座多少场
                wording = f"{year}{clause[: named[0].end]}{verb}{done}多少{held[0].unit}？"
                yield Offer(wording, article.id, place, place)


def lists(article: Article) -> Iterator[Offer]:
    """「在提升便民服务方面，一是…二是…」 asks 「提升便民服务方面有哪些举措？」."""
    for found in enumerations(article.text):
        match = _IN_RESPECT_OF.search(article.text[slice(*found.lead)].strip())
        if match:
            place = Span(found.start, found.end)
            yield Offer(f"{match['what']}{match['respect']}有哪些举措？", article.id, place, place)


def names(article: Article) -> Iterator[Offer]:
    """「“聆听日”活动」 asks 「“聆听日”活动是什么？」 of the first statement that names it."""
    asked = set()
    for match in _NAMED.finditer(article.text):
        name = match["whole"] or match["name"]
        if name not in asked:
            asked.add(name)
            place = stated(article.text, Span(match.start(), match.end()))
            yield Offer(f"“{name}”{match['sort'] or ''}是什么？", article.id, place, place)


def summaries(article: Article) -> Iterator[Offer]:
    """「概括一下“完善制度建设”」 for each section of the outermost level; what it is asked of is the heading."""
    for section in sections(article.text):
        heading = section.heading
        topic = _NUMBERED.sub("", heading.text).replace(",", "，")
        if heading.level == 1 and len(topic) >= _TELLING:
            yield Offer(
                f"概括一下{topic}" if "“" in topic else f"概括一下“{topic}”",
                article.id,
                Span(heading.start, heading.end),
                Span(heading.start, section.end),
            )


def first(articles: Iterable[Article], lexicon: Lexicon) -> tuple[Offer, ...]:
    """Up to three offers to begin with: for a figure, for a list, for a summary."""
    figure = listed = summary = None
    for article in articles:
        figure = figure or next(figures(article, lexicon), None)
        listed = listed or next(lists(article), None)
        # A heading with marks of its own (活动覆盖“全”) says too little to begin with.
        plain = [offer for offer in summaries(article) if offer.wording.startswith("概括一下“")]
        summary = summary or (plain[-1] if plain else None)
    return tuple(offer for offer in (figure, listed, summary) if offer)
