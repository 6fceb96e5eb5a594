"""One settings file for the whole product: a TOML, overridden by ``XIAOBAO_*`` from the environment.

Read once at an entry point with ``load_settings`` and passed down; nothing else reads the environment.
"""

from __future__ import annotations

import re
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from index.errors import SettingsError
from index.settings import IndexSettings

DEFAULT_FILE = Path("xiaobao.toml")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_HEADER_NAME = re.compile(r"(?:[A-Za-z0-9-]+)?")


_TROUBLES = {
    "extra_forbidden": "没有这个设置，请检查拼写",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "string_type": "应为字符串",
    "path_type": "应为路径",
    "tuple_type": "应为列表",
    "model_type": "应为一个表",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than_equal": "应不大于 {le}",
    "literal_error": "只能是 {expected}",
    "value_error": "{error}",
}
"""What is said of each type of pydantic's errors; of one that is missing here, what pydantic says."""


def _told(error: ErrorDetails) -> str:
    told = _TROUBLES.get(error["type"])
    context = dict(error.get("ctx", {}))
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "").replace(" or ", "、").replace(", ", "、")
    return error["msg"] if told is None else told.format(**context)


def _network(value: object) -> object:
    """A network from its text; ``10.1.2.3/24`` is the one that the address is in."""
    try:
        return ip_network(value, strict=False) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"「{value}」不是网络地址，应写成 10.89.0.10 或 10.89.0.0/24 的样子") from error


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


def _origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454, section 6.2)."""
    origin = text.strip().lower().removesuffix("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"「{text}」不是网页来源，应写成 https://portal.example.com 的样子，不带路径")
    # Browsers leave a scheme's own port out.
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


def _header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError(f"「{text}」不是请求头的名字，应写成 X-Remote-User 的样子")
    return text


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
    records: Path = Field(
        Path("var/records"), description="folder of conversations, feedback, audit and keys"
    )
    waiting: int = Field(64, ge=0, le=10_000, description="questions that may wait for their turn")
    question_seconds: float = Field(
        60.0, gt=0, description="longest that a question may take, waiting included"
    )
    audit_days: int = Field(365, ge=1, description="how many days entries stay in the audit trail")
    grace_seconds: float = Field(
        20.0, ge=0, description="how long answers under way may take to end at a stop"
    )


class AuthSettings(BaseModel):
    """The ``[auth]`` table: who may ask. With neither keys nor single sign-on everybody who reaches the server may."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_keys: bool = Field(False, description="take the keys that `xiaobao keys` gives out")
    sso_header: Annotated[str, AfterValidator(_header_name)] = Field(
        "", description="header in which the proxies name the person, such as X-Remote-User; empty: none"
    )
    proxies: tuple[Network, ...] = Field((), description="addresses whose forwarding headers are believed")

    @property
    def required(self) -> bool:
        """Whether whoever asks has to say who they are."""
        return self.api_keys or bool(self.sso_header)

    @model_validator(mode="after")
    def _is_sound(self) -> AuthSettings:
        if self.sso_header and not self.proxies:
            raise ValueError("设了 sso_header 就要在 proxies 里写明代理服务器的地址，否则谁也进不来")
        return self


class EmbedSettings(BaseModel):
    """The ``[embed]`` table: whose pages may hold the chat, and call the API from a browser."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()


class LimitSettings(BaseModel):
    """The ``[limits]`` table: how much one key, person or address may send; 0 is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    questions_per_minute: int = Field(600, ge=0)
    requests_per_minute: int = Field(6000, ge=0)


class LogSettings(BaseModel):
    """The ``[log]`` table: what is written to standard error while serving."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, else JSON")
    questions: bool = Field(False, description="whether questions are logged, personal data masked")


class TelemetrySettings(BaseModel):
    """The ``[telemetry]`` table: where traces are sent (OpenTelemetry, OTLP over gRPC); empty: nowhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = ""


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
    auth: AuthSettings = AuthSettings()
    embed: EmbedSettings = EmbedSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

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
        places = "；".join(f"{'.'.join(map(str, item['loc']))}：{_told(item)}" for item in error.errors())
        raise SettingsError(f"设置有误（{file if values else '环境变量 XIAOBAO_*'}）：{places}。") from error
