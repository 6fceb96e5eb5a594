"""Items of a stretch of an article."""

from __future__ import annotations

from assistant.items import items, label_of, paragraph_at, units
from index.schema import Article

_TEXT = "一、办法\n总的说来,办法很多。\n送书:送了30册书。还送了本子。\n送戏:演出了4场大戏;来了900人。\n其余的不说了。"
_ARTICLE = Article("a", "题", "", None, "", _TEXT)


def said(start: int, end: int) -> str:
    return _TEXT[start:end]


def test_labelled_paragraphs_are_items_without_their_labels() -> None:
    groups = items(_ARTICLE, 0, len(_TEXT))
    assert [[said(u.start, u.end) for u in group] for group in groups] == [
        ["送了30册书。", "还送了本子。"],
        ["演出了4场大戏", "来了900人。"],
    ]


def test_without_labels_every_statement_is_an_item_and_headings_are_none() -> None:
    groups = items(_ARTICLE, 0, _TEXT.index("送书"))
    assert [[said(u.start, u.end) for u in group] for group in groups] == [["总的说来,办法很多。"]]


def test_paragraphs_that_are_counted_are_items() -> None:
    text = "做法有这些。\n一是开通热线。全天接听。\n二是设立柜台。"
    article = Article("a", "题", "", None, "", text)
    assert [[text[u.start : u.end] for u in group] for group in items(article, 0, len(text))] == [
        ["一是开通热线。", "全天接听。"],
        ["二是设立柜台。"],
    ]


def test_a_semicolon_in_a_quotation_parts_nothing() -> None:
    text = "平安说“先认真听;再认真办”,大家都照做。"
    assert len(units(Article("a", "题", "", None, "", text), 0, len(text))) == 1


def test_a_statement_knows_the_label_of_its_paragraph() -> None:
    later = _TEXT.index("还送了")
    label = label_of(units(_ARTICLE, later, later + 6)[0])
    assert label is not None and said(label.start, label.end) == "送书"
    assert label_of(units(_ARTICLE, *paragraph_at(_TEXT, _TEXT.index("总的")))[0]) is None
