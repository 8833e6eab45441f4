"""Every prediction once, every label accounted for."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import cleaning, trips
from course_lib.taxi.monitoring import labels
from course_lib.taxi.service.batch import score_month
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.monitoring.made import arrived, predictions

pytestmark = pytest.mark.filterwarnings("error::FutureWarning")


def test_all_kinds_of_rows_at_once():
    given = pd.concat([predictions(6), predictions(1)])  # the first was stored twice
    came = arrived(["p1", "p2", "p2", "zz", "p3", "p4", None], [11, 12, 13, 9, -1, np.nan, 5])
    joined = labels.join(given, came)
    assert joined.rides["prediction_id"].tolist() == [f"p{n}" for n in range(6)]
    assert joined.rides["duration"].tolist()[1:3] == [11, 13]  # the later label is a correction
    assert joined.account == labels.Account(
        predictions=7, labelled=2, waiting=4, repeated=1, labels=7, duplicate=1, unknown=1, unusable=3
    )
    assert joined.account.adds_up
    assert joined.account.share == pytest.approx(2 / 6)
    assert len(joined.labelled) == 2


def test_an_account_that_does_not_add_up_is_found():
    assert not labels.Account(predictions=3, labelled=1, waiting=1).adds_up
    assert not labels.Account(predictions=1, labelled=1, labels=3).adds_up


def test_the_last_to_arrive_counts_whatever_the_order():
    came = arrived(["p0", "p0"], [20.0, 10.0], ["2021-02-03", "2021-02-02"])
    assert labels.join(predictions(1), came).rides["duration"].tolist() == [20.0]


def test_what_was_known_at_a_moment():
    came = arrived(["p0", "p1", "p0"], [10.0, 11.0, 12.0], ["2021-02-01", "2021-02-05", "2021-02-09"])
    early = labels.join(predictions(2), came, now="2021-02-06")
    assert early.rides["duration"].tolist() == [10.0, 11.0]
    assert early.account.not_yet == 1
    assert early.account.adds_up
    with pytest.raises(UsageError, match="'soon' is no moment"):
        labels.join(predictions(2), came, now="soon")


def test_no_labels_yet_and_half_of_them():
    none = labels.join(predictions(4), arrived([], []))
    assert none.rides["duration"].isna().all()
    assert (none.account.waiting, none.account.share) == (4, 0)
    half = labels.join(predictions(4), arrived(["p0", "p1"], [1.0, 2.0]))
    assert half.account.share == 0.5
    nothing = labels.join(predictions(0), arrived(["p0"], [1.0]))
    assert nothing.account.unknown == 1
    assert nothing.account.adds_up
    assert np.isnan(nothing.account.share)


def test_inputs_stay_as_they_were_and_columns_are_asked_for():
    given, came = predictions(3), arrived(["p1", "p0"], [1.0, 2.0], ["2021-02-02", "2021-02-01"])
    before = given.copy(), came.copy()
    labels.join(given, came)
    pd.testing.assert_frame_equal(given, before[0])
    pd.testing.assert_frame_equal(came, before[1])
    with pytest.raises(UsageError, match="labels lack duration"):
        labels.join(given, came.drop(columns="duration"))
    with pytest.raises(UsageError, match="labels lack arrived_at"):
        labels.join(given, came.drop(columns="arrived_at"), now="2021-02-02")


def stored(url):
    store = PredictionStore(url)
    row = {
        "request_id": "r",
        "made_at": datetime(2021, 2, 1),
        "rider": None,
        "pickup": 7,
        "dropoff": 132,
        "pickup_time": datetime(2021, 2, 1, 8),
        "model_name": "m",
    }
    champion = {**row, "prediction_id": "a", "minutes": 30.0, "model_version": 1, "role": "champion", "shadow": False}
    shadow = {**row, "prediction_id": "b", "minutes": 20.0, "model_version": 2, "role": "challenger", "shadow": True}
    try:
        store.add([champion, shadow])
        store.add([champion])
        return store.read()
    finally:
        store.close()


def check_store(rows):
    seen, unseen = labels.from_store(rows), labels.from_store(rows, shadow=True)
    assert set(labels.PREDICTION) <= set(seen.columns)
    joined = labels.join(seen, arrived(["a"], [33.0]))
    assert (joined.account.labelled, joined.rides["minutes"].tolist()) == (1, [30.0])
    assert unseen["minutes"].tolist() == [20.0]


def test_rows_of_the_store(tmp_path):
    check_store(stored(f"sqlite:///{tmp_path / 'predictions.db'}"))


def test_rows_of_the_store_in_postgresql(postgresql):
    check_store(stored(postgresql))


class Ten:
    """Ten minutes for everybody."""

    def predict(self, bookings):
        return np.full(len(bookings), 10.0)


def test_a_scored_month_with_its_labels(tmp_path):
    scored = score_month("2021-02", Ten(), 1, tmp_path, source="simulated", rows=1500).read()
    stray = scored.iloc[[0]].assign(lpep_pickup_datetime=pd.Timestamp("2008-12-31"))
    given = labels.from_batch(pd.concat([scored, stray]), "2021-02")
    joined = labels.join(given, labels.of_month("2021-02", source="simulated", rows=1500))
    raw = trips.load("2021-02", source="simulated", rows=1500).reset_index(drop=True)
    kept = cleaning.clean(raw, "2021-02").trips
    assert joined.account.labelled == len(kept)
    assert joined.account.adds_up
    assert joined.account.unknown == 0
    by_row = joined.labelled.set_index("prediction_id")["duration"]
    assert by_row[f"2021-02/{kept.index[5]}"] == kept["duration"].iloc[5]


def test_labels_of_a_month_can_be_late():
    at_once, late = (labels.of_month("2021-02", source="simulated", rows=1500, delay=d) for d in ("0h", "2D"))
    assert ((late["arrived_at"] - at_once["arrived_at"]) == pd.Timedelta("2D")).all()
