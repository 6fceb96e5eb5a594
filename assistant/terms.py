"""The words of a question that an answer must speak of, each with a weight, and how well a text speaks of them.

A term weighs by its part of speech (names and nouns most) and by how rare it is in the index (inverse document
frequency, Robertson & Spärck Jones 1976); a word that the index has never seen weighs most, for a question about
重疾险 is not answered by a sentence that lacks it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import jieba
import jieba.posseg

from assistant.lexicon import Lexicon
from assistant.quantities import quantities, years

_BY_PART_OF_SPEECH = {
    "n": 1.0,
    "j": 1.0,
    "l": 0.9,
    "i": 0.9,
    "e": 0.0,
    "s": 0.8,
    "b": 0.8,
    "v": 0.65,
    "a": 0.5,
    "f": 0.2,
    "t": 0.4,
    "z": 0.4,
}
_SAYS_LITTLE = frozenset(
    ["有", "是", "会", "能", "可以", "可", "要", "想", "请", "请问", "请教", "告诉", "知道", "了解", "情况", "内容", "做", "进行", "里面", "里", "时候", "时间", "段时间", "时间段", "年度", "年份", "具体", "东西", "方面", "工作", "相关", "有关", "关于", "一下", "一共", "总共", "分别", "大概", "大约", "到底", "究竟", "目前", "现在", "已经", "公司", "平安", "集团", "中国平安", "平安集团", "哪些", "哪个", "哪家", "哪", "什么", "多少", "几", "怎么", "如何", "怎样", "为什么", "是否", "吗", "呢", "的", "了", "在", "对", "和", "与", "及", "或", "中", "上", "下", "为", "被", "把", "由", "从", "到", "说", "讲", "看", "问", "叫", "指", "属于", "称", "名字", "名称", "含义", "意思", "概念", "定义", "总结", "概括", "介绍", "简述", "主要", "列举", "列出", "包括", "包含", "达到", "达", "数", "数量", "总数", "次数", "件数", "人数", "场数", "人次", "时", "年", "月", "日", "号", "天", "个", "件", "次", "场", "家", "项", "款", "起", "名", "位", "元", "条", "人", "好", "用", "来", "去", "给", "让", "使", "得", "地", "着", "过", "都", "也", "还", "又", "就", "才", "只", "其", "其中", "它", "他", "他们", "这", "那", "这个", "那个", "这些", "那些", "该", "此", "各", "每", "本", "部门", "机构", "单位", "地方", "号码", "程度", "规矩", "汇报", "说法", "事儿", "事情", "人家", "客户", "员工", "点", "种", "类", "法", "资料", "文章", "文中", "材料", "报道", "提到", "显示", "结果", "是不是", "有没有", "怎么回事", "存在", "发生", "怎么样", "帮", "查", "查询", "原因", "目的", "办", "搞", "弄", "开", "起来", "多久", "多长", "多远", "多大", "第几", "几个", "哪里", "哪儿", "谁", "啥", "咋", "真", "真的", "对吧", "吧", "哪几", "请教", "答", "回答", "问题", "全部", "所有", "一年", "当时", "最", "更", "多", "少", "高", "低", "大", "小", "花样", "新花样", "花招", "名堂", "新东西", "新招", "法子", "新招数", "新鲜", "玩法", "概要", "全貌", "汇总", "归纳", "梳理", "盘点"]
)  # fmt: skip
_NAMING = re.compile(r"\d+(?:[*.·]\d+)+|\d{3,}")
# Nouns that only say what sort of thing is asked for; an answer need not repeat them.
_SORTS = frozenset(
    [
        "平台",
        "部门",
        "机构",
        "渠道",
        "系统",
        "网站",
        "软件",
        "组织",
        "单位",
        "活动",
        "服务",
        "措施",
        "举措",
        "做法",
        "人群",
        "方法",
        "手段",
        "环节",
        "领域",
        "场景",
        "形式",
        "途径",
        "栏目",
        "节日",
        "方式",
        "体现",
        "表现",
        "成效",
        "效果",
        "进展",
        "排名",
        "金额",
        "人员",
        "数字",
        "详情",
        "要求",
        "规定",
        "标准",
        "特点",
        "亮点",
        "流程",
        "步骤",
        "办法",
        "成果",
        "成绩",
        "全文",
        "数据",
    ]
)
_LETTERS = re.compile(r"[a-z0-9][a-z0-9.*+-]*")
_PAIR = re.compile(r"(?=([\u4e00-\u9fff]{2}))")
_NO_PAIR = re.compile(
    r"[的了吗呢吧么什怎哪谁几多少是有与及或不没也都就还被把给对从到这那为我你您它他其请问想]|平安|集团|公司|情况|内容|具体|总共|一共|一下|可以|知道|告诉|介绍|今年|去年|目前|现在"
)
GUESSED_CHARS = 200
"""Words that no dictionary holds are guessed in texts up to this length: guessing takes milliseconds a character."""
_FILLERS = {"问题"}  # says little alone, yet much when it is what was counted: 发现多少问题


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question. ``essential`` terms are names and nouns that an answer can hardly lack; ``known`` ones the
    index uses somewhere, so that a passage without them is likely about something else."""

    text: str
    weight: float
    essential: bool
    known: bool = False


@cache
def _tagger(tokenizer: jieba.Tokenizer) -> jieba.posseg.POSTokenizer:
    """The part-of-speech tagger over a segmenter, one for all indexes: reading its dictionary takes half a second."""
    return jieba.posseg.POSTokenizer(tokenizer)


class TermReader:
    """Reads the terms out of questions, weighing them by one index's document frequencies.

    Args:
        document_frequency: in how many chunks a token stands.
        size: the number of chunks.
        tokenizer: the segmenter of the index, so that both sides cut words alike.
    """

    def __init__(
        self,
        document_frequency: Callable[[str], int],
        size: int,
        tokenizer: jieba.Tokenizer,
        lexicon: Lexicon,
    ) -> None:
        self._frequency = document_frequency
        self._size = max(size, 1)
        self._tagger = _tagger(tokenizer)
        self._lexicon = lexicon

    def terms(self, text: str, *, scale: float = 1.0, english: bool = False) -> list[Term]:
        """The terms of ``text`` (normalised), weights multiplied by ``scale``, without repeats."""
        found = {number: Term(number, scale, scale >= 1.0) for number in _telling_numbers(text)}
        folded = self._lexicon.fold(text)
        for word, flag in self._tagger.cut(folded, HMM=len(folded) <= GUESSED_CHARS):
            if word in found or word.isspace() or years(word + "年"):
                continue
            part = "n" if flag == "eng" else flag[:1]
            if word in _SAYS_LITTLE and word not in _FILLERS:
                continue
            if (
                english
                and _LETTERS.fullmatch(word)
                and (word in self._lexicon.english_stop or self._frequency(word) == 0)
            ):
                continue
            if word[0] in "哪几啥" or word.startswith(
                ("多长", "多少", "多大", "多久", "解释", "核实", "请问")
            ):
                continue
            if (
                part in "mqurpcydwox"
                and not (part == "m" and len(word) > 1 and not any(c.isdigit() for c in word))
                and part != "x"
            ):
                continue
            if part == "x" and not re.fullmatch(r"[\w\u4e00-\u9fff]{2,}", word):
                continue
            weight = _BY_PART_OF_SPEECH.get(part, 0.5) * self._rarity(word) * scale
            if weight > 0.02:
                found[word] = Term(
                    word,
                    weight,
                    part in "njlix" and len(word) > 1 and scale >= 1.0 and word not in _SORTS,
                    self._frequency(word) > 0,
                )
        return list(found.values())

    def has_subject(self, clause: str) -> bool:
        """Whether a clause can stand alone: it opens with a name, a noun or a time, not with a verb that lacks its subject."""
        first = next(
            (flag[:1] for word, flag in self._tagger.cut(clause.strip("“‘《「")) if word.strip()), "n"
        )
        return first not in "vdpcuf"

    def names_person(self, text: str) -> bool:
        """Whether ``text`` holds what looks like a person's name."""
        return any(flag.startswith("nr") and len(word) in (2, 3, 4) for word, flag in self._tagger.cut(text))

    def names_places(self, text: str) -> int:
        """How many place names ``text`` gives in a row (四川、云南和贵州); one that stands alone may be a mistaken tag."""
        tagged = [(word, flag == "ns") for word, flag in self._tagger.cut(text)]
        return sum(
            place and other and joiner in "、和及与"
            for (_, place), (joiner, _), (_, other) in zip(tagged, tagged[1:], tagged[2:], strict=False)
        )

    def pairs(self, text: str, terms: Sequence[Term]) -> tuple[str, ...]:
        """Neighbouring Han characters of ``text`` that no term holds and no question word does: what segmentation missed."""
        held = " ".join(term.text for term in terms)
        return tuple(
            dict.fromkeys(
                pair for pair in _PAIR.findall(text) if pair not in held and not _NO_PAIR.search(pair)
            )
        )

    def _rarity(self, word: str) -> float:
        """Inverse document frequency scaled to 0.25 … 1; 1 for a word that no chunk holds."""
        frequency = self._frequency(word)
        if frequency == 0:
            return 1.0
        return 0.25 + 0.75 * math.log(1 + self._size / frequency) / math.log(1 + self._size)


def _telling_numbers(text: str) -> list[str]:
    """Numbers that are names (95511, 448, 7*24), not years nor figures with a unit."""
    with_unit = [(quantity.start, quantity.end) for quantity in quantities(text) if quantity.unit]
    return [
        match[0]
        for match in _NAMING.finditer(text)
        if not years(match[0] + "年") and not any(start <= match.start() < end for start, end in with_unit)
    ]


def found(term: str, text: str, lexicon: Lexicon) -> float:
    """How well ``text`` speaks of ``term``: 1 for the word itself, 0.9 for a synonym, a share for most of its characters."""
    if term in text:
        return 1.0
    if any(other in text for other in lexicon.synonyms.get(term, ())):
        return 0.9
    if len(term) < 3:
        return 0.35 if len(term) == 2 and re.search(f"{term[0]}.{{0,3}}{term[1]}", text) else 0.0
    longest = 1
    for start in range(len(term) - 1):
        # Every beginning of a piece that is held is held too, so growing a piece finds the longest in linear steps.
        while start + longest < len(term) and term[start : start + longest + 1] in text:
            longest += 1
    return 0.75 * longest / len(term) if longest >= 2 else 0.0


def coverage(terms: Sequence[Term], fields: Sequence[tuple[str, float]], lexicon: Lexicon) -> float:
    """The weighted share of ``terms`` found in any of ``fields`` (text, how much a find there counts); 0 … 1."""
    total = sum(term.weight for term in terms)
    if total == 0:
        return 0.0
    return (
        sum(
            term.weight * max(share * found(term.text, text, lexicon) for text, share in fields)
            for term in terms
        )
        / total
    )


def missing(terms: Sequence[Term], text: str, lexicon: Lexicon) -> list[Term]:
    """Essential terms that ``text`` does not speak of, the heaviest first."""
    lacking = [term for term in terms if term.essential and found(term.text, text, lexicon) < 0.5]
    return sorted(lacking, key=lambda term: -term.weight)
