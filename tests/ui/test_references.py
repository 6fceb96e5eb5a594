"""What an answer becomes outside the page: references, clipboard text, Markdown, and links to a quote."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.schema import Article
from tests.ui.conftest import CAMPAIGN, CLAIMS, HOSTILE, answer, citation
from ui.records import Turn
from ui.references import answer_text, conversation_markdown, reference, text_fragment
from ui.snapshot import Snapshot

TODAY = date(2024, 1, 2)
QUOTE = "2022年，平安人寿赔付410万件"
CITED = citation(1, CLAIMS, QUOTE)


def snapshot(text: str, *citations, question: str = "多少件？", **changes) -> Snapshot:
    return Snapshot.of(answer(question, text, citations, **changes))


# References


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "某报. 标题[EB/OL]. (2023-09-27)[2024-01-02]. https://a.cn/x."),
        ({"publisher": ""}, "标题[EB/OL]. (2023-09-27)[2024-01-02]. https://a.cn/x."),
        ({"published": None}, "某报. 标题[EB/OL]. [2024-01-02]. https://a.cn/x."),
        ({"url": ""}, "某报. 标题[Z]. 2023-09-27."),
        ({"url": "javascript:alert(1)", "published": None, "publisher": ""}, "标题[Z]."),
        ({"url": "https://a.cn/中 文"}, "某报. 标题[EB/OL]. (2023-09-27)[2024-01-02]. https://a.cn/%E4%B8%AD%20%E6%96%87."),
        ({"title": "标\n题\x1b\u202e之\t二", "publisher": " 某\r\n报 "}, "某 报. 标 题之 二[EB/OL]. (2023-09-27)[2024-01-02]. https://a.cn/x."),
    ],
)  # fmt: skip
def test_a_source_is_referred_to_as_the_standard_has_it(changes, expected):
    known = {"title": "标题", "publisher": "某报", "published": date(2023, 9, 27), "url": "https://a.cn/x"}
    assert reference(replace(CITED, **(known | changes)), TODAY) == expected


@settings(max_examples=200, deadline=None)
@given(title=st.text(), publisher=st.text(), url=st.one_of(st.text(), st.text().map("https://a.cn/".__add__)))
def test_a_reference_is_one_line_whatever_the_source_is_called(title, publisher, url):
    entry = reference(replace(CITED, title=title, publisher=publisher, url=url), TODAY)
    assert len(entry.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", entry)
    assert entry.endswith(".")


# The clipboard


def test_the_text_of_an_answer_is_followed_by_each_article_once_with_all_its_numbers():
    second = citation(2, CAMPAIGN, "统筹部署13家相关成员公司")
    third = citation(3, CLAIMS, "平安产险家用车赔付超1,000万件")
    text = answer_text(snapshot("甲[1]。\n- 乙\x1b[2]\n- 丙[3]", CITED, second, third), TODAY)
    assert text == (
        "甲[1]。\n- 乙[2]\n- 丙[3]\n\n"
        f"[1][3] 中国金融新闻网. {CLAIMS.title}[EB/OL]. (2023-09-27)[2024-01-02]. https://example.cn/a1?x=1&y=2.\n"
        f"[2] {CAMPAIGN.title}[Z]."
    )


def test_the_text_of_an_answer_without_sources_is_only_that():
    assert answer_text(snapshot("资料中没有找到。", status="not_found"), TODAY) == "资料中没有找到。"


# Markdown


class Seen(HTMLParser):
    """The elements of a page, the addresses of its links, and its text."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        self.text.append(data)


def test_a_conversation_has_questions_as_headings_answers_and_footnotes():
    first = snapshot(f"{QUOTE}[1]。\n- 一[1]\n- 二[9]\n完。", CITED)
    second = snapshot("见[1]", citation(1, CAMPAIGN, "集团明确宣传重点，"), status="partial")
    turns = [
        Turn("多少件？", first),
        Turn("又\n多少？", second),
        Turn("坏了？", error="正在加载。"),
        Turn("你好", snapshot("你好。", status="smalltalk")),
    ]
    assert conversation_markdown("标题", turns, TODAY) == (
        "# 标题\n\n"
        "## 问：多少件？\n\n状态：有据可查\n\n2022年，平安人寿赔付410万件[^1-1]。\n\n- 一[^1-1]\n- 二\\[9\\]\n\n完。\n\n"
        "[^1-1]: 中国金融新闻网. 中国平安在金融消费者权益保护工作中的实践与探索\\[EB/OL\\]. (2023-09-27)\\[2024-01-02\\]. "
        "<https://example.cn/a1?x=1&y=2>. 原文：「2022年，平安人寿赔付410万件」\n\n"
        "## 问：又 多少？\n\n状态：部分有据\n\n见[^2-1]\n\n"
        "[^2-1]: 全面开展2023年“金融消费者权益保护教育宣传月”活动\\[Z\\]. 原文：「集团明确宣传重点，」\n\n"
        "## 问：坏了？\n\n没有回答：正在加载。\n\n"
        "## 问：你好\n\n你好。\n"
    )


def test_figures_and_times_stay_legible_in_markdown():
    text = "2023-09-27 10:30 占3.5%，1,000万件（95511）a/b。"
    assert f"\n\n{text}\n" in conversation_markdown("题", [Turn("问", snapshot(text))], TODAY)


def test_a_marker_is_neither_an_image_nor_the_text_of_a_link():
    source = conversation_markdown("题", [Turn("问", snapshot("好![1](甲)[1]:5", CITED))], TODAY)
    assert "\n\n好\\![^1-1]\\(甲)[^1-1]\\:5\n" in source


# Every construct of Markdown, of its dialects, and of HTML that could be smuggled in.
SMUGGLED = [
    "# 标题", "题\n===", "题\n---", "***", "- 项", "+ 项", "* 项", "1. 项", "2) 项", "> 引", "    代码", "```\n代码\n```",
    "~~~\n代码", "`代码`", "**粗** __粗__ *斜* _斜_", "~~删~~", "![图](https://evil.example/p.png)",
    "[点](https://evil.example)", "[点](javascript:alert(1))", "[点][1]\n\n[1]: https://evil.example", "![a][1-1]",
    "<https://evil.example>", "<javascript:alert(1)>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "<b>粗</b>", "<!-- x -->", "<?php x ?>", "&lt;script&gt;", "&#60;b&#62;", "a|b\n-|-\n1|2", "\\[点](https://evil.example)",
    "\\<b>", "\\", "[^1-1]: 假的", "[1]: https://evil.example '题'", "[1] [^1-1]", "[1](https://evil.example)",
    "$x$", "<details>\n\n# x", "</h1>", "\u2028# 标题", "\x85# 标题", "\x0b- 项", "a  \nb", "# 题 #", "](https://evil.example)",
    "<https://evil.example/[1]>", "**[1]**", "*[1]*", "`[1]`",
    "[1]:5", "[1]: 5", "![1]", "![1](https://evil.example)", "[1][1-1]", "[[1]](https://evil.example)", "\\[1](https://evil.example)",
]  # fmt: skip
HARMLESS = {"h1", "h2", "p", "a", "ul", "li"}
ADDRESS = "https://own.example/a_b*c*d?x=[1]&y=2"


def hostile(text: str, url: str = ADDRESS) -> str:
    """A conversation in which everything that others wrote is ``text``."""
    article = Article("h", text, text, None, url, text)
    shown = snapshot(f"{text}[1]\n{text}\n- {text}[1]", citation(1, article, text, (text,)), question=text)
    return conversation_markdown(text, [Turn(text, shown), Turn(text, error=text)], TODAY)


def displayed(text: str) -> str:
    """What is left of a text that is put on one line, without its spaces, as the reader sees it."""
    return re.sub(r"\s|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", text)


@pytest.mark.parametrize("text", [*SMUGGLED, HOSTILE.text, HOSTILE.title])
def test_nothing_that_others_wrote_becomes_markup(text):
    seen = Seen(hostile(text))
    assert set(seen.tags) <= HARMLESS
    assert seen.tags.count("h1") == 1 and seen.tags.count("h2") == 2
    assert [unquote(link) for link in seen.links] == [ADDRESS]
    # And all of it is still to be read: as the title, in both questions, in the quote, as the error.
    assert displayed("".join(seen.text)).count(displayed(text)) >= 5


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(
        st.one_of(st.sampled_from(SMUGGLED), st.text(alphabet="\\`*_{}[]()<>#+-.!|~$^=:@&\"'\n 1a中", min_size=1)),
        min_size=1,
        max_size=4,
    ).map("".join)
)  # fmt: skip
def test_no_mixture_of_what_others_wrote_becomes_markup(text):
    seen = Seen(hostile(text))
    assert set(seen.tags) <= HARMLESS and seen.tags.count("h1") == 1 and seen.tags.count("h2") == 2
    assert [unquote(link) for link in seen.links] == [ADDRESS]
    assert displayed(text) in displayed("".join(seen.text))


@pytest.mark.parametrize("text", ["https://evil.example/x", "www.evil.com", "www.1.com", "evil.com", "mailto:a@b.cn", "http://[::1]/"])  # fmt: skip
def test_a_bare_address_is_broken_up_for_dialects_that_would_make_it_a_link(text):
    source = hostile(text, url="")
    assert text not in source and not Seen(source).links
    assert not re.search(r"[a-z]:/|[a-z]\.[a-z1]", source)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://", "https://[", "file:///etc/passwd", "x"])
def test_an_address_that_is_not_the_webs_is_no_link(url):
    source = hostile("甲", url=url)
    assert not Seen(source).links and "\\[Z\\]" in source


@pytest.mark.parametrize(
    "url", [HOSTILE.url, "https://a.cn/> <b>x", "https://a.cn/\n\n# x", "https://a.cn/中|`x`"]
)
def test_an_address_cannot_end_its_link(url):
    seen = Seen(hostile("甲", url=url))
    assert set(seen.tags) <= HARMLESS and seen.tags.count("h1") == 1
    assert [unquote(link) for link in seen.links] == [unquote(url.replace("\n", ""))]


# Links to a quote


def named(link: str) -> list[str]:
    """The texts of a link's directive."""
    return [unquote(part) for part in link.partition(":~:text=")[2].split(",")]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.cn/x", "https://a.cn/x#:~:text="),
        ("https://a.cn/x#sec-2", "https://a.cn/x#sec-2:~:text="),
        ("https://a.cn/x#", "https://a.cn/x#:~:text="),
        ("https://a.cn/x#sec:~:text=old", "https://a.cn/x#sec:~:text="),
        ("http://a.cn/中?q=1&r=2", "http://a.cn/%E4%B8%AD?q=1&r=2#:~:text="),
        ("https://a.cn/%E4%B8%AD", "https://a.cn/%E4%B8%AD#:~:text="),
    ],
)
def test_the_directive_stands_after_the_address_and_what_it_points_to_already(url, expected):
    assert text_fragment(url, "a-b,c&d%") == f"{expected}a%2Db%2Cc%26d%25"


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "//a.cn", "https://", "https://[", "x"])
def test_where_there_is_no_web_address_there_is_no_link(url):
    assert text_fragment(url, QUOTE) == ""


@pytest.mark.parametrize("quote", ["", " \n\t", "\u200b"])
def test_an_empty_quote_leads_to_the_page(quote):
    assert text_fragment("https://a.cn/x", quote) == "https://a.cn/x"


@pytest.mark.parametrize(
    ("quote", "texts"),
    [
        (QUOTE, [QUOTE]),
        ("长" * 40, ["长" * 40]),
        ("长" * 41, ["长" * 12, "长" * 12]),
        ("三、优化服务\n2022年，平安人寿赔付410万件。\n", ["三、优化服务", QUOTE + "。"]),
        ("\n  甲\n\n乙\u202e \n", ["甲", "乙"]),
        # Clauses are not cut, nor are figures and Latin words.
        ("据统计截至年末，" + "长" * 40 + "。全年增长非常明显。", ["据统计截至年末", "全年增长非常明显。"]),
        ("平安人寿累计赔付金额达1,234,567,890元" + "长" * 40, ["平安人寿累计赔付金额达1,234,567,890", "长" * 12]),
        ("长" * 40 + "402亿元整体获赔率高达99.9%", ["长" * 12, "整体获赔率高达99.9%"]),
        ("长" * 40 + "赔付1,402亿元获赔率高达99.9%", ["长" * 12, "1,402亿元获赔率高达99.9%"]),
        ("长" * 40 + "的金额共计1,234,567,890元", ["长" * 12, "1,234,567,890元"]),
        ("x" * 60, ["x" * 60]),
    ],
)  # fmt: skip
def test_a_short_quote_is_named_whole_and_a_long_one_by_its_ends(quote, texts):
    assert named(text_fragment("https://a.cn/x", quote)) == texts


@settings(max_examples=300, deadline=None)
@given(quote=st.text(alphabet="长安，。0123456789,.%-&a \n", min_size=1, max_size=120))
def test_what_a_link_names_are_the_ends_of_the_quote_uncut_in_a_figure(quote):
    lines = [line.strip() for line in quote.splitlines() if line.strip()]
    link = text_fragment("https://a.cn/x", quote)
    assert urlsplit(link).path == "/x" and re.fullmatch(r"[!-~]+", link)
    if not lines:
        return
    texts = named(link)
    assert 1 <= len(texts) <= 2 and all(texts)
    assert lines[0].startswith(texts[0]) and lines[-1].endswith(texts[-1])
    if len(texts) == 1:
        assert texts == lines
    else:
        for line, at in ((lines[0], len(texts[0])), (lines[-1], len(lines[-1]) - len(texts[1]))):
            assert not re.fullmatch(
                r"\d\d|\d[.,]|[.,]\d", line[at - 1 : at + 1] if 0 < at < len(line) else ""
            )
