"""``course doctor``: is everything there that the course needs, and what to type where it isn't."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from course_lib import lock_additions
from course_lib.install import LAB_SETTINGS, NEWEST, OLDEST
from course_lib.lock import LOCK, read_lock, unpinned

NEEDED, OPTIONAL = "needed", "optional"
FREE_SPACE_GB = 2


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, whether it is fine, what was found, what to type if not."""

    part: str
    ok: bool
    found: str
    kind: str = NEEDED
    advice: str = ""


def examine(root: Path, prefix: Path | None = None, sandbox_problem: str | None = None) -> list[Finding]:
    """Look at everything; never raises for what it finds, never changes anything.

    ``prefix`` is the environment whose Jupyter settings are looked at (default: the one this runs in);
    ``sandbox_problem`` is why submissions can't be shut in a sandbox here, found by whoever tried.
    """
    return [
        python_version(),
        environment(Path(prefix or sys.prefix)),
        *locked_packages(root),
        lock_is_exact(root),
        other_packages(root),
        lab_settings(Path(prefix or sys.prefix)),
        disk(root),
        git(),
        *system_parts(sandbox_problem=sandbox_problem),
    ]


def python_version(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python itself."""
    fits = OLDEST <= tuple(version[:2]) <= NEWEST
    oldest, newest = (".".join(map(str, v)) for v in (OLDEST, NEWEST))
    return Finding(
        "Python",
        fits,
        ".".join(map(str, version)),
        advice="" if fits else f"{oldest} to {newest} is needed: make setup PYTHON=python{newest}",
    )


def environment(prefix: Path, base: Path | None = None) -> Finding:
    """A virtual or conda environment, so that the course's packages meet nobody else's."""
    conda = (prefix / "conda-meta").is_dir()
    apart = conda or prefix.resolve() != Path(base or sys.base_prefix).resolve()
    what = f"{'conda' if conda else 'virtual'} environment {prefix}" if apart else f"the system's own, {prefix}"
    return Finding("Environment", apart, what, advice="" if apart else "make setup")


def locked_packages(root: Path, installed: dict[str, str] | None = None) -> list[Finding]:
    """One line when all packages are as locked, else one for each that is missing or differs."""
    wanted = [(name, version) for name, version, marker in read_lock(root) if not marker or Marker(marker).evaluate()]
    wrong = []
    for name, version in wanted:
        have = installed.get(name) if installed is not None else installed_version(name)
        if have != version:
            wrong.append(Finding(name, False, f"{have or 'missing'}, locked is {version}", advice="make setup"))
    summary = f"{len(wanted) - len(wrong)} of {len(wanted)} as locked"
    return [Finding("Packages", not wrong, summary, advice="make setup" if wrong else ""), *wrong]


def lock_is_exact(root: Path) -> Finding:
    """Every package of the lock is one version, and known by its files' hashes."""
    loose = unpinned((root / LOCK).read_text(encoding="utf-8"))
    found = f"not exact: {', '.join(loose[:5])}" if loose else "every version exact, every file known by its hash"
    return Finding("Lock", not loose, found, advice="course lock" if loose else "")


def other_packages(root: Path, installed: set[str] | None = None) -> Finding:
    """Packages that nobody locked: they were never tested with the course, and nobody watches them."""
    names = {str(one.metadata["Name"]) for one in metadata.distributions()} if installed is None else installed
    known = {name for name, _, _ in read_lock(root)} | lock_additions.known(root) | {"taxi-mlops-workbook"}
    # an environment's own tools, which come without being asked for
    others = sorted({canonicalize_name(name) for name in names} - known - {"pip", "setuptools", "wheel", "uv"})
    found = f"{len(others)} not locked: {', '.join(others[:5])}" if others else "none but the locked ones"
    return Finding("Other packages", not others, found, OPTIONAL, "a fresh .venv by make setup" if others else "")


def installed_version(name: str) -> str | None:
    """The version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def lab_settings(prefix: Path) -> Finding:
    """JupyterLab without its news prompt and without questions to a server."""
    path = prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    fine = all(settings.get(plugin) == values for plugin, values in LAB_SETTINGS.items())
    found = "no news prompt, no telemetry" if fine else "as shipped: JupyterLab will ask about news"
    return Finding("JupyterLab settings", fine, found, OPTIONAL, "" if fine else "make setup")


def disk(root: Path) -> Finding:
    """Room for data, databases and executed notebooks, in a folder that can be written."""
    free = shutil.disk_usage(root).free / 1e9
    writable = os.access(root, os.W_OK)
    fine = free >= FREE_SPACE_GB and writable
    found = f"{free:.0f} GB free" + ("" if writable else f", but {root} can't be written")
    advice = "" if fine else f"free {FREE_SPACE_GB} GB, or move the checkout to a folder you may write"
    return Finding("Disk", fine, found, advice=advice)


def git() -> Finding:
    """Git: module 02 is about it, and `course check` finds untouched notebooks with it."""
    path = shutil.which("git")
    return Finding(
        "Git",
        path is not None,
        path or "not found",
        OPTIONAL,
        "" if path else "git-scm.com, or your system's packages",
    )


def system_parts(system: str | None = None, sandbox_problem: str | None = None) -> list[Finding]:
    """Parts that come from the system, not from Python: only some people need them."""
    linux = (system or platform.system()) == "Linux"
    return [sandbox(linux, sandbox_problem), browser(linux)]


def sandbox(linux: bool, problem: str | None) -> Finding:
    """Bubblewrap, and whether it can shut anything in: in some containers it is there and may not."""
    part, path = "bubblewrap (instructors: grading in a sandbox)", shutil.which("bwrap")
    if path is None:
        advice = "sudo apt install bubblewrap" if linux else "grade on Linux, or in WSL 2 on Windows"
        return Finding(part, False, "not found" if linux else "exists for Linux only", OPTIONAL, advice)
    if problem:
        return Finding(part, False, f"{path}, but no sandbox holds here", OPTIONAL, problem)
    return Finding(part, True, path, OPTIONAL)


def browser(linux: bool) -> Finding:
    """Chromium or Chrome."""
    part, names = "Chromium (authors: pages checked as pictures)", ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    advice = "" if path else "sudo apt install chromium" if linux else "install Chrome or Chromium"
    return Finding(part, path is not None, path or "not found", OPTIONAL, advice)


def healthy(findings: list[Finding]) -> bool:
    """Whether everything needed is there."""
    return all(finding.ok for finding in findings if finding.kind == NEEDED)


def as_json(findings: list[Finding]) -> dict:
    """The findings for a program."""
    return {"healthy": healthy(findings), "findings": [asdict(finding) for finding in findings]}
