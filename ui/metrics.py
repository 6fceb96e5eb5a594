"""What Prometheus reads at ``/metrics``: requests, answers by status and stage, the line, and the index version."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from assistant.schema import Answer

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "xiaobao_requests",
            "Requests by area, method and status.",
            ("area", "method", "status"),
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "xiaobao_request_seconds",
            "Time until a request had ended.",
            ("area",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._answers = Counter(
            "xiaobao_answers",
            "Answers by door, status and engine.",
            ("door", "status", "engine"),
            registry=self._registry,
        )
        self._stages = Histogram(
            "xiaobao_answer_stage_seconds",
            "Time an answer spent in each stage.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Adds a gauge that is read from ``value`` each time the metrics are asked for."""
        Gauge(name, description, registry=self._registry).set_function(value)

    def watch_index(self, version: Callable[[], str | None]) -> None:
        """Adds ``xiaobao_index_info``; ``version`` gives the index version, None while there is none."""
        self._registry.register(_IndexInfo(version))

    def request(self, area: str, method: str, status: int, seconds: float) -> None:
        """Counts a request."""
        known = method if method in ("GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT") else "other"
        self._requests.labels(area, known, str(status)).inc()
        self._request_seconds.labels(area).observe(seconds)

    def answer(self, door: str, answer: Answer) -> None:
        """Counts an answer and the time of its stages."""
        self._answers.labels(door, answer.status, answer.engine).inc()
        for stage, milliseconds in answer.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _IndexInfo(Collector):
    def __init__(self, version: Callable[[], str | None]) -> None:
        self._version = version

    def collect(self) -> Iterable[Metric]:
        version = self._version()
        if version is not None:
            yield InfoMetricFamily("xiaobao_index", "The index that is answered from.", {"version": version})
