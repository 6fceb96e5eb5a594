"""Who asks: a named key, a person that the single sign-on vouches for, or only an address.

What a proxy forwards (the person, the client's address, the scheme) is believed where the connection itself comes from one
of the listed addresses, and is taken out of the request otherwise. Where keys or single sign-on are set, whoever shows
neither is refused, at every address but those that say whether the server lives and the loader of the embedded chat, which
is the same for everybody.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.settings import AuthSettings
from ui.errors import KeysError
from ui.problems import problem_response
from ui.rendering import clean, shortened

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/embed.js"})
"""What is told to anybody."""

_FORWARDED = ("x-forwarded-for", "x-forwarded-proto")
_MAX_NAME_CHARS = 120
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sent a request. ``name`` is what the audit trail calls them, as ``key:eval``, ``user:zhang`` or
    ``address:10.1.2.3``; ``known`` where a key or the single sign-on vouches for it."""

    name: str
    known: bool


def asker_of(request: Request) -> Asker:
    """Who sent ``request``, as ``Access`` found out."""
    asker: Asker = request.state.asker
    return asker


class Access:
    """Finds out who sends each request, and refuses those who may not."""

    def __init__(
        self, app: ASGIApp, settings: AuthSettings, name_of_key: Callable[[str], str | None]
    ) -> None:
        """``name_of_key`` gives the name under which a key was given out, None for one that is not or no longer valid."""
        self._app = app
        self._settings = settings
        self._name_of_key = name_of_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        believed = is_within(scope["client"][0] if scope.get("client") else "", self._settings.proxies)
        scope = self._forwarded(scope) if believed else self._stripped(scope)
        try:
            asker = self._asker(scope)
        except KeysError as error:
            logger.error("keys: %s", error)
            await problem_response("records_unusable", str(error))(scope, receive, send)
            return
        open_to_all = scope["path"] in OPEN_PATHS or not self._settings.required
        if asker is None or not (asker.known or open_to_all):
            response = problem_response("unauthorised", self._refusal(asker), {"WWW-Authenticate": "Bearer"})
            await response(scope, receive, send)
            return
        scope.setdefault("state", {})["asker"] = asker
        await self._app(scope, receive, send)

    def _asker(self, scope: Scope) -> Asker | None:
        """Who asks; None where a key is shown that is not valid, which is told even to those who need none."""
        headers = Headers(scope=scope)
        shown = headers.get("authorization", "")
        if self._settings.api_keys and shown.lower().startswith(_BEARER):
            name = self._name_of_key(shown[len(_BEARER) :].strip())
            return None if name is None else Asker(f"key:{name}", known=True)
        person = _name(headers.get(self._settings.sso_header, "")) if self._settings.sso_header else ""
        if person:
            return Asker(f"user:{person}", known=True)
        address = scope["client"][0] if scope.get("client") else "unknown"
        return Asker(f"address:{address}", known=False)

    def _refusal(self, asker: Asker | None) -> str:
        if asker is None:
            return "这个密钥无效或已被吊销。请向管理员要一个新的密钥。"
        if self._settings.sso_header and self._settings.api_keys:
            return "请通过公司的统一登录打开，或在请求头 Authorization: Bearer 后带上密钥。"
        if self._settings.sso_header:
            return "请通过公司的统一登录打开。"
        return "请在请求头 Authorization: Bearer 后带上密钥；密钥由管理员用 xiaobao keys add 发放。"

    def _stripped(self, scope: Scope) -> Scope:
        """The request without what only a proxy may say."""
        said = {*_FORWARDED, self._settings.sso_header.lower()}
        headers = [(name, value) for name, value in scope["headers"] if name.decode("latin-1") not in said]
        return {**scope, "headers": headers}

    def _forwarded(self, scope: Scope) -> Scope:
        """The request as it reached the first of our proxies: their client's address, and the scheme it used."""
        headers = MutableHeaders(raw=list(scope["headers"]))
        chain = [part.strip() for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
        client = next((one for one in reversed(chain) if not is_within(one, self._settings.proxies)), None)
        changed = dict(scope)
        if client is not None and _address(client) is not None:
            changed["client"] = (client, 0)
        if headers.get("x-forwarded-proto") in ("http", "https"):
            changed["scheme"] = headers["x-forwarded-proto"]
        return changed


def is_within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether ``address`` belongs to one of ``networks``; what is no address does not."""
    found = _address(address)
    return found is not None and any(
        found in network for network in networks if network.version == found.version
    )


def is_loopback(host: str) -> bool:
    """Whether what listens on ``host``, a name or an address, is reached from this machine alone."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return all(ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket for both families calls 10.1.2.3 ::ffff:10.1.2.3.
    return getattr(address, "ipv4_mapped", None) or address


def _name(value: str) -> str:
    """A person's name from a header: percent-encoded or UTF-8, which HTTP carries as Latin-1."""
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    return shortened(" ".join(clean(unquote(value)).split()), _MAX_NAME_CHARS)


class OriginCheck:
    """Refuses what another site's page makes a browser send: only our own pages and the listed origins may change
    anything or ask.

    Browsers name the origin of every request that is not a plain GET; what is not a browser names none.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            headers = Headers(scope=scope)
            origin = headers.get("origin", "").lower()
            own = origin.partition("://")[2] == headers.get("host", "").lower()
            if origin and not own and origin not in self._allowed:
                detail = "不允许从这个网页提问。请让管理员把它的来源加入设置中的 embed.allowed_origins。"
                await problem_response("forbidden", detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)
