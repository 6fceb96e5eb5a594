"""Truth tests: what is changed in the articles, and how an answer is judged by it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import QuestionError
from eval.cases import PACKAGED, Case, Document, load_cases
from eval.normalising import contains, normalise
from eval.perturbing import perturb, perturb_text, worlds
from eval.worlds import Edit, Perturbation, World, edited
from index.loading import load_articles

TEXT = (
    "2022年，累计赔付超50万件；其中，平安人寿赔付410万件、平安产险赔付190万件。发现问题164项，确定整改项目81项。\n"
    "活动于2023年9月15日正式启动。平安银行以大篷车跨越近10000公里。接通率超99%。\n"
    "推出九大暖心服务。客服热线95511，全天开通。另据统计，发现问题164项。"
)
ARTICLE = Document("简报", TEXT)


def case(name: str, question: str, fact: str, evidence: str, kind: str = "figure", **fields: Any) -> Case:
    """A case on the brief."""
    return Case(name, kind, question, fields.pop("history", ()), True, ((fact,),), (evidence,), (), **fields)


PROBLEMS = case("problems", "发现了多少问题？", "164项", "发现问题164项")
MENDED = case("mended", "确定了多少整改项目？", "81项", "确定整改项目81项")
LIFE = case("life", "平安人寿赔付了多少？", "410万件", "平安人寿赔付410万件")
STARTED = case("started", "活动哪天启动？", "9月15日", "于2023年9月15日正式启动", "date")
BANK = case("bank", "哪家公司用大篷车？", "平安银行", "平安银行以大篷车", "entity")
ALL = [PROBLEMS, MENDED, LIFE, STARTED, BANK]


def planned(cases: Sequence[Case], kind: str, text: str = TEXT) -> list[tuple[World, Perturbation]]:
    """Every perturbation of one type, with its world."""
    return [
        (world, perturbation)
        for world in worlds(cases, (Document("简报", text),))
        for perturbation in world.perturbations
        if perturbation.type == kind
    ]


def only(cases: Sequence[Case], kind: str, text: str = TEXT) -> tuple[World, Perturbation]:
    """The one perturbation of a type."""
    (found,) = planned(cases, kind, text)
    return found


def answered(text: str, status: str = "grounded") -> dict[str, Any]:
    """An answer's JSON."""
    return {
        "text": text,
        "kind": "figure",
        "status": status,
        "looked_up": "",
        "claims": [],
        "citations": [],
        "passages": [],
        "engine": "scripted",
        "index_version": "v",
        "timings_ms": {},
    }


def reader(case: Case) -> Mapping[str, Any]:
    """Answers with the sentence of the documents that shares most characters with the question."""
    statements = re.split(r"[。\n]", "".join(document.text for document in case.documents))
    return answered(max(statements, key=lambda text: len(set(text) & set(case.question))))


class TestWhatIsChanged:
    def test_a_figure_becomes_another_one_wherever_it_stands(self) -> None:
        world, found = only([PROBLEMS], "figure")
        assert (found.old, len(found.edits)) == ("164项", 2)
        assert world.documents[0].text.count(f"发现问题{found.new}") == 2
        assert "164项" not in world.documents[0].text

    def test_a_figure_keeps_its_digits_its_unit_and_its_size(self) -> None:
        for _, found in planned([PROBLEMS, MENDED, LIFE], "figure"):
            old, new = (re.match(r"(\d+)(.*)", text) for text in (found.old, found.new))
            assert old and new
            assert len(old[1]) == len(new[1]) and old[2] == new[2]
            assert int(old[1]) / 2 <= int(new[1]) <= 2 * int(old[1])

    def test_a_new_figure_is_none_that_the_articles_hold(self) -> None:
        for _, found in planned(ALL, "figure"):
            assert found.new not in TEXT

    def test_a_share_stays_below_a_hundred_percent(self) -> None:
        _, found = only([case("rate", "接通率多高？", "99%", "接通率超99%")], "figure")
        assert int(found.new.rstrip("%")) < 99

    def test_a_round_figure_stays_round(self) -> None:
        _, found = only([case("far", "跑了多远？", "10000公里", "跨越近10000公里")], "figure")
        assert found.new.endswith("000公里")

    def test_a_numeral_of_one_character_is_changed_where_it_stands_once(self) -> None:
        services = case("services", "推出了几大暖心服务？", "九大", "推出九大暖心服务")
        world, found = only([services], "figure")
        assert f"推出{found.new}暖心服务" in world.documents[0].text
        assert not planned([services], "figure", TEXT + "也有九大特色。")

    def test_a_telephone_number_is_a_figure_too(self) -> None:
        _, found = only([case("call", "热线是多少？", "95511", "客服热线95511")], "figure")
        assert re.fullmatch(r"\d{5}", found.new) and found.new != "95511"

    def test_a_date_gets_another_day_of_its_month(self) -> None:
        world, found = only([STARTED], "date")
        assert re.fullmatch(r"9月\d\d日", found.new)
        assert f"2023年{found.new}正式启动" in world.documents[0].text

    def test_a_year_that_stands_in_several_places_is_left_alone(self) -> None:
        year = case("year", "哪一年？", "2022年", "2022年，累计赔付", "date")
        assert not planned([year], "date", TEXT + "2022年还有别的事。")

    def test_two_companies_change_places_and_their_figures_with_them(self) -> None:
        world, found = only([LIFE], "swap")
        assert "平安产险赔付410万件、平安人寿赔付190万件" in world.documents[0].text
        assert (found.old, found.new) == ("410万件", "190万件")

    def test_a_company_that_is_asked_for_gives_way_to_one_no_article_names(self) -> None:
        world, found = only([BANK], "swap")
        assert found.old == "平安银行" and found.new not in TEXT
        assert f"{found.new}以大篷车" in world.documents[0].text

    def test_a_deleted_figure_takes_every_statement_that_holds_it_along(self) -> None:
        world, _ = only([PROBLEMS], "delete")
        assert "164项" not in world.documents[0].text
        assert "确定整改项目" not in world.documents[0].text
        assert "平安人寿赔付410万件" in world.documents[0].text

    @pytest.mark.parametrize(
        "asked",
        [
            case("named", "真有164项问题吗？", "164项", "发现问题164项"),
            case("said", "是哪些？", "164项", "发现问题164项", history=(("assistant", "发现问题164项"),)),
            case("own", "多少项？", "164项", "发现问题164项", documents=(ARTICLE,)),
        ],
    )
    def test_what_the_question_names_or_brings_along_is_not_changed(self, asked: Case) -> None:
        assert not planned([asked], "figure")

    def test_a_figure_is_not_changed_in_a_world_where_a_question_names_it(self) -> None:
        naming = case("naming", "除了164项问题，确定整改多少项？", "81项", "确定整改项目81项")
        for world, _ in planned([PROBLEMS, naming], "figure"):
            assert not {"problems", "naming"} <= {found.case.id for found in world.perturbations}

    def test_who_has_more_is_not_asked_of_changed_figures(self) -> None:
        more = case("more", "谁赔付得多？", "410万件", "平安人寿赔付410万件", "comparison")
        assert not planned([more], "figure")

    def test_the_same_cases_and_articles_give_the_same_worlds(self) -> None:
        assert worlds(ALL, (ARTICLE,)) == worlds(ALL, (ARTICLE,))

    def test_an_edit_is_made_at_its_place_and_overlapping_ones_are_refused(self) -> None:
        documents = (Document("甲", "一二三四"),)
        assert edited(documents, [Edit(0, 1, 2, "貳"), Edit(0, 3, 4, "")])[0].text == "一貳三"
        with pytest.raises(ValueError, match="overlap"):
            edited(documents, [Edit(0, 0, 3, "甲"), Edit(0, 2, 4, "乙")])

    def test_the_packaged_cases_change_sixty_figures_in_few_worlds(self, articles_folder: Path) -> None:
        documents = tuple(Document(article.title, article.text) for article in load_articles(articles_folder))
        made = worlds(load_cases([PACKAGED]), documents)
        figures = [found for world in made for found in world.perturbations if found.type == "figure"]
        assert len(figures) >= 60
        assert len(made) <= 7
        for world in made:
            text = normalise("\n".join(document.text for document in world.documents))
            for found in world.perturbations:
                assert found.type == "delete" or contains(text, normalise(found.new))
                assert not any(contains(text, normalise(string)) for string in found.gone)


class TestWhetherItFollows:
    def test_who_reads_follows_every_change(self) -> None:
        report = perturb([PROBLEMS, LIFE, STARTED, BANK], (ARTICLE,), reader)
        assert report.share("figure", "date", "swap").value == 1
        assert report.count("stale") == 0

    def test_who_remembers_is_stale_throughout(self) -> None:
        known = {case.id: reader_of(case) for case in ALL}
        report = perturb(ALL, (ARTICLE,), lambda case: known[case.id])
        counted = [result for result in report.results if result.outcome != "unknown"]
        assert counted and all(result.outcome == "stale" for result in counted)
        assert report.share().value == 0

    def test_who_is_silent_on_a_deleted_fact_follows(self) -> None:
        def honest(case: Case) -> Mapping[str, Any]:
            stands = "164项" in case.documents[0].text
            return answered("发现问题164项" if stands else "没有找到", "grounded" if stands else "not_found")

        report = perturb([PROBLEMS], (ARTICLE,), honest)
        outcomes = {result.perturbation.type: result.outcome for result in report.results}
        assert outcomes == {"figure": "lost", "delete": "followed"}

    def test_another_answer_to_a_deleted_fact_is_lost_not_stale(self) -> None:
        def guessing(case: Case) -> Mapping[str, Any]:
            return answered("发现问题164项" if "164项" in case.documents[0].text else "确定整改项目81项")

        report = perturb([PROBLEMS], (ARTICLE,), guessing)
        assert report.count("lost", "delete") == 1

    def test_what_was_not_known_before_does_not_count(self) -> None:
        report = perturb([PROBLEMS], (ARTICLE,), lambda case: answered("不知道", "not_found"))
        assert {result.outcome for result in report.results} == {"unknown"}
        assert report.share().n == 0 and report.share().value is None

    def test_a_question_that_is_not_taken_does_not_count(self) -> None:
        def refusing(case: Case) -> Mapping[str, Any]:
            raise QuestionError("太长")

        assert perturb([PROBLEMS], (ARTICLE,), refusing).count("unknown") == 2

    def test_a_partner_who_keeps_the_old_figure_is_no_sign_of_remembering(self) -> None:
        def whole(case: Case) -> Mapping[str, Any]:
            found = re.search(r"其中，(.*?)。", case.documents[0].text)
            return answered(found[1] if found else "没有", "grounded" if found else "not_found")

        report = perturb([LIFE], (ARTICLE,), whole)
        assert report.count("followed", "swap") == 1

    def test_the_text_names_the_shares_and_what_did_not_follow(self) -> None:
        known = {case.id: reader_of(case) for case in ALL}
        text = perturb_text(perturb(ALL, (ARTICLE,), lambda case: known[case.id]))
        assert "改数字  0/3" in text
        assert "[仍给旧值] problems（164项 → " in text

    def test_progress_counts_the_worlds_and_the_articles_as_they_are(self) -> None:
        seen: list[tuple[int, int]] = []
        perturb([PROBLEMS], (ARTICLE,), reader, progress=lambda done, total: seen.append((done, total)))
        assert seen == [(1, 3), (2, 3), (3, 3)]


def reader_of(case: Case) -> Mapping[str, Any]:
    """What the reader answers from the articles as they are."""
    return answered(case.evidence[0])
