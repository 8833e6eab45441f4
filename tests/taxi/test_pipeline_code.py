"""A step's hash changes with the code that it depends on, and with nothing else."""

import itertools
import os
import shutil
from pathlib import Path

import pytest

from course_lib.taxi import pipeline_code, pipeline_register, pipeline_steps
from course_lib.taxi.pipeline_types import STEPS

PACKAGE = Path(pipeline_code.__file__).parent
CLOCK = itertools.count(10**18)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package's sources, to be changed."""
    folder = tmp_path_factory.mktemp("package") / "taxi"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__", "service"))
    return folder


def hashes(folder):
    pipeline_code._code_hash.cache_clear()  # a process takes its code for settled; the tests don't
    return {step: pipeline_code._code_hash(step, pipeline_code.HOMES[step], folder) for step in STEPS}


def stale_after(folder, file, before, after):
    """The steps whose hash changes when ``before`` becomes ``after`` in a file."""
    old = hashes(folder)
    path = folder / file
    text = path.read_bytes()
    assert before.encode() in text, f"{file} has no {before!r}"
    try:
        path.write_bytes(text.replace(before.encode(), after.encode(), 1))
        os.utime(path, ns=(next(CLOCK), next(CLOCK)))  # disks have coarse clocks
        new = hashes(folder)
    finally:
        path.write_bytes(text)
        os.utime(path, ns=(next(CLOCK), next(CLOCK)))
    return [step for step in STEPS if old[step] != new[step]]


def test_every_step_has_a_function_and_a_hash_of_its_own(package):
    for step, home in pipeline_code.HOMES.items():
        module = {"pipeline_steps": pipeline_steps, "pipeline_register": pipeline_register}[home]
        assert callable(getattr(module, step))
    found = hashes(package)
    assert len(set(found.values())) == len(STEPS)
    assert found == {step: pipeline_code.code_hash(step) for step in STEPS}


@pytest.mark.parametrize(
    ("file", "before", "after", "stale"),
    [
        # the step's own function
        ("pipeline_steps.py", "rows = monthfile.footer(found).num_rows", "rows = 7", ["ingest"]),
        ("pipeline_steps.py", "late = cleaned", "late = ~cleaned", ["features"]),
        ("pipeline_steps.py", "random_state=settings.random_state", "random_state=1", ["train"]),
        # what it uses of its own module: a constant, a helper
        ("pipeline_steps.py", '_TARGET = "duration"', '_TARGET = "minutes"', ["features", "train", "evaluate"]),
        ("pipeline_steps.py", "if math.isfinite(value)", "if value", ["evaluate"]),
        # modules, also those that a function imports when it is called, and what these import in turn
        ("cleaning.py", "minutes.to_numpy() < min_minutes", "minutes.to_numpy() <= min_minutes", ["features"]),
        ("models.py", "learning_rate=0.06", "learning_rate=0.07", ["train", "evaluate"]),
        ("features.py", "_MILES_PER_DEGREE = 69.094", "_MILES_PER_DEGREE = 69.1", ["train", "evaluate"]),
        ("quarantine.py", "max_bad_share * len(raw)", "max_bad_share * len(cases)", ["validate"]),
        ("tlc.py", "DELAY = ", "DELAY = 1 + ", ["ingest"]),
        ("tracking_gate.py", "_HAIR = 1e-9", "_HAIR = 1e-8", ["register"]),
        # data that a module reads
        ("data/calibration.json", "{", "{ ", ["ingest"]),
    ],
)
def test_what_makes_a_step_stale(package, file, before, after, stale):
    found = stale_after(package, file, before, after)
    if "register" not in stale:  # what the registry's many modules import is no matter of this test
        found = [step for step in found if step != "register"]
    assert found == stale


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("pipeline_steps.py", '"""Fit ``settings.model``', '"""Really fit ``settings.model``'),
        ("pipeline_steps.py", "import math\n", "# a comment\n\nimport math\n"),
        ("cleaning.py", "def clean(\n    trips: pd.DataFrame,", "def clean(trips: pd.DataFrame,\n"),
        ("backfill.py", "LOCK = ", "LOCK = '' + "),
        ("plots.py", "import", "import os\nimport"),
        ("pipeline_types.py", "rows: int | None = None", "rows: int | None = 7"),
    ],
)
def test_what_does_not(package, file, before, after):
    assert stale_after(package, file, before, after) == []
