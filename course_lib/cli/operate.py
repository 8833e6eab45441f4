"""Steps of the main job that operate the model: it is deployed, and asked as riders ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.paths import build_dir

if TYPE_CHECKING:
    from course_lib.cli.everything import Step

RIDE = {"pickup": 7, "dropoff": 138, "time": "2021-02-03T08:30:00-05:00"}  # Astoria to LaGuardia Airport
_QUESTIONS = 100


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
