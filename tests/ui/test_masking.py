"""What is taken out of a text before it is written down, and what has to stay."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from index.loading import load_articles
from ui import masking
from ui.masking import BANK_CARD, EMAIL, ID_CARD, MOBILE, masked, masked_values

# Numbers of nobody: region 110000 is a whole city, 0013 8000 is what advertisements show, and the card is a scheme's
# example.
ID = "110000199003078812"
ID_WITH_X = "11000019900307001X"
CARD = "4111111111111111"
PHONE = "13800138000"


def shifted(text: str) -> str:
    """``text`` in full-width characters."""
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


# What is taken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ID, ID_CARD),
        (ID_WITH_X, ID_CARD),
        (ID_WITH_X.lower(), ID_CARD),
        ("110000 19900307 8812", ID_CARD),
        ("110000-19900307-001x", ID_CARD),
        (shifted(ID_WITH_X), ID_CARD),
        ("110000900307881", ID_CARD),
        (PHONE, MOBILE),
        ("138 0013 8000", MOBILE),
        ("138-0013-8000", MOBILE),
        ("138 - 0013 - 8000", MOBILE),
        ("138 00138000", MOBILE),
        ("+86 138 0013 8000", MOBILE),
        ("+8613800138000", MOBILE),
        ("+86-138-0013-8000", MOBILE),
        ("0086 13800138000", MOBILE),
        ("008613800138000", MOBILE),
        ("8613800138000", MOBILE),
        ("86-138-0013-8000", MOBILE),
        (shifted("+86") + "\u3000" + shifted(PHONE), MOBILE),
        ("138‑0013‑8000", MOBILE),
        ("138\u200b0013\ufeff8000", MOBILE),
        ("1\ufe0f\u20e33\ufe0f\u20e3800138000", MOBILE),
        (CARD, BANK_CARD),
        ("4111 1111 1111 1111", BANK_CARD),
        ("4111-1111-1111-1111", BANK_CARD),
        ("6222 0212 3456 7890 128", BANK_CARD),
        (shifted(CARD), BANK_CARD),
        ("378282246310005", BANK_CARD),
        ("zhang.san+1@mail.example.com.cn", EMAIL),
        (shifted("li_si@example.com"), EMAIL),
        ("zhang\u200bsan@exam\u2060ple.com", EMAIL),
        (f"{PHONE}@example.com", EMAIL),
        ("a" * 300 + "@example.com", EMAIL),
    ],
)
def test_personal_data_is_replaced_by_what_it_was(text, expected):
    assert masked(f"客户留的是{text}，请核对。") == f"客户留的是{expected}，请核对。"
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{PHONE} 13900139000", f"{MOBILE} {MOBILE}"),
        (f"{PHONE},13900139000/{ID}", f"{MOBILE},{MOBILE}/{ID_CARD}"),
        (f"1.{PHONE} 2.13900139000", f"1.{MOBILE} 2.{MOBILE}"),
        (f"tel{PHONE}abc", f"tel{MOBILE}abc"),
        (f"{ID_WITH_X}{ID}", ID_CARD * 2),
        (f"一{PHONE}\n二138 0013 8000", f"一{MOBILE}\n二{MOBILE}"),
        (f"共3 {CARD}", f"共3 {BANK_CARD}"),
        ("2023 4111 1111 1111 1111", f"2023 {BANK_CARD}"),
        (f"{PHONE}元旦后再打", f"{MOBILE}元旦后再打"),
        ("a@b.com，c@d.cn。", f"{EMAIL}，{EMAIL}。"),
        ("邮箱a@b.com.再联系", f"邮箱{EMAIL}.再联系"),
    ],
)
def test_each_of_several_is_replaced_and_nothing_beside_it(text, expected):
    assert masked(text) == expected


def test_an_id_card_that_would_pass_as_a_bank_card_up_to_its_x_goes_with_its_x():
    # Seventeen digits with a sound Luhn sum before the X.
    number = next(
        f"{base}X"
        for base in (f"41000019900307{order:03}" for order in range(1000))
        if id_check(base) == "X" and luhn_check(base[:-1]) == base[-1]
    )
    assert masked(f"证件{number}号") == f"证件{ID_CARD}号"


# What stays


@pytest.mark.parametrize(
    "text",
    [
        "客服热线95511，投诉95512，监管12378、12315、12363",
        "400-888-9999、400 888 9999、4008889999、400-8888-999、800-810-0000",
        "0755-82262888、(021)58888888、010-58888888-8013、+86-755-82262888",
        "赔付410万件，超1,000万件，金额402亿元，1,234,567.89元，同比增长5.67%",
        f"合计{PHONE}元，￥{PHONE}，¥ {PHONE}，{PHONE}.50，{PHONE}.00 元，3800000000000元",
        "20221231、2022-12-31 10:20:30、2022/12/31、20221231102030、1669852800000",
        "2019-2023年，1998 2000 2003，版本3.11.4、v2024.10.138，第15、16条",
        f"0.{PHONE}，0.1380013800013801",
        "550e8400a29b41d4a7f13800138000ab",  # an answer's id
        "20240101-000000-1a2b3c4d",
        "1380013800，138001380001，113800138000，12800138000",  # too few or many digits, or no mobile's beginning
        "110000199003078815，110000199013078812，010000199003078812，110000189903078812",  # no ID card's
        "1100001990030788125，911000019900307001X",
        "4111111111111112，1111111111111117，41111111111111111111，411111111111",
        "@所有人 a@ @b.com a@localhost a@1.2 甲@乙",
        "请把“138”“0013”“8000”分开念",
        "",
    ],
)
def test_what_only_looks_like_personal_data_stays(text):
    assert masked(text) == text


def test_every_article_stays_as_it_is(articles_folder):
    articles = load_articles(articles_folder)
    assert len(articles) > 1
    for article in articles:
        assert masked(article.text) == article.text
        assert masked_values([article.title, article.publisher, article.url]) == [
            article.title,
            article.publisher,
            article.url,
        ]


def test_of_the_articles_as_received_only_the_address_of_an_advertisement_is_taken(articles_folder):
    for file in articles_folder.iterdir():
        received = file.read_text("utf-8")
        assert masked(received) == received.replace("767871486@qq.com", EMAIL)


# Any of them, anywhere


def id_check(base: str) -> str:
    """The eighteenth character to seventeen digits, found by trying: the sum of all has to leave 1 (ISO 7064, 11-2)."""
    weights = [2**power % 11 for power in range(17, -1, -1)]
    for value, check in enumerate("0123456789X"):
        values = [*map(int, base), value]
        if sum(weight * one for weight, one in zip(weights, values, strict=True)) % 11 == 1:
            return check
    raise AssertionError(base)


def luhn_check(base: str) -> str:
    """The last digit to the digits before it, by the table of doubled digits."""
    doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    total = sum(doubled[int(one)] if place % 2 == 0 else int(one) for place, one in enumerate(reversed(base)))
    return str(-total % 10)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


@st.composite
def id_cards(draw) -> str:
    region = draw(st.sampled_from("12345678")) + draw(digits(5))
    born = draw(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
    if draw(st.booleans()) and born.year < 2000:
        return f"{region}{born:%y%m%d}{draw(digits(3))}"
    base = f"{region}{born:%Y%m%d}{draw(digits(3))}"
    return base + draw(st.sampled_from((id_check(base), id_check(base).lower())))


@st.composite
def mobiles(draw) -> str:
    first, middle, last = (
        f"1{draw(st.sampled_from('3456789'))}{draw(digits(1))}",
        draw(digits(4)),
        draw(digits(4)),
    )
    prefix = draw(st.sampled_from(("", "+86", "86", "0086", "+86 ", "86-", "0086 ", "+86-")))
    return prefix + draw(st.sampled_from(("", " ", "-"))).join((first, middle, last))


@st.composite
def bank_cards(draw) -> str:
    base = draw(st.sampled_from(("62", "3", "4", "5", "6")))
    base += draw(digits(draw(st.integers(12, 18)) - len(base)))
    number = base + luhn_check(base)
    gap = draw(st.sampled_from(("", " ", "-")))
    return gap.join(re.findall(".{1,4}", number))


@st.composite
def emails(draw) -> str:
    word = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?", fullmatch=True)
    local = ".".join(draw(st.lists(word, min_size=1, max_size=3)))
    domain = ".".join(draw(st.lists(word, min_size=1, max_size=3)))
    return f"{local}@{domain}.{draw(st.sampled_from(('com', 'cn', 'com.cn', 'org')))}"


KINDS = st.one_of(id_cards(), mobiles(), bank_cards(), emails())
# Without 元: a number before it is an amount.
CHINESE = st.text(
    st.one_of(
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5, exclude_characters="元"),
        st.sampled_from("，。：“”（）、\n"),
    )
)
FIGURES = st.sampled_from(
    (
        "95511",
        "410万件",
        "1,000万",
        "20221231",
        "2023年",
        "5.67%",
        "402亿元",
        "400-888-9999",
        "10:20",
        "3.11.4",
    )
)
DISGUISES = st.sampled_from(("width", "invisible", "plain"))


def disguised(text: str, how: str) -> str:
    """``text`` as a reader still reads it."""
    if how == "width":
        return "".join(shifted(one) if "!" <= one <= "~" else one for one in text)
    return "\u200b".join(text) if how == "invisible" else text


@settings(max_examples=400, deadline=None)
@given(before=CHINESE, one=KINDS, after=CHINESE, how=DISGUISES)
def test_any_of_them_disappears_from_chinese_text_and_the_text_stays(before, one, after, how):
    label = masked(one)
    assert label in (ID_CARD, MOBILE, BANK_CARD, EMAIL)
    assert masked(f"{before}{disguised(one, how)}{after}") == f"{before}{label}{after}"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CHINESE.filter(bool), KINDS), min_size=1, max_size=6))
def test_however_many_there_are_none_is_left(pieces):
    result = masked("".join(f"{before}{one}" for before, one in pieces))
    assert len(re.findall(r"\[(?:身份证号|手机号|银行卡号|邮箱)\]", result)) == len(pieces)
    assert not re.search(r"[0-9@]", result)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(CHINESE.filter(bool), FIGURES.map("，{}。".format))).map("".join))
def test_text_without_any_is_returned_as_it_is(text):
    assert masked(text) == text


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_text_without_digits_and_addresses_is_returned_as_it_is(text):
    assume(not re.search(r"[0-9０-９@＠]", text))
    assert masked(text) == text


NEIGHBOURS = st.sampled_from(
    (*"086 -.,元Xxa@bc\u200b$¥_[]\n０＠", "86", "0.", ".50", ".com", "a@b.cc", "+86 ", "deadbeefdeadbeef")
)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.one_of(NEIGHBOURS, KINDS, FIGURES, st.text(max_size=3))).map("".join))
def test_what_was_masked_is_not_changed_again(text):
    assert masked(masked(text)) == masked(text)


# What it is made of


@pytest.mark.parametrize(
    "piece",
    ["1", "@", " ", "4444 ", "138 0013 ", "a.1@", "a@b.", "a1"],
)
def test_a_megabyte_of_almost_personal_data_comes_back_as_it_was(piece):
    hostile = piece * (1_000_000 // len(piece))
    assert masked(hostile) == hostile


def test_no_pattern_can_try_a_text_more_than_a_bounded_number_of_times():
    patterns = [one.pattern for one in vars(masking).values() if isinstance(one, re.Pattern)]
    assert len(patterns) > 5
    for pattern in patterns:
        bare = re.sub(r"\[[^\]]*\]", "c", pattern).replace(r"\.", "c").replace(r"\+", "c")
        assert not re.search(r"\*|\+(?!\+)(?<!\+\+)|\{\d+,\}", bare), pattern


def test_only_the_strings_of_a_value_are_masked_and_its_keys_stay():
    value = {
        PHONE: [PHONE, 13800138000, None, True, 1.5],
        "history": ({"role": "user", "content": f"我是{ID}"}, ()),
        "empty": {},
    }
    assert masked_values(value) == {
        PHONE: [MOBILE, 13800138000, None, True, 1.5],
        "history": ({"role": "user", "content": f"我是{ID_CARD}"}, ()),
        "empty": {},
    }
    assert masked_values(PHONE) == MOBILE
    assert value[PHONE][0] == PHONE
