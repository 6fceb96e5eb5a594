"""The words of the field: company names and what people call them, synonyms, English terms.

The data is ``lexicon.toml`` beside this module; nothing in it knows an article or an evaluation case.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

Standing = Literal["group", "member", "outside", "unknown"]

# A company that the list does not know is still recognised by how such names end: 恒大人寿, 宁波银行.
_COMPANY_LIKE = re.compile(
    r"[和与跟及]?(?P<name>[\u4e00-\u9fff]{2,4}?(?:人寿|财险|保险|银行|证券|基金|信托|养老险|健康险)(?:公司)?)"
)
_NOT_A_NAME = re.compile(
    r"^(?:.*(?:在|的|了|和|与|是|对|从|把|买|卖|个|家|各|本|该|这|那|哪|什么|多少|怎么|办|投|保|为|有|过|给|去|到|吗|呢|往|向|账户|债券|股票|混合|货币|指数|旗下|四家|几家|所有|全部)|"
    r"健康|人身|财产|商业|社会|医疗|汽车|车辆|重疾|意外|金融|养老|普通|分红|寿险|货币市场|补充|年金|信用|其他|智能|子公司|成员|急速|一家)"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A company named at ``text[start:end]``, by its canonical name."""

    company: str
    standing: Standing
    start: int
    end: int


@dataclass(frozen=True)
class Lexicon:
    """Companies by what people call them, groups of synonyms, and English terms with their Chinese ones."""

    companies: Mapping[str, tuple[str, Standing]]
    synonyms: Mapping[str, frozenset[str]]
    abbreviations: Mapping[str, str]
    english: Mapping[str, str]
    english_stop: frozenset[str]
    specific: frozenset[str]

    @cached_property
    def _names(self) -> re.Pattern[str]:
        names = sorted(self.companies, key=len, reverse=True)
        return re.compile("|".join(re.escape(name) for name in names), re.IGNORECASE)

    @cached_property
    def _terms(self) -> re.Pattern[str]:
        terms = sorted(self.english, key=len, reverse=True)
        return re.compile(r"\b(?:" + "|".join(re.escape(term) for term in terms) + r")\b", re.IGNORECASE)

    def mentions(self, text: str) -> list[Mention]:
        """Companies named in ``text``, in order; the longest name wins, a short one inside another word does not count."""
        found: list[Mention] = []
        for match in self._names.finditer(text):
            name = match[0].lower()
            if name.removesuffix("公司") in _COMMON_WORDS and not _stands_alone(text, *match.span()):
                continue
            company, standing = self.companies[name]
            found.append(Mention(company, standing, *match.span()))
        for match in _COMPANY_LIKE.finditer(text):
            start, end = match.span("name")
            inside = any(start < mention.end and mention.start < end for mention in found)
            if not inside and not _NOT_A_NAME.search(match["name"]):
                found.append(Mention(match["name"].removesuffix("公司"), "unknown", start, end))
        return sorted(found, key=lambda mention: mention.start)

    def members(self, text: str) -> set[str]:
        """The companies of the group that ``text`` names."""
        return {mention.company for mention in self.mentions(text) if mention.standing == "member"}

    def fold(self, text: str) -> str:
        """``text`` (normalised) in lower case with long forms made short, as words are compared: 消费者权益保护 is 消保."""
        folded = text.lower()
        for long, short in self.abbreviations.items():
            folded = folded.replace(long, short)
        return folded

    def translate(self, text: str) -> str:
        """The Chinese words for the English terms in ``text``, joined by spaces; empty when it knows none."""
        return " ".join(self.english[match[0].lower()] for match in self._terms.finditer(text))


# 产险, 健康险, 新华 and the like also stand inside other words (新华社, 商业健康险): they count as a company's
# name only where no other Han character is glued to their left, or a word that may stand before a name.
_COMMON_WORDS = frozenset(
    {
        "产险",
        "财险",
        "寿险",
        "健康险",
        "养老险",
        "普惠",
        "新华",
        "众安",
        "泰康",
        "友邦",
        "蚂蚁",
        "人保",
        "太保",
        "微保",
    }
)
_BEFORE_A_NAME = frozenset("里的那在成和与及跟或、，,：:；; 　（(“《年是为由让问说")
_AFTER_COMMON = frozenset("金社网服务产品业务费率种")


def _stands_alone(text: str, start: int, end: int) -> bool:
    before_ok = start == 0 or text[start - 1] in _BEFORE_A_NAME or not "\u4e00" <= text[start - 1] <= "\u9fff"
    return before_ok and not (end < len(text) and text[end] in _AFTER_COMMON)


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """The lexicon shipped with the package."""
    data = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text("utf-8"))
    standings: dict[str, Standing] = {"group": "group", "members": "member", "outside": "outside"}
    companies: dict[str, tuple[str, Standing]] = {}
    for table, standing in standings.items():
        for company, aliases in data["companies"][table].items():
            for name in (company, *aliases):
                companies[name.lower()] = (company, standing)
    synonyms: dict[str, set[str]] = defaultdict(set)
    for line in data["synonyms"]["lines"]:
        words = line.split()
        for word in words:
            synonyms[word].update(words)
    for members in data["companies"].values():
        for company, aliases in members.items():
            for name in (company, *aliases):
                synonyms[name].update((company, *aliases))
    return Lexicon(
        companies=companies,
        synonyms={word: frozenset(same) for word, same in synonyms.items()},
        abbreviations=data["abbreviations"],
        english={term.lower(): chinese for term, chinese in data["english"].items()},
        english_stop=frozenset(data["english_stop"]["words"]),
        specific=frozenset(data["specific"]["words"]),
    )
