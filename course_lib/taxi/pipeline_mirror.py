"""A pipeline's state in an object store, and a process's own copy of what it needs of it.

The store is the truth. A step brings its manifest and its inputs, works on this machine's disk, and sends what it
wrote: files first, the manifest last, so that a half-finished step never counts. Inputs are held against their hashes
when they come. Whether a finished step's objects are still the same is asked of the store (size and version, which the
manifest there names), without fetching them.
"""

from __future__ import annotations

import atexit
import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_lib.taxi import pipeline_files as files
from course_lib.taxi import pipeline_manifest as manifests
from course_lib.taxi.pipeline_types import File, MonthResult
from course_lib.taxi.storage import Place, StorageError


@dataclass(frozen=True)
class Mirror:
    """The store's ``place`` and this process's ``folder``, both with a folder for each month."""

    place: Place
    folder: Path

    def bring_manifest(self, month: str, step: str) -> None:
        """Have the manifest here as it is there; none where there is none."""
        self._bring(month, f"{step}.json")

    def bring_month(self, month: str, extra: tuple[str, ...] = ()) -> None:
        """Have all manifests of a month here, and the files ``extra``, as they are there."""
        there = (self.place / month).names()
        for name in [*(f"{step}.json" for step in manifests.INPUTS), *extra]:
            if name in there:
                self._bring(month, name)
            else:
                (self.folder / month / name).unlink(missing_ok=True)

    def bring_inputs(self, step: str, so_far: MonthResult) -> None:
        """Have all files here that a step reads. Raises StorageError for one that isn't what was written."""
        for earlier in manifests.INPUTS[step]:
            for name, file in manifests.files_of(so_far.outputs[earlier]).items():
                if (earlier, name) != ("validate", "quarantined") and not files.is_intact(file):
                    self._fetch(so_far.month, file)

    def send(self, month: str, step: str, written: Mapping[str, File]) -> None:
        """Make what a step wrote here the store's: its files, and then its manifest, which names their versions."""
        there, manifest = self.place / month, manifests.path(self.folder, month, step)
        told = json.loads(manifest.read_text(encoding="utf-8"))
        for name, file in written.items():
            there.send(file.path, file.path.name)
            held = there.held(file.path.name)
            told["outputs"][name]["version"] = held.version if held else ""
        files.write_json(told, manifest)
        there.send(manifest, manifest.name)

    def has(self, found: manifests.Manifest) -> bool:
        """Whether the store still holds all files of a step as they were sent."""
        return not self.broken(found)

    def broken(self, found: manifests.Manifest) -> dict[str, str]:
        """Files of a step that are ``gone`` from the store, or ``changed``."""
        manifest = manifests.path(self.folder, found.month, found.step)
        told = json.loads(manifest.read_text(encoding="utf-8"))["outputs"]
        trouble = {}
        for name, file in found.outputs.items():
            held = (self.place / found.month).held(file.path.name)
            if held is None:
                trouble[file.path.name] = "gone"
            elif (held.bytes, held.version) != (file.bytes, told[name].get("version")):
                trouble[file.path.name] = "changed"
        return trouble

    def _bring(self, month: str, name: str) -> None:
        content, target = (self.place / month).read(name), self.folder / month / name
        if content is None:
            target.unlink(missing_ok=True)
        else:
            files.write_bytes(content, target)

    def _fetch(self, month: str, file: File) -> None:
        (self.place / month).fetch(file.path.name, file.path)
        if not files.is_intact(file):
            file.path.unlink(missing_ok=True)
            raise StorageError(
                f"{self.place}/{month}/{file.path.name} is not what was written there: run {month} again."
            )


def rebased(result: MonthResult, folder: Path) -> MonthResult:
    """The result with its files where this process keeps them."""
    outputs = {step: _rebased(output, folder / result.month) for step, output in result.outputs.items()}
    return dataclasses.replace(result, outputs=outputs)


def _rebased(output: Any, home: Path) -> Any:
    moved = {
        name: dataclasses.replace(file, path=home / file.path.name) for name, file in manifests.files_of(output).items()
    }
    return dataclasses.replace(output, **moved)


@lru_cache(maxsize=8)
def workspace(store: str) -> Path:
    """This process's own folder for what it needs of a store; removed when the process ends.

    On a Dask worker it lies in the worker's folder, which Dask tidies after a worker that was killed.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"course-{hashlib.sha256(store.encode()).hexdigest()[:8]}-", dir=_home()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _home() -> str | None:
    import sys

    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker().local_directory
    except ValueError:  # no worker
        return None
