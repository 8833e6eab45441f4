"""What ``course submit`` notes in a zip about what is in it. Anybody can write one, so nothing in it is believed."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import PurePosixPath
from typing import Any

from course_lib.grading.archives import Archive


def read_manifest(archive: Archive) -> dict[str, Any]:
    raw = next((content for name, content in archive.files.items() if PurePosixPath(name).name == "manifest.json"), b"")
    try:
        data = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        archive.problems.append("the zip's manifest.json cannot be read")
        return {}
    return data if isinstance(data, dict) else {}


def changed_since(manifest: dict[str, Any], archive: Archive) -> set[str]:
    """The files whose content is not what the manifest says."""
    listed = manifest.get("files")
    sums: dict[str, Any] = {}
    if isinstance(listed, dict):
        sums = {name: entry.get("sha256") if isinstance(entry, dict) else entry for name, entry in listed.items()}
    elif isinstance(listed, list):
        sums = {str(e.get("name") or e.get("path")): e.get("sha256") for e in listed if isinstance(e, dict)}
    return {
        name
        for name, content in archive.files.items()
        for listed_name, digest in sums.items()
        if (name == listed_name or name.endswith("/" + listed_name))
        and isinstance(digest, str)
        and digest.removeprefix("sha256:").lower() != hashlib.sha256(content).hexdigest()
    }


def moment(text: Any) -> str | None:
    """A moment as nbgrader reads it, in UTC; None for anything that is none."""
    if not isinstance(text, str):
        return None
    plain = text.strip().removesuffix(" UTC")
    try:
        at = datetime.datetime.fromisoformat(plain)
    except ValueError:
        return None
    if at.tzinfo is not None:
        at = at.astimezone(datetime.UTC).replace(tzinfo=None)
    return at.isoformat(sep=" ", timespec="seconds") + " UTC"
