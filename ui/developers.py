"""The developers' page at ``/api``: examples to copy, made for the address that the page was opened at, and what every
error means. The ``type`` of each problem leads here.

A page of its own without Gradio, so that it opens at once, and without any other host. What a request says about its
address goes into code that people run, so only what is a host's name is believed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assistant.settings import AuthSettings
from ui.completions import MODEL
from ui.problems import KINDS

QUESTION = "2022年平安人寿赔付了多少件？"
KEY = "YOUR_API_KEY"
"""Stands in the examples where a key has to be put."""

_TEMPLATES = Path(__file__).parent / "templates"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_ROOT = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/")
_BODY = json.dumps({"question": QUESTION}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of code that can be run as it stands; ``id`` is its anchor, ``note`` says what it needs."""

    id: str
    title: str
    note: str
    code: str


def developers_router(auth: AuthSettings) -> APIRouter:
    """The route of the page."""
    router = APIRouter(include_in_schema=False)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("developers.html.j2")

    @router.get("/api", response_class=HTMLResponse)
    def page(request: Request) -> HTMLResponse:
        address = _address(request)
        html = template.render(
            address=address,
            key=KEY if auth.api_keys else "",
            sso=bool(auth.sso_header),
            examples=examples(address, with_key=auth.api_keys),
            kinds=KINDS,
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return router


def _address(request: Request) -> str:
    """The address that the page was opened at, without a slash at its end; the socket's own where the request names none
    that is sound."""
    url = request.base_url
    root = url.path if _ROOT.fullmatch(url.path) else "/"
    if _HOST.fullmatch(url.netloc):
        return f"{url.scheme}://{url.netloc}{root}".rstrip("/")
    host, port = request.scope.get("server") or ("127.0.0.1", 80)
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}:{port}{root}".rstrip("/")


def examples(address: str, *, with_key: bool) -> list[Example]:
    """The examples for a server at ``address``, which holds nothing that has to be quoted."""
    shell = f" \\\n  -H 'Authorization: Bearer {KEY}'" if with_key else ""
    python = f'\n        "Authorization": "Bearer {KEY}",' if with_key else ""
    javascript = f'\n    "Authorization": "Bearer {KEY}",' if with_key else ""
    return [
        Example(
            "curl",
            "curl",
            "命令行，打印回答的 JSON。",
            f"curl -sS {address}/api/ask \\\n  -H 'Content-Type: application/json'{shell} \\\n  -d '{_BODY}'",
        ),
        Example(
            "python",
            "Python",
            "只用标准库。",
            f"""\
import json
import urllib.request

request = urllib.request.Request(
    "{address}/api/ask",
    data=json.dumps({_BODY}).encode(),
    headers={{
        "Content-Type": "application/json",{python}
    }},
)
with urllib.request.urlopen(request, timeout=90) as response:
    answer = json.load(response)

print(answer["text"])
for citation in answer["citations"]:
    print(f"[{{citation['number']}}]", citation["title"], citation["quote"])
""",
        ),
        Example(
            "javascript",
            "JavaScript",
            "浏览器里须在本站或 embed.allowed_origins 所列的网页中运行；Node.js 18 以上存为 .mjs 文件直接运行。",
            f"""\
const response = await fetch("{address}/api/ask", {{
  method: "POST",
  headers: {{
    "Content-Type": "application/json",{javascript}
  }},
  body: JSON.stringify({_BODY}),
}});
const answer = await response.json();
if (!response.ok) throw new Error(answer.detail);

console.log(answer.text);
for (const citation of answer.citations) {{
  console.log(`[${{citation.number}}]`, citation.title, citation.quote);
}}
""",
        ),
        Example(
            "openai",
            "openai",
            f"需要先 pip install openai。模型名是 {MODEL}；出处在 citations 里。",
            f"""\
from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key="{KEY if with_key else "none"}")
completion = client.chat.completions.create(
    model="{MODEL}",
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
)

print(completion.choices[0].message.content)
for citation in completion.citations:
    print(f"[{{citation['number']}}]", citation["title"], citation["quote"])
""",
        ),
    ]
