"""Step 3: every model is on record."""

from __future__ import annotations

import math

import numpy as np

from course_lib.taxi.maturity import managed
from course_lib.taxi.maturity.capstone.questions import Question, Wrong
from course_lib.taxi.maturity.capstone.trial import Failed, Trial, rmse
from course_lib.taxi.maturity.records import Run, Version
from course_lib.taxi.maturity.scan import Project

_BETTER = 0.85  # of the standard deviation: what an honest model of these rides reaches with ease
_FAR = 1.35  # times that the error on later rides may be the logged one, either way


def champion_run(trial: Trial) -> tuple[Version, Run]:
    """The champion after the first run of the pipeline, and the run that made it. Raises Failed, Wrong."""
    store = trial.records_in(trial.after_first.root / trial.settings.tracking)
    version = trial.champion_version(store)
    run = next((one for one in store.runs if one.id == version.run_id), None)
    if run is None:
        raise Wrong(f"version {version.number} doesn't say which run made it")
    return version, run


def tracked(trial: Trial) -> str:
    """A finished run with parameters, metrics and a hash of its data."""
    store = trial.records_in(trial.after_first.root / trial.settings.tracking)
    if not store.runs:
        raise Wrong("after the pipeline there is not one run")
    good = [run for run in store.runs if run.complete and logged_rmse(run) is not None]
    if not good:
        run = store.runs[-1]
        parts = {"parameters": run.params, "a metric rmse": logged_rmse(run), "a hash of the data": run.data}
        lacking = [word for word, there in parts.items() if not there] or [f"an end: its status is {run.status}"]
        raise Wrong(f"the run lacks {', '.join(lacking)}")
    return f"{len(good)} finished run{'s' if len(good) > 1 else ''}, rmse {logged_rmse(good[-1]):.3f}"


def logged_rmse(run: Run) -> float | None:
    """The run's metric rmse, also under a longer name; None where it has none."""
    named = {key.lower(): value for key, value in run.metrics.items()}
    values = [named[key] for key in sorted(named, key=lambda key: (key != "rmse", key)) if "rmse" in key]
    return next((float(value) for value in values if value is not None and math.isfinite(value)), None)


def registered(trial: Trial) -> str:
    """The champion loads in a fresh process and predicts from what is known at booking."""
    found = trial.part("champion")
    minutes = np.array(found["minutes"])
    if not np.isfinite(minutes).all():
        raise Wrong(f"version {found['version']} gives values that are no numbers")
    mean = f"{minutes.mean():.1f} minutes on average"
    return f"version {found['version']} loads, and predicts {len(minutes):,} later rides: {mean}"


def sensible(trial: Trial) -> str:
    """Better than the mean on the month after, and as good as was logged."""
    minutes = np.array(trial.part("champion")["minutes"])
    _, run = champion_run(trial)
    actual = trial.rides["duration"].to_numpy()
    # the later trips were handed over whole: those of 1 to 60 minutes count
    seen = rmse(actual, minutes[trial.later.index.get_indexer(trial.rides.index)])
    if not seen < _BETTER * actual.std():
        raise Wrong(f"on the month after its RMSE is {seen:.2f} minutes, and the mean alone reaches {actual.std():.2f}")
    logged = logged_rmse(run)
    if logged is None:
        raise Wrong("its run logged no rmse to compare with")
    if not 1 / _FAR < seen / logged < _FAR:
        raise Wrong(
            f"its run logged an RMSE of {logged:.2f}; on the month after it is {seen:.2f}: what was it judged on?"
        )
    return f"RMSE {logged:.2f} minutes logged, {seen:.2f} on the month after (the mean: {actual.std():.2f})"


def lineage(trial: Trial) -> str:
    """From the champion's version to its run, and from there to the commit."""
    version, run = champion_run(trial)
    found = managed.repository_of(Project.open(trial.folder))
    if isinstance(found, str):
        raise Failed(f"which commit made it can't be said: {found}")
    commit = next((value for value in run.tags.values() if value and str(value) == found.commit), None)
    if commit is None:
        raise Wrong(f"no tag of the run is the commit {found.commit[:10]} that the folder is at")
    if not run.data:
        raise Wrong("no tag of the run is a hash of its data")
    return f"version {version.number} → run {run.id[:8]} → commit {found.commit[:7]}, data {run.data[0][:8]}"


QUESTIONS = (
    Question(
        "tracked run",
        "after the pipeline: a finished run with parameters, the metric rmse, and a hash of the data",
        "`with tracking.run(…, params=…, trips=train, valid=valid) as run:` and log the metrics in it",
        tracked,
    ),
    Question(
        "registered champion",
        "the alias champion points to a version that loads in a fresh process and predicts later rides",
        "tracking.register_run(run.id, …), then tracking.promote(…, first=True)",
        registered,
    ),
    Question(
        "sensible and honest",
        "on the month after: better than the mean, and about as good as its run says",
        "judge on the later part that split gives, by what is known at booking",
        sensible,
    ),
    Question(
        "lineage",
        "from the version to its run, from the run to the commit and the data",
        "commit before you run; tracking.run notes commit and data by itself",
        lineage,
    ),
)
