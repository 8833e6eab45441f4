"""The model card: everything there is evidence for, read again and measured; everything else named as missing."""

import contextlib
import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import models, tracking
from course_lib.taxi.evaluation import score
from course_lib.taxi.governance import audit, card
from course_lib.taxi.tracking_errors import current_database
from tests.taxi.governance.made import february
from tests.taxi.samples import rides
from tests.taxi.tracking_home import mlflow, tracked_in

JANUARY, FEBRUARY = rides(1500, seed=5), february(900)
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def fitted():
    return {name: models.build(name).fit(JANUARY, JANUARY["duration"]) for name in ("mean", "linear")}


@pytest.fixture(scope="module")
def home(tmp_path_factory, fitted):
    """A registry: version 1 (the mean) was first, version 2 (linear) beat it at the gate."""
    place = tmp_path_factory.mktemp("card")
    with pytest.MonkeyPatch.context() as patch, tracked_in(place) as folder:
        patch.setenv("COURSE_USER", "ana")
        patch.setenv("COURSE_DATA_DIR", str(place / "data"))
        patch.delenv("TAXI_DATA", raising=False)
        for name, alias in (("mean", "champion"), ("linear", "challenger")):
            answers = fitted[name].predict(FEBRUARY)
            tracking.register(
                fitted[name], alias=alias, trips=JANUARY, valid=FEBRUARY, params={"model": name, "train": "2021-01"},
                metrics=score(FEBRUARY["duration"], answers), example=FEBRUARY,
            )  # fmt: skip
        assert tracking.promote(trips=FEBRUARY, by="bo", budget_ms=10_000)
        yield folder


@pytest.fixture(scope="module")
def made(home):
    return card.build(folder=home, rides=FEBRUARY, learned=JANUARY, min_rides=40, at=AT)


@pytest.fixture
def other(home, request):
    """A name for a model of this test alone."""
    tracking.setup(home)
    return re.sub(r"\W+", "-", request.node.name)[:60]


def registered(other, model, **kwargs):
    tracking.register(model, other, example=FEBRUARY, **kwargs)
    return card.build(other, rides=FEBRUARY, learned=JANUARY, min_rides=40, at=AT)


def test_the_figures_are_those_of_the_rides(made, fitted):
    truth = score(FEBRUARY["duration"], fitted["linear"].predict(FEBRUARY))
    measured = made.sections["metrics"]["measured"]
    for name in ("rmse", "bias", "within_5"):
        assert measured[name] == pytest.approx(truth[name])
    assert measured["rmse_low"] < measured["rmse"] < measured["rmse_high"]
    assert made.sections["metrics"]["logged"]["rmse"] == pytest.approx(truth["rmse"])
    boroughs = {row["pickup borough"]: row for row in made.sections["slices"]["pickup borough"]}
    assert sum(row["n"] for row in boroughs.values()) == len(FEBRUARY)
    assert len(made.sections["slices"]["hour"]) == 24


def test_lineage_is_the_runs(made):
    facts = made.sections["lineage"]
    assert facts["data"] == {"train": tracking.data_hash(JANUARY), "valid": tracking.data_hash(FEBRUARY)}
    assert facts["run"]["id"] == tracking.versions().loc[2, "run_id"]
    assert facts["params"] == {"model": "linear", "train": "2021-01"}
    data = made.sections["data"]
    assert (data["train"]["rides"], data["train"]["same_as_recorded"]) == (1500, True)
    assert (data["valid"]["months"], data["valid"]["same_as_recorded"]) == ("2021-02", True)


def test_it_says_who_promoted_it_and_that_the_log_holds(made):
    facts = made.sections["promotion"]
    assert (facts["action"], facts["by"], facts["entry"]) == ("promoted", "bo", 3)
    assert facts["details"]["from"] == 1
    assert facts["gate"]["gate"] == "promoted"
    assert facts["audit"]["ok"] is True
    assert made.holds
    assert [one["action"] for one in facts["history"]] == ["alias set", "promoted"]


def test_limits_are_computed(made):
    limits = {one["what"]: one for one in made.sections["limits"]["limits"]}
    zones = limits["Zones it hardly knows"]
    counts = JANUARY["PULocationID"].value_counts()
    expected = sorted(set(range(1, 264)) - set(counts.index[counts >= 30]))
    assert zones["zones"]["pickup"] == expected
    rare = [set(zones["zones"][end]) for end in ("pickup", "drop-off")]
    ends = FEBRUARY["PULocationID"].isin(rare[0]) | FEBRUARY["DOLocationID"].isin(rare[1])
    assert zones["scored_rides"] == ends.sum()
    assert limits["One stretch of time"]["days"] == JANUARY["lpep_pickup_datetime"].dt.date.nunique()
    worse = (
        {one["slice"] for one in limits["Errs more for some"]["slices"]} if "Errs more for some" in limits else set()
    )
    overall = made.sections["metrics"]["measured"]
    for by, prefix in (("pickup borough", "from "), ("hour", "")):
        for row in made.sections["slices"][by]:
            name = f"{prefix}{row[by]}" if prefix else f"{row[by]}:00"
            assert (name in worse) == bool(row["enough"] and row["rmse_low"] > overall["rmse_high"])


def test_a_slice_that_is_worse_is_named(other, fitted):
    worse = FEBRUARY.copy()
    worse.loc[worse["lpep_pickup_datetime"].dt.hour == 9, "duration"] += 40.0
    tracking.register(fitted["linear"], other, example=FEBRUARY)
    found = card.build(other, rides=worse, learned=JANUARY, min_rides=20)
    limits = {one["what"]: one for one in found.sections["limits"]["limits"]}
    assert limits["Errs more for some"]["slices"][0]["slice"] == "9:00"
    assert "9:00" in limits["Errs more for some"]["text"]
    assert limits["Promises too short"]["bias"] < 0


def test_the_three_forms_say_the_same(made, tmp_path):
    files = made.save(tmp_path / "new" / "card")
    assert {kind: path.name for kind, path in files.items()} == {
        "md": "model_card.md", "html": "model_card.html", "json": "model_card.json"
    }  # fmt: skip
    read = json.loads(files["json"].read_text(encoding="utf-8"))
    assert read == made.as_dict()
    assert set(card.SECTIONS) < set(read)
    text, page = (files[kind].read_text(encoding="utf-8") for kind in ("md", "html"))
    rmse = made.sections["metrics"]["measured"]["rmse"]
    for words in (
        "Model card: taxi-duration, version 2 (champion)", f"RMSE {rmse:.2f} (", tracking.data_hash(JANUARY),
        "Promoted by the gate at", "by bo in place of version 1", "Zones it hardly knows", "What is missing",
    ):  # fmt: skip
        assert words in text
        assert words in page
    for title in made.missing:
        assert title in text
        assert title in page


def test_the_page_asks_nobody_for_anything_and_its_pictures_have_words(made):
    page = made.html()
    assert page.count("<svg") == 3
    assert page.count('<svg role="img" aria-label="') == 3
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert "http://www.w3.org" in page  # SVG's name, not an address
    assert re.findall(r"https?://(?!www\.w3\.org)", page) == []
    assert 'name="viewport"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert len(page) < 400_000


def test_the_same_evidence_gives_the_same_card(home):
    first, again = (card.build(folder=home, rides=FEBRUARY, learned=JANUARY, at=AT) for _ in range(2))
    assert again.as_dict() == first.as_dict()
    assert again.html() == first.html()
    assert again.markdown() == first.markdown()


def test_what_stands_in_the_registry_cannot_break_the_page(other, fitted):
    registered(other, fitted["linear"], params={"note": "a|b <script>alert(1)</script>"})
    mlflow.MlflowClient().update_registered_model(other, "For <b>tests</b>\n\n# only")
    found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    assert "<script>" not in found.html()
    assert "a\\|b &lt;script>" in found.markdown()
    assert "For &lt;b>tests&lt;/b> # only" in found.markdown()
    assert found.sections["purpose"] == {"for_what": "For <b>tests</b>\n\n# only"}


def test_a_run_without_hashes_and_a_model_that_nobody_described_are_missing_sections(other, fitted):
    found = registered(other, fitted["linear"])
    assert "Lineage: hash of the rides it learned from" in found.missing
    assert "Lineage: hash of the rides it was scored on" in found.missing
    assert "nobody described" in found.why["Purpose"]
    assert "by hand" in found.why["Promotion: gate"]
    assert found.sections["data"]["train"]["same_as_recorded"] is None
    assert found.sections["metrics"]["measured"]["rmse"] > 0  # nothing else is lost


def test_rides_that_are_not_the_runs_are_said_to_be(home):
    found = card.build(folder=home, rides=FEBRUARY.head(500), learned=JANUARY)
    assert "are not those that the run recorded" in found.why["Data: the rides it was scored on"]
    assert found.sections["data"]["valid"]["same_as_recorded"] is False


def test_without_months_nothing_is_measured_and_everything_else_stands(other, fitted):
    tracking.register(fitted["linear"], other, metrics={"rmse": 3.0}, example=FEBRUARY)
    found = card.build(other)
    assert {"Metrics", "Training data", "Slices", "Importance"} <= set(found.missing)
    assert "don't say which month it was scored on" in found.why["Metrics"]
    assert found.sections["metrics"] == {"logged": {"rmse": 3.0}}
    assert found.sections["limits"] == {"limits": []}
    assert found.sections["lineage"]["run"]["id"] == tracking.versions(other).loc[1, "run_id"]
    assert found.sections["promotion"]["by"] == found.sections["promotion"]["history"][0]["by"]
    for text in (found.markdown(), found.html()):
        assert "Missing." in text
        assert "3.000" in text


def test_a_month_that_is_not_there_is_a_missing_section_unless_it_was_asked_for(other, fitted, tmp_path):
    params = {"train": "2021-01", "valid": "2021-02", "source": str(tmp_path)}
    tracking.register(fitted["linear"], other, params=params, example=FEBRUARY)
    found = card.build(other)
    assert "2021-02" in found.why["Metrics"]
    assert "2021-01" in found.why["Training data"]
    with pytest.raises(UsageError, match="2021-03"):
        card.build(other, months="2021-03")


def test_months_are_read_again_and_are_those_of_the_run(other):
    from course_lib.taxi import training

    report = training.train("2021-01", "2021-02", ["mean"], source="simulated", rows=1500)
    tracking.register(
        report.models["mean"], other, trips=report.train_trips, valid=report.valid_trips, example=report.valid_trips,
        params={"model": "mean", "train": "2021-01", "valid": "2021-02", "source": "simulated", "rows": 1500},
    )  # fmt: skip
    found = card.build(other)
    data = found.sections["data"]
    assert (data["train"]["same_as_recorded"], data["valid"]["same_as_recorded"]) == (True, True)
    assert sum(data["train"]["rows"].values()) == 1500
    assert found.sections["metrics"]["measured"]["n"] == len(report.valid_trips)
    labels = next(one for one in found.sections["limits"]["limits"] if one["what"] == "Labels")
    assert f"too short {report.account.loc['too short', '2021-01']}" in labels["text"]
    march = card.build(other, months="2021-03", rows=800)
    assert march.sections["data"]["valid"]["months"] == "2021-03"
    with pytest.raises(UsageError, match="learned from 2021-01: score it on later"):
        card.build(other, months="2021-01:2021-02")


def test_a_pipelines_model_is_scored_on_the_days_that_it_did_not_learn_from(other, fitted):
    params = {"train": "2021-01", "learned_until": "2021-01-25", "source": "simulated"}
    tracking.register(fitted["mean"], other, params=params, example=FEBRUARY)
    found = card.build(other, rows=2000)
    limits = {one["what"]: one["text"] for one in found.sections["limits"]["limits"]}
    assert "to 2021-01-24" in limits["One stretch of time"]
    days = found.sections["data"]["valid"]["rides"]
    assert 0 < days < 700


def change_database(statement, *values):
    """Do to the registry what MLflow's calls don't allow."""
    with contextlib.closing(sqlite3.connect(current_database())) as database, database:
        database.execute(statement, values)


def test_a_run_that_is_gone_takes_only_its_own_facts_along(other, fitted):
    tracking.register(fitted["linear"], other, example=FEBRUARY, trips=JANUARY)
    change_database("UPDATE model_versions SET run_id = ? WHERE name = ?", "0" * 32, other)
    found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    assert "its run can't be read" in found.why["Lineage"]
    assert found.sections["lineage"] == {}
    assert found.sections["metrics"]["measured"]["n"] == len(FEBRUARY)
    assert found.sections["promotion"]["action"] == "alias set"


def test_a_model_whose_files_are_gone_is_not_measured_and_the_rest_stands(other, fitted):
    tracking.register(fitted["linear"], other, example=FEBRUARY, trips=JANUARY)
    run = mlflow.MlflowClient().get_run(tracking.versions(other).loc[1, "run_id"])
    model = mlflow.MlflowClient().get_logged_model(run.outputs.model_outputs[0].model_id)
    shutil.rmtree(url2pathname(urlparse(model.artifact_location).path))
    found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    assert "its files can't be read" in found.why["Metrics"]
    assert found.sections["data"]["train"]["same_as_recorded"] is True


def test_a_model_that_fails_is_a_missing_section(other):
    class Fails:
        def predict(self, trips):
            if len(trips) > 10:
                raise ValueError("out of order")
            return np.zeros(len(trips))

        def fit(self, X, y):  # noqa: ARG002
            return self

    tracking.register(Fails(), other, example=FEBRUARY)
    found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    assert "ValueError: out of order" in found.why["Metrics"]
    assert found.sections["data"]["valid"]["rides"] == len(FEBRUARY)


def test_an_alias_moved_without_a_record_is_noticed(other, fitted):
    tracking.register(fitted["mean"], other, example=FEBRUARY)
    tracking.register(fitted["linear"], other, example=FEBRUARY, alias=None)
    mlflow.MlflowClient().set_registered_model_alias(other, "champion", "2")
    found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    assert found.version == 2
    assert "last word" in found.why["Promotion"]
    assert "moved without a record" in found.why["Promotion"]


def test_a_tampered_log_is_told_and_what_stands_before_is_still_read(other, fitted, home):
    tracking.register(fitted["mean"], other, example=FEBRUARY)
    path = audit.of(home).path
    kept = path.read_bytes()
    try:
        path.write_bytes(kept.replace(f"{other}/1".encode(), f"{other}/9".encode()))
        found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    finally:
        path.write_bytes(kept)
    assert not found.holds
    assert "was changed after it was written" in found.why["Promotion: audit log"]
    assert "has no entry that made version 1 the champion" in found.why["Promotion"]
    assert "audit log does not hold" in found.html()


def test_a_move_that_failed_is_not_taken_for_one(other, fitted, home):
    tracking.register(fitted["mean"], other, example=FEBRUARY)
    log = audit.of(home)
    announced = log.append("promoted", f"{other}/2", "eve", {"alias": "champion", "from": 1, "to": 2})
    log.append("failed", f"{other}/2", "eve", {"entry": announced.number, "why": "locked"})
    found = card.build(other, rides=FEBRUARY, learned=JANUARY)
    assert found.sections["promotion"]["action"] == "alias set"
    assert "Promotion" not in found.missing


def test_few_rides_give_a_card_too(home):
    found = card.build(folder=home, rides=FEBRUARY.head(3), learned=JANUARY.head(2))
    assert found.sections["metrics"]["measured"]["n"] == 3
    assert not any(row["enough"] for row in found.sections["slices"]["pickup borough"])
    assert found.html().count("<svg") == 1
    json.dumps(found.as_dict(), allow_nan=False)
    one = card.build(folder=home, rides=FEBRUARY.head(1), learned=JANUARY)
    assert "Metrics" in one.missing


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"name": "taxi-duraton"}, tracking.NotRegistered, "Nearest: taxi-duration"),
        ({"alias": "winner"}, tracking.NoSuchAlias, "no alias 'winner'. It has: challenger"),
        ({"rides": FEBRUARY.iloc[:0]}, CourseError, "no rides to measure on"),
        ({"rides": FEBRUARY.drop(columns="duration")}, CourseError, "no column 'duration'"),
        ({"months": "2021-13"}, UsageError, "not a month"),
        ({"learned": pd.DataFrame()}, CourseError, "no column 'duration'"),
    ],
)
def test_what_is_asked_wrongly_is_said(home, options, error, words):
    with pytest.raises(error, match=words):
        card.build(folder=home, **{"rides": FEBRUARY, **options} if "months" not in options else options)


def test_an_alias_that_points_to_a_deleted_version_is_said(other, fitted):
    tracking.register(fitted["mean"], other, example=FEBRUARY)
    tracking.register(fitted["mean"], other, example=FEBRUARY, alias="old")
    change_database("DELETE FROM model_version_tags WHERE name = ? AND version = 1", other)
    change_database("DELETE FROM model_versions WHERE name = ? AND version = 1", other)
    with pytest.raises(tracking.NoSuchVersion, match="points to version 1, which was deleted"):
        card.build(other, rides=FEBRUARY)


def test_a_folder_that_cannot_be_written_is_said(made, tmp_path):
    (tmp_path / "card").write_text("a file", encoding="utf-8")
    with pytest.raises(CourseError, match="can't be written to"):
        made.save(tmp_path / "card")
