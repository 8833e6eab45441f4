"""From two months of trips to models and scores; and the simulated months held against the real ones."""

import json

import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, evaluation, models, training, trips
from course_lib.taxi.features import BOOKING_COLUMNS
from tests.taxi.samples import real_folder

ROWS = 1500


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Simulated months go to a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("TAXI_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def report(data_dir):  # noqa: ARG001
    return training.train(rows=ROWS)


def test_every_row_is_accounted_for(report):
    assert report.account.columns.tolist() == ["2021-01", "2021-02"]
    assert report.account.index.tolist() == list(cleaning.REASONS)
    assert report.account.sum().tolist() == [ROWS, ROWS]
    raw = trips.load("2021-01", rows=ROWS)
    pd.testing.assert_series_equal(report.account["2021-01"], cleaning.clean(raw, "2021-01").account, check_names=False)


def test_every_model_is_scored_on_the_later_month(report):
    assert report.scores.index.tolist() == list(models.NAMES)
    scored = cleaning.clean(trips.load("2021-02", rows=ROWS), "2021-02").trips
    assert (report.scores["n"] == len(scored)).all()
    pd.testing.assert_frame_equal(report.scores, evaluation.compare(report.models, scored))
    assert report.best == report.scores["rmse"].idxmin()
    assert report.scores["rmse"]["mean"] > report.scores["rmse"][report.best]


def test_models_have_learned_from_the_earlier_month_only(report):
    learned = cleaning.clean(trips.load("2021-01", rows=ROWS), "2021-01").trips
    again = models.build("linear").fit(learned, learned["duration"])
    some = report.valid_trips.head(20)[BOOKING_COLUMNS]
    assert again.predict(some).tolist() == report.models["linear"].predict(some).tolist()


def test_two_runs_agree_to_the_last_digit(report):
    again = training.train(rows=ROWS)
    pd.testing.assert_frame_equal(again.scores, report.scores, check_exact=True)


def test_as_dict_is_plain_json_whose_counts_add_up(report):
    plain = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert plain["rows"] == {"2021-01": ROWS, "2021-02": ROWS}
    for month in ("2021-01", "2021-02"):
        assert sum(plain["dropped"][month].values()) + plain["kept"][month] == ROWS
    assert set(plain["scores"]) == set(models.NAMES)
    assert set(plain["scores"]["linear"]) == {*evaluation.METRICS, "n"}
    assert (plain["train"], plain["valid"], plain["source"]) == ("2021-01", "2021-02", "simulated")


def test_progress_and_a_choice_of_models(data_dir):  # noqa: ARG001
    lines = []
    report = training.train("2021-03", "2021-05", ["mean", "linear", "mean"], rows=400, progress=lines.append)
    assert list(report.models) == ["mean", "linear"]
    assert list(report.seconds) == ["mean", "linear"]
    assert [line.split(" on ")[0] for line in lines] == [
        "reading and cleaning 2021-03",
        "reading and cleaning 2021-05",
        "training mean",
        "training linear",
        "scoring",
    ]


def test_with_distance_reaches_the_models(data_dir):  # noqa: ARG001
    report = training.train(models=["linear"], rows=400, with_distance=True)
    assert report.with_distance
    assert "metered_miles" in report.models["linear"]["features"].get_feature_names_out()


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"train": "2021-01", "valid": "2021-01"}, r"month they learned from \(2021-01\).*for example 2021-02"),
        ({"train": "2021-02", "valid": "2021-01"}, "2021-01 comes before 2021-02.*for example 2021-03"),
        ({"train": "2020-12", "valid": "2020-11"}, "for example 2021-01"),
        ({"train": "2021-13"}, "'2021-13' is not a month"),
        ({"valid": "February"}, "'February' is not a month"),
        ({"valid": "2099-01"}, "2099-01"),
        ({"models": ["mean", "forest"]}, "no model 'forest'"),
        ({"models": []}, "Name at least one model"),
        ({"source": "no/such/folder"}, "data folder .* isn't there"),
        ({"rows": 0}, "rows must be"),
    ],
)
def test_questions_that_are_wrong(data_dir, question, message):  # noqa: ARG001
    with pytest.raises(UsageError, match=message):
        training.train(**{"rows": 50, **question})


def test_a_month_without_usable_trips(tmp_path, data_dir):  # noqa: ARG001
    month = trips.load("2021-01", rows=50)
    month.to_parquet(tmp_path / "green_tripdata_2021-01.parquet")
    gone = month.assign(lpep_dropoff_datetime=month["lpep_pickup_datetime"])
    gone["lpep_pickup_datetime"] = gone["lpep_dropoff_datetime"] = pd.Timestamp("2021-02-03").as_unit("us")
    gone.to_parquet(tmp_path / "green_tripdata_2021-02.parquet")
    with pytest.raises(CourseError, match=r"No usable trips are left in 2021-02 \(no positive duration: 50"):
        training.train(source=tmp_path, models=["mean"])


# --- real months, and simulated ones beside them


@pytest.fixture(scope="module")
def real_scores():
    return training.train(source=real_folder()).scores


@pytest.mark.real_data
def test_real_models_come_in_order_and_boosting_reaches_its_target(real_scores):
    assert real_scores["rmse"].is_monotonic_decreasing
    assert real_scores["rmse"]["boosting"] <= 6.20


@pytest.mark.real_data
def test_simulated_months_rank_models_as_real_ones_with_errors_alike(real_scores, data_dir):  # noqa: ARG001
    simulated = training.train(source="simulated").scores
    assert simulated["rmse"].is_monotonic_decreasing
    ratio = simulated["rmse"] / real_scores["rmse"]
    assert ratio.between(0.85, 1.15).all(), f"simulated ÷ real RMSE: {ratio.round(3).to_dict()}"
