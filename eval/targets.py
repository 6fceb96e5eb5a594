"""What can be asked. This is the server over HTTP; the assistant in this process is ``local.LocalTarget``, a module
apart because importing the assistant takes seconds, which asking a server need not wait for.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import httpx

from assistant.errors import AssistantError, QuestionError
from eval.cases import Case
from eval.dumping import json_line
from eval.errors import ResponseError, TargetError
from eval.responses import parse_response

LOCAL = "local"

ASK = "/api/ask"
READY = "/readyz"

TIMEOUT_SECONDS = 60.0
CONNECTING_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 30.0
BUSY_ATTEMPTS = 8
CONNECTION_ATTEMPTS = 3

_BUSY = (429, 502, 503, 504)
_NOT_TAKEN = (413, 422)
# Waiting does not mend these: the server answers 503 until a person has seen to it.
_BROKEN = ("index_unusable",)


class Target(Protocol):
    """What is asked. ``name`` is kept with a run; ``takes_documents`` says whether cases with documents can be run."""

    name: str
    takes_documents: bool

    def answer(self, case: Case) -> dict[str, Any]:
        """The answer to a case, as the JSON of ``Answer.to_dict``. May be called from several threads at once.

        Raises:
            AssistantError: this question was not answered; others can be.
            TargetError, IndexingError: no question can be.
        """

    def versions(self) -> dict[str, str]:
        """What answers, and what judges it: ``package`` and ``python``, and ``index`` where that is known.

        Raises:
            TargetError, IndexingError: it cannot be asked at all.
        """

    def open(self) -> None:
        """Makes sure that what is asked of the articles can be answered, before anything is asked.

        Raises:
            TargetError, IndexingError: it cannot.
        """

    def close(self) -> None:
        """Releases what is open. Idempotent."""


def own_versions() -> dict[str, str]:
    """The versions of this package and of Python."""
    try:
        package = version("xiaobao")
    except PackageNotFoundError:
        package = "未安装"
    return {"package": package, "python": platform.python_version()}


class HttpTarget:
    """A server's ``POST /api/ask``, on connections that are kept.

    A server that is busy or loading (429, 503 and a gateway's 502 and 504) is asked again, after as long as its
    ``Retry-After`` says, at most half a minute, and a bounded number of times; so is one that hangs up.

    Args:
        url: the server's address, with or without the path of the API.
        key: the API key, where the server asks for one.
        timeout: seconds that an answer may take.
        transport: what carries the requests; the network, unless a test brings its own.
        sleep: waits so many seconds.

    Raises:
        TargetError: ``url`` is no address.
    """

    takes_documents = False

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout: float = TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = _address(url)
        self._sleep = sleep
        self._timeout = timeout
        self._client = httpx.Client(
            base_url=self.name,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECTING_SECONDS)),
            transport=transport,
            # A proxy that the environment names knows nothing of this machine's own servers.
            mounts=None if transport else {"all://127.0.0.1": None, "all://localhost": None},
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {}),
        )

    def answer(self, case: Case) -> dict[str, Any]:
        """The server's answer to a case.

        Raises:
            QuestionError: the server did not take the question; the message is the server's.
            AssistantError: it failed on this question.
            TargetError: it is not there, does not answer, or is something else; or the case brings documents.
        """
        if case.documents:
            raise TargetError(f"服务器不能回答自带 documents 的用例：{case.id}。请改用 --target local。")
        history = [{"role": role, "content": content} for role, content in case.history]
        body = {"question": case.question, "history": history, "stream": False}
        response = self._request("POST", ASK, body)
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        values = self._object(response)
        try:
            parse_response(values)
        except ResponseError as error:
            raise TargetError(f"{self.name} {error}。请检查 --target 的地址和版本。") from error
        return dict(values)

    def versions(self) -> dict[str, str]:
        """The versions of what judges, and the index version of the server; waits while the server is loading.

        Raises:
            TargetError: the server is not there, is not ready, or is something else.
        """
        response = self._request("GET", READY)
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        index_version = self._object(response).get("index_version")
        if not isinstance(index_version, str):
            raise self._something_else(f"{READY} 没有给出 index_version")
        return own_versions() | {"index": index_version}

    def open(self) -> None:
        """Waits until the server is ready.

        Raises:
            TargetError: it is not there, or cannot be used.
        """
        self.versions()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """The response that is not about being busy."""
        busy = broken = 0
        while True:
            try:
                response = self._send(method, path, body)
            except httpx.TransportError as error:
                broken += 1
                if broken == CONNECTION_ATTEMPTS or isinstance(error, httpx.TimeoutException):
                    raise self._unreachable(error) from error
                self._sleep(_backing_off(broken))
                continue
            code, message = _told(response)
            if response.status_code not in _BUSY or code in _BROKEN:
                return response
            busy += 1
            if busy == BUSY_ATTEMPTS:
                raise TargetError(
                    f"{self.name} 一直不能回答（HTTP {response.status_code}{_after(message)}）。"
                    "请稍后再试，或减少 --jobs。"
                )
            self._sleep(_wait(response, busy))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        if body is None:
            return self._client.request(method, path)
        content = json_line(body).encode("utf-8")
        return self._client.request(
            method, path, content=content, headers={"Content-Type": "application/json"}
        )

    def _object(self, response: httpx.Response) -> Mapping[str, Any]:
        try:
            values = response.json()
        except ValueError as error:
            raise self._something_else("返回的不是 JSON") from error
        if not isinstance(values, dict):
            raise self._something_else("返回的不是 JSON 对象")
        return values

    def _refusal(self, response: httpx.Response) -> AssistantError | TargetError:
        """What a status other than 200 means."""
        code, message = _told(response)
        status = response.status_code
        if code and status in _NOT_TAKEN:
            return QuestionError(message)
        if status == httpx.codes.UNAUTHORIZED and code:
            return TargetError(
                f"{self.name} 需要密钥：{message.rstrip('。')}。请把密钥写在环境变量 XIAOBAO_EVAL_KEY 里。"
            )
        if code in _BROKEN:
            return TargetError(f"{self.name}：{message}")
        if code and status == httpx.codes.INTERNAL_SERVER_ERROR:
            return AssistantError(f"服务器内部出错（HTTP {status}{_after(message)}）")
        return self._something_else(f"HTTP {status}{_after(message)}")

    def _something_else(self, reason: str) -> TargetError:
        return TargetError(f"{self.name} 不是可以评测的消保问答服务：{reason}。请检查 --target 的地址。")

    def _unreachable(self, error: httpx.TransportError) -> TargetError:
        if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
            return TargetError(
                f"{self.name} 超过 {self._timeout:g} 秒没有回答。请检查服务器，再用 --resume 继续。"
            )
        return TargetError(
            f"连接不上 {self.name}（{error or type(error).__name__}）。请先启动服务（xiaobao serve），并检查地址和端口。"
        )


def _address(url: str) -> str:
    """The server's base address."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise TargetError(f"--target「{url}」不是有效的地址：{error}。") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise TargetError(f"--target「{url}」应是 {LOCAL} 或 http://127.0.0.1:7860 这样的地址。")
    return str(parsed.copy_with(query=None, fragment=None)).removesuffix(ASK).rstrip("/")


def _told(response: httpx.Response) -> tuple[str, str]:
    """Code and detail of a problem as the API tells it (RFC 9457); empty where the response is something else."""
    try:
        problem = response.json()
        return str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return "", ""


def _after(message: str) -> str:
    return f"：{message.rstrip('。')}" if message else ""


def _wait(response: httpx.Response, attempt: int) -> float:
    """Seconds until the next attempt: what ``Retry-After`` says (RFC 9110, 10.2.3), else ever longer."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return min(float(said), LONGEST_WAIT_SECONDS)
    try:
        wait = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # no date, or one without a time zone
        return _backing_off(attempt)
    return min(max(wait, 0.0), LONGEST_WAIT_SECONDS)


def _backing_off(attempt: int) -> float:
    return min(0.5 * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)
