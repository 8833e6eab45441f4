"""A lock file, read: exact versions, the hashes of their files, and which package asked for which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from course_lib.errors import CourseError

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]*?))?\s*\\?")
_HASH = re.compile(r"\s*--hash=(?P<hash>\w+:[0-9a-f]+)\s*\\?")
_VIA = re.compile(r"\s+#\s+(?:via\s+)?(?P<name>[A-Za-z0-9][^\s]*)(?:\s.*)?")


@dataclass(frozen=True)
class Pin:
    """One package of a lock file; ``marker`` is "" where it holds everywhere, ``via`` names who asked for it."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    via: tuple[str, ...] = ()


def read_lock(text: str) -> list[Pin]:
    """The packages of a lock file's text, as ``uv pip compile`` or ``pip-compile`` writes it with hashes.

    Raises CourseError when it names none: an empty or damaged file must not pass for an empty environment.
    """
    found: list[dict] = []
    for line in text.splitlines():
        if match := _PIN.fullmatch(line):
            found.append({**match.groupdict(default=""), "hashes": [], "via": []})
        elif found and (match := _HASH.fullmatch(line)):
            found[-1]["hashes"].append(match["hash"])
        elif found and (match := _VIA.fullmatch(line)) and match["name"] != "via":
            found[-1]["via"].append(canonicalize_name(match["name"]))
    if not found:
        raise CourseError("This lock names no package: it is empty or damaged. `course lock` writes it again.")
    return [
        Pin(
            canonicalize_name(pin["name"]),
            pin["version"],
            pin["marker"].strip(),
            tuple(pin["hashes"]),
            tuple(pin["via"]),
        )
        for pin in found
    ]


def required_by(pins: Iterable[Pin], asker: str) -> set[str]:
    """The packages that ``asker`` (a package, or the project that the lock was made for) asks for by name."""
    asker = canonicalize_name(asker)
    return {pin.name for pin in pins if asker in pin.via}


def rests_on(pins: Iterable[Pin], name: str) -> set[str]:
    """Every package that comes in because of ``name``: what it asks for, what those ask for, and so on."""
    pins = list(pins)
    found: set[str] = set()
    waiting = [canonicalize_name(name)]
    while waiting:
        new = required_by(pins, waiting.pop()) - found - {canonicalize_name(name)}
        found |= new
        waiting += new
    return found
