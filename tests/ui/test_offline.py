"""The server without a network: it answers, and tries to reach nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from index.settings import IndexSettings

ROOT = Path(__file__).parents[2]
ISOLATED = ["unshare", "--map-root-user", "--net"]

# Run in a process of its own, in a network of its own that has nothing but loopback. The audit hook sees what Python
# tries; the kernel's counters see what native code tries as well: a packet for which there is no route.
SCRIPT = r"""
import fcntl, json, socket, struct, sys, time
from pathlib import Path

tried = []

def watch(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "127.0.0.1", "localhost", "::1"):
        tried.append(f"{event} {arguments[0]}")
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        if arguments[1][0] not in ("127.0.0.1", "::1"):
            tried.append(f"{event} {arguments[1][0]}")

sys.addaudithook(watch)

def unroutable():
    counts = 0
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")]
    counts += int(lines[1][lines[0].index("OutNoRoutes")])
    for line in Path("/proc/net/snmp6").read_text().splitlines() if Path("/proc/net/snmp6").exists() else ():
        if line.startswith("Ip6OutNoRoutes"):
            counts += int(line.split()[1])
    return counts

isolated, index = sys.argv[1] == "isolated", json.loads(sys.argv[2])
if isolated:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running

from assistant.settings import Settings
from tests.ui.conftest import running
from ui.parts import build_assistant
import httpx

before = unroutable()
with running(Settings(index=index), build_assistant) as address:
    client = httpx.Client(base_url=address, timeout=60)
    while client.get("/readyz").status_code != 200:
        time.sleep(0.1)
    page = client.get("/").status_code
    answer = client.post("/api/ask", json={"question": "2022年平安人寿赔付了多少件？"}).json()
    client.post("/page/ask", json={"question": "今天天气怎么样？"})
after, seen = unroutable(), list(tried)

# That what is looked for would be seen.
try:
    socket.create_connection(("192.0.2.1", 80), timeout=0.5)
except OSError:
    pass
print(json.dumps({
    "page": page, "text": answer["text"], "tried": seen, "packets": after - before,
    "control": [len(tried) > len(seen), unroutable() > after],
}))
"""


def test_the_server_answers_with_no_network_and_tries_to_reach_nobody(real_settings: IndexSettings) -> None:
    isolated = (
        bool(shutil.which("unshare")) and subprocess.run([*ISOLATED, "true"], check=False).returncode == 0
    )
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        "isolated" if isolated else "watched",
        real_settings.model_dump_json(),
    ]
    done = subprocess.run(
        [*ISOLATED, *command] if isolated else command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["page"] == 200 and "410万件" in found["text"]
    assert found["tried"] == []
    assert found["control"][0]
    if isolated:
        assert found["packets"] == 0 and found["control"][1]
