"""Each step on its own: what it takes, what it writes, and that rows are never lost on the way."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, contract, evaluation, models, monthfile, pipeline, trips
from course_lib.taxi.features import BOOKING_COLUMNS
from tests.taxi.pipelines import month_file, settings

ROWS = 1500
MONTH = "2021-02"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Simulated months go to a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("TAXI_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def wanted(data_dir):  # noqa: ARG001
    return settings(rows=ROWS, model="linear")


@pytest.fixture(scope="module")
def raw(wanted, out):
    return pipeline.ingest(MONTH, wanted, out)


@pytest.fixture(scope="module")
def valid(raw, wanted, out):
    return pipeline.validate(raw, wanted, out)


@pytest.fixture(scope="module")
def tables(valid, wanted, out):
    return pipeline.features(valid, wanted, out)


@pytest.fixture(scope="module")
def trained(tables, wanted, out):
    return pipeline.train(tables, wanted, out)


@pytest.fixture(scope="module")
def evaluated(trained, tables, wanted, out):
    return pipeline.evaluate(trained, tables, wanted, out)


def test_ingest_takes_the_file_as_it_came(raw, wanted):
    source = trips.fetch(MONTH, source=wanted.source, rows=ROWS)
    assert raw.trips.path.read_bytes() == source.read_bytes()
    assert (raw.month, raw.rows, raw.trips.bytes) == (MONTH, ROWS, source.stat().st_size)


def test_rows_add_up_from_the_file_to_the_tables(raw, valid, tables):
    assert valid.rows_in == raw.rows == ROWS
    assert valid.rows_good + valid.rows_bad == valid.rows_in
    assert sum(tables.account.values()) == valid.rows_good
    assert tables.rows_train + tables.rows_evaluation == tables.account["kept"]
    for file, rows in ((valid.trips, valid.rows_good), (valid.quarantined, valid.rows_bad)):
        assert len(pd.read_parquet(file.path)) == rows


def test_validated_trips_are_those_of_the_door(valid):
    pd.testing.assert_frame_equal(
        pd.read_parquet(valid.trips.path), trips.load(MONTH, source="simulated", rows=ROWS), check_dtype=True
    )


def test_tables_are_cleaned_rides_split_by_time(tables):
    learned, judged = pd.read_parquet(tables.train.path), pd.read_parquet(tables.evaluation.path)
    split = pd.Timestamp(2021, 2, 22)
    assert tables.split == "2021-02-22"
    assert learned["lpep_pickup_datetime"].max() < split <= judged["lpep_pickup_datetime"].min()
    kept = cleaning.clean(trips.load(MONTH, source="simulated", rows=ROWS), MONTH).trips
    assert len(learned) == (kept["lpep_pickup_datetime"] < split).sum()
    assert sorted(learned["duration"].tolist() + judged["duration"].tolist()) == sorted(kept["duration"])


def test_what_judges_holds_only_what_is_known_at_booking(tables):
    assert [*pd.read_parquet(tables.evaluation.path).columns] == [*BOOKING_COLUMNS, "duration"]


def test_the_model_has_learned_from_the_training_rides_only(tables, trained):
    learned = pd.read_parquet(tables.train.path)
    same = models.build("linear").fit(learned, learned["duration"])
    some = pd.read_parquet(tables.evaluation.path).head(50)
    np.testing.assert_array_equal(pipeline.load_model(trained).predict(some), same.predict(some))
    assert trained.rows == len(learned)


def test_evaluation_is_that_of_the_last_days_beside_the_mean(tables, trained, evaluated):
    learned, judged = pd.read_parquet(tables.train.path), pd.read_parquet(tables.evaluation.path)
    predicted = pickle.loads(trained.model.path.read_bytes()).predict(judged)
    assert evaluated.metrics == pytest.approx(evaluation.score(judged["duration"], predicted))
    mean = np.full(len(judged), learned["duration"].mean())
    assert evaluated.baseline["rmse"] == pytest.approx(evaluation.score(judged["duration"], mean)["rmse"])
    assert evaluated.metrics["rmse"] < evaluated.baseline["rmse"]
    content = json.loads(evaluated.scores.path.read_text(encoding="utf-8"))
    assert content["rides"] == len(judged)
    assert content["model"] == evaluated.metrics


def test_the_same_again_gives_the_same_bytes(tmp_path, raw, wanted, valid, tables, trained):
    again = pipeline.validate(raw, wanted, tmp_path)
    assert again.trips.sha256 == valid.trips.sha256
    split = pipeline.features(again, wanted, tmp_path)
    assert (split.train.sha256, split.evaluation.sha256) == (tables.train.sha256, tables.evaluation.sha256)
    assert pipeline.train(split, wanted, tmp_path).model.sha256 == trained.model.sha256


def test_bad_rows_are_in_quarantine_and_nothing_is_lost(tmp_path, data_dir):  # noqa: ARG001
    def spoil(frame):
        frame.loc[[3, 8], "PULocationID"] = 999
        frame.loc[[8], "trip_type"] = 7.0
        return frame

    source = tmp_path / "source"
    source.mkdir()
    month_file(source, MONTH, spoil)
    wanted = settings(source=str(source), rows=None, max_bad_share=0.01)
    raw = pipeline.ingest(MONTH, wanted, tmp_path)
    valid = pipeline.validate(raw, wanted, tmp_path)
    assert (valid.rows_in, valid.rows_good, valid.rows_bad) == (300, 298, 2)
    bad = pd.read_parquet(valid.quarantined.path)
    assert bad["row"].tolist() == [3, 8]
    assert [len(reasons) for reasons in bad["reasons"]] == [1, 2]
    assert valid.reasons["PULocationID: zones have the numbers 1 to 265"] == 2
    original = monthfile.read(raw.trips.path)
    pd.testing.assert_frame_equal(bad[original.columns], original.loc[[3, 8]].reset_index(drop=True), check_dtype=False)


def test_an_error_page_called_parquet_is_not_taken_in(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    page = b"<!DOCTYPE html><html><head><title>403</title></head></html>".ljust(919)
    (source / monthfile.name_of(MONTH)).write_bytes(page)
    with pytest.raises(monthfile.BrokenFile, match="HTML page"):
        pipeline.ingest(MONTH, settings(source=str(source), rows=None), tmp_path)
    assert not (tmp_path / "raw.parquet").exists()


def test_a_month_of_other_columns_is_turned_away(tmp_path, data_dir):  # noqa: ARG001
    month_file(tmp_path, MONTH, lambda frame: frame.drop(columns="trip_type"))
    wanted = settings(source=str(tmp_path), rows=None)
    raw = pipeline.ingest(MONTH, wanted, tmp_path / "out")
    with pytest.raises(contract.ContractError, match=r"2021-02 break .*\n.*trip_type: the column is missing"):
        pipeline.validate(raw, wanted, tmp_path / "out")


def test_a_month_without_rides_in_its_last_days(tmp_path, data_dir):  # noqa: ARG001
    month_file(tmp_path, MONTH, lambda frame: frame[frame["lpep_pickup_datetime"] < "2021-02-20"])
    wanted = settings(source=str(tmp_path), rows=None)
    valid = pipeline.validate(pipeline.ingest(MONTH, wanted, tmp_path / "out"), wanted, tmp_path / "out")
    with pytest.raises(CourseError, match=r"2021-02 has no usable rides from 2021-02-22 on \(.*kept: \d+\)"):
        pipeline.features(valid, wanted, tmp_path / "out")


def test_a_model_file_that_somebody_changed_is_not_opened(tables, wanted, tmp_path):
    trained = pipeline.train(tables, wanted, tmp_path)
    trained.model.path.write_bytes(b"something else")
    with pytest.raises(CourseError, match="not the model that was written there"):
        pipeline.evaluate(trained, tables, wanted, tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": 0}, "rows must be a whole number, 1 or more, not 0"),
        ({"rows": 2.5}, "rows must be"),
        ({"source": "tlc", "rows": 100}, "Only simulated months come in any size"),
        ({"source": "no/such/folder"}, "data folder .* isn't there"),
        ({"evaluation_days": 28}, "evaluation_days must be a whole number, 1 to 27"),
        ({"max_bad_share": 5}, "max_bad_share is a share from 0 to 1, not 5"),
        ({"min_minutes": 70}, "must not exceed"),
    ],
)
def test_settings_that_make_no_sense(changes, words):
    with pytest.raises(UsageError, match=words):
        settings(**changes)


def test_the_source_is_settled_when_the_settings_are_made(tmp_path, monkeypatch):
    monkeypatch.setenv("TAXI_DATA", str(tmp_path))
    assert pipeline.Settings().source == str(tmp_path.resolve())
    monkeypatch.delenv("TAXI_DATA")
    assert pipeline.Settings().source == "simulated"
