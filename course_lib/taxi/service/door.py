"""Who is turned away before or instead of an answer: callers who ask too often, and requests that take too long.

Both are told as every refusal is: application/problem+json, the same headers, a request id, and a count.
"""

from __future__ import annotations

from typing import Any

from course_lib.taxi.service.around import SAFETY, Answer, request_id
from course_lib.taxi.service.contract import FieldProblem, Problem
from course_lib.taxi.service.limiting import Limiter
from course_lib.taxi.service.metrics import Metrics

_NO_ROUTE = "none"  # as requests without a route are counted
# Whoever watches the service must not find it ill because riders behind the same address ask too often.
_WATCHED, _WATCHING = ("/health/", "/metrics"), " watching"


class Door:
    """Refusals that need no application; ``limiter`` None: everybody may ask as often as they like."""

    def __init__(self, metrics: Metrics | None = None, limiter: Limiter | None = None) -> None:
        self.metrics, self.limiter = metrics or Metrics(), limiter

    def too_often(self, scope: Any) -> Answer | None:
        """None: come in. Looks at a request as granian hands it over, before its body is read."""
        if self.limiter is None:
            return None
        purpose = _WATCHING if scope.path.startswith(_WATCHED) else ""
        if not (wait := self.limiter.seconds_to_wait(scope.client, purpose)):
            return None
        self.metrics.limited.inc()
        detail = f"{self.limiter.allowed} from one address is the most: ask again in {wait} s"
        return self._refusal(scope, 429, "Too many requests", "too_many_requests", detail, wait)

    def too_long(self, scope: Any, seconds: float) -> Answer:
        """For a request that was not answered within ``seconds``."""
        self.metrics.overdue.inc()
        detail = f"there was no answer within {seconds:g} s: ask for fewer rides at once, or later"
        return self._refusal(scope, 503, "It took too long", "took_too_long", detail, 10)

    def _refusal(self, scope: Any, status: int, title: str, reason: str, detail: str, wait: int) -> Answer:
        self.metrics.answered(_NO_ROUTE, scope.method, str(status), 0.0)
        own = request_id(scope.headers.get("x-request-id") or "")
        errors = [FieldProblem(field="", reason=reason, message=detail)]
        problem = Problem(title=title, status=status, detail=detail, errors=errors, request_id=own)
        body = problem.model_dump_json().encode()
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(wait)),
            ("X-Request-ID", own),
            *SAFETY,
        ]
        return status, headers, body
