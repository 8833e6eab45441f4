"""Steps of the main job that operate the model: months go through the pipeline, it is deployed, asked, and watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from course_lib.cli.console import say
from course_lib.errors import CourseError
from course_lib.paths import build_dir

if TYPE_CHECKING:
    from course_lib.cli.everything import Step

RIDE = {"pickup": 7, "dropoff": 138, "time": "2021-02-03T08:30:00-05:00"}  # Astoria to LaGuardia Airport
_QUESTIONS = 100
_QUIET, _CHANGED = "2021-02:2021-03", "2022-01"


def pipeline(step: Step) -> None:
    """Run three small months through the pipeline, into a registry of their own: the real champion stays."""
    from course_lib.taxi import backfill
    from course_lib.taxi.pipeline import STEPS, Settings

    home = build_dir() / "pipeline_sample"
    small = Settings(source="simulated", rows=3000, model="linear")
    result = backfill.run(
        "2021-01:2021-03",
        small,
        folder=home,
        tracking=home / "mlflow",
        progress=lambda month, name, did: say(f"{month} {name}: {did}"),
    )
    step.figures = result.as_dict()
    if not result.ok:
        raise CourseError("\n".join(f"{month}: {why}" for month, why in result.failed.items()))
    ran = sum(did == "ran" for month in result.months for did in month.did.values())
    step.result = f"{len(result.months)} small months, {len(STEPS)} steps each: {ran} had to run, the others were done"


def serve(step: Step) -> None:
    """Start the service as it is deployed, ask it for rides, stop it."""
    import statistics

    import requests

    from course_lib.taxi.service.running import deployed

    with deployed(mlflow=build_dir() / "mlflow") as service, requests.Session() as rider:
        seconds = []
        for _ in range(_QUESTIONS):
            started = time.perf_counter()
            answer = rider.post(f"{service.url}/predict", json=RIDE, timeout=10)
            seconds.append(time.perf_counter() - started)
            if not answer.ok:
                raise CourseError(f"the service answered {answer.status_code}: {answer.json().get('detail', '')}")
        said = answer.json()
    milliseconds = statistics.median(seconds) * 1000
    step.figures = {"answer": said, "questions": _QUESTIONS, "median_ms": round(milliseconds, 2)}
    step.result = (
        f"Astoria to LaGuardia Airport: “{said['text']}”, from version {said['model']['version']}; "
        f"{_QUESTIONS} questions, answered in {milliseconds:.1f} ms each (median)"
    )


def watch(step: Step) -> None:
    """Watch two quiet months and the January after the city changed: one must stay quiet, the other raise an alert."""
    from course_lib.taxi.monitoring import page
    from course_lib.taxi.monitoring import watch as watching

    result = watching.monitor(f"{_QUIET},{_CHANGED}", model="linear", source="simulated", rows=5000, progress=say)
    written, _ = page.write(result, build_dir() / "monitoring_sample")
    step.figures, step.places = result.as_dict(), {"Dashboard of a small watch": written}
    early = [str(alert) for alert in result.alerts if f"{alert.since:%Y-%m}" != _CHANGED]
    if early or not result.standing:
        raise CourseError("\n".join(early) or f"No alert stands in {_CHANGED}, when the rides had become others.")
    names = " and ".join(sorted(alert.rule.name for alert in result.standing))
    step.result = f"{_QUIET.replace(':', ' to ')} quiet; in {_CHANGED} the alerts of {names} stand, as they should"


def card(step: Step) -> None:
    """Write the model card of the champion that was just trained: all that a card asks for is on record."""
    from course_lib.taxi import tracking
    from course_lib.taxi.governance import card as cards

    home = tracking.setup(build_dir() / "mlflow")
    made = cards.build(folder=home, progress=say)
    files = made.save(build_dir() / "card")
    step.figures, step.places = made.as_dict(), {"Model card": files["html"]}
    if not made.holds:
        raise CourseError("the audit log doesn't hold: " + made.sections["promotion"]["audit"]["text"])
    missing = f"all but {', '.join(made.missing)}" if made.missing else "all that a card asks for"
    step.result = f"{made.name} version {made.version}; on record: {missing}"
