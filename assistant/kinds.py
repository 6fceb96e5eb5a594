"""What sort of answer a question wants, told by its question words.

The kind decides what a sentence must hold to be an answer (a number with a unit, a date, a company) and how
the answer is composed (a clause, an enumeration, lead sentences).
"""

from __future__ import annotations

import re

from assistant.quantities import UNITS
from assistant.schema import Kind

_UNIT = "|".join(UNITS)

_GREETING = re.compile(
    r"^(?:你好|您好|嗨|哈喽|hello|hi|hey|早上好|上午好|下午好|晚上好|在吗|在不在|谢谢|多谢|感谢|辛苦了|再见|拜拜|好的|thanks?(?: you)?|bye)"
    r"(?:你|您|啊|呀|哦|吗|了|大家|小宝|消保问答|there)*$",
    re.IGNORECASE,
)
_ABOUT_US = re.compile(
    r"^(?:请?问?一?下?)?(?:你|您|消保问答|小助手|这个助手|这个系统)(?:是谁|是什么|是做什么的|叫什么(?:名字)?|(?:都|能|会|可以)+(?:做|干|帮我做|回答|帮我)?(?:些)?什么(?:问题|忙)?|有什么(?:用|功能|本事)|怎么用)"
    r"|^(?:what can you do|who are you|what are you|help|帮助|使用说明|怎么使用|怎么用)$",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"(?:写|作|编|来|讲|说)(?:一|几|个)?(?:首|篇|段|个)?(?:[^，。？]{0,8})(?:诗|歌词|代码|程序|脚本|笑话|作文|小说|故事)(?!里|中)"
    r"|忽略(?:以上|之前|上面|前面|所有|你)|无视(?:以上|之前|上面|前面|所有)|系统提示|提示词|system prompt|ignore (?:all|the|your|previous|any)"
    r"|\b(?:python|java|javascript|sql|html)\b|(?:^|[，,。；;你请])来?(?:假装|扮演|角色扮演)|(?:假装|扮演)(?:你|自己)|(?:编造|虚构|捏造|编一个|随便编)|(?:写|拟|起草|准备)(?!进|入|到|在).{0,10}(?:稿|邮件|文案|方案|通知|感谢信|演讲|报告)(?!里|中|要|用|时|需|得|上)|(?:翻译|润色|改写)(?:一下|成|为|这)|write (?:a|me|some) |tell me a joke|pretend|jailbreak",
    re.IGNORECASE,
)

_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("summary", re.compile(r"[几两三]句话|(?:都|各自)(?:要)?(?:给我)?(?:说说|讲讲|说一?下|讲一?下|介绍|带到|提一?下)|一段话|概要|概况|全貌|全景|成绩单|(?:大概|大致|整体|总体)(?:上)?是(?:个)?(?:啥样|什么样|怎么样|怎样|怎么回事)|(?:整体|总体)(?:上)?(?:做|搞|干|开展|进展|推进)|(?:成果|成效|成绩|战果)(?:又)?(?:如何|怎么样|怎样|咋样)|总的(?:情况|来说|来讲|说|讲)|捋(?:一?捋|一下|下)|全面(?:点|些|一?下|说|讲|介绍)|(?:整体|总体|大概|大致|简单|简要)(?:地)?(?:都)?(?:说|讲|聊|介绍|谈)|总结|汇总|小结|梳理|盘点|整理(?:一|下|出|成|个|份)|(?:文|篇|报道)[^，,。？?]{0,12}(?:讲|说|写|谈)[^，,。？?]{0,4}(?:哪|几)|概括|概述|简述|归纳|综述|主要内容|大意|要点|讲了(?:些)?什么|说了(?:些)?什么|(?:介绍|说说|讲讲|谈谈).{0,20}(?:情况|工作|活动|做法|内容|报告|举措)|summari[sz]e|overview|summary", re.I)),
    ("list", re.compile(r"列(?:给我|出来|全|个全)|一一列|都列|挨个(?:说|讲|列)")),
    ("comparison", re.compile(r"最(?:多|少|高|低|大|小)(?:的)?(?:是|的|[？?]|$)|(?:哪家|哪个|谁).{0,12}(?:更|最|比较)|更(?:多|少|高|低|大|小|早|晚)|(?:哪个|哪项|谁).{0,4}(?:在先|在前|先|早|晚)[？?]?$|谁.{0,6}(?:多|少|高|低)[？?]?$|哪(?:个|家).{0,8}[^最]多[？?]?$|排名|排行|排(?:个|一下|下)?(?:队|序|个名)|从(?:多到少|少到多|高到低|低到高|大到小|小到大)|垫底|倒数|哪(?:边|个|家|项)[^，。？]{0,8}(?:数量|次数|件数)?(?:更)?(?:多|大|高|少|小|低)|比(?!例|较|率|重|如).{1,14}(?:多|少|高|低)|(?:多|少|高|低|差)(?:了)?多少倍|the (?:most|least|largest|highest)|more than|which .{0,20}most", re.I)),
    ("why", re.compile(r"为什么|为何|为啥|干嘛|干吗(?!的)|图(?:个)?(?:什么|啥)|何以|原因|什么缘故|目的是|\bwhy\b", re.I)),
    ("how", re.compile(r"^(?!.*(?:号码|多少|哪个|什么)).*(?:怎么|怎样|如何|咋)(?:去|要|来|再|还)?(?!联系|找|打|拨|投诉|反映|反馈|举报|咨询|办|弄)[\u4e00-\u9fff]{2}")),
    ("contact", re.compile(r"^(?!.*(?:多少|几)(?:通|个|条)[^，。]{0,4}(?:电话|热线|号码)).*(?:(?:电话|热线|号码|联系方式)(?:号码|号)?(?:呢|吗)?[？?。！!]?$|(?:电话|热线|号码|联系方式)[^，。做干办]{0,5}(?:多少|什么|哪|几|啥|查|发|给|告诉)|(?:多少|什么|哪|几|啥|要|查|问|给|留|报|找)[^，。]{0,10}(?:电话|热线|号码|联系方式)|(?:报|留|给|打|拨)(?:个)?(?:哪个|什么|多少|啥)号(?![召称文角手列])|打(?:哪个|什么|多少|几)|拨(?:打)?(?:哪|什么|多少|几)|怎么(?:联系|打(?![击造通破消假])))|^(?!.*how (?:many|much)).*(?:hotline|phone number|call which)", re.I)),
    ("date", re.compile(r"(?<![这那前哪后])几点(?![建意要内理])|什么(?:时[候间]|节点|当口|年份)|(?:时间|数据|统计)年份|何时|啥时候|哪一?天|哪一?年|哪个?年度|哪个年份|哪个月|几月|几号|几日|哪日|哪段时间|什么日子|日期|\bwhen\b|what date|which year|what year", re.I)),
    ("list", re.compile(r"^(?!.*多少).*(?:是|有|为|包[括含]|指|分别)哪(?:些|几)[^，,。？?]{0,4}[？?]?$")),
    ("figure", re.compile(rf"多少|(?<![哪那这前后头近])几(?:{_UNIT}|天|万|亿|百|千|回|趟|遍|号人|口人|成)|多(?:大|长|远|高|久|快)(?![家])|占比|比例|百分之几|(?:件|次|人|场|家|款|项|(?<![这那])个)数(?!字|据)|总额|金额|数量|总量|接通率|(?:费率|利率|汇率|税率|限额|额度|覆盖率|满意率|满意度)(?:是|呢)?[？?]?$|how (?:many|much|far|long|often)|what percentage|number of", re.I)),
    ("entity", re.compile(r"谁|哪(?:一)?家|哪(?:个|一个)(?:公司|机构|部门|单位|平台|银行|网站|保险|成员|App)|哪里|哪儿|在哪|哪(?:一)?(?:个|级|方|位)(?!省|城市)|(?:什么|啥)(?:公司|机构|部门|单位|平台|地方|人|名字|名|口号|名称|主题|叫法|称呼|名堂)|叫(?:什么|啥)|名为|\bwho\b|\bwhere\b|which (?:company|bank|platform|unit|firm|subsidiary|member)|what slogan", re.I)),
    ("list", re.compile(r"哪些|哪几|哪(?:[二三四五六七八九十两]|\d+)(?:个|项|种|类|大|家|样|点|条|步|块|招)|有什么(?!关系|用)|有啥|(?:包括|包含|涵盖|涉及|囊括)(?:了|着)?(?:些|点)?(?:什么|啥)|分别(?:是|有|指|为)|都有|(?:都|各)?是些(?:什么|啥)|(?:做|干|搞|玩|弄)了(?:些|点)?(?:什么|啥|哪些)|都用(?:了|过)?(?:些)?(?:什么|啥|哪些)|列出|列举|几(?:大)?方面|(?<![个种项场次])(?:什么|啥)(?:服务|措施|举措|活动|形式|方式|渠道|内容|语言|方言|应用|数据|手段|做法|创新|原则|功能|工作|实事|成果)|[一二两三四五六七八九十](?:大|类|项|个|种|到|进)[^，。？]{0,10}(?:是什么|指什么|有什么)|what (?:are|kinds?|services?|measures?|languages?)|which (?:languages|services|dialects)|\blist\b", re.I)),
    ("definition", re.compile(r"是(?:个|一个|一种|种|套|项)(?:什么|啥|怎样|怎么样)(?:样)?的?(?:做法|东西|机制|制度|服务|活动|玩意儿?|概念|模式|平台|流程|方法|说法|工作|检查|系统|名堂|来头)?(?:来着|啊|呀|呢)?[？?]?$|(?:说|指|讲)的(?:是|就是)?(?:做|干)?(?:什么|啥|怎么|咋)(?:事|回事)?|什么是|何谓|何为|什么叫|是什么(?:意思|概念)?|指(?:的是|的)?什么|(?:是|指)啥|什么意思|含义|啥意思|怎么理解|what is|what does .* mean|define", re.I)),
    ("how", re.compile(r"怎么|怎样|如何|咋|什么办法|怎么样|\bhow\b", re.I)),
    ("yes_no", re.compile(r"(?:吗|吧|不|(?<![什怎那多])么|对吧|是吧|没有|对不对|是不是|真的假的)[？?]?$|([管靠行能会要用算])不\1|是否|是不是|有没有|能不能|可不可以|会不会|可以.{0,12}吗|对不对|有无|^(?:is|are|was|were|does|do|did|has|have|can)\b", re.I)),
)  # fmt: skip

_ASSERTED = re.compile(
    r"(?:吗|吧|(?<![什怎那多])么|对吧|是吧|对不对|真的假的)[？?。！!]?$|^(?:is|are|was|were|does|do|did|has|have|can)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"多少|(?<![那这前后头近])几(?!乎)|多[大长远高久快]|有没有|哪|谁|什么|啥|怎|如何|咋|干嘛|何时|何为|何谓|是否|为何|how|what|which|who|when|where|why",
    re.IGNORECASE,
)

_OR_NOT = re.compile(r"[能会行管可要成靠谱用][^，。]{0,10}不[？?]?$|(\w)不\1")

_ASKS_ON = re.compile(r"多少|多[大长远高久快]|什么|怎|是谁|哪")
_ASKED_UNIT = re.compile(rf"(?:多少|几|how many)\s*(?:个|万|亿|余)?\s*({_UNIT})")


def kind_of(text: str) -> Kind:
    """The kind of a question that already stands alone and has lost its polite words."""
    bare = text.strip(" 。！？!?，,~～.")
    if _GREETING.match(bare) or _ABOUT_US.match(bare):
        return "smalltalk"
    if _REQUEST.search(text):
        return "request"
    if _ASSERTED.search(text.strip()) and not _ASKS.search(text):
        return "yes_no"
    for kind, pattern in _PATTERNS:
        if pattern.search(text):
            return kind
    return "fact"


def is_greeting(text: str) -> bool:
    """Whether this is a greeting or a thank-you rather than a question about the assistant."""
    return bool(_GREETING.match(text.strip(" 。！？!?，,~～.")))


def asks(text: str) -> bool:
    """Whether this piece of text asks something itself (holds a question word)."""
    return (
        bool(_ASKS.search(text)) or bool(_ASSERTED.search(text.strip())) or bool(_OR_NOT.search(text.strip()))
    )


def asked_unit(text: str) -> str:
    """The measure word after 多少 or 几 (多少件 gives 件); empty when the question names none.

    几 before another question word only says some: 旗下几家公司…赔了多少钱 does not ask how many companies.
    """
    for match in _ASKED_UNIT.finditer(text):
        if not (match[0].startswith("几") and _ASKS_ON.search(text, match.end())):
            return match[1]
    return ""


DIFFERENCE = re.compile(
    r"比.{1,24}(?:多|少|高|低)[^，。]{0,3}?(?:几|多少)|(?:相差|差了?|多出|少了|高出)(?:多少|几)|差距|差额|还差|difference"
)
SHARE = re.compile(
    r"百分之几|百分之多少|(?:多大|多少|什么|几成)(?:的)?(?:比例|占比|比重)|占(?:多大|多少|几成|几分)|(?:占比|比例|比重)(?:大概|大约|约)?(?:是|为|有)?(?:多|几)|几成|what percentage|share of"
)
TIMES = re.compile(r"几倍|多少倍|how many times")


def reckons(text: str) -> bool:
    """Whether a question asks for a difference or a ratio of figures."""
    return bool(DIFFERENCE.search(text) or SHARE.search(text) or TIMES.search(text))
