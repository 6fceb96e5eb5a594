"""The same question as other people would type it: variants of cases, made by rule.

A variant asks for the same facts, so what makes an answer right is its origin's. What a question is about, the
companies, numbers, quoted names and what the case looks for, is never mistyped: such a question would ask something
else. Where a rule does not apply, or would change the meaning, there is no variant. Every choice is drawn from a hash
of the case's id, so that the same cases always give the same variants.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from opencc import OpenCC

from assistant.lexicon import load_lexicon
from assistant.quantities import quantities
from eval.cases import Case
from eval.mistyping import draw, typed_by_look, typed_by_sound
from eval.normalising import normalise

# Kinds that are a variant of a question already, or whose words are not Chinese.
_NOT_VARIED = ("typo", "traditional", "english", "robust", "unanswerable_near", "unanswerable_far")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_NAMES = re.compile(r"“[^”]*”|《[^》]*》|「[^」]*」|\"[^\"]*\"|[A-Za-z0-9][A-Za-z0-9.*·%/]*|\d+[·.*]\d+")


Vary = Callable[[Case], str | None]
"""Gives another question that asks the same, or None where it does not apply."""


def vary(case: Case, variant: str) -> Case | None:
    """The variant of a case; None where the rule does not apply to its question.

    Raises:
        KeyError: there is no such variant.
    """
    if not case.answerable or case.kind in _NOT_VARIED:
        return None
    question = VARIANTS[variant](case)
    if question is None or question == case.question or not _keeps(case, question):
        return None
    return replace(
        case,
        id=f"{case.id}~{variant}",
        kind="robust",
        question=question,
        max_chars=case.length_cap,
        origin=case.id,
        variant=variant,
    )


def variants(cases: Sequence[Case], per_variant: int) -> list[Case]:
    """``per_variant`` cases of each variant (fewer where there are not as many), origins chosen by hash.

    Origins that have no variant yet come first, so that as many questions as can be are varied.
    """
    used: dict[str, int] = defaultdict(int)
    made: list[Case] = []
    for variant in VARIANTS:
        found: list[Case] = []
        for case in sorted(cases, key=lambda case: (used[case.id], draw(case.id, variant))):
            varied = vary(case, variant)
            if varied is not None:
                found.append(varied)
                used[case.id] += 1
            if len(found) == per_variant:
                break
        made.extend(sorted(found, key=lambda case: case.id))
    return made


def _keeps(case: Case, question: str) -> bool:
    """Whether everything the question names is still in it."""
    plain = normalise(question)
    return all(
        normalise(case.question[start:end]) in plain
        for start, end in _kept_spans(case)
        if normalise(case.question[start:end])
    )


def _kept_spans(case: Case) -> list[tuple[int, int]]:
    """Where the question names what it is about: companies, numbers, quoted names, and strings of its facts."""
    text = case.question
    spans = [match.span() for match in _NAMES.finditer(text)]
    spans += [(mention.start, mention.end) for mention in load_lexicon().mentions(text)]
    spans += [(quantity.start, quantity.end) for quantity in quantities(text)]
    spans += [
        match.span()
        for alternatives in case.facts
        for string in alternatives
        for match in re.finditer(re.escape(string), text)
    ]
    return spans


def _by_sound(case: Case) -> str | None:
    return typed_by_sound(case.question, _kept_spans(case), case.id)


def _by_look(case: Case) -> str | None:
    return typed_by_look(case.question, _kept_spans(case), case.id)


@cache
def _to_traditional() -> OpenCC:
    return OpenCC("s2tw")


def _traditional(case: Case) -> str | None:
    question: str = _to_traditional().convert(case.question)
    return question


def _full_width(case: Case) -> str | None:
    """ASCII as an input method in full-width mode gives it; None where there is none to speak of."""
    if sum(character.isascii() and character.isalnum() for character in case.question) < 2:
        return None
    return "".join(
        chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in case.question
    )


_OPENING = re.compile(
    r"^(?:(?:请问|您好|你好|麻烦|帮忙|想问一?下|问一?下|咨询一?下|想?请教一?下|想核实一下)[，,：:！! ]*)+"
)
_COLLOQUIAL = tuple(
    (re.compile(pattern), spoken)
    for pattern, spoken in (
        (r"(?:请)?(?:介绍|解释|说明)一下", "给说说"),
        (r"^请(?=概括|总结|简要|说|列)", ""),
        (r"为什么|为何", "为啥"),
        (r"什么时候|何时", "啥时候"),
        (r"是什么意思", "是啥意思"),
        (r"什么样的|怎样的|怎么样的", "啥样的"),
        (r"(?<!没)什么", "啥"),
        (r"如何|怎样|怎么(?!样)", "咋"),
        (r"是否有", "有没有"),
        (r"是否", "是不是"),
        (r"(?<!多)(?<!都)有哪些(?=[？?。]?$)", "都有啥"),
        (r"哪些", "啥"),
        (r"具体措施", "具体招数"),
        (r"一共|总共|共计", "拢共"),
        (r"开展了", "搞了"),
        (r"推出了", "弄出来了"),
        (r"多长时间", "多久"),
    )
)
_ASKING = re.compile(r"多少|几|哪|啥|咋|谁|多久|多长|多高|多远")
_PARTICLES = ("啊", "呀", "来着", "呢")


def _colloquial(case: Case) -> str | None:
    """As it is said, not written: spoken question words, and a particle at the end."""
    kept = [case.question[start:end] for start, end in _kept_spans(case)]
    text = spoken = _OPENING.sub("", case.question)
    for pattern, word in _COLLOQUIAL:
        spoken = pattern.sub(word, spoken)
    body = spoken.rstrip("？?。 ")
    if any(string not in spoken for string in kept):
        return None
    if not _ASKING.search(re.split(r"[，,？?。]", body)[-1]):
        return None if spoken == text else spoken  # what comes last is no question: no particle fits there
    if spoken == text:
        body = "话说" + body
    if body[-1] not in "吗呢吧啊呀么嘛不啥":
        body += _PARTICLES[draw(case.id, "colloquial") % len(_PARTICLES)]
    elif body[-1] == "啥":
        body += "呀"
    return body + "？" if spoken[-1] in "？?" else body


_YEAR_FIRST = re.compile(r"^(?P<moved>20\d\d年)(?P<rest>[^，,]{6,}?)(?P<mark>[？?]?)$")
_PLACE_FIRST = re.compile(
    r"^(?P<moved>(?:在)?[^，,？?]{2,18}(?:方面|时|里|中|期间|过程中|高峰|上))[，,](?P<rest>[^，,]{5,}?)(?P<mark>[？?]?)$"
)
_WHAT_IS = re.compile(r"^什么是(?P<rest>[^，,？?]{2,20})[？?]?$")
_IS_WHAT = re.compile(r"^(?P<rest>[^，,？?的]{2,16})是(?:什么|啥)(?:意思)?[？?]?$")
_WHICH = re.compile(r"^(?P<rest>[^，,？?]{4,24}?)(?:都|主要)?有哪些[？?]?$")


def _reordered(case: Case) -> str | None:
    """The year, the company or the circumstance said last, as an afterthought; or the question word first."""
    if case.history:
        return None  # what a short question leaves out stands in front of it
    text = _OPENING.sub("", case.question)
    if match := _WHAT_IS.match(text):
        return f"{match['rest']}是什么？"
    if (match := _IS_WHAT.match(text)) and match["rest"][-1] not in "各别都":
        return f"什么是{match['rest'].strip()}？"
    if match := _WHICH.match(text):
        return f"有哪些{match['rest']}？"
    if (match := _YEAR_FIRST.match(text)) and not re.match(r"[的和、]|是", match["rest"]):
        return f"{match['rest']}，{match['moved']}的{match['mark']}"
    if match := _PLACE_FIRST.match(text):
        return f"{match['rest']}，{match['moved']}{match['mark']}"
    return _company_last(text)


def _company_last(text: str) -> str | None:
    mentions = load_lexicon().mentions(text)
    if (
        len(mentions) != 1
        or mentions[0].start
        or re.search(r"[，？?].", text)
        or mentions[0].standing != "member"
    ):
        return None
    rest = text[mentions[0].end :].rstrip("？? ")
    if len(rest) < 6 or rest[0] in "的和跟与、是在" or not _HAN.match(rest):
        return None
    return f"{rest}，我说的是{text[: mentions[0].end]}。"


_BEFORE = (
    "您好，麻烦问一下，", "不好意思打扰了，想请教一下：", "你好！在吗？", "领导要我问一下，", "客户在线上等着，帮忙看看：", "哈喽～想问下哈，",
)  # fmt: skip
_AFTER = ("谢谢！", "麻烦了，多谢。", "有点急，谢谢", "辛苦啦～", "非常感谢您的帮助！", "先谢过了")


def _polite(case: Case) -> str | None:
    """With greeting and thanks around it."""
    drawn = draw(case.id, "polite")
    question = _OPENING.sub("", case.question)
    if unicodedata.category(question[-1])[0] != "P":
        question += "？"
    return _BEFORE[drawn % len(_BEFORE)] + question + _AFTER[drawn // len(_BEFORE) % len(_AFTER)]


VARIANTS: Mapping[str, Vary] = {
    "typo_pinyin": _by_sound,
    "typo_shape": _by_look,
    "traditional": _traditional,
    "full_width": _full_width,
    "colloquial": _colloquial,
    "reordered": _reordered,
    "polite": _polite,
}
