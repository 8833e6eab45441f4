"""Where months of trips come from: a simulator, a folder of the TLC's files, or the TLC itself."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow.parquet as pq

from course_lib import paths
from course_lib.errors import CourseError, UsageError
from course_lib.taxi import monthfile, months, simulator, storage, tlc

log = logging.getLogger(__name__)


class Source(Protocol):
    """What :mod:`course_lib.taxi.trips` asks of a source."""

    name: str

    def available(self) -> list[str]:
        """The months it has, in order."""

    def check(self, month: months.Month) -> None:
        """Raise MonthNotFound if it is sure not to have ``month``; asks no server."""

    def fetch(self, month: months.Month, rows: int | None = None, progress: bool = False) -> Path:
        """The parquet file that holds ``month``, made or downloaded if need be."""

    def read(self, month: months.Month, rows: int | None, columns: list[str] | None) -> pd.DataFrame:
        """The trips of ``month`` as stored."""


def choose(source: str | os.PathLike[str] | None = None) -> Source:
    """The source that is meant: ``simulated``, ``tlc``, a folder, or a store's address (``s3://bucket/months``).

    None asks the variable TAXI_DATA. A relative folder is looked for from the current folder, then from the project's.
    Raises UsageError for a folder that isn't there.
    """
    wanted = source if source is not None else os.environ.get("TAXI_DATA", "").strip() or "simulated"
    if wanted == "simulated":
        return Simulated(paths.data_dir() / "simulated")
    if wanted == "tlc":
        return Tlc(paths.data_dir() / "tlc")
    if storage.is_url(wanted):
        return Stored(storage.at(wanted), paths.data_dir() / "stored")
    folder = Path(wanted).expanduser()
    if not folder.is_absolute() and not folder.exists():
        folder = paths.project_root() / folder
    if not folder.is_dir():
        found = "is a file, not a folder" if folder.exists() else "isn't there"
        raise UsageError(
            f"The data folder {Path(wanted)} {found}. Trips come from 'simulated', 'tlc', or a folder of TLC "
            "parquet files: give one of them as source, or in the variable TAXI_DATA."
        )
    return Folder(folder)


def chosen_name(source: str | os.PathLike[str] | None = None) -> str:
    """The source that is meant, so that it means the same in another folder or process: a folder's whole path."""
    chosen = choose(source)
    return str(chosen.path.resolve()) if isinstance(chosen, Folder) else chosen.name


@dataclass(frozen=True)
class Folder:
    """A folder that holds files named as the TLC names them; it is only ever read."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.path)

    def available(self) -> list[str]:
        """The months whose file is there, whatever is in it."""
        return _months_among([p.name for p in self.path.glob(monthfile.name_of("*"))])

    def fetch(self, month: months.Month, rows: int | None = None, progress: bool = False) -> Path:  # noqa: ARG002
        """The month's file. Raises MonthNotFound, listing what the folder holds."""
        _no_rows(rows)
        self.check(month)
        return self.path / monthfile.name_of(str(month))

    def check(self, month: months.Month) -> None:
        """Raise MonthNotFound, listing what the folder holds, unless the month's file is there."""
        name = monthfile.name_of(str(month))
        if not (self.path / name).is_file():
            raise months.MonthNotFound(
                f"The folder {self.path} has no trips of {month} (it would be the file {name}). {self._holds()}"
            )

    def read(self, month: months.Month, rows: int | None, columns: list[str] | None) -> pd.DataFrame:
        """The trips as stored."""
        return monthfile.read(self.fetch(month, rows), columns)

    def _holds(self) -> str:
        if there := self.available():
            return f"Months there: {months.listed(there)}."
        others = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
        shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
        return f"It has no month at all, only: {shown}." if others else "It is empty."


@dataclass(frozen=True)
class Stored:
    """Files named as the TLC names them, in an object store; each version of one is copied once, into ``cache``."""

    place: storage.Place
    cache: Path

    @property
    def name(self) -> str:
        """The store's address."""
        return self.place.url

    def available(self) -> list[str]:
        """The months whose file is there, whatever is in it."""
        return _months_among(self.place.names())

    def check(self, month: months.Month) -> None:
        """Raise MonthNotFound, listing what the store holds, unless the month's file is there."""
        self.version(month)

    def version(self, month: months.Month) -> str:
        """A word that changes when the month's file does. Raises MonthNotFound, and storage.StorageError."""
        name = monthfile.name_of(str(month))
        if (held := self.place.held(name)) is None:
            there = self.available()
            holds = f"Months there: {months.listed(there)}." if there else "It has no month at all."
            raise months.MonthNotFound(f"{self.place} has no trips of {month} (it would be {name}). {holds}")
        return f"{held.version} {held.bytes}"

    def fetch(self, month: months.Month, rows: int | None = None, progress: bool = False) -> Path:  # noqa: ARG002
        """A copy of the month's file on this machine, the newest version."""
        _no_rows(rows)
        version = self.version(month)
        told = hashlib.sha256(f"{self.place} {version}".encode()).hexdigest()[:16]
        path = self.cache / told / monthfile.name_of(str(month))
        if not path.is_file():
            self.place.fetch(path.name, path)
            if self.version(month) != version:
                path.unlink()
                raise storage.Unreachable(f"{self.place}/{path.name} was replaced while it was read.")
        return path

    def read(self, month: months.Month, rows: int | None, columns: list[str] | None) -> pd.DataFrame:
        """The trips as stored."""
        return monthfile.read(self.fetch(month, rows), columns)


@dataclass(frozen=True)
class Simulated:
    """Simulated months, kept in ``cache`` between runs; where that can't be written to, made anew each time."""

    cache: Path
    name: str = "simulated"

    def available(self) -> list[str]:
        """Every month that the simulator knows."""
        return months.months(simulator.FIRST, simulator.LAST)

    def check(self, month: months.Month) -> None:
        """Raise MonthNotFound for a month outside of the simulator's years."""
        simulator.check_known(month)

    def fetch(self, month: months.Month, rows: int | None = None, progress: bool = False) -> Path:  # noqa: ARG002
        """The month's file, simulated unless this version's is there. Raises NoRoom when the disk is full."""
        path = self._path(month, rows)
        if not self._is_current(path):
            monthfile.write(simulator.simulate(str(month), rows), path)
        return path

    def read(self, month: months.Month, rows: int | None, columns: list[str] | None) -> pd.DataFrame:
        """The trips as stored; without a cache if it can't be written to."""
        path = self._path(month, rows)
        if not self._is_current(path):
            table = simulator.simulate(str(month), rows)
            try:
                monthfile.write(table, path)
            except monthfile.Unwritable as error:
                log.info("no cache for simulated months: %s", error)
            return (table.select(columns) if columns else table).to_pandas()
        return monthfile.read(path, columns)

    def _path(self, month: months.Month, rows: int | None) -> Path:
        self.check(month)
        usual = rows is None or rows == simulator.default_rows(str(month))
        folder = self.cache if usual else self.cache / f"rows-{rows}"
        return folder / monthfile.name_of(str(month))

    @staticmethod
    def _is_current(path: Path) -> bool:
        try:
            made_by = pq.read_schema(path).metadata or {}
            return made_by.get(b"simulator") == simulator.VERSION.encode() and bool(monthfile.footer(path))
        except (CourseError, OSError, ValueError):  # not there, damaged, or not readable: made anew
            return False


@dataclass(frozen=True)
class Tlc:
    """The TLC's public files, downloaded once into ``cache``."""

    cache: Path
    name: str = "tlc"

    def available(self) -> list[str]:
        """The months that the TLC should have published by now: the newest are about two months old."""
        return tlc.published()

    def check(self, month: months.Month) -> None:
        """Raise MonthNotFound for a month before the TLC's first file; the newest ones only the TLC knows."""
        if str(month) < tlc.FIRST:
            raise tlc.NotPublished(f"The TLC has no file for {month}: the first is {tlc.FIRST}.")

    def fetch(self, month: months.Month, rows: int | None = None, progress: bool = False) -> Path:
        """The month's file, downloaded if it isn't there."""
        _no_rows(rows)
        self.check(month)
        path = self.cache / monthfile.name_of(str(month))
        return path if path.is_file() else tlc.download(str(month), self.cache, progress=progress)

    def read(self, month: months.Month, rows: int | None, columns: list[str] | None) -> pd.DataFrame:
        """The trips as stored."""
        try:
            return monthfile.read(self.fetch(month, rows), columns)
        except monthfile.Unwritable as error:
            log.info("no cache for downloaded months: %s", error)
        with tempfile.TemporaryDirectory() as folder:
            return monthfile.read(tlc.download(str(month), Path(folder)), columns)


def _months_among(names: list[str]) -> list[str]:
    stems = (name.removeprefix("green_tripdata_").removesuffix(".parquet") for name in names)
    return sorted(stem for stem in stems if months.is_month(stem))


def _no_rows(rows: int | None) -> None:
    if rows is not None:
        raise UsageError("Only simulated months come in any size: leave rows out, or use the source 'simulated'.")
