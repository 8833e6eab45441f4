"""A gradebook's database, read and written by rows: SQLite by Python's own library, PostgreSQL by psycopg.

Both without SQLAlchemy and nbgrader, whose import takes as long as grading several students.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook_address import GradebookError, for_libpq, in_words, is_postgresql, sqlite_file, words

VERSION = "e43177bfe90b"  # of nbgrader's tables
_PATIENCE = 30.0  # seconds to wait for somebody else who writes
_CONNECT = 10  # seconds for a server to answer
_AGAIN = (0.0, 1.0, 3.0, 6.0, 12.0)  # seconds to wait before each try after a connection was lost


class Database(Protocol):
    """What both kinds can do. ``?`` stands for a value."""

    def rows(self, text: str, values: Sequence[Any] = ()) -> Iterable[Any]: ...

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None: ...

    def together(self, act: Callable[[], None]) -> None:
        """All that ``act`` inserts, or nothing."""

    def close(self) -> None: ...


def open_database(folders: CourseFolders, *, reads_only: bool = False) -> Database | None:
    """None where there is no gradebook yet, or it is of another kind or version: then nbgrader is to be asked.

    Raises GradebookError where a server can't be reached.
    """
    database: Database
    if (file := sqlite_file(folders.db_url)) is not None:
        if not file.is_file():
            return None
        database = _Sqlite(file.absolute().as_posix(), reads_only)
    elif is_postgresql(folders.db_url):
        database = _Postgresql(folders.db_url)
    else:
        return None
    if database.version() == VERSION:
        return database
    database.close()
    return None


class _Sqlite:
    def __init__(self, path: str, reads_only: bool) -> None:
        mode = "ro" if reads_only else "rw"
        self.database = sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, timeout=_PATIENCE)

    def version(self) -> str | None:
        try:
            found = self.database.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.Error:
            return None
        return found[0][0] if len(found) == 1 else None

    def rows(self, text: str, values: Sequence[Any] = ()) -> Iterable[Any]:
        return self.database.execute(text, values)

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        names = list(rows[0])
        self.database.executemany(_insert(table, names, "?"), [[_stored(row[name]) for name in names] for row in rows])

    def together(self, act: Callable[[], None]) -> None:
        with self.database:
            act()

    def close(self) -> None:
        self.database.close()


class _Postgresql:
    """A connection that was lost, as when the server is started again, is made anew."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.url, self.psycopg = url, psycopg
        with in_words(url, psycopg.Error):
            self.database = self._connect()

    def _connect(self) -> Any:
        return self.psycopg.connect(for_libpq(self.url), autocommit=True, connect_timeout=_CONNECT)

    def version(self) -> str | None:
        try:
            found = self.database.execute("SELECT version_num FROM alembic_version").fetchall()
        except self.psycopg.errors.UndefinedTable:
            return None
        except self.psycopg.Error as error:
            raise GradebookError(words(self.url, error)) from None
        return found[0][0] if len(found) == 1 else None

    def rows(self, text: str, values: Sequence[Any] = ()) -> Iterable[Any]:
        return self._kept(lambda: self.database.execute(text.replace("?", "%s"), values).fetchall())

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        names = list(rows[0])
        with self.database.cursor() as cursor:
            cursor.executemany(_insert(table, names, "%s"), [[row[name] for name in names] for row in rows])

    def together(self, act: Callable[[], None]) -> None:
        def once() -> None:
            with self.database.transaction():
                act()

        self._kept(once)

    def close(self) -> None:
        self.database.close()

    def _kept(self, act: Callable[[], Any]) -> Any:
        """What ``act`` returns, on a new connection where the old one is lost."""
        with in_words(self.url, self.psycopg.Error):
            for pause in _AGAIN:
                try:
                    if self.database.closed:
                        time.sleep(pause)
                        self.database = self._connect()
                    return act()
                except self.psycopg.OperationalError:
                    if not self.database.closed:  # something else than the connection
                        raise
            raise self.psycopg.OperationalError("the connection to the server was lost, and it doesn't answer")


def _insert(table: str, names: list[str], mark: str) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"


def _stored(value: Any) -> Any:
    """As SQLAlchemy keeps it in SQLite."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
