"""The real server over the real articles in a process of its own, as an administrator runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    process: subprocess.Popen[bytes]

    @property
    def resident_mb(self) -> float:
        """The memory it holds, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def threads(self) -> int:
        """How many threads it runs."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


@contextmanager
def serving(records: Path | None = None, **environment: str) -> Iterator[Server]:
    """The real server in a process of its own, ready to be asked. What it keeps is in ``records``, or gone with it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", str(port)],
            env=os.environ | {"XIAOBAO_SERVER__RECORDS": str(records or folder)} | environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 120
            while not _is_ready(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("服务器没有启动。请先运行 xiaobao doctor。")
                time.sleep(0.2)
            yield Server(address, process)
        finally:
            process.terminate()
            process.wait(40)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False
