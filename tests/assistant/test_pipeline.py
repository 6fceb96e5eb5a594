"""The whole path on the real articles with the bundled model: a question in, a cited answer out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import opencc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.anticipated import Anticipated, bundled_questions
from assistant.errors import QuestionError
from assistant.pipeline import Assistant
from assistant.schema import Answer, Finished, Retrieved, Role, Searching
from assistant.settings import AnswerSettings, Settings
from assistant.wiring import assistant_over, build_assistant
from index.errors import IndexMissingError
from index.retrieval import Retriever
from index.settings import IndexSettings

FLAGSHIP = "2022年平安人寿赔付了多少件？"
ANSWERED = (
    FLAGSHIP,
    "平安养老险2022年赔了多少件",
    "平安银行的大篷车一共跑了多远？",
    "智能云脑的八大应用都有哪些？",
    "消保审查在2022年查出多少个问题，整改了多少项？",
    "什么是明察？",
    "宣传月是哪天启动的？",
    "提升适老化服务有哪些措施？",
    "平安普惠怎样打击黑产？",
    "投诉打什么电话？",
    "四家保险公司里谁赔付的件数最少？",
    "概括一下“深入基层,大兴调查研究解决实际问题”",
    "95511客服在中秋国庆期间接通率超过99%吗？",
)
REFUSED = (
    "2018年平安人寿赔付了多少件？",
    "泰康人寿2022年赔付多少件？",
    "平安银行信用卡年费多少钱？",
    "明天深圳天气怎么样？",
    "平安健康险的总经理叫什么名字？",
)
DOCUMENTED = {
    "id", "question", "looked_up", "kind", "status", "text", "claims", "citations", "passages", "suggestions",
    "engine", "index_version", "timings_ms", "confidence",
}  # fmt: skip
_TRADITIONAL = opencc.OpenCC("s2t")


def same(answer: Answer) -> Answer:
    """An answer without what differs from one asking to the next."""
    return replace(answer, id="", timings_ms={}, question="")


def markers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\[(\d+)\]", text)]


def test_the_flagship_question_is_answered_with_its_proof(real_assistant: Assistant) -> None:
    answer = real_assistant.ask(FLAGSHIP)
    assert "平安人寿赔付410万件[1]" in answer.text
    assert (answer.status, answer.kind, answer.engine) == ("grounded", "figure", "reader")
    article = next(a for a in real_assistant.articles if a.id == answer.citations[0].article_id)
    assert "平安人寿赔付410万件" in answer.citations[0].quote
    assert article.text[answer.citations[0].start : answer.citations[0].end] == answer.citations[0].quote


@pytest.mark.parametrize("question", ANSWERED)
def test_every_sentence_is_tied_to_a_passage_that_can_be_opened(
    real_assistant: Assistant, question: str
) -> None:
    answer = real_assistant.ask(question)
    assert answer.status == "grounded", answer.text
    articles = {article.id: article for article in real_assistant.articles}
    shown = {passage.chunk.id: passage for passage in answer.passages}
    for citation in answer.citations:
        article = articles[citation.article_id]
        assert article.text[citation.start : citation.end] == citation.quote
        assert (citation.title, citation.publisher, citation.url) == (
            article.title,
            article.publisher,
            article.url,
        )
        assert answer.used(shown[citation.passage_id])
        assert citation.headings == shown[citation.passage_id].chunk.headings
        assert shown[citation.passage_id].chunk.start < citation.end
    numbers = [citation.number for citation in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert set(markers(answer.text)) == set(numbers)
    assert answer.claims and all(
        claim.support == "verbatim" and claim.citation_numbers for claim in answer.claims
    )
    assert all(claim.text in answer.text for claim in answer.claims)
    assert len(answer.suggestions) in (2, 3) and question not in answer.suggestions


@pytest.mark.parametrize("question", REFUSED)
def test_what_the_articles_do_not_hold_is_refused_with_the_nearest_passages(
    real_assistant: Assistant, question: str
) -> None:
    answer = real_assistant.ask(question)
    assert answer.status == "not_found", answer.text
    assert "资料中没有找到" in answer.text and not markers(answer.text)
    assert answer.citations == () and answer.claims == ()
    assert answer.passages and not any(answer.used(passage) for passage in answer.passages)
    assert all(passage["used"] is False for passage in answer.to_dict()["passages"])
    assert len(answer.suggestions) == 2


def test_what_is_suggested_instead_has_an_answer(real_assistant: Assistant) -> None:
    suggested = {text for question in REFUSED for text in real_assistant.ask(question).suggestions}
    assert all(real_assistant.ask(question).status == "grounded" for question in suggested)


def test_half_an_answer_is_partial_and_says_what_is_lacking(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("平安人寿2022年赔付了多少件？平安银行信用卡年费多少钱？")
    assert answer.status == "partial"
    assert "410万件[1]" in answer.text and "资料中没有找到" in answer.text


def test_two_long_answers_fit_a_small_paragraph_together(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("明察是怎么做的？消保智能云脑包括哪些应用？")
    assert answer.status == "grounded"
    assert "事前评估审查" in answer.text and "公文在线解析" in answer.text
    assert len(re.sub(r"\[\d+\]", "", answer.text)) <= 320


def test_two_things_told_apart_are_both_told(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("平安银行和平安普惠化解纠纷的路子有什么区别？")
    assert "便民工作站" in answer.text and "居委会" in answer.text


def test_the_passages_that_answer_known_questions_are_read_beside_those_that_searching_finds(
    real_retriever: Retriever,
) -> None:
    assistant = assistant_over(real_retriever, AnswerSettings(passages=1))
    known = Anticipated(bundled_questions(), real_retriever.articles, real_retriever.embeddings.fingerprint)
    missed = 0
    for question in (
        "外头骗子打着啥旗号招揽客户？",
        "老人家怕上当，请他们看过什么？",
        "客服会说哪些地方话？",
    ):
        shown = {
            passage.chunk.id
            for event in assistant.stream(question)
            if isinstance(event, Retrieved)
            for passage in event.passages
        }
        found = {passage.chunk.id for passage in real_retriever.passages([question], 1)}
        places = known.nearest(real_retriever.embed(question))
        wanted = {real_retriever.passage_at(*place).chunk.id for place in places}
        assert wanted <= shown
        missed += bool(wanted - found)
    assert missed


def test_a_follow_up_swaps_the_company(real_assistant: Assistant) -> None:
    first = real_assistant.ask(FLAGSHIP)
    history: list[tuple[Role, str]] = [("user", FLAGSHIP), ("assistant", first.text)]
    answer = real_assistant.ask("那平安产险呢？", history)
    assert answer.looked_up == "2022年平安产险赔付了多少件?"
    assert "平安产险赔付1.9亿件" in answer.text and "410万" not in answer.text


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("平安健康险赔付了300万件，对吗？", "不是。资料为245万件，不是300万件"),
        ("平安银行的大篷车走了5万公里吗？", "不是。资料为10000公里，不是5万公里"),
        ("宣传月是8月15日启动的吧？", "不是。资料为9月15日，不是8月15日"),
    ],
)
def test_a_false_premise_is_corrected_in_the_first_words(
    real_assistant: Assistant, question: str, opening: str
) -> None:
    assert real_assistant.ask(question).text.startswith(opening)


@pytest.mark.parametrize("question", [FLAGSHIP, ANSWERED[2], ANSWERED[5], ANSWERED[7], REFUSED[1]])
def test_script_and_width_make_no_difference_to_an_answer(real_assistant: Assistant, question: str) -> None:
    full = "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in question)
    plain = real_assistant.ask(question)
    assert same(real_assistant.ask(full)) == same(plain)
    assert real_assistant.ask(_TRADITIONAL.convert(question)).text == plain.text


@pytest.mark.parametrize(
    "typed",
    ["2022年平安人受赔付了多少件？", "2022年平安人寿培付了多少件？", "２０２２年平安人寿赔 付了多少件"],
)
def test_a_typing_error_is_seen_through(real_assistant: Assistant, typed: str) -> None:
    assert "平安人寿赔付410万件[1]" in real_assistant.ask(typed).text


def test_english_is_answered_in_the_chinese_of_the_articles(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("How many claims did Ping An Life pay in 2022?")
    assert answer.status == "grounded" and "平安人寿赔付410万件[1]" in answer.text
    assert answer.text.startswith("（资料为中文")


@pytest.mark.parametrize("greeting", ["你好", "您好！", "hello", "你能做什么？"])
def test_a_greeting_gets_three_questions_that_are_answered(real_assistant: Assistant, greeting: str) -> None:
    answer = real_assistant.ask(greeting)
    assert (answer.status, answer.kind) == ("smalltalk", "smalltalk")
    assert answer.citations == () and answer.passages == ()
    assert len(answer.suggestions) == 3 and all(question in answer.text for question in answer.suggestions)
    assert all(real_assistant.ask(question).status == "grounded" for question in answer.suggestions)


def test_what_is_no_question_about_the_articles_is_declined(real_assistant: Assistant) -> None:
    answer = real_assistant.ask("写一首关于理赔的诗")
    assert (answer.status, answer.kind, answer.citations) == ("declined", "request", ())


@pytest.mark.parametrize(
    "empty", ["", "  \t\n\u3000", "\u200b\u200d\ufeff", "\u2066\u2069", "\x00\x07\x1b", "\ud800"]
)
def test_an_empty_question_is_a_clear_error(real_assistant: Assistant, empty: str) -> None:
    with pytest.raises(QuestionError, match="问题是空的"):
        real_assistant.stream(empty)


@pytest.mark.parametrize(
    ("long", "length"), [("平安" * 50_000, 100_000), (" " * 100_000, 100_000), ("㍿" * 600, 2400)]
)
def test_a_question_that_is_too_long_is_a_clear_error(
    real_assistant: Assistant, long: str, length: int
) -> None:
    with pytest.raises(QuestionError, match=f"问题太长：{length} 个字符，最多 2000 个"):
        real_assistant.ask(long)


def test_a_question_of_the_longest_length_is_taken(real_assistant: Assistant) -> None:
    answer = real_assistant.ask(FLAGSHIP + "请" * (2000 - len(FLAGSHIP)))
    assert answer.status in ("grounded", "not_found")


@pytest.mark.parametrize(
    "odd",
    [
        "😀🎉👨\u200d👩\u200d👧",
        "'; DROP TABLE chunks; --",
        "<script>alert('x')</script><img src=x onerror=y>",
        "平安人寿\x00\x1b[31m赔付多少件",
        "平安\udfff人寿2022年赔付多少件？",
        "？？？！！！",
        "{{7*7}} ${jndi:ldap://x} ../../etc/passwd",
        "\u0301" * 500,
        *(piece * (2000 // len(piece)) for piece in ["年", "多少", "一", "，", "a ", "平安人寿", '"', "其中", "1", "万", "“", "百分之", "的", "是"]),
    ],
)  # fmt: skip
def test_whatever_is_typed_gets_an_answer_that_can_be_sent(real_assistant: Assistant, odd: str) -> None:
    answer = real_assistant.ask(odd, [("user", odd), ("assistant", odd)])
    assert answer.text and json.dumps(answer.to_dict(), ensure_ascii=False).encode("utf-8")
    assert set(markers(answer.text)) <= {citation.number for citation in answer.citations}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=60))
def test_any_text_is_answered_or_refused_as_a_question(real_assistant: Assistant, text: str) -> None:
    try:
        answer = real_assistant.ask(text)
    except QuestionError as error:
        assert "问题" in str(error)
    else:
        assert json.dumps(answer.to_dict(), ensure_ascii=False).encode("utf-8")


def test_text_without_a_telling_word_is_refused(real_assistant: Assistant) -> None:
    assert real_assistant.ask("的的的的").status == "not_found"


def test_the_same_question_has_the_same_answer_under_another_id(real_assistant: Assistant) -> None:
    first, second = real_assistant.ask(ANSWERED[3]), real_assistant.ask(ANSWERED[3])
    assert first.id != second.id
    assert same(first) == same(second)


def test_eight_who_ask_at_once_get_what_one_gets(real_assistant: Assistant) -> None:
    questions = (*ANSWERED[:6], *REFUSED[:2]) * 2
    alone = [same(real_assistant.ask(question)) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = [same(answer) for answer in pool.map(real_assistant.ask, questions)]
    assert together == alone


@pytest.mark.parametrize("question", [FLAGSHIP, REFUSED[0], "你好", "写一首诗"])
def test_an_answer_is_plain_json_with_the_documented_names(real_assistant: Assistant, question: str) -> None:
    answer = real_assistant.ask(question)
    data = json.loads(json.dumps(answer.to_dict(), ensure_ascii=False))
    assert data.keys() == DOCUMENTED
    assert data["index_version"] == real_assistant.index_version
    assert data["timings_ms"].keys() == {"understand", "retrieve", "read", "verify", "total"}
    for citation in data["citations"]:
        assert citation.keys() == {
            "number", "passage_id", "article_id", "title", "publisher", "published", "url", "headings", "quote", "start", "end",
        }  # fmt: skip
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", citation["published"])
    for passage in data["passages"]:
        assert passage.keys() == {
            "id",
            "article_id",
            "title",
            "publisher",
            "published",
            "url",
            "text",
            "start",
            "end",
            "headings",
            "score",
            "used",
        }
    assert any(passage["used"] for passage in data["passages"]) is (answer.status == "grounded")


def test_events_come_in_order(real_assistant: Assistant) -> None:
    searching, retrieved, finished = real_assistant.stream(FLAGSHIP)
    assert (
        isinstance(searching, Searching)
        and isinstance(retrieved, Retrieved)
        and isinstance(finished, Finished)
    )
    assert searching.looked_up == finished.answer.looked_up
    assert {p.chunk.id for p in retrieved.passages} <= {p.chunk.id for p in finished.answer.passages}
    assert [p.score for p in retrieved.passages] == sorted(
        (p.score for p in retrieved.passages), reverse=True
    )


def test_a_greeting_is_finished_at_once(real_assistant: Assistant) -> None:
    (finished,) = real_assistant.stream("你好")
    assert isinstance(finished, Finished) and finished.answer.status == "smalltalk"


def test_the_cited_passages_come_first(real_assistant: Assistant) -> None:
    for question in ANSWERED:
        answer = real_assistant.ask(question)
        used = [answer.used(passage) for passage in answer.passages]
        assert used == sorted(used, reverse=True)
        assert len({passage.chunk.id for passage in answer.passages}) == len(used)


@pytest.mark.parametrize(("most", "swapped"), [(2, True), (1, False), (0, False)])
def test_only_the_latest_turns_are_looked_at(real_retriever: Retriever, most: int, swapped: bool) -> None:
    history: Sequence[tuple[Role, str]] = [("user", FLAGSHIP), ("assistant", "平安人寿赔付410万件[1]")]
    remembering = assistant_over(real_retriever, AnswerSettings(max_history=most))
    answer = remembering.ask("那平安产险呢？", history)
    assert ("2022年" in answer.looked_up) is swapped


def test_long_turns_of_a_long_conversation_do_not_pile_up(real_assistant: Assistant) -> None:
    history: list[tuple[Role, str]] = [("user", "它和其中的" + "大篷车" * 20_000)] * 40
    assert len(real_assistant.ask("它呢", history).looked_up) <= 2 * AnswerSettings().max_question_chars


def test_a_higher_threshold_refuses_more(real_settings: IndexSettings) -> None:
    sure = build_assistant(Settings(index=real_settings, answer=AnswerSettings(threshold=1.0)))
    assert sure.ask(FLAGSHIP).status == "not_found"


def test_without_an_index_the_error_names_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="xiaobao ingest"):
        build_assistant(Settings(index=IndexSettings(path=tmp_path / "none")))
