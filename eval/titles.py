"""What kinds, variants, statuses and stages are called in a report. A name that has no title is shown as it is."""

from __future__ import annotations

KIND_TITLES = {
    "figure": "数字",
    "date": "日期",
    "entity": "名称",
    "contact": "联系方式",
    "list": "列举",
    "definition": "定义",
    "how": "怎么做",
    "why": "为什么",
    "yes_no": "是否",
    "paraphrase": "换个说法",
    "typo": "错别字",
    "traditional": "繁体",
    "english": "英文",
    "follow_up": "追问",
    "two_part": "一问两事",
    "comparison": "比较",
    "summary": "概括",
    "false_premise": "错误前提",
    "conflict": "资料不一",
    "time": "截至何时",
    "coverage": "要点齐全",
    "robust": "变体",
    "span": "摘录",
    "unanswerable_near": "不可回答（相近）",
    "unanswerable_far": "不可回答（无关）",
}
VARIANT_TITLES = {
    "typo_pinyin": "同音错字",
    "typo_shape": "形近错字",
    "traditional": "繁体",
    "full_width": "全角",
    "colloquial": "口语",
    "reordered": "换语序",
    "polite": "客套话",
}
STATUS_TITLES = {
    "grounded": "有依据",
    "partial": "部分有依据",
    "not_found": "资料中未找到",
    "declined": "谢绝",
    "smalltalk": "寒暄",
}
STAGE_TITLES = {
    "understand": "理解",
    "retrieve": "检索",
    "read": "阅读",
    "generate": "生成",
    "verify": "核对",
    "total": "合计",
}

VERSION_TITLES = {"package": "程序", "python": "Python", "index": "索引", "engine": "引擎"}


def kind_title(kind: str) -> str:
    """What a kind of case is called."""
    return KIND_TITLES.get(kind, kind)


def variant_title(variant: str) -> str:
    """What a rule that cases are made by is called."""
    return VARIANT_TITLES.get(variant, variant)


def status_title(status: str) -> str:
    """What a status of an answer is called."""
    return STATUS_TITLES.get(status, status)


def stage_title(stage: str) -> str:
    """What a stage of answering is called."""
    return STAGE_TITLES.get(stage, stage)


def version_title(name: str) -> str:
    """What a part whose version is told is called."""
    return VERSION_TITLES.get(name, name)
