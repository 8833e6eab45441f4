"""Whether the workers of a cluster have what this process has: the same results need the same code."""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.taxi.pipeline_code import hash_of

if TYPE_CHECKING:
    from distributed import Client

# What is done on workers: function and module.
_WORK = (
    ("evaluate", "pipeline_steps"),
    ("features", "pipeline_steps"),
    ("fit_on_month", "training"),
    ("grow", "years.training"),
    ("ingest", "pipeline_steps"),
    ("score_month", "service.batch"),
    ("train", "pipeline_steps"),
    ("validate", "pipeline_steps"),
)
#: Libraries that compute, or that carry results from one machine to another.
LIBRARIES = ("cloudpickle", "dask", "distributed", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


class OtherVersions(CourseError):
    """A worker has other versions than this process, or lacks something."""


def versions() -> dict[str, str]:
    """What results depend on here: Python, libraries, and this package's own code (a hash)."""
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return {**found, "course_lib": _own_code()}


def digest() -> str:
    """All of :func:`versions` as one word."""
    return _digest()


def check(client: Client) -> None:
    """Raise OtherVersions, naming worker and difference, unless all workers have the same as this process."""
    here = versions()
    for worker, there in client.run(versions, on_error="return").items():
        if isinstance(there, BaseException):
            raise OtherVersions(
                f"The worker {worker} can't run this course's code ({type(there).__name__}: {there}). "
                "Install the course there as here, with the same lock file, and restart it."
            )
        if differences := _differences(here, there):
            raise OtherVersions(
                f"The worker {worker} has other versions: {', '.join(differences)}. Its results could differ: install "
                "the same there and restart it."
            )


def _differences(here: dict[str, str], there: dict[str, Any]) -> list[str]:
    words = [
        f"{name} {there.get(name, 'missing')} (here {value})"
        for name, value in here.items()
        if name != "course_lib" and there.get(name) != value
    ]
    return words + (["another course_lib"] if there.get("course_lib") != here["course_lib"] else [])


@lru_cache(maxsize=1)
def _digest() -> str:
    return hashlib.sha256(repr(sorted(versions().items())).encode()).hexdigest()


@lru_cache(maxsize=1)
def _own_code() -> str:
    """The hash of the code that results depend on: comments, pages and the service don't count."""
    return hashlib.sha256(" ".join(hash_of(*one) for one in _WORK).encode()).hexdigest()
