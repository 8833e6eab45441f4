"""What MLflow wrote down, read from its files: runs, registered versions and aliases. No MLflow is needed.

Databases are opened read-only, and a copy of one that somebody may be writing to.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from course_lib.taxi.maturity.scan import File, Project

LARGEST = 500_000_000  # bytes of a database that is still opened


@dataclass(frozen=True)
class Run:
    """A run; ``data`` are the hashes of what it learned from or was judged on."""

    id: str
    status: str
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    data: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it finished and says with what, how well, and on which data."""
        return bool(self.status == "FINISHED" and self.params and self.metrics and self.data)


@dataclass(frozen=True)
class Version:
    """A registered version of a model, the aliases that point to it, and its tags."""

    name: str
    number: int
    run_id: str
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Records:
    """One MLflow store: where it lies, its runs and its registered versions."""

    where: str
    runs: list[Run]
    versions: list[Version]


def of(project: Project) -> list[Records]:
    """Every MLflow store in the directory: SQLite databases, and folders ``mlruns``."""
    known = project.__dict__
    if "records" not in known:
        databases = project.ending(".db", ".sqlite", ".sqlite3")
        known["records"] = [*filter(None, (_database(project, file) for file in databases)), *_folders(project)]
    return known["records"]


def read_database(path: Path, name: str = "") -> Records | None:
    """The store in one SQLite file; None for a database of something else. Raises sqlite3.Error, OSError."""
    with _opened(path) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"runs", "params", "metrics", "tags"} <= tables:
            return None
        return _Reader(connection, tables).records(name or path.name)


def model_tag(path: Path, model: str, key: str) -> str:
    """The tag ``key`` of a registered model; empty where it has none. Raises sqlite3.Error, OSError."""
    with _opened(path) as connection:
        question = "SELECT value FROM registered_model_tags WHERE name = ? AND key = ?"
        row = connection.execute(question, (model, key)).fetchone()
    return str(row[0]) if row else ""


def _database(project: Project, file: File) -> Records | None:
    if file.size > LARGEST:
        project.unreadable[file.name] = "is too large to be looked into"
        return None
    try:
        return read_database(file.path, file.name)
    except (sqlite3.Error, OSError) as error:
        project.unreadable[file.name] = f"can't be read as a database: {error}"
        return None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Read-only. Beside a write-ahead log even reading would write, so that a copy is read."""
    with tempfile.TemporaryDirectory(prefix="assess-", ignore_cleanup_errors=True) as folder:
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            for part in (path, log):
                shutil.copyfile(part, Path(folder) / part.name)
            address = (Path(folder) / path.name).as_posix(), "mode=rw"
        else:
            address = path.as_posix(), "mode=ro&immutable=1"
        uri = f"file:{quote(address[0])}?{address[1]}"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            yield connection


class _Reader:
    def __init__(self, connection: sqlite3.Connection, tables: set[str]) -> None:
        self.connection, self.tables = connection, tables

    def records(self, where: str) -> Records:
        params, tags = self._pairs("params", "run_uuid"), self._pairs("tags", "run_uuid")
        metrics = self._pairs("latest_metrics" if "latest_metrics" in self.tables else "metrics", "run_uuid")
        runs = [
            Run(
                run,
                status,
                params.get((run,), {}),
                metrics.get((run,), {}),
                tags.get((run,), {}),
                _hashes(tags.get((run,), {}), params.get((run,), {}), self.digests.get(run, ())),
            )
            for run, status in self._rows("SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active'")
        ]
        return Records(where, runs, self._versions())

    @cached_property
    def digests(self) -> dict[str, tuple[str, ...]]:
        """The digests of MLflow's own datasets by run."""
        if not {"inputs", "datasets"} <= self.tables:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        question = (
            "SELECT inputs.destination_id, datasets.digest FROM inputs "
            "JOIN datasets ON inputs.source_id = datasets.dataset_uuid WHERE inputs.source_type = 'DATASET'"
        )
        for run, digest in self._rows(question):
            found[run] = (*found.get(run, ()), digest)
        return found

    def _versions(self) -> list[Version]:
        if "model_versions" not in self.tables:
            return []
        tags = self._pairs("model_version_tags", "name, version") if "model_version_tags" in self.tables else {}
        pointing: dict[tuple, tuple[str, ...]] = {}
        if "registered_model_aliases" in self.tables:
            for name, number, alias in self._rows("SELECT name, version, alias FROM registered_model_aliases"):
                pointing[name, int(number)] = (*pointing.get((name, int(number)), ()), alias)
        question = "SELECT name, version, run_id FROM model_versions WHERE current_stage <> 'Deleted_Internal'"
        return [
            Version(name, int(number), run or "", pointing.get((name, int(number)), ()), tags.get((name, number), {}))
            for name, number, run in self._rows(question)
        ]

    def _rows(self, question: str) -> list[tuple]:
        return self.connection.execute(question).fetchall()

    def _pairs(self, table: str, owner: str) -> dict[tuple, dict]:
        """``key``/``value`` rows as a dictionary for each owner."""
        found: dict[tuple, dict] = {}
        for *whose, key, value in self._rows(f"SELECT {owner}, key, value FROM {table}"):
            found.setdefault(tuple(whose), {})[key] = value
        return found


def _hashes(tags: dict[str, str], params: dict[str, str], digests: tuple[str, ...]) -> tuple[str, ...]:
    """What names the data: MLflow's digests, and entries about data whose value is a hash (or DVC's name for one)."""
    named = [
        str(value)
        for key, value in {**params, **tags}.items()
        if any(word in key.lower() for word in ("data", "dvc", "train", "input"))
        and len(str(value)) >= 8
        and all(
            letter in "0123456789abcdef" for letter in str(value).lower().removeprefix("sha256:").removeprefix("md5:")
        )
    ]
    return (*digests, *named)


def _folders(project: Project) -> list[Records]:
    """MLflow's older store: ``mlruns/<experiment>/<run>/meta.yaml`` with a file for each parameter and metric."""
    inside: dict[str, dict[str, File]] = {}
    for file in project.files:
        before, mark, rest = file.name.rpartition("mlruns/")
        if mark:
            inside.setdefault(before + mark, {})[rest] = file
    return [
        Records(where.rstrip("/"), _file_runs(project, files), _file_versions(project, files))
        for where, files in inside.items()
    ]


def _file_runs(project: Project, files: dict[str, File]) -> list[Run]:
    runs = []
    for name in files:
        parts = name.split("/")
        if len(parts) == 3 and parts[2] == "meta.yaml" and parts[0] not in ("models", ".trash"):
            home = "/".join(parts[:2])
            meta = project.yaml(files[name])
            status = str(meta.get("status")) if isinstance(meta, dict) else ""
            values = {kind: _values(project, files, f"{home}/{kind}/") for kind in ("params", "metrics", "tags")}
            metrics = {key: number for key, text in values["metrics"].items() if (number := _last(text)) is not None}
            digests = tuple(part.split("/")[2] for part in files if part.startswith(f"{home}/inputs/"))
            runs.append(
                Run(
                    parts[1],
                    "FINISHED" if status in ("3", "FINISHED") else status,
                    values["params"],
                    metrics,
                    values["tags"],
                    _hashes(values["tags"], values["params"], digests),
                )
            )
    return runs


def _last(text: str) -> float | None:
    """The value in the last line of a metric's file: time, value, step."""
    with contextlib.suppress(ValueError, IndexError):
        return float(text.splitlines()[-1].split()[1])
    return None


def _values(project: Project, files: dict[str, File], prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: project.text(file).strip() for name, file in files.items() if name.startswith(prefix)}


def _file_versions(project: Project, files: dict[str, File]) -> list[Version]:
    found = []
    for name, file in files.items():
        parts = name.split("/")
        if len(parts) == 4 and parts[0] == "models" and parts[2].startswith("version-") and parts[3] == "meta.yaml":
            number = int(parts[2].removeprefix("version-"))
            names = _values(project, files, f"models/{parts[1]}/aliases/")
            meta = project.yaml(file)
            run = str(meta.get("run_id", "")) if isinstance(meta, dict) else ""
            pointing = tuple(alias for alias, target in names.items() if target == str(number))
            tags = _values(project, files, f"models/{parts[1]}/{parts[2]}/tags/")
            found.append(Version(parts[1], number, run, pointing, tags))
    return found
