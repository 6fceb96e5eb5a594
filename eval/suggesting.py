"""Drafts of cases from what the articles say and no case asks yet: figures, dates and companies, by rule, or questions
that a chat model writes. Whatever writes them, a draft stands only if its evidence is verbatim in an article and its
fact in the evidence; a person accepts it or not (``drafting``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from assistant.lexicon import load_lexicon
from assistant.quantities import quantities
from eval.cases import KINDS, UNANSWERABLE_KINDS, Case
from eval.drafting import DRAFT
from eval.normalising import contains, normalise
from index.schema import Article
from index.segmentation import sentences

_DATE = re.compile(r"(?:(?P<year>\d{4})年)?(?:(?P<day>\d{1,2}月\d{1,2}日))|(?<!\d)\d{4}年")
_EDGE = re.compile(r"[，、；。：！？,;:!?\n]")
_ABOUT = re.compile(r"(?:超过|超|近|约|逾|大约|将近)$")
_ODD = re.compile(r"^[余多]")
_AFTERWARDS = re.compile(r"(?:今年以来|去年|近年来|(?<!\d)20\d\d年)")
_NAME = re.compile(r"(?<!”)“[^”，。]{3,16}”(?!“)|《[^》]{3,30}》")
_JOINER = re.compile(r"^(?:其中|同时|[一二三四五六七八九]是|一方面|另一方面)")
_WHO, _WHAT = "哪家公司", "什么"
_SHORTEST_REST = 3
_LONGEST_CLAUSE = 45
_SHORTEST_MODEL_EVIDENCE = 4

_TODO = "读一遍题目是否通顺、答案是否唯一，改好后删去 draft"

INSTRUCTIONS = """你为问答系统出评测题。只根据给出的段落出题，不用任何别的知识。
只输出一个 JSON 数组，不要输出别的文字。每一项是：
{"question": "员工会问的一句话", "fact": "答案里必须出现的字词", "evidence": "段落里的一段原文", "kind": "figure"}
evidence 必须逐字摘自段落；fact 必须逐字摘自 evidence；question 不得包含 fact。
kind 可用：figure、date、entity、contact、list、definition、how、why、yes_no。"""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """``drafts`` for a person to look at; ``rejected`` says in Chinese what of a model's writing did not stand."""

    drafts: tuple[dict[str, Any], ...]
    rejected: tuple[str, ...] = ()


def suggest(
    articles: Sequence[Article], cases: Sequence[Case], count: int, model: BaseChatModel | None = None
) -> Suggestions:
    """At most ``count`` drafts on what no evidence of ``cases`` covers, taken in turn from each article.

    With a ``model`` its questions are taken, else those that rules make of the text.

    Raises:
        ValueError: ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    asked = {normalise(case.question) for case in cases}
    rejected: list[str] = []
    streams = [
        _by_model(article, cases, model, rejected) if model is not None else _by_rule(article, cases)
        for article in articles
    ]
    drafts: list[dict[str, Any]] = []
    for turn in zip_longest(*streams):
        for draft in turn:
            if draft is not None and len(drafts) < count and normalise(draft["question"]) not in asked:
                asked.add(normalise(draft["question"]))
                drafts.append(draft)
        if len(drafts) >= count:
            break
    return Suggestions(tuple(drafts), tuple(rejected))


def _covered(article: Article, cases: Sequence[Case]) -> list[tuple[int, int]]:
    """Where in the article's text the evidence of the cases stands."""
    strings = {string for case in cases if not case.documents for string in case.evidence}
    return [match.span() for string in strings for match in re.finditer(re.escape(string), article.text)]


def _by_rule(article: Article, cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Figures, dates and companies of the whole article come before quoted names, which make the weaker questions."""
    yield from _of_marks(article, cases, names=False)
    yield from _of_marks(article, cases, names=True)


def _of_marks(article: Article, cases: Sequence[Case], *, names: bool) -> Iterator[dict[str, Any]]:
    covered = _covered(article, cases)
    for span in sentences(article.text):
        for kind, start, end, asking in _askable(article.text, span.start, span.end):
            if (asking == _WHAT) != names or any(start < stop and begin < end for begin, stop in covered):
                continue
            clause_start, clause_end = _clause(article.text, start, end, span.start, span.end)
            clause = article.text[clause_start:clause_end]
            rest = len(clause) - (end - start)
            if rest < _SHORTEST_REST or len(clause) > _LONGEST_CLAUSE or not _balanced(clause):
                continue
            before = _JOINER.sub("", article.text[clause_start:start])
            after = article.text[end:clause_end]
            about = _about(article.text[span.start : clause_start], before, company=asking != _WHO)
            question = about + _ABOUT.sub("", before) + asking + _ODD.sub("", after) + "？"
            fact = article.text[start:end].strip("“”《》")
            yield _draft(kind, question, fact, clause, f"资料《{article.title}》里还没有用例覆盖的句子")


def _askable(text: str, begin: int, stop: int) -> list[tuple[str, int, int, str]]:
    """What can be asked for in a sentence: ``(kind, start, end, question word)``, in order of place."""
    sentence = text[begin:stop]
    dates = [(match.start(), match.end()) for match in _DATE.finditer(sentence)]
    found = [("date", start, end, "什么时候") for start, end in dates if "月" in sentence[start:end]]
    for quantity in quantities(sentence):
        inside = any(quantity.start < end and start < quantity.end for start, end in dates)
        # 7*24 is a name, and 35周年 no count of weeks.
        part = sentence[quantity.start - 1 : quantity.start] == "*" or sentence[
            quantity.end : quantity.end + 1
        ] in ("年", "*")
        if quantity.unit and quantity.text[0].isdecimal() and not inside and not part:
            asking = "百分之几" if quantity.unit == "%" else f"多少{quantity.unit}"
            found.append(("figure", quantity.start, quantity.end, asking))
    for mention in load_lexicon().mentions(sentence):
        # A company that does something: at the head of its clause.
        if mention.standing == "member" and (not mention.start or _EDGE.match(sentence[mention.start - 1])):
            found.append(("entity", mention.start, mention.end, _WHO))
    found += [("entity", *match.span(), _WHAT) for match in _NAME.finditer(sentence)]
    in_text = [(kind, begin + start, begin + end, asking) for kind, start, end, asking in found]
    return sorted(in_text, key=lambda item: (item[1], item[2]))


def _clause(text: str, start: int, end: int, begin: int, stop: int) -> tuple[int, int]:
    left = max((match.end() + begin for match in _EDGE.finditer(text[begin:start])), default=begin)
    right = _EDGE.search(text, end, stop)
    return left, right.start() if right else stop


def _balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("“”", "《》", "（）", "()"))


def _about(before: str, clause: str, *, company: bool) -> str:
    """Year and company that the sentence names before the clause, which the clause does not."""
    lexicon = load_lexicon()
    year = _AFTERWARDS.findall(before) if not _AFTERWARDS.search(clause) else []
    companies = [
        before[mention.start : mention.end]
        for mention in lexicon.mentions(before)
        if mention.standing == "member"
    ]
    named = companies[-1:] if company and not lexicon.mentions(clause) else []
    return "".join((*year[-1:], *named))


def _draft(kind: str, question: str, fact: str, evidence: str, reason: str) -> dict[str, Any]:
    known = sha256(f"{question}\0{evidence}".encode()).hexdigest()[:8]
    return {
        "id": f"draft-{known}",
        "kind": kind,
        "question": question,
        "answerable": True,
        "facts": [[fact]],
        "evidence": [evidence],
        DRAFT: {"reason": reason, "todo": _TODO, "needs_review": True},
    }


def _by_model(
    article: Article, cases: Sequence[Case], model: BaseChatModel, rejected: list[str]
) -> Iterator[dict[str, Any]]:
    covered = _covered(article, cases)
    start = 0
    for paragraph in article.text.split("\n"):
        end = start + len(paragraph)
        uncovered = not any(start < stop and begin < end for begin, stop in covered)
        start = end + 1
        if uncovered and len(paragraph) > _LONGEST_CLAUSE:
            messages = [
                SystemMessage(INSTRUCTIONS),
                HumanMessage(f"标题：{article.title}\n段落：{paragraph}"),
            ]
            reply = model.invoke(messages).text
            yield from _verified(reply, paragraph, article, rejected)


def _verified(reply: str, paragraph: str, article: Article, rejected: list[str]) -> Iterable[dict[str, Any]]:
    drafts: list[dict[str, Any]] = []
    try:
        items = json.loads(re.sub(r"^```(?:json)?\s*|\s*```$", "", reply.strip()))
    except json.JSONDecodeError:
        rejected.append(f"不是 JSON：{reply[:60]}")
        return drafts
    for item in items if isinstance(items, list) else [items]:
        trouble = _trouble(item, paragraph)
        if trouble:
            rejected.append(f"{trouble}：{json.dumps(item, ensure_ascii=False)[:80]}")
            continue
        reason = f"模型根据资料《{article.title}》出的题"
        drafts.append(_draft(item["kind"], item["question"].strip(), item["fact"], item["evidence"], reason))
    return drafts


def _trouble(item: Any, paragraph: str) -> str:
    """What is wrong with what a model wrote; empty where it stands."""
    names = ("question", "fact", "evidence", "kind")
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in names):
        return "缺少 question、fact、evidence 或 kind"
    if item["kind"] not in KINDS or item["kind"] in (*UNANSWERABLE_KINDS, "robust", "follow_up"):
        return "kind 不可用"
    if len(item["evidence"]) < _SHORTEST_MODEL_EVIDENCE or item["evidence"] not in paragraph:
        return "evidence 不是段落原文"
    if not contains(normalise(item["evidence"]), normalise(item["fact"])):
        return "fact 不在 evidence 里"
    if not item["question"].strip() or contains(normalise(item["question"]), normalise(item["fact"])):
        return "question 里已经有答案"
    return ""
