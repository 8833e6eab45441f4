"""Months watched whole: quiet where nothing happened, an alert where the city changed, clear words otherwise."""

import json

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, models, monthfile, tracking, trips
from course_lib.taxi.monitoring import alerts, baseline, page, performance, rules, watch
from course_lib.taxi.months import MonthNotFound
from tests.taxi.monitoring.made import rides
from tests.taxi.samples import real_folder

QUIET, CHANGED = "2021-02:2021-05", "2022-01"


def check_story(result):
    """February to May raise nothing; January 2022 raises drift and error, although the RMSE fell."""
    assert [one for one in result.alerts if one.since < pd.Timestamp("2021-12-01")] == []
    standing = {one.rule.name: one for one in result.standing}
    assert set(standing) == {"ratio", "drift"}
    months = result.by_month
    assert months.loc["2022-01-01", "rmse"] < months.loc["2021-05-01", "rmse"]
    assert months.loc["2022-01-01", "ratio"] > months.loc["2021-05-01", "ratio"]
    assert result.account.adds_up
    assert result.account.unknown == result.account.duplicate == 0


@pytest.fixture(scope="module")
def simulated():
    return watch.monitor(f"{QUIET},{CHANGED}", model="boosting", source="simulated", rows=5000)


def test_simulated_months(simulated):
    check_story(simulated)
    assert simulated.account.predictions == 5 * 5000 - simulated.out_of_month


@pytest.mark.real_data
def test_real_months():
    check_story(watch.monitor(f"{QUIET},{CHANGED}", model="boosting", source=real_folder()))


def test_the_result_as_json(simulated):
    found = json.loads(json.dumps(simulated.as_dict(), allow_nan=False))
    assert {one["rule"] for one in found["standing"]} == {"drift", "ratio"}
    assert [one["start"] for one in found["by_month"]][-1] == "2022-01-01"
    assert {one["feature"] for one in found["drift"]["2022-01"]} >= {"miles", "pickup zone", "duration"}


def test_the_page_says_it_all_and_asks_nobody(simulated, tmp_path):
    path, data = page.write(simulated, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "2 alerts standing" in text
    assert text.count("<svg") == text.count('role="img" aria-label="') == 6
    assert "baseline 0." in text.split('aria-label="')[1].split('"')[0]
    for outside in ("<script", '<link rel="style', "src=", "@import", "url(http"):
        assert outside not in text
    addresses = {part.split('"')[0] for part in text.split('="http')[1:]}
    assert addresses <= {"://www.w3.org/2000/svg"}  # a name, asked of nobody
    ids = [part.split('"')[0] for part in text.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    assert json.loads(data.read_text(encoding="utf-8"))["reference"] == "2021-01"


def test_a_page_that_can_not_be_written(simulated, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="can't be written"):
        page.write(simulated, tmp_path / "file")


def test_a_falling_error_that_hides_a_worse_model():
    """From 4 minutes in rides that differ by 10 to 3 in rides that differ by 5: any guess would err less."""
    before = rides(1000, error=4, spread=10)
    after = rides(1000, error=3, spread=5).assign(
        lpep_pickup_datetime=before["lpep_pickup_datetime"] + pd.Timedelta("42D")
    )
    weeks = performance.over_time(pd.concat([before, after]))
    held = baseline.Baseline(4.0, 10.0, 0.4, 1000, "")
    stories = {
        rule.name: alerts.follow(rule, rules.observations(rule.name, weeks, pd.DataFrame(), held))
        for rule in rules.RULES
        if rule.name != "drift"
    }
    assert stories["ratio"].standing
    assert stories["ratio"].standing.since == pd.Timestamp("2021-03-15")
    assert not stories["rmse"].alerts
    assert not stories["bias"].alerts


@pytest.mark.parametrize("sign", [-1, 1])
def test_bias_in_either_direction(sign):
    table = rides(1000)
    weeks = performance.over_time(table.assign(minutes=table["minutes"] + sign * 4))
    rule = next(rule for rule in rules.RULES if rule.name == "bias")
    held = baseline.Baseline(3.0, 8.0, 3 / 8, 1000, "")
    alert = alerts.follow(rule, rules.observations("bias", weeks, pd.DataFrame(), held)).standing
    assert ("too long" if sign > 0 else "too short") in str(alert)


class Half:
    """No scikit-learn model: half an hour for everybody."""

    def predict(self, bookings):
        return np.full(len(bookings), 30.0)


def few(wanted="2021-02", **options):
    return watch.monitor(wanted, **{"model": "mean", "source": "simulated", "rows": 1500, **options})


def test_before_any_label_there_is_drift_but_no_error(tmp_path):
    result = few(now="2021-02-01")
    assert result.account.labelled == 0
    assert result.account.not_yet == result.account.labels > 0
    assert result.weeks["rmse"].isna().all()
    assert result.drift["psi"].notna().any()
    assert not result.standing
    text = page.write(result, tmp_path)[0].read_text(encoding="utf-8")
    assert text.count("no labels yet, or too few") >= 4
    assert "no alert stands, but no week has labels enough" in text
    assert "1970" not in text


def test_half_of_the_labels():
    result = few(now="2021-02-15")
    assert 0.3 < result.account.share < 0.7
    assert result.account.adds_up
    assert result.weeks["enough"].tolist() == [True, True, False, False]


def test_a_model_of_any_kind():
    result = few(model=Half())
    assert "as it is" in result.baseline.how
    assert {one.rule.name for one in result.standing} == {"bias"}


def test_the_champion_is_watched_and_its_scores_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(tracking.NotRegistered, match="--model boosting"):
        few(model=None)
    tracking.setup()
    known = cleaning.clean(trips.load("2021-01", source="simulated", rows=1500), "2021-01").trips
    tracking.register(models.build("mean").fit(known, known["duration"]))
    result = few(model=None, folder=tmp_path / "scored")
    assert result.model == "taxi-duration version 1 (champion)"
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "scored").rglob("*.parquet")}
    assert len(written) >= 28
    again = few(model=None, folder=tmp_path / "scored")
    assert {path: path.stat().st_mtime_ns for path in written} == written
    pd.testing.assert_frame_equal(again.weeks, result.weeks)
    few(model="linear", folder=tmp_path / "scored")  # another model's answers go elsewhere
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_a_new_zone_and_an_empty_week(tmp_path):
    for month in ("2021-01", "2021-02"):
        table = trips.load(month, source="simulated", rows=3000)
        if month == "2021-02":
            table["PULocationID"] = np.where(np.arange(3000) % 3 == 0, 263, table["PULocationID"])
            week = table["lpep_pickup_datetime"].between("2021-02-08", "2021-02-15", inclusive="left")
            table = table[~week]
        table.astype({"PULocationID": "int32"}).to_parquet(tmp_path / monthfile.name_of(month))
    result = watch.monitor("2021-02", model="linear", source=tmp_path)
    assert pd.Timestamp("2021-02-08") not in result.weeks.index
    assert "drift" in {one.rule.name for one in result.standing}
    page.page(result)


@pytest.mark.parametrize(
    ("wanted", "options", "message"),
    [
        ("2021-05:2021-02", {}, "run backwards"),
        ("2021-13", {}, "no month 13"),
        ("", {}, "at least one month"),
        ("2021-01:2021-03", {}, "may have learned from 2021-01"),
        ("2021-02", {"reference": "2021-02"}, "may have learned from 2021-02"),
        ("2021-02", {"reference": "January"}, "'January' is not a month"),
        ("2021-02", {"model": "oracle"}, "no model 'oracle'"),
        ("2021-02", {"now": "soon"}, "no moment"),
    ],
)
def test_asked_wrongly(wanted, options, message):
    with pytest.raises(UsageError, match=message):
        few(wanted, **options)


def test_a_month_that_is_not_there(tmp_path):
    (tmp_path / monthfile.name_of("2021-01")).write_bytes(b"")
    with pytest.raises(MonthNotFound, match="has no trips of 2021-02"):
        watch.monitor("2021-02", model="mean", source=tmp_path)


def test_a_reference_of_a_handful_of_rides():
    with pytest.raises(CourseError, match="too few rides for a baseline"):
        few(rows=60)
