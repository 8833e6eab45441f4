"""Where things lie: the project's folder, and the folders that tools write to."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

_LITTER = {"__pycache__", ".ipynb_checkpoints", ".pytest_cache"}


def project_root() -> Path:
    """The folder that holds pyproject.toml, solutions/ and modules/.

    ``COURSE_ROOT`` names it outright (tests do); otherwise it is the checkout this package runs from, or,
    for an installed copy, the nearest folder upwards from here that holds a ``modules`` folder, else the
    current one.
    """
    if named := os.environ.get("COURSE_ROOT"):
        return Path(named).resolve()
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout
    here = Path.cwd()
    return next((p for p in (here, *here.parents) if (p / "modules").is_dir()), here)


def build_dir() -> Path:
    """Executed notebooks, HTML pages, pictures and reports; safe to delete."""
    return project_root() / "build"


def data_dir() -> Path:
    """Months of trips, kept between runs; safe to delete. ``COURSE_DATA_DIR`` moves it."""
    return Path(os.environ.get("COURSE_DATA_DIR") or project_root() / "data")


def is_litter(path: PurePath) -> bool:
    """Whether tools left this file beside somebody's work: caches, copies kept before a file was replaced."""
    return bool(_LITTER & set(path.parts)) or path.name.endswith((".bak", ".part", ".pyc"))
