"""How tests drive a real Chromium: which one, started how, and what axe has to say of a page."""

from __future__ import annotations

import shutil
import time

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """The Chromium on this machine; without one the test fails."""
    chromium = next(filter(None, map(shutil.which, _NAMES)), None)
    if chromium is None:
        pytest.fail(
            "these tests drive Chromium, and none is on PATH: install it with apt-get install chromium"
        )
    return chromium


def wait_until_ready(address: str) -> None:
    """Returns once the server at ``address`` can be asked."""
    deadline = time.monotonic() + 90
    while httpx.get(f"{address}/readyz").status_code != 200:
        assert time.monotonic() < deadline, httpx.get(f"{address}/readyz").text
        time.sleep(0.1)


def accessibility(page: Page) -> list[str]:
    """What axe finds that is serious or worse, and how often."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
