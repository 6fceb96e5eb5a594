"""What is offered for asking next: near to what was said, not said yet, and answered when it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assistant.anticipated import Anticipated, bundled_questions
from assistant.lexicon import Lexicon
from assistant.pipeline import Assistant
from assistant.schema import Answer, Citation, Question, Role
from assistant.settings import AnswerSettings
from assistant.suggesting import Suggester
from assistant.training.anticipating import LONGEST
from assistant.wiring import assistant_over
from index import checking
from index.embedding import ModelEmbeddings
from index.ingest import ingest
from index.retrieval import Retriever
from index.schema import Article
from index.settings import IndexSettings

ASKED = (
    "2022年平安人寿赔付了多少件？",
    "什么是神秘客？",
    "平安银行的大篷车跑了多远？",
    "新员工上岗有什么要求？",
    "投诉可以走哪些渠道？",
    "宣传月是什么时候开始的？",
    "智能云脑有哪八大应用？",
    "金融黑灰产有什么危害？",
    "有哪些适老化服务？",
    "最美消保人评了多少人？",
)
"""Ordinary questions, each with an answer."""
UNANSWERED = (
    "2018年平安人寿赔付了多少件？",
    "泰康人寿2022年赔付了多少件？",
    "平安银行信用卡年费多少钱？",
    "明天深圳天气怎么样？",
)
OWN = """一、便民服务做到家门口
在提升便民服务方面,一是开通热线,二是设立柜台,三是派出流动服务车。2021年,平安银行服务客户3200人次。
二、宣传教育走进学校和社区
平安银行开展“银龄课堂”活动,每周一次,帮助老人识别骗局。2021年,平安银行举办讲座45场,听众来自各个社区。
三、投诉处理有回音
客户可以拨打热线投诉,也可以到柜台投诉。2021年,平安银行办结投诉58件。"""
"""An article that nobody thought of questions for."""


def article(text: str) -> Article:
    return Article("brief", "平安消保简报", "测试社", None, "https://example.org/brief", text)


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@pytest.fixture(scope="module")
def answers(real_assistant: Assistant) -> dict[str, Answer]:
    """The answers to the ordinary questions."""
    return {question: real_assistant.ask(question) for question in ASKED}


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, real_model: ModelEmbeddings) -> Iterator[Assistant]:
    """An assistant over the article that nobody thought of questions for."""
    place = tmp_path_factory.mktemp("added")
    (place / "articles").mkdir()
    (place / "articles" / "own.txt").write_text(f"平安银行客户服务简报\n{OWN}\n", "utf-8")
    settings = IndexSettings(path=place / "index", articles=place / "articles")
    ingest(settings, embeddings=real_model, check=checking.check)
    with Retriever.open(settings, real_model) as retriever:
        yield assistant_over(retriever, AnswerSettings())


def test_an_answer_offers_two_or_three_questions_that_are_answered_too(
    real_assistant: Assistant, answers: dict[str, Answer]
) -> None:
    for question, answer in answers.items():
        assert answer.status == "grounded", question
        assert 2 <= len(answer.suggestions) <= 3, question
        turns: list[tuple[Role, str]] = [("user", question), ("assistant", answer.text)]
        for suggestion in answer.suggestions:
            # They are asked by one click in the conversation that they were offered in, and mean the same there.
            asked = real_assistant.ask(suggestion, turns)
            assert asked.status == "grounded" and len(asked.text) <= LONGEST, suggestion
            assert asked.looked_up == real_assistant.ask(suggestion).looked_up, suggestion


def test_nothing_is_offered_that_was_asked_or_has_been_said(
    real_assistant: Assistant, answers: dict[str, Answer]
) -> None:
    offers = {offer.wording: offer for offer in known(real_assistant).offers}
    texts = {article.id: article.text for article in real_assistant.articles}
    for question, answer in answers.items():
        assert question not in answer.suggestions
        for suggestion in answer.suggestions:
            offer = offers[suggestion]
            told = letters(texts[offer.article][offer.answer.start : offer.answer.end])
            shown = [answer.text, *(citation.quote for citation in answer.citations)]
            assert not any(told in letters(text) for text in shown), (question, suggestion)


def test_what_is_offered_together_is_asked_of_different_statements(
    real_assistant: Assistant, answers: dict[str, Answer]
) -> None:
    offers = {offer.wording: offer for offer in known(real_assistant).offers}
    for answer in answers.values():
        statements = [(offers[one].article, offers[one].statement) for one in answer.suggestions]
        assert len(set(statements)) == len(statements)


def test_what_is_offered_stands_near_what_was_cited(
    real_assistant: Assistant, answers: dict[str, Answer]
) -> None:
    offers = {offer.wording: offer for offer in known(real_assistant).offers}
    for question, answer in answers.items():
        cited = answer.citations[0]
        nearest = offers[answer.suggestions[0]]
        assert nearest.article == cited.article_id, question
        assert abs(nearest.answer.start - cited.start) < 1500, question


def test_a_conversation_led_by_what_is_offered_does_not_go_in_circles(real_assistant: Assistant) -> None:
    turns: list[tuple[Role, str]] = []
    question, asked = ASKED[0], [ASKED[0]]
    for _ in range(6):
        answer = real_assistant.ask(question, turns)
        assert answer.status == "grounded" and not set(asked) & set(answer.suggestions)
        turns += [("user", question), ("assistant", answer.text)]
        question = answer.suggestions[0]
        asked.append(question)


@pytest.mark.parametrize("question", UNANSWERED)
def test_where_nothing_was_found_two_questions_are_offered_that_have_an_answer(
    real_assistant: Assistant, question: str
) -> None:
    answer = real_assistant.ask(question)
    assert answer.status == "not_found"
    assert len(set(answer.suggestions)) == 2 and question not in answer.suggestions
    assert all(real_assistant.ask(suggestion).status == "grounded" for suggestion in answer.suggestions)


def test_what_is_offered_instead_comes_near_and_else_is_good_to_begin_with(real_assistant: Assistant) -> None:
    assert all("赔" in suggestion for suggestion in real_assistant.ask(UNANSWERED[0]).suggestions)
    assert real_assistant.ask(UNANSWERED[3]).suggestions == real_assistant.examples[:2]


def test_a_partial_answer_offers_more_about_the_part_that_was_found(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("平安人寿2022年赔付了多少件？平安银行信用卡年费多少钱？")
    assert answer.status == "partial" and 2 <= len(answer.suggestions) <= 3


def test_a_declined_request_offers_questions_to_begin_with(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("写一首关于理赔的诗")
    assert answer.status == "declined" and answer.suggestions == real_assistant.examples[:2]


@pytest.mark.parametrize(
    "question",
    ["2021年平安银行举办了多少场讲座？", "平安银行怎样帮助老人？", "2021年平安银行办结了多少件投诉？"],
)
def test_an_article_without_known_questions_offers_what_its_structure_gives(
    added: Assistant, question: str
) -> None:
    answer = added.ask(question)
    assert answer.status == "grounded" and 2 <= len(answer.suggestions) <= 3
    assert question not in answer.suggestions
    turns: list[tuple[Role, str]] = [("user", question), ("assistant", answer.text)]
    for suggestion in answer.suggestions:
        assert added.ask(suggestion, turns).status == "grounded", suggestion


def test_and_where_it_has_no_answer_what_stands_in_the_passages_that_came_near(added: Assistant) -> None:
    answer = added.ask("2021年平安银行信用卡年费是多少钱？")
    assert answer.status == "not_found" and len(answer.suggestions) == 2
    assert all(added.ask(suggestion).status == "grounded" for suggestion in answer.suggestions)


def test_what_its_article_no_longer_says_is_not_offered(real_assistant: Assistant) -> None:
    articles = [
        replace(one, text=one.text.replace("赔付总金额超2800亿元", "赔付总金额超2900亿元"))
        for one in real_assistant.articles
    ]
    questions = bundled_questions()
    left = {offer.wording for offer in Anticipated(questions, articles, questions.fingerprint).offers}
    gone = {offer.wording for offer in known(real_assistant).offers} - left
    assert gone and all("赔" in wording for wording in gone)
    assert any("赔付总金额" in wording for wording in gone)


def test_articles_about_which_nothing_can_be_asked_offer_nothing(lexicon: Lexicon) -> None:
    source = article("讲座办得很好。")
    nobody = Suggester(Anticipated(bundled_questions(), [source], "another model"), [source], lexicon)
    vector = np.ones(3, np.float32)
    quoted = cited(source, "讲座办得很好。")
    assert nobody.following(Question("讲座怎么样？"), [vector], "讲座办得很好。[1]", [quoted]) == ()
    assert nobody.instead(Question("讲座花了多少钱？"), [vector], []) == ()
    assert nobody.examples == ()


def test_an_answer_that_was_told_in_an_earlier_turn_is_not_asked_for(lexicon: Lexicon) -> None:
    source = article("2021年,平安人寿理赔30单。\n2021年,平安产险理赔45单。\n讲座办得很好。")
    own = Suggester(Anticipated(bundled_questions(), [source], "another model"), [source], lexicon)
    vector = np.ones(3, np.float32)

    def offered(history: Sequence[tuple[Role, str]]) -> tuple[str, ...]:
        quoted = cited(source, "讲座办得很好。")
        return own.following(Question("讲座怎么样？", tuple(history)), [vector], "办得很好。[1]", [quoted])

    life, property_ = "2021年平安人寿理赔了多少单？", "2021年平安产险理赔了多少单？"
    assert set(offered([])) <= {life, property_} and offered([])
    assert property_ not in offered([("user", "产险呢？"), ("assistant", "2021年，平安产险理赔45单[1]")])
    assert life not in offered([("user", "2021年平安人寿理赔多少单"), ("assistant", "资料中没有找到答案。")])


def known(assistant: Assistant) -> Anticipated:
    """What is known of the questions about the bundled articles."""
    questions = bundled_questions()
    return Anticipated(questions, assistant.articles, questions.fingerprint)


def cited(source: Article, quote: str) -> Citation:
    start = source.text.index(quote)
    about: Any = (source.id, source.title, source.publisher, source.published, source.url)
    return Citation(1, f"{source.id}-0", *about, (), quote, start, start + len(quote))
