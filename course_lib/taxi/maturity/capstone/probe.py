"""What is run inside a student's folder: it calls their functions and writes down what came back.

    python -m course_lib.taxi.maturity.capstone.probe functions settings.json answer.json

It imports the student's code, so it runs in a process of its own, which the checks start and stop.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from course_lib.taxi.features import BOOKING_COLUMNS

TIMES = ["lpep_pickup_datetime", "lpep_dropoff_datetime"]
#: Columns that a rider's app knows or that say how long the ride took; all others are known after the ride only.
_HONEST = {*BOOKING_COLUMNS, "lpep_dropoff_datetime", "duration"}


def functions(asked: dict[str, Any]) -> dict[str, Any]:
    """Split the trips, train once on them (and once on trips with fares in disorder), predict the later rides."""
    trips, later = _read(asked["data"]), pd.read_parquet(asked["later"])
    found: dict[str, Any] = {}
    predict = _function(asked["predict"])
    found["predict_file"] = str(Path(inspect.getsourcefile(inspect.unwrap(predict)) or "").resolve())
    found["predict_name"] = inspect.unwrap(predict).__name__
    found["split"] = _split(_function(asked["split"]), trips)
    train = _function(asked["train"])
    found["minutes"] = _minutes(predict, train(trips.copy()), later)
    if asked.get("disorder"):
        found["minutes_in_disorder"] = _minutes(predict, train(_fares_in_disorder(trips)), later)
    return found


def _split(split: Any, trips: pd.DataFrame) -> dict[str, Any]:
    train, valid = split(trips.copy())
    pickups = [part["lpep_pickup_datetime"] for part in (train, valid)]
    return {
        "train": len(train),
        "valid": len(valid),
        "last_train": str(pickups[0].max()),
        "first_valid": str(pickups[1].min()),
        "later": bool(len(train) and len(valid) and pickups[0].max() < pickups[1].min()),
        "trips": len(trips),
    }


def champion(asked: dict[str, Any]) -> dict[str, Any]:
    """Load the champion from the registry, let it predict the later rides, and ask the service for one."""
    from course_lib.taxi import tracking

    tracking.setup(asked["tracking"])
    model = tracking.load(asked["model"], "champion")
    found: dict[str, Any] = {"version": tracking.version(asked["model"], "champion")}
    found["minutes"] = _minutes(_function(asked["predict"]), model, pd.read_parquet(asked["later"]))
    return found


def service(asked: dict[str, Any]) -> dict[str, Any]:
    """Start the service on a free port and ask it: two rides, and two things that are no rides."""
    import requests

    from course_lib.taxi.service.running import running

    with running(_function(asked["service"]), start_within=60) as served:
        answers = []
        for body in asked["bodies"]:
            reply = requests.post(f"{served.url}/predict", json=body, timeout=20)
            try:
                content = reply.json()
            except ValueError:
                content = None
            answers.append({"status": reply.status_code, "json": content})
    return {"answers": answers}


def _read(path: str) -> pd.DataFrame:
    return pd.read_csv(path, parse_dates=TIMES)


def _fares_in_disorder(trips: pd.DataFrame) -> pd.DataFrame:
    """The same trips, and in all columns that are known only after a ride the values of other rides."""
    chance = np.random.default_rng(0)
    mixed = trips.copy()
    for name in trips.columns.difference(_HONEST):
        mixed[name] = trips[name].to_numpy()[chance.permutation(len(trips))]
    return mixed


def _minutes(predict: Any, model: Any, rides: pd.DataFrame) -> list[float]:
    """Predictions for the booking columns alone, one for each ride, as plain numbers."""
    given = np.asarray(predict(model, rides[BOOKING_COLUMNS].copy()), dtype=float).reshape(-1)
    if len(given) != len(rides):
        raise ValueError(f"predict gave {len(given)} answers to {len(rides)} rides")
    return [float(one) for one in given]


def _function(name: str) -> Any:
    module, _, attribute = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


def main(action: str, asked: str, answer: str) -> None:
    """Do what is asked, one thing after the other, and write the answer; an error is an answer, too."""
    sys.path.insert(0, str(Path.cwd()))
    wanted = json.loads(Path(asked).read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for name in action.split("+"):
        try:
            found[name] = {"functions": functions, "champion": champion, "service": service}[name](wanted)
        except BaseException as error:  # sys.exit in a student's module must not look like success
            traceback.print_exc()
            found[name] = {"error": f"{type(error).__name__}: {error}"[:600]}
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
