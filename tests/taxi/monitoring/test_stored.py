"""What the service told riders, watched from its store: SQLite and PostgreSQL, with labels that come in files."""

import json

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, models, trips
from course_lib.taxi.monitoring import page, stored, watch
from course_lib.taxi.service.store import PredictionStore

MONTH, ROWS = "2021-02", 1500


@pytest.fixture(scope="module")
def answers():
    """A month of rides, and what a model trained on the month before promises them."""
    known = cleaning.clean(trips.load("2021-01", source="simulated", rows=ROWS), "2021-01").trips
    rides = cleaning.clean(trips.load(MONTH, source="simulated", rows=ROWS), MONTH).trips.reset_index(drop=True)
    return rides.assign(minutes=models.build("mean").fit(known, known["duration"]).predict(rides))


def fill(url, rides, *, shadow=False, version=3, name="p"):
    """Store a prediction for each ride, as the service does."""
    store = PredictionStore(url)
    store.add(
        {
            "prediction_id": f"{name}{number}",
            "request_id": f"r{number}",
            "made_at": ride.lpep_pickup_datetime.to_pydatetime(),
            "rider": None,
            "pickup": int(ride.PULocationID),
            "dropoff": int(ride.DOLocationID),
            "pickup_time": ride.lpep_pickup_datetime.to_pydatetime(),
            "minutes": float(ride.minutes),
            "model_name": "taxi-duration",
            "model_version": version,
            "role": "challenger" if shadow else "champion",
            "shadow": shadow,
        }
        for number, ride in enumerate(rides.itertuples())
    )
    store.close()
    return url


def labels_of(rides, file, *, name="p"):
    """A file of what the rides took, as meters report it."""
    ids = [f"{name}{number}" for number in range(len(rides))]
    table = pd.DataFrame(
        {"prediction_id": ids, "duration": rides["duration"], "arrived_at": rides["lpep_dropoff_datetime"]}
    )
    table.to_csv(file, index=False)
    return file


@pytest.fixture
def sqlite(tmp_path, answers):
    return fill(f"sqlite:///{tmp_path / 'predictions.db'}", answers)


def watched(url, file=None, **options):
    return watch.monitor(MONTH, model="mean", source="simulated", rows=ROWS, store=url, labels_file=file, **options)


def check_same_as_batch(url, answers, file):
    """The figures are those of the same month scored in a batch."""
    result, batch = (
        watched(url, labels_of(answers, file)),
        watch.monitor(MONTH, model="mean", source="simulated", rows=ROWS),
    )
    assert result.model == "taxi-duration version 3, from the prediction store"
    assert result.account.labelled == batch.account.labelled == len(answers)
    assert result.account.adds_up
    assert result.by_month["rmse"].to_numpy() == pytest.approx(batch.by_month["rmse"].to_numpy(), abs=1e-9)
    assert json.loads(json.dumps(result.as_dict(), allow_nan=False))["account"]["out_of_month"] == 0
    assert "from the prediction store" in page.page(result)


def test_the_store_in_sqlite(sqlite, answers, tmp_path):
    check_same_as_batch(sqlite, answers, tmp_path / "labels.csv")


def test_the_store_in_postgresql(postgresql, answers, tmp_path):
    server = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE watched"))
    server.dispose()
    own = sa.make_url(postgresql).set(database="watched").render_as_string(hide_password=False)
    check_same_as_batch(fill(own, answers), answers, tmp_path / "labels.csv")


def test_no_labels_yet(sqlite):
    result = watched(sqlite)
    assert (result.account.labels, result.account.labelled, result.account.share) == (0, 0, 0)
    assert result.weeks["rmse"].isna().all()
    assert result.drift["psi"].notna().any()


def test_half_of_the_labels_some_of_them_for_others(sqlite, answers, tmp_path):
    file = labels_of(answers, tmp_path / "labels.csv")
    table = pd.read_csv(file).iloc[::2]
    strange = pd.DataFrame({"prediction_id": ["nobody's", "p0", "p2"], "duration": [10, 0, 12.5]})
    pd.concat([table, strange]).to_csv(file, index=False)
    account = watched(sqlite, file).account
    assert (account.unknown, account.unusable, account.duplicate) == (1, 1, 1)
    assert account.labelled == len(table)
    assert account.adds_up


def test_only_what_was_known_then(sqlite, answers, tmp_path):
    result = watched(sqlite, labels_of(answers, tmp_path / "labels.csv"), now="2021-02-15")
    assert 0.3 < result.account.share < 0.7
    assert result.account.not_yet > 0


def test_the_shadow_is_watched_apart(sqlite, answers, tmp_path):
    fill(sqlite, answers.assign(minutes=answers["duration"] + 1), shadow=True, version=4, name="s")
    result = watched(sqlite, labels_of(answers, tmp_path / "labels.csv", name="s"), shadow=True)
    assert result.model.startswith("taxi-duration version 4")
    assert result.by_month["rmse"].to_numpy() == pytest.approx([1.0])


def test_labels_of_other_months_are_no_strangers(tmp_path, answers):
    other = answers.assign(lpep_pickup_datetime=answers["lpep_pickup_datetime"] + pd.Timedelta("31D"))
    url = fill(f"sqlite:///{tmp_path / 'two.db'}", pd.concat([answers, other], ignore_index=True))
    both = pd.concat([answers, other], ignore_index=True)
    account = watched(url, labels_of(both, tmp_path / "labels.csv")).account
    assert (account.unknown, account.labelled) == (0, len(answers))


def test_parquet_and_offsets(tmp_path):
    table = pd.DataFrame({"prediction_id": ["a", "b"], "duration": [1.0, None]})
    table["arrived_at"] = pd.to_datetime(["2021-02-01T13:00:00Z", None])
    table.to_parquet(tmp_path / "labels.parquet")
    found = stored.read_labels(tmp_path / "labels.parquet")
    assert found["arrived_at"].tolist()[0] == pd.Timestamp("2021-02-01 08:00")
    assert np.isnan(found["duration"].iloc[1])
    table.drop(columns="arrived_at").assign(prediction_id=["007", "8"]).to_csv(tmp_path / "labels.csv", index=False)
    assert stored.read_labels(tmp_path / "labels.csv")["prediction_id"].tolist() == ["007", "8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "can't be read: No such file"),
        ("", "holds no table of labels"),
        ("prediction_id,minutes\na,1\n", "lack duration. They have: prediction_id, minutes"),
        (
            "prediction_id,duration,arrived_at\na,1,2021-02-01T10:00:00-05:00\nb,1,2021-02-01T10:00:00\n",
            "aren't of one kind",
        ),
    ],
)
def test_a_file_that_holds_no_labels(tmp_path, text, message):
    file = tmp_path / "labels.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        stored.read_labels(file)


def test_a_file_that_is_no_parquet(tmp_path):
    (tmp_path / "labels.parquet").write_bytes(b"<html>")
    with pytest.raises(UsageError, match="holds no table of labels"):
        stored.read_labels(tmp_path / "labels.parquet")


def test_an_empty_window_says_what_there_is(sqlite):
    with pytest.raises(
        CourseError, match=r"no predictions for rides in 2021-04: its .* are for rides from 2021-02-01 to"
    ):
        watch.monitor("2021-04", model="mean", source="simulated", rows=ROWS, store=sqlite)
    with pytest.raises(CourseError, match=r"no shadow predictions .* none at all"):
        watched(sqlite, shadow=True)


def test_a_store_that_is_none(tmp_path):
    with pytest.raises(UsageError, match="There is no prediction store"):
        watched(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("not a database, but long enough to be taken for one" * 20)
    with pytest.raises(CourseError, match="can't be read: file is not a database"):
        watched(f"sqlite:///{tmp_path / 'text.db'}")
    with pytest.raises(UsageError, match=r"not in mysql|no database URL"):
        watched("mysql://somewhere/predictions")
    with pytest.raises(CourseError, match="can't be read") as caught:
        watched("postgresql+psycopg://course:secret@127.0.0.1:1/postgres")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("options", [{"shadow": True}, {"labels_file": "labels.csv"}])
def test_labels_and_shadow_need_a_store(options):
    with pytest.raises(UsageError, match="belong to a prediction store"):
        watch.monitor(MONTH, model="mean", source="simulated", rows=ROWS, **options)
