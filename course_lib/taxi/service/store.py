"""The table of predictions that were given, in SQLite or, by its URL, PostgreSQL.

A prediction has an id of its own, so that writing it twice leaves one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from course_lib.errors import UsageError
from course_lib.taxi.service.logs import discreet

_metadata = sa.MetaData()
predictions = sa.Table(
    "predictions",
    _metadata,
    sa.Column("prediction_id", sa.String(64), primary_key=True),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False, index=True),  # UTC
    sa.Column("rider", sa.String(64)),
    sa.Column("pickup", sa.Integer, nullable=False),
    sa.Column("dropoff", sa.Integer, nullable=False),
    sa.Column("pickup_time", sa.DateTime, nullable=False),  # New York's wall time
    sa.Column("minutes", sa.Float, nullable=False),
    sa.Column("model_name", sa.String(256), nullable=False),
    sa.Column("model_version", sa.Integer, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),  # champion or challenger
    sa.Column("shadow", sa.Boolean, nullable=False),  # True: made beside the answer, never shown to the rider
)
_TIMES = ("made_at", "pickup_time")
_AT_ONCE = 1000  # rows in one statement: databases limit its parameters


class PredictionStore:
    """Rows of predictions behind a database URL."""

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
            dialect = self.url.get_dialect().name
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
            why = discreet(f"'{url}' is no database URL like sqlite:///predictions.db: {error}")
            raise UsageError(why) from None  # what it came from holds the URL with its password
        if dialect not in ("sqlite", "postgresql"):
            raise UsageError(f"Predictions are stored in SQLite or PostgreSQL, not in {dialect}.")
        waits = {"timeout": 5} if dialect == "sqlite" else {"connect_timeout": 5}
        # whose rides are stored is nobody's business who reads a log: no values in the messages of errors
        self.engine = sa.create_engine(
            self.url, connect_args=waits, pool_pre_ping=dialect != "sqlite", hide_parameters=True
        )
        if dialect == "sqlite":
            sa.event.listen(self.engine, "connect", _many_readers_one_writer)
        self._there = False

    def add(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Store rows (columns as in ``predictions``; times as datetime or ISO text), all or none of them.

        Those already there are left as they are. Returns how many came in. Raises SQLAlchemy's errors.
        """
        self._create()
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "sqlite":
                # as SQLite itself takes them: a third of the processor time, which is the answers'
                prepared = [_as_sqlite(row) for row in rows]
                if prepared:
                    connection.exec_driver_sql(_INTO_SQLITE, prepared)
            else:
                prepared = [_with_times(row) for row in rows]
                for start in range(0, len(prepared), _AT_ONCE):
                    connection.execute(self._insert(), prepared[start : start + _AT_ONCE])
        return len(prepared)

    def count(self) -> int:
        """How many predictions are stored."""
        self._create()
        with self.engine.begin() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(predictions)) or 0

    def read(self, first: datetime | None = None, until: datetime | None = None) -> Any:
        """Predictions by pickup time (first ≤ time < until, New York), as a DataFrame with the table's columns."""
        import pandas as pd

        query = sa.select(predictions).order_by(predictions.c.pickup_time, predictions.c.prediction_id)
        if first is not None:
            query = query.where(predictions.c.pickup_time >= first)
        if until is not None:
            query = query.where(predictions.c.pickup_time < until)
        self._create()
        with self.engine.begin() as connection:
            return pd.read_sql(query, connection)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _create(self) -> None:
        """Make the table if it isn't there. Several processes may find at once that it isn't: one makes it."""
        if self._there:
            return
        try:
            _metadata.create_all(self.engine)
        except sa.exc.DBAPIError:
            _metadata.create_all(self.engine)  # it looks again; what else was wrong, is wrong still
        self._there = True

    def _insert(self) -> sa.Insert:
        from sqlalchemy.dialects.postgresql import insert

        return insert(predictions).on_conflict_do_nothing(index_elements=["prediction_id"])


def _with_times(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: datetime.fromisoformat(row[name]) for name in _TIMES if isinstance(row[name], str)}
    return {**row, **times}


def _as_sqlite(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The columns' values; times as SQLAlchemy keeps them in SQLite, so that they sort: 2021-02-03 08:30:00.000000."""
    values = list(_values(row))
    for place in _TIME_PLACES:
        values[place] = _text(values[place])
    return tuple(values)


def _text(time: str | datetime) -> str:
    if not isinstance(time, str):
        return time.isoformat(" ", "microseconds")
    return f"{time[:10]} {time[11:]}" if len(time) == 26 else _text(datetime.fromisoformat(time))


_COLUMNS = [column.name for column in predictions.columns]
_values = itemgetter(*_COLUMNS)
_TIME_PLACES = [_COLUMNS.index(name) for name in _TIMES]
_INTO_SQLITE = "INSERT INTO predictions ({}) VALUES ({}) ON CONFLICT (prediction_id) DO NOTHING".format(
    ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
)


def _many_readers_one_writer(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
