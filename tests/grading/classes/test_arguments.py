"""What a test passes to a student's function arrives as it was; functions of the test's own stay where they are."""

from __future__ import annotations

import datetime
import functools
import math
import pickle
import types

import numpy as np
import pandas as pd
import pytest

from course_lib.grading.processes import callbacks
from course_lib.grading.processes.arguments import dump
from course_lib.grading.tables_pickle import reducers

TIMES = pd.DatetimeIndex(["2021-01-01 10:00", None, "2021-01-03 11:30"], name="pickup")


class Rides(pd.DataFrame):
    """A table of another class, with something of its own."""

    _metadata = ["month"]  # noqa: RUF012 (as pandas wants it)

    @property
    def _constructor(self):
        return Rides


def there(value):
    """The value on the other side, and the functions that stayed here."""
    data, functions = dump(value)
    return pickle.loads(data), functions


def mixed() -> pd.DataFrame:
    columns = {"miles": [1.0, 2.0, np.nan], "rides": [1, 2, 3], "zone": ["a", None, "c"], "pickup": TIMES}
    columns |= {"kind": pd.Categorical(["x", "y", "x"]), "text": pd.array(["a", None, "b"], dtype="string")}
    return pd.DataFrame(columns, index=[4, 2, 7])


TABLES = {
    "mixed": mixed(),
    "reversed": mixed().iloc[::-1, ::-1],
    "no rows": mixed().iloc[:0],
    "no columns": mixed()[[]],
    "same names": pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    "times for rows": mixed().set_index("pickup"),
    "several levels": mixed().set_index(["zone", "rides"]),
    "with zones": pd.DataFrame({"t": TIMES.tz_localize("America/New_York")}),
    "many texts": pd.DataFrame({"zone": ["a", None] * 2000}),
}
SERIES = {
    "numbers": pd.Series([1.5, None], index=["a", "b"], name="miles"),
    "small numbers": pd.Series(np.array([1, 2], dtype="i1")),
    "texts": pd.Series(["a", None], name=("a", 1)),
    "times": pd.Series(TIMES),
    "objects": pd.Series(["a", {"b": 1}], dtype=object),
    "texts as objects": pd.Series(["a", "b"], dtype=object),
    "nothing": pd.Series([], dtype="Int64"),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_arrive_as_they_were(table):
    pd.testing.assert_frame_equal(there(table)[0], table)


@pytest.mark.parametrize("column", SERIES.values(), ids=SERIES)
def test_columns_arrive_as_they_were(column):
    pd.testing.assert_series_equal(there(column)[0], column)


INDEXES = {"times": TIMES, "days": pd.date_range("2021-01-01", periods=3), "numbers": pd.Index([1, 2], name="n")}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_indexes_arrive_as_they_were(index):
    got, _ = there(index)
    pd.testing.assert_index_equal(got, index, exact=True)
    assert getattr(got, "freq", None) == getattr(index, "freq", None)


def test_tables_are_pickled_by_their_parts():
    assert {pd.DataFrame, pd.Series, pd.Index, pd.DatetimeIndex} <= set(reducers())
    assert len(dump(mixed())[0]) < len(pickle.dumps(mixed(), 5))


def test_what_a_table_carries_besides_its_content_arrives():
    table, column = mixed(), SERIES["numbers"].copy()
    for one in (table, column):
        one.attrs["source"] = "TLC"
        assert there(one)[0].attrs == {"source": "TLC"}
        strict = one.set_flags(allows_duplicate_labels=False)
        assert not there(strict)[0].flags.allows_duplicate_labels
    rides = Rides({"miles": [1.0]})
    rides.month = "2021-01"
    got, _ = there(rides)
    assert (type(got), got.month) == (Rides, "2021-01")


def test_a_table_that_arrived_can_be_changed_and_shares_nothing():
    table = mixed()
    got, again = there([table, table])[0]
    assert got is again
    got["more"] = 1
    got.loc[2, "miles"] = 9.0
    got.index.name, got.columns.name = "ride", "what"
    pd.testing.assert_frame_equal(table, mixed())


def flaky():
    return "up"


flaky.__module__ = "__main__"  # where the tests' own functions are


class Clock:
    def now(self):
        return 1


OWN = {
    "a function": flaky,
    "a nameless one": lambda: "up",
    "what a list does": [].append,
    "what an object does": Clock().now,
}


WRAPPED = {
    "alone": lambda f: f,
    "in a dict": lambda f: {"action": [f]},
    "partly called": functools.partial,
    "beside a table": lambda f: [mixed(), f],
}


@pytest.mark.parametrize("function", OWN.values(), ids=OWN)
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_functions_of_the_tests_stay_and_are_called_by_number(function, wrap, monkeypatch):
    calls = []
    monkeypatch.setattr(callbacks, "_calls", [lambda *call: calls.append(call)])
    got, functions = there((7, wrap(function)))
    assert functions == [function]
    found = got[1]
    while not isinstance(found, types.FunctionType | functools.partial):
        found = found["action"] if isinstance(found, dict) else found[-1]
    found(1, b=2)
    assert calls == [(0, (1,), {"b": 2})]


@pytest.mark.parametrize(
    "function",
    [len, math.sqrt, np.mean, pd.read_csv, dict, datetime.datetime.fromisoformat],
    ids=lambda function: function.__name__,
)
def test_functions_that_the_other_side_has_go_there(function):
    assert there([function]) == ([function], [])


def test_what_cannot_travel_says_so():
    with pytest.raises(TypeError, match="generator"):
        dump(n for n in range(3))
