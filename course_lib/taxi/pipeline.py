"""From a month's file to a model in the registry, in six steps that can each be run again.

pipeline.run_month("2021-01")                           # all six; what is done already is left alone
raw = pipeline.ingest("2021-01", settings, out)         # one step, a plain function
pipeline.graph(["2021-01", "2021-02"])                  # both months as a graph of tasks
pipeline.draw(["2021-01", "2021-02"])                   # as a picture
pipeline.run_notebook("2021-01", output="january.ipynb")  # the same steps as a notebook

ingest → validate → features → train → evaluate → register. :mod:`course_lib.taxi.backfill` runs many months.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.taxi import pipeline_manifest
from course_lib.taxi.pipeline_code import code_hash
from course_lib.taxi.pipeline_graph import edges, graph
from course_lib.taxi.pipeline_manifest import Manifest
from course_lib.taxi.pipeline_model import load_model
from course_lib.taxi.pipeline_run import last_failure, run_month
from course_lib.taxi.pipeline_steps import evaluate, features, ingest, train, validate
from course_lib.taxi.pipeline_types import (
    STEPS,
    Evaluated,
    File,
    Ingested,
    MonthResult,
    Registered,
    Settings,
    StepFailed,
    Tables,
    Trained,
    Validated,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "STEPS",
    "Evaluated",
    "File",
    "Ingested",
    "Manifest",
    "MonthResult",
    "Registered",
    "Settings",
    "StepFailed",
    "Tables",
    "Trained",
    "Validated",
    "code_hash",
    "draw",
    "edges",
    "evaluate",
    "features",
    "graph",
    "ingest",
    "last_failure",
    "load_model",
    "manifest",
    "notebook",
    "register",
    "run_month",
    "run_notebook",
    "train",
    "validate",
    "write_notebook",
]


def manifest(folder: str | os.PathLike[str], month: str, step: str) -> Manifest | None:
    """What is written down about a step in the state folder; None when it isn't done, or can't be read."""
    return pipeline_manifest.read(Path(folder), month, step)


def register(
    evaluated: Evaluated,
    trained: Trained,
    tables: Tables,
    settings: Settings,
    *,
    tracking: str | os.PathLike[str] | None = None,
) -> Registered:
    """See :func:`course_lib.taxi.pipeline_register.register`, which is loaded when it is needed."""
    from course_lib.taxi.pipeline_register import register as step

    return step(evaluated, trained, tables, settings, tracking=tracking)


def draw(months: Any, statuses: Any = None) -> Figure:
    """See :func:`course_lib.taxi.plot_pipeline.draw`."""
    from course_lib.taxi.plot_pipeline import draw as picture

    return picture(months, statuses)


def run_notebook(month: str, output: str | os.PathLike[str], **arguments: Any) -> Any:
    """See :func:`course_lib.taxi.pipeline_notebook.run_notebook`."""
    from course_lib.taxi.pipeline_notebook import run_notebook as run

    return run(month, output, **arguments)


def notebook() -> Any:
    """See :func:`course_lib.taxi.pipeline_notebook.notebook`."""
    from course_lib.taxi.pipeline_notebook import notebook as make

    return make()


def write_notebook(path: str | os.PathLike[str]) -> Path:
    """See :func:`course_lib.taxi.pipeline_notebook.write_notebook`."""
    from course_lib.taxi.pipeline_notebook import write_notebook as write

    return write(path)
