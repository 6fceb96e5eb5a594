"""A scripted assistant with the surface of the real one, and a real server around it."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import uvicorn

from assistant.errors import QuestionError
from assistant.schema import (
    Answer,
    Citation,
    Claim,
    Draft,
    Event,
    Finished,
    Retrieved,
    Role,
    Searching,
    Status,
)
from assistant.settings import Settings
from index.errors import IndexDamagedError
from index.schema import Article, Chunk, Passage
from ui.database import Database
from ui.feedback import Feedback
from ui.records import Records
from ui.server import create_app, server_config

CLAIMS = Article(
    id="a1",
    title="中国平安在金融消费者权益保护工作中的实践与探索",
    publisher="中国金融新闻网",
    published=date(2023, 9, 27),
    url="https://example.cn/a1?x=1&y=2",
    text="三、优化服务\n2022年，平安人寿赔付410万件，同比增长5%，理赔金额达402亿元。平安产险家用车赔付超1,000万件。\n",
)
CAMPAIGN = Article(
    id="a2",
    title="全面开展2023年“金融消费者权益保护教育宣传月”活动",
    publisher="",
    published=None,
    url="javascript:alert(1)",
    text="活动覆盖“全”\n集团明确宣传重点，统筹部署13家相关成员公司。\n",
)
HOSTILE = Article(
    id="a3",
    title='<script>window.hacked=1</script><img src=x onerror="window.hacked=2">',
    publisher='"><b onmouseover=alert(1)>某社',
    published=None,
    url='https://evil.example/"onclick="window.hacked=3',
    text=(
        '</div></mark><script>window.hacked=4</script><img src="https://evil.example/p.png">'
        '<form action="https://evil.example/"><input name=q></form>![图](https://evil.example/q.png) '
        "[点我](javascript:alert(1))\u202e反\u200b转 $$x$$ `code` **粗**\n\n# 标题\n\n<iframe src=https://evil.example></iframe>"
    ),
)


def passage(article: Article, headings: tuple[str, ...] = (), score: float = 1.0) -> Passage:
    """The whole of ``article`` as one passage."""
    chunk = Chunk(f"{article.id}-0", article.id, article.text, 0, len(article.text), headings)
    return Passage(chunk, article, score)


def citation(number: int, article: Article, quote: str, headings: tuple[str, ...] = ()) -> Citation:
    """A citation of ``quote`` where ``article`` holds it."""
    start = article.text.index(quote)
    return Citation(
        number,
        f"{article.id}-0",
        article.id,
        article.title,
        article.publisher,
        article.published,
        article.url,
        headings,
        quote,
        start,
        start + len(quote),
    )


def answer(
    question: str,
    text: str,
    citations: Sequence[Citation] = (),
    passages: Sequence[Passage] = (),
    status: Status = "grounded",
    **changes: object,
) -> Answer:
    """An answer with everything a test does not care about filled in."""
    values: dict[str, object] = {
        "id": "answer-1",
        "question": question,
        "looked_up": question,
        "kind": "figure",
        "status": status,
        "text": text,
        "claims": (Claim(text, tuple(c.number for c in citations), "verbatim"),) if citations else (),
        "citations": tuple(citations),
        "passages": tuple(passages),
        "suggestions": (),
        "engine": "reader",
        "index_version": "v-test",
        "timings_ms": {"total": 38.4},
    }
    return Answer(**(values | changes))


@dataclass
class ScriptedAssistant:
    """Answers a few known questions; ``asked`` records every ``(question, history)``."""

    articles: tuple[Article, ...] = (CLAIMS, CAMPAIGN)
    index_version: str = "v-test"
    models: dict[str, str] = field(default_factory=lambda: {"embedding": "e5", "reader": "spans"})
    indexed: datetime = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    examples: tuple[str, ...] = ("2022年平安人寿赔付了多少件？", "统筹部署了多少家成员公司？", "你能做什么？")
    asked: list[tuple[str, tuple[tuple[Role, str], ...]]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def probe(self) -> None:
        if not self.articles:
            raise IndexDamagedError("索引里查不到任何资料。")

    def passage(self, id: str) -> Passage | None:
        return next((one for one in map(passage, self.articles) if one.chunk.id == id), None)

    def ask(self, question: str, history: Sequence[tuple[Role, str]] = ()) -> Answer:
        return [event.answer for event in self.stream(question, history) if isinstance(event, Finished)][-1]

    def stream(self, question: str, history: Sequence[tuple[Role, str]] = ()) -> Iterator[Event]:
        with self._lock:
            self.asked.append((question, tuple(history)))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            yield from self._events(question)
        finally:
            with self._lock:
                self.running -= 1
            self.closed.set()

    def _events(self, question: str) -> Iterator[Event]:
        if not question.strip():
            raise QuestionError("问题是空的，请输入要问的内容。")
        if len(question) > 2000:
            raise QuestionError(f"问题太长（{len(question)} 字），最多 2000 字。")
        if "一开始就坏" in question:
            raise RuntimeError("secret detail")
        yield Searching(question)
        if "慢" in question:
            time.sleep(0.15)
        if "草稿" in question:
            yield Draft("尚未核对：<b>赔付</b>9件")
        if "等" in question:
            self.gate.wait(10)
        result = replace(self._answer(question), id=uuid.uuid4().hex)
        yield Retrieved(result.passages)
        if "中途坏" in question:
            raise RuntimeError("secret detail")
        yield Finished(result)

    def _answer(self, question: str) -> Answer:
        headings = ("三、优化服务",)
        claims, campaign = passage(CLAIMS, headings), passage(CAMPAIGN, ("活动覆盖“全”",), 0.4)
        if "赔付" in question:
            quote = "2022年，平安人寿赔付410万件"
            return answer(
                question, f"{quote}[1]。", [citation(1, CLAIMS, quote, headings)], [claims, campaign]
            )
        if "成员公司" in question:
            quote = "统筹部署13家相关成员公司"
            return answer(question, f"{quote}[1]。", [citation(1, CAMPAIGN, quote)], [campaign])
        if "你能" in question or "你好" in question:
            return answer(
                question,
                "你好，我只依据资料回答。",
                status="smalltalk",
                kind="smalltalk",
                suggestions=self.examples,
            )
        if "敌意" in question:
            quote = HOSTILE.text[:60]
            return answer(question, f"{HOSTILE.text}[1]", [citation(1, HOSTILE, quote)], [passage(HOSTILE)])
        return answer(
            question,
            "资料中没有找到这个问题的答案。",
            (),
            [claims, campaign],
            "not_found",
            suggestions=("2022年平安人寿赔付了多少件？", "统筹部署了多少家成员公司？"),
        )


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture
def settings() -> Settings:
    return Settings(server={"port": 0, "workers": 2, "max_body_bytes": 1_000_000})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where records are to be kept; not there yet, nor is its folder."""
    return tmp_path / "records" / "records.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    with closing(Database(file)) as database:
        yield database


@pytest.fixture
def records(database: Database) -> Records:
    return Records(database)


@pytest.fixture
def feedback(database: Database) -> Feedback:
    return Feedback(database)


@contextmanager
def running(
    settings: Settings,
    build: Callable[[Settings], object],
    records: Path | None = None,
    port: int = 0,
    grace: float = 1.0,
    *,
    demo: bool = False,
) -> Iterator[str]:
    """The real server on a loopback port, any free one where none is given; gives its address.

    What it keeps is in ``records``, or else gone with it; at its end answers have ``grace`` seconds to come to theirs.
    ``demo`` as in ``create_app``.
    """
    with ExitStack() as folders:
        folder = records or Path(folders.enter_context(TemporaryDirectory()))
        kept = settings.server.model_copy(update={"records": folder, "grace_seconds": grace})
        with _serving(settings.model_copy(update={"server": kept}), build, port, demo) as address:
            yield address


@contextmanager
def _serving(settings: Settings, build: Callable[[Settings], object], port: int, demo: bool) -> Iterator[str]:
    server = uvicorn.Server(server_config(create_app(settings, build, demo=demo), settings))
    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
