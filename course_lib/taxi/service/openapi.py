"""The API's description (OpenAPI 3.1), made from the very models that check requests and shape answers."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from course_lib.taxi.service import contract

_MODELS = [
    (contract.Ride, "validation"),
    (contract.Prediction, "serialization"),
    (contract.Predictions, "serialization"),
    (contract.DayAnswer, "serialization"),
    (contract.Places, "serialization"),
    (contract.Health, "serialization"),
    (contract.Problem, "serialization"),
]


def describe() -> dict[str, Any]:
    """The whole description, ready to be JSON."""
    _, schemas = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    zone = {"type": "integer", "minimum": 1, "maximum": 263}
    rides = {"type": "array", "items": _ref("Ride"), "minItems": 1, "maxItems": contract.MAX_RIDES}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "How long will the taxi ride take?",
            "version": "1",
            "description": "Two zones and a time in, minutes out. Answers with an error are application/problem+json.",
        },
        "paths": {
            "/predict": {
                "post": {
                    "summary": "Minutes for one ride, or for a list of rides",
                    "operationId": "predict",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"oneOf": [_ref("Ride"), rides]}}},
                    },
                    "responses": {
                        "200": _json({"oneOf": [_ref("Prediction"), _ref("Predictions")]}, "minutes, in words too"),
                        **_problems(400, 408, 413, 415, 422, 429, 503),
                    },
                }
            },
            "/day": {
                "get": {
                    "summary": "The same ride at every full hour of a day",
                    "operationId": "day",
                    "parameters": [
                        _query("pickup", zone),
                        _query("dropoff", zone),
                        _query("date", {"type": "string", "format": "date"}),
                    ],
                    "responses": {"200": _json(_ref("DayAnswer"), "24 times minutes"), **_problems(422, 429, 503)},
                }
            },
            "/zones": {
                "get": {
                    "summary": "Zones whose name holds every word of q; all without q",
                    "operationId": "zones",
                    "parameters": [_query("q", {"type": "string"}, required=False)],
                    "responses": {"200": _json(_ref("Places"), "zones, perhaps none"), **_problems(429, 503)},
                }
            },
            "/health/live": {
                "get": {
                    "summary": "The process answers",
                    "operationId": "live",
                    "responses": {
                        "200": _json({"type": "object", "properties": {"live": {"const": True}}}, "it does"),
                        **_problems(429, 503),
                    },
                }
            },
            "/health/ready": {
                "get": {
                    "summary": "A model is loaded, and which",
                    "operationId": "ready",
                    "responses": {
                        "200": _json(_ref("Health"), "ready"),
                        "503": _json(_ref("Health"), "not ready, and why"),
                        **_problems(429),
                    },
                }
            },
            "/metrics": {
                "get": {
                    "summary": "Numbers for Prometheus",
                    "operationId": "metrics",
                    "responses": {
                        "200": {"description": "text", "content": {"text/plain": {"schema": {"type": "string"}}}},
                        **_problems(429, 503),
                    },
                }
            },
        },
        "components": {"schemas": schemas["$defs"]},
    }


def _ref(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problems(*statuses: int) -> dict[str, Any]:
    words = {
        400: "no JSON",
        408: "the body did not come in time",
        413: "more than fits",
        415: "not sent as application/json",
        422: "JSON, but no possible ride",
        429: "too many requests from one address",
        503: "no model to answer with, or no answer in time",
    }
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    when = {"description": "in how many seconds to ask again", "schema": {"type": "integer", "minimum": 1}}
    return {
        str(status): {"description": words[status], "content": content}
        | ({"headers": {"Retry-After": when}} if status == 429 else {})
        for status in statuses
    }


def _query(name: str, schema: dict[str, Any], required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}
