"""Follow-up questions made to stand alone by rule: 「那平安产险呢？」 after a question about 平安人寿.

Three kinds are told apart: a swap (那X呢: X takes the place of what it resembles), a reference (它, 其中, 该平台:
the earlier question's topic is carried along), and a new question (nothing is carried).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.kinds import kind_of
from assistant.lexicon import Lexicon, Mention
from assistant.quantities import years
from assistant.schema import Role

_NEW_TOPIC = re.compile(
    r"^(?:换个(?:话题|问题)|另外问(?:一个|个)?(?:问题)?|新问题|不说这个了?|问个别的)[，,。:： ]*"
)
_INSTEAD = re.compile(r"^(?:那么?)?(?:要是|如果)?换(?:成|作|做|到|了)(?:是)?")
_SWAP = re.compile(r"^(?:那么?|还有|然后|再问|至于|and |what about |how about )?[，, ]*(?P<what>.{1,24}?)(?:呢|又?如何|怎么样)[？?。 ]*$|^(?:what about|how about|and) (?P<en>.{1,40}?)\??$", re.IGNORECASE)  # fmt: skip
_SWAP_AND_ASK = re.compile(r"^(?:那么?)?(?P<what>[^，,？?]{2,8})呢[，,？?]\s*(?P<rest>.+)$")
"""银行呢，它用的是哪些形式: a swap that asks something of its own."""
_BARE_BRANCHES = frozenset({"银行", "证券", "信托", "普惠"})
"""What a company of the group is called in a conversation about another."""
# 这次活动 points back; 这次教育宣传月 names its own subject.
_POINTED_AT = r"(?=活动|服务|平台|公司|展馆|模式|项目|数字|数据|措施|机制|业务|产品|案件|办法|会议|里|当中|方面|是|要|能|有|会|什|多|怎|，|,|？|[?]|$)"
_REFERENCE = re.compile(
    rf"它|他们|她们|其中|其(?=[一-龥])(?!他|它|实|余|间)|(?:这|那|该)(?:个|些|次|项|家|种|件|样|一)?{_POINTED_AT}|^[里上](?:头|面)|这里|那里|上述|前者|后者|此(?:项|次|外|举)|当时|刚才|"
    r"\b(?:it|its|they|their|them|this|that|these|those)\b",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(r"^(?:那么?|还有|另外|具体|分别|一共|总共|平均|除此之外|除了这些|还|也)[，, ]*")
_SHORT = 12
"""Characters: a question longer than this has room to name its own subject."""

_VERB_ALONE = 6
_ANYONE = re.compile(r"(?:成员公司|公司|机构|单位|部门|人|客户|员工|城市|地区|产品)(?![^，。]{5})")
_ITS_COMPANY = re.compile(
    r"它|他们|该(?:公司|行|机构)|这(?:家|个公司)|其(?!中)|\b(?:it|they|its|their)\b", re.IGNORECASE
)
_ASKING = re.compile(
    r"什么是|是什么(?:意思)?|指的?是?什么|"
    r"(?:一共|总共|共|分别|大概|大约|到底|究竟|具体)?(?:有|是|为|在|达到?|叫)?(?:了)?(?:多少|几|哪些|哪一?(?:个|家|天|年|种|里)?|什么时[候间]|什么|何时|谁|怎么样?|怎样|如何|为什么|多[大长远高久])"
    r"(?:个|件|次|场|家|人次|人|名|位|项|款|起|元|钱|公里|天|种|份|条|例)?|[吗呢吧][？?]?$|[？?。！!]|^请问|是不是|是否|有没有"
)

TOPIC_CHARS = 120
"""What is carried from turn to turn stays this short, however long the conversation."""

HasSubject = Callable[[str], bool]
"""Whether a clause opens with a subject rather than with a verb that lacks one."""


@dataclass(frozen=True, slots=True)
class StandAlone:
    """A question that stands alone: ``topic`` is what was carried from earlier turns, ``focus`` what this turn asks.

    ``text`` is both together; ``shape`` is the text whose question words tell the kind of answer. ``said`` is the answer before
    it, where the question leans on what was spoken of.
    """

    text: str
    topic: str
    focus: str
    shape: str
    said: str = ""


def stand_alone(
    question: str, history: Sequence[tuple[Role, str]], lexicon: Lexicon, has_subject: HasSubject
) -> StandAlone:
    """Fold the turns of a conversation, oldest first, into a question that needs none of them."""
    current = StandAlone("", "", "", "")
    turns = [*_about_something(history), ("user", question)]
    answer = ""
    for role, text in turns:
        if role == "assistant":
            answer = text
        else:
            current = _join(current, text.strip(), answer, lexicon, has_subject)
            answer = ""
    return current


def _about_something(history: Sequence[tuple[Role, str]]) -> Iterator[tuple[Role, str]]:
    """The turns that a later one may lean on: a greeting or an instruction names no subject, nor does the reply to it."""
    idle = False
    for role, text in history:
        if role == "user":
            idle = kind_of(text) in ("smalltalk", "request")
        if not idle:
            yield role, text


def _join(
    earlier: StandAlone, question: str, answer: str, lexicon: Lexicon, has_subject: HasSubject
) -> StandAlone:
    bare = _NEW_TOPIC.sub("", question)
    alone = StandAlone(bare, "", bare, bare)
    if not earlier.text or bare != question:
        return alone
    question = _INSTEAD.sub("", question)
    swap = _SWAP.match(question)
    if swap:
        return _swapped(earlier, (swap["what"] or swap["en"]).strip(" ，,"), lexicon)
    then = _SWAP_AND_ASK.match(question)
    if then:
        what = f"平安{then['what']}" if then["what"] in _BARE_BRANCHES else then["what"]
        if lexicon.mentions(what):
            carried = topic(_swapped(earlier, what, lexicon).text)
            return StandAlone(f"{carried} {then['rest']}", carried, then["rest"], then["rest"])
    if question != bare or _REFERENCE.search(question) or _leans(question, lexicon, has_subject):
        carried = topic(earlier.text)
        company = (
            _company_of(answer, lexicon)
            if _ITS_COMPANY.search(question) and not _members(earlier.text, lexicon)
            else ""
        )
        if company and company not in carried:
            carried = f"{company} {carried}"
        own = _members(question, lexicon)
        if own:
            carried = _without(carried, _members(carried, lexicon))
        return StandAlone(f"{carried} {question}".strip(), carried, question, question, answer)
    return alone


def _swapped(earlier: StandAlone, what: str, lexicon: Lexicon) -> StandAlone:
    """The earlier question with ``what`` in the place of what it resembles: company, year, or else the thing asked."""
    text = earlier.text
    new_companies = lexicon.mentions(what)
    new_years = years(what) or years(what + "年")
    rest = _without(what, new_companies)
    rest = re.sub(r"(?:19|20)\d{2}年?|[的在于]|^那么?", "", rest).strip(" ，,")
    if new_companies:
        text = _replace_companies(text, [mention.company for mention in new_companies], lexicon)
    if new_years:
        year = f"{new_years[0]}年"
        text, changed = re.subn(r"(?:19|20)\d{2}年", year, text, count=1)
        text = text if changed else year + text
    if new_companies or new_years:
        if not rest:
            return StandAlone(text, "", text, earlier.shape)
        carried = topic(text)
        return StandAlone(f"{carried} {rest}", carried, rest, earlier.shape)
    if kind_of(earlier.shape) == "definition":
        return StandAlone(f"什么是{what}", "", f"什么是{what}", earlier.shape)
    carried = topic(text)
    return StandAlone(f"{carried} {what}", carried, what, what if _ASKING.search(what) else earlier.shape)


def _leans(question: str, lexicon: Lexicon, has_subject: HasSubject) -> bool:
    """Whether a question names no subject of its own, so that it must mean the one before: 「整改了多少项？」."""
    bare = _CONNECTIVE.sub("", question)
    about = topic(bare)
    if lexicon.mentions(question) or years(question) or len(bare.rstrip("？?。 ")) > _SHORT:
        return False
    if not about or _ANYONE.match(about):
        return True
    # With an object of its own (发起了旅游特种兵活动) a verb needs no earlier question, unless a connective asks for one.
    return not has_subject(about) and (bare != question or len(about) <= _VERB_ALONE)


def topic(text: str) -> str:
    """A question without its question words, ``TOPIC_CHARS`` at most: what it is about."""
    return re.sub(r"\s+", " ", _ASKING.sub("", text)).strip(" ，,、")[:TOPIC_CHARS]


def _members(text: str, lexicon: Lexicon) -> list[Mention]:
    return [mention for mention in lexicon.mentions(text) if mention.standing != "group"]


def _without(text: str, mentions: Sequence[Mention]) -> str:
    for mention in reversed(mentions):
        text = text[: mention.start] + text[mention.end :]
    return text


def _replace_companies(text: str, names: Sequence[str], lexicon: Lexicon) -> str:
    old = _members(text, lexicon) or lexicon.mentions(text)
    joined = "和".join(names)
    if not old:
        return joined + text
    first = old[0].start
    return text[:first] + joined + _without(text, old)[first:]


def _company_of(answer: str, lexicon: Lexicon) -> str:
    named = list(dict.fromkeys(mention.company for mention in _members(answer, lexicon)))
    return named[0] if len(named) == 1 else ""
