"""Bad rows are set aside, each with all its reasons; too many of them, or wrong columns, turn the month away."""

import numpy as np
import pandas as pd
import pytest

from course_lib.taxi import contract, monthfile, quarantine, trips
from course_lib.taxi.quarantine import TooManyBad
from tests.taxi.samples import real_folder


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield trips.load("2021-01", source="simulated", rows=400)


def broken(month, **cells):
    """``month`` with some cells set: column=(rows, value)."""
    frame = month.copy()
    for column, (rows, value) in cells.items():
        if frame[column].dtype == np.int64 and not isinstance(value, int):
            frame[column] = frame[column].astype(float)
        frame.loc[rows, column] = value
    return frame


def test_a_month_that_keeps_the_contract_is_all_good(month):
    split = quarantine.split(month)
    pd.testing.assert_frame_equal(split.good, contract.check(month))
    assert len(split.bad) == 0
    assert len(split.reasons) == 0
    assert [*split.bad.columns] == [*month.columns, "row", "reasons"]


def test_bad_rows_keep_their_values_their_place_and_all_their_reasons(month):
    raw = broken(month, PULocationID=([7, 9], 999), trip_type=([9], 5.0))
    split = quarantine.split(raw)
    assert split.bad["row"].tolist() == [7, 9]
    assert split.bad["PULocationID"].tolist() == [999, 999]
    assert [sorted(reasons) for reasons in split.bad["reasons"]] == [
        ["PULocationID: zones have the numbers 1 to 265"],
        ["PULocationID: zones have the numbers 1 to 265", "trip_type: trip types are 1 (hailed) and 2 (dispatched)"],
    ]
    assert split.reasons.to_dict() == {
        "PULocationID: zones have the numbers 1 to 265": 2,
        "trip_type: trip types are 1 (hailed) and 2 (dispatched)": 1,
    }
    assert len(split.good) + len(split.bad) == len(month)
    pd.testing.assert_frame_equal(split.good, contract.check(month.drop(index=[7, 9])).reset_index(drop=True))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"DOLocationID": ([3], np.nan)}, "DOLocationID: the value is missing"),
        ({"DOLocationID": ([3], 7.5)}, "DOLocationID: not a whole number"),
        ({"DOLocationID": ([3], np.inf)}, "DOLocationID: not a whole number"),
        ({"VendorID": ([3], 1e300)}, "VendorID: not a whole number"),
        ({"VendorID": ([3], 0)}, "VendorID: vendors have the numbers 1 and up"),
        ({"lpep_pickup_datetime": ([3], pd.NaT)}, "lpep_pickup_datetime: the value is missing"),
        ({"trip_distance": ([3], np.nan)}, "trip_distance: the value is missing"),
        ({"store_and_fwd_flag": ([3], "maybe")}, "store_and_fwd_flag: the flag is N or Y"),
        ({"passenger_count": ([3], -1.0)}, "passenger_count: passengers are counted from 0"),
    ],
)
def test_one_bad_value_costs_one_row_and_no_more(month, cells, reason):
    split = quarantine.split(broken(month, **cells))
    assert split.bad["row"].tolist() == [3]
    assert split.bad["reasons"].tolist() == [[reason]]
    assert len(split.good) == len(month) - 1
    assert split.good.dtypes.equals(contract.check(month).dtypes)


def test_a_missing_number_and_a_broken_rule_in_one_row_are_both_told(month):
    split = quarantine.split(broken(month, PULocationID=([5], np.nan), VendorID=([5], 0)))
    assert sorted(split.bad["reasons"].iloc[0]) == [
        "PULocationID: the value is missing",
        "VendorID: vendors have the numbers 1 and up",
    ]


def test_the_input_is_not_changed_and_labels_do_not_matter(month):
    raw = broken(month, PULocationID=([7], np.nan)).set_index(pd.Index([0] * len(month)))
    before = raw.copy()
    split = quarantine.split(raw)
    pd.testing.assert_frame_equal(raw, before)
    assert split.bad["row"].tolist() == [7]
    assert np.isnan(split.bad["PULocationID"].iloc[0])


@pytest.mark.parametrize(
    ("rows", "share", "passes"), [(4, 0.01, True), (5, 0.01, False), (1, 0.0, False), (400, 1, True)]
)
def test_the_share_that_may_be_bad(month, rows, share, passes):
    raw = broken(month, PULocationID=(list(range(rows)), 0))
    if passes:
        split = quarantine.split(raw, share)
        assert (len(split.good), len(split.bad)) == (400 - rows, rows)
    else:
        with pytest.raises(TooManyBad):
            quarantine.split(raw, share)


def test_too_many_are_named_by_column_reason_and_count(month):
    raw = broken(month, PULocationID=(list(range(30)), 0), trip_type=([0, 1], 9.0), VendorID=([399], 0))
    with pytest.raises(TooManyBad) as caught:
        quarantine.split(raw, 0.05, what="The trips of 2021-01")
    assert str(caught.value).splitlines()[:4] == [
        "The trips of 2021-01: 31 of 400 rows (7.8%) break the contract, more than the 5.0% that may be set aside:",
        "  - PULocationID: zones have the numbers 1 to 265 (30 rows)",
        "  - trip_type: trip types are 1 (hailed) and 2 (dispatched) (2 rows)",
        "  - VendorID: vendors have the numbers 1 and up (1 row)",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="trip_type"), "trip_type: the column is missing"),
        (lambda f: f.assign(surprise=1), "surprise: no such column is expected"),
        (lambda f: f.assign(PULocationID=f["PULocationID"].astype(str)), "PULocationID: has the type"),
        (lambda f: pd.concat([f, f[["VendorID"]]], axis=1), "VendorID: the column is there more than once"),
    ],
)
def test_columns_and_types_turn_the_month_away_whatever_the_share(month, change, words):
    with pytest.raises(contract.ContractError, match=words):
        quarantine.split(change(month), max_bad_share=1)


def test_no_rows_at_all(month):
    with pytest.raises(contract.EmptyMonth, match="not one row"):
        quarantine.split(month.head(0))


@pytest.mark.real_data
def test_real_months_have_nothing_to_quarantine():
    """Why 1 % is the default: it is far above what real months need."""
    for path in sorted(real_folder().glob("green_tripdata_*.parquet")):
        split = quarantine.split(monthfile.read(path))
        assert len(split.bad) == 0, path.name
