"""What is said where no article is quoted: greetings, requests that are declined, and questions without an answer.

Also the example questions, which are drawn from the articles, so that each of them has an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from assistant.clauses import clauses, without_joiner
from assistant.enumerations import enumerations, sections
from assistant.evidence import Reading
from assistant.kinds import is_greeting
from assistant.lexicon import Lexicon
from assistant.quantities import quantities, years
from assistant.reading import VALUES
from assistant.understanding import Lookup
from index.schema import Article, Passage

_THANKS = re.compile(r"谢|thank|再见|拜拜|bye|辛苦|好的", re.IGNORECASE)
_IN_RESPECT_OF = re.compile(r"(?:^在|[,，、])(?P<what>[^,，、。]{4,20}方面)[,，]?$")
_NUMBERED = re.compile(r"^[一二三四五六七八九十]+、|^（[一二三四五六七八九十]+）")

DECLINED = "这件事我做不了：我只根据收录的资料回答中国平安消费者权益保护方面的问题。换成一个具体问题试试。"


def introduction(question: str, examples: Sequence[str]) -> str:
    """A short reply to a greeting or to 「你能做什么？」, with questions to start from."""
    if _THANKS.search(question) and is_greeting(question):
        return "不客气，有问题随时问我。"
    offered = "\n".join(f"- {example}" for example in examples)
    return f"您好，我是消保问答。我只根据收录的资料回答中国平安消费者权益保护方面的问题，每句话都附出处；资料里没有的，我会直接说没有。可以这样问我：\n{offered}"


def not_found(lookup: Lookup, reading: Reading | None) -> str:
    """One line that says that the articles do not hold the answer, and what of the question they do not hold."""
    subject = f"「{_short(lookup.text)}」" if lookup.topic else ""
    return f"资料中没有找到{subject}答案。{_reason(lookup, reading)}".strip()


def _reason(lookup: Lookup, reading: Reading | None) -> str:
    if reading is None or not reading.evidence:
        return ""
    best = reading.evidence[0].features
    if lookup.companies and best.company < 0:
        return f"资料没有提到{'、'.join(lookup.companies)}的这项内容。"
    if lookup.years and best.year < 0:
        return f"资料没有提到{'、'.join(f'{year}年' for year in lookup.years)}的这项内容。"
    if absent := [value for value in reading.lacking if value in VALUES]:
        return f"资料没有给出所问的{'、'.join(absent)}。"
    if reading.lacking:
        return f"资料没有提到{'、'.join(f'“{word}”' for word in reading.lacking[:3])}。"
    return "相近的段落列在来源里，都没有直接回答这个问题。"


def rephrasings(passages: Sequence[Passage], most: int = 2) -> tuple[str, ...]:
    """Questions near to what was found that the articles can answer: about the sections of the nearest passages."""
    topics = dict.fromkeys(
        _NUMBERED.sub("", passage.chunk.headings[0]) for passage in passages if passage.chunk.headings
    )
    return tuple(
        f"概括一下“{topic}”" if "“" not in topic else f"概括一下{topic}" for topic in list(topics)[:most]
    )


def examples(articles: Iterable[Article], lexicon: Lexicon) -> tuple[str, ...]:
    """Up to three questions that the articles answer: for a figure, for a list, for a summary."""
    figure = listed = summary = ""
    for article in articles:
        figure = figure or next(_figure_questions(article, lexicon), "")
        listed = listed or next(
            (
                f"{match['what']}有哪些举措？"
                for found in enumerations(article.text)
                if (match := _IN_RESPECT_OF.search(article.text[slice(*found.lead)].strip()))
            ),
            "",
        )
        named = [
            _NUMBERED.sub("", s.heading.text)
            for s in sections(article.text)
            if s.heading.level == 1 and "“" not in s.heading.text
        ]
        summary = summary or (named[-1] if named else "")
    return tuple(
        question for question in (figure, listed, f"概括一下“{summary}”" if summary else "") if question
    )


def _figure_questions(article: Article, lexicon: Lexicon) -> Iterator[str]:
    """「平安人寿赔付410万件」 asks 「平安人寿赔付了多少件？」, with the year its paragraph gives."""
    for line in article.text.split("\n"):
        for start, end in clauses(line):
            start, end = without_joiner(line, (start, end))
            clause = line[start:end]
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
            dated = years(line[:start])
            if 2 <= len(verb) <= 4:
                yield f"{f'{dated[-1]}年' if dated else ''}{clause[: named[0].end]}{verb}了多少{held[0].unit}？"


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[:most] + "…"
