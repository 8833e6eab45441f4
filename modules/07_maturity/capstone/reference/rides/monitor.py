"""The champion on later trips: its error against the error it was promoted with. Exit 1 when an alert stands."""

import json
import sys
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.taxi import tracking
from course_lib.taxi.monitoring import alerts, drift, performance
from rides import data
from rides.model import predict
from rides.records import NAME, TRACKING

REPORT = Path("state/monitoring.json")
RAISE_AT, CLEAR_AT = 1.35, 1.2  # times the RMSE that the champion was promoted with


def watch(trips, folder: Path = TRACKING) -> dict:
    """The report on a file of trips that have ended."""
    tracking.setup(folder)
    model = tracking.load(NAME, "champion")
    version = tracking.version(NAME, "champion")
    promised = float(tracking.versions(NAME).loc[version, "metrics.rmse"])
    rides = data.clean(data.check(trips))
    seen = performance.measure(rides.assign(minutes=predict(model, rides)))
    rule = alerts.Rule("rmse", raise_at=RAISE_AT * promised, clear_at=CLEAR_AT * promised, windows=1, unit=" min")
    pickup = rides["lpep_pickup_datetime"]
    story = alerts.follow(rule, [alerts.Observation(pickup.min(), pickup.max(), seen["rmse"], seen["n"])])
    return {
        "model": {"name": NAME, "version": version, "rmse_at_promotion": promised},
        "seen": seen,
        "drift": drift.table(_reference(), rides).reset_index().to_dict("records"),
        "rule": {"raise_at": rule.raise_at, "clear_at": rule.clear_at},
        "alert": str(story.standing) if story.standing else None,
    }


def _reference():
    import pandas as pd

    return pd.read_parquet("state/train.parquet")


if __name__ == "__main__":
    try:
        report = watch(data.read(sys.argv[1]))
    except CourseError as error:
        sys.exit(f"Not watched: {error}")
    REPORT.write_text(json.dumps(report, indent=1, default=str), encoding="utf-8")
    print(report["alert"] or f"quiet: RMSE {report['seen']['rmse']:.2f} minutes")
    sys.exit(1 if report["alert"] else 0)
