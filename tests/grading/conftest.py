"""A template of the tests' own: few libraries, a private folder, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

MODULES = "numpy,pandas,sklearn.ensemble,matplotlib.pyplot"


def processes_in(folder: Path) -> list[psutil.Process]:
    """Templates (and what they forked and did not move) that were started in ``folder``."""
    found = []
    for process in psutil.process_iter():
        try:
            if "course_lib.grading.kernels.template" in process.cmdline() and str(folder) in _cwd(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _cwd(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


def wait_until(true, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


@contextmanager
def private_runtime(**extra: str):
    """A runtime folder of its own, short enough for socket paths, and an environment that names it."""
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp")).resolve()
    changed = {
        "XDG_RUNTIME_DIR": str(folder),
        "COURSE_WARM_MODULES": MODULES,
        "COURSE_WARM_IDLE_SECONDS": "60",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        **extra,
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield folder
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for process in processes_in(folder):
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def runtime():
    """One runtime folder, and so one template, for all tests of a worker."""
    if os.name != "posix" or sys.platform == "darwin":
        pytest.skip("kernels are forked on Linux only, unless COURSE_WARM_FORK=1 on macOS")
    with private_runtime() as folder:
        yield folder


@contextmanager
def provisioner(name: str):
    """Start Jupyter's kernels by the provisioner ``name`` for a while."""
    from jupyter_client.provisioning import KernelProvisionerFactory

    factory = KernelProvisionerFactory.instance()
    before, factory.default_provisioner_name = factory.default_provisioner_name, name
    try:
        yield
    finally:
        factory.default_provisioner_name = before


@pytest.fixture(scope="session")
def sandbox(runtime):
    """Skips, and says why, where there can be no sandbox."""
    from course_lib.grading.sandbox.probe import probe

    found = probe()
    if not found.available:
        pytest.skip(f"no sandbox here: {found.problem}")
    return runtime
