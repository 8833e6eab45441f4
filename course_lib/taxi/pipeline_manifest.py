"""A step's manifest: what it did, from what, with which code; and so whether it must be done again.

It is written last, when all the step's files have their names. A step counts as done when its manifest is there, was
written for the same key, and every file it names still has its hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from course_lib.taxi import pipeline_files as files
from course_lib.taxi.pipeline_code import code_hash
from course_lib.taxi.pipeline_types import RESULTS, File, Settings

#: Of the libraries, those whose version can change what a step writes, or whether it can be read again.
LIBRARIES = {
    "ingest": ("pyarrow", "numpy"),
    "validate": ("pandas", "pandera", "pyarrow"),
    "features": ("pandas", "pyarrow"),
    "train": ("scikit-learn", "numpy", "pandas"),
    "evaluate": ("scikit-learn", "numpy", "pandas"),
    "register": ("mlflow",),
}
#: Of the settings, those that each step reads.
READS = {
    "ingest": ("source", "rows"),
    "validate": ("max_bad_share",),
    "features": ("evaluation_days", "min_minutes", "max_minutes"),
    "train": ("model", "random_state"),
    "evaluate": (),
    "register": ("model_name", "margin"),
}
#: Whose files each step reads.
INPUTS = {
    "ingest": (),
    "validate": ("ingest",),
    "features": ("validate",),
    "train": ("features",),
    "evaluate": ("features", "train"),
    "register": ("features", "train", "evaluate"),
}


@dataclass(frozen=True)
class Manifest:
    """What is written down about a step that is done; ``result`` is what it returned, ``rows`` what it wrote."""

    step: str
    month: str
    key: str
    code: str
    parameters: dict[str, Any]
    inputs: dict[str, str]
    libraries: dict[str, str]
    outputs: dict[str, File]
    result: dict[str, Any]
    rows: int
    seconds: float
    finished: str

    def output(self) -> Any:
        """What the step returned, as it returned it."""
        return RESULTS[self.step](**{**self.result, **self.outputs})

    def is_intact(self) -> bool:
        """Whether all its files are as they were written."""
        return all(files.is_intact(file) for file in self.outputs.values())


@dataclass(frozen=True)
class Key:
    """All that decides whether a step must be done again; ``digest`` is its hash."""

    step: str
    month: str
    code: str
    parameters: dict[str, Any]
    inputs: dict[str, str]
    libraries: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True, default=str).encode()).hexdigest()

    def differences(self, manifest: Manifest) -> list[str]:
        """In what way ``manifest`` was written for another key, for people."""
        words = ["its code changed"] if manifest.code != self.code else []
        words += _changes("setting ", manifest.parameters, self.parameters)
        words += _changes("", manifest.libraries, self.libraries)
        changed = [name for name, digest in self.inputs.items() if manifest.inputs.get(name) != digest]
        return words + [f"its input changed: {name}" for name in changed]


def _changes(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = sorted(before.keys() | now.keys())
    return [
        f"{what}{name}: {before.get(name)} → {now.get(name)}" for name in names if before.get(name) != now.get(name)
    ]


def key(step: str, month: str, settings: Settings, outputs: Mapping[str, Any], extra: Mapping[str, str]) -> Key:
    """The key of a step whose earlier steps gave ``outputs``; ``extra`` are inputs that no step wrote."""
    inputs = {
        f"{name}.{field}": file.sha256
        for name in INPUTS[step]
        for field, file in files_of(outputs[name]).items()
        if (name, field) != ("validate", "quarantined")  # nobody reads it on
    }
    libraries = {name: metadata.version(name) for name in LIBRARIES[step]}
    if step in ("train", "evaluate"):
        libraries["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"  # pickles are read by the same
    parameters = {name: getattr(settings, name) for name in READS[step]}
    return Key(step, month, code_hash(step), parameters, {**inputs, **extra}, libraries)


def files_of(result: Any) -> dict[str, File]:
    """The files that a step returned, by the name of the field."""
    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return {name: value for name, value in fields.items() if isinstance(value, File)}


def path(folder: Path, month: str, step: str) -> Path:
    """Where a step's manifest lies in the state folder."""
    return folder / month / f"{step}.json"


def write(manifest: Manifest, folder: Path) -> None:
    """Put the manifest in its place: from now on the step is done."""
    value = dataclasses.asdict(manifest)
    value["outputs"] = {
        name: {"file": file.path.name, "sha256": file.sha256, "bytes": file.bytes}
        for name, file in manifest.outputs.items()
    }
    files.write_json(value, path(folder, manifest.month, manifest.step))


def read(folder: Path, month: str, step: str) -> Manifest | None:
    """The manifest of a step; None when there is none that can be read, which counts as not done."""
    file = path(folder, month, step)
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        value["outputs"] = {
            name: File(file.parent / one["file"], one["sha256"], one["bytes"]) for name, one in value["outputs"].items()
        }
        found = Manifest(**value)
        found.output()
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if (found.step, found.month) == (step, month) else None
