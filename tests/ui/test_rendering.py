from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Claim, Draft, Retrieved, Searching
from tests.ui.conftest import CAMPAIGN, CLAIMS, HOSTILE, answer, citation, passage
from ui.addresses import is_web_address
from ui.emphasis import key_phrases
from ui.records import Turn
from ui.rendering import answer_html, clean, question_html, step_html
from ui.routes import history
from ui.snapshot import Snapshot
from ui.sources import Mark, Quoted, article_html, library_html, marks, panel_html

HOSTILE_TEXTS = [
    "<script>alert(1)</script>",
    '<img src="https://evil.example/x.png" onerror=alert(1)>',
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "\n\n# 标题\n\n<form action=https://evil.example><input></form>",
    '"><svg onload=alert(1)>',
    "</div></details><iframe src=//evil.example>",
    "[1]<a href='javascript:alert(1)'>",
    "$$\\href{javascript:alert(1)}{x}$$ `a` **b**",
    "&lt;script&gt;",
]
OWN_TAGS = {
    "a",
    "br",
    "button",
    "details",
    "div",
    "h3",
    "h4",
    "h5",
    "li",
    "mark",
    "ol",
    "p",
    "span",
    "strong",
    "summary",
    "sup",
    "ul",
}
OWN_ATTRIBUTES = {
    "aria-label",
    "class",
    "data-article",
    "data-origin",
    "data-quote",
    "data-quoted",
    "data-source",
    "href",
    "id",
    "open",
    "rel",
    "tabindex",
    "target",
    "type",
}


def shown(*values: object, **changes: object) -> Snapshot:
    """``conftest.answer``, as it is kept and shown."""
    return Snapshot.of(answer(*values, **changes))


class Tags(HTMLParser):
    """Collects what a browser would make of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def assert_harmless(html: str) -> None:
    page = Tags(html)
    assert set(page.tags) <= OWN_TAGS
    assert {name for name, _ in page.attributes} <= OWN_ATTRIBUTES
    for name, value in page.attributes:
        if name == "href":
            assert is_web_address(value)
    # A line break would end the HTML block, and Markdown would be read from there on.
    assert "\n" not in html and "\r" not in html
    assert html.startswith("<div")


def hostile_answer(text: str):
    cited = citation(1, HOSTILE, HOSTILE.text[:40], (text, HOSTILE.title))
    return shown(
        text,
        f"{text}[1]",
        [cited],
        [passage(HOSTILE, (text,))],
        looked_up=f"{text}?",
        suggestions=(text,),
        engine=text,
    )


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_becomes_text_wherever_it_is_shown(text):
    hostile = replace(HOSTILE, title=text, publisher=text, text=f"{text}\n{HOSTILE.text}")
    for html in [
        question_html(text),
        step_html(Searching(text)),
        step_html(Draft(text)),
        answer_html(hostile_answer(text)),
        panel_html(hostile_answer(text)),
        panel_html(shown(text, text, passages=[passage(HOSTILE, (text,))], status="not_found")),
        library_html([HOSTILE, hostile], None),
        article_html(hostile, [Quoted.of(hostile.text[2:30], 2)]),
    ]:
        assert_harmless(html)


@given(st.text())
def test_any_text_is_shown_on_one_line_and_reads_as_it_was(text):
    html = question_html(text)
    assert_harmless(html)
    if len(text) <= 600:
        assert Tags(html.replace("<br>", "\n")).text == clean(text)


@given(st.text(st.characters()))
def test_what_is_shown_can_be_sent_as_utf_8(text):
    assert question_html(text).encode("utf-8")


def test_characters_that_turn_text_around_or_hide_are_left_out():
    assert clean("安\u202e全\u200b\u0000号\ufeff码\ud800") == "安全号码"


def test_line_breaks_and_tabs_stay():
    assert clean("一\r\n二\t三\r四") == "一\n二\t三\n四"


def test_a_marker_becomes_a_chip_that_names_its_quote_and_leads_to_it():
    quote = "2022年，平安人寿赔付410万件"
    cited = shown("赔付多少件？", f"{quote}[1]。", [citation(1, CLAIMS, quote)], [passage(CLAIMS)])
    assert (
        f'<sup><button type="button" class="xb-cite" aria-label="出处 1：《{CLAIMS.title}》" data-source="1" '
        f'data-origin="《{CLAIMS.title}》" data-quote="{quote}">1</button></sup>'
    ) in answer_html(cited)
    assert 'id="source-1"' in panel_html(cited)


@pytest.mark.parametrize(
    ("support", "label"), [("verbatim", "逐字引用"), ("supported", "已核对"), ("unsupported", "未能核对")]
)
def test_each_sentence_says_how_well_it_is_carried(support, label):
    quote = "2022年，平安人寿赔付410万件"
    claims = (Claim(f"{quote}[1]", (1,), support), Claim("第二句", (), "verbatim"))
    html = answer_html(
        shown("甲", f"{quote}[1]。第二句", [citation(1, CLAIMS, quote)], [passage(CLAIMS)], claims=claims)
    )
    listed = html[html.index("<details") :]
    assert "逐句核对（2 句）" in listed
    assert f'<span class="xb-badge xb-{support}">{label}</span> {quote}<sup><button' in listed


def test_where_nothing_is_claimed_there_is_nothing_to_check():
    assert "逐句核对" not in answer_html(shown("股价？", "没有找到", status="not_found"))


def test_a_marker_without_a_citation_stays_text():
    assert "[7]" in answer_html(shown("甲", "见[7]。"))


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("grounded", "有据可查"),
        ("partial", "部分有据"),
        ("not_found", "资料中未找到"),
        ("declined", "不在回答范围"),
    ],
)
def test_the_status_is_said_in_words(status, label):
    assert label in answer_html(shown("甲", "乙", status=status))


def test_small_talk_carries_no_status():
    assert "xb-badge" not in answer_html(shown("你好", "你好", status="smalltalk", kind="smalltalk"))


def test_a_rewritten_question_is_shown_and_an_unchanged_one_is_not():
    assert "按「平安人寿赔付多少？」查找" in answer_html(
        shown("那赔付呢？", "乙", looked_up="平安人寿赔付多少？")
    )
    assert "查找" not in answer_html(shown("甲", "乙"))


def test_a_question_that_only_lost_its_full_width_marks_counts_as_unchanged():
    assert "查找" not in answer_html(shown("２０２２年，赔付？", "乙", looked_up="2022年,赔付?"))


@pytest.mark.parametrize(
    ("kind", "question", "text", "figures"),
    [
        ("figure", "2022年平安人寿赔付了多少件？", "2022年，平安人寿赔付410万件[1]。", {"410万件"}),
        ("figure", "理赔金额多少？", "理赔金额达402亿元，同比增长5%[1]。", {"402亿元"}),
        ("figure", "接待多少次？", "接待日1493次，接待客户1556人次", {"1493次"}),
        ("date", "什么时候启动？", "于2023年9月15日正式启动[1]", {"2023年9月15日"}),
        ("contact", "电话是多少？", "请拨打95511-3[1]", {"95511-3"}),
        ("how", "怎样做？", "投入410万件[1]", set()),
        ("figure", "触达多少人？", "开展2万余场，触达超7亿人次[1]", {"7亿人次"}),
        ("yes_no", "赔付了5件吗？", "不是。资料为15件，不是5件：赔付15件[1]", {"不是"}),
        ("yes_no", "开展了吗？", "资料提到：开展[1]", set()),
        ("entity", "哪家建了展馆？", "平安产险搭建展馆[1]", {"平安产险"}),
        ("entity", "平安产险找谁？", "平安产险联系平安银行[1]", {"平安银行"}),
    ],
)
def test_what_was_asked_for_is_bold(kind, question, text, figures):
    result = shown(question, text, kind=kind)
    assert key_phrases(result) == figures
    for figure in figures:
        assert f"<strong>{figure}</strong>" in answer_html(result)


def test_a_figure_is_bold_where_it_is_one_and_not_inside_another():
    html = answer_html(shown("多少件？", "5件，不是15件[1]", looked_up="多少件？"))
    assert "<strong>5件</strong>，不是<strong>15件</strong>" in html


def test_a_verdict_is_bold_at_its_place_alone():
    html = answer_html(shown("5件吗？", "不是。资料为15件，不是5件[1]", kind="yes_no"))
    assert html.count("<strong>") == 1 and "<strong>不是</strong>。资料" in html


def test_where_everything_is_a_figure_none_is_bold():
    assert key_phrases(shown("数据？", "1件，2件，3件，4件，5件")) == set()


def test_a_quote_is_marked_in_its_passage():
    quote = "2022年，平安人寿赔付410万件"
    html = panel_html(shown("甲", quote, [citation(1, CLAIMS, quote, ("三、优化",))], [passage(CLAIMS)]))
    assert f'<mark class="xb-quote-1">{quote}</mark>，同比增长5%' in html
    assert "中国金融新闻网 · 2023-09-27" in html
    assert '<div class="xb-path">三、优化</div>' in html
    assert (
        'href="https://example.cn/a1?x=1&amp;y=2#:~:text=2022%E5%B9%B4' in html
        and 'target="_blank" rel="noopener noreferrer nofollow">' in html
    )


def test_what_an_article_does_not_state_is_said_to_be_unstated():
    quote = "统筹部署13家"
    html = panel_html(shown("甲", quote, [citation(1, CAMPAIGN, quote)], [passage(CAMPAIGN)]))
    assert "未注明 · 未注明日期" in html
    assert "<a " not in html


def test_a_quote_that_reaches_beyond_its_passage_is_shown_whole():
    whole = passage(CLAIMS)
    short = type(whole.chunk)("a1-0", "a1", CLAIMS.text[8:20], 8, 20, ())
    quote = CLAIMS.text[12:30]
    cited = citation(1, CLAIMS, quote)
    html = panel_html(shown("甲", quote, [cited], [type(whole)(short, CLAIMS, 1.0)]))
    assert f'<mark class="xb-quote-1">{quote}</mark>' in html


def test_a_citation_whose_passage_is_not_at_hand_still_shows_its_quote():
    quote = "统筹部署13家"
    html = panel_html(shown("甲", quote, [citation(1, CAMPAIGN, quote)], [passage(CLAIMS)]))
    assert f">{quote}</mark>" in html


def test_quotes_that_overlap_share_what_they_share():
    quotes = [citation(1, CLAIMS, CLAIMS.text[2:10]), citation(2, CLAIMS, CLAIMS.text[6:14])]
    assert marks(quotes, 2) == (Mark(0, 4, (1,)), Mark(4, 8, (1, 2)), Mark(8, 12, (2,)))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=6))
def test_marks_cover_exactly_the_quotes_and_never_overlap(spans):
    text = "字" * 80
    article = type(CLAIMS)("x", "题", "", None, "", text)
    cited = [
        type(citation(1, CLAIMS, "平安"))(n, "x-0", "x", "题", "", None, "", (), text[s : s + k], s, s + k)
        for n, (s, k) in enumerate(spans, start=1)
    ]
    found = marks(cited, 0)
    assert all(a.end <= b.start for a, b in pairwise(found))
    covered = {(i, n) for mark in found for i in range(mark.start, mark.end) for n in mark.numbers}
    assert covered == {(i, c.number) for c in cited for i in range(c.start, c.end)}
    html = panel_html(shown("甲", "乙", cited, [passage(article)]))
    assert Tags(html).text.count("字") == 80


def test_near_passages_of_a_question_without_answer_are_folded_and_marked_unused():
    html = panel_html(shown("股价？", "没有", passages=[passage(CLAIMS)], status="not_found"))
    assert "<details" in html and "未采用" in html and "xb-unused" in html
    assert "<mark" not in html


def test_passages_that_were_not_used_are_not_shown_beside_a_grounded_answer():
    quote = "统筹部署13家"
    html = panel_html(
        shown("甲", quote, [citation(1, CAMPAIGN, quote)], [passage(CAMPAIGN), passage(CLAIMS)])
    )
    assert "未采用" not in html and CLAIMS.title not in html


def test_the_whole_article_is_shown_with_its_headings_and_the_quote_marked():
    article = replace(
        CLAIMS, text="一、优化服务\n2022年，平安人寿赔付410万件，同比增长5%。\n平安产险赔付超1,000万件。\n"
    )
    start = article.text.index("平安人寿")
    html = article_html(
        article, [Quoted.of("平安人寿赔付410万件", start), Quoted.of("付410万件，同比", start + 5)]
    )
    assert "<h3>一、优化服务</h3>" in html
    assert "<p>2022年，<mark>平安人寿赔付410万件，同比</mark>增长5%。</p>" in html
    assert "改动" not in html


def test_a_quote_over_several_lines_is_marked_in_each_of_them():
    text = "甲乙丙丁。\n戊己庚辛。"
    html = article_html(replace(CLAIMS, text=text), [Quoted.of(text[2:8], 2)])
    assert "<p>甲乙<mark>丙丁。</mark></p><p><mark>戊己</mark>庚辛。</p>" in html


def test_a_quote_that_the_article_no_longer_has_is_not_marked_elsewhere():
    html = article_html(CLAIMS, [Quoted(8, 12, "00000000")])
    assert "<mark" not in html and "已不在原处" in html


@pytest.mark.parametrize("text", ["", "1-2", "a-b-c", "1-2-3-4", "--"])
def test_a_place_that_is_none_is_refused(text):
    with pytest.raises(ValueError):
        Quoted.parse(text)


def test_a_place_reads_back_as_it_was_written():
    quoted = Quoted.of("赔付", 12)
    assert Quoted.parse(str(quoted)) == quoted


def test_the_library_says_where_from_how_long_and_since_when():
    html = library_html([CLAIMS, CAMPAIGN], datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert "回答只出自这 2 篇资料 · 索引于 2026-01-0" in html
    assert "中国金融新闻网 · 2023-09-27" in html and f"{len(CLAIMS.text)} 字" in html
    assert "发布方未注明 · 未注明日期" in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "",
        "http:",
        "https://[",
        "ftp://a.b",
    ],
)
def test_only_web_addresses_become_links(url):
    assert not is_web_address(url)


def test_progress_says_what_is_being_done():
    assert "正在查找：赔付" in step_html(Searching("赔付"))
    assert "找到 2 段资料" in step_html(Retrieved((passage(CLAIMS), passage(CAMPAIGN))))


def test_history_holds_the_answered_turns_only():
    turns = [Turn("甲", shown("甲", "答甲[1]")), Turn("乙", error="太长"), Turn("丙", shown("丙", "答丙"))]
    assert history(turns) == (("user", "甲"), ("assistant", "答甲[1]"), ("user", "丙"), ("assistant", "答丙"))


def test_a_very_long_question_is_shown_short_with_its_length():
    html = question_html("长" * 100_000)
    assert len(html) < 1000 and "共 100000 字" in html
