"""Articles that disagree are all quoted, with their dates; what is relative to a day is dated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.pipeline import Assistant
from assistant.settings import AnswerSettings
from assistant.wiring import assistant_over
from index import checking
from index.embedding import ModelEmbeddings
from index.ingest import ingest
from index.retrieval import Retriever
from index.settings import IndexSettings

OLD = ("云岭保险推出方言服务，首批支持8种方言，客户来电时说出方言名称即可。", "2023-06-20")
NEW = ("在云岭保险的客服中心，方言服务目前已支持12种方言，座席均经过培训。", "2024-03-14")
SAME = ("云岭保险的方言服务已支持十二种方言，老年客户用得最多。", "2024-04-02")
OTHER = ("海桐保险的方言服务支持5种方言，另有手语视频客服。", "2024-05-01")
LAST_YEAR = ("云岭保险回顾全年工作：2021年共开展宣传活动640场，走进学校和养老院。", "2022-01-20")
THIS_YEAR = ("云岭保险回顾全年工作：2022年共开展宣传活动910场，新增工地夜校。", "2023-01-17")
RELATIVE = ("云岭保险与公安机关建立联动机制，今年以来已推动公安机关立案27起。", "2023-05-30")
QUESTION = "云岭保险的方言服务支持多少种方言？"


@pytest.fixture
def over(tmp_path: Path, real_model: ModelEmbeddings):
    """Makes an assistant over articles given as ``(text, published)``; an empty day is none."""
    opened: list[Retriever] = []

    def over(*articles: tuple[str, str]) -> Assistant:
        place = tmp_path / str(len(opened))
        (place / "articles").mkdir(parents=True)
        described = []
        for number, (text, published) in enumerate(articles):
            title = f"客户服务简报{number}"
            (place / "articles" / f"{number}.txt").write_text(f"{title}\n{text}\n", "utf-8")
            day = f"date = {published}\n" if published else ""
            described.append(f'["{number}.txt"]\ntitle = {json.dumps(title, ensure_ascii=False)}\n{day}')
        (place / "articles" / "articles.toml").write_text("\n".join(described), "utf-8")
        settings = IndexSettings(path=place / "index", articles=place / "articles")
        ingest(settings, embeddings=real_model, check=checking.check)
        opened.append(Retriever.open(settings, real_model))
        return assistant_over(opened[-1], AnswerSettings())

    yield over
    for retriever in opened:
        retriever.close()


def test_two_values_are_both_given_newest_first_each_with_its_day_and_its_citation(over) -> None:
    answer = over(OLD, NEW, OTHER).ask(QUESTION)
    first, second = answer.text.splitlines()[1:]
    assert "不一" in answer.text.splitlines()[0]
    assert "2024年3月14日" in first and "12种" in first and first.endswith("[1]")
    assert "2023年6月20日" in second and "8种" in second and second.endswith("[2]")
    assert {citation.quote[:2] for citation in answer.citations} == {"在云", "云岭"}
    assert "5种" not in answer.text


def test_the_same_value_in_another_spelling_is_no_disagreement(over) -> None:
    answer = over(NEW, SAME).ask(QUESTION)
    assert "不一" not in answer.text and len(answer.citations) == 1


def test_figures_of_two_years_do_not_disagree(over) -> None:
    answer = over(LAST_YEAR, THIS_YEAR).ask("云岭保险2022年开展了多少场宣传活动？")
    assert "910场" in answer.text and "640场" not in answer.text


def test_what_is_said_of_this_year_comes_with_the_day_it_was_published(over) -> None:
    question = "云岭保险推动公安机关立案多少起？"
    assert "27起（2023年5月30日资料）" in over(RELATIVE).ask(question).text
    assert "资料）" not in over((RELATIVE[0], "")).ask(question).text


def test_a_day_without_a_year_comes_with_the_day_it_was_published(over) -> None:
    article = ("云岭保险App长辈版于3月15日上线，采用大字体和简洁页面。", "2023-03-20")
    assert "3月15日上线（2023年3月20日资料）" in over(article).ask("云岭保险App长辈版哪天上线的？").text


PARAPHRASED = ("客户来电即可说方言，云岭保险这项服务首批覆盖8种，座席经过培训。", "2022-06-20")
COVERAGE_2022 = ("云岭保险：2022年培训覆盖率为98.6%，培训1200人。", "2023-02-20")
COVERAGE_2023 = ("云岭保险：2023年培训覆盖率为99.8%，培训1300人。", "2024-02-02")


def test_two_values_told_in_other_words_disagree_too(over) -> None:
    said = over(PARAPHRASED, NEW).ask("云岭保险的方言服务覆盖几种方言？").text
    assert "8种" in said and "12种" in said and "不一" in said


def test_what_stands_beside_the_figure_that_the_question_states_is_told_alone(over) -> None:
    said = over(COVERAGE_2022, COVERAGE_2023).ask("云岭保险培训覆盖率98.6%是哪一年的？").text
    assert "2022年" in said and "99.8%" not in said
