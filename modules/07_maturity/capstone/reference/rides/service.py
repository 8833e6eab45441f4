"""The champion behind an address: POST /predict with one ride."""

from pathlib import Path

import pandas as pd
from flask import Flask, jsonify, request
from pydantic import ValidationError

from course_lib.taxi import tracking
from course_lib.taxi.service.contract import parse_rides
from rides.model import predict
from rides.records import NAME, TRACKING


def create_app(folder: Path = TRACKING) -> Flask:
    """The application; it loads the champion once."""
    tracking.setup(folder)
    model, version = tracking.load(NAME, "champion"), tracking.version(NAME, "champion")
    app = Flask("rides")

    @app.get("/health/ready")
    def ready():
        return jsonify(status="ready", version=version)

    @app.post("/predict")
    def answer():
        try:
            rides, _ = parse_rides(request.get_data())
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False, include_context=False)
            reasons = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in problems]
            return jsonify(title="This is no ride that could be answered", errors=reasons), 422
        table = pd.DataFrame(
            {
                "PULocationID": [ride.pickup for ride in rides],
                "DOLocationID": [ride.dropoff for ride in rides],
                "lpep_pickup_datetime": pd.to_datetime([ride.local_time for ride in rides]),
            }
        )
        return jsonify(minutes=float(predict(model, table)[0]), model={"name": NAME, "version": version})

    return app
