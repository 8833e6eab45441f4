"""What this wing's results depend on: workers of a cluster must have the same (see course_lib.cluster_versions)."""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from importlib import metadata

from course_lib.cluster_versions import OtherVersions
from course_lib.taxi.pipeline_code import hash_of

__all__ = ["LIBRARIES", "OtherVersions", "versions"]

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


def versions() -> dict[str, str]:
    """What results depend on here: Python, libraries, and this package's own code (a hash)."""
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return {**found, "course_lib": _own_code()}


@lru_cache(maxsize=1)
def _own_code() -> str:
    """The hash of the code that results depend on: comments, pages and the service don't count."""
    return hashlib.sha256(" ".join(hash_of(*one) for one in _WORK).encode()).hexdigest()
