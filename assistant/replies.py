"""What is said where no article is quoted: greetings, requests that are declined, and questions without an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.evidence import Reading
from assistant.kinds import is_greeting
from assistant.reading import VALUES
from assistant.understanding import Lookup

_THANKS = re.compile(r"谢|thank|再见|拜拜|bye|辛苦|好的", re.IGNORECASE)

_RUN = re.compile(r"[0-9A-Za-z@._+\- ]+$")

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
    return "相近的段落列在出处里，都没有直接回答这个问题。"


def _short(text: str, most: int = 30) -> str:
    """``text``, or its beginning; a number or an English word is left out rather than cut in two."""
    if len(text) <= most:
        return text
    cut = text[:most]
    whole = _RUN.sub("", cut) if _RUN.match(text[most]) else cut
    return (whole or cut) + "…"
