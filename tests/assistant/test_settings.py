"""The settings file and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.settings import Settings, load_settings
from index.errors import SettingsError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Works in a folder without a settings file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "xiaobao.toml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def test_without_a_file_the_defaults_hold() -> None:
    assert load_settings() == Settings()
    assert load_settings().answer.max_question_chars == 2000


def test_the_file_in_the_working_folder_is_read(empty_folder: Path) -> None:
    write(empty_folder, "[answer]\npassages = 3\n")
    assert load_settings().answer.passages == 3


def test_a_named_file_is_read_instead(empty_folder: Path) -> None:
    write(empty_folder, "[answer]\npassages = 3\n")
    assert load_settings(write(empty_folder, "[server]\nport = 9000\n", "other.toml")).server.port == 9000
    assert load_settings(empty_folder / "other.toml").answer.passages == Settings().answer.passages


def test_the_environment_overrides_one_key_and_leaves_the_others(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(empty_folder, "[answer]\npassages = 3\nthreshold = 0.7\n")
    monkeypatch.setenv("XIAOBAO_ANSWER__THRESHOLD", "0.25")
    answer = load_settings().answer
    assert (answer.passages, answer.threshold) == (3, 0.25)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[answer]\npassage = 3\n", "answer.passage"),
        ("[answer]\npassages = 0\n", "answer.passages"),
        ("[unknown]\nx = 1\n", "unknown"),
        ("[answer\n", "TOML"),
        ("[server]\nport = 'x'\n", "server.port"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_that_is_wrong(
    empty_folder: Path, text: str, told: str
) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        load_settings(write(empty_folder, text))
    assert "xiaobao.toml" in str(caught.value)


def test_a_file_in_another_encoding_is_refused(empty_folder: Path) -> None:
    (empty_folder / "xiaobao.toml").write_bytes("# 设置".encode("gb18030"))
    with pytest.raises(SettingsError, match="TOML"):
        load_settings()


def test_a_named_file_that_is_missing_is_told(empty_folder: Path) -> None:
    with pytest.raises(SettingsError, match="找不到设置文件"):
        load_settings(empty_folder / "missing.toml")


def test_a_wrong_value_in_the_environment_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_SERVER__PORT", "99999")
    with pytest.raises(SettingsError, match="环境变量"):
        load_settings()


def test_settings_cannot_be_changed_once_loaded() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().answer = Settings().answer


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[auth]\napi_key = true", "auth.api_key：没有这个设置"),
        ('[auth]\napi_keys = "maybe"', "auth.api_keys：应为 true 或 false"),
        ('[auth]\nproxies = ["10.0.0.0/33"]', "「10.0.0.0/33」不是网络地址"),
        ("[auth]\nproxies = 5", "auth.proxies：应为列表"),
        ("[limits]\nquestions_per_minute = -1", "limits.questions_per_minute：应不小于 0"),
        ("[server]\nport = 70000", "server.port：应不大于 65535"),
        ("[server]\nworkers = 1.5", "server.workers：应为整数"),
        ("[server]\nquestion_seconds = 0", "server.question_seconds：应大于 0"),
        ('[log]\nformat = "xml"', "log.format：只能是 auto、json、text"),
        ("server = 5", "server：应为一个表"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_in_chinese(tmp_path: Path, table: str, said: str) -> None:
    file = tmp_path / "xiaobao.toml"
    file.write_text(table, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert said in str(caught.value)
    assert "Input should" not in str(caught.value)
