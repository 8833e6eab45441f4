"""A logged run, run again: what came out the same, and what was different."""

import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import evaluation, models, tracking, tracking_repeat
from tests.taxi.samples import rides
from tests.taxi.tracking_home import mlflow, tracked_in

TRAIN, VALID = rides(120), rides(60, seed=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with tracked_in(tmp_path_factory.mktemp("repeat")) as folder:
        yield folder


def again(model, train=TRAIN, valid=VALID):
    fitted = models.build(model).fit(train, train["duration"])
    return evaluation.score(valid["duration"], fitted.predict(valid))


@pytest.fixture(scope="module")
def first(home):  # noqa: ARG001
    with tracking.run("first", params={"model": "rule_of_thumb"}, trips=TRAIN, valid=VALID) as run:
        run.log_metrics(again("rule_of_thumb"))
        run.log_metrics(fit_seconds=12.0)
    return run.id


def test_the_same_again_matches(first):
    outcome = tracking.repeat(first, again, trips=TRAIN, valid=VALID, tags={"why": "audit"})
    assert outcome.matches
    assert outcome.table["same"].all()
    assert outcome.table.columns.tolist() == ["then", "now", "same"]
    assert {"data.train", "data.valid", "code", "environment", "python", "metrics.rmse"} <= set(outcome.table.index)
    assert "metrics.fit_seconds" not in outcome.table.index
    assert str(outcome) == "The run repeats: every metric is the same."
    row = tracking.runs().loc[outcome.run_id]
    assert (row["name"], row["tags.repeats"], row["tags.repeats.matches"]) == ("repeat of first", first, "True")
    assert (row["params.model"], row["tags.why"]) == ("rule_of_thumb", "audit")


def test_other_data_is_told_and_the_numbers_differ(first):
    other = rides(120, seed=5)
    outcome = tracking.repeat(first, lambda model: again(model, train=other), trips=other, valid=VALID)
    assert not outcome.matches
    apart = outcome.table.index[~outcome.table["same"]].tolist()
    assert "data.train" in apart
    assert "data.valid" not in apart
    assert "metrics.rmse" in apart
    assert str(outcome).startswith("The run does not repeat.\nWhat differs:\n  data.train: ")
    assert f"{tracking.data_hash(TRAIN)[:12]}… then, {tracking.data_hash(other)[:12]}… now" in str(outcome)


def test_other_code_and_packages_are_told_though_the_numbers_match(first, monkeypatch):
    versions = tracking.lineage().packages
    monkeypatch.setattr("course_lib.taxi.tracking_lineage._packages", lambda _path: {**versions, "numpy": "1.0"})
    monkeypatch.setattr(
        "course_lib.taxi.tracking_lineage.code_revision", lambda _folder: tracking.CodeRevision("abc" * 10, "none")
    )
    outcome = tracking.repeat(first, again, trips=TRAIN, valid=VALID)
    assert outcome.matches
    apart = outcome.table.index[~outcome.table["same"]].tolist()
    assert apart == ["code", "environment", "package numpy"]
    assert outcome.table.loc["package numpy"].tolist() == [versions["numpy"], "1.0", False]
    assert str(outcome).startswith("The run repeats: every metric is the same.\nWhat differs:\n  code: ")


@pytest.mark.parametrize(("tolerance", "matches"), [(0.1, True), (0.01, False)])
def test_the_tolerance_is_in_the_metrics_units(first, tolerance, matches):
    def nearly(model):
        return {name: value + 0.05 for name, value in again(model).items()}

    assert tracking.repeat(first, nearly, trips=TRAIN, valid=VALID, tolerance=tolerance).matches is matches


def test_a_metric_that_is_missing_now_does_not_match(first):
    outcome = tracking.repeat(first, lambda model: {"rmse": again(model)["rmse"]}, trips=TRAIN, valid=VALID)
    assert not outcome.matches
    assert outcome.table.loc["metrics.mae", "now"] == "not recorded"
    assert bool(outcome.table.loc["metrics.rmse", "same"])


def test_a_repetition_that_fails_leaves_a_failed_run(first):
    with pytest.raises(ZeroDivisionError):
        tracking.repeat(first, lambda model: 1 / 0)  # noqa: ARG005
    assert tracking.runs()["status"].iloc[-1] == "FAILED"


def test_a_run_of_plain_mlflow_has_its_parameters_at_least(home):  # noqa: ARG001
    with mlflow.start_run() as plain:
        mlflow.log_params({"depth": 3, "rate": 0.5, "layers": [1, 2], "name": "tree", "off": None})
        mlflow.log_metric("rmse", 6.0)
    seen = {}
    outcome = tracking.repeat(plain.info.run_id, lambda **params: seen.update(params) or {"rmse": 6.0}, trips=TRAIN)
    assert seen == {"depth": 3, "rate": 0.5, "layers": [1, 2], "name": "tree", "off": None}
    assert outcome.matches
    assert outcome.table.loc["data.train", "then"] == "not recorded"
    assert not outcome.table.loc[["data.train", "code", "environment"], "same"].any()


def test_what_cannot_be_repeated(home):  # noqa: ARG001
    with tracking.run("no metrics") as run:
        run.log_metrics(fit_seconds=1.0)
    with pytest.raises(UsageError, match="no metric that a repetition"):
        tracking.repeat(run.id, again)
    with pytest.raises(tracking.NoSuchRun, match="no run 'nope'"):
        tracking.repeat("nope", again)
    assert tracking_repeat.TIMES == ("_seconds", "_ms")


def test_what_one_side_does_not_know_is_not_said_to_differ():
    facts = {
        "code": ("unknown", "unknown", False),
        "data.train": ("not recorded", "abc", False),
        "python": ("3.11.1", "3.12.0", False),
        "metrics.mae": (4.0, "not recorded", False),
    }
    table = pd.DataFrame.from_dict(facts, orient="index", columns=["then", "now", "same"])
    said = str(tracking_repeat.Repeat(False, "old", "new", table))
    differs, silent = said.split("What can't be compared:")
    assert "python: 3.11.1 then, 3.12.0 now" in differs
    assert "metrics.mae: 4 then, not recorded now" in differs
    assert "code: unknown then, unknown now" in silent
    assert "data.train: not recorded then, abc now" in silent
