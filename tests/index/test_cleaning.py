"""Cleaning removes what surrounds an article, keeps what it says of it, and eats none of its sentences."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.cleaning import RUN_IN_LEVEL, Cleaned, clean, find_date, find_headings

PAGE = """example.cn-某某网.中国
某某网.CN
中国平安(601318)内幕信息消息披露
\xa0
个股最新内幕信息查询: \xa0\xa0\xa0

平安开展消保活动

http://www.example.cn\xa0\xa02023-09-27\xa0\xa0中国平安内幕信息

来源 :中国金融新闻网2023-09-27

\u3000\u3000第一段说消保。

  第二段说赔付。

有问题请联系 12345@qq.com 商务合作广告联系 QQ:12345678
www.example.cn 某某网"""


def test_furniture_goes_and_what_it_says_stays_as_metadata() -> None:
    assert clean(PAGE) == Cleaned(
        text="第一段说消保。\n第二段说赔付。",
        title="平安开展消保活动",
        publisher="中国金融新闻网",
        published=date(2023, 9, 27),
        url="http://www.example.cn",
    )


def test_line_endings_of_any_system_are_the_same() -> None:
    assert clean(PAGE.replace("\n", "\r\n")) == clean(PAGE) == clean(PAGE.replace("\n", "\r"))


@pytest.mark.parametrize(
    "line",
    [
        "声明:本网转发此文章,旨在提供信息,不构成投资建议。文章观点非本网观点,仅供读者参考。",
        "免责声明：本站转载仅为传递信息，版权归原作者所有。",
        "【声明】：以上内容不构成投资建议。",
        "有问题请联系 a1@qq.com 商务合作广告联系 QQ:767871486",
        "www.example.com",
        "责任编辑：张三",
        "来源：某某日报",
    ],
)
def test_furniture_at_the_end_goes(line: str) -> None:
    assert clean(f"标题在这里\n正文一。\n{line}").text == "正文一。"


@pytest.mark.parametrize(
    "line",
    [
        "声明:平安将对受影响的客户逐一回访。",
        "平安发布声明,称不存在广告宣传误导,客户可加QQ:12345678核实。",
        "来源于客户的意见,是改进服务的动力。",
        "如需帮助,请联系95511客服,也可发邮件至kf@example.com。",
        "广告中承诺的收益不构成保证,请客户留意。",
        "有疑问请联系客服,电话:95511",
        "声明指出,本网点将延长服务时间,转发请注明。",
    ],
)
def test_a_sentence_of_the_article_is_never_taken_for_furniture(line: str) -> None:
    assert clean(f"标题在这里\n正文一。\n{line}").text == f"正文一。\n{line}"


@pytest.mark.parametrize(
    "line",
    [
        "声明:本网转发此文章,文章观点非本网观点。",
        "www.example.cn 某某网",
        "来源：某某日报",
        "有问题请联系 a1@qq.com 商务合作广告联系 QQ:767871486",
    ],
)
def test_what_looks_like_furniture_stays_in_the_middle_of_an_article(line: str) -> None:
    assert clean(f"标题在这里\n正文一。\n{line}\n正文二。").text == f"正文一。\n{line}\n正文二。"


def test_an_article_that_begins_with_a_paragraph_has_no_title() -> None:
    assert clean("平安开展消保活动。\n第二段。") == Cleaned(text="平安开展消保活动。\n第二段。")


def test_a_section_heading_is_not_the_title() -> None:
    assert clean("一、党建引领\n第一段。").title == ""


def test_a_title_that_asks_is_a_title() -> None:
    assert clean("消费者的钱袋子怎样守住？\n第一段。").title == "消费者的钱袋子怎样守住？"


def test_a_page_of_furniture_alone_has_no_text() -> None:
    assert clean("www.example.cn\n来源：某某日报\n\n").text == ""


def test_a_publisher_stated_below_the_text_is_found() -> None:
    cleaned = clean("标题在这里\n正文。\n来源：某某日报 2023年9月27日")
    assert (cleaned.publisher, cleaned.published) == ("某某日报", date(2023, 9, 27))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2023-09-27", date(2023, 9, 27)),
        ("发布于2023年9月7日", date(2023, 9, 7)),
        ("2023/13/40 更新 2024.1.2", date(2024, 1, 2)),
        ("12023-09-27", None),
        ("2023-09-277", None),
        ("没有日期", None),
    ],
)
def test_dates_are_read_where_they_are_dates(line: str, expected: date | None) -> None:
    assert find_date(line) == expected


@given(st.text(alphabet="平安消保。，：:“”\n\r \u3000\xa0来源声明QQ联系广告.cn2023-09", max_size=300))
def test_cleaning_only_removes_whole_lines_and_blanks_at_their_ends(raw: str) -> None:
    lines = [line.strip() for line in raw.replace("\r", "\n").split("\n") if line.strip()]
    cleaned = clean(raw)
    kept = cleaned.text.split("\n") if cleaned.text else []
    # What is kept is one unbroken run of the page's lines: nothing in between is ever lost.
    assert any(lines[start : start + len(kept)] == kept for start in range(len(lines) - len(kept) + 1))


def test_numbered_and_quoted_lines_and_run_in_labels_are_headings() -> None:
    text = (
        "一、党建引领,顶层设计\n正文。\n（二）具体做法\n正文。\n活动覆盖“全”\n全层级:为保证重视度,集团开会。"
    )
    assert [(heading.text, heading.level) for heading in find_headings(text)] == [
        ("一、党建引领,顶层设计", 1),
        ("（二）具体做法", 2),
        ("活动覆盖“全”", 1),
        ("全层级", RUN_IN_LEVEL),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "一、党建引领,顶层设计完善体制机制建设。",
        "如:推出车险急速理赔服务",
        "集团负责人表示:消保是大事。",
        "措施如下:一是开会",
        "即:四类数据,四个后台",
        "平安说“好”。",
        "2023年9月15日启动",
        "二〇二三年,平安开展活动",
        "一、" + "长" * 60,
        "平安发布了“消保”,“好”",
    ],
)
def test_a_sentence_is_not_a_heading(line: str) -> None:
    assert find_headings(line) == ()


def test_a_heading_knows_where_it_stands(articles_folder: Path) -> None:
    for path in sorted(articles_folder.glob("*.txt")):
        text = clean(path.read_text("utf-8")).text
        headings = find_headings(text)
        assert headings
        assert all(text[heading.start : heading.end] == heading.text for heading in headings)


def test_the_first_article_is_left_with_its_eight_sections(articles_folder: Path) -> None:
    cleaned = clean((articles_folder / "000_95d66e2d0ceeb092.txt").read_text("utf-8"))
    assert [heading.text[:2] for heading in find_headings(cleaned.text)] == [
        f"{n}、" for n in "一二三四五六七八"
    ]
    assert cleaned.text.startswith("随着我国小康社会") and cleaned.text.endswith("护航人民美好生活。")
    assert (cleaned.publisher, cleaned.published) == ("中国金融新闻网", date(2023, 9, 27))


def test_the_second_article_is_left_with_its_sections_and_labels(articles_folder: Path) -> None:
    cleaned = clean((articles_folder / "003_80f3064cc1f2ad3a.txt").read_text("utf-8"))
    assert [heading.text for heading in find_headings(cleaned.text)] == [
        "活动覆盖“全”", "全层级", "活动效果“实”", "办实事", "重实效", "看实例",
        "活动内容“新”", "新模式", "新互动", "新载体", "新技术", "新渠道",
    ]  # fmt: skip
    assert cleaned.text.endswith("贡献平安的力量。")
    assert (cleaned.publisher, cleaned.published, cleaned.url) == ("", None, "")
