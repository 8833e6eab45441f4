"""What the pipeline's tests share: small settings, folders of months, what a state amounts to, children that die."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from course_lib.taxi import monthfile, pipeline, trips
from course_lib.taxi import pipeline_manifest as manifests

ROWS = 300
SMALL = {"source": "simulated", "rows": ROWS, "model": "mean"}

needs_fork = pytest.mark.skipif(
    sys.platform != "linux", reason="children that share what is loaded are safe on Linux only"
)


def settings(**changes: Any) -> pipeline.Settings:
    """Small and quick ones."""
    return pipeline.Settings(**{**SMALL, **changes})


@contextmanager
def own_data(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Simulated months go to ``folder``, and MLflow is put back where it was."""
    import mlflow

    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(folder))
        patch.delenv("TAXI_DATA", raising=False)
        yield patch
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


def month_file(folder: Path, month: str, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame) -> Path:
    """A month of the TLC's kind in ``folder``, with a change made to its rows."""
    path = folder / monthfile.name_of(month)
    change(trips.load(month, source="simulated", rows=ROWS)).to_parquet(path)
    return path


def is_manifest(path: Path) -> bool:
    """Whether a file of a month is a step's manifest (train.json; train.parquet is not)."""
    return path.suffix == ".json" and path.stem in pipeline.STEPS


def state_of(folder: Path) -> dict[str, Any]:
    """What a state folder amounts to: its files' contents and its manifests, apart from times."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("20*-*/*")):
        if path.name == ".lock":
            continue
        name = path.relative_to(folder).as_posix()
        if is_manifest(path):
            manifest = manifests.read(folder, path.parent.name, path.stem)
            found[name] = (manifest.key, {k: f.sha256 for k, f in manifest.outputs.items()}, manifest.result)
        else:
            found[name] = manifests.files.sha256(path)
    return json.loads(json.dumps(found))


def registry_of(folder: Path, name: str = "taxi-duration") -> dict[str, Any]:
    """What a registry amounts to: versions with their months and the gate's word, aliases, finished runs."""
    import mlflow

    from course_lib.taxi import tracking

    tracking.setup(folder)
    client = mlflow.MlflowClient()
    runs = {run.info.run_id: run for run in mlflow.search_runs(output_format="list")}
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda one: int(one.version))
    return {
        "versions": [
            (runs[one.run_id].data.tags["pipeline.month"], one.tags.get("pipeline.promoted")) for one in versions
        ],
        "aliases": tracking.aliases(name) if versions else {},
        "finished": sum(run.info.status == "FINISHED" for run in runs.values()),
        "running": sum(run.info.status == "RUNNING" for run in runs.values()),
    }


def in_child(work: Callable[[], Any], die_at: int | None = None, watch: tuple[str, ...] = ()) -> tuple[Any, int]:
    """Run ``work`` in a forked child; return what it returned (None if it died) and the operations counted.

    Counted is what changes files whose path holds one of ``watch`` (made, written, renamed, removed), and each commit
    to a database. Before the operation number ``die_at`` (from 1) the child kills itself, as nobody could prevent.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            count = _counting(die_at, watch)
            told = json.dumps({"result": work(), "count": count()})
            os.write(writing, told.encode())
        except BaseException as error:
            os.write(writing, json.dumps({"error": repr(error), "count": 0}).encode())
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    while piece := os.read(reading, 1 << 16):
        said += piece
    os.close(reading)
    os.waitpid(child, 0)
    told = json.loads(said) if said else {"result": None, "count": die_at}
    assert "error" not in told, told["error"]
    return told["result"], told["count"]


def _counting(die_at: int | None, watch: tuple[str, ...]) -> Callable[[], int]:
    from sqlalchemy import Engine, event

    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple) -> None:
        if name not in ("open", "os.mkdir", "os.rename", "os.remove"):
            return
        path = str(arguments[0])
        # a part is opened for reading when it is written and about to take its name
        changes = name != "open" or ".part" in path or "w" in str(arguments[1])
        if changes and any(word in path for word in watch):
            one_more()

    sys.addaudithook(hook)
    event.listen(Engine, "commit", lambda _connection: one_more())
    return lambda: done
