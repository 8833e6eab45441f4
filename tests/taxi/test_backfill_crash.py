"""Killed at any point, in the way that nobody can prevent, the next run ends as if nothing had happened."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from course_lib.taxi import pipeline
from course_lib.taxi import pipeline_manifest as manifests
from tests.taxi.pipelines import in_child, is_manifest, needs_fork, own_data, registry_of, settings, state_of

MONTH = "2021-01"


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    """Simulated months go to a folder of the tests' own, made before anybody is killed; all libraries are loaded."""
    import mlflow.sklearn  # noqa: F401

    from course_lib.taxi import pipeline_register, tracking  # noqa: F401

    with own_data(tmp_path_factory.mktemp("data")):
        warm = tmp_path_factory.mktemp("warm")
        assert pipeline.run_month(MONTH, settings(), folder=warm, tracking=warm / "mlflow").ok
        yield


def run(folder, until="register", **options):
    """One month in ``folder``; what a child can tell of it."""
    tracking = folder / "mlflow"
    result = pipeline.run_month(MONTH, settings(), folder=folder, tracking=tracking, until=until, **options)
    return {"error": result.error, "did": dict(result.did)}


def trusted(folder):
    """The steps that a next run would take for done."""
    found = [manifests.read(folder, MONTH, step) for step in pipeline.STEPS[:-1]]
    return {manifest.step for manifest in found if manifest and manifest.is_intact()}


@needs_fork
def test_killed_before_each_operation_on_a_file(tmp_path):
    """Every other point of the steps up to the score (all take twice as long), each in a folder of its own."""
    whole = tmp_path / "whole"
    result, operations = in_child(lambda: run(whole, "evaluate"), watch=("/whole/2021-01/",))
    assert result["error"] is None
    expected = state_of(whole)
    assert operations >= 36  # 13 files, each written, hashed or renamed; less would mean that the counting is broken
    for point in range(operations % 2 or 2, operations + 1, 2):
        folder = tmp_path / f"at-{point}"
        died, _ = in_child(lambda: run(folder, "evaluate"), die_at=point, watch=(f"/at-{point}/2021-01/",))  # noqa: B023
        assert died is None, f"it survived point {point}"
        assert_nothing_half_done(folder, expected)
        resumed = run(folder, "evaluate")
        assert resumed["error"] is None
        assert state_of(folder) == expected, f"after a death at point {point}"
        assert not list(folder.rglob("*.part"))
        shutil.rmtree(folder)


def assert_nothing_half_done(folder, expected):
    """Whatever has a final name is whole; whatever would be trusted has all its files, and they are the right ones."""
    for path in folder.glob("2021-01/[!.]*"):
        name = path.relative_to(folder).as_posix()
        if not is_manifest(path):
            assert manifests.files.sha256(path) == expected[name], name
    for step in trusted(folder):
        manifest = manifests.read(folder, MONTH, step)
        assert expected[f"{MONTH}/{step}.json"][0] == manifest.key


@needs_fork
def test_killed_while_a_stale_month_is_run_again(tmp_path):
    """The old files are there, and some new ones: none may pass for the other."""
    old, new = tmp_path / "old", tmp_path / "new"
    run(old, "evaluate")

    def rerun(folder):
        wanted = settings(evaluation_days=5, max_minutes=40)
        return pipeline.run_month(MONTH, wanted, folder=folder, until="evaluate").error

    shutil.copytree(old, new)
    error, operations = in_child(lambda: rerun(new), watch=("/new/2021-01/",))
    assert error is None
    expected, before = state_of(new), state_of(old)
    for point in range(2, operations + 1, 3):
        folder = tmp_path / f"stale-{point}"
        shutil.copytree(old, folder)
        in_child(lambda: rerun(folder), die_at=point, watch=(f"/stale-{point}/2021-01/",))  # noqa: B023
        if point % 2:
            assert rerun(folder) is None
            assert state_of(folder) == expected, f"forwards, after a death at point {point}"
        else:  # somebody changes their mind after the crash
            assert run(folder, "evaluate")["error"] is None
            assert state_of(folder) == before, f"backwards, after a death at point {point}"
        shutil.rmtree(folder)


@needs_fork
def test_killed_between_registering_and_writing_it_down(tmp_path):
    """Each commit to the registry's database, and each file of the model: one version comes out, and one alias."""
    ready = tmp_path / "ready"
    run(ready, "evaluate")
    whole = tmp_path / "whole"
    shutil.copytree(ready, whole)
    result, operations = in_child(lambda: run(whole), watch=(f"{whole}/2021-01/.register", f"{whole}/mlflow/artifacts"))
    assert result["error"] is None
    expected = in_child(lambda: registry_of(whole / "mlflow"))[0]
    assert expected["versions"] == [[MONTH, "true"]]
    assert operations > 20
    for point in sorted({*range(3, operations, operations // 5), operations - 2, operations}):
        folder = tmp_path / f"at-{point}"
        shutil.copytree(ready, folder)
        seen = (f"{folder}/2021-01/.register", f"{folder}/mlflow/artifacts")
        died, _ = in_child(lambda: run(folder), die_at=point, watch=seen)  # noqa: B023
        assert died is None, f"it survived point {point}"
        resumed, _ = in_child(lambda: run(folder))  # noqa: B023
        assert resumed["error"] is None, f"after a death at point {point}"
        assert in_child(lambda: registry_of(folder / "mlflow"))[0] == expected, f"after a death at point {point}"  # noqa: B023
        shutil.rmtree(folder)


PROGRAM = """
import sys
from course_lib.taxi import backfill, pipeline

if __name__ == "__main__":
    settings = pipeline.Settings(source="simulated", rows=300, model="mean")
    result = backfill.run("2021-01:2021-03", settings, folder=sys.argv[1], tracking=sys.argv[2], jobs=2, wait=60)
    sys.exit(0 if result.ok else 1)
"""


def test_the_whole_command_killed_at_random_moments(tmp_path):
    """Two at a time in threads, killed again and again as it gets further; then left alone once."""
    state, registry = tmp_path / "state", tmp_path / "mlflow"
    command = [sys.executable, "-c", PROGRAM, str(state), str(registry)]
    chance = random.Random(4)
    for _ in range(2):
        process = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not state.is_dir() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)  # it is still loading
        time.sleep(chance.uniform(0.05, 2.5))
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait(60)
    last = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=300)
    assert last.returncode == 0, last.stderr
    alone = tmp_path / "alone"
    for month in ("2021-01", "2021-02", "2021-03"):
        assert pipeline.run_month(month, settings(), folder=alone, until="evaluate").ok
    mine, expected = state_of(state), state_of(alone)
    assert {name: value for name, value in mine.items() if not name.endswith("register.json")} == expected
    found = registry_of(registry)
    assert [month for month, _ in found["versions"]] == ["2021-01", "2021-02", "2021-03"]
    assert (found["finished"], found["running"]) == (3, 0)
    assert not list(state.rglob("*.part"))
