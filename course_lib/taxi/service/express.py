"""The short way of a single ride: checked, answered and kept without a web framework in between.

Finding a route, wrapping the request and building a response object costs Flask several times what the answer itself
takes. So what nearly every request is, one ride in good order for models with a compiled form, is answered here, by
the same functions and with the same bytes. Whatever else comes gets no answer here, and goes the ordinary way.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from pydantic import ValidationError

from course_lib.taxi.service import contract
from course_lib.taxi.service.around import SAFETY, Answer, request_id
from course_lib.taxi.service.predicting import Parts, predict

PATH = "/predict"
_log = logging.getLogger(__name__)


class Express:
    """Answers a request (granian's scope, and its body) or returns None: ask the application."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def __call__(self, scope: Any, body: bytes) -> Answer | None:
        """Status, headers and body for a single ride."""
        started = time.perf_counter()
        if scope.path != PATH or scope.method != "POST" or not self.parts.models.state.quick:
            return None
        headers = scope.headers
        if headers.get("content-type") != "application/json" or body[:1] != b"{":
            return None
        own = request_id(headers.get("x-request-id") or "")
        try:
            answer = predict(self.parts, [contract.ONE_RIDE.validate_json(body)], False, own)
        except ValidationError:
            return None  # the application says what is wrong with it
        except Exception:
            _log.exception("request %s: the ordinary way is tried", own)
            return None
        self.parts.metrics.answered(PATH, "POST", "200", time.perf_counter() - started)
        kind, length = ("Content-Type", "application/json"), ("Content-Length", str(len(answer)))
        return 200, [kind, length, ("X-Request-ID", own), *SAFETY], answer
