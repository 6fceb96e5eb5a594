"""Examples with and without an answer, drawn at random from questions and passages.

What makes a question unanswerable by a passage is made on purpose, since the easy cases teach nothing: a passage
that resembles the right one, the right one without the sentence, a question of the same article's other part,
and the right passage under a question whose name, year, number or detail is another one (Rajpurkar et al. 2018,
"Know What You Don't Know", calls these the plausible negatives). All randomness comes from the given generator.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import bm25s
import jieba.posseg
import numpy as np

from assistant.training.data import Asked, Example, Text, bigrams, cut, sentences, window
from index.segmentation import Span

NEIGHBOURS = 12
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
YEAR = re.compile(r"(?<!\d)((?:1[5-9]|20)\d\d)年")
CHINESE_NUMBER = re.compile(
    r"(?<=第)[一二三四五六七八九十]+|[两三四五六七八九十](?=[个位次年种名座家部条项届岁])"
)
NAMES = {"nr", "ns", "nt", "nz", "nrt", "nrfg"}
DETAILS = tuple(
    tuple(line.split())
    for line in """
出生 去世 结婚 毕业
成立 解散 更名 上市
开始 结束 暂停
最大 最小 最多 最少 最长 最短 最高 最低 最早 最晚
第一 第二 第三 第四 最后
父亲 母亲 妻子 丈夫 儿子 女儿 哥哥 弟弟 老师 学生
冠军 亚军 季军
上升 下降 增加 减少 增长
面积 人口 海拔 长度 高度 宽度 重量 温度 速度
总部 分部 工厂 学校 研究所
导演 编剧 主演 制片人 作曲 作者 出版社
总统 总理 主席 市长 校长 院长 部长 董事长 总经理 监事长 秘书长
东部 西部 南部 北部 中部
以前 以后
国内 国外
赔付 投诉 捐赠 贷款 培训
收入 支出 利润 成本 票房 股价
优点 缺点 特点 用途 原因 影响
男性 女性 儿童 老年人
首都 首府 省会
上半年 下半年 第一季度 第三季度
中国人寿 平安人寿 新华保险 太平人寿 泰康人寿 太平洋人寿 人保寿险 友邦人寿 阳光人寿
平安产险 人保财险 太平洋产险 国寿财险 大地保险 众安保险
中国平安 中国人保 中国太保 中国太平 中国再保险
平安银行 招商银行 工商银行 建设银行 农业银行 中国银行 交通银行 兴业银行 浦发银行 民生银行 中信银行
中信证券 平安证券 国泰君安 海通证券 华泰证券
华为 小米 苹果 三星 荣耀 联想
比亚迪 特斯拉 蔚来 理想汽车 小鹏汽车 吉利 奇瑞
阿里巴巴 腾讯 百度 京东 美团 字节跳动 拼多多
""".strip().splitlines()
)
SYNONYMS = (
    ("什么时候", "何时", "哪个时候"),
    ("谁", "哪位", "什么人", "何人"),
    ("哪里", "什么地方", "哪儿", "何处", "何地"),
    ("为什么", "为何", "什么原因导致"),
    ("多少", "几多"),
    ("哪些", "什么"),
    ("如何", "怎么", "怎样"),
)
OPENINGS = ("请问", "我想知道", "您好，", "帮我查一下，", "想了解一下，", "资料里", "请问一下")
MEASURES = "元 件 人 人次 次 家 场 个 名 户 % 美元 倍 天 年 小时 公里 吨 辆 百分点 个百分点 平方米 项 条 篇 份 单 笔 岁 部"
QUANTITY = re.compile(
    r"(?<![\d.,\-－~/:年、到至和。，；：！？\n\s])(\d+(?:[.,]\d+)*)\s?((?:百万|千万|万|亿|万亿)?)(余|多)?("
    + "|".join(sorted(MEASURES.split(), key=len, reverse=True))
    + r")(?![\d月内代和、至到\-－~])"
)
LISTED = re.compile(
    r"([^，。；：、！？\n“”（）]{4,28}?)(包括了?|包含|分为|涵盖|分别是|分别为|主要有)：?([^，。；：！？\n]{2,30}、[^，。；：！？\n]{2,80})(?=[。；，])"
)
STOP = re.compile(r"[，。；：！？\n]")


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each kind of example is drawn; the shares sum to 1."""

    answered: float = 0.55
    elsewhere: float = 0.11
    sibling: float = 0.09
    removed: float = 0.09
    swapped: float = 0.16


class Examples:
    """Draws examples for questions; ``pool`` is what passages without the answer are drawn from."""

    def __init__(self, asked: Sequence[Asked], pool: Sequence[Text], mix: Mix) -> None:
        self._pool = list(pool)
        self._mix = mix
        self._siblings: dict[str, list[Asked]] = defaultdict(list)
        for one in asked:
            self._siblings[one.passage.group].append(one)
        self._near = dict(zip((one.id for one in asked), _neighbours(asked, self._pool), strict=True))
        self._names = {one.id: names_in(one.question) for one in asked}
        found: dict[str, set[str]] = defaultdict(set)
        for pairs in self._names.values():
            for name, kind in pairs:
                found[kind].add(name)
        self._by_kind = {kind: sorted(names) for kind, names in found.items()}

    def draw(self, one: Asked, limit: int, chance: random.Random) -> Example:
        """An example of ``one`` in a text of about ``limit`` characters; answerable where the drawn kind cannot be."""
        mix = self._mix
        kinds = ["answered", "elsewhere", "sibling", "removed", "swapped"]
        shares = [mix.answered, mix.elsewhere, mix.sibling, mix.removed, mix.swapped]
        kind = chance.choices(kinds, shares)[0]
        made: Example | None = None
        if kind == "elsewhere":
            made = self.elsewhere(one, limit, chance)
        elif kind == "sibling":
            made = self.sibling(one, limit, chance) or self.elsewhere(one, limit, chance)
        elif kind == "removed":
            made = removed(one, limit, chance) or self.elsewhere(one, limit, chance)
        elif kind == "swapped":
            made = self.swapped(one, limit, chance) or self.elsewhere(one, limit, chance)
        return made or dated(answered(one, limit, chance), chance)

    def elsewhere(self, one: Asked, limit: int, chance: random.Random) -> Example | None:
        """The question over the likest part of a passage that BM25 finds near it and that lacks the answer."""
        near = self._near[one.id]
        for _ in range(3):
            text = self._pool[near[min(int(chance.expovariate(0.8)), len(near) - 1)]]
            core = likest(one.question, text.text)
            part = text.text[slice(*_bounds(window(text.text, core, limit, chance)))]
            if one.words not in part:
                return Example(one.question, part, None, "elsewhere", answerable=False)
        return None

    def sibling(self, one: Asked, limit: int, chance: random.Random) -> Example | None:
        """A question of the same article, asked of the text around another question's answer."""
        others = [
            other
            for other in self._siblings[one.passage.group]
            if other.id != one.id and _apart(other, one) and other.words != one.words
        ]
        if not others:
            return None
        other = chance.choice(others)
        shown = answered(other, limit, chance)
        if one.words in shown.text:
            return None
        return replace(shown, question=one.question, answer=None, answerable=False, kind="sibling")

    def swapped(self, one: Asked, limit: int, chance: random.Random) -> Example | None:
        """The question with another name, number or detail over the passage of the unchanged one."""
        shown = answered(one, limit, chance)
        ways: list[Callable[[], str | None]] = [
            lambda: swap_number(one.question, shown.text, chance),
            lambda: self.swap_name(one, shown.text, chance),
            lambda: swap_detail(one.question, shown.text, chance),
            lambda: add_year(one.question, shown.text, chance),
        ]
        chance.shuffle(ways)
        for way in ways:
            question = way()
            if question and question != one.question:
                return replace(shown, question=question, answerable=False, kind="swapped")
        return None

    def swap_name(self, one: Asked, text: str, chance: random.Random) -> str | None:
        """The question with a name that ``text`` holds exchanged for one of its sort that it does not hold."""
        here = [(name, kind) for name, kind in self._names[one.id] if name in text]
        if not here:
            return None
        name, kind = chance.choice(here)
        for _ in range(5):
            other = chance.choice(self._by_kind[kind])
            if other not in text and other not in one.question and name not in other:
                return one.question.replace(name, other)
        return None


def answered(one: Asked, limit: int, chance: random.Random) -> Example:
    """The question over a part of its passage that holds the answer."""
    text, answer = cut(one.passage.text, window(one.passage.text, one.answer, limit, chance), one.answer)
    return Example(one.question, text, answer, "answered")


def removed(one: Asked, limit: int, chance: random.Random) -> Example | None:
    """The question over its passage without the sentence of the answer; None where the answer stands twice."""
    text = one.passage.text
    parts = sentences(text)
    kept = [part for part in parts if part.end <= one.answer.start or part.start >= one.answer.end]
    rest = "".join(text[part.start : part.end] for part in kept)
    if len(rest) < 30 or one.words in rest:
        return None
    before = sum(part.end - part.start for part in kept if part.end <= one.answer.start)
    core = Span(max(0, min(before, len(rest) - 2)), max(1, min(before + 1, len(rest) - 1)))
    part = window(rest, core, limit, chance)
    return Example(one.question, rest[part.start : part.end], None, "removed", answerable=False)


def swap_number(question: str, text: str, chance: random.Random) -> str | None:
    """The question with one of its numbers exchanged for one that ``text`` does not hold."""
    places = [*NUMBER.finditer(question), *CHINESE_NUMBER.finditer(question)]
    places = [place for place in places if place.group() in text]
    if not places:
        return None
    place = chance.choice(places)
    old = place.group()
    for _ in range(6):
        new = _other_number(old, chance)
        if new not in text and new != old:
            return question[: place.start()] + new + question[place.end() :]
    return None


def _other_number(old: str, chance: random.Random) -> str:
    if not old[0].isdigit():
        return chance.choice("二三四五六七八九")
    if re.fullmatch(r"(1[5-9]|20)\d\d", old):
        return str(int(old) + chance.choice((-12, -5, -3, -2, -1, 1, 2, 3, 4, 7, 11)))
    digits = [chance.choice("123456789") if letter.isdigit() else letter for letter in old]
    return "".join(digits)


def swap_detail(question: str, text: str, chance: random.Random) -> str | None:
    """The question with a detail's word exchanged for another of its sort that ``text`` does not hold."""
    found = [(word, group) for group in DETAILS for word in group if word in question]
    if not found:
        return None
    word, group = max(found, key=lambda pair: len(pair[0]))
    others = [other for other in group if other != word and other not in text and other not in question]
    return question.replace(word, chance.choice(others)) if others else None


def add_year(question: str, text: str, chance: random.Random) -> str | None:
    """The question asked of a year that ``text`` does not name; None where it names a year already."""
    if YEAR.search(question):
        return None
    named = [int(match.group(1)) for match in YEAR.finditer(text)]
    year = (chance.choice(named) if named else 2021) + chance.choice((-3, -2, -1, 1, 2, 3))
    return None if str(year) in text else f"{year}年{question}"


def dated(example: Example, chance: random.Random) -> Example:
    """An answered example with the year of the answer's sentence in its question, so that a year alone tells nothing."""
    if example.answer is None or YEAR.search(example.question):
        return example
    part = next(part for part in sentences(example.text) if part.end > example.answer.start)
    before = example.text[part.start : example.answer.start]
    years = [match.group(1) for match in YEAR.finditer(before)]
    if not years or chance.random() < 0.5:
        return example
    return replace(example, question=f"{years[-1]}年{example.question}")


def names_in(question: str) -> list[tuple[str, str]]:
    """Names of people, places, bodies and things in ``question``, each with its sort; titles in 《》 too."""
    found = [
        (pair.word, pair.flag[:2])
        for pair in jieba.posseg.cut(question)
        if pair.flag in NAMES and len(pair.word) > 1
    ]
    found += [(match.group(1), "title") for match in re.finditer(r"《([^》]{2,})》", question)]
    found += [(match.group(1), "latin") for match in re.finditer(r"([A-Za-z][A-Za-z0-9\-]{2,})", question)]
    return found


def reworded(question: str, chance: random.Random) -> str:
    """The question as somebody else may type it: a synonym, a polite opening, no mark, a letter lost or mistyped."""
    if chance.random() < 0.15:
        for group in SYNONYMS:
            word = next((word for word in group if word in question), None)
            if word:
                question = question.replace(word, chance.choice(group))
                break
    if chance.random() < 0.12:
        question = chance.choice(OPENINGS) + question
    if chance.random() < 0.3:
        question = question.rstrip("？?")
    if chance.random() < 0.1 and len(question) > 8:
        place = chance.randrange(len(question))
        # A digit is what a question may hang on: losing one would make it another question.
        if not question[place].isdigit():
            other = "" if chance.random() < 0.5 else chance.choice("的是在有了和人这中大为上个国")
            question = question[:place] + other + question[place + 1 :]
    return question


def likest(question: str, text: str) -> Span:
    """The sentence of ``text`` that shares most pairs of letters with the question."""
    wanted = bigrams(question)
    return max(sentences(text), key=lambda part: len(wanted & bigrams(text[part.start : part.end])))


def made_questions(texts: Sequence[Text], chance: random.Random, each: int) -> list[Asked]:
    """Questions made out of statements: Chinese asks for a quantity or a list in the place where it stands.

    「公司开展了8万余场活动」 becomes 「公司开展了多少场活动？」, 「产品包括甲、乙和丙」 becomes 「产品包括哪些？」.
    At most ``each`` of a text.
    """
    asked: list[Asked] = []
    for text in texts:
        found = [*_quantities(text, chance), *_lists(text)]
        chance.shuffle(found)
        asked += found[:each]
    return asked


def _quantities(text: Text, chance: random.Random) -> list[Asked]:
    made = []
    for match in QUANTITY.finditer(text.text):
        number, scale, _, measure = match.groups()
        year = measure == "年" and len(number) == 4 and not scale
        # 多少件 and 多少万件 are both ways to ask for 410万件.
        asked_for = "哪一年" if year else f"多少{scale if chance.random() < 0.4 else ''}{measure}"
        left = _clause_start(text.text, match.start(), 14)
        stop = STOP.search(text.text, match.end())
        right = stop.start() if stop else len(text.text)
        question = text.text[left : match.start()] + asked_for + text.text[match.end() : right]
        if 8 <= len(question) <= 60:
            name = f"made:{text.id}:{match.start()}"
            made.append(Asked(name, question + "？", text, Span(match.start(), match.end())))
    return made


def _lists(text: Text) -> list[Asked]:
    return [
        Asked(
            f"made:{text.id}:{match.start(3)}",
            f"{match.group(1)}{match.group(2).rstrip('了')}哪些？",
            text,
            Span(match.start(3), match.end(3)),
        )
        for match in LISTED.finditer(text.text)
        if not match.group(1).startswith(("的", "和", "等", "是"))
    ]


def _clause_start(text: str, place: int, least: int) -> int:
    """Where the clause around ``place`` begins; a clause further back where fewer than ``least`` letters remain."""
    start = place
    while start > 0:
        stops = [match.end() for match in STOP.finditer(text, max(0, start - 60), start - 1)]
        start = stops[-1] if stops else max(0, start - 60)
        full = start > 0 and text[start - 1] in "。！？\n"
        if place - start >= least or full or not stops:
            break
    return start


def _apart(first: Asked, second: Asked) -> bool:
    if first.passage.id != second.passage.id:
        return True
    return abs(first.answer.start - second.answer.start) > 120


def _bounds(span: Span) -> tuple[int, int]:
    return span.start, span.end


def _neighbours(asked: Sequence[Asked], pool: Sequence[Text]) -> list[list[int]]:
    """For each question the places in ``pool`` of the passages nearest to it by BM25, its own left out."""
    ranker = bm25s.BM25()
    ranker.index([_terms(text.title + text.text) for text in pool], show_progress=False)
    wanted = [_terms(one.question) for one in asked]
    places, _ = ranker.retrieve(wanted, k=min(NEIGHBOURS + 1, len(pool)), show_progress=False, sorted=True)
    own = [one.passage.id for one in asked]
    return [
        [int(place) for place in row if pool[place].id != mine]
        for row, mine in zip(np.asarray(places), own, strict=True)
    ]


def _terms(text: str) -> list[str]:
    letters = "".join(letter for letter in text if letter.isalnum())
    return [letters[place : place + 2] for place in range(len(letters) - 1)] or ["-"]
