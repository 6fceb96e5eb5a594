"""A question, with the turns before it, into what to look up: one ``Lookup`` for each thing it asks.

    as typed -> one script and width -> polite words off -> follow-up folded in -> typing errors mended -> parts

Everything is by rule and by data (``lexicon.toml``), so that the same question is always understood alike, and
what was understood is shown to the reader as ``Answer.looked_up``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import opencc

from assistant.contrasts import contrasted, each
from assistant.followup import HasSubject, stand_alone
from assistant.kinds import asks, kind_of, reckons
from assistant.lexicon import Lexicon
from assistant.quantities import Quantity, quantities, years
from assistant.schema import Kind, Question
from assistant.spelling import Correction, Speller
from index.disguises import undisguised

_SIMPLIFY = opencc.OpenCC("t2s")

_POLITE = re.compile(
    r"^(?:(?:你好|您好|嗨|hello|hi|早上好|下午好|晚上好)(?:呀|啊|哦)?[，,。!！~ ]+)?(?:(?:麻烦|请(?!问|教)|劳驾|辛苦)(?:你|您)?(?:帮(?:我|忙))?)?(?:不好意思|打扰(?:一下|了)?)?[，, ]*"
    r"(?:(?:请问|我想问|想问|问一?下|想?请教(?:一下|下)?|咨询一?下|(?:商户|用户|储户|老人|家属|记者|同事|领导)问|想?了解一?下|我想了解|想知道|我想知道|我要问|查一?下|查询一?下|帮我(?:查|找|看|问)(?:一?下)?|告诉我|跟我说说|说一?下|能不能(?:告诉|帮)我|能否告诉我|可以告诉我|可否告诉我|客户问|有客户问|客户想知道|有人问)(?:一下|下|一声|你|您)?)*[，,:： ]*"
    r"(?:那个|就是|嗯+|额)?[，, ]*",
    re.IGNORECASE,
)
_POLITE_END = re.compile(
    r"[，,。！!？?~ ]*(?:(?:(?:我|客户)?(?:这边|这里)?(?:有点|比较|很|挺)?(?:着?急(?:用)?|赶时间)(?:着呢|的)?|(?:你|您)?知道吗|(?:可以|能)(?:告诉我|说说|讲讲)吗"
    r"|(?:非常|十分|太|先|真的)?(?:谢谢|多谢|感谢|谢过|麻烦|辛苦|打扰)(?:你|您|啦|了|大家)*(?:的?(?:帮助|支持|解答|回复))?(?:了|啦)?|在线等|拜托了?|thanks|thank you|please|好吗|行吗)"
    r"[，,。！!？?~～ ]*)+$",
    re.IGNORECASE,
)
_WANTED_BY = re.compile(
    r"^(?:领导|老板|主任|经理|客户|记者|同事|上面|总部)(?:想)?(?:要|让我|叫我)[^，,。：:]{0,10}[：:]\s*"
)
"""Who wants the answer, and in what form."""
_TO_VERIFY = re.compile(
    r"[，,。；;](?:我|咱)?[^，,。；;]{0,6}(?:这样|这么)(?:写|说|讲|报|填|答|回复)(?:行|对|可以|没问题|成|准)(?:吗|么|不)?[？?]?$"
    r"|[，,。；;](?:这个?|该)?(?:(?:数字?|说法|数据|信息|话)[^，,。；;]{0,14}[，,])?(?:麻烦|请|劳驾|帮忙?|给)*(?:你|您|我|咱)?(?:核实|核对|核|确认|查证|求证)(?:一?下)?[。！!]?$"
)
"""What asks to check what was said before it."""
_WHAT_TO_SAY = re.compile(
    r"[，,。]?(?:那)?我?(?:该|应该|要|得|可以)?(?:怎么|如何|咋)(?:跟(?:他|她|人家|客户))?(?:说|回|答|答复|回复|回答|解释|介绍)(?:他|她|人家|客户|才好|呢)*[？?。]?$"
)
"""What asks for words to say, after the question itself."""
_WE = re.compile(r"(?:我们|咱们?|你们|贵|我|本)(?:公司|集团|司)(?:这边|里)?|(?<!对)我们(?!的心)|咱们|你们")
_SPLIT = re.compile(
    r"[？?；;。!！]+|[，,]\s*(?=(?:以及|还有|另外|同时|又|并且|而|那)?)|(?:以及|还有(?!人|没|用|效|机会)|并且|同时|另外)(?=.{2,})|\band\b(?= (?:how|what|when|who|which|where))"
)
_EACH_TOLD = frozenset({"list", "definition", "how", "why", "fact", "figure", "date", "contact"})
"""Kinds of which two things are told one after the other; where one sentence has both, it is said once."""
_EACH = re.compile(r"分别|各自|各(?:是|靠|用|有|怎|叫)")
_TWO_YEARS = re.compile(
    r"((?:19|20)\d{2}年)(?:和|跟|与|同|、|比|较|对比|相比)((?:19|20)\d{2}年)(?:相比|对比|比较|比)?"
)
_ALSO = re.compile(r"[，,]?(?:还有|以及|另外|再加上)")
_TELLS = 5  # characters: a thing asked for by name alone has at least so many
MOST_PARTS = 6
"""So many things are looked up by themselves; what is asked beyond them goes with the last."""
MOST_COMPANIES = 16
"""A question about more companies than the group has members is looked up as a whole."""
_CLAUSE = re.compile(r"[，,。！!；;：:？?\n]+")
LONG_QUESTION = 26
"""Characters: only a longer question is a story with a question in it."""
TELLING_CHARS = 12
"""Characters that the asking clauses have at least, with what stands right before them."""
_SHORT_YEAR = re.compile(r"(?<![\d.几])(2[1-9])年(?!来|间|以|多|期|保|内|限|前|后|的?时间|龄|头|之)")
"""23年 for 2023年, where it is hardly so many years; 20年 mostly is."""
_SHORT = 12  # characters: a part as short as this leans on the part before it for its subject
_LETTERS = re.compile(r"[A-Za-z]")
_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Lookup:
    """One thing that is asked.

    Attributes:
        text: the question, standing alone, in simplified characters.
        topic: what was carried over from earlier turns; part of ``text``, and weighed less than the rest.
        focus: what this turn itself asks.
        kind: what sort of answer it wants.
        shape: the words that told the kind (and the unit asked for).
        companies: canonical names of the companies it is about; the group itself counts as none.
        outsiders: whether one of these is not a member of the group.
        years: calendar years it names.  quantities: figures it states.
        english: whether it was asked in English; ``text`` then ends with the Chinese for the terms it knows.
        queries: the formulations to search with, the best first.
        said: the answer that it follows upon, normalised; empty where it stands alone.
    """

    text: str
    topic: str
    focus: str
    kind: Kind
    shape: str
    companies: tuple[str, ...]
    outsiders: bool
    years: tuple[int, ...]
    quantities: tuple[Quantity, ...]
    english: bool
    queries: tuple[str, ...]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Understanding:
    """A question understood: the whole of it, its parts (one or more), and the typing errors that were mended."""

    whole: Lookup
    parts: tuple[Lookup, ...]
    corrections: tuple[Correction, ...]


def normalise(text: str) -> str:
    """One form for all ways of typing: NFKC (full-width digits and letters), simplified characters, no disguises."""
    folded = text
    for _ in range(
        2
    ):  # one sign may hold what is a disguise only once it is taken apart: ϱ is ρ, and then a p
        folded = unicodedata.normalize("NFKC", undisguised(folded))
    return re.sub(r"\s+", " ", str(_SIMPLIFY.convert(folded))).strip()


def without_politeness(text: str) -> str:
    """The question without 请问, 谢谢 and their like; the text itself when nothing else is in it."""
    bare = _POLITE.sub("", _WANTED_BY.sub("", text, count=1), count=1)
    if not asks(_TO_VERIFY.sub("", bare)):
        bare = _TO_VERIFY.sub("，对吗", bare)
    bare = _POLITE_END.sub("", bare) or bare
    said = _WHAT_TO_SAY.sub("", bare)
    if asks(said) or bare[len(said) : len(said) + 1] in ("，", ","):
        bare = said
    return bare.strip(" ，,") or text


def story(text: str) -> tuple[str, str]:
    """A long question as the story around it and the clauses that ask; no story where all of it may be asked about.

    What a caller tells first (客户来电话说…) says less about the answer than the clause that asks, and its words need
    not stand in the articles.
    """
    pieces = [piece for piece in _CLAUSE.split(text) if piece.strip()]
    asking = [place for place, piece in enumerate(pieces) if asks(piece)]
    if len(text) < LONG_QUESTION or len(asking) != 1:
        return "", text
    first = last = asking[0]
    while first > 0 and sum(len(piece) for piece in pieces[first : last + 1]) < TELLING_CHARS:
        first -= 1
    around = "，".join(pieces[:first] + pieces[last + 1 :])
    return around, "，".join(pieces[first : last + 1])


def _apart(piece: str) -> list[str]:
    """A clause cut at 、 where each part asks something itself (立案几件、在办几件); else the clause."""
    parts = piece.split("、")
    return parts if len(parts) > 1 and all(asks(part) for part in parts) else [piece]


class Understander:
    """Understands questions against one index's vocabulary. Pure but for the tables it holds."""

    def __init__(self, lexicon: Lexicon, speller: Speller, has_subject: HasSubject) -> None:
        self._lexicon = lexicon
        self._speller = speller
        self._has_subject = has_subject

    def understand(self, question: Question) -> Understanding:
        """What to look up for ``question``."""
        raw = _SHORT_YEAR.sub(r"20\1年", normalise(question.text))
        history = [
            (role, without_politeness(normalise(text)) if role == "user" else normalise(text))
            for role, text in question.history
        ]
        folded = stand_alone(without_politeness(raw), history, self._lexicon, self._has_subject)
        text, corrections = self._speller.mend(folded.text)
        topic, _ = self._speller.mend(folded.topic)
        focus, _ = self._speller.mend(folded.focus)
        shape, _ = self._speller.mend(folded.shape)
        if not topic:
            topic, focus = story(focus)
            # 怎么抓的？概括两句: what is wanted may be said apart from what is asked.
            shape = focus if shape == text and topic and kind_of(text) != "summary" else shape
        whole = replace(self._lookup(text, topic, focus, shape, (raw,)), said=folded.said)
        return Understanding(whole, self._parts(whole), corrections)

    def _lookup(self, text: str, topic: str, focus: str, shape: str, also: tuple[str, ...]) -> Lookup:
        text, topic, focus = (_WE.sub("平安", piece) for piece in (text, topic, focus))
        english = len(_LETTERS.findall(text)) > 3 * len(_HAN.findall(text)) and " " in text.strip()
        chinese = self._lexicon.translate(focus) if english else ""
        mentions = [mention for mention in self._lexicon.mentions(text) if mention.standing != "group"]
        if english and chinese:
            names = " ".join(mention.company for mention in mentions)
            text, focus = f"{text} {names} {chinese}".strip(), f"{focus} {names} {chinese}"
        canonical = text
        for mention in reversed(mentions):
            canonical = (
                canonical[: mention.start] + mention.company + canonical[mention.end :]
                if not english
                else canonical
            )
        return Lookup(
            text=text,
            topic=topic,
            focus=focus,
            kind=kind_of(shape),
            shape=shape,
            companies=tuple(dict.fromkeys(mention.company for mention in mentions)),
            outsiders=any(mention.standing != "member" for mention in mentions),
            years=tuple(years(text)),
            quantities=tuple(
                quantity for quantity in quantities(text) if quantity.unit not in ("年", "月", "日", "")
            ),
            english=english,
            queries=tuple(dict.fromkeys((text, canonical, *also))),
        )

    def _parts(self, whole: Lookup) -> tuple[Lookup, ...]:
        """The separate things asked: clauses that each hold a question word, or one question about several companies."""
        if whole.kind in ("smalltalk", "request"):
            return (whole,)
        if not reckons(whole.shape) and (both_years := _TWO_YEARS.search(whole.text)):
            return tuple(self._of_year(whole, both_years, number) for number in (1, 2))
        two = contrasted(whole.focus)
        if two is None and whole.kind in _EACH_TOLD and len(whole.companies) < 2:
            two = each(whole.focus)
        if two:
            both = self._sharing_subjects(whole, two, leaning=False)
            return tuple(replace(one, kind="how") if one.kind == "fact" else one for one in both)
        if whole.kind in ("comparison", "summary"):
            return (whole,)
        cut = [part for piece in _SPLIT.split(whole.focus) if piece for part in _apart(piece)]
        pieces = [piece.strip(" ，,、") for piece in cut if piece.strip(" ，,、")]
        if not any(asks(piece) for piece in pieces):
            # 假期的接通率，还有宣传触达的人次: nothing asks, and what is joined so is two things all the same.
            joined = [piece.strip(" ，,、") for piece in _ALSO.split(whole.focus)]
            if len(joined) == 2 and all(len(piece) >= _TELLS for piece in joined):
                return self._sharing_subjects(whole, joined)
        asking: list[str] = []
        lead = ""
        for piece in pieces:
            if asks(piece) and len(piece) >= 3:
                asking.append(f"{lead}，{piece}" if lead else piece)
                lead = ""
            elif asking:
                asking[-1] = f"{asking[-1]}，{piece}"
            else:
                lead = f"{lead}，{piece}" if lead else piece
        asking = list(dict.fromkeys(asking))
        if len(asking) > MOST_PARTS:
            asking = [*asking[: MOST_PARTS - 1], "，".join(asking[MOST_PARTS - 1 :])]
        if len(asking) > 1:
            return self._sharing_subjects(whole, asking)
        if reckons(whole.shape):
            return (whole,)
        separate = whole.kind in ("figure", "date", "how", "list", "fact") or _EACH.search(whole.focus)
        if 1 < len(whole.companies) <= MOST_COMPANIES and separate:
            return tuple(self._about(whole, company) for company in whole.companies)
        return (whole,)

    def _sharing_subjects(
        self, whole: Lookup, asking: Sequence[str], *, leaning: bool = True
    ) -> tuple[Lookup, ...]:
        """Later parts inherit the company and year that the first part names and they do not; if ``leaning``, its topic too."""
        first = self._lookup(f"{whole.topic} {asking[0]}".strip(), whole.topic, asking[0], asking[0], ())
        first = replace(first, said=whole.said)
        parts = [first]
        for piece in asking[1:]:
            own = self._lookup(piece, "", piece, piece, ())
            inherited = [] if own.companies else list(first.companies)
            inherited += [] if own.years else [f"{year}年" for year in first.years]
            topic = asking[0] if leaning and len(piece.rstrip("？?。 ")) < _SHORT else " ".join(inherited)
            parts.append(self._lookup(f"{topic} {piece}".strip(), topic, piece, piece, (whole.text,)))
        return tuple(parts)

    def _of_year(self, whole: Lookup, both: re.Match[str], number: int) -> Lookup:
        """The same question about one of two years."""
        text = f"{whole.text[: both.start()]}{both[number]}{whole.text[both.end() :]}"
        return self._lookup(text, "", text, _EACH.sub("", text), (whole.text,))

    def _about(self, whole: Lookup, company: str) -> Lookup:
        """The same question about one of the companies it names."""
        text = whole.text
        for mention in reversed(self._lexicon.mentions(text)):
            if mention.standing != "group" and mention.company != company:
                text = text[: mention.start] + text[mention.end :]
        text = re.sub(
            r"(?:和|与|跟|及|、|,|，)+(?=的|各|分别|都|赔|$|\s)|^(?:和|与|跟|及|、)|(?<=年)(?:和|与|、)",
            "",
            text,
        )
        part = self._lookup(text, whole.topic, text, whole.shape, (whole.text,))
        return replace(part, kind=whole.kind)
