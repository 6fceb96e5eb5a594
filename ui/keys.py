"""API keys: who may ask over the API, kept in one small file beside the records.

A key is shown once, when it is made; what is kept is its sha256. That suffices without salt and without a slow hash: a
key has 256 random bits, so there is nothing to guess and no two are alike. The command line changes the file while a
server reads it, so every change is a whole new file put in the place of the old one, made under a lock that processes
share, and every check looks at whether the file is still the one that was read.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ui.database import private_folder
from ui.errors import KeysError

KEYS_FILE = "keys.json"
"""The name of the file in the folder of records (``server.records``)."""
KEY_PREFIX = "xb_"
MAX_NAME_CHARS = 40

_KEY_BYTES = 32
_SHOWN_CHARS = len(KEY_PREFIX) + 6
_LOCK_SECONDS = 10.0
_NAME = re.compile(rf"[\w.-]{{1,{MAX_NAME_CHARS}}}")

_Stamp = tuple[int, int, int]
"""Inode, size and time of change of a file: together they tell whether it is still the one that was read."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is known of a key. ``prefix`` is how it begins, to recognise it by; ``created`` is in UTC."""

    name: str
    created: datetime
    prefix: str


class _StoredKey(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    created: datetime
    prefix: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


_STORED = TypeAdapter(tuple[_StoredKey, ...])


class Keys:
    """The keys in ``file``. Threads may share one, and any number of processes may have the same file."""

    def __init__(self, file: Path) -> None:
        """Nothing is read or made yet: where there is no file there is no key."""
        self._file = file
        self._lock = threading.Lock()
        self._read: tuple[_Stamp | None, tuple[_StoredKey, ...]] = (None, ())

    def add(self, name: str) -> str:
        """A new key for ``name``, which is all there will ever be to see of it.

        Raises:
            KeysError: the name is none or is taken, or the file cannot be read or written.
        """
        if not _NAME.fullmatch(name):
            raise KeysError(
                f"密钥的名称不合要求：{name!r}。请用 1 到 {MAX_NAME_CHARS} 个字：汉字、字母、数字、“-”“_”“.”。"
            )
        key = f"{KEY_PREFIX}{secrets.token_urlsafe(_KEY_BYTES)}"
        new = _StoredKey(
            name=name,
            created=datetime.now(UTC).replace(microsecond=0),
            prefix=key[:_SHOWN_CHARS],
            sha256=_hash(key),
        )
        with self._changing() as stored:
            if any(one.name == name for one in stored):
                raise KeysError(
                    f"已经有名为“{name}”的密钥。请换一个名称，或先用 xiaobao keys revoke 撤销它。"
                )
            self._write((*stored, new))
        return key

    def revoke(self, name: str) -> None:
        """From now on the key of ``name`` is nobody's.

        Raises:
            KeysError: there is no such key, or the file cannot be read or written.
        """
        with self._changing() as stored:
            left = tuple(one for one in stored if one.name != name)
            if len(left) == len(stored):
                raise KeysError(f"没有名为“{name}”的密钥。请用 xiaobao keys list 查看已有的名称。")
            self._write(left)

    def list(self) -> tuple[KeyInfo, ...]:
        """Every key, oldest first.

        Raises:
            KeysError: the file is damaged or cannot be read.
        """
        return tuple(KeyInfo(one.name, one.created, one.prefix) for one in self._stored())

    def name_of(self, key: str) -> str | None:
        """Whose key this is; None where it is none, or none any more.

        Takes as long whichever key it is: every stored hash is compared, and each in constant time.

        Raises:
            KeysError: the file is damaged or cannot be read.
        """
        given = _hash(key)
        name = None
        for one in self._stored():
            if hmac.compare_digest(one.sha256, given):
                name = one.name
        return name

    def _stored(self) -> tuple[_StoredKey, ...]:
        with _told(self._file, "读取"):
            try:
                with self._lock:
                    if self._read[0] != _stamp(self._file.stat()):
                        self._read = _read(self._file)
                    return self._read[1]
            except FileNotFoundError:
                return ()

    @contextmanager
    def _changing(self) -> Iterator[tuple[_StoredKey, ...]]:
        """The keys as they are now, while no other process changes them."""
        lock = FileLock(self._file.with_name(f".{self._file.name}.lock"), timeout=_LOCK_SECONDS, mode=0o600)
        with _told(self._file, "写入"):
            private_folder(self._file.parent)
            try:
                lock.acquire()
            except Timeout as error:
                raise KeysError(f"密钥文件 {self._file} 正被别的程序修改，请稍候再试。") from error
        try:
            yield self._stored()
        finally:
            lock.release()

    def _write(self, stored: tuple[_StoredKey, ...]) -> None:
        """Put ``stored`` in the place of what is there, whole and at once."""
        draft = self._file.with_name(f".{self._file.name}.{secrets.token_hex(8)}")
        with _told(self._file, "写入"):
            try:
                draft.touch(mode=0o600, exist_ok=False)
                with draft.open("wb") as stream:
                    stream.write(_STORED.dump_json(stored, indent=2) + b"\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                draft.replace(self._file)
                _sync_folder(self._file.parent)
            finally:
                draft.unlink(missing_ok=True)


def _hash(key: str) -> str:
    # What a client sends may hold lone surrogates, which UTF-8 has no place for; no key of ours has any.
    return sha256(key.encode("utf-8", "backslashreplace")).hexdigest()


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(file: Path) -> tuple[_Stamp, tuple[_StoredKey, ...]]:
    """The keys in ``file``, and which file it was: another one may take its place at any time."""
    with file.open("rb") as stream:
        stamp = _stamp(os.fstat(stream.fileno()))
        content = stream.read()
    try:
        return stamp, _STORED.validate_json(content)
    except ValidationError as error:
        raise KeysError(
            f"密钥文件 {file} 已损坏。请从备份恢复它；没有备份就删除它，再用 xiaobao keys add 重新建立密钥。"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in ``folder`` as they are: a revocation must outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(file: Path, doing: str) -> Iterator[None]:
    """Errors of the file system told as what staff can do about them."""
    try:
        yield
    except OSError as error:
        raise KeysError(
            f"密钥文件 {file} 无法{doing}（{error.strerror}）。请检查文件和所在文件夹的权限，以及磁盘是否已满。"
        ) from error
