"""Keys for the API: shown once, kept as hashes, revoked at once, whoever else has the file open."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ui import cli
from ui.errors import DoorError, KeysError
from ui.keys import KEYS_FILE, Keys

ROOT = Path(cli.__file__).parents[1]
ADD = (
    "import sys; from pathlib import Path; from ui.keys import Keys; Keys(Path(sys.argv[1])).add(sys.argv[2])"
)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "kept" / KEYS_FILE


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_key_is_known_by_its_name_and_no_other_is(file):
    keys = Keys(file)
    first, second = keys.add("内网主页"), keys.add("eval-2.x_1")
    assert re.fullmatch(r"xb_[A-Za-z0-9_-]{43}", first) and first != second
    assert keys.name_of(first) == "内网主页" and keys.name_of(second) == "eval-2.x_1"
    for wrong in ("", "xb_", first[:-1], f"{first} ", first.upper(), first.removeprefix("xb_"), "钥\ud800"):
        assert keys.name_of(wrong) is None


def test_what_is_listed_is_the_name_the_time_and_the_beginning_oldest_first(file):
    keys = Keys(file)
    made = {name: keys.add(name) for name in ("乙", "甲")}
    listed = keys.list()
    assert [one.name for one in listed] == ["乙", "甲"]
    for one in listed:
        assert made[one.name].startswith(one.prefix) and 5 < len(one.prefix) < 12
        assert one.created.utcoffset() == timedelta(0) and abs(datetime.now(UTC) - one.created) < timedelta(1)


def test_the_key_itself_is_not_in_the_file_which_is_its_owners_alone(file):
    key = Keys(file).add("甲")
    assert key not in file.read_text("utf-8") and key[12:] not in file.read_text("utf-8")
    assert mode(file) == 0o600 and mode(file.parent) == 0o700
    assert all(mode(one) & 0o077 == 0 for one in file.parent.iterdir())
    assert not [one for one in file.parent.iterdir() if one.name not in (KEYS_FILE, f".{KEYS_FILE}.lock")]


def test_the_file_stays_its_owners_alone_when_it_is_changed(file):
    keys = Keys(file)
    keys.add("甲")
    file.chmod(0o644)
    keys.add("乙")
    assert mode(file) == 0o600


def test_a_revoked_key_is_nobodys_and_its_name_free_again(file):
    keys = Keys(file)
    old, other = keys.add("甲"), keys.add("乙")
    keys.revoke("甲")
    assert keys.name_of(old) is None and keys.name_of(other) == "乙"
    new = keys.add("甲")
    assert keys.name_of(new) == "甲" and keys.name_of(old) is None


def test_a_running_server_sees_at_once_what_another_one_changed(file):
    server, command = Keys(file), Keys(file)
    assert server.name_of("xb_") is None and server.list() == ()
    key = command.add("甲")
    assert server.name_of(key) == "甲"
    command.revoke("甲")
    assert server.name_of(key) is None
    again = command.add("甲")
    assert server.name_of(key) is None and server.name_of(again) == "甲"
    file.unlink()
    assert server.name_of(again) is None


def test_looking_makes_no_file(file):
    assert Keys(file).list() == () and Keys(file).name_of("xb_x") is None
    assert not file.parent.exists()


@pytest.mark.parametrize("name", ["", "有 空格", "a/b", "甲" * 41, "a\n", "a\x1b[2J", "“甲”", "a\u200bb"])
def test_a_name_of_other_characters_is_refused(file, name):
    with pytest.raises(KeysError, match="不合要求"):
        Keys(file).add(name)
    assert not file.exists()


def test_a_name_may_be_forty_characters_long(file):
    assert Keys(file).add("甲" * 40)


def test_a_name_that_is_taken_is_refused_and_its_key_stays(file):
    keys = Keys(file)
    key = keys.add("甲")
    with pytest.raises(KeysError, match="已经有名为“甲”"):
        keys.add("甲")
    assert keys.name_of(key) == "甲" and len(keys.list()) == 1


def test_a_name_that_nobody_has_cannot_be_revoked(file):
    with pytest.raises(KeysError, match="没有名为“甲”"):
        Keys(file).revoke("甲")


@pytest.mark.parametrize(
    "content", ["", "{}", "坏", '[{"name": "甲"}]', "[null]", '[{"name":"甲","created":"x"}]']
)
def test_a_damaged_file_is_told_and_left_as_it_is(file, content):
    file.parent.mkdir()
    file.write_text(content, "utf-8")
    for attempt in (lambda: Keys(file).name_of("xb_x"), Keys(file).list, lambda: Keys(file).add("乙")):
        with pytest.raises(KeysError, match="已损坏"):
            attempt()
    assert file.read_text("utf-8") == content


def test_a_hash_that_is_none_is_damage(file):
    Keys(file).add("甲")
    stored = json.loads(file.read_text("utf-8"))
    stored[0]["sha256"] = "钥"
    file.write_text(json.dumps(stored), "utf-8")
    with pytest.raises(KeysError, match="已损坏"):
        Keys(file).name_of("xb_x")


def test_what_cannot_be_read_or_written_is_told_as_such(tmp_path):
    (tmp_path / KEYS_FILE).mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(KeysError, match="无法读取"):
        Keys(tmp_path / KEYS_FILE).list()
    with pytest.raises(KeysError, match="无法写入"):
        Keys(tmp_path / "file" / KEYS_FILE).add("甲")
    assert issubclass(KeysError, DoorError)


def test_processes_and_threads_that_add_at_once_lose_none(file):
    keys = Keys(file)
    made: dict[str, str] = {}

    def add(name: str) -> None:
        made[name] = keys.add(name)

    processes = [
        subprocess.Popen([sys.executable, "-c", ADD, str(file), f"process-{number}"], cwd=ROOT)
        for number in range(3)
    ]
    threads = [threading.Thread(target=add, args=(f"thread-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert {one.name for one in keys.list()} == {*made, "process-0", "process-1", "process-2"}
    assert all(keys.name_of(key) == name for name, key in made.items())


# The command


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command in an empty folder whose settings keep records in ``kept``."""
    (tmp_path / "xiaobao.toml").write_text("[server]\nrecords = 'kept'\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli.app, ["keys", *arguments])


def test_the_new_key_alone_is_printed_and_how_to_send_it_beside_it(run, file):
    result = run("add", "内网主页")
    assert result.exit_code == 0
    assert Keys(file).name_of(result.stdout.removesuffix("\n")) == "内网主页"
    assert "只显示这一次" in result.stderr and "Authorization: Bearer" in result.stderr
    assert result.stdout.strip() not in result.stderr


def test_the_keys_are_listed_without_what_they_are(run, file):
    key = Keys(file).add("内网主页")
    result = run("list")
    assert result.exit_code == 0 and key not in result.stdout
    assert re.fullmatch(rf"内网主页  \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC  {key[:9]}…\n", result.stdout)
    assert result.stderr == "共 1 个密钥\n"


def test_listing_where_there_are_none_makes_no_file(run, file):
    result = run("list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "共 0 个密钥\n")
    assert not file.exists()


def test_a_key_is_revoked_by_its_name(run, file):
    key = Keys(file).add("内网主页")
    result = run("revoke", "内网主页")
    assert result.exit_code == 0 and result.stderr == "已撤销“内网主页”的密钥。\n"
    assert Keys(file).name_of(key) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("revoke", "乙"), "没有名为“乙”"), (("add", "甲"), "已经有"), (("add", "a b"), "不合要求")],
)
def test_what_cannot_be_done_ends_with_4_and_one_chinese_line(run, file, arguments, said):
    Keys(file).add("甲")
    result = run(*arguments)
    assert result.exit_code == 4 and result.stdout == ""
    assert result.stderr.startswith("错误：") and said in result.stderr and result.stderr.count("\n") == 1


def test_a_damaged_file_ends_with_4(run, file):
    file.parent.mkdir()
    file.write_text("坏", "utf-8")
    result = run("list")
    assert result.exit_code == 4 and "已损坏" in result.stderr
