"""Applications that the service is measured against, under the same server with the same settings."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response

from course_lib.taxi.service.gateway import Gateway


def empty() -> Gateway:
    """The ceiling: Flask with a route that does nothing."""
    app = Flask(__name__)
    app.add_url_rule("/predict", view_func=lambda: Response(b"{}", mimetype="application/json"), methods=["POST"])
    app.add_url_rule("/health/ready", endpoint="ready", view_func=lambda: "ready")
    gateway = Gateway(app, max_bytes=10_000)
    # in the event loop, as the service answers: a thread of its own would make the ceiling lower
    gateway.express = lambda scope, body: gateway.by_application(scope, body, len(body))
    return gateway


def pipeline() -> Gateway:
    """The service as it is, but for the compiled form: every ride goes through the model's pipeline."""
    from course_lib.taxi.service import served, server
    from course_lib.taxi.service.compiled import NotCompilable

    def none(_model: Any) -> Any:
        raise NotCompilable("measured without")

    served.compile_model = none
    return server.gateway()


def forgetful() -> Gateway:
    """The service as it is, but it stores nothing."""
    from course_lib.taxi.service import server
    from course_lib.taxi.service.spool import Spool

    Spool.add = lambda _self, _rows: True
    return server.gateway()
