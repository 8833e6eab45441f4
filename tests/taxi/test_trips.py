"""Months through the door: three sources, a cache that may fail, and a clear word on everything that can be wrong."""

import errno
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import contract, monthfile, months, simulator, sources, trips
from tests.taxi.samples import real_folder

NAME = "green_tripdata_2021-01.parquet"


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    """Months go to a folder of each test's own."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TAXI_DATA", raising=False)
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path):
    """A folder of TLC files with two small months."""
    path = tmp_path / "months"
    for month in ("2021-01", "2021-02"):
        monthfile.write(simulator.simulate(month, 200), path / monthfile.name_of(month))
    return path


def files(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


# --- months by name


def test_months_between_two_count_both_and_cross_years():
    assert trips.months("2021-11", "2022-02") == ["2021-11", "2021-12", "2022-01", "2022-02"]
    assert trips.months("2021-05", "2021-05") == ["2021-05"]
    with pytest.raises(UsageError, match="2021-03 comes after 2021-01"):
        trips.months("2021-03", "2021-01")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2021-13", "there is no month 13"),
        ("2021-00", "there is no month 00"),
        ("jan 2021", "'jan 2021' is not a month"),
        ("2021-1", "'2021-1' is not a month"),
        ("202101", "'202101' is not a month"),
        ("", "'' is not a month"),
        (None, "'None' is not a month"),
        ("0021-01", "the year 0021 is too early"),
        ("٢٠٢١-٠١", "is not a month"),
    ],
)
def test_misspelt_months_show_the_form_and_what_there_is(name, words, folder):
    with pytest.raises(trips.MonthNotFound, match=words) as caught:
        trips.load(name)
    assert isinstance(caught.value, UsageError)
    assert "A month is written YYYY-MM, for example 2021-01." in str(caught.value)
    assert "Months available (simulated): 2018-01 to 2026-12." in str(caught.value)
    with pytest.raises(trips.MonthNotFound, match=r"Months available \(.*months\): 2021-01 to 2021-02\."):
        trips.load(name, source=folder)


def test_lists_of_months_draw_neighbours_together():
    assert months.listed(["2022-01", "2021-11", "2021-12", "2021-05"]) == "2021-05, 2021-11 to 2022-01"
    assert months.listed([]) == "none"


# --- the simulated source and its cache


def test_simulated_is_the_default_and_is_kept(data_dir):
    first = trips.load("2021-03", rows=300)
    assert len(first) == 300
    assert {name: str(dtype) for name, dtype in first.dtypes.items()} == contract.DTYPES
    assert files(data_dir) == ["green_tripdata_2021-03.parquet"]
    pd.testing.assert_frame_equal(trips.load("2021-03", rows=300), first)
    pd.testing.assert_frame_equal(trips.load("2021-03", rows=300, source="simulated"), first)
    assert trips.available() == trips.months("2018-01", "2026-12")


def test_the_cache_is_read_and_not_made_again(monkeypatch):
    first = trips.load("2021-03", rows=300)
    monkeypatch.setattr(simulator, "simulate", lambda *_: pytest.fail("simulated twice"))
    pd.testing.assert_frame_equal(trips.load("2021-03", rows=300), first)
    assert len(pd.read_parquet(trips.fetch("2021-03", rows=300))) == 300


@pytest.mark.parametrize("content", [b"", b"PAR1 cut off", b"<html>"])
def test_a_damaged_cache_is_made_anew(content):
    first = trips.load("2021-03", rows=300)
    trips.fetch("2021-03", rows=300).write_bytes(content)
    pd.testing.assert_frame_equal(trips.load("2021-03", rows=300), first)


def test_a_cache_of_another_version_is_made_anew():
    path = trips.fetch("2021-03", rows=300)
    old = pq.read_table(path).replace_schema_metadata({"simulator": "0"})
    pq.write_table(old.slice(0, 10), path)
    assert len(trips.load("2021-03", rows=300)) == 300
    assert pq.read_schema(path).metadata[b"simulator"] == simulator.VERSION.encode()


def test_sizes_do_not_mix_and_the_usual_size_has_one_file(data_dir):
    small = trips.fetch("2021-03", rows=300)
    usual = trips.fetch("2021-03", rows=simulator.default_rows("2021-03"))
    assert small != usual
    assert usual == trips.fetch("2021-03") == data_dir / "simulated" / "green_tripdata_2021-03.parquet"
    assert len(trips.load("2021-03", columns=["VendorID"])) == simulator.default_rows("2021-03")


def test_an_unwritable_cache_means_no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "file"))
    assert len(trips.load("2021-03", rows=50)) == 50
    assert trips.load("2021-03", rows=50, columns=["DOLocationID"]).columns.tolist() == ["DOLocationID"]
    with pytest.raises(monthfile.Unwritable, match=r"can't be written .*COURSE_DATA_DIR"):
        trips.fetch("2021-03", rows=50)


@pytest.mark.parametrize("month", ["2017-12", "2027-01"])
def test_months_that_cannot_be_simulated(month):
    with pytest.raises(
        trips.MonthNotFound, match=f"{month} can't be simulated: simulated months run from 2018-01 to 2026-12"
    ):
        trips.load(month)


@pytest.mark.parametrize("rows", [0, -5, 1.5, "many", True])
def test_rows_that_are_no_number_of_rows(rows):
    with pytest.raises(UsageError, match="rows must be a whole number of at least 1"):
        trips.load(rows=rows)


# --- a folder


def test_a_folder_by_argument_or_by_environment(folder, monkeypatch):
    there = trips.load("2021-02", source=folder)
    assert len(there) == 200
    pd.testing.assert_frame_equal(trips.load("2021-02", source=str(folder)), there)
    monkeypatch.setenv("TAXI_DATA", str(folder))
    pd.testing.assert_frame_equal(trips.load("2021-02"), there)
    assert trips.fetch("2021-02") == folder / "green_tripdata_2021-02.parquet"
    assert trips.available() == ["2021-01", "2021-02"]
    assert len(trips.load("2021-02", source="simulated", rows=10)) == 10, "an argument beats the environment"


def test_a_relative_folder_is_found_from_here_and_from_the_project(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(trips.load("2021-01", source="months")) == 200
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    assert len(trips.load("2021-01", source="months")) == 200


def test_a_month_that_the_folder_does_not_have(folder):
    with pytest.raises(
        trips.MonthNotFound,
        match=r"no trips of 2021-09 .*tripdata_2021-09\.parquet.*Months there: 2021-01 to 2021-02\.",
    ):
        trips.load("2021-09", source=folder)


def test_a_folder_without_any_month_lists_what_it_has(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(trips.MonthNotFound, match=r"has no trips of 2021-01 .* It is empty\."):
        trips.load(source=other)
    for number in range(10):
        (other / f"notes{number}.txt").touch()
    with pytest.raises(trips.MonthNotFound, match=r"no month at all, only: notes0\.txt, .*notes7\.txt and 2 more\."):
        trips.load(source=other)


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file.txt").touch()
    with pytest.raises(UsageError, match=r"isn't there.*'simulated', 'tlc', or a folder"):
        trips.load(source=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        trips.load(source=tmp_path / "file.txt")


def test_a_folder_has_no_sizes(folder):
    with pytest.raises(UsageError, match="Only simulated months come in any size"):
        trips.load(source=folder, rows=10)


# --- files that are no month


def html(path):
    path.write_text("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", encoding="utf-8")


def xml(path):
    path.write_text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", encoding="utf-8")


def csv(path):
    simulator.simulate("2021-01", 5).to_pandas().to_csv(path, index=False)


def cut(path):
    monthfile.write(simulator.simulate("2021-01", 200), path)
    path.write_bytes(path.read_bytes()[:-200])


def cut_with_an_end(path):
    monthfile.write(simulator.simulate("2021-01", 200), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + whole[-8:])


def zipped(path):
    path.write_bytes(b"PK\x03\x04" + bytes(100))


def nothing(path):
    path.write_bytes(b"")


def noise(path):
    path.write_bytes(bytes(range(256)) * 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (html, "is not a parquet file: it is an HTML page, probably an error page that a download saved"),
        (xml, "is not a parquet file: it is an XML document"),
        (csv, "is not a parquet file: it looks like a CSV file"),
        (cut, r"is a truncated parquet file: its end is missing after [\d,]+ bytes"),
        (cut_with_an_end, "is a damaged parquet file"),
        (zipped, "it is a compressed archive"),
        (noise, "it does not begin with the letters PAR1"),
        (nothing, r"is empty \(0 bytes\)"),
    ],
)
def test_what_is_named_parquet_and_is_none_is_named_for_what_it_is(folder, make, words):
    make(folder / NAME)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(trips.BrokenFile, match=words) as caught:
        trips.load("2021-01", source=folder)
    assert str(folder / NAME) in str(caught.value)
    assert not isinstance(caught.value, UsageError), "the work failed; the question was right"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before, "nothing was lost"
    assert len(trips.load("2021-02", source=folder)) == 200


def test_missing_and_extra_columns_and_wrong_types_are_listed(folder):
    frame = pd.read_parquet(folder / NAME)
    frame = frame.drop(columns="trip_type").assign(airport_fee=1.0, fare_amount=frame["fare_amount"].astype(str))
    frame.to_parquet(folder / NAME)
    before = (folder / NAME).read_bytes()
    with pytest.raises(trips.ContractError) as caught:
        trips.load("2021-01", source=folder)
    message = str(caught.value)
    assert message.startswith(f"The trips of 2021-01 ({folder}) break the contract for trips in 3 ways:")
    for words in (
        "trip_type: the column is missing",
        "airport_fee: no such column is expected",
        "fare_amount: has the type str where numbers are expected",
    ):
        assert words in message
    assert (folder / NAME).read_bytes() == before


def test_a_file_of_another_kind_of_taxi(folder):
    frame = pd.read_parquet(folder / NAME)
    yellow = frame.rename(columns=lambda name: name.replace("lpep", "tpep")).drop(columns=["trip_type", "ehail_fee"])
    yellow.to_parquet(folder / NAME)
    with pytest.raises(trips.ContractError, match="tpep_pickup_datetime: no such column is expected") as caught:
        trips.load("2021-01", source=folder)
    assert len(caught.value.violations) == 6


def test_an_empty_month(folder):
    pq.write_table(pq.read_table(folder / NAME).slice(0, 0), folder / NAME)
    with pytest.raises(trips.EmptyMonth, match=r"The trips of 2021-01 .* are empty"):
        trips.load("2021-01", source=folder)


def test_a_folder_in_the_place_of_a_file(folder):
    (folder / "green_tripdata_2021-05.parquet").mkdir()
    with pytest.raises(trips.MonthNotFound, match="no trips of 2021-05"):
        trips.load("2021-05", source=folder)


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder):
    (folder / NAME).chmod(0)
    with pytest.raises(CourseError, match="can't be read"):
        trips.load("2021-01", source=folder)


# --- columns


def test_only_some_columns(folder):
    some = ["DOLocationID", "lpep_pickup_datetime"]
    whole = trips.load("2021-01", source=folder)
    pd.testing.assert_frame_equal(trips.load("2021-01", source=folder, columns=some), whole[some])
    simulated = trips.load("2021-01", rows=200, columns=some)
    pd.testing.assert_frame_equal(simulated, trips.load("2021-01", rows=200)[some])


def test_a_column_that_trips_do_not_have():
    with pytest.raises(UsageError, match=r"no column 'PULocation'. Nearest: PULocationID"):
        trips.load(rows=10, columns=["PULocation"])
    with pytest.raises(UsageError, match=r"There are: VendorID, lpep_pickup_datetime"):
        trips.load(rows=10, columns=["qqqq"])


def test_a_column_that_the_file_lacks(folder):
    pq.write_table(pq.read_table(folder / NAME).drop_columns(["extra"]), folder / NAME)
    with pytest.raises(trips.ContractError, match="extra: the column is missing"):
        trips.load("2021-01", source=folder, columns=["VendorID", "extra"])


# --- writing: whole or not at all


def test_no_room_leaves_nothing_and_loses_nothing(data_dir, monkeypatch):
    kept = trips.fetch("2021-02", rows=100)
    before = kept.read_bytes()

    def full_disk(_, path, **__):
        Path(path).write_bytes(b"PAR1 half a mon")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full_disk)
    for ask in (trips.fetch, trips.load):
        with pytest.raises(
            trips.NoRoom, match=r"no room left on the disk for .*2021-01\.parquet.*COURSE_DATA_DIR"
        ) as caught:
            ask("2021-01", rows=100)
        assert "Nothing half-written was kept" in str(caught.value)
    assert files(data_dir) == ["green_tripdata_2021-02.parquet"]
    assert kept.read_bytes() == before


def test_a_replaced_month_is_the_old_one_until_it_is_the_new_one(tmp_path):
    path = tmp_path / "month.parquet"
    path.write_bytes(b"old")

    def interrupted():
        with monthfile.whole_or_nothing(path) as part:
            part.write_bytes(b"new")
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["month.parquet"]
    with monthfile.whole_or_nothing(path) as part:
        part.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert files(tmp_path) == ["month.parquet"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always full device")
def test_a_disk_that_is_really_full_is_told_apart(tmp_path, monkeypatch):
    write = pq.write_table

    def to_full_device(table, _, **kind):
        with open("/dev/full", "wb", buffering=0) as device:  # by name, pyarrow would remove it afterwards
            write(table, device, **kind)

    monkeypatch.setattr(pq, "write_table", to_full_device)
    with pytest.raises(trips.NoRoom):
        monthfile.write(pa.table({"a": list(range(100_000))}), tmp_path / "x.parquet")
    assert files(tmp_path) == []


def test_two_at_once_end_with_one_whole_month(data_dir):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        months_loaded = list(pool.map(lambda _: trips.load("2021-01", rows=400), range(4)))
    for month in months_loaded:
        pd.testing.assert_frame_equal(month, months_loaded[0])
    assert files(data_dir) == [NAME]


# --- which source


def test_the_source_is_named_by_argument_then_environment_then_default(monkeypatch, tmp_path):
    assert sources.choose().name == "simulated"
    monkeypatch.setenv("TAXI_DATA", "tlc")
    assert sources.choose().name == "tlc"
    monkeypatch.setenv("TAXI_DATA", "  ")
    assert sources.choose().name == "simulated"
    assert sources.choose(tmp_path).name == str(tmp_path)


@pytest.mark.real_data
def test_real_months_are_available_and_load_as_they_are():
    folder = real_folder()
    assert "2021-01" in trips.available(folder)
    month = trips.load("2021-01", source=folder)
    assert len(month) == 76_518
    assert month["passenger_count"].isna().sum() == 36_047
    raw = pd.read_parquet(trips.fetch("2021-01", source=folder))
    assert (raw["trip_distance"].to_numpy() == month["trip_distance"].to_numpy()).all()
