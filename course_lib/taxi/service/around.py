"""What happens around every request, whatever answers it: its id, its time, its count, and the headers for safety.

As a layer of WSGI it costs microseconds, and no route, error or file can slip past it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from course_lib.taxi.service.ids import new_id
from course_lib.taxi.service.metrics import Metrics

#: A whole answer: status, headers, body.
Answer = tuple[int, list[tuple[str, str]], bytes]
REQUEST_ID, ROUTE = "taxi.request_id", "taxi.route"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: Headers of every answer. Everything the page needs comes from here, and nothing may be sent elsewhere.
SAFETY = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]


def request_id(asked: str) -> str:
    """The id that a caller gave, if it is one that can't do harm in a log; else a new one."""
    return asked if asked and _REQUEST_ID.fullmatch(asked) else new_id()


class Around:
    """A WSGI application around another. It puts the request's id into ``environ`` and reads the route from there."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], metrics: Metrics) -> None:
        self.inner, self.metrics = inner, metrics

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        started = time.perf_counter()
        own = environ[REQUEST_ID] = request_id(environ.get("HTTP_X_REQUEST_ID", ""))

        def begin(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            self.metrics.answered(
                environ.get(ROUTE, "none"), environ["REQUEST_METHOD"], status[:3], time.perf_counter() - started
            )
            return start_response(status, [*headers, ("X-Request-ID", own), *SAFETY], *exc_info)

        return self.inner(environ, begin)
