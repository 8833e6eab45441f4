"""What the service counts, for Prometheus: requests, their time, predictions by model, and the way to the store.

With several worker processes the numbers are added up over all of them, through files in the folder that
``PROMETHEUS_MULTIPROC_DIR`` names (``course serve`` sets it before anything is imported).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from course_lib.taxi.service.live import State
    from course_lib.taxi.service.spool import Spool

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_MINUTES = (2, 5, 7.5, 10, 15, 20, 30, 45, 60)


class Metrics:
    """One application's numbers."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = {"registry": self._registry}
        self.requests = Counter("taxi_requests", "Requests answered", ["route", "method", "status"], **own)
        self.seconds = Histogram("taxi_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, **own)
        self.predictions = Counter("taxi_predictions", "Rides answered", ["version", "role"], **own)
        self.minutes = Histogram("taxi_predicted_minutes", "Minutes answered", buckets=_MINUTES, **own)
        self.challenger_failures = Counter("taxi_challenger_failures", "Rides the challenger failed to answer", **own)
        self.limited = Counter("taxi_requests_limited", "Requests turned away: too many from one address", **own)
        self.overdue = Counter("taxi_requests_overdue", "Requests that took too long", **own)
        newest = own | {"multiprocess_mode": "mostrecent"}
        self.champion = Gauge("taxi_champion_version", "Version that answers (0: none)", **newest)
        self.compiled = Gauge("taxi_champion_compiled", "1: its compiled form answers single rides, 0: not", **newest)
        self.problems = Gauge("taxi_problems", "Problems that /health/ready names", **newest)
        self.registry_up = Gauge("taxi_registry_up", "1: the model registry can be read, 0: not", **newest)
        self.store_up = Gauge("taxi_store_up", "1: the prediction store takes predictions, 0: not", **newest)
        self.waiting = Gauge("taxi_predictions_waiting", "Predictions on disk, not yet in the store", **newest)
        lost = "Predictions that the disk did not take, or that were more than may wait"
        self.lost = Gauge("taxi_predictions_lost", lost, **own, multiprocess_mode="sum")
        self.stored = Gauge("taxi_predictions_stored", "Predictions brought to the store", **newest)

        self._answered: dict[tuple[str, str, str], Any] = {}  # looking labels up anew costs as much as counting
        self._predicted: dict[tuple[int, str], Any] = {}

    def answered(self, route: str, method: str, status: str, seconds: float) -> None:
        """Count a request."""
        method = method if method in _METHODS else "other"  # callers may send any word: not one more series for each
        key = (route, method, status)
        if key not in self._answered:
            self._answered[key] = self.requests.labels(*key), self.seconds.labels(route)
        requests, time = self._answered[key]
        requests.inc()
        time.observe(seconds)

    def predicted(self, version: int, role: str, minutes: float) -> None:
        """Count an answer; ``role`` is champion, challenger or shadow, whose minutes nobody was told."""
        if (version, role) not in self._predicted:
            self._predicted[version, role] = self.predictions.labels(version, role)
        self._predicted[version, role].inc()
        if role != "shadow":
            self.minutes.observe(minutes)

    def text(self, state: State, spool: Spool) -> bytes:
        """All numbers as Prometheus reads them."""
        self.champion.set(state.champion.version if state.champion else 0)
        self.compiled.set(bool(state.champion and state.champion.compiled))
        self.problems.set(len(state.problems) + bool(spool.problem))
        self.registry_up.set(state.registry_up)
        self.store_up.set(spool.store_up)
        self.waiting.set(spool.waiting())
        self.lost.set(spool.lost)
        self.stored.set(spool.stored)
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)
