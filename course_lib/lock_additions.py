"""Packages that some people need on top of the course: each list has a lock of its own, which fits the course's.

A list is a ``requirements.in`` in its folder. Its lock names only what the course's own lock doesn't have, so it is
installed on top with ``--no-deps --require-hashes`` and changes nothing that students use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_lib.lock import LOCK, compile_lock, locked_versions, read_lock, unpinned

# in order: a later one is for those who have the earlier ones' packages, too
FOLDERS = ("deploy", "tests/deploy")
SOURCE = "requirements.in"
HEADER = (
    "# On top of the course's own requirements.lock, with the hashes of their files. Written by `course lock`;\n"
    "# don't edit. To install, in the course's environment: pip install --no-deps --require-hashes -r …\n"
)


def present(root: Path) -> list[str]:
    """The folders that have such a list here: students' copies have none."""
    return [folder for folder in FOLDERS if (root / folder / SOURCE).is_file()]


def renderers(root: Path, *, upgrade: bool = False) -> dict[str, Callable[[], str]]:
    """By the lock's name, what makes its text; to be called when the course's own lock is written."""
    return {f"{folder}/{LOCK}": functools.partial(_resolve, root, folder, upgrade) for folder in present(root)}


def known(root: Path) -> set[str]:
    """The packages in these locks, by name."""
    paths = [root / folder / LOCK for folder in present(root)]
    return {name for path in paths if path.is_file() for name, _, _ in locked_versions(path.read_text("utf-8"))}


def differences(root: Path) -> list[str]:
    """How a list, its lock and the course's lock disagree, a sentence each. Needs no network."""
    found = []
    below, where = {name: version for name, version, _ in read_lock(root)}, LOCK
    for folder in present(root):
        source, path = f"{folder}/{SOURCE}", root / folder / LOCK
        if not path.is_file():
            found.append(f"{folder}/{LOCK} is missing")
            continue
        text = path.read_text(encoding="utf-8")
        own = {name: version for name, version, _ in locked_versions(text)}
        found += [f"{folder}/{LOCK} is not exact: {line}" for line in unpinned(text)]
        found += [f"{name} is in {where} and in {folder}/{LOCK}" for name in sorted(own.keys() & below.keys())]
        below, where = below | own, f"{where} or {folder}/{LOCK}"
        for asked in _asked(root / source):
            have = below.get(canonicalize_name(asked.name))
            if have is None or have not in asked.specifier:
                found.append(f"{source} asks for {asked}, and {folder}/{LOCK} has {have or 'none'}")
    return found


def _resolve(root: Path, folder: str, upgrade: bool) -> str:
    below = [LOCK, *(f"{earlier}/{LOCK}" for earlier in present(root)[: present(root).index(folder)])]
    options = []
    for name in below:
        options += ["--constraint", name]
        for package, _, _ in locked_versions((root / name).read_text(encoding="utf-8")):
            options += ["--no-emit-package", package]
    text = compile_lock(root, f"{folder}/{SOURCE}", f"{folder}/{LOCK}", options, upgrade=upgrade)
    return HEADER + text.partition("\n# The following packages were excluded")[0]


def _asked(path: Path) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]
