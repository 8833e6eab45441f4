"""What a caller is told when there is no answer: always JSON, with a reason that names the field; never a traceback."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from course_lib.taxi.service.around import REQUEST_ID
from course_lib.taxi.service.contract import FieldProblem, Problem

_SHOWN = 20  # of the problems in one long list
_REASONS = {  # pydantic's names, where the field's own say more
    "int_type": "not_an_integer",
    "int_from_float": "not_an_integer",
    "int_parsing": "not_an_integer",
    "finite_number": "not_an_integer",
    "int_parsing_size": "not_an_integer",
    "timezone_aware": "time_without_offset",
    "datetime_type": "not_a_time",
    "datetime_parsing": "not_a_time",
    "datetime_from_date_parsing": "not_a_time",
    "date_parsing": "not_a_date",
    "date_from_datetime_parsing": "not_a_date",
    "date_from_datetime_inexact": "not_a_date",
    "extra_forbidden": "unknown_field",
    "string_pattern_mismatch": "not_a_rider_id",
    "model_type": "not_an_object",
    "model_attributes_type": "not_an_object",
    "json_invalid": "broken_json",
    "too_long": "too_many_rides",
    "too_short": "no_rides",
}


class Refused(Exception):
    """A request that gets no answer: ``status`` 4xx or 503, with its reasons."""

    def __init__(self, status: int, title: str, detail: str, errors: list[FieldProblem] | None = None):
        super().__init__(detail)
        self.status, self.title, self.detail, self.errors = status, title, detail, errors or []


def refuse(status: int, title: str, reason: str, detail: str) -> Refused:
    """A refusal with one reason that concerns the request as a whole."""
    return Refused(status, title, detail, [FieldProblem(field="", reason=reason, message=detail)])


def from_validation(error: ValidationError) -> Refused:
    """What pydantic found, field by field: 400 for what is no JSON, 422 for what is no ride."""
    # values are left out: they may be long, private, or no valid text
    found = error.errors(include_url=False, include_input=False)
    problems = [_field_problem(one) for one in found[:_SHOWN]]
    if problems[0].reason == "broken_json":
        return Refused(400, "This is no JSON", problems[0].message, problems)
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    where = f"{problems[0].field}: " if problems[0].field else ""
    return Refused(422, "This can't be answered", f"{where}{problems[0].message}{more}", problems)


def _field_problem(error: dict[str, Any]) -> FieldProblem:
    context = error.get("ctx") or {}
    path = [*error["loc"], *([context["field"]] if "field" in context else [])]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    kind = error["type"]
    message = error["msg"]
    if kind == "timezone_aware":
        message = "a time needs its offset from UTC, as in 2021-02-03T08:30:00-05:00"
    elif kind == "too_long":
        message = f"at most {context['max_length']:,} rides fit into one request"
    elif kind == "too_short":
        message = "the list holds no rides"
    return FieldProblem(field=_printable(field), reason=_REASONS.get(kind, kind), message=_printable(message))


def _printable(text: str) -> str:
    """Names of fields come from the caller: lone surrogates can't be sent back, nor should a megabyte be."""
    return text.encode("utf-8", "replace").decode("utf-8")[:200]


def request_id() -> str:
    """The id of the request that is being answered."""
    return request.environ[REQUEST_ID]


def response(refused: Refused) -> Response:
    """The refusal as application/problem+json."""
    problem = Problem(
        title=refused.title,
        status=refused.status,
        detail=refused.detail,
        errors=refused.errors,
        request_id=request_id(),
    )
    answer = jsonify(problem.model_dump())
    answer.status_code, answer.mimetype = refused.status, "application/problem+json"
    return answer


def from_http(error: HTTPException) -> Refused:
    """Werkzeug's own errors (no such page, wrong method, too large) in the same form."""
    status = error.code or 500
    reasons = {404: "no_such_page", 405: "wrong_method", 413: "too_large", 415: "not_json"}
    return refuse(status, error.name, reasons.get(status, "bad_request"), str(error.description))
