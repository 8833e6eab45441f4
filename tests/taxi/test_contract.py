"""The door: harmless variants of types become one, and every breach is listed."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from course_lib.errors import CourseError
from course_lib.taxi import contract, simulator, trips
from tests.taxi.samples import real_folder


@pytest.fixture(scope="module")
def month():
    return contract.check(simulator.simulate("2021-01", 500).to_pandas())


def violations(frame, **kwargs):
    with pytest.raises(contract.ContractError) as caught:
        contract.check(frame, **kwargs)
    assert isinstance(caught.value, CourseError)
    for violation in caught.value.violations:
        assert str(violation) in str(caught.value)
    return {violation.column: (violation.what, violation.rows) for violation in caught.value.violations}


def dtypes(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def test_twenty_columns_in_order_and_canonical_types(month):
    assert len(contract.COLUMNS) == 20
    assert dtypes(month) == contract.DTYPES
    pd.testing.assert_frame_equal(contract.check(month), month)


def test_the_order_of_columns_and_the_index_do_not_matter(month):
    shuffled = month[month.columns[::-1]].set_index(np.arange(500) * 3)
    checked = contract.check(shuffled)
    assert tuple(checked.columns) == contract.COLUMNS
    assert checked.index.tolist() == (np.arange(500) * 3).tolist()


def test_files_of_2021_and_of_2023_come_in_alike():
    old, new = (simulator.simulate(month, 300) for month in ("2021-01", "2023-06"))
    changed = [name for name in old.schema.names if old.schema.field(name).type != new.schema.field(name).type]
    assert {"VendorID", "store_and_fwd_flag", "RatecodeID", "passenger_count", "ehail_fee", "trip_type"} <= set(changed)
    assert pa.types.is_null(old.schema.field("ehail_fee").type)
    assert pa.types.is_large_string(new.schema.field("store_and_fwd_flag").type)
    assert pa.types.is_int64(new.schema.field("passenger_count").type)
    frames = [contract.check(table.to_pandas()) for table in (old, new)]
    assert dtypes(frames[0]) == dtypes(frames[1]) == contract.DTYPES
    for frame in frames:
        gaps = frame[["store_and_fwd_flag", "RatecodeID", "passenger_count", "payment_type", "trip_type"]].isna()
        assert gaps.any().all()
        assert (gaps.sum(axis=1).isin([0, 5])).all(), "values are missing together"


@pytest.mark.parametrize(
    ("column", "variant"),
    [
        ("passenger_count", "Int64"),
        ("passenger_count", "float32"),
        ("RatecodeID", "Int32"),
        ("VendorID", "int8"),
        ("VendorID", "Int64"),
        ("PULocationID", "float64"),
        ("lpep_pickup_datetime", "datetime64[ns]"),
        ("lpep_dropoff_datetime", "datetime64[s]"),
        ("store_and_fwd_flag", "object"),
        ("store_and_fwd_flag", "category"),
        ("ehail_fee", "object"),
    ],
)
def test_harmless_variants_become_canonical_without_a_value_changed(month, column, variant):
    checked = contract.check(month.assign(**{column: month[column].astype(variant)}))
    pd.testing.assert_frame_equal(checked, month)


def test_a_column_that_the_tlc_added_later_stays_outside(month):
    pd.testing.assert_frame_equal(contract.check(month.assign(cbd_congestion_fee=0.75)), month)


def test_missing_and_unexpected_columns_are_each_listed(month):
    wrong = month.drop(columns=["trip_type", "VendorID"]).assign(airport_fee=1.25, note="x")
    found = violations(wrong, what="The trips of 2021-01")
    assert found == {
        "trip_type": ("the column is missing", None),
        "VendorID": ("the column is missing", None),
        "airport_fee": ("no such column is expected", None),
        "note": ("no such column is expected", None),
    }
    with pytest.raises(
        contract.ContractError, match=r"^The trips of 2021-01 break the contract for trips in 4 ways:\n"
    ):
        contract.check(wrong, what="The trips of 2021-01")


def test_a_column_twice(month):
    doubled = pd.concat([month, month[["VendorID"]]], axis=1)
    assert violations(doubled)["VendorID"] == ("the column is there more than once", None)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("trip_distance", "far", "where numbers are expected"),
        ("lpep_pickup_datetime", "2021-01-01 10:00:00", "where dates with times are expected"),
        ("lpep_pickup_datetime", pd.Timestamp("2021-01-01", tz="UTC"), "where dates with times are expected"),
        ("lpep_dropoff_datetime", 1609459200, "has the type int64 where dates with times"),
        ("passenger_count", True, "has the type bool where numbers are expected"),
        ("store_and_fwd_flag", 1.0, "has the type float64 where text is expected"),
        ("VendorID", "2", "where whole numbers are expected"),
    ],
)
def test_wrong_types_are_named_with_what_was_expected(month, column, values, words):
    found = violations(month.assign(**{column: values}))
    assert list(found) == [column]
    assert words in found[column][0]


def test_several_wrong_types_and_columns_at_once(month):
    wrong = month.drop(columns="extra").assign(fare_amount="12", tip_amount="1", more=0)
    assert set(violations(wrong)) == {"extra", "more", "fare_amount", "tip_amount"}


def test_broken_rules_are_counted_by_row(month):
    wrong = month.copy()
    wrong.loc[:4, "PULocationID"] = 999
    wrong.loc[:2, "DOLocationID"] = 0
    wrong.loc[10:11, "store_and_fwd_flag"] = "maybe"
    wrong.loc[12, "trip_type"] = 7.0
    wrong.loc[13:15, "trip_distance"] = np.nan
    wrong.loc[16, "lpep_dropoff_datetime"] = pd.NaT
    wrong.loc[17, "passenger_count"] = -1.0
    assert violations(wrong) == {
        "PULocationID": ("zones have the numbers 1 to 265", 5),
        "DOLocationID": ("zones have the numbers 1 to 265", 3),
        "store_and_fwd_flag": ("the flag is N or Y", 2),
        "trip_type": ("trip types are 1 (hailed) and 2 (dispatched)", 1),
        "trip_distance": ("the value is missing", 3),
        "lpep_dropoff_datetime": ("the value is missing", 1),
        "passenger_count": ("passengers are counted from 0", 1),
    }


def test_whole_numbers_must_be_whole_and_there(month):
    zones = month["PULocationID"].astype("float64")
    assert violations(month.assign(PULocationID=zones.where(zones.index > 1)))["PULocationID"] == (
        "the value is missing",
        2,
    )
    assert violations(month.assign(PULocationID=zones + 0.5))["PULocationID"] == ("not a whole number", 500)


def test_one_row_is_a_row_in_messages():
    assert str(contract.Violation("a", "b", 1)) == "a: b (1 row)"
    assert str(contract.Violation("a", "b", 1200)) == "a: b (1,200 rows)"


def test_dirt_is_no_breach(month):
    dirty = month.copy()
    dirty.loc[0, "fare_amount"] = -52.0
    dirty.loc[1, "trip_distance"] = 244152.01
    dirty.loc[2, "lpep_pickup_datetime"] = pd.Timestamp("2009-01-01")
    dirty.loc[3, "lpep_dropoff_datetime"] = dirty.loc[3, "lpep_pickup_datetime"] - pd.Timedelta(hours=1)
    pd.testing.assert_frame_equal(contract.check(dirty), dirty)


def test_an_empty_month_is_an_error_of_its_own(month):
    with pytest.raises(contract.EmptyMonth, match="The trips of May are empty"):
        contract.check(month.head(0), what="The trips of May")
    with pytest.raises(contract.ContractError, match="VendorID: the column is missing"):
        contract.check(month.head(0).drop(columns="VendorID"))


def test_some_columns_only(month):
    some = ["DOLocationID", "lpep_pickup_datetime"]
    assert contract.check(month[some], some).columns.tolist() == some
    assert violations(month[some[:1]], columns=some) == {"lpep_pickup_datetime": ("the column is missing", None)}


def test_the_input_is_not_changed():
    raw = simulator.simulate("2023-06", 100).to_pandas()
    before = raw.copy(deep=True)
    contract.check(raw)
    pd.testing.assert_frame_equal(raw, before)


@pytest.mark.real_data
def test_real_months_keep_the_contract():
    folder = real_folder()
    for month in trips.available(folder):
        frame = trips.load(month, source=folder)
        assert dtypes(frame) == contract.DTYPES
        assert frame["ehail_fee"].isna().all()
