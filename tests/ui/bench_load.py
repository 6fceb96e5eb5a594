"""Many users at once: how long they wait, what they are refused, and whether memory stays where it was.

    python -m tests.ui.bench_load [--users 50] [--seconds 300] [--think 0]

Each user asks one question after the other, of those that the evaluation asks, some through the API and some through the
page, whole or streamed; one in ten leaves before the answer is there. Everything goes to a server of its own on loopback
and ends by itself. What is refused with 429 is asked again after ``Retry-After``; any other error fails the run.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

import httpx

from eval.cases import PACKAGED, load_cases
from tests.ui.served import Server, serving

LEAVING = 0.1


@dataclass
class Tally:
    """What came of the questions: statuses, seconds until the answer was whole, and memory in MB by second."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)


async def user(
    client: httpx.AsyncClient, questions: list[str], until: float, think: float, tally: Tally
) -> None:
    """Asks until the time is over."""
    choice = random.Random(id(client) ^ len(tally.statuses))
    while time.monotonic() < until:
        path = choice.choice(["/api/ask", "/page/ask"])
        body: dict[str, object] = {"question": choice.choice(questions)}
        if path == "/api/ask":
            body["stream"] = choice.random() < 0.5
        began = time.monotonic()
        try:
            async with client.stream("POST", path, json=body) as response:
                if response.status_code == 200 and choice.random() < LEAVING:
                    tally.statuses["left"] += 1
                    continue
                text = (await response.aread()).decode("utf-8")
        except httpx.TransportError as error:
            tally.statuses[type(error).__name__] += 1
            continue
        tally.statuses[str(response.status_code)] += 1
        if "event: error" in text:
            tally.statuses["error in stream"] += 1
        if response.status_code == 429:
            await asyncio.sleep(float(response.headers["retry-after"]))
        elif response.status_code == 200:
            tally.seconds.append(time.monotonic() - began)
        await asyncio.sleep(choice.expovariate(1 / think) if think else 0)


async def watch(server: Server, until: float, tally: Tally) -> None:
    """Notes the server's memory every five seconds."""
    while time.monotonic() < until:
        tally.memory.append((time.monotonic() - tally.began, server.resident_mb))
        await asyncio.sleep(5)


async def load(server: Server, users: int, seconds: float, think: float) -> Tally:
    """The tally of so many users for so long."""
    questions = [case.question for case in load_cases([PACKAGED]) if not case.documents]
    tally = Tally()
    until = tally.began + seconds
    limits = httpx.Limits(max_connections=users)
    async with httpx.AsyncClient(base_url=server.address, timeout=120, limits=limits) as client:
        # Each question comes from a browser of its own.
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        await asyncio.gather(
            watch(server, until, tally),
            *(user(client, questions, until, think, tally) for _ in range(users)),
        )
    return tally


def main() -> None:
    """Loads the server and prints what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument(
        "--think", type=float, default=0.0, help="mean seconds between answer and next question"
    )
    options = parser.parse_args()
    with serving() as server:
        tally = asyncio.run(load(server, options.users, options.seconds, options.think))
        threads = server.threads
    print(f"{options.users} users, {options.seconds:g} s, thinking {options.think:g} s")
    print("answers   ", dict(tally.statuses))
    ordered = sorted(tally.seconds)
    if ordered:
        p95 = ordered[int(0.95 * (len(ordered) - 1))]
        print(f"seconds    p50 {statistics.median(ordered):.2f}  p95 {p95:.2f}  longest {ordered[-1]:.2f}")
        print(
            f"throughput {len(ordered) / options.seconds:.1f} answers a second; {threads} threads at the end"
        )
    quarter = max(1, len(tally.memory) // 4)
    parts = [tally.memory[at : at + quarter] for at in range(0, len(tally.memory), quarter)]
    print("memory MB ", "  ".join(f"{statistics.mean(mb for _, mb in part):.0f}" for part in parts))
    wrong = {
        status: count for status, count in tally.statuses.items() if status not in ("200", "429", "left")
    }
    if wrong:
        sys.exit(f"errors: {wrong}")


if __name__ == "__main__":
    main()
