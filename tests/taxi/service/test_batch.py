"""A month scored in one go: every row once, resumed where it stopped, again only where something changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_lib.taxi import monthfile, trips
from course_lib.taxi.service.batch import score_month
from course_lib.taxi.trips import MonthNotFound


class Counts:
    """Minutes are the drop-off zone's number; may stop in the middle."""

    def __init__(self, stops_after=None):
        self.calls, self.stops_after = 0, stops_after

    def predict(self, bookings):
        if self.calls == self.stops_after:
            raise KeyboardInterrupt
        self.calls += 1
        return bookings["DOLocationID"].to_numpy(np.float64)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of month files; in the only one, a row of another year."""
    month = trips.load("2021-02", source="simulated", rows=2000)
    month.loc[5, "lpep_pickup_datetime"] = pd.Timestamp("2008-12-31 23:02")
    folder = tmp_path_factory.mktemp("files")
    month.to_parquet(folder / monthfile.name_of("2021-02"))
    return folder


@pytest.fixture
def score(files):
    def of(folder, model, version=1, **options):
        return score_month("2021-02", model, version, folder, source=str(files), **options)

    return of


def test_every_row_gets_one_answer(tmp_path, files, score):
    month = trips.load("2021-02", source=str(files))
    told = []
    done = score(tmp_path, Counts(), 3, progress=lambda *now: told.append(now))
    table = done.read()
    assert list(table["row"]) == list(range(len(month)))
    assert table["minutes"].tolist() == month["DOLocationID"].tolist()
    assert set(table["model_version"]) == {3}
    times = month["lpep_pickup_datetime"]
    pd.testing.assert_series_equal(table["lpep_pickup_datetime"], times, check_names=False)
    assert done.days_scored == 28 + 1  # the row of another year
    assert told[-1] == (29, 29)


def test_done_is_done(tmp_path, score):
    score(tmp_path, Counts())
    again = Counts()
    assert score(tmp_path, again).days_kept == 29
    assert again.calls == 0
    assert score(tmp_path, again, version=2).days_scored == 29  # another model, other answers


def test_stopped_in_the_middle(tmp_path, score):
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path, Counts(stops_after=10))
    rest = Counts()
    done = score(tmp_path, rest)
    assert (done.days_kept, rest.calls) == (10, 19)
    pd.testing.assert_frame_equal(done.read(), score(tmp_path / "at once", Counts()).read())


def test_half_files_and_changed_days(tmp_path, score):
    folder = Path(score(tmp_path, Counts()).folder.url)
    day = folder / "2021-02-03.parquet"
    day.write_bytes(day.read_bytes()[:100])
    (folder / "2021-02-04.parquet").unlink()
    (folder / ".2021-02-05.parquet.7.part").write_bytes(b"PAR1")
    done = score(tmp_path, Counts())
    assert done.days_scored == 2
    assert not list(folder.glob("*.part"))
    assert len(done.read()) == done.rows


def test_a_month_that_is_not_there(tmp_path):
    with pytest.raises(MonthNotFound):
        score_month("2021-07", Counts(), 1, tmp_path, source=str(tmp_path))
