"""One settings file for the whole product: a TOML, overridden by ``XIAOBAO_*`` from the environment.

Read once at an entry point with ``load_settings`` and passed down; nothing else reads the environment.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from index.errors import SettingsError
from index.settings import IndexSettings

DEFAULT_FILE = Path("xiaobao.toml")


class AnswerSettings(BaseModel):
    """The ``[answer]`` table: how questions are taken and answers judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    passages: int = Field(9, ge=1, le=20, description="how many passages are read for an answer")
    threshold: float = Field(
        0.45, ge=0.0, le=1.0, description="least probability of being answered; below it: not found"
    )
    max_question_chars: int = Field(2000, ge=1, description="longest question taken")
    max_history: int = Field(20, ge=0, description="how many earlier turns are looked at")


class ServerSettings(BaseModel):
    """The ``[server]`` table: where the page and the API listen, and how much they take at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(7860, ge=0, le=65535)
    workers: int = Field(4, ge=1, le=64, description="questions answered at the same time")
    max_body_bytes: int = Field(1_000_000, ge=1000, description="largest request taken")
    records: Path = Field(Path("var/records"), description="folder of conversations and feedback")


class Settings(BaseSettings):
    """All settings. Unknown keys are an error; nested keys in the environment use ``__``."""

    model_config = SettingsConfigDict(
        env_prefix="XIAOBAO_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    index: IndexSettings = IndexSettings()
    answer: AnswerSettings = AnswerSettings()
    server: ServerSettings = ServerSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment comes before the file, so that an administrator can override one key."""
        return env_settings, init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Settings from ``path``, or from ``xiaobao.toml`` in the working folder, or the defaults when there is none.

    Raises:
        SettingsError: the named file is missing, is not TOML, or holds an unknown key or a wrong value.
    """
    values: dict[str, Any] = {}
    file = path or DEFAULT_FILE
    if path is not None and not path.is_file():
        raise SettingsError(f"找不到设置文件：{path}。请检查 --config 后面的路径。")
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"设置文件 {file} 不是有效的 TOML：{error}。") from error
    try:
        return Settings(**values)
    except ValidationError as error:
        places = "；".join(f"{'.'.join(map(str, item['loc']))}：{item['msg']}" for item in error.errors())
        raise SettingsError(f"设置有误（{file if values else '环境变量 XIAOBAO_*'}）：{places}。") from error
