from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from assistant.settings import Settings
from eval.drafting import parse_feedback
from index.errors import IndexDamagedError, IndexMissingError, ModelError, SourceError
from index.settings import IndexSettings
from tests.ui.conftest import ScriptedAssistant
from ui import cli, doctor, parts
from ui.audit import Audit, Entry
from ui.browsers import SECRET_FILE
from ui.database import RECORDS_FILE, Database
from ui.feedback import Feedback
from ui.keys import KEYS_FILE, Keys
from ui.records import Records, Turn
from ui.snapshot import Snapshot

QUESTION = "2022年平安人寿赔付了多少件？"
COMMAND = [sys.executable, "-c", "from ui.cli import main; main()"]


@pytest.fixture
def run(monkeypatch, assistant, tmp_path):
    """Runs the command in an empty folder, the scripted assistant in the real one's place."""
    monkeypatch.setattr(parts, "build_assistant", lambda settings, **_: assistant)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(cli.app, list(arguments), **options)


def config_for(folder: Path, index: Path) -> str:
    file = folder / "settings.toml"
    file.write_text(f"[index]\npath = '{index}'\n", "utf-8")
    return str(file)


def test_an_answer_is_printed_with_its_numbered_source(run):
    result = run("ask", QUESTION)
    assert result.exit_code == 0
    assert "平安人寿赔付410万件[1]" in result.stdout
    assert (
        "[1] 《中国平安在金融消费者权益保护工作中的实践与探索》 中国金融新闻网 · 2023-09-27" in result.stdout
    )
    assert "位置：三、优化服务" in result.stdout
    assert "原文：「2022年，平安人寿赔付410万件」" in result.stdout
    assert "有据可查" in result.stdout


def test_an_answer_as_json_is_the_answer(run, assistant):
    result = run("ask", QUESTION, "--json")
    printed, expected = json.loads(result.stdout), json.loads(json.dumps(assistant.ask(QUESTION).to_dict()))
    assert printed.pop("id") and expected.pop("id")
    assert printed == expected


def test_a_question_can_come_from_standard_input(run, assistant):
    result = run("ask", "-", input=f"{QUESTION}\n")
    assert result.exit_code == 0
    assert assistant.asked == [(f"{QUESTION}\n", ())]


def test_a_question_the_articles_do_not_answer_ends_with_1(run):
    result = run("ask", "股价是多少？")
    assert result.exit_code == 1
    assert "资料中未找到" in result.stdout and "可以这样问" in result.stdout


def test_a_question_that_cannot_be_asked_ends_with_2_and_says_why(run):
    result = run("ask", "  ")
    assert result.exit_code == 2
    assert result.stdout == "" and "错误：问题是空的" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["ask"], ["ask", "甲", "--loud"], ["sing"], ["serve", "--port", "70000"]]
)
def test_wrong_usage_ends_with_2(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_settings_file_that_is_wrong_or_missing_ends_with_2(run, tmp_path):
    assert run("ask", QUESTION, "--config", "none.toml").exit_code == 2
    (tmp_path / "wrong.toml").write_text("[index]\ncolour = 1\n", "utf-8")
    result = run("ask", QUESTION, "--config", "wrong.toml")
    assert result.exit_code == 2 and "colour" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IndexMissingError("还没有建立索引。"), 3),
        (IndexDamagedError("索引已损坏。"), 3),
        (ModelError("模型无法加载。"), 4),
        (SourceError("资料无法读取。"), 4),
    ],
)
def test_each_known_trouble_has_its_code_and_one_chinese_line(run, monkeypatch, error, code):
    def fail(settings, **_):
        raise error

    monkeypatch.setattr(parts, "build_assistant", fail)
    result = run("ask", QUESTION)
    assert result.exit_code == code
    assert result.stderr == f"错误：{error}\n" and result.stdout == ""


def test_terminal_control_sequences_in_an_article_do_not_reach_the_terminal(run, monkeypatch):
    original = ScriptedAssistant()._answer(QUESTION)
    hostile = type(original)(
        **{name: getattr(original, name) for name in original.__slots__} | {"text": "甲\x1b[2J乙\u202e丙"}
    )
    assert cli.answer_text(hostile).startswith("甲[2J乙丙")


def test_the_articles_of_the_real_index_are_listed(run, bigram_settings, tmp_path):
    result = run("sources", "--config", config_for(tmp_path, bigram_settings.path))
    assert result.exit_code == 0
    assert "维护金融消费者合法权益" in result.stdout
    assert "2023-09-27" in result.stdout and "未注明日期" in result.stdout
    assert re.search(r"共 2 篇，索引版本 \d{8}-\d{6}-[0-9a-f]{8}", result.stdout)


def test_listing_without_an_index_ends_with_3_and_names_the_remedy(run, tmp_path):
    result = run("sources", "--config", config_for(tmp_path, tmp_path / "none"))
    assert result.exit_code == 3
    assert "xiaobao ingest" in result.stderr


def test_the_help_is_chinese_and_states_the_exit_codes(run):
    for arguments in (["--help"], ["ask", "--help"]):
        text = run(*arguments).stdout.replace("\n", "")
        assert "退出码" in text and "3 索引不可用" in re.sub(r"\s+", " ", text)


def test_the_version_is_the_installed_one(run, monkeypatch):
    monkeypatch.setattr(cli, "installed_version", {"xiaobao": "1.2.3"}.__getitem__)
    assert run("version").stdout == "1.2.3\n"


def test_a_copy_that_is_not_installed_says_so(run, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(cli, "installed_version", missing)
    result = run("version")
    assert result.exit_code == 4 and "make install" in result.stderr


def test_the_command_starts_without_the_heavy_parts():
    code = (
        "import ui.cli, sys; sys.exit(any(name in sys.modules for name in ('torch', 'gradio', 'chromadb')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_doctor_names_every_part_and_the_remedy_of_a_missing_index(run, tmp_path):
    result = run("doctor", "--config", config_for(tmp_path, tmp_path / "none"))
    assert result.exit_code == 3
    for part in ("Python", "SQLite", "设置", "索引", "模型", "记录", "端口"):
        assert part in result.stdout
    assert "[失败] 索引" in result.stdout and "办法：请运行 xiaobao ingest。" in result.stdout


def test_the_doctor_is_content_with_a_sound_index(run, monkeypatch, bigram_settings, tmp_path):
    monkeypatch.setattr(parts, "is_stale", lambda settings: False)
    result = run("doctor", "--config", config_for(tmp_path, bigram_settings.path))
    assert result.exit_code == 0
    assert "[正常] 索引" in result.stdout and "失败" not in result.stdout


def test_the_doctor_warns_of_a_stale_index(run, monkeypatch, bigram_settings, tmp_path):
    monkeypatch.setattr(parts, "is_stale", lambda settings: True)
    result = run("doctor", "--config", config_for(tmp_path, bigram_settings.path))
    assert result.exit_code == 0
    assert "[注意] 索引" in result.stdout and "xiaobao ingest" in result.stdout


def test_the_doctor_sees_that_an_index_file_was_changed(run, monkeypatch, bigram_settings, tmp_path):
    copy = tmp_path / "index"
    subprocess.run(["cp", "-r", str(bigram_settings.path), str(copy)], check=True)
    chunks = next(copy.rglob("chunks.jsonl"))
    chunks.write_bytes(chunks.read_bytes()[:-5])
    monkeypatch.setattr(parts, "is_stale", lambda settings: False)
    result = run("doctor", "--config", config_for(tmp_path, copy))
    assert result.exit_code == 3
    assert "[失败] 索引" in result.stdout and "chunks.jsonl" in result.stdout and "--force" in result.stdout


def test_the_doctor_tells_a_model_that_cannot_be_loaded(run, monkeypatch, bigram_settings, tmp_path):
    def fail(settings, **_):
        raise ModelError("模型无法加载：缺少文件。")

    monkeypatch.setattr(parts, "is_stale", lambda settings: False)
    monkeypatch.setattr(parts, "build_assistant", fail)
    result = run("doctor", "--config", config_for(tmp_path, bigram_settings.path))
    assert result.exit_code == 4 and "[失败] 模型：模型无法加载" in result.stdout


@pytest.mark.parametrize(
    ("version", "level"),
    [((3, 10, 9), "失败"), ((3, 11, 0), "正常"), ((3, 12, 4), "正常"), ((3, 13, 0), "失败")],
)
def test_the_doctor_knows_which_pythons_fit(version, level):
    assert doctor.python(version).level == level


@pytest.mark.parametrize(("version", "level"), [((3, 34, 1), "失败"), ((3, 35, 0), "正常")])
def test_the_doctor_knows_which_sqlites_fit(version, level):
    assert doctor.sqlite(version).level == level


def test_the_doctor_sees_that_the_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert doctor.port("127.0.0.1", taken).level == "注意"
    assert doctor.port("127.0.0.1", taken).level == "正常"


@pytest.fixture
def rated(tmp_path):
    """A settings file, and records where two answers were rated, the one after the other."""
    folder = tmp_path / "kept"
    with closing(Database(folder / RECORDS_FILE)) as database:
        for question, rating, reason in ((QUESTION, "up", ""), ("股价是多少？", "down", "没找到")):
            answer = replace(ScriptedAssistant()._answer(question), id=question)
            Records(database).add("甲", None, Turn.of(question, answer))
            Feedback(database).rate("甲", question, rating, reason, "说\n明")
    file = tmp_path / "rated.toml"
    file.write_text(f"[server]\nrecords = '{folder}'\n[index]\npath = '{tmp_path / 'none'}'\n", "utf-8")
    return str(file)


def test_feedback_is_exported_for_the_evaluation_one_json_a_line(run, rated):
    result = run("feedback", "export", "--config", rated)
    assert result.exit_code == 0
    read = parse_feedback(result.stdout.splitlines())
    assert [(one.question, one.rating, one.reason, one.comment) for one in read] == [
        (QUESTION, "up", "", "说\n明"),
        ("股价是多少？", "down", "没找到", "说\n明"),
    ]
    assert len(result.stdout.splitlines()) == 2 and result.stderr == "已导出 2 条反馈\n"


def test_feedback_goes_into_a_file_that_is_overwritten_only_when_told(run, rated, tmp_path):
    file = tmp_path / "out.jsonl"
    file.write_text("我的", "utf-8")
    refused = run("feedback", "export", "--to", "out.jsonl", "--config", rated)
    assert refused.exit_code == 2 and "--force" in refused.stderr and "out.jsonl 已经存在" in refused.stderr
    assert file.read_text("utf-8") == "我的"
    forced = run("feedback", "export", "--to", "out.jsonl", "--force", "--config", rated)
    assert forced.exit_code == 0 and forced.stdout == "" and "已导出 2 条反馈到 out.jsonl" in forced.stderr
    assert len(parse_feedback(file.read_text("utf-8").splitlines())) == 2
    assert run("feedback", "export", "--to", "new.jsonl", "--config", rated).exit_code == 0
    assert (tmp_path / "new.jsonl").read_text("utf-8") == file.read_text("utf-8")


def test_feedback_that_cannot_be_written_ends_with_4_and_says_why(run, rated):
    result = run("feedback", "export", "--to", "none/out.jsonl", "--config", rated)
    assert result.exit_code == 4 and "无法写入 none/out.jsonl" in result.stderr


def test_exporting_feedback_where_there_are_no_records_ends_with_4_and_makes_none(run, tmp_path):
    result = run("feedback", "export")
    assert result.exit_code == 4 and "没有对话记录" in result.stderr and "server.records" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_exporting_from_a_damaged_file_ends_with_4_and_writes_nothing(run, rated, tmp_path):
    (tmp_path / "kept" / RECORDS_FILE).write_text("坏" * 1000, "utf-8")
    result = run("feedback", "export", "--to", "out.jsonl", "--config", rated)
    assert result.exit_code == 4 and "不是数据库" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


@pytest.fixture
def audited(rated, tmp_path):
    """The settings file of ``rated``, and three entries in the trail, the last of them of the new year."""
    with closing(Database(tmp_path / "kept" / RECORDS_FILE)) as database:
        audit = Audit(database, b"x" * 32)
        answer = Snapshot.of(ScriptedAssistant()._answer(QUESTION))
        entry = audit.entry(answer, who="user:zhang", door="page", request_id="r-1", milliseconds=12.5)
        for day in (datetime(2025, 12, 30), datetime(2025, 12, 31, 23, 59, 59), datetime(2026, 1, 1)):
            audit.record(replace(entry, at=day.astimezone(UTC)))
    return rated


def test_the_audit_is_exported_one_json_a_line_without_what_was_asked(run, audited):
    result = run("audit", "export", "--config", audited)
    assert result.exit_code == 0 and result.stderr == "已导出 3 条审计记录\n"
    entries = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(entries) == 3 and "赔付" not in result.stdout
    assert entries[0]["who"] == "user:zhang" and entries[0]["citations"] == ["a1-0"]
    assert datetime.fromisoformat(entries[2]["at"]) == datetime(2026, 1, 1).astimezone()
    assert list(entries[0]) == [field.name for field in fields(Entry)]


def test_the_audit_is_exported_from_the_day_that_is_named_on(run, audited, tmp_path):
    options = ("--config", audited, "--to", "audit.jsonl")
    result = run("audit", "export", "--since", "2026-01-01", *options)
    assert result.exit_code == 0 and "已导出 1 条审计记录到 audit.jsonl" in result.stderr
    assert len((tmp_path / "audit.jsonl").read_text("utf-8").splitlines()) == 1
    refused = run("audit", "export", *options)
    assert refused.exit_code == 2 and "--force" in refused.stderr
    assert run("audit", "export", "--force", *options).exit_code == 0
    assert len((tmp_path / "audit.jsonl").read_text("utf-8").splitlines()) == 3


@pytest.mark.parametrize("since", ["2026-13-01", "昨天", ""])
def test_a_day_that_is_none_is_told(run, audited, since):
    result = run("audit", "export", "--since", since, "--config", audited)
    assert result.exit_code == 2 and f"「{since}」不是日期" in result.stderr and result.stdout == ""


def test_exporting_the_audit_where_there_are_no_records_makes_none(run, tmp_path):
    result = run("audit", "export")
    assert result.exit_code == 4 and "没有对话记录" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_says_where_the_records_are_and_how_many(run, rated, tmp_path):
    result = run("doctor", "--config", rated)
    where = tmp_path / "kept" / RECORDS_FILE
    assert f"[正常] 记录：{where}，2 个对话，2 条反馈" in result.stdout


def test_the_doctor_makes_no_records(tmp_path):
    finding = doctor.records(tmp_path / "none")
    assert finding.level == "正常" and "还没有" in finding.detail and str(tmp_path / "none") in finding.detail
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"), [(RECORDS_FILE, "不是数据库"), (SECRET_FILE, "浏览器密钥")], ids=["records", "secret"]
)
def test_the_doctor_finds_records_that_cannot_be_used(tmp_path, name, said):
    (tmp_path / name).write_text("坏", "utf-8")
    finding = doctor.records(tmp_path)
    assert finding.level == "失败" and said in finding.detail and finding.remedy


def test_ingesting_builds_the_index_it_was_told_to(run, monkeypatch, bigrams, tmp_path):
    from_parts = parts.ingest
    check = pytest.importorskip("index.checking").check

    def ingest(settings: IndexSettings, *, force, progress):
        return pytest.importorskip("index.ingest").ingest(
            settings, force=force, progress=progress, embeddings=bigrams, check=check
        )

    assert callable(from_parts)
    monkeypatch.setattr(parts, "ingest", ingest)
    config = config_for(tmp_path, tmp_path / "index")
    first = run("ingest", "--config", config)
    assert first.exit_code == 0 and "索引已建立" in first.stdout and "2 篇资料" in first.stdout
    assert "索引已是最新" in run("ingest", "--config", config).stdout
    assert "索引已建立" in run("ingest", "--force", "--config", config).stdout


def read_line(process: subprocess.Popen, wanted: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    lines = []
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        lines.append(line)
        if wanted in line:
            return line
        if not line and process.poll() is not None:
            break
    raise AssertionError(f"「{wanted}」 was not printed: {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_says_where_it_is_tells_what_is_missing_and_stops_when_asked(tmp_path, number):
    config = config_for(tmp_path, tmp_path / "none")
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--demo", "--config", config],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", read_line(process, "已启动", 60)).group()
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert httpx.get(f"{address}/demo").status_code == 200
        assert (
            "正在加载" in httpx.get(f"{address}/readyz").text
            or "xiaobao ingest" in httpx.get(f"{address}/readyz").text
        )
        process.send_signal(number)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == (0 if number == signal.SIGINT else -signal.SIGTERM)
        assert "Traceback" not in rest
        if number == signal.SIGINT:
            assert "已停止" in rest
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=10)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_network_is_not_served_while_everybody_may_ask(run, host):
    result = run("serve", "--host", host, "--port", "0")
    assert result.exit_code == 4
    assert "[auth]" in result.stderr and "--insecure" in result.stderr


@pytest.mark.parametrize(
    ("options", "environment"),
    [(["--insecure"], {}), ([], {"XIAOBAO_AUTH__API_KEYS": "true"})],
)
def test_the_network_is_served_where_that_was_asked_for_or_everybody_has_to_say_who_they_are(
    tmp_path, options, environment
):
    config = config_for(tmp_path, tmp_path / "none")
    process = subprocess.Popen(
        [*COMMAND, "serve", "--host", "0.0.0.0", "--port", "0", "--config", config, *options],
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=os.environ | environment | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", read_line(process, "已启动", 60)).group()
        assert httpx.get(f"{address}/page/state").status_code == (200 if options else 401)
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_a_taken_port_ends_with_4_and_says_so(run):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = run("serve", "--port", str(listener.getsockname()[1]))
    assert result.exit_code == 4
    assert "无法在 127.0.0.1" in result.stderr and "--port" in result.stderr


@pytest.mark.parametrize(
    ("settings", "level", "said"),
    [
        ({}, "正常", "只在本机"),
        ({"server": {"host": "::1"}}, "正常", "只在本机"),
        ({"server": {"host": "0.0.0.0"}}, "失败", "拒绝启动"),
        ({"server": {"host": "0.0.0.0"}, "auth": {"api_keys": True}}, "注意", "还没有发放"),
        ({"auth": {"sso_header": "X-Remote-User", "proxies": ["10.0.0.1"]}}, "正常", "X-Remote-User"),
    ],
)
def test_the_doctor_says_who_may_ask(tmp_path, settings, level, said):
    server = {"records": tmp_path} | settings.get("server", {})
    finding = doctor.access(Settings(**settings | {"server": server}))
    assert finding.level == level and said in finding.detail
    assert bool(finding.remedy) is (level != "正常")


def test_the_doctor_counts_keys_and_sees_that_they_cannot_be_read(tmp_path):
    settings = Settings(server={"records": tmp_path}, auth={"api_keys": True})
    Keys(tmp_path / KEYS_FILE).add("评测")
    assert doctor.access(settings).detail == "1 个密钥"
    (tmp_path / KEYS_FILE).write_text("{", "utf-8")
    assert doctor.access(settings).level == "失败"
