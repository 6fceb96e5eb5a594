"""Whether a sentence holds what a question asks for: the sort of thing, the unit, the company, the year.

Pure functions over one sentence and one question; ``reading`` weighs what they find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.kinds import asked_unit, reckons
from assistant.lexicon import Lexicon
from assistant.quantities import CLOCK, SAME_UNIT, Quantity, agree, quantities, relative_years, years
from assistant.sentences import Sentence
from assistant.terms import Term
from assistant.understanding import Lookup, normalise
from index.segmentation import sentences

WHICH_COMPANIES = re.compile(r"哪(?:些|几家|几个)(?:成员|子)?(?:公司|机构|企业)|哪几家")
WHOSE = re.compile(r"哪一?家|哪个(?:公司|机构|成员)|谁|which company", re.IGNORECASE)
_DATE = re.compile(CLOCK + r"|(?:19|20)\d{2}年|\d{1,2}月(?:\d{1,2}日)?|期间|以来|每[年月周]|周年")
PHONE = re.compile(r"\d{5,}|\d{3,4}(?:-\d{3,8})+")
_CONTACT = re.compile(r"\d{3,}|热线|电话|邮件|公众号|App", re.IGNORECASE)
_LISTING = re.compile(r"、[^、。]{1,30}、|[一二三四五六]是|包括|涵盖|分别|[;；][^;；]+[;；]|以及")
_REASON = re.compile(
    r"为了|旨在|因为|由于|因此|从而|为(?:真正|保证|进一步|持续|有效|更好|推动)|目的|以(?:实现|提升|保障|确保)|有利于|有助于|导致|侵害|挤占|才能|使"
)
_MEANS = re.compile(r"通过|采用|采取|利用|建立|搭建|运用|依托|借|推出|开展|要求|根据|方式|形式|以")
PERSON = re.compile(
    r"(?:他|她|官|总裁|董事长|总经理|经理|负责人|代表|哪位|领导|高管)的?(?:叫什么|名字|姓名|叫啥|姓什么)|姓什么|(?:代表|负责人|主持人|作者|讲师|获奖者).{0,2}(?:是谁|都?有谁)"
)


def company_match(asked: Sequence[str], sentence: Sentence, lexicon: Lexicon) -> float:
    """Whether the sentence speaks of the company asked about: 1 yes, 0 not asked, -1 it speaks of another, -0.8 of none."""
    if not asked:
        return 0.0
    here = [mention.company for mention in lexicon.mentions(sentence.text) if mention.standing != "group"]
    if any(company in here or company in sentence.text for company in asked):
        return 1.0
    if here:
        return -1.0
    earlier = sentence.paragraph_before
    if any(company in earlier for company in asked) and not lexicon.members(earlier) - set(asked):
        return 0.7
    for span in reversed(sentences(earlier)):
        named = lexicon.mentions(earlier[span.start : span.end])
        before = {mention.company for mention in named if mention.standing != "group"}
        if before:
            # What follows a sentence about several companies is about all of them, or none.
            return 0.7 if len(before) == 1 and before <= set(asked) else -0.9
    # 我司, 该公司: whose article it is, its title or its publisher says.
    article = sentence.passage.article
    about = f"{article.title} {article.publisher}"
    return 0.6 if any(company in about for company in asked) else -0.8


def scope_years(sentence: Sentence) -> list[int]:
    """The years a sentence speaks of: its own, else the nearest before it in its paragraph, else its title's."""
    article = sentence.passage.article
    own = years(sentence.text) + relative_years(sentence.text, article.published)
    if own:
        return own
    before = sentence.paragraph_before
    return years(before)[-1:] or relative_years(before, article.published) or years(article.title)


def year_match(asked: Sequence[int], sentence: Sentence) -> float:
    """Whether the sentence speaks of the year asked about: 1 yes, 0 not asked or not dated, -1 of another year."""
    if not asked:
        return 0.0
    spoken = scope_years(sentence)
    if not spoken:
        published = sentence.passage.article.published
        return 0.0 if published is None or published.year - max(asked) in (0, 1) else -0.8
    return 1.0 if set(asked) & set(spoken) else -1.0


_DURATIONS = frozenset({"天", "日", "工作日", "周", "个月", "月", "年", "小时", "分钟"})


_UNIT_OF = (
    (r"金额|总额|多少钱|花费|how much money", "元"),
    (r"多远|里程|路程|how far|kilomet", "公里"),
    (r"多长时间|多久|持续|几个月|几天", "天"),
    (r"率|占比|比例|百分", "%"),
    (r"件数", "件"),
    (r"人次", "人次"),
    (r"人数|多少人", "人"),
    (r"场数|场次", "场"),
    (r"次数", "次"),
)


def wanted_units(text: str) -> frozenset[str]:
    """The measure words that may stand in the answer to 多少件, 赔付金额, 多远 …; empty when any will do."""
    unit = asked_unit(text)
    if not unit:
        unit = next((unit for pattern, unit in _UNIT_OF if re.search(pattern, text, re.IGNORECASE)), "")
    if not unit:
        return frozenset()
    if unit in _DURATIONS:
        return _DURATIONS
    return frozenset({unit}.union(*(same for same in SAME_UNIT if unit in same)))


def kind_match(lookup: Lookup, terms: Sequence[Term], text: str, lexicon: Lexicon) -> float:
    """How well ``text`` holds the sort of thing that ``lookup`` wants: 1 it does, 0 it does not."""
    if reckons(lookup.shape) and calculable(text, lookup.quantities):
        return 1.0
    match lookup.kind:
        case "comparison" if WHOSE.search(lookup.text):
            owners = {mention.company for mention in lexicon.mentions(text) if mention.standing != "group"}
            return 1.0 if len(owners) > 1 and len(quantities(text)) > 1 else 0.3 * bool(owners)
        case "figure" | "comparison":
            units = wanted_units(lookup.shape)
            held = [quantity.unit for quantity in quantities(text) if quantity.unit]
            if units:
                # The very unit asked for beats one that is used for it: 多少家 is 13家 rather than 200个.
                return (
                    1.0
                    if asked_unit(lookup.shape) in held
                    else (0.8 if units & set(held) else 0.2 * bool(held))
                )
            return 1.0 if held else 0.0
        case "date":
            return 1.0 if _DATE.search(text) else 0.0
        case "contact":
            return 1.0 if PHONE.search(text) else (0.4 if _CONTACT.search(text) else 0.0)
        case "entity":
            named = any(mention.standing != "group" for mention in lexicon.mentions(text))
            return 1.0 if named or "“" in text else 0.3
        case "yes_no" if lookup.quantities:
            return (
                1.0
                if any(agree(stated, quantities(text)) is not None for stated in lookup.quantities)
                else 0.0
            )
        case "list" if WHICH_COMPANIES.search(lookup.shape):
            return (
                1.0
                if len({mention.company for mention in lexicon.mentions(text)}) > 1 or text.count("、") > 1
                else 0.0
            )
        case "list":
            return 1.0 if _LISTING.search(text) else 0.2
        case "why":
            return 1.0 if _REASON.search(text) else 0.2
        case "how":
            return 0.7 if _MEANS.search(text) or explains(lookup, terms, text) else 0.2
        case "definition":
            return 1.0 if _defines(text, terms) else 0.3
        case _:
            return 0.5


def lacks_value(lookup: Lookup, text: str) -> bool:
    """Whether a figure is asked for in a unit (多少钱, 几期) in which ``text`` gives none, or a date and it gives none.

    What counts things alike (SAME_UNIT) will do, and so will any figure where pieces or persons are asked for: speakers
    call most things 个 and 人.
    """
    if lookup.kind == "date":
        return not _DATE.search(text)
    if reckons(lookup.shape) and calculable(text):
        return False
    units = wanted_units(lookup.shape)
    asked = {asked_unit(lookup.shape)} - {""} or units
    if lookup.kind != "figure" or not units or asked & _LOOSE or _COUNTED_BY_PIECE.search(lookup.shape):
        return False
    return not units & {quantity.unit for quantity in quantities(text)}


_LOOSE = frozenset({"个", "人", "名", "位", "天"})
_COUNTED_BY_PIECE = re.compile(r"(?:多少|几)个")


def lacks_names(lookup: Lookup, text: str, lexicon: Lexicon, places: int) -> bool:
    """Whether the companies or places of a group are asked for by name and ``text`` does not name two.

    A sentence that counts them (13家成员公司, 7省) reads like an answer and is none. ``places`` is how many pairs of place
    names ``text`` gives in a row.
    """
    if _WHICH_PLACES.search(lookup.shape):
        return places < 1
    if _WHICH_NAMED.search(lookup.shape):
        companies = {mention.company for mention in lexicon.mentions(text) if mention.standing != "group"}
        return len(companies) < 2 and len(_BODY.findall(text)) < 2
    return False


def lacks_parts(lookup: Lookup, text: str) -> bool:
    """Whether a few things are asked for one by one (哪两全) and ``text`` names none side by side."""
    return bool(_WHICH_PARTS.search(lookup.shape)) and not _JOINED.search(text)


_WHICH_NAMED = re.compile(
    r"(?:公司|机构|企业|银行)(?:的?(?:名单|名字|名称)|(?:都|分别)?(?:是|有|叫)(?:哪[些几]|谁))|名单"
    r"|哪(?:些|几家|几个)(?:成员|子|保险)?(?:公司|机构|企业)"
)
_WHICH_PLACES = re.compile(
    r"哪(?:些|几个|几)(?:省|城市|市|县)|(?:省|市|城市|省份).{0,4}(?:都是|分别是|是)哪[些几]|\d地.{0,6}哪"
)
_WHICH_PARTS = re.compile(r"哪[“「\"]?[两二三四五六七八九](?![个家位])")
_JOINED = re.compile(r"[、和与及]")
_BODY = re.compile(r"(?:公司|银行|险|人寿|证券|信托|局|协会|委|法院)(?=[、和与及,，。;；]|$)")


def calculable(text: str, stated: Sequence[Quantity] = ()) -> bool:
    """Whether a text gives two figures of one sort, from which a difference or a ratio can come.

    A figure that the question ``stated`` and the text gives must be one of them.
    """
    held = [quantity for quantity in quantities(text) if quantity.unit not in ("", "年", "月", "日", "%")]
    given = [quantity for quantity in stated if agree(quantity, held)]
    if given:
        return any(q.comparable(other) and q.value != other.value for q in given for other in held)
    return any(one.comparable(other) for place, one in enumerate(held) for other in held[:place])


def announces(text: str) -> bool:
    """Whether a sentence only says that something follows it: 现将有关事项公告如下：."""
    return bool(_ANNOUNCING.search(text))


_ANNOUNCING = re.compile(r"(?:[：:]|如下[。:：]?|以下[^，。]{0,12}[。:：])\s*$")


def explains(lookup: Lookup, terms: Sequence[Term], text: str) -> bool:
    """Whether ``text`` goes on to say what the word is that it opens with, and the question asks about that word.

    In 明察暗访 nobody asks about 明察: a word within another term of the question is not asked about.
    """
    opening = _EXPLAINING.match(normalise(text))
    if opening is None:
        return False
    asked = lookup.focus
    for term in terms:
        if len(term.text) > len(opening[1]) and opening[1] in term.text:
            asked = asked.replace(term.text, " ")
    return opening[1] in asked


_EXPLAINING = re.compile(r"[“「《]?([\u4e00-\u9fffA-Za-z0-9]{2,10})[”」》]?(?:[,，]?(?:即|是指|指的是|就是))")


def _defines(text: str, terms: Sequence[Term]) -> bool:
    """Whether the text opens with one of the terms and goes on to say what it is: 「明察,即…」, 「新模式:…」."""
    opening = normalise(text)[:40].lower()
    return any(
        re.match(rf".{{0,8}}{re.escape(term.text)}[”」》]?(?:[,，:：]|即|是|指|活动|服务)", opening)
        for term in terms
        if len(term.text) > 1
    )


def names_one(noun: str, text: str) -> bool:
    """Whether ``text`` gives the name of a ``noun`` that is written in quotation marks: 《…》 is a 文件, “…” a 主题."""
    return bool(_TITLED.search(noun) and re.search(r"[《“「]", text))


_TITLED = re.compile(
    r"(?:罪名?|文件|制度|办法|规定|政策|法规|口号|主题|称号|活动|课程|奖项?|栏目|节目|系列|理念|原则|名称)$"
)


def of_that_sort(noun: str, text: str) -> bool:
    """Whether ``text`` asks for something that is a ``noun``: 哪家法院, 什么城市."""
    return bool(
        re.search(rf"(?:哪(?:一)?(?:家|个|些|几个|几家|座|所|位|种|几种)?|什么){re.escape(noun)}", text)
    )
