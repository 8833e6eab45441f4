"""The Flask application: routes, request ids, and the way of one request through model, store and metrics."""

from __future__ import annotations

from flask import Flask, Response, current_app, jsonify, render_template, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from course_lib.taxi import zones
from course_lib.taxi.service import contract, openapi, predicting, problems
from course_lib.taxi.service.answering import minutes_over_the_day
from course_lib.taxi.service.around import ROUTE, Around
from course_lib.taxi.service.gateway import TOO_SLOW
from course_lib.taxi.service.live import LiveModels
from course_lib.taxi.service.metrics import CONTENT_TYPE
from course_lib.taxi.service.patience import TookTooLong
from course_lib.taxi.service.predicting import Parts
from course_lib.taxi.service.spool import Spool


def create_app(models: LiveModels, spool: Spool) -> Flask:
    """A service that answers with ``models`` (already started) and keeps its predictions in ``spool``."""
    app = Flask(__name__, template_folder="page", static_folder="page/static")
    app.config["MAX_CONTENT_LENGTH"] = contract.MAX_BYTES
    app.json.sort_keys = False
    app.extensions["taxi"] = parts = Parts(models, spool)
    app.wsgi_app = Around(app.wsgi_app, parts.metrics)
    app.before_request(_begin)
    app.register_error_handler(problems.Refused, problems.response)
    app.register_error_handler(ValidationError, lambda error: problems.response(problems.from_validation(error)))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(TookTooLong, _too_long)
    app.register_error_handler(Exception, _unexpected)
    app.add_url_rule("/", view_func=page)
    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    app.add_url_rule("/day", view_func=day)
    app.add_url_rule("/zones", view_func=find_zones)
    app.add_url_rule("/health/live", view_func=live)
    app.add_url_rule("/health/ready", view_func=ready)
    app.add_url_rule("/metrics", view_func=metrics)
    app.add_url_rule("/openapi.json", view_func=description)
    return app


def _parts() -> Parts:
    return current_app.extensions["taxi"]


def page() -> str:
    """The rider's page."""
    return render_template("index.html")


def predict() -> Response:
    """Minutes for one ride or a list of rides; every prediction is kept."""
    if request.mimetype != "application/json":
        raise problems.refuse(415, "Not JSON", "not_json", "send the ride as application/json")
    if not (body := request.get_data()).strip():
        raise problems.refuse(400, "Nothing was sent", "no_body", "the request has no body: send a ride as JSON")
    rides, as_list = contract.parse_rides(body)
    answer = predicting.predict(_parts(), rides, as_list, problems.request_id())
    return Response(answer, mimetype="application/json")


def day() -> Response:
    """Minutes of one ride at each hour of a day; asked for a picture, so not kept."""
    asked = contract.Day.model_validate(request.args.to_dict())
    state = _parts().models.state
    if state.champion is None:
        raise predicting.no_model(state)
    minutes = minutes_over_the_day(state.champion, asked)
    return jsonify({"minutes": [round(m, 2) for m in minutes], "model": predicting.which(state.champion)})


def find_zones() -> Response:
    """Zones by name."""
    asked = request.args.get("q", "")
    try:
        found = zones.find(asked) if asked.strip() else zones.table()
    except zones.UnknownZone:
        found = zones.table().loc[zones.suggest(asked)]
    found = found.drop(index=[z for z in zones.UNKNOWN_ZONES if z in found.index])
    columns = found.reset_index()[["zone_id", "name", "borough", "lon", "lat"]].rename(columns={"zone_id": "id"})
    return jsonify({"zones": columns.to_dict(orient="records")})


def live() -> Response:
    """This process answers."""
    return jsonify({"live": True})


def ready() -> tuple[Response, int]:
    """Whether rides can be answered, by which model, and every problem there is."""
    parts = _parts()
    state = parts.models.state
    health = contract.Health(
        ready=state.champion is not None,
        champion=state.champion.version if state.champion else None,
        challenger=state.challenger.version if state.challenger else None,
        rollout=str(state.rollout),
        answers_by=state.champion.answers_by if state.champion else "",
        problems=[*state.problems, *([parts.spool.problem] if parts.spool.problem else [])],
    )
    return jsonify(health.model_dump()), 200 if health.ready else 503


def metrics() -> Response:
    """Numbers for Prometheus."""
    parts = _parts()
    return Response(parts.metrics.text(parts.models.state, parts.spool), content_type=CONTENT_TYPE)


def description() -> Response:
    """The API's description."""
    return jsonify(openapi.describe())


def _begin() -> None:
    """Note the route for the count of requests (what has no route, has none there either); refuse half a request."""
    asked = request._get_current_object()  # one look-up instead of three
    if TOO_SLOW in asked.environ:
        raise problems.refuse(408, "Too slow", "too_slow", "the request's body did not come in time")
    if asked.url_rule is not None:
        asked.environ[ROUTE] = asked.url_rule.rule


def _http_error(error: HTTPException) -> Response:
    answer = problems.response(problems.from_http(error))
    if "Allow" in (headers := dict(error.get_headers())):
        answer.headers["Allow"] = headers["Allow"]
    return answer


def _too_long(error: TookTooLong) -> Response:
    return problems.response(problems.refuse(503, "It took too long", "took_too_long", str(error)))


def _unexpected(error: Exception) -> Response:
    """A mistake of ours: logged whole, told without details."""
    current_app.logger.exception("request %s failed", problems.request_id(), exc_info=error)
    return problems.response(
        problems.refuse(500, "Our mistake", "internal", "something went wrong here; it was logged with the request id")
    )
