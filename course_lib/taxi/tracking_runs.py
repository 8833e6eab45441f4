"""One attempt, with all that somebody needs to judge it, find it again, and repeat it.

with tracking.run("linear", params={"alpha": 1.0}, trips=january, valid=february) as run:
    model = models.build("linear").fit(january, january["duration"])
    run.log_metrics(evaluation.score(february["duration"], model.predict(february)))
    run.log_model(model, example=february)

MLflow's own calls (mlflow.log_metric, …) go to the same run. A block that fails leaves a run marked FAILED.
"""

from __future__ import annotations

import contextlib
import json
import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.taxi import tracking_store
from course_lib.taxi.tracking_errors import BadRecord, translated
from course_lib.taxi.tracking_lineage import Lineage, lineage
from course_lib.taxi.tracking_models import log_model, quietly

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINEAGE_FILE, PACKAGES_FILE = "lineage.json", "packages.txt"


@dataclass
class TrackedRun:
    """A run that is going on; what :func:`run` gives to its block. ``parent`` is the id of the run around it."""

    id: str
    name: str
    parent: str | None
    record: Lineage = field(repr=False)

    def log_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Record settings. One that has a value keeps it: another one is a BadRecord."""
        import mlflow

        added = {**(params or {}), **more}
        if not added:
            return
        with translated():
            mlflow.log_params(added, run_id=self.id)
        self.record = replace(self.record, params={**self.record.params, **added})

    def log_metrics(
        self, metrics: Mapping[str, float] | None = None, /, *, step: int | None = None, **more: float
    ) -> None:
        """Record measurements, at ``step`` of a curve. NaN and infinity are left out and named in a tag."""
        import mlflow

        values = {name: _number(name, value) for name, value in {**(metrics or {}), **more}.items()}
        known = {name: value for name, value in values.items() if math.isfinite(value)}
        with translated():
            if known:
                mlflow.log_metrics(known, step=step, run_id=self.id)
            if undefined := sorted(values.keys() - known.keys()):
                self.set_tags({f"undefined.{name}": str(values[name]) for name in undefined})

    def set_tags(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Record words about the run; a later value replaces an earlier one."""
        import mlflow

        for name, value in {**(tags or {}), **more}.items():
            with translated():
                mlflow.MlflowClient().set_tag(self.id, name, str(value))

    def log_text(self, name: str, text: str) -> None:
        """Keep ``text`` as the file ``name`` of the run."""
        import mlflow

        with translated():
            mlflow.log_text(text, name, run_id=self.id)

    def log_table(self, name: str, table: pd.DataFrame) -> None:
        """Keep ``table``, with its index, as the CSV file ``name``."""
        self.log_text(name, table.to_csv(lineterminator="\n"))

    def log_figure(self, name: str, figure: Figure) -> None:
        """Keep a picture as the file ``name`` (.png, .svg, .html)."""
        import mlflow

        with translated():
            mlflow.MlflowClient().log_figure(self.id, figure, name)

    def log_model(self, model: Any, example: pd.DataFrame | None = None, name: str = "model") -> str:
        """Keep a fitted model; see :func:`log_model`. The run must be the innermost one."""
        import mlflow

        active = mlflow.active_run()
        if active is None or active.info.run_id != self.id:
            raise BadRecord(f"The run '{self.name}' is not the one that is going on: log its model inside its block.")
        return log_model(model, example, name)


@contextlib.contextmanager
def run(
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    trips: pd.DataFrame | None = None,
    valid: pd.DataFrame | None = None,
    experiment: str | None = None,
    record: Lineage | None = None,
) -> Iterator[TrackedRun]:
    """Begin a run, end it with the block: FINISHED, or FAILED with the error's text when the block raises.

    Records ``params``, ``tags``, the hashes of the training ``trips`` and of ``valid``, the code's revision and the
    environment, as tags, as MLflow datasets, and as the files ``lineage.json`` and ``packages.txt``. ``record`` gives a
    lineage that is known already, so that a search needn't hash its data for each setting. Inside another run's block
    it becomes that run's child. ``experiment``: another one than setup's. Raises TrackingError.
    """
    tracking_store.connect()
    import mlflow

    above = mlflow.active_run()
    parent = above.info.run_id if above else None
    known = record if record is not None else lineage(trips, valid)
    known = replace(known, params={**known.params, **(params or {})})
    with translated():
        where = tracking_store.experiment_id(experiment) if experiment else None
        everything = {**known.tags(), **{key: str(value) for key, value in (tags or {}).items()}}
        active = mlflow.start_run(
            run_name=name, experiment_id=where, parent_run_id=parent, nested=parent is not None, tags=everything
        )
    tracked = TrackedRun(active.info.run_id, name, parent, replace(known, params={}))
    try:
        tracked.log_params(known.params)
        if record is None:
            _keep_lineage(tracked, {"train": trips, "valid": valid})
        yield tracked
        if record is not None or tracked.record.params != known.params:
            tracked.log_text(LINEAGE_FILE, tracked.record.to_json())
    except BaseException as error:
        _end_failed(tracked, error)
        raise
    with translated():
        mlflow.end_run()


def _keep_lineage(tracked: TrackedRun, frames: Mapping[str, pd.DataFrame | None]) -> None:
    """The record as files, and the data as datasets that MLflow's page lists."""
    import mlflow

    record = replace(tracked.record)
    tracked.log_text(LINEAGE_FILE, record.to_json())
    packages = "".join(f"{name}=={version}\n" for name, version in sorted(record.packages.items()))
    tracked.log_text(PACKAGES_FILE, packages)
    inputs = [_dataset(role, frame, record.data[role]) for role, frame in frames.items() if frame is not None]
    if inputs:
        with translated():
            mlflow.MlflowClient().log_inputs(tracked.id, inputs)


def _dataset(role: str, frame: pd.DataFrame, facts: Mapping[str, Any]) -> Any:
    """A table as MLflow's page lists it. MLflow's own way there looks at every value (a second for a month), and takes
    its digest from 10,000 rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.models import infer_signature

    with quietly():
        columns = infer_signature(frame.head(100)).inputs.to_dict() if len(frame) else []
    dataset = Dataset(
        name=facts["name"],
        digest=facts["hash"][:32],  # it takes no more than 36
        source_type="code",
        source=json.dumps({"tags": {"mlflow.source.name": "course_lib.taxi.trips"}}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": len(frame), "num_elements": int(frame.size)}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", role)])


def _end_failed(tracked: TrackedRun, error: BaseException) -> None:
    """Mark the run; a database that refuses even that must not hide what went wrong."""
    import mlflow

    try:
        tracked.set_tags(error=f"{type(error).__name__}: {error}"[:500])
        with translated():
            mlflow.end_run("FAILED" if isinstance(error, Exception) else "KILLED")
    except Exception as second:
        error.add_note(f"(The run {tracked.id} could not be marked as failed: {second})")


def _number(name: str, value: Any) -> float:
    value = value.item() if getattr(value, "size", 0) == 1 and hasattr(value, "item") else value  # NumPy's, tensors
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise BadRecord(f"The metric '{name}' must be a number, not {value!r}.")
    return float(value)
