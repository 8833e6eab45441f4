"""Training part by part: months are cut once, means add up to the usual ones, no part is lost, the same trees again."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, features, monthfile, storage, trips
from course_lib.taxi.years import measured, slices, training
from course_lib.taxi.years.means import FOLDS, StreamedMeans, Sums
from tests.taxi.samples import rides

MONTHS, VALID, ROWS = ["2021-01", "2021-02"], "2021-03", 1500
SMALL = {"trees": 8, "chunk": 1000, "sample": 700}


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    """Simulated months go to a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("TAXI_DATA", raising=False)
        patch.setattr(slices, "SLICE", 250)
        patch.setattr(slices, "_BATCH", 400)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return storage.at(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def cut(place):
    return [slices.cut(month, place, source="simulated", rows=ROWS) for month in MONTHS]


def test_every_cleaned_ride_is_in_one_slice(cut, place):
    every = [one for chunk in slices.chunks(cut, 1000) for one in chunk]
    assert len(every) == len(set(every))
    for month, one in zip(MONTHS, cut, strict=True):
        wanted = cleaning.clean(trips.load(month, rows=ROWS), month)
        assert one.account == {str(reason): int(count) for reason, count in wanted.account.items()}
        found, fold = slices.read([part for part in every if part[0] == month], place)
        assert one.rides == len(found) == len(wanted.trips)
        assert np.bincount(fold).tolist() == [(len(found) + FOLDS - 1 - part) // FOLDS for part in range(FOLDS)]
        columns = ["lpep_pickup_datetime", "PULocationID", "DOLocationID", "duration"]
        by_time = [frame[columns].sort_values(columns).reset_index(drop=True) for frame in (found, wanted.trips)]
        pd.testing.assert_frame_equal(*by_time, check_dtype=False, rtol=1e-6)
        assert found["lpep_pickup_datetime"].is_monotonic_increasing is False


def test_a_month_is_cut_again_only_for_other_trips(cut, place, tmp_path):
    assert [one.fresh for one in cut] == [True, True]
    again = slices.cut(MONTHS[0], place, source="simulated", rows=ROWS)
    assert (again.fresh, again.rides, again.account) == (False, cut[0].rides, cut[0].account)
    for month in MONTHS:
        shutil.copy(trips.fetch(month, rows=400), tmp_path / monthfile.name_of(month))
    here = storage.at(tmp_path / "work")
    assert slices.cut(MONTHS[0], here, source=str(tmp_path)).fresh
    assert not slices.cut(MONTHS[0], here, source=str(tmp_path)).fresh
    file = tmp_path / monthfile.name_of(MONTHS[0])
    pd.read_parquet(file).iloc[1:].to_parquet(file)
    assert slices.cut(MONTHS[0], here, source=str(tmp_path)).fresh
    here.remove("2021-01.sums.parquet")
    assert slices.cut(MONTHS[0], here, source=str(tmp_path)).fresh
    whole = here.read("2021-01.slices.parquet")
    here.write("2021-01.slices.parquet", whole[: len(whole) // 2])
    assert slices.cut(MONTHS[0], here, source=str(tmp_path)).fresh


def test_a_month_without_usable_rides_says_so(place, tmp_path):
    month = trips.load("2021-04", rows=50)
    month["lpep_dropoff_datetime"] = month["lpep_pickup_datetime"]
    month.to_parquet(tmp_path / monthfile.name_of("2021-04"))
    with pytest.raises(CourseError, match=r"No usable trips are left in 2021-04 \(.*no positive duration: \d+"):
        slices.cut("2021-04", place, source=str(tmp_path))


def test_sums_of_parts_give_the_usual_means():
    table = rides(600)
    minutes, fold = table["duration"].to_numpy(), np.arange(600) % FOLDS
    total = Sums()
    for part in (slice(0, 250), slice(250, 600)):
        one = Sums()
        one.count(table[part], minutes[part], fold[part])
        total.add(Sums.from_table(one.table()))
    usual = features.SmoothedMeans().fit(table, minutes)
    unseen = pd.concat([table, table.assign(PULocationID=200, DOLocationID=999)])
    np.testing.assert_allclose(total.means().transform(unseen), usual.transform(unseen), rtol=1e-9)
    np.testing.assert_allclose(StreamedMeans().fit(table, minutes).transform(table), usual.transform(table), rtol=1e-9)
    others = features.SmoothedMeans().fit(table[fold != 2], minutes[fold != 2])
    np.testing.assert_allclose(total.means(without=2).transform(unseen), others.transform(unseen), rtol=1e-9)


def test_a_ride_never_sees_its_own_duration(cut, place):
    """Change the minutes of one fold: that fold's features stay, the others' move."""
    sums = slices.sums(MONTHS, place)
    before, _ = training.Part(place, slices.chunks(cut, 10_000)[0], sums)()
    sums.values[1:, 3] *= 2
    after, _ = training.Part(place, slices.chunks(cut, 10_000)[0], sums)()
    _, fold = slices.read(slices.chunks(cut, 10_000)[0], place)
    assert (before[fold == 3] == after[fold == 3])[:, -3:].all()
    assert (before[fold != 3] != after[fold != 3])[:, -3:].any(axis=1).all()
    np.testing.assert_array_equal(before[:, :-3], after[:, :-3])


@pytest.fixture(scope="module")
def report(place, cut):  # noqa: ARG001
    return training.train(MONTHS, VALID, source="simulated", rows=ROWS, work=place.url, **SMALL)


def test_a_report_shows_all_rides_beside_a_sample(report, cut):
    assert list(report.scores.index) == ["streamed", "boosting_on_sample", "mean"]
    assert report.learned == {"streamed": sum(one.rides for one in cut), "boosting_on_sample": 700, "mean": 700}
    kept = cleaning.clean(trips.load(VALID, rows=ROWS), VALID).trips
    assert set(report.scores["n"]) == {len(kept)}
    error = report.models["streamed"].predict(kept) - kept["duration"]
    assert report.scores.loc["streamed", "rmse"] == pytest.approx(float(np.sqrt((error**2).mean())))
    assert report.scores.loc["streamed", "rmse"] < report.scores.loc["mean", "rmse"]


def test_the_same_again_on_two_threads_and_as_a_pickle(report, place):
    again = training.train(MONTHS, VALID, source="simulated", rows=ROWS, work=place.url, threads=2, **SMALL)
    booked = trips.load(VALID, rows=ROWS)
    first = report.models["streamed"].predict(booked)
    assert (again.models["streamed"].predict(booked) == first).all()
    assert (pickle.loads(pickle.dumps(report.models["streamed"])).predict(booked) == first).all()
    assert report.models["streamed"].steps[-1][1].booster_.num_trees() == SMALL["trees"]


def test_a_month_that_is_not_later_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"2021-02, which is not later .* for example 2021-03"):
        training.train(MONTHS, "2021-02", source="simulated", work=tmp_path)
    with pytest.raises(UsageError, match="at least one month"):
        training.train([], "2021-02", source="simulated", work=tmp_path)
    assert not list(tmp_path.iterdir())


def test_measured_figures_hold_what_is_promised_of_them():
    found = measured.figures()
    assert len(found) >= 2
    assert found["peak_mb"].max() < 3000
    assert (found["rmse_all"] <= found["rmse_sample"]).all()
    seconds = (found["cut_seconds"] + found["trees_seconds"]) / found.index
    assert seconds.iloc[-1] <= seconds.iloc[0], "time for a ride grew with the number of rides"
