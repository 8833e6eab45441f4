"""Simulated months: the same every time, real to a model, dirty as the TLC's, and held against real months."""

import hashlib
import io
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.taxi import cleaning, contract, monthfile, months, simulator, simulator_fit, training, trips, zones
from course_lib.taxi.simulator_facts import PATH, facts
from course_lib.taxi.simulator_world import world
from tests.taxi.samples import real_folder

EARLY, NEXT, LATE = "2021-01", "2021-02", "2022-01"


def month(name, rows=None):
    """A month as it comes through the door, with what the tests look at."""
    return seen(contract.check(simulator.simulate(name, rows).to_pandas()))


def seen(frame):
    frame["minutes"] = cleaning.duration_minutes(frame)
    frame["dispatch"] = frame["passenger_count"].isna()
    frame["pair"] = frame["PULocationID"] * 1000 + frame["DOLocationID"]
    frame["hour"] = frame["lpep_pickup_datetime"].dt.hour
    return frame


def kept(frame):
    return frame[frame["minutes"].between(1, 60)]


def file_bytes(table):
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


@pytest.fixture(scope="module")
def early():
    return month(EARLY)


@pytest.fixture(scope="module")
def late():
    return month(LATE)


# --- the same every time


def test_the_same_month_is_the_same_bytes(early, tmp_path):
    first, second = (monthfile.write(simulator.simulate("2021-03"), tmp_path / name) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    world.cache_clear()
    facts.cache_clear()
    pd.testing.assert_frame_equal(month(EARLY), early)


def test_other_months_and_sizes_are_other_rides(early):
    other = month(NEXT)
    some = ["PULocationID", "DOLocationID", "trip_distance"]
    n = min(len(early), len(other))
    assert (early[some].to_numpy()[:n] == other[some].to_numpy()[:n]).all(axis=1).mean() < 0.05
    assert (month(EARLY, 1000)[some].to_numpy() == early[some].to_numpy()[:1000]).all(axis=1).mean() < 0.05


def test_a_month_has_its_weather_at_any_size():
    small, large = (month("2021-02", rows) for rows in (20_000, 60_000))
    shares = [f["lpep_pickup_datetime"].dt.day.value_counts(normalize=True).sort_index() for f in (small, large)]
    assert shares[0].corr(shares[1]) > 0.97


def test_a_version_stands_for_its_rides():
    """If this fails, months come out differently: raise simulator.VERSION, so that cached ones are made anew."""
    table = simulator.simulate("2021-05", 4000)
    columns = ["PULocationID", "DOLocationID", "lpep_pickup_datetime", "lpep_dropoff_datetime", "VendorID"]
    content = b"".join(table[name].combine_chunks().cast(pa.int64()).to_numpy().tobytes() for name in columns)
    assert (simulator.VERSION, hashlib.sha256(content).hexdigest()[:16]) == ("7", "be64e1c0b85a9b35")


# --- any month, any size


@pytest.mark.parametrize("name", ["2018-01", "2019-02", "2020-04", "2021-12", "2023-01", "2024-02", "2026-12"])
def test_any_month_keeps_the_contract_and_its_days(name):
    frame = month(name, 2000)
    wanted = months.parse(name)
    inside = frame["lpep_pickup_datetime"].between(wanted.start, wanted.end, inclusive="left")
    assert inside.mean() > 0.995
    assert frame.loc[inside, "lpep_pickup_datetime"].dt.day.nunique() == (wanted.end - wanted.start).days
    assert kept(frame).shape[0] > 1800


def test_months_have_their_usual_size_and_season():
    names = months.months(simulator.FIRST, simulator.LAST)
    assert len(names) == 108
    sizes = pd.Series({name: simulator.default_rows(name) for name in names})
    assert sizes.between(30_000, 110_000).all()
    assert sizes["2021-01"] == 76_518
    assert sizes["2022-01"] == 62_495
    assert sizes["2020-04"] < 0.6 * sizes["2020-02"], "the lockdown emptied the streets"
    by_month = sizes.groupby(sizes.index.str[5:]).mean()
    assert by_month["10"] > by_month["02"]
    assert len(simulator.simulate("2024-02")) == sizes["2024-02"]


@pytest.mark.parametrize("rows", [1, 2, 3, 17, 1000])
def test_any_size(rows):
    assert len(month(EARLY, rows)) == rows


def test_months_out_of_reach():
    with pytest.raises(months.MonthNotFound, match="from 2018-01 to 2026-12"):
        simulator.simulate("2017-12")
    with pytest.raises(months.MonthNotFound, match="YYYY-MM"):
        simulator.default_rows("2021")


def test_a_usual_month_takes_less_than_three_seconds():
    world()
    started = time.perf_counter()
    simulator.simulate("2021-06", 75_000)
    assert time.perf_counter() - started < 3


def test_the_calibration_is_small():
    assert PATH.stat().st_size < 100_000


# --- columns and types


def test_columns_and_types_are_those_of_the_tlcs_files_of_that_year():
    old, new = simulator.simulate("2022-12", 50).schema, simulator.simulate("2023-01", 50).schema
    assert tuple(old.names) == tuple(new.names) == contract.COLUMNS
    assert [str(old.field(n).type) for n in ("VendorID", "store_and_fwd_flag", "RatecodeID", "ehail_fee")] == [
        "int64",
        "string",
        "double",
        "null",
    ]
    assert [str(new.field(n).type) for n in ("VendorID", "store_and_fwd_flag", "RatecodeID", "ehail_fee")] == [
        "int32",
        "large_string",
        "int64",
        "double",
    ]
    assert old.field("lpep_pickup_datetime").type == new.field("lpep_pickup_datetime").type == pa.timestamp("us")


# --- two kinds of customer, and the regime change


def test_values_are_missing_together_and_mark_another_kind_of_trip(early):
    gaps = early[["store_and_fwd_flag", "RatecodeID", "passenger_count", "payment_type", "trip_type"]].isna()
    assert gaps.sum(axis=1).isin([0, 5]).all()
    assert early["dispatch"].mean() == pytest.approx(0.471, abs=0.002)
    means = kept(early).groupby("dispatch")["minutes"].mean()
    assert means[True] == pytest.approx(20.2, rel=0.04)
    assert means[False] == pytest.approx(13.7, rel=0.05)
    assert (early.loc[early["dispatch"], "lpep_pickup_datetime"].dt.second == 0).all(), "whole minutes"
    assert early.loc[~early["dispatch"], "lpep_pickup_datetime"].dt.second.nunique() == 60


def test_the_regime_changed_between_2021_and_2022():
    december, january = month("2021-12"), month("2022-01")
    assert december["dispatch"].mean() > 0.4
    assert january["dispatch"].mean() == pytest.approx(0.10, abs=0.01)
    assert kept(january)["minutes"].mean() < kept(december)["minutes"].mean() - 2.5
    miles = [frame.loc[frame["trip_distance"] < 100, "trip_distance"].mean() for frame in (december, january)]
    assert miles[1] < 0.75 * miles[0]


# --- dirt


def test_the_dirt_of_real_months_is_there(early, late):
    share = {name: condition.mean() for name, condition in dirt(early).items()}
    assert share["shorter than a minute"] == pytest.approx(0.0189, rel=0.3)
    assert share["longer than an hour"] == pytest.approx(0.0152, rel=0.4)
    assert share["almost a day"] == pytest.approx(0.0013, rel=0.5)
    assert share["no distance"] == pytest.approx(0.0334, rel=0.25)
    assert share["unknown pickup"] == pytest.approx(0.0035, rel=0.4)
    assert share["unknown drop-off"] == pytest.approx(0.0082, rel=0.3)
    assert share["negative fare"] == pytest.approx(0.00175, rel=0.3)
    for frame in (early, late):
        absurd = frame.loc[frame["trip_distance"] > 1000, "trip_distance"]
        assert 25 < len(absurd) < 110
        assert absurd.max() > 150_000
        assert frame.loc[absurd.index, "dispatch"].all()
        assert (frame["minutes"] == 0).sum() > 30
        assert frame["lpep_pickup_datetime"].dt.year.isin([2008, 2009]).sum() > 0
        assert frame["lpep_pickup_datetime"].dt.strftime("%Y-%m").nunique() >= 3, "rows of the month before, too"


def dirt(frame):
    return {
        "shorter than a minute": frame["minutes"].between(0, 1, inclusive="neither") | (frame["minutes"] == 0),
        "longer than an hour": frame["minutes"] > 60,
        "almost a day": frame["minutes"].between(1380, 1440),
        "no distance": frame["trip_distance"] == 0,
        "unknown pickup": frame["PULocationID"] > 263,
        "unknown drop-off": frame["DOLocationID"] > 263,
        "negative fare": frame["fare_amount"] < 0,
        "same zone": frame["PULocationID"] == frame["DOLocationID"],
        "vendor 1": frame["VendorID"] == 1,
        "dispatch": frame["dispatch"],
        "negotiated": frame["RatecodeID"] == 5,
    }


def test_what_was_taken_back_stands_beside_its_charge(early):
    back = early[(early["fare_amount"] < 0) & ~early["dispatch"]]
    assert len(back) > 80
    charge = early.loc[back.index + 1]
    same = ["lpep_pickup_datetime", "lpep_dropoff_datetime", "PULocationID", "DOLocationID", "trip_distance"]
    assert (charge[same].to_numpy() == back[same].to_numpy()).all()
    np.testing.assert_allclose(charge["fare_amount"], -back["fare_amount"])
    assert back["payment_type"].isin([3, 4]).all()


def test_amounts_add_up_to_the_total(early):
    first = early["VendorID"] == 1  # its extra holds the congestion surcharge
    parts = early[["fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "improvement_surcharge"]].sum(
        axis=1
    )
    parts += early["congestion_surcharge"].where(~first, 0).fillna(0)
    difference = (early["total_amount"] - parts)[~early["dispatch"] & (early["fare_amount"] >= 0)].abs()
    assert (difference < 0.011).all()
    assert (early.loc[early["payment_type"] == 2, "tip_amount"] == 0).all(), "cash tips are not recorded"


def test_tariffs_changed_in_december_2022():
    old, new = month("2022-11", 5000), month("2023-02", 5000)
    for frame, surcharge, minimum in ((old, 0.3, 2.5), (new, 1.0, 3.0)):
        metered = frame[(frame["RatecodeID"] == 1) & (frame["fare_amount"] > 0)]
        assert metered["improvement_surcharge"].mode()[0] == surcharge
        assert metered["fare_amount"].min() == minimum


# --- what a model sees


def test_pairs_are_sparse_and_persist():
    first, second = kept(month(EARLY)), kept(month(NEXT))
    assert first["pair"].nunique() == pytest.approx(13_220, rel=0.1)
    unseen = ~second["pair"].isin(first["pair"].unique())
    assert unseen.mean() == pytest.approx(0.085, abs=0.015)
    both = [frame[frame["trip_distance"].between(0.1, 60)] for frame in (first, second)]
    pace = [np.log(f["minutes"] / f["trip_distance"]).groupby(f["pair"]).agg(["mean", "size"]) for f in both]
    often = pace[0].join(pace[1], lsuffix="_1", rsuffix="_2").query("size_1 >= 25 and size_2 >= 25")
    assert often["mean_1"].corr(often["mean_2"]) > 0.85, "a slow pair stays slow"


def test_detours_are_alike_for_neighbours_and_are_no_geometry():
    city = world()
    jfk_manhattan = (city.pickup == 131) & (city.dropoff == 229)
    assert np.exp(city.path[0][jfk_manhattan])[0] / city.miles[jfk_manhattan][0] == pytest.approx(1.3, abs=0.25)
    far = (city.miles > 3) & (city.miles < 6)
    detour = city.path[0][far] - np.log(city.miles[far])
    assert 0.08 < detour.std() < 0.35


def test_speeds_follow_the_hour_and_the_weekday(early):
    rides = kept(early)
    rides = rides[rides["trip_distance"].between(0.1, 60)]
    mph = rides["trip_distance"] / rides["minutes"] * 60
    by_hour = mph.groupby(rides["hour"]).median()
    assert by_hour[5] > 1.5 * by_hour[16]
    assert by_hour[[14, 15, 16, 17]].mean() < 11.8
    weekend = rides["lpep_pickup_datetime"].dt.dayofweek >= 5
    morning = rides["hour"].between(7, 9)
    assert mph[weekend & morning].median() > 1.15 * mph[~weekend & morning].median()


def test_the_metered_distance_is_noisy_around_what_is_usual(early):
    rides = kept(early)
    rides = rides[rides["trip_distance"].between(0.05, 60) & (rides["PULocationID"] < 264)]
    miles = zones.distance_miles(rides["PULocationID"], rides["DOLocationID"].clip(upper=263))
    log = np.log(rides["trip_distance"])
    within = (log - log.groupby(rides["pair"]).transform("mean"))[rides.groupby("pair")["pair"].transform("size") >= 15]
    near, far = (within[(miles[rides.index.get_indexer(within.index)] // 4) == k].std() for k in (0, 1))
    assert 0.25 < near < 0.6
    assert far < 0.6 * near


# --- held against real months


@pytest.fixture(scope="module")
def real():
    folder = real_folder()
    return {name: seen(trips.load(name, source=folder)) for name in (EARLY, NEXT, "2021-04", LATE)}


@pytest.fixture(scope="module")
def simulated():
    return {name: month(name) for name in (EARLY, NEXT, "2021-04", LATE)}


def pairs_of(real, simulated):
    return [(name, real[name], simulated[name]) for name in real]


@pytest.mark.real_data
@pytest.mark.parametrize(("column", "tolerance"), [("minutes", 0.08), ("trip_distance", 0.12)])
def test_quantiles_of_durations_and_distances_are_real(real, simulated, column, tolerance):
    at = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
    for name, truth, ours in pairs_of(real, simulated):
        ratio = kept(ours)[column].quantile(at) / kept(truth)[column].quantile(at)
        assert ratio.between(1 - tolerance, 1 + tolerance).all(), f"{name}: {ratio.round(3).to_dict()}"


@pytest.mark.real_data
def test_shares_of_dirt_are_real(real, simulated):
    for name, truth, ours in pairs_of(real, simulated):
        assert len(truth) == len(ours)
        assert len(kept(ours)) / len(ours) == pytest.approx(len(kept(truth)) / len(truth), abs=0.008)
        for kind, wrong in dirt(truth).items():
            count, expected = int(dirt(ours)[kind].sum()), int(wrong.sum())
            assert abs(count - expected) <= 0.3 * expected + 40, f"{name}, {kind}: {count} simulated, {expected} real"


@pytest.mark.real_data
def test_hourly_speeds_and_shares_are_real(real, simulated):
    for name, truth, ours in pairs_of(real, simulated):
        frames = [kept(f)[kept(f)["trip_distance"].between(0.1, 60)] for f in (truth, ours)]
        speeds = [(f["trip_distance"] / f["minutes"]).groupby(f["hour"]).median() for f in frames]
        many = frames[0].groupby("hour").size() > 400
        ratio = (speeds[1] / speeds[0])[many]
        assert ratio.between(0.9, 1.1).all(), f"{name}: {ratio.round(2).to_dict()}"
        shares = [f["hour"].value_counts(normalize=True).sort_index() for f in (truth, ours)]
        assert (shares[0] - shares[1]).abs().sum() / 2 < 0.03


@pytest.mark.real_data
def test_places_are_real(real, simulated):
    for name, truth, ours in pairs_of(real, simulated):
        for column in ("PULocationID", "DOLocationID"):
            shares = [f[column].value_counts(normalize=True) for f in (truth, ours)]
            distance = shares[0].sub(shares[1], fill_value=0).abs().sum() / 2
            assert distance < 0.1, f"{name}, {column}: {distance:.3f}"
        assert ours["pair"].nunique() == pytest.approx(truth["pair"].nunique(), rel=0.1), name
    unseen = [1 - kept(f[NEXT])["pair"].isin(kept(f[EARLY])["pair"].unique()).mean() for f in (real, simulated)]
    assert unseen[1] == pytest.approx(unseen[0], abs=0.015)


@pytest.mark.real_data
def test_two_customers_and_the_regime_change_are_real(real, simulated):
    for name, truth, ours in pairs_of(real, simulated):
        for kind in (False, True):
            means, deviations = [], []
            for frame in (truth, ours):
                minutes = kept(frame).loc[kept(frame)["dispatch"] == kind, "minutes"]
                means.append(minutes.mean())
                deviations.append(minutes.std())
            assert means[1] == pytest.approx(means[0], rel=0.06), f"{name}, dispatch {kind}"
            assert deviations[1] == pytest.approx(deviations[0], rel=0.06), f"{name}, dispatch {kind}"
    drops = [kept(f[EARLY])["minutes"].mean() - kept(f[LATE])["minutes"].mean() for f in (real, simulated)]
    assert drops[1] == pytest.approx(drops[0], rel=0.3)


@pytest.mark.real_data
def test_no_simulated_ride_is_a_real_one(real, simulated):
    """Facts are shipped, rides are not: same second, same places and same miles don't happen."""
    same = ["lpep_pickup_datetime", "lpep_dropoff_datetime", "PULocationID", "DOLocationID", "trip_distance"]
    for name, truth, ours in pairs_of(real, simulated):
        hailed = [f.loc[~f["dispatch"] & (f["minutes"] > 1), same] for f in (truth, ours)]
        assert len(hailed[0].merge(hailed[1])) == 0, name


@pytest.mark.real_data
def test_models_that_see_the_metered_distance_err_alike(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    truth = training.train(source=real_folder(), with_distance=True).scores["rmse"]
    ours = training.train(source="simulated", with_distance=True).scores["rmse"]
    assert truth.is_monotonic_decreasing
    assert ours.is_monotonic_decreasing
    assert (ours / truth).between(0.9, 1.1).all(), (ours / truth).round(3).to_dict()


@pytest.mark.real_data
def test_the_calibration_is_what_the_fit_computes():
    """The shipped facts come from these months and nothing else."""
    computed = simulator_fit.fit(real_folder())
    shipped = facts()
    assert set(computed) == set(shipped)
    assert list(computed["months"]) == list(shipped["months"])
    numbers = [np.array(list(flat(f))) for f in (computed, shipped)]
    assert len(numbers[0]) == len(numbers[1])
    # rounding may fall the other way on another machine
    assert (np.abs(numbers[0] - numbers[1]) <= 1.01 + 0.01 * np.abs(numbers[1])).all()
    assert (numbers[0] == numbers[1]).mean() > 0.99


def flat(value):
    """All numbers in nested dictionaries and lists, in order."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from flat(inner)
    else:
        yield float(value)


# --- drift, as module 06 teaches it


def test_a_falling_error_can_hide_a_worse_model(tmp_path_factory, monkeypatch):
    """Trained on 2021-01, the error is lower in 2024-01, but not against the spread of the rides."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    monkeypatch.delenv("TAXI_DATA", raising=False)
    next_month, years_later = (training.train(EARLY, valid, ["boosting"]) for valid in (NEXT, "2024-01"))
    errors = [report.scores["rmse"]["boosting"] for report in (next_month, years_later)]
    spreads = [report.valid_trips["duration"].std() for report in (next_month, years_later)]
    assert errors[1] < errors[0]
    assert errors[1] / spreads[1] > errors[0] / spreads[0] + 0.04
