"""A run records everything by itself, also when it fails; runs come back as tidy tables."""

import contextlib
import threading

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from course_lib.errors import UsageError
from course_lib.taxi import environment, models, tracking, tracking_store
from course_lib.taxi.features import BOOKING_COLUMNS
from tests.taxi.samples import rides
from tests.taxi.tracking_home import mlflow, tracked_in


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with tracked_in(tmp_path_factory.mktemp("runs")) as folder:
        yield folder


@pytest.fixture(scope="module")
def rule():
    return models.build("rule_of_thumb").fit(rides(), rides()["duration"])


@pytest.fixture
def own(home, request):  # noqa: ARG001
    """An experiment of the test's own."""
    mlflow.set_experiment(experiment_id=tracking_store.experiment_id(request.node.name))
    return request.node.name


def files(run):
    return {file.path for file in mlflow.MlflowClient().list_artifacts(run.id)}


def test_a_run_records_what_a_stranger_needs(own):
    train, valid = rides(50), rides(20, seed=1)
    with tracking.run("linear", params={"alpha": 1.0}, tags={"why": "baseline"}, trips=train, valid=valid) as run:
        run.log_metrics(rmse=6.0, mae=np.float32(4.5))
    (row,) = tracking.runs(own).to_dict("records")
    assert (row["name"], row["status"], row["parent"]) == ("linear", "FINISHED", "")
    assert (row["params.alpha"], row["metrics.rmse"], row["metrics.mae"]) == (1.0, 6.0, 4.5)
    code = tracking.code_revision()
    assert (row["tags.code.commit"], row["tags.why"]) == (code.commit, "baseline")
    assert row["tags.data.train"] == tracking.data_hash(train)
    assert row["tags.data.valid"] == tracking.data_hash(valid)
    assert row["tags.data.train_rows"] == "50"
    assert row["tags.environment"] == environment.fingerprint()
    assert files(run) == {"lineage.json", "packages.txt"}
    assert tracking.lineage_of(run.id) == tracking.lineage(train, valid, {"alpha": 1.0})


def test_mlflows_own_page_finds_the_data_sets(own):  # noqa: ARG001
    with tracking.run("with data", trips=rides(50), valid=rides(20, seed=1)) as run:
        pass
    found = {one.tags[0].value: one.dataset for one in mlflow.get_run(run.id).inputs.dataset_inputs}
    assert set(found) == {"train", "valid"}
    assert found["train"].digest == tracking.data_hash(rides(50))[:32]
    assert found["train"].name == "trips of 2021-01"
    assert '"num_rows": 50' in found["train"].profile
    assert "DOLocationID" in found["train"].schema
    assert mlflow.data.get_source(found["train"]) is not None


def test_mlflows_own_calls_go_to_the_same_run(own):
    with tracking.run("mixed") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_metric("rmse", 7.0)
    assert mlflow.active_run() is None
    assert tracking.runs(own).loc[run.id, ["params.depth", "metrics.rmse"]].tolist() == [3, 7.0]
    assert tracking.lineage_of(run.id).params == {"depth": 3}


def test_a_block_that_fails_leaves_a_failed_run_and_its_error(own):
    def bad():
        with tracking.run("bad", params={"a": 1}, trips=rides(5)) as run:
            run.log_metrics(rmse=1.0)
            raise ZeroDivisionError("oh no")

    with pytest.raises(ZeroDivisionError, match="oh no"):
        bad()
    assert mlflow.active_run() is None
    (row,) = (row for _, row in tracking.runs(own).iterrows())
    assert (row["status"], row["tags.error"]) == ("FAILED", "ZeroDivisionError: oh no")
    assert (row["params.a"], row["metrics.rmse"]) == (1, 1.0)
    assert tracking.lineage_of(row.name).data["train"]["rows"] == 5


def test_an_interrupted_run_is_marked_as_killed(own):
    with pytest.raises(KeyboardInterrupt), tracking.run("stopped"):
        raise KeyboardInterrupt
    assert tracking.runs(own)["status"].tolist() == ["KILLED"]


def test_a_run_inside_another_is_its_child(own):
    with tracking.run("outer") as outer, tracking.run("inner") as inner:
        pass
    assert (outer.parent, inner.parent) == (None, outer.id)
    assert tracking.runs(own)["parent"].tolist() == ["", outer.id]
    assert tracking.runs(own, parent=outer.id)["name"].tolist() == ["inner"]
    assert tracking.runs(own, top_level=True)["name"].tolist() == ["outer"]


def test_a_run_may_go_to_another_experiment(own, home):
    with tracking.run("here"), tracking.run("there", experiment="a/strange: name") as run:
        run.log_text("note.txt", "text")
    assert tracking.runs(own)["name"].tolist() == ["here"]
    assert tracking.runs("a/strange: name")["name"].tolist() == ["there"]
    assert list(home.glob("artifacts/a_strange_ name/*/artifacts/note.txt"))


def test_parameters_keep_their_types_and_their_first_value(own):  # noqa: ARG001
    settings = {"alpha": 0.5, "layers": [8, 4], "name": "x", "on": False, "nothing": None}
    with tracking.run("typed", params=settings) as run:
        run.log_params(late=np.int64(3))
        with pytest.raises(tracking.BadRecord, match=r"keeps its first value .*late"):
            run.log_params({"late": 4})
    assert tracking.lineage_of(run.id).params == {**settings, "late": 3}


@pytest.mark.parametrize("value", ["6.1", None, True, [1.0, 2.0], {"a": 1}])
def test_a_metric_is_a_number(own, value):  # noqa: ARG001
    with tracking.run("metric") as run, pytest.raises(tracking.BadRecord, match="metric 'rmse' must be a number, not"):
        run.log_metrics(rmse=value)


def test_what_has_no_value_is_left_out_and_said(own):
    with tracking.run("undefined") as run:
        run.log_metrics({"rmse": 6.0, "r2": float("nan"), "mape": np.inf})
    row = tracking.runs(own).loc[run.id]
    assert [name for name in row.index if name.startswith("metrics.")] == ["metrics.rmse"]
    assert (row["tags.undefined.r2"], row["tags.undefined.mape"]) == ("nan", "inf")


def test_files_of_a_run(own):  # noqa: ARG001
    with tracking.run("files") as run:
        run.log_text("notes/one.txt", "ä")
        run.log_table("table.csv", pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="i")))
        run.log_figure("picture.png", Figure())
    assert {"notes", "table.csv", "picture.png"} <= files(run)
    folder = mlflow.get_run(run.id).info.artifact_uri
    assert mlflow.artifacts.load_text(f"{folder}/table.csv") == "i,a\nx,1\n"
    assert mlflow.artifacts.load_text(f"{folder}/notes/one.txt") == "ä"


def test_runs_in_two_threads_do_not_mix(own):
    def work(number):
        with tracking.run(f"thread {number}", params={"number": number}) as run:
            run.log_metrics(rmse=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table = tracking.runs(own)
    assert sorted(table["name"]) == ["thread 0", "thread 1", "thread 2"]
    assert (table["params.number"] == table["metrics.rmse"]).all()
    assert set(table["parent"]) == {""}


# ---------------------------------------------------------------- models


def variants():
    trips = rides(6, seed=1)[BOOKING_COLUMNS]
    yield trips
    yield trips.astype({"PULocationID": "int32"})
    yield trips.astype({"PULocationID": "Int64", "DOLocationID": "uint8"})
    yield trips.astype({"lpep_pickup_datetime": "datetime64[ns]"})
    yield trips.astype({"lpep_pickup_datetime": "datetime64[s]"})
    yield rides(6, seed=1)


@pytest.mark.parametrize("kind", range(6))
def test_a_logged_model_takes_trips_of_every_type_that_they_come_in(own, rule, kind):  # noqa: ARG001
    """Whoever serves the model checks the signature strictly; the example may have been of any type."""
    trips = list(variants())
    with tracking.run("model") as run:
        address = run.log_model(rule, example=trips[kind])
    info = mlflow.models.get_model_info(address)
    assert info.signature.inputs.input_names() == BOOKING_COLUMNS
    assert info.signature.outputs is not None
    generic = mlflow.pyfunc.load_model(address)
    if kind == 0:
        assert mlflow.models.Model.load(address).load_input_example().shape == (5, 3)
        for other in trips[:5]:
            np.testing.assert_array_equal(generic.predict(other), rule.predict(trips[0]))
    np.testing.assert_array_equal(generic.predict(trips[0]), rule.predict(trips[0]))


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (rides(3).drop(columns="DOLocationID"), "missing: DOLocationID"),
        (rides(0), "at least one trip"),
        (rides(2).assign(lpep_pickup_datetime=pd.NaT), "at least one trip"),
    ],
)
def test_an_example_that_is_none(own, rule, example, message):
    with pytest.raises(tracking.BadRecord, match=message), tracking.run("no example") as run:
        run.log_model(rule, example=example)
    assert tracking.runs(own)["status"].tolist() == ["FAILED"]


def test_a_model_is_logged_in_the_block_of_its_run(own, rule):  # noqa: ARG001
    with tracking.run("over") as run:
        pass
    with pytest.raises(tracking.BadRecord, match="inside its block"):
        run.log_model(rule)


# ---------------------------------------------------------------- tables


@pytest.fixture(scope="module")
def some(home):  # noqa: ARG001
    """Four runs in an experiment of their own, and their ids."""
    ids = {}
    for name, rmse, seconds in (("a", 6.10, 3.0), ("b", 6.00, 9.0), ("c", 6.05, 3.0), ("d", 7.0, 1.0)):
        with tracking.run(
            name, params={"model": name, "n": seconds}, experiment="some", tags={"only": name} if name == "a" else {}
        ) as run:
            run.log_metrics(rmse=rmse, fit_seconds=seconds, within_5=1 - rmse / 10, bias=rmse - 6.06)
            ids[name] = run.id
            for step in (2, 0, 1):
                run.log_metrics(curve=step + rmse, step=step)
    with contextlib.suppress(RuntimeError), tracking.run("e", experiment="some") as run:
        run.log_metrics(rmse=1.0, fit_seconds=0.1)
        raise RuntimeError("failed after scoring")
    return ids


def test_a_table_of_runs_is_tidy(some):
    table = tracking.runs("some")
    assert table.index.name == "run_id"
    assert table.columns[:5].tolist() == ["name", "parent", "status", "started", "seconds"]
    assert table["name"].tolist() == ["a", "b", "c", "d", "e"]
    assert str(table["started"].dt.tz) == "UTC"
    assert (table["seconds"] >= 0).all()
    assert table["params.n"].dtype == float
    assert table["params.model"].tolist()[:4] == ["a", "b", "c", "d"]
    assert not [name for name in table.columns if "mlflow" in name]
    assert tracking.runs("some", status="failed")["name"].tolist() == ["e"]
    assert tracking.runs("some", where="metrics.rmse < 6.05 and params.model = 'b'").index.tolist() == [some["b"]]
    assert len(tracking.runs(None)) > len(table)


def test_no_runs_are_a_table_too(own):
    table = tracking.runs(own)
    assert len(table) == 0
    assert {"name", "parent", "status", "started", "seconds"} <= set(table.columns)


def test_an_unknown_experiment_or_filter(some):  # noqa: ARG001
    with pytest.raises(tracking.NoSuchRun, match=r"no experiment 'sme'.* some"):
        tracking.runs("sme")
    with pytest.raises(tracking.BadRecord, match="filter"):
        tracking.runs("some", where="nonsense here")


@pytest.mark.parametrize(
    ("how", "winner"),
    [
        ({}, "b"),
        ({"tolerance": 0.05, "prefer": "fit_seconds"}, "c"),
        ({"tolerance": 0.1, "prefer": "fit_seconds"}, "c"),  # a and c are as fast, c errs less
        ({"tolerance": 0.1, "prefer": ["metrics.fit_seconds", "model"]}, "a"),
        ({"tolerance": 5, "prefer": "fit_seconds"}, "d"),
        ({"tolerance": 0.04}, "b"),
        ({"metric": "metrics.within_5"}, "b"),
        ({"metric": "bias"}, "c"),
    ],
)
def test_the_best_run_by_a_rule(some, how, winner):
    assert tracking.best(tracking.runs("some"), **how) == some[winner]


def test_of_wholly_equal_runs_the_first_is_the_best():
    table = pd.DataFrame({"rmse": [6.2, 6.1, 6.1], "fit_seconds": [1, 2, 2]}, index=["x", "y", "z"])
    assert tracking.best(table, prefer="fit_seconds") == "y"
    assert tracking.best(table, prefer="fit_seconds", tolerance=0.1) == "x"
    assert tracking.best(table.assign(fit_seconds=[np.nan, 2, 1]), prefer="fit_seconds", tolerance=0.1) == "z"


def test_a_best_that_cannot_be_named(some):  # noqa: ARG001
    table = tracking.runs("some")
    with pytest.raises(UsageError, match="no column 'mape'"):
        tracking.best(table, "mape")
    with pytest.raises(UsageError, match="tolerance"):
        tracking.best(table, tolerance=-1)
    with pytest.raises(tracking.NoSuchRun, match="No run that finished"):
        tracking.best(table.loc[table["status"] == "FAILED"])


def test_curves_by_step(some):
    curves = tracking.history([some["a"], some["d"]], "curve")
    assert curves.columns.tolist() == ["run_id", "name", "step", "value"]
    assert curves["step"].tolist() == [0, 1, 2, 0, 1, 2]
    assert curves["value"].tolist() == pytest.approx([6.1, 7.1, 8.1, 7.0, 8.0, 9.0])
    assert tracking.history(some["a"], "curve")["name"].tolist() == ["a"] * 3
    with pytest.raises(UsageError, match="recorded a metric 'loss'"):
        tracking.history(some["a"], "loss")
    with pytest.raises(tracking.NoSuchRun, match="no run 'nope'"):
        tracking.history("nope", "curve")


def test_differences_of_two_runs(some):
    table = tracking.differences(some["a"], some["c"])
    assert table.columns.tolist() == ["first", "second"]
    assert table.loc["metrics.rmse"].tolist() == [6.1, 6.05]
    assert table.loc["params.model"].tolist() == ["a", "c"]
    assert table.loc["tags.only"].tolist() == ["a", ""]
    assert "metrics.fit_seconds" not in table.index
    assert len(tracking.differences(some["a"], some["a"])) == 0
