"""One list of packages, three files: pyproject.toml is written by hand, the lock and environment.yml from it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_lib.errors import CourseError

LOCK, CONDA, PROJECT = "requirements.lock", "environment.yml", "pyproject.toml"
LOCK_HEADER = (
    "# Every package of the course and everything they need, with the hashes of their files.\n"
    "# One file for Python 3.11 to 3.13 on Linux, macOS and Windows. Written by `course lock`; don't edit.\n"
)
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?:\s*;\s*([^\\]*?))?\s*\\?$", re.MULTILINE)


def direct_requirements(root: Path) -> list[Requirement]:
    """What pyproject.toml asks for by name."""
    project = tomllib.loads((root / PROJECT).read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in project["dependencies"]]


def locked_versions(text: str) -> list[tuple[str, str, str]]:
    """(name, version, marker) of every package in a lock's text; the marker is "" where it holds everywhere."""
    found = PINNED.findall(text)
    if not found:
        raise CourseError(f"{LOCK} names no package: it is empty or damaged. `course lock` writes it again.")
    return [(canonicalize_name(name), version, marker.strip()) for name, version, marker in found]


def read_lock(root: Path) -> list[tuple[str, str, str]]:
    """:func:`locked_versions` of the project's own lock."""
    path = root / LOCK
    if not path.is_file():
        raise CourseError(f"{LOCK} is missing from {root}: is this a whole checkout?")
    return locked_versions(path.read_text(encoding="utf-8"))


def unpinned(text: str) -> list[str]:
    """Lines of a lock's text that would let anything in but one exact file: no ``==``, no hash, an address, an option.

    That is what can be known without a network. Whether a locked version has since been withdrawn, or has a hole that
    somebody has found, stands in lists that are kept elsewhere: ``pip-audit`` asks them.
    """
    found, blocks = [], re.split(r"^(?=[^\s#])", re.sub(r"\\\n\s+", " ", text), flags=re.MULTILINE)
    for block in blocks:
        line = block.splitlines()[0].strip() if block.strip() else ""
        if not line or line.startswith("#"):
            continue
        wanted, *hashes = re.split(r"\s+--hash=", line)
        exact = PINNED.match(wanted.strip()) and "*" not in wanted.partition(";")[0]
        if not exact or not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes):
            found.append(wanted.strip())
    return found


def render_conda(root: Path) -> str:
    """environment.yml as it must be for the present lock: the same versions, for people who use conda.

    Pip installs the packages there too: conda's own channels carry other versions at other times, and the
    promise of this file is that nobody's numbers differ because of the tool that made their environment.
    """
    direct = {canonicalize_name(requirement.name) for requirement in direct_requirements(root)}
    pins = read_lock(root)

    def lines(chosen: list[tuple[str, str, str]]) -> list[str]:
        rendered = []
        for name, version, marker in chosen:
            pin = f"{name}=={version} ; {marker}" if marker else f"{name}=={version}"
            rendered.append(f'      - "{pin}"' if marker else f"      - {pin}")
        return rendered

    return "\n".join(
        [
            "# The course's environment for conda users; the same versions as requirements.lock.",
            "# Written by `course lock`; don't edit.   conda env create -f environment.yml",
            "name: taxi-mlops",
            "channels:",
            "  - conda-forge",
            "dependencies:",
            "  - python=3.11",
            "  - pip",
            "  - pip:",
            "      # what the course uses by name",
            *lines([pin for pin in pins if pin[0] in direct]),
            "      # what those need",
            *lines([pin for pin in pins if pin[0] not in direct]),
            "      # the course's own package, from this folder",
            "      - --editable .",
            "",
        ]
    )


def resolve(root: Path, *, upgrade: bool = False) -> str:
    """A fresh lock text, made by uv from pyproject.toml; versions already locked stay unless ``upgrade``."""
    return LOCK_HEADER + compile_lock(root, PROJECT, LOCK, upgrade=upgrade)


def compile_lock(root: Path, source: str, lock: str, options: Sequence[str] = (), *, upgrade: bool = False) -> str:
    """What uv makes of ``source`` (both named from ``root``), with the versions that ``lock`` has where they still fit.

    Raises CourseError where there is no uv, or no set of versions that fits together.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise CourseError("`course lock` needs uv to solve for every platform at once. Type: pip install uv")
    command = [uv, "pip", "compile", "--quiet", "--universal", "--fork-strategy", "fewest", "--generate-hashes"]
    command += ["--python-version", "3.11", "--no-header", "--no-emit-index-url", "--no-emit-find-links", *options]
    command += ["--upgrade"] if upgrade else []
    # Given an existing output file, uv keeps its versions where they still fit.
    scratch = root / f".{Path(lock).name}.new"
    try:
        if (root / lock).is_file():
            shutil.copy(root / lock, scratch)
        done = subprocess.run(
            [*command, source, "-o", scratch.name],
            cwd=root,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        if done.returncode:
            raise CourseError(f"uv found no set of versions that fits together:\n{done.stderr.strip()}")
        return scratch.read_text(encoding="utf-8").replace(scratch.name, lock)
    finally:
        scratch.unlink(missing_ok=True)


def write_lock(root: Path, *, upgrade: bool = False) -> list[str]:
    """Write requirements.lock, environment.yml and the locks of `lock_additions`; the names of those that changed."""
    from course_lib import lock_additions

    changed = []
    files = {LOCK: lambda: resolve(root, upgrade=upgrade), CONDA: lambda: render_conda(root)}
    files |= lock_additions.renderers(root, upgrade=upgrade)
    for name, render in files.items():
        path, text = root / name, render()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(name)
    return changed


def differences(root: Path) -> list[str]:
    """How the files disagree, a sentence each; empty when they say the same. Needs no network."""
    from course_lib import lock_additions

    pins = read_lock(root)
    versions: dict[str, list[str]] = {}
    for name, version, _ in pins:
        versions.setdefault(name, []).append(version)
    found = []
    for requirement in direct_requirements(root):
        have = versions.get(canonicalize_name(requirement.name), [])
        if not have:
            found.append(f"{PROJECT} asks for {requirement}, and {LOCK} doesn't have it")
        found += [
            f"{PROJECT} asks for {requirement}, and {LOCK} has {v}" for v in have if v not in requirement.specifier
        ]
    conda = root / CONDA
    if not conda.is_file():
        found.append(f"{CONDA} is missing")
    elif conda.read_text(encoding="utf-8") != render_conda(root):
        found.append(f"{CONDA} and {LOCK} differ")
    return found + lock_additions.differences(root)
