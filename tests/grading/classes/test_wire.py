"""Data goes through unchanged; anything else is stopped, whoever wrote the message."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import fractions
import json
import pathlib
import pickle
import types
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.grading import wire
from course_lib.grading.processes.changes import Watch

Point = collections.namedtuple("Point", ["x", "y"])

PLAIN = [
    None, True, 0, -(2**70), 2**4000, 1.5, float("inf"), -0.0, "é\ud800", b"\0a", bytearray(b"x"), 1 + 2j,
    range(2, 9, 3), slice(1, None), ..., [1, [2, (3, {4})]], frozenset({1}), {"a": [1], (1, 2): None},
    collections.Counter("aab"),
    collections.OrderedDict(b=1, a=2), collections.deque([1, 2]), datetime.date(2021, 1, 2), datetime.time(1, 2, 3),
    datetime.datetime(2021, 1, 2, 3, 4, tzinfo=datetime.UTC), datetime.timedelta(1, 2, 3), decimal.Decimal("1.10"),
    datetime.datetime(2021, 7, 1, tzinfo=zoneinfo.ZoneInfo("America/New_York")), fractions.Fraction(1, 3),
    pathlib.Path("a/b"), types.SimpleNamespace(a=1), pd.Timestamp("2021-01-01", tz="UTC"), pd.Timedelta("3s"),
    pd.Period("2021-01"), pd.Interval(0, 1, closed="left"), np.float64(2.5), np.int8(3), np.datetime64("2021-01-01"),
]  # fmt: skip
TABLES = [
    pd.Series([1.5, None], index=["a", "b"], name="x"),
    pd.Series(["a", None], dtype="string"),
    pd.Series(["a", "b"], dtype=object),
    pd.Series([1, None], dtype="Int64"),
    pd.Series([True, None], dtype="boolean"),
    pd.Series(pd.date_range("2021-01-01", periods=2, tz="Europe/Berlin")),
    pd.Series(pd.period_range("2021-01", periods=2, freq="M")),
    pd.Series(["u", "v", "u"], dtype="category"),
    pd.Series(pd.to_timedelta([1, 2], unit="min")),
    pd.Series([], dtype=float),
    pd.DataFrame(),
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "t": pd.to_datetime(["2021-01-01", None])}, index=[5, 3]),
    pd.DataFrame({"a": [1.0]}, index=pd.MultiIndex.from_tuples([(1, "a")], names=["i", "j"])),
    pd.DataFrame([[1, 2]], columns=["same", "same"]),
    pd.DataFrame({"o": np.array([{"x": 1}, [2]], dtype=object)}),
]


def through(value, known=()):
    return wire.decode(wire.encode(value, known), known)


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values(value):
    got = through(value)
    assert type(got) is type(value)
    assert got == value
    assert repr(got) == repr(value)


def test_missing_values_stay_what_they_are():
    assert through(pd.NaT) is pd.NaT
    assert through(pd.NA) is pd.NA
    assert through([float("nan")])[0] != through([float("nan")])[0]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{type(t).__name__} {getattr(t, 'dtype', '')}")
def test_tables(table):
    got = through(table)
    same = pd.testing.assert_series_equal if isinstance(table, pd.Series) else pd.testing.assert_frame_equal
    same(got, table)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f8", "c16", "M8[us]", "m8[s]", "U5", "S3", "O"])
@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), ()])
def test_arrays(dtype, shape):
    array = np.zeros(shape, dtype=dtype)
    got = through(array)
    assert (got.dtype, got.shape) == (array.dtype, array.shape)
    assert got.tolist() == array.tolist()


def test_a_table_of_many_kinds_of_columns_stays_as_it_is():
    times = pd.DatetimeIndex(["2021-01-01 10:00", None])
    kinds = {
        "miles": [1.5, 2.0], "rides": [1, 2], "minutes": [3.0, 4.0], "short": np.array([1, 2], dtype="f4"),
        "good": [True, False], "zone": ["a", None], "text": pd.array(["a", None], dtype="string"),
        "pickup": times, "drop-off": times.as_unit("s"), "zoned": times.tz_localize("America/New_York"),
        "object": pd.Series([{"x": 1}, None], dtype=object), "fares": pd.array([1, None], dtype="Int64"),
    }  # fmt: skip
    table = pd.DataFrame(kinds, index=pd.DatetimeIndex(["2021-01-01", "2021-01-03"], name="day"))
    for shown in (table, table.iloc[::-1], table.iloc[:0], table[[]], table[["zone", "miles", "minutes"]]):
        pd.testing.assert_frame_equal(through(shown), shown)
    got = through(table)
    got.loc[:, "minutes"] = 0.0  # a column of its own, though it lies beside another of its kind
    assert got["miles"].tolist() == [1.5, 2.0]


def test_iterators_and_views():
    assert list(through(x * 2 for x in range(3))) == [0, 2, 4]
    assert not isinstance(through(map(str, [1])), list)
    assert through({"a": 1, "b": 2}.keys()) == {"a", "b"}
    with pytest.raises(wire.WireError, match="iterator"):
        wire.encode(0 for _ in iter(int, 1))


def test_records_keep_their_fields_and_lose_their_methods():
    @dataclasses.dataclass
    class Config:
        port: int

        def __eq__(self, other):
            return True

    got = through(Config(80))
    assert (got.port, got == 3) == (80, False)
    point = through(Point(1, 2))
    assert (point.x, point) == (1, (1, 2))


class Liar(dict):
    def __eq__(self, other):
        return True

    def __getitem__(self, key):
        return "whatever you like"

    __hash__ = None


class Number(float):
    def __le__(self, other):
        return True


def test_subclasses_arrive_as_the_data_that_they_hold():
    assert (through(Liar(a=1)), type(through(Liar(a=1)))) == ({"a": 1}, dict)
    assert type(through(Number(9.0))) is float
    assert not through(Number(9.0)) <= 1
    table = type("Table", (pd.DataFrame,), {"equals": lambda *_: True})({"a": [1]})
    assert type(through(table)) is pd.DataFrame


def test_an_object_without_data_is_equal_to_nothing():
    class Anything:
        def __eq__(self, other):
            return True

        def __bool__(self):
            return True

        def __repr__(self):
            return "42"

    got = through(Anything())
    assert isinstance(got, wire.Foreign)
    assert got != 42
    assert repr(got) == "42"
    with pytest.raises(TypeError):
        bool(got)


def test_what_both_sides_have_stays_the_same_object():
    frame = TABLES[11]
    got = through([frame, {"again": frame}, frame.copy()], [frame])
    assert got[0] is frame
    assert got[1]["again"] is frame
    assert got[2] is not frame


def test_what_is_too_much_is_refused():
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(wire.WireError, match="deep"):
        wire.encode(deep)
    loop = []
    loop.append(loop)
    with pytest.raises(wire.WireError):
        wire.encode(loop)


FLOAT = ["array_", "<f8", [1], 0]
COLUMN = ["index_", ["strings_", "str", ["a"]], None]


def message(tree, *buffers):
    head = json.dumps([[len(b) for b in buffers], tree]).encode()
    return len(head).to_bytes(8, "big") + head + b"".join(buffers)


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"\xff" * 8,
        b"\0" * 7 + b"\x02[]",
        pickle.dumps(print),
        message(["nothing_of_the_kind"]),
        message(["values"]),
        message(["value", 1]),
        message(["_int", "1"]),
        message(["__init__", []]),
        message(["known", 0]),
        message(["bytes", "bytes", 3]),
        message(["array_", "O", [1], 0], b"12345678"),
        message(["array_", "V8", [1], 0], b"12345678"),
        message(["array_", "f8", [9, 9], 0], b"12345678"),
        message(["array_", "f8, O", [1], 0], b"12345678"),
        message(["array_", "i8", [10**12], 0], b"12345678"),
        message(["record", "namedtuple", "X", ["__class__"], [1]]),
        message(["record", "namedtuple", "import os", ["a"], [1]]),
        message(["record", "dataclass", "X", ["a=print()"], [1]]),
        message(["strings_", "object", ["a"]]),
        message(["masked_", "print", [1], [0]]),
        message(["dict", "dict", [[["list", "list", []], 1]]]),
        message(["function", "f", None, [["a b", 1, False]]]),
        message(["frame_", [["array_", "<f8", [2], 0]], ["rangeindex_", 0, 3, 1, None], COLUMN], b"12345678" * 2),
        message(["frame_", [FLOAT, FLOAT], ["rangeindex_", 0, 1, 1, None], COLUMN], b"12345678"),
        message(["frame_", [FLOAT], ["rangeindex_", 0, 1, 1, None], ["list", "list", ["a"]]], b"12345678"),
        message(["frame_", [["array_", "<f8", [1, 1], 0]], ["rangeindex_", 0, 1, 1, None], COLUMN], b"12345678"),
        message(["range", 1.5]),
        message(["list", "system", []]),
        message(["constant", "Foreign"]),
    ],
    ids=str,
)
def test_forged_messages_are_refused(forged):
    with pytest.raises(wire.WireError):
        wire.decode(forged)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused_or_harmless(noise):
    framed = len(noise).to_bytes(8, "big") + noise
    for data in (noise, framed):
        try:
            value = wire.decode(data)
        except wire.WireError:
            continue
        assert value is None or isinstance(value, bool | int | float | str)


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(st.sampled_from(["list", "dict", "array_", "series_"]), inner).map(list)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(trees)
def test_any_tree_is_a_value_or_a_wire_error(tree):
    try:
        wire.decode(message(tree, b"12345678"))
    except wire.WireError:
        return


CHANGES = {
    "a column": lambda d: d.__setitem__("a", 0.0),
    "a cell": lambda d: d.loc.__setitem__(("p", "a"), 9.0),
    "a row less": lambda d: d.drop("p", inplace=True),
    "an index name": lambda d: setattr(d.index, "name", "z"),
    "column names": lambda d: setattr(d, "columns", ["m", "n"]),
    "the order": lambda d: d.sort_values("b", ascending=False, inplace=True),
    "a new column": lambda d: d.insert(0, "n", 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changes_of_a_table_are_seen(change):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}, index=["p", "q"])
    watch = Watch(frame)
    assert not watch.changed()
    frame[frame["a"] > 1].assign(c=1)
    assert not watch.changed()
    change(frame)
    assert watch.changed()


def test_changes_of_other_arguments_are_seen():
    values = [[1], {"a": 1}, {1}, np.arange(3), pd.Series([1.0])]
    watches = [Watch(value) for value in values]
    values[0].append(2)
    values[1]["b"] = 2
    values[2].add(2)
    values[3][0] = 9
    values[4].iloc[0] = 5
    assert all(watch.changed() for watch in watches)
    assert not Watch((1, 2)).changed()
