"""Private copies of folders that must not be changed, for libraries that write to whatever they open.

A copy lives in the temporary folder, readable by this user alone, and holds a lock for as long as its process
lives; whoever makes the next copy removes those whose process was killed before it could.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "xiaobao-index-"
_LOCK = "in-use.lock"
_BLOCK = 1 << 20
# Between making a folder and locking it lies a moment in which it looks forsaken.
_ORPHAN_SECONDS = 600


class ChangedFileError(Exception):
    """A file is not what its digest says, or cannot be read; the message, in Chinese, names it."""


class PrivateCopy:
    """A copy of ``source`` at ``folder``; removed by ``remove``, when collected, or at exit.

    ``digests`` has the sha256 of each file by its path below ``source``: these files and no others are
    copied, and each is compared with its digest on the way. Without it all files are copied as they are.

    Raises:
        ChangedFileError: a file is missing, unreadable, or differs from its digest.
        OSError: the copy cannot be written.
    """

    def __init__(self, source: Path, digests: Mapping[str, str] | None = None) -> None:
        _remove_orphans(Path(tempfile.gettempdir()))
        root = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Not thread-local: whichever thread closes the copy must be able to release it.
        lock = FileLock(root / _LOCK, thread_local=False)
        lock.acquire(timeout=0)
        self._finalizer = weakref.finalize(self, _remove, root, lock, os.getpid())
        self.folder = root / "files"
        self.folder.mkdir()
        try:
            expected_digests = digests if digests is not None else _unchecked(source)
            for name, expected in expected_digests.items():
                _copy(source / name, self.folder / name, expected)
        except (OSError, ChangedFileError):
            self.remove()
            raise

    def remove(self) -> None:
        """Removes the copy. Idempotent."""
        self._finalizer()


def _unchecked(source: Path) -> dict[str, str]:
    return {file.relative_to(source).as_posix(): "" for file in source.rglob("*") if file.is_file()}


def _copy(source: Path, target: Path, expected: str) -> None:
    """Copies one file, compared with ``expected`` (a sha256 in hex; nothing is compared if it is empty)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        reading = source.open("rb")
    except OSError as error:
        raise ChangedFileError(f"{source.name} 无法读取：{error.strerror}") from error
    with reading, target.open("wb") as writing:
        while block := reading.read(_BLOCK):
            digest.update(block)
            writing.write(block)
    if expected and digest.hexdigest() != expected:
        raise ChangedFileError(f"{source.name} 内容与清单不符")


def _remove(root: Path, lock: FileLock, owner: int) -> None:
    # A forked child inherits the finalizer, but not the right to remove what its parent uses.
    if os.getpid() == owner:
        lock.release()
        shutil.rmtree(root, ignore_errors=True)


def _remove_orphans(parent: Path) -> None:
    for root in parent.glob(f"{PREFIX}*"):
        try:
            if root.stat().st_uid != os.getuid() or time.time() - root.stat().st_mtime < _ORPHAN_SECONDS:
                continue
            with FileLock(root / _LOCK, timeout=0):
                shutil.rmtree(root, ignore_errors=True)
        except (Timeout, OSError):  # in use, or already removed by another process
            continue
