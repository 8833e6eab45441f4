"""A search: a run for each setting inside the search's run, folds in the order of time, and a winner by a rule."""

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeRegressor

from course_lib.errors import UsageError
from course_lib.taxi import evaluation, models, tracking
from tests.taxi.samples import rides
from tests.taxi.tracking_home import Shifted, mlflow, tracked_in


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with tracked_in(tmp_path_factory.mktemp("search")) as folder:
        yield folder


class Clock:
    """A tenth of a second passes at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.1
        return self.now


@pytest.fixture(scope="module")
def found(home):  # noqa: ARG001
    lines = []
    result = tracking.search(
        "shifts",
        Shifted,
        {"by": [2.0, 1.0, -1.05, 0.5], "fails": [False, True]},
        rides(60),
        valid=rides(40, seed=1),
        tolerance=0.1,
        prefer="by",
        tags={"why": "to see"},
        progress=lines.append,
        clock=Clock(),
    )
    return result, lines


def test_every_setting_has_a_row_and_the_search_says_why(found):
    result, lines = found
    table = result.table
    assert table["by"].tolist() == [2.0, 2.0, 1.0, 1.0, -1.05, -1.05, 0.5, 0.5]
    assert table["rmse"].tolist() == pytest.approx([2.0, np.nan, 1.0, np.nan, 1.05, np.nan, 0.5, np.nan], nan_ok=True)
    assert table["bias"].dropna().tolist() == pytest.approx([2.0, 1.0, -1.05, 0.5])
    assert table.loc[table["rmse"].isna(), "error"].unique().tolist() == ["ValueError: told to fail"]
    assert table["fit_seconds"].dropna().tolist() == pytest.approx([0.1] * 4)
    assert table["predict_ms"].dropna().tolist() == pytest.approx([100] * 4)
    assert result.best == {"by": 0.5, "fails": False}
    assert table.loc[table["best"], "run_id"].tolist() == [result.best_run]
    assert result.why == "the best rmse of 8 settings (rmse 0.500)"
    assert len(lines) == 8
    assert lines[0] == "1 of 8: by=2.0, fails=False: rmse 2.000, 0.1 s"
    assert "failed (ValueError: told to fail)" in lines[1]


def test_the_runs_are_nested_in_the_search(found):
    result, _lines = found
    everything = tracking.runs()
    parent = everything.loc[result.run_id]
    assert (parent["name"], parent["status"], parent["tags.why"]) == ("shifts", "FINISHED", "to see")
    assert parent["metrics.rmse"] == pytest.approx(0.5)
    assert parent["tags.search.best_run"] == result.best_run
    children = tracking.runs(parent=result.run_id)
    assert children.index.tolist() == result.table["run_id"].tolist()
    assert children["status"].tolist() == ["FINISHED", "FAILED"] * 4
    assert children["params.by"].tolist() == result.table["by"].tolist()
    assert set(children["tags.data.train"]) == {tracking.data_hash(rides(60))} == {parent["tags.data.train"]}
    assert tracking.lineage_of(result.best_run).params == result.best
    assert mlflow.active_run() is None


@pytest.mark.parametrize(
    ("tolerance", "prefer", "winner", "why"),
    [
        (0.0, "by", 1.0, "the best rmse"),
        (0.1, "by", -1.05, "of 2 settings within 0.1 of the best rmse, the one with the smallest by"),
        (0.1, (), 1.0, "of 2 settings within 0.1 of the best rmse, the one with the best rmse"),
    ],
)
def test_ties_go_to_the_preferred(home, tolerance, prefer, winner, why):  # noqa: ARG001
    grid = {"by": [2.0, 1.0, -1.05]}
    result = tracking.search("ties", Shifted, grid, rides(20), valid=rides(20), tolerance=tolerance, prefer=prefer)
    assert result.best == {"by": winner}
    assert why in result.why


def test_a_score_that_should_be_large(home):  # noqa: ARG001
    grid = {"by": [9.0, 1.0, 7.0]}
    assert tracking.search("large", Shifted, grid, rides(20), valid=rides(20), metric="within_5").best == {"by": 1.0}


def test_an_estimator_is_cloned_and_folds_are_by_time(home):  # noqa: ARG001
    trips = rides(200)
    pipeline = models.build("mean")
    result = tracking.search("means", pipeline, {"model__strategy": ["mean", "median"]}, trips, folds=2)
    wanted = []
    for train, scored in tracking.time_folds(trips, 2):
        mean = trips["duration"].iloc[train].mean()
        actual = trips["duration"].iloc[scored]
        wanted.append(evaluation.score(actual, np.full(len(actual), mean))["rmse"])
    row = result.table.iloc[0]
    assert row["rmse"] == pytest.approx(np.mean(wanted))
    assert row["rmse_spread"] == pytest.approx(np.std(wanted, ddof=1))
    curve = tracking.history(row["run_id"], "fold_rmse")
    assert curve["value"].tolist() == pytest.approx(wanted)
    assert not hasattr(pipeline.named_steps["model"], "constant_")


def test_a_list_of_grids_for_families_of_models(home):  # noqa: ARG001
    def build(family, depth=None):
        return models.build(family) if depth is None else DecisionTreeOnMiles(max_depth=depth)

    grid = [{"family": ["mean", "rule_of_thumb"]}, {"family": ["tree"], "depth": [1, 8]}]
    result = tracking.search("families", build, grid, rides(300), valid=rides(100, seed=1))
    assert result.table["family"].tolist() == ["mean", "rule_of_thumb", "tree", "tree"]
    assert result.table["depth"].dropna().tolist() == [1, 8]
    assert result.table["rmse"].notna().all()
    assert result.best["family"] != "mean"


class DecisionTreeOnMiles(DecisionTreeRegressor):
    """A tree that sees zones only."""

    def fit(self, X, y):
        return super().fit(X[["PULocationID", "DOLocationID"]], y)

    def predict(self, X):
        return super().predict(X[["PULocationID", "DOLocationID"]])


def test_settings_are_drawn_alike_for_the_same_random_state(home):  # noqa: ARG001
    from scipy.stats import uniform

    def draw(state):
        found = tracking.search(
            "drawn", Shifted, {"by": uniform(0, 9)}, rides(9), valid=rides(9), iterations=3, random_state=state
        )
        return found.table["by"].tolist()

    first = draw(1)
    assert len(set(first)) == 3
    assert draw(1) == first
    assert draw(2) != first


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({"by": []}, {}, "grid"),
        ([], {}, "no setting to try"),
        ({"by": 1.0}, {}, "can't be read"),
        ({"by": [1.0]}, {"folds": 2}, "either valid=… .* or folds"),
        ({"by": [1.0]}, {"valid": None}, "either valid=… .* or folds"),
        ({"by": [1.0]}, {"metric": "mape"}, "no metric 'mape'"),
        ({"by": [1.0]}, {"prefer": "colour"}, "no column 'colour'"),
        ({"by": [1.0]}, {"tolerance": -0.1}, "tolerance must be 0 or more"),
        ({"by": [1.0]}, {"valid": rides(0)}, "cleaned trips"),
        ({"by": [1.0]}, {"valid": rides(3).drop(columns="duration")}, "cleaned trips"),
    ],
)
def test_a_search_that_was_asked_wrongly(home, grid, options, message):  # noqa: ARG001
    with pytest.raises(UsageError, match=message):
        tracking.search("wrong", Shifted, grid, rides(20), **{"valid": rides(5), **options})
    assert len(tracking.runs(where="attributes.run_name = 'wrong'")) == 0


def test_a_search_in_which_everything_fails(home):  # noqa: ARG001
    with pytest.raises(tracking.SearchFailed, match="All 2 settings failed; the first with ValueError: told to fail"):
        tracking.search("all bad", Shifted, {"by": [1, 2], "fails": [True]}, rides(9), valid=rides(9))
    assert tracking.runs(where="attributes.run_name = 'all bad'")["status"].tolist() == ["FAILED"]


# ---------------------------------------------------------------- folds and times


@pytest.mark.parametrize("folds", [1, 2, 5])
def test_folds_never_learn_from_later_rides(folds):
    trips = rides(300).sample(frac=1, random_state=0)
    parts = tracking.time_folds(trips, folds)
    times = trips["lpep_pickup_datetime"].to_numpy()
    assert len(parts) == folds
    for train, scored in parts:
        assert times[train].max() < times[scored].min()
        assert 300 / (folds + 1) * 0.8 < len(scored) < 300 / (folds + 1) * 1.2
    assert sorted(np.concatenate([parts[0][0], *(scored for _, scored in parts)])) == list(range(300))
    assert all(set(parts[n][0]) | set(parts[n][1]) == set(parts[n + 1][0]) for n in range(folds - 1))


def test_rides_of_one_moment_stay_together():
    trips = rides(6).assign(
        lpep_pickup_datetime=pd.to_datetime(["2021-01-01"] * 2 + ["2021-01-02"] * 3 + ["2021-01-03"])
    )
    for train, scored in tracking.time_folds(trips, 1):
        assert (train.tolist(), scored.tolist()) == ([0, 1], [2, 3, 4, 5])


@pytest.mark.parametrize(
    ("trips", "folds", "message"),
    [
        (rides(9), 0, "at least one fold"),
        (rides(0), 2, "too few"),
        (rides(1), 1, "too few"),
        (rides(3), 3, "too few"),
        (rides(4).assign(lpep_pickup_datetime=pd.Timestamp("2021-01-01")), 2, "too few"),
        (rides(4).assign(lpep_pickup_datetime=pd.NaT), 2, "without missing"),
        (rides(4).drop(columns="lpep_pickup_datetime"), 2, "need the column"),
    ],
)
def test_folds_that_cannot_be_made(trips, folds, message):
    with pytest.raises(UsageError, match=message):
        tracking.time_folds(trips, folds)


def test_latency_is_the_median_of_single_rides():
    sizes = []

    class Model:
        def predict(self, trips):
            sizes.append(len(trips))
            return np.zeros(len(trips))

    assert tracking.latency_ms(Model(), rides(4), rides=9, clock=Clock()) == pytest.approx(100)
    assert set(sizes) == {1}
    assert len(sizes) == 9 + 3
    with pytest.raises(UsageError, match="no ride"):
        tracking.latency_ms(Model(), rides(0))
