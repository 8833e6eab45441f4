"""The loop closed: an alert stands, the newest month goes through the pipeline, and the gate decides.

done = retrain("2022-01")
print(done)                     # promoted or not, why, and what it is worth on rides neither model has seen
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi import backfill
from course_lib.taxi.evaluation import score
from course_lib.taxi.pipeline_types import Settings


@dataclass(frozen=True)
class Retrained:
    """What retraining came to.

    ``month`` is the newest that was trained on, ``version`` the model it gave, ``champion`` the one it had to beat
    (None: there was none). ``before`` and ``after`` are evaluation.score of both on the last days of that month, which
    the new model didn't learn from; ``gain`` is by how many minutes the RMSE is smaller (below 0: larger). The old
    champion is None, ``before`` empty and the gain None where there was nothing to beat.
    """

    month: str
    version: int
    champion: int | None
    promoted: bool
    reason: str
    before: dict[str, float]
    after: dict[str, float]
    gain: float | None
    rides: int
    run: backfill.BackfillResult = field(repr=False)

    def __str__(self) -> str:
        what = "is now the champion" if self.promoted else "is not promoted"
        text = f"Version {self.version}, trained on {self.month}, {what}: {self.reason}."
        if self.gain is None:
            return text
        return (
            f"{text} On {self.rides:,} later rides its RMSE is {self.after['rmse']:.2f} min, "
            f"version {self.champion}'s {self.before['rmse']:.2f} min: {self.gain:+.2f} min gained."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: value for name, value in vars(self).items() if name != "run"}


def retrain(
    months: str | Sequence[str],
    settings: Settings | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
) -> Retrained:
    """Run the pipeline for ``months`` (as backfill.run does) and report what the newest of them is worth.

    Each month's model goes through the promotion gate, in order. Raises CourseError, naming the step, when a month
    fails, and what backfill.run raises.
    """
    from course_lib.taxi import tracking as registry

    about = settings or Settings()
    home = _home(about, folder, tracking)
    registry.setup(home)
    champion = _champion(about.model_name)
    done = backfill.run(months, about, folder=folder, tracking=tracking)
    if done.failed:
        told = "; ".join(f"{month} failed at {why}" for month, why in done.failed.items())
        raise CourseError(f"Nothing was decided for the months that failed: {told}")
    last = done.months[-1]
    registered, tables = last.outputs["register"], last.outputs["features"]
    registry.setup(home)
    rides = pd.read_parquet(tables.evaluation.path)
    after = _score(registered.version, about.model_name, rides)
    before = {} if champion is None else _score(champion, about.model_name, rides)
    return Retrained(
        month=last.month,
        version=registered.version,
        champion=champion,
        promoted=registered.promoted,
        reason=registered.reason.rstrip("."),
        before=before,
        after=after,
        gain=before["rmse"] - after["rmse"] if before else None,
        rides=len(rides),
        run=done,
    )


def _home(settings: Settings, folder: Any, tracking: Any) -> Any:
    from course_lib.taxi.pipeline_run import context

    return context(settings, folder, tracking).tracking


def _champion(name: str) -> int | None:
    from course_lib.taxi import tracking as registry

    try:
        return registry.version(name)
    except (registry.NotRegistered, registry.NoSuchAlias):
        return None


def _score(version: int, name: str, rides: pd.DataFrame) -> dict[str, float]:
    from course_lib.taxi import tracking as registry

    return score(rides["duration"], registry.load(name, version=version).predict(rides))
