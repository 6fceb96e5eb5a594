"""Traces of answers for OpenTelemetry: a span for the answer, one inside it for each stage, sent by OTLP over gRPC.

Only where an endpoint is set; nothing of the question or the answer's text is in a span.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from assistant.schema import Answer

_STAGES = ("understand", "retrieve", "read", "generate", "verify")
_NANOSECONDS = 1_000_000


class Tracing:
    """Sends spans to a collector, in the background."""

    def __init__(self, endpoint: str) -> None:
        """``endpoint`` is the collector's, as ``http://127.0.0.1:4317`` (plain) or ``https://…`` (TLS)."""
        self._provider = TracerProvider(resource=Resource.create({"service.name": "xiaobao"}))
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("xiaobao")

    def answer(self, door: str, request_id: str, answer: Answer, headers: Mapping[str, str]) -> None:
        """Sends the spans of an answer that has just been made, below the span that ``headers`` name
        (W3C Trace Context)."""
        end = time.time_ns()
        at = end - int(answer.timings_ms.get("total", 0.0) * _NANOSECONDS)
        parent = TraceContextTextMapPropagator().extract(headers)
        span = self._tracer.start_span(
            "answer",
            context=parent,
            start_time=at,
            attributes={
                "xiaobao.door": door,
                "xiaobao.request_id": request_id,
                "xiaobao.answer_id": answer.id,
                "xiaobao.status": answer.status,
                "xiaobao.engine": answer.engine,
                "xiaobao.index_version": answer.index_version,
            },
        )
        inside = set_span_in_context(span)
        for stage in _STAGES:
            if stage in answer.timings_ms:
                took = int(answer.timings_ms[stage] * _NANOSECONDS)
                self._tracer.start_span(stage, context=inside, start_time=at).end(end_time=at + took)
                at += took
        span.end(end_time=end)

    def close(self) -> None:
        """Sends what has not been sent yet."""
        self._provider.shutdown()
