"""What a page says, without what surrounds it: site names, link and source lines, disclaimers, adverts.

Furniture stands at the two ends of a saved page, so it is looked for only there: rules are tried on the
first lines until one holds that no rule knows, and on the last lines in the same way. A sentence in
between may speak of a 声明, an advert, a QQ number or a 来源 as it likes and stays. The rules know kinds of
lines, never the wording of one page; what a line says about the article (publisher, date, link) is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from index.disguises import undisguised

_MAX_FURNITURE = 60
_MAX_DISCLAIMER = 400
_MAX_TITLE = 90
_MAX_HEADING = 40

_BLANKS = " \t\u00a0\u3000"
_SITE = r"(?:[\w-]+\.)+(?:com|cn|net|org|cc|中国|公司|网络)"
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)日?")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_LINK = re.compile(r"https?://[^\s\u00a0\u3000，。；、）)》」”]+")
_SOURCE_LABEL = re.compile(r"^(?:文章|稿件|信息|新闻)?(?:来源|来自|转自|出处)\s*[:：]\s*")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An article without page furniture. ``text`` has its paragraphs separated by single line feeds and does
    not hold the title; ``title``, ``publisher`` and ``url`` are empty, ``published`` is None, where the page
    states none."""

    text: str
    title: str = ""
    publisher: str = ""
    published: date | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading found in a text: ``text[start:end] == heading.text``. Level 1 is the outermost; a run-in
    label such as 「全层级:」 (without its colon) has the innermost level, ``RUN_IN_LEVEL``."""

    text: str
    start: int
    end: int
    level: int


RUN_IN_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of furniture: a name for people, and what a whole line of it looks like."""

    name: str
    pattern: re.Pattern[str]
    max_chars: int = _MAX_FURNITURE

    def holds(self, line: str) -> bool:
        """Whether the whole of ``line``, already stripped, is this kind of furniture."""
        return len(line) <= self.max_chars and self.pattern.fullmatch(line) is not None


def _rule(name: str, pattern: str, max_chars: int = _MAX_FURNITURE) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), max_chars)


_BYLINE = _rule(
    "byline", r"[（(【]?(?:责任编辑|编辑|责编|作者|记者|校对|审核|通讯员|文字?|撰文)\s*[:：/丨|].{1,40}"
)
_SITE_NAME = _rule("site name", rf"(?:https?://)?{_SITE}/?(?:[-—_|·\s\u00a0]+[^，。；！？,;]{{1,24}})?")

HEAD_RULES: tuple[Rule, ...] = (
    _SITE_NAME,
    _rule(
        "stock page header",
        r"[\w*]{2,10}\s*[(（]\s*\d{5,6}(?:\.[a-z]{2})?\s*[)）]"
        r"[^，。；！？,;]{0,12}(?:消息披露|信息披露|内幕信息|最新消息|资讯|行情|股吧|公告大全|新闻列表)",
    ),
    _rule("search box", r"[^，。；！？,;]{0,20}(?:查询|搜索|检索|导航)\s*[:：]"),
    _rule("breadcrumb", r"(?:您?(?:当前|现在|所在)的?位置|当前位置)\s*[:：].*|首页\s*[>›»].*"),
    _rule("link, date and channel", r"https?://\S+(?:\s+[^，。；！？,;]{0,40})?"),
    _rule(
        "date line",
        r"(?:(?:发布|更新)?(?:日期|时间)\s*[:：]\s*)?" + _DATE.pattern + r"(?:\s+\d{1,2}:\d\d(?::\d\d)?)?",
    ),
    _rule("source line", _SOURCE_LABEL.pattern.removeprefix("^") + r"[^，。；！？,;]{1,50}"),
    _BYLINE,
)

FOOT_RULES: tuple[Rule, ...] = (
    _SITE_NAME,
    _rule(
        "disclaimer",
        r"[（(【\[*]?\s*(?:免责|版权|特别|郑重|风险)?(?:声明|提示)\s*[】\]]?\s*[:：]"
        r"(?=.*(?:本网|本站|本平台|转载|转发|版权|著作权|投资建议|不构成)).*",
        _MAX_DISCLAIMER,
    ),
    _rule(
        "contact or advert",
        r"(?=.*(?:广告|商务|合作|投稿|侵权|联系我们|问题请联系))(?=.*(?:[\w.+-]+@[\w-]+\.\w+|(?:QQ|微信)\s*[:：]?\s*\w{5,}))[^。；！？]*",
        100,
    ),
    _rule("source line", _SOURCE_LABEL.pattern.removeprefix("^") + r"[^，。；！？,;]{1,50}"),
    _BYLINE,
)

_NUMERAL = "一二三四五六七八九十百"
_LINE_HEADINGS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (1, re.compile(rf"第[{_NUMERAL}\d]{{1,4}}[章节部分篇编]{{1,2}}\s*\S.*")),
    (1, re.compile(rf"[{_NUMERAL}]{{1,3}}、\S.*")),
    (2, re.compile(rf"[（(][{_NUMERAL}]{{1,3}}[)）]\s*\S.*")),
    (2, re.compile(r"\d{1,2}[.．、](?!\d)\s*\S.*")),
    (1, re.compile(r"[^，。；：！？,;:!?“”「」]{2,12}[“「][^“”「」，。,]{1,8}[”」]")),
)
_SENTENCE_FINAL = "。！？；：，、!?;:,…"
_RUN_IN = re.compile(r"([\u4e00-\u9fff]{2,6})[:：](?=\s*[^\s:：])")
_NOT_A_LABEL = re.compile(
    r".*(?:说|说道|问|问道|答|答道|称|讲|写道|指出|表示|认为|强调|要求|显示|介绍|透露|提到|提出|如下|包括|例如|比如|譬如|"
    r"其中|即|来源|声明|记者|时间|日期|地点|电话)"
)


def clean(raw: str) -> Cleaned:
    """The article in a saved page, and what the page says about it.

    The title is the first line that is not furniture, unless it reads as a paragraph or a section heading.
    What disguises a text (``index.disguises``) is gone from all that is returned.
    Pure; never fails: a page of nothing but furniture gives an empty ``text``.
    """
    page = undisguised(raw.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.strip(_BLANKS) for line in page.split("\n")]
    lines = [line for line in lines if line]
    found = Cleaned("")
    lines, found = _strip_head(lines, found)
    if len(lines) > 1 and _is_title(lines[0]):
        found = replace(found, title=lines[0])
        lines, found = _strip_head(lines[1:], found)
    lines, found = _strip_foot(lines, found)
    return replace(found, text="\n".join(lines))


def _strip_head(lines: Sequence[str], found: Cleaned) -> tuple[list[str], Cleaned]:
    for position, line in enumerate(lines):
        if not any(rule.holds(line) for rule in HEAD_RULES):
            return list(lines[position:]), found
        found = _note(line, found)
    return [], found


def _strip_foot(lines: Sequence[str], found: Cleaned) -> tuple[list[str], Cleaned]:
    rest = list(lines)
    while rest and any(rule.holds(rest[-1]) for rule in FOOT_RULES):
        found = _note(rest.pop(), found)
    return rest, found


def _note(line: str, found: Cleaned) -> Cleaned:
    """What a line of furniture says about the article; what is known already is not replaced."""
    published = found.published or find_date(line)
    label = _SOURCE_LABEL.match(line)
    publisher = found.publisher
    if label and not publisher:
        named = _CLOCK.sub("", _DATE.sub("", _LINK.sub("", line[label.end() :])))
        publisher = named.strip(_BLANKS + "|丨-—")
    link = _LINK.search(line)
    # A bare link is the site's own; only one that stands with a date is said of this article.
    url = found.url or (link.group() if link and (find_date(line) or label) else "")
    return replace(found, publisher=publisher, published=published, url=url)


def find_date(line: str) -> date | None:
    """The first calendar date in ``line`` (2023-09-27, 2023/9/27, 2023年9月27日), if there is one."""
    for match in _DATE.finditer(line):
        year, month, day = (int(part) for part in match.groups())
        try:
            return date(year, month, day)
        except ValueError:  # such as month 13: written like a date, but none
            continue
    return None


def _is_title(line: str) -> bool:
    return len(line) <= _MAX_TITLE and line[-1] not in "。；：，、;:," and _line_level(line) is None


def _line_level(line: str) -> int | None:
    if len(line) > _MAX_HEADING or line[-1] in _SENTENCE_FINAL or any(mark in line for mark in "。！？"):
        return None
    return next((level for level, pattern in _LINE_HEADINGS if pattern.fullmatch(line)), None)


def find_headings(text: str) -> tuple[Heading, ...]:
    """The headings of a cleaned text, in order.

    A heading is a short line of its own without sentence-final punctuation, numbered (「一、…」, 「（二）…」)
    or closing on a quoted word (「活动覆盖“全”」); or a run-in label, the two to six characters before a
    colon that opens a paragraph (「全层级:…」), unless they introduce speech or a list (「他表示:」).
    """
    headings = []
    start = 0
    for line in text.split("\n"):
        level = _line_level(line) if line else None
        label = _RUN_IN.match(line)
        if level is not None:
            headings.append(Heading(line, start, start + len(line), level))
        elif label and not _NOT_A_LABEL.fullmatch(label[1]):
            headings.append(Heading(label[1], start, start + label.end(1), RUN_IN_LEVEL))
        start += len(line) + 1
    return tuple(headings)
