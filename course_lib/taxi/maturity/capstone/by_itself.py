"""Step 4: it runs itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.taxi.maturity.capstone.questions import Question, Wrong
from course_lib.taxi.maturity.capstone.settings import command
from course_lib.taxi.maturity.capstone.trial import Trial
from course_lib.taxi.maturity.records import Records

_RESULTS = (".parquet", ".csv", ".pkl", ".joblib", ".npy", ".npz", ".feather", ".onnx", ".skops")


def idempotent(trial: Trial) -> str:
    """A second run finds nothing to do."""
    before, files = _counts(trial.records()), _results(trial)
    ran = trial.pipeline("once more")
    if not ran.ok:
        raise Wrong(f"the second run failed: {ran.how()}")
    after = _counts(trial.records())
    if before != after:
        raise Wrong(f"a second run on the same data made {_difference(before, after)}")
    again = sorted(name for name, time in _results(trial).items() if files.get(name) != time)
    if again:
        raise Wrong(f"a second run on the same data wrote {again[0]} again")
    return f"the second run took {ran.seconds:.0f} seconds, made no run and no version, and left all files alone"


def _counts(store: Records) -> dict[str, int]:
    return {"run": len(store.runs), "version": len(store.versions)}


def _difference(before: dict[str, int], after: dict[str, int]) -> str:
    return " and ".join(f"{after[key] - before[key]} new {key}" for key in before if after[key] != before[key])


def _results(trial: Trial) -> dict[str, int]:
    """When each data or model file that a run wrote was last written."""
    state = trial.place.root / trial.settings.state
    found = (path for path in state.rglob("*") if path.suffix in _RESULTS and path.is_file())
    return {path.relative_to(state).as_posix(): path.stat().st_mtime_ns for path in found}


def contract(trial: Trial) -> str:
    """Trips from zones that there are not stop the pipeline, and it says so."""
    champion = trial.champion_version().number
    data = trial.place.root / trial.settings.data
    whole = data.read_bytes()
    try:
        broken = pd.read_csv(data)
        broken.loc[broken.index % 2 == 0, "PULocationID"] = 999
        broken.to_csv(data, index=False)
        ran = trial.pipeline("half of its trips from zone 999")
    finally:
        data.write_bytes(whole)
    now = trial.champion_version().number
    if ran.code is None:
        raise Wrong(ran.how())
    if ran.ok:
        raise Wrong("half of the trips began in zone 999, and the pipeline ended as if nothing was wrong")
    if now != champion:
        raise Wrong(f"it failed, but the champion became version {now} on trips from zone 999")
    if "PULocationID" not in ran.output:
        raise Wrong(f"it failed without saying that PULocationID is wrong: {ran.how()}")
    return f"half of the trips from zone 999: {ran.how()}"


def service(trial: Trial) -> str:
    """Two rides get sensible minutes; what is no ride is told so."""
    near, far, nowhere, soon = trial.part("service")["answers"]
    minutes = [_minutes(one) for one in (near, far)]
    if not 1 <= minutes[0] < minutes[1] < 180:
        raise Wrong(f"the ride next door takes {minutes[0]:.1f} minutes, the one to the airport {minutes[1]:.1f}")
    for what, one in {"an unknown zone": nowhere, "a time that is none": soon}.items():
        if not 400 <= one["status"] < 500:
            raise Wrong(f"{what} got the status {one['status']}; one of 400 to 499 was expected")
    return (
        f"{minutes[0]:.0f} minutes next door, {minutes[1]:.0f} to the airport; {nowhere['status']} for an unknown zone"
    )


def _minutes(answer: dict[str, Any]) -> float:
    content = answer["json"]
    value = content.get("minutes") if isinstance(content, dict) else None
    if answer["status"] != 200 or not isinstance(value, int | float) or not math.isfinite(value):
        raise Wrong(
            f"a ride got the status {answer['status']} and {str(content)[:100]}; 200 and “minutes” were expected"
        )
    return float(value)


def monitoring(trial: Trial) -> str:
    """Quiet on the month after; an alert when rides take twice as long."""
    trial.settings.need("monitor", "report")
    _ = trial.champion_version()
    quiet = _watch(trial, trial.later, "the month after", "quiet.csv")
    slow = trial.later.copy()
    taken = slow["lpep_dropoff_datetime"] - slow["lpep_pickup_datetime"]
    slow["lpep_dropoff_datetime"] = slow["lpep_pickup_datetime"] + (2.2 * taken).clip(upper=pd.Timedelta(minutes=58))
    loud = _watch(trial, slow, "the same rides taking twice as long", "slow.csv")
    report = trial.place.root / trial.settings.report
    if quiet.code != 0:
        raise Wrong(f"on the month after, where all is well, {quiet.how()}")
    if loud.code != 1:
        raise Wrong(f"rides that take twice as long should end it with code 1; {loud.how()}")
    if not report.is_file() or report.stat().st_size < 200:
        raise Wrong(f"there is no report {trial.settings.report}")
    return f"quiet on the month after; exit 1 when rides take twice as long; report {Path(trial.settings.report).name}"


def _watch(trial: Trial, trips: pd.DataFrame, what: str, name: str) -> Any:
    file = trial.place.home / name
    trips.to_csv(file, index=False)
    trial.tell(f"your monitoring: {what}")
    return trial.place.run(command(trial.settings.monitor, str(file)), limit=trial.limit)


QUESTIONS = (
    Question(
        "service",
        "the app answers POST /predict with minutes, and a body that is no ride with a status of 400 to 499",
        "build it like module 05: create_app() loads the champion; parse_rides checks what comes in",
        service,
    ),
    Question(
        "monitoring",
        "the command ends with 0 on the month after, with 1 when rides take twice as long, and writes a report",
        "join predictions with what the rides took; an alerts.Rule on the error decides about the exit code",
        monitoring,
    ),
    Question(
        "idempotent pipeline",
        "a second run on the same data makes no run and no version, and writes no file again",
        "keep a manifest for each step: hashes of its inputs, its code and its outputs; skip it while they hold",
        idempotent,
    ),
    Question(
        "data contract",
        "half of the trips from zone 999: the pipeline fails and names PULocationID; the champion stays",
        "quarantine.split(trips) (or contract.check) where trips come in, and let its error end the run",
        contract,
    ),
)
