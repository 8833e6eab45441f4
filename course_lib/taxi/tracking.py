"""MLflow for the taxi team: one SQLite file, one folder of artifacts, nothing sent anywhere, nothing left around.

    tracking.setup()                                     # the project's build/mlflow; or a folder of your own
    with tracking.run("linear", params={"alpha": 1.0}, trips=january, valid=february) as run:
        ...
        run.log_metrics(rmse=7.6)
        run.log_model(model, example=february)
    version = tracking.register_run(run.id, alias="challenger")
    print(tracking.promote(trips=march))                 # promoted, or all reasons why not
    tracking.load().predict(trips)                       # the champion

This is the door; behind it are the store (setup), runs, tables of runs, the search, lineage, repetition, the registry
and the gate, each in a module ``tracking_…`` of its own.
"""

from __future__ import annotations

from course_lib.taxi.tracking_data import data_hash
from course_lib.taxi.tracking_decision import Decision
from course_lib.taxi.tracking_errors import (
    BadRecord,
    ModelFilesMissing,
    NoChampion,
    NoDatabase,
    NoSuchAlias,
    NoSuchRun,
    NoSuchVersion,
    NotRegistered,
    SearchFailed,
    TrackingError,
    TrackingLocked,
    TrackingOutdated,
    TrackingReadOnly,
    TrackingTooNew,
)
from course_lib.taxi.tracking_gate import promote
from course_lib.taxi.tracking_lineage import CodeRevision, Lineage, code_revision, lineage
from course_lib.taxi.tracking_lookup import CHALLENGER, CHAMPION, aliases, names, version, versions
from course_lib.taxi.tracking_models import log_model
from course_lib.taxi.tracking_registry import delete_version, load, register, register_run, remove_alias, set_alias
from course_lib.taxi.tracking_repeat import Repeat, lineage_of, repeat
from course_lib.taxi.tracking_runs import TrackedRun, run
from course_lib.taxi.tracking_scoring import latency_ms, time_folds
from course_lib.taxi.tracking_search import Search, search
from course_lib.taxi.tracking_store import MODEL_NAME, setup, upgrade
from course_lib.taxi.tracking_tables import best, differences, history, runs

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MODEL_NAME",
    "BadRecord",
    "CodeRevision",
    "Decision",
    "Lineage",
    "ModelFilesMissing",
    "NoChampion",
    "NoDatabase",
    "NoSuchAlias",
    "NoSuchRun",
    "NoSuchVersion",
    "NotRegistered",
    "Repeat",
    "Search",
    "SearchFailed",
    "TrackedRun",
    "TrackingError",
    "TrackingLocked",
    "TrackingOutdated",
    "TrackingReadOnly",
    "TrackingTooNew",
    "aliases",
    "best",
    "code_revision",
    "data_hash",
    "delete_version",
    "differences",
    "history",
    "latency_ms",
    "lineage",
    "lineage_of",
    "load",
    "log_model",
    "names",
    "promote",
    "register",
    "register_run",
    "remove_alias",
    "repeat",
    "run",
    "runs",
    "search",
    "set_alias",
    "setup",
    "time_folds",
    "upgrade",
    "version",
    "versions",
]
