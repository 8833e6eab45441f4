"""The place that code runs in: what should be installed, what is, and one short name for the whole of it.

    environment.conda_requirements(text)         # what an environment.yml asks for
    environment.compare(wanted)                  # against what is installed
    environment.fingerprint()                    # changes when and only when a version changes

Lock files are read in :mod:`~course_lib.taxi.environment_lock`, notebooks in
:mod:`~course_lib.taxi.environment_notebooks`, settings in :mod:`~course_lib.taxi.environment_settings`; what
lessons need of them is there under this one name too.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import pandas as pd
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, canonicalize_version

from course_lib import paths
from course_lib.errors import CourseError, UsageError
from course_lib.taxi.environment_lock import Pin, read_lock, required_by, rests_on
from course_lib.taxi.environment_notebooks import Problem, notebook_problems, run_cells, strip_outputs
from course_lib.taxi.environment_settings import Settings, SettingsError, load_settings

__all__ = [
    "NoProjectFile",
    "Pin",
    "Problem",
    "Settings",
    "SettingsError",
    "compare",
    "conda_requirements",
    "fingerprint",
    "installed_versions",
    "load_settings",
    "notebook_problems",
    "project_file",
    "read_lock",
    "required_by",
    "rests_on",
    "run_cells",
    "strip_outputs",
]

#: What :func:`compare` says about a package.
STATES = ("as wanted", "other version", "missing", "not for this system")
# channel::name, then a version as conda writes it: =1.2 (begins with), ==1.2, >=1.2,<2; a build string may follow
_CONDA = re.compile(r"(?:[\w.-]+::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<version>[=<>!~][^\s\[]*)?(?:\s.*)?")


class NoProjectFile(UsageError):
    """The project's folder does not have this file, as in a notebook that was copied elsewhere."""


def project_file(name: str, root: Path | None = None) -> Path:
    """A file of the project's own folder, such as ``requirements.lock``. Raises NoProjectFile."""
    path = (root or paths.project_root()) / name
    if not path.is_file():
        raise NoProjectFile(f"There is no {name} in the project's folder: is this a whole checkout of the course?")
    return path


def conda_requirements(text: str) -> list[Requirement]:
    """What the text of an ``environment.yml`` asks for: conda's own lines first, then those under ``pip:``.

    Conda's single ``=`` means "begins with", so ``python=3.11`` becomes ``python==3.11.*``. Options such as
    ``--editable .`` name no version and are left out. Raises CourseError for a text that is no environment.
    """
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CourseError(f"This environment.yml is no YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("dependencies") or [], list):
        raise CourseError("This environment.yml has no list “dependencies”: is it another file?")
    own, pip = [], []
    for entry in content.get("dependencies") or []:
        if isinstance(entry, dict):
            pip += entry.get("pip") or []
        else:
            own.append(_from_conda(str(entry)))
    return own + [_requirement(line) for line in map(str, pip) if not line.strip().startswith("-")]


def installed_versions() -> dict[str, str]:
    """The version of every installed package by its canonical name, and of ``python`` itself."""
    found = {"python": platform.python_version()}
    # setuptools, once imported, puts its private copies of other packages on the path: nobody installed those
    path = [folder for folder in sys.path if Path(folder).name != "_vendor"]
    for package in metadata.distributions(path=path):
        if name := package.metadata["Name"]:  # a half-removed package has none
            found.setdefault(canonicalize_name(name), package.version)  # the first on the path is the one imported
    return found


def compare(wanted: Iterable[Requirement | str], installed: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Wanted against installed: a row per requirement, with columns ``wanted``, ``installed`` and ``state``.

    ``installed`` maps names, in any spelling, to versions (default: what is installed here). The states are
    those of :data:`STATES`; a requirement whose marker is false here is "not for this system".
    """
    have = installed_versions() if installed is None else {canonicalize_name(k): v for k, v in installed.items()}
    rows = {}
    for item in wanted:
        requirement = _requirement(item) if isinstance(item, str) else item
        version = have.get(canonicalize_name(requirement.name))
        rows[canonicalize_name(requirement.name)] = {
            "wanted": str(requirement.specifier) or "any",
            "installed": version or "",
            "state": _state(requirement, version),
        }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["wanted", "installed", "state"])
    return table.rename_axis("package")


def fingerprint(versions: Mapping[str, str] | None = None) -> str:
    """64 hexadecimal digits that change when and only when a package comes, goes or changes its version.

    The order and the spelling of names do not matter, nor do a version's trailing zeros (``2.0`` is ``2.0.0``).
    It is the same in every process and on every system that has the same packages. Default: what is installed.
    """
    versions = installed_versions() if versions is None else versions
    lines = sorted(f"{canonicalize_name(name)}=={canonicalize_version(version)}" for name, version in versions.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _state(requirement: Requirement, version: str | None) -> str:
    if requirement.marker and not requirement.marker.evaluate():
        return "not for this system"
    if version is None:
        return "missing"
    # what is installed is installed, a pre-release too
    return "as wanted" if requirement.specifier.contains(version, prereleases=True) else "other version"


def _requirement(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise CourseError(f"“{text}” is no requirement that pip could read: {error}") from error


def _from_conda(entry: str) -> Requirement:
    match = _CONDA.fullmatch(entry.strip())
    if match is None:
        raise CourseError(f"“{entry}” is no requirement that conda could read.")
    version = match["version"] or ""
    if re.match(r"=[^=]", version):
        begins = version[1:].split("=")[0].removesuffix(".*")
        version = f"=={begins}.*"
    return _requirement(match["name"] + version)
