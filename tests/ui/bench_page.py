"""How fast the page is, and what a long conversation costs: measured in Chromium against the real server.

    python -m tests.ui.bench_page [--turns 50] [--json FILE]

Nothing here passes or fails: the figures depend on the machine, so they are printed and not asserted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import time
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.ui.served import Server, serving
from ui.chat import HEAD, STATIC, STYLES

QUESTIONS = (
    "2022年平安人寿赔付了多少件？",
    "那平安产险呢？",
    "教育宣传月是什么时候启动的？",
    "平安在适老化服务方面有哪些举措？",
    "平安今天的股价是多少？",
)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
LOADS = 5
MIB = 2**20


def loads(browser: Browser, address: str) -> dict[str, float]:
    """Medians over fresh browsers, in milliseconds since the address was opened; sizes in KB as they are on disk."""
    paints, usables, answers = [], [], []
    for _ in range(LOADS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(address, wait_until="commit")
        page.wait_for_selector("#xb-question:focus")
        # Both from the browser's own clock, so that what this script takes does not count.
        usables.append(page.evaluate("performance.now()"))
        page.fill("#xb-question", QUESTIONS[0])
        began = time.perf_counter()
        page.press("#xb-question", "Enter")
        page.wait_for_selector(".xb-text")
        answers.append(1000 * (time.perf_counter() - began))
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        context.close()
    scripts = {STATIC / name for name in re.findall(r'"page/static/([\w-]+\.js)"', HEAD)}
    own = sum(file.stat().st_size for file in [*scripts, STYLES])
    return {
        "first_paint_ms": statistics.median(paints),
        "usable_ms": statistics.median(usables),
        "answer_shown_ms": statistics.median(answers),
        "own_scripts_and_styles_kb": own / 1024,
    }


def conversation(browser: Browser, server: Server, turns: int) -> dict[str, float]:
    """What ``turns`` questions in one conversation do to memory, of the page and of the server, and to the time of an
    answer: medians of its first and its last tenth."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(server.address)
    page.wait_for_selector("#xb-question:focus")
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    took = [_turn(page, QUESTIONS[0], 1)]
    before, held = _memory(devtools), server.resident_mb
    took += [_turn(page, QUESTIONS[number % len(QUESTIONS)], number + 1) for number in range(1, turns)]
    after = _memory(devtools)
    context.close()
    tenth = max(1, turns // 10)
    return {
        "turns": turns,
        "page_growth_mb": (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / MIB,
        "server_growth_mb": server.resident_mb - held,
        "server_resident_mb": server.resident_mb,
        "first_tenth_ms": statistics.median(took[1 : tenth + 1]),
        "last_tenth_ms": statistics.median(took[-tenth:]),
    }


def _turn(page: Page, question: str, number: int) -> float:
    page.fill("#xb-question", question)
    began = time.perf_counter()
    page.press("#xb-question", "Enter")
    page.locator(".xb-turn .xb-text").nth(number - 1).wait_for()
    return 1000 * (time.perf_counter() - began)


def _memory(devtools: CDPSession) -> dict[str, float]:
    devtools.send("HeapProfiler.collectGarbage")
    return {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=50, help="length of the long conversation")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, CHROMIUMS))),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        figures = loads(browser, server.address) | conversation(browser, server, options.turns)
        browser.close()
    for name, value in figures.items():
        print(f"{name:28} {value:10.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
