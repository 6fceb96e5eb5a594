"""Files become articles; whatever cannot be read is an error that names the file and says what to do."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from index.errors import SourceError
from index.loading import load_articles

RECEIVED = {
    "000_95d66e2d0ceeb092.txt": "267f4eb00ae9d4ff",
    "003_80f3064cc1f2ad3a.txt": "0a247c2de8e92fc6",
}
PAGE = "来自页面的标题\n来源：某某日报 2023-01-02\n正文一。"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_an_article_takes_what_its_page_says(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", PAGE)
    (article,) = load_articles(tmp_path)
    assert (article.id, article.title, article.publisher) == ("a", "来自页面的标题", "某某日报")
    assert (article.published, article.url, article.text) == (date(2023, 1, 2), "", "正文一。")


def test_descriptions_come_before_what_the_page_says(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", PAGE)
    write(tmp_path, "b.txt", PAGE)
    write(
        tmp_path,
        "articles.toml",
        '["a.txt"]\ntitle = "说明里的标题"\npublisher = ""\ndate = 2024-05-06\nurl = "http://a.cn"\n'
        '["b.txt"]\ndate = "2024-05-07"',
    )
    first, second = load_articles(tmp_path)
    assert (first.title, first.publisher, first.published, first.url) == (
        "说明里的标题", "", date(2024, 5, 6), "http://a.cn",
    )  # fmt: skip
    assert (second.title, second.published) == ("来自页面的标题", date(2024, 5, 7))


def test_an_article_without_a_title_is_called_by_its_file(tmp_path: Path) -> None:
    write(tmp_path, "公告.txt", "正文没有标题。")
    assert load_articles(tmp_path)[0].title == "公告"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + "标题行\n正文。".encode())
    assert load_articles(tmp_path)[0].title == "标题行"


def test_articles_come_in_order_of_name_and_hidden_files_are_none(tmp_path: Path) -> None:
    for name in ("b.txt", "a.TXT", ".hidden.txt", "__init__.py"):
        write(tmp_path, name, "正文。")
    assert [article.id for article in load_articles(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"%PDF", r"不支持的资料格式：.*a\.pdf。目前可读取的格式：\.txt"),
        ("a.txt", "平安".encode("gb18030"), r"不是 UTF-8 编码：.*a\.txt.*另存为 UTF-8"),
        ("a.txt", b"\x00\x01", r"不是文本文件：.*a\.txt"),
        ("a.txt", b"", r"没有正文：.*a\.txt"),
        ("a.txt", "www.example.cn\n来源：某某日报".encode(), r"没有正文：.*a\.txt"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        load_articles(tmp_path)


def test_an_empty_folder_says_where_articles_go(tmp_path: Path) -> None:
    write(tmp_path, "articles.toml", "")
    with pytest.raises(SourceError, match=rf"{tmp_path} 是空的。请把文章（\.txt，UTF-8 编码）放进这个文件夹"):
        load_articles(tmp_path)


def test_a_missing_folder_and_a_subfolder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"找不到资料文件夹：.*nowhere"):
        load_articles(tmp_path / "nowhere")
    (tmp_path / "more").mkdir()
    with pytest.raises(SourceError, match=r"不读取子文件夹：.*more"):
        load_articles(tmp_path)


def test_two_files_cannot_be_one_article(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "正文。")
    write(tmp_path, "a.TXT", "正文。")
    with pytest.raises(SourceError, match="两份资料同名：a"):
        load_articles(tmp_path)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('["b.txt"]\ntitle = "x"', r"提到的文件不存在：b\.txt"),
        ('["a.txt"]\nauthor = "x"', r"a\.txt：不认识的项 author。可用的项：title、publisher、date、url"),
        ('["a.txt"]\ntitle = 3', r"a\.txt：title 应是文字"),
        ('["a.txt"]\ndate = "2023-13-40"', r"a\.txt：日期 2023-13-40 有误"),
        ('["a.txt"]\ndate = 20230927', r"a\.txt：日期 20230927 有误"),
        ('["a.txt"]\ndate = 2023-09-27T10:00:00', r"a\.txt：日期 2023-09-27 10:00:00 有误"),
        ('title = "x"', r"title 应写成一节"),
        ('["a.txt"', r"articles\.toml 不是有效的 TOML"),
    ],
)
def test_a_wrong_description_is_an_error_that_names_it(tmp_path: Path, toml: str, message: str) -> None:
    write(tmp_path, "a.txt", "正文。")
    write(tmp_path, "articles.toml", toml)
    with pytest.raises(SourceError, match=message):
        load_articles(tmp_path)


def test_the_source_articles_are_as_received(articles_folder: Path) -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in articles_folder.glob("*.txt")
    }
    assert digests == RECEIVED


def test_the_source_articles_say_who_published_them_and_when(articles_folder: Path) -> None:
    first, second = load_articles(articles_folder)
    assert first.title.endswith("中国平安在金融消费者权益保护工作中的实践与探索")
    assert (first.publisher, first.published, first.url) == (
        "中国金融新闻网",
        date(2023, 9, 27),
        "http://www.chaguwang.cn",
    )
    assert second.title == "中国平安:全面开展2023年“金融消费者权益保护教育宣传月”活动"
    assert (second.publisher, second.published, second.url) == ("", None, "")
