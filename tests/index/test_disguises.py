"""What hides in a text goes, what only looks like a character becomes it, and nothing else is touched."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.cleaning import clean
from index.disguises import undisguised
from index.loading import load_articles

HIDDEN = [
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0), *range(0xE0000, 0xE0080), 0x00AD, 0x034F, 0x061C, 0x115F, 0x180E, 0x3164, 0xFEFF,
    *range(0x00, 0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0xE000, 0xFFFE, 0xD800, 0xDFFF, 0x1D173, 0x10FFFF,
]  # fmt: skip
TWINS = dict(zip("ABCEHIJKMNOPSTXYaceijopsxy", "ΑΒСЕНІЈКМΝОРЅТХΥасеіјорѕху", strict=True))
"""Latin letters with a Greek or Cyrillic one that no eye tells from them, whatever stands beside it."""
TEXT = st.text("平安人寿赔付了件，。；：“”！？（）２０Ａ—…·《》 \n\t2019,.%abcxyzABCXYZ", max_size=80)
ANYTHING = st.text(
    st.one_of(st.characters(), st.sampled_from("".join(TWINS.values()) + "αμг12abⒶ𝐀⻓ɡᴀ\u200b"))
)
SUMS = {  # SHA-256 of the text after cleaning
    "000_95d66e2d0ceeb092": "d39a0f6095336246a8a5a387e1a09540a7289b7514642f7dc0eec790baab946f",
    "003_80f3064cc1f2ad3a": "68043d8b8077e74bd6da1e47a5c7c9a7d3ca1601c4cd5d2b54285bcb782607d1",
}


@given(TEXT, st.data())
def test_what_shows_nothing_can_stand_anywhere_and_goes(text: str, data: st.DataObject) -> None:
    hidden = st.lists(st.sampled_from(HIDDEN), max_size=3).map(lambda codes: "".join(map(chr, codes)))
    disguised = "".join(character + data.draw(hidden) for character in text)
    assert undisguised(disguised) == text


@given(st.text("abcxyzABCXYZOPeios", min_size=2, max_size=12), st.data())
def test_a_latin_word_is_read_through_letters_of_other_scripts(word: str, data: st.DataObject) -> None:
    plain = data.draw(st.integers(0, len(word) - 1))
    places = data.draw(st.sets(st.integers(0, len(word) - 1))) - {plain}
    disguised = "".join(TWINS.get(c, c) if place in places else c for place, c in enumerate(word))
    assert undisguised(f"下载{disguised}后") == f"下载{word}后"


@given(ANYTHING)
def test_undisguising_twice_is_undisguising_once(text: str) -> None:
    assert undisguised(undisguised(text)) == undisguised(text)


@given(ANYTHING)
def test_no_control_or_format_character_is_left(text: str) -> None:
    left = [c for c in undisguised(text) if unicodedata.category(c)[0] == "C" and c not in "\n\t"]
    assert all(unicodedata.category(c) == "Cn" and c >= "\U00020000" for c in left)


@given(
    st.text(
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF) | st.sampled_from("，。１Ａ！（）\n㎡℃①")
    )
)
def test_chinese_text_stays_as_it_is(text: str) -> None:
    assert undisguised(text) == text


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("赔付41О万件", "赔付410万件"),
        ("赔付4ІО万件", "赔付410万件"),
        ("95Ӏ8З6", "951836"),
        ("𝟒𝟏𝟎万件", "410万件"),
        ("𝐀𝐏𝐏和𝒑𝒂𝒚", "APP和pay"),
        ("ⒶⓅⓅ、🅰🅿🅿", "APP、APP"),
        ("ᴀᴘᴘ", "app"),
        ("pαypаl", "paypal"),
        ("Ѕmаrt", "Smart"),
        ("ոеt", "net"),
        ("空客А380", "空客A380"),
        ("⻓⾦⻛险", "长金风险"),
        ("\uf9da\uf98a", "栗力"),
        ("\U0002f83f", "周"),
    ],
)
def test_what_looks_like_a_character_becomes_it(disguised: str, plain: str) -> None:
    assert undisguised(disguised) == plain


@pytest.mark.parametrize(
    "text",
    [
        "Москва",
        "Αθήνα",
        "СССР",
        "1905г",
        "Ковид19",
        "TNFα与αGal",
        "5μm、ΔT、10Ω",
        "α收益",
        "Ⓐ级",
        "Ⅱ类账户",
        "①②③",
        "1²＋ｘⁿ",
        "ＡＰＰ：２０％",
        "café naïve",
        "\ufa0e\ufa29",
        "\U00031350",
    ],
)
def test_what_is_no_disguise_stays(text: str) -> None:
    assert undisguised(text) == text


def test_a_character_of_a_later_unicode_is_kept_where_it_may_be_a_name() -> None:
    assert undisguised("\U000323af先生") == "\U000323af先生"


def test_every_radical_and_compatible_ideograph_becomes_an_ideograph_of_common_use() -> None:
    blocks = [
        *range(0x2E80, 0x2EF4),
        *range(0x2F00, 0x2FD6),
        *range(0xF900, 0xFADA),
        *range(0x2F800, 0x2FA1E),
    ]
    given = [chr(code) for code in blocks if unicodedata.category(chr(code)) != "Cn"]
    # A stroke without an ideograph of its own, and twelve that are unified ideographs in spite of their place.
    assert [c for c in given if undisguised(c) == c] == list("⺀﨎﨏﨑﨓﨔﨟﨡﨣﨤﨧﨨﨩")
    ideographs = {undisguised(c) for c in given} - set("⺀﨎﨏﨑﨓﨔﨟﨡﨣﨤﨧﨨﨩")
    assert all(unicodedata.name(c).startswith("CJK UNIFIED IDEOGRAPH") for c in ideographs)


def test_an_article_is_cleaned_of_its_disguises_before_anything_is_read_from_it() -> None:
    cleaned = clean(
        "客户\u202e服务\u200b简报\n来\u200b源：某某日报 2𝟎23-09-27\n\u2066平安⼈寿赔付4\u20601О万件。\u2069\n\u200b\n"
    )
    assert (cleaned.title, cleaned.publisher) == ("客户服务简报", "某某日报")
    assert str(cleaned.published) == "2023-09-27"
    assert cleaned.text == "平安人寿赔付410万件。"


def test_what_is_written_of_an_article_is_cleaned_as_the_article_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("正文。", "utf-8")
    (tmp_path / "articles.toml").write_text(
        '["a.txt"]\ntitle = "平\u200b安\\u202E报告"\npublisher = "Аpp报"\n', "utf-8"
    )
    (article,) = load_articles(tmp_path)
    assert (article.title, article.publisher) == ("平安报告", "App报")


def test_the_bundled_articles_hold_no_disguise_and_are_cleaned_as_ever(articles_folder: Path) -> None:
    for path in sorted(articles_folder.iterdir()):
        assert undisguised(path.read_text("utf-8")) == path.read_text("utf-8")
    texts = {article.id: article.text for article in load_articles(articles_folder)}
    assert {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()} == SUMS
