"""The command, over a small index of its own built with the real model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from assistant.settings import load_settings
from eval.cli import app
from index import checking
from index.ingest import ingest

ARTICLE = """甲公司消费者权益保护年度报告

一、理赔服务

2022年，甲公司寿险业务赔付410万件，产险业务赔付1.9亿件，平均每天赔付超60万件。

二、宣传教育

甲公司在宣传周期间开展消保宣传活动2万余场，触达消费者超7亿人次。
"""
FIGURE: dict[str, Any] = {
    "id": "fig-1",
    "kind": "figure",
    "question": "2022年甲公司寿险业务赔付了多少件？",
    "answerable": True,
    "facts": [["410万件"]],
    "evidence": ["寿险业务赔付410万件"],
}
FAR: dict[str, Any] = {
    "id": "far-1",
    "kind": "unanswerable_far",
    "question": "红烧肉怎么做才不腻？",
    "answerable": False,
}
CLOSED: dict[str, Any] = {
    "id": "closed-1",
    "kind": "figure",
    "question": "乙公司有多少名员工？",
    "answerable": True,
    "facts": [["318名"]],
    "evidence": ["乙公司现有员工318名"],
    "documents": [
        {"title": "乙公司简介", "text": "乙公司成立于1998年，总部设在海口。\n乙公司现有员工318名。"}
    ],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with articles that are not yet indexed, and a settings file that names them."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "articles").mkdir()
    (folder / "articles" / "report.txt").write_text(ARTICLE, "utf-8")
    (folder / "xiaobao.toml").write_text(
        f"[index]\npath = {str(folder / 'index')!r}\narticles = {str(folder / 'articles')!r}\n", "utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def indexed(home: Path) -> Path:
    """The same folder, with its index."""
    ingest(load_settings(home / "xiaobao.toml").index, check=checking.check)
    return home


def call(
    home: Path, tmp_path: Path, command: str, *cases: dict[str, Any] | str, options: tuple[str, ...] = ()
) -> Result:
    file = tmp_path / "cases.jsonl"
    lines = (case if isinstance(case, str) else json.dumps(case, ensure_ascii=False) for case in cases)
    file.write_text("\n".join(lines), "utf-8")
    arguments = [command, "--cases", str(file), "--config", str(home / "xiaobao.toml"), *options]
    return CliRunner().invoke(app, arguments)


def test_lint_passes_cases_that_are_sound(home: Path, tmp_path: Path) -> None:
    result = call(home, tmp_path, "lint", FIGURE, FAR, CLOSED)
    assert result.exit_code == 0
    assert "3 个用例，没有发现问题" in result.stdout


def test_lint_names_evidence_that_no_article_holds(home: Path, tmp_path: Path) -> None:
    result = call(home, tmp_path, "lint", FIGURE | {"evidence": ["寿险业务赔付411万件"]})
    assert result.exit_code == 1
    assert "fig-1" in result.stderr and "寿险业务赔付411万件" in result.stderr


@pytest.mark.parametrize("command", ["run", "lint"])
def test_a_case_file_that_cannot_be_used_is_bad_input(home: Path, tmp_path: Path, command: str) -> None:
    result = call(home, tmp_path, command, FIGURE, FIGURE)
    assert result.exit_code == 2
    assert "第 2 行" in result.stderr and "重复" in result.stderr


def test_a_settings_file_that_is_not_there_is_bad_input(home: Path, tmp_path: Path) -> None:
    result = call(home, tmp_path, "run", FIGURE, options=("--config", str(tmp_path / "none.toml")))
    assert result.exit_code == 2
    assert "找不到设置文件" in result.stderr


def test_a_kind_that_does_not_exist_or_has_no_case_is_bad_input(home: Path, tmp_path: Path) -> None:
    unknown = call(home, tmp_path, "run", FIGURE, options=("--kind", "figures"))
    assert unknown.exit_code == 2
    assert "figures" in unknown.stderr
    empty = call(home, tmp_path, "run", FIGURE, options=("--kind", "list"))
    assert empty.exit_code == 2
    assert "没有这样的用例" in empty.stderr


def test_running_without_an_index_says_what_mends_it(tmp_path: Path) -> None:
    (tmp_path / "xiaobao.toml").write_text(f"[index]\npath = {str(tmp_path / 'none')!r}\n", "utf-8")
    result = call(tmp_path, tmp_path, "run", FIGURE, options=("--out", str(tmp_path / "runs")))
    assert result.exit_code == 2
    assert "xiaobao ingest" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_run_asks_the_real_assistant_and_keeps_a_report(indexed: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    result = call(indexed, tmp_path, "run", FIGURE, FAR, options=("--out", str(out)))
    assert result.exit_code == 0
    assert "可回答：正确率" in result.stdout
    assert "已评 2/2 个问题" in result.stderr
    (folder,) = out.iterdir()
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert [(item["id"], item["right"]) for item in report["results"]] == [("fig-1", True), ("far-1", True)]
    assert report["results"][0]["measures"]["evidence_recall"] == 1.0
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert 'tests="2"' in (folder / "junit.xml").read_text("utf-8")
    assert "消保问答评测" in (folder / "summary.md").read_text("utf-8")
    kept = [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
    assert "410万件" in kept[0]["answer"]["text"]
    assert kept[0]["answer"]["timings_ms"]["total"] > 0


def test_a_case_with_documents_is_answered_from_them_alone(indexed: Path, tmp_path: Path) -> None:
    outside = FIGURE | {
        "id": "closed-2",
        "kind": "unanswerable_near",
        "answerable": False,
        "facts": [],
        "evidence": [],
        "documents": CLOSED["documents"],
    }
    out = tmp_path / "runs"
    result = call(indexed, tmp_path, "run", CLOSED, outside, options=("--out", str(out)))
    assert result.exit_code == 0
    (folder,) = out.iterdir()
    kept = [json.loads(line)["answer"] for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
    assert "318名" in kept[0]["text"]
    for answer in kept:
        assert answer["passages"]
        assert all("甲公司" not in passage["text"] for passage in answer["passages"])


def test_only_the_chosen_kinds_are_asked_and_failures_can_be_left_out(indexed: Path, tmp_path: Path) -> None:
    wrong = FIGURE | {"facts": [["999万件"]], "evidence": []}
    options = ("--kind", "figure", "--out", str(tmp_path / "runs"))
    listed = call(indexed, tmp_path, "run", wrong, FAR, options=options)
    assert listed.exit_code == 0
    assert "✗ fig-1" in listed.stdout
    assert "unanswerable_far" not in listed.stdout
    assert "✗" not in call(indexed, tmp_path, "run", wrong, FAR, options=(*options, "--no-failures")).stdout


@pytest.fixture(scope="module")
def kept(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of the same cases, and one in which nothing is refused and so one case is lost."""
    place = tmp_path_factory.mktemp("kept")
    strict = (indexed / "xiaobao.toml").read_text("utf-8")
    (indexed / "lax.toml").write_text(strict + "\n[answer]\nthreshold = 0.0\n", "utf-8")
    for name, config in (("a", "xiaobao.toml"), ("b", "xiaobao.toml"), ("c", "lax.toml")):
        options = ("--out", str(place / name), "--config", str(indexed / config))
        assert call(indexed, place, "run", FIGURE, FAR, CLOSED, options=options).exit_code == 0
    return [folder for name in "abc" for folder in (place / name).iterdir()]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_two_runs_of_one_version_compare_as_equal_and_their_figures_are_the_same_to_the_byte(
    kept: list[Path],
) -> None:
    first, second, _ = kept
    assert "两次评测相同" in invoke("compare", first, second).stdout
    reports = [json.loads((folder / "report.json").read_text("utf-8")) for folder in (first, second)]
    for report in reports:
        del report["config"]["started"], report["timings_ms"]
    assert json.dumps(reports[0], sort_keys=True) == json.dumps(reports[1], sort_keys=True)


def test_a_report_made_again_from_kept_answers_is_the_same_to_the_byte(kept: list[Path]) -> None:
    files = [kept[0] / name for name in ("report.json", "report.html", "junit.xml", "summary.md")]
    before = [file.read_bytes() for file in files]
    assert invoke("report", kept[0]).exit_code == 0
    assert [file.read_bytes() for file in files] == before


def test_a_loss_is_named_by_compare_and_stopped_by_the_gate(kept: list[Path], tmp_path: Path) -> None:
    good, same, worse = kept
    assert "far-1" in invoke("compare", good, worse).stdout
    baseline = tmp_path / "main.json"
    assert invoke("baseline", good, "--note", "试", "--to", baseline).exit_code == 0
    assert json.loads(baseline.read_text("utf-8"))["right"] == {
        "fig-1": True,
        "far-1": True,
        "closed-1": True,
    }
    assert invoke("gate", same, "--baseline", baseline).exit_code == 0
    stopped = invoke("gate", worse, "--baseline", baseline)
    assert stopped.exit_code == 1 and "far-1" in stopped.stdout


def test_a_run_that_was_broken_off_is_resumed_where_it_stopped(
    indexed: Path, kept: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(kept[0], broken)
    lines = (broken / "answers.jsonl").read_text("utf-8").splitlines(keepends=True)
    (broken / "answers.jsonl").write_text(lines[0] + lines[1][:40], "utf-8")
    cases = kept[0] / "cases.jsonl"
    result = invoke("run", "--cases", cases, "--config", indexed / "xiaobao.toml", "--resume", broken)
    assert result.exit_code == 0
    again = (broken / "answers.jsonl").read_text("utf-8").splitlines(keepends=True)
    assert again[0] == lines[0] and len(again) == 3


def test_what_is_no_run_is_bad_input(tmp_path: Path) -> None:
    for arguments in (("report", tmp_path), ("gate", "--out", tmp_path), ("compare", tmp_path, tmp_path)):
        result = invoke(*arguments)
        assert result.exit_code == 2 and str(tmp_path) in result.stderr
        assert "Traceback" not in result.stderr


def test_articles_of_another_folder_cannot_be_given_to_a_server(tmp_path: Path) -> None:
    result = invoke("run", "--target", "http://127.0.0.1:9", "--articles", tmp_path)
    assert result.exit_code == 2 and "--articles" in result.stderr


def test_a_table_of_questions_becomes_a_case_file_that_runs(indexed: Path, tmp_path: Path) -> None:
    table, cases = tmp_path / "faq.csv", tmp_path / "faq.jsonl"
    table.write_text("问题,答案\n2022年甲公司寿险业务赔付了多少件？,410万件\n", "utf-8")
    assert invoke("import", table, "--to", cases).exit_code == 0
    result = invoke("run", "--cases", cases, "--config", indexed / "xiaobao.toml", "--out", tmp_path / "runs")
    assert result.exit_code == 0 and "1 / 1" in result.stdout


def test_drafts_are_refused_as_cases_until_a_person_has_accepted_them(home: Path, tmp_path: Path) -> None:
    drafts = tmp_path / "drafts.jsonl"
    cases = tmp_path / "cases.jsonl"
    cases.write_text(json.dumps(FAR, ensure_ascii=False), "utf-8")
    made = invoke(
        "suggest", "--cases", cases, "--config", home / "xiaobao.toml", "--count", 3, "--to", drafts
    )
    assert made.exit_code == 0 and "3 行" in made.stdout
    refused = invoke("lint", "--cases", drafts, "--config", home / "xiaobao.toml")
    assert refused.exit_code == 2 and "草稿" in refused.stderr


def test_unanswered_questions_are_put_together_by_what_they_ask(tmp_path: Path) -> None:
    asked = tmp_path / "asked.txt"
    asked.write_text("理赔要几天到账？\n理赔款多久能到账\n退保手续费怎么算？\n", "utf-8")
    result = invoke("gaps", asked)
    assert result.exit_code == 0
    assert "3 次，归为 2 类" in result.stdout


def test_a_run_without_an_answer_is_told_and_never_taken_for_the_latest(
    kept: list[Path], tmp_path: Path
) -> None:
    for name, place in (("20260101-000000", kept[0]), ("20260102-000000", kept[1])):
        shutil.copytree(place, tmp_path / name)
    (tmp_path / "20260102-000000" / "answers.jsonl").write_text("", "utf-8")
    refused = invoke("report", tmp_path / "20260102-000000")
    assert refused.exit_code == 2 and "没有任何答案" in refused.stderr
    assert invoke("baseline", "--out", tmp_path, "--to", tmp_path / "main.json").exit_code == 0


def test_a_run_that_is_not_whole_is_said_to_be(kept: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(kept[0], broken)
    lines = (broken / "answers.jsonl").read_text("utf-8").splitlines(keepends=True)
    (broken / "answers.jsonl").write_text(lines[0], "utf-8")
    result = invoke("report", broken)
    assert result.exit_code == 0 and "3 个问题只有 1 个答案" in result.stderr


def test_a_file_that_may_hold_work_is_not_written_over(tmp_path: Path) -> None:
    table, cases = tmp_path / "faq.csv", tmp_path / "faq.jsonl"
    table.write_text("问题,答案\n甲公司有几家分店？,12家\n", "utf-8")
    cases.write_text("mine", "utf-8")
    result = invoke("import", table, "--to", cases)
    assert result.exit_code == 2 and "已经存在" in result.stderr
    assert cases.read_text("utf-8") == "mine"
