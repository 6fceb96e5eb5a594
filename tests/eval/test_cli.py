"""The command, over a small index of its own built with the real model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from assistant.settings import load_settings
from eval.cli import app
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
    ingest(load_settings(home / "xiaobao.toml").index)
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
    assert "没有 list 类的用例" in empty.stderr


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
    assert "已评 2/2 个用例" in result.stderr
    (folder,) = out.iterdir()
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert [(item["id"], item["right"]) for item in report["results"]] == [("fig-1", True), ("far-1", True)]
    assert report["results"][0]["evidence_recall"] == 1.0
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
