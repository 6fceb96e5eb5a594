"""What the API's description shows of every success: one answer, and the article and passage that it rests on."""

from __future__ import annotations

import json
from typing import Any

_QUESTION = "2022年平安人寿赔付了多少件？"
_TEXT = "2022年，平安人寿赔付410万件[1]"
_QUOTE = "其中,平安人寿赔付410万件、平安产险赔付1.9亿件"
_SOURCE: dict[str, Any] = {
    "title": "中国平安在金融消费者权益保护工作中的实践与探索",
    "publisher": "中国金融新闻网",
    "published": "2023-09-27",
    "url": "https://example.com/article",
}
_PASSAGE: dict[str, Any] = {
    "id": "e0a474fb1eb0eaea",
    "article_id": "000_95d66e2d0ceeb092",
    **_SOURCE,
    "text": f"旗下4家保险公司赔付总件数超2亿件;{_QUOTE}。",
    "start": 1110,
    "end": 1155,
    "headings": ["三、践行责任"],
}
_CITATIONS: list[dict[str, Any]] = [
    {
        "number": 1,
        "passage_id": _PASSAGE["id"],
        "article_id": _PASSAGE["article_id"],
        **_SOURCE,
        "headings": ["三、践行责任"],
        "quote": _QUOTE,
        "start": 1128,
        "end": 1154,
    }
]
_ID = "edfd4e79eec9459ba6dfa13bd43e7db7"
_ANSWER: dict[str, Any] = {
    "id": _ID,
    "question": _QUESTION,
    "looked_up": _QUESTION,
    "kind": "figure",
    "status": "grounded",
    "text": _TEXT,
    "claims": [
        {"text": "2022年，平安人寿赔付410万件", "citation_numbers": [1], "support": "verbatim"},
    ],
    "citations": _CITATIONS,
    "passages": [{**_PASSAGE, "score": 4.36, "used": True}],
    "suggestions": [],
    "engine": "reader",
    "index_version": "20260101-093000-90bf9a8b",
    "timings_ms": {"understand": 2.1, "retrieve": 9.5, "read": 31.8, "verify": 1.2, "total": 44.6},
    "confidence": 0.9999,
}
_ARTICLE: dict[str, Any] = {"id": _PASSAGE["article_id"], **_SOURCE, "characters": 5120}
_MODEL = {"id": "xiaobao", "object": "model", "created": 1767225000, "owned_by": "xiaobao"}

SUCCESSES: dict[tuple[str, str], Any] = {
    ("post", "/api/ask"): _ANSWER,
    ("get", "/api/articles"): [_ARTICLE],
    ("get", "/api/articles/{id}"): {**_ARTICLE, "characters": 11, "text": "（这里是资料的全文。）"},
    ("get", "/api/passages/{id}"): _PASSAGE,
    ("get", "/api/version"): {
        "package": "0.1.0",
        "index_version": _ANSWER["index_version"],
        "indexed": "2026-01-01T01:30:00Z",
        "models": {"embedding": "e5-small-zh", "reader": "span-reader-zh"},
        "thresholds": {"answer": 0.45},
    },
    ("get", "/healthz"): {"status": "ok"},
    ("get", "/readyz"): {"status": "ready", "index_version": _ANSWER["index_version"]},
    ("post", "/v1/chat/completions"): {
        "id": f"chatcmpl-{_ID}",
        "object": "chat.completion",
        "created": 1767225600,
        "model": "xiaobao",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 15, "total_tokens": 27},
        "citations": _CITATIONS,
        "status": "grounded",
        "confidence": 0.9999,
    },
    ("get", "/v1/models"): {"object": "list", "data": [_MODEL]},
    ("get", "/v1/models/{id}"): _MODEL,
}
"""What each operation gives where all goes well, by method and address; those that give nothing are not in it."""

STREAMS: dict[str, list[dict[str, str]]] = {
    "/api/ask": [
        {"event": "searching", "data": f'{{"looked_up": "{_QUESTION}"}}'},
        {"event": "retrieved", "data": json.dumps({"passages": [_PASSAGE]}, ensure_ascii=False)},
        {"event": "finished", "data": json.dumps(_ANSWER, ensure_ascii=False)},
    ],
    "/v1/chat/completions": [
        {
            "data": json.dumps(
                {
                    "id": f"chatcmpl-{_ID}",
                    "object": "chat.completion.chunk",
                    "created": 1767225600,
                    "model": "xiaobao",
                    "choices": [
                        {"index": 0, "delta": {"content": _TEXT}, "logprobs": None, "finish_reason": None}
                    ],
                },
                ensure_ascii=False,
            )
        },
        {"data": "[DONE]"},
    ],
}
"""The events of a streamed answer, by address."""
