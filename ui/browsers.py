"""Who a browser is: a random token in a signed cookie, and the secret it is signed with.

There is no log-in. The token only tells one browser's conversations from another's; what is kept is its hash, so
that nobody who reads the records can make the cookie. itsdangerous would do no more than these lines.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from ui.database import private_folder
from ui.errors import RecordsError

SECRET_FILE = "browsers.key"
"""The name of the secret's file in the folder of records (``server.records``)."""

_SECRET_BYTES = 32
_TOKEN_BYTES = 16
# Keeps a signature made for this from being good for anything else the secret may come to sign.
_PURPOSE = b"xiaobao browser\0"


class Browsers:
    """Gives browsers their cookies and knows them again by them."""

    def __init__(self, secret: bytes) -> None:
        """``secret`` signs the cookies; whoever has it can make one, and another one makes all of them void."""
        self._secret = secret

    def new(self) -> str:
        """A cookie for a browser that has none: ``token.signature``, of letters, digits, ``-``, ``_`` and the dot."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        return f"{token}.{self._signature(token.encode('ascii'))}"

    def owner(self, cookie: str | None) -> str | None:
        """Who the browser with this cookie is, 64 hexadecimal digits; None for a cookie that ``new`` did not make."""
        token, dot, signature = (cookie or "").partition(".")
        if not (token and dot and cookie and cookie.isascii()):
            return None
        if not hmac.compare_digest(self._signature(token.encode("ascii")), signature):
            return None
        return sha256(token.encode("ascii")).hexdigest()

    def _signature(self, token: bytes) -> str:
        digest = hmac.digest(self._secret, _PURPOSE + token, "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def owner_named(name: str) -> str:
    """Who a person is whom something else vouches for, in the form of ``Browsers.owner``."""
    return sha256(_PURPOSE + name.encode("utf-8")).hexdigest()


def load_secret(file: Path) -> bytes:
    """The secret in ``file``, made at random where there is none; processes that start at once agree on one.

    Raises:
        RecordsError: it cannot be read or made, or is too short to be one.
    """
    try:
        private_folder(file.parent)
        if not file.exists():
            _create(file)
        secret = file.read_bytes()
    except OSError as error:
        raise RecordsError(
            f"浏览器密钥 {file} 无法读取或建立（{error.strerror}）。请检查文件和所在文件夹的权限。"
        ) from error
    if len(secret) < _SECRET_BYTES:
        raise RecordsError(
            f"浏览器密钥 {file} 已损坏（只有 {len(secret)} 字节）。"
            "请从备份恢复；没有备份就删除它再启动，程序会新建一个，但各浏览器将看不到以前的对话。"
        )
    return secret


def _create(file: Path) -> None:
    """Put a new secret in place, whole and at once, unless another process was first."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        with draft.open("wb") as stream:
            stream.write(secrets.token_bytes(_SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        # Unlike a rename, a link never takes the place of what is there.
        with suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink()
