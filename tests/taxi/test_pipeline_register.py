"""The same model is one version, however often it is registered; the gate decides once; older months never win."""

import shutil

import pandas as pd
import pytest

from course_lib.taxi import models, pipeline, tracking
from course_lib.taxi.pipeline_register import is_registered
from tests.taxi.pipelines import own_data, registry_of, settings


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    with own_data(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, data_dir):  # noqa: ARG001
    """Three months up to their scores: the worst model first, then better ones."""
    folder = tmp_path_factory.mktemp("evaluated")
    for month, model in (("2021-01", "mean"), ("2021-02", "mean"), ("2021-03", "linear")):
        wanted = settings(rows=1500, model=model)
        assert pipeline.run_month(month, wanted, folder=folder, until="evaluate").ok
    return folder


@pytest.fixture
def state(evaluated, tmp_path):
    return shutil.copytree(evaluated, tmp_path / "state")


def register(state, month, model="mean", **changes):
    wanted = settings(rows=1500, model=model, **changes)
    result = pipeline.run_month(month, wanted, folder=state, tracking=state / "mlflow").checked()
    return result.outputs["register"]


def test_the_first_becomes_champion_and_a_better_one_follows_it(state):
    first = register(state, "2021-01")
    assert (first.name, first.version, first.promoted) == ("taxi-duration", 1, True)
    assert first.reason == "there was no champion yet"
    better = register(state, "2021-03", "linear")
    assert (better.version, better.promoted) == (2, True)
    assert "minutes less than version 1's" in better.reason
    assert registry_of(state / "mlflow")["aliases"] == {"challenger": 2, "champion": 2}


def test_one_that_is_no_better_stays_challenger_and_says_why(state):
    register(state, "2021-01")
    second = register(state, "2021-02", margin=1.0)
    assert not second.promoted
    assert "the margin is 1" in second.reason
    assert registry_of(state / "mlflow")["aliases"] == {"challenger": 2, "champion": 1}


def test_a_model_of_an_older_month_never_displaces_the_champion(state):
    register(state, "2021-02")
    older = register(state, "2021-01")
    assert not older.promoted
    assert older.reason == "the champion, version 1, learned from later rides (until 2021-02-22)"
    assert registry_of(state / "mlflow") == {
        "versions": [("2021-02", "true"), ("2021-01", "false")],
        "aliases": {"challenger": 1, "champion": 1},
        "finished": 2,
        "running": 0,
    }


def test_a_champion_of_course_train_counts_with_all_of_its_month(state):
    tracking.setup(state / "mlflow")
    rides = pd.read_parquet(state / "2021-01" / "train.parquet")
    mean = models.build("mean").fit(rides, rides["duration"])
    tracking.register(mean, params={"train": "2021-03"}, example=rides)
    late = register(state, "2021-03", "linear")
    assert not late.promoted  # the champion may have learned from the very rides it would be judged on
    assert "learned from later rides (until 2021-04-01)" in late.reason


def test_registering_again_finds_what_is_there(state):
    first = register(state, "2021-01")
    before = registry_of(state / "mlflow")
    (state / "2021-01" / "register.json").unlink()
    assert register(state, "2021-01") == first
    assert registry_of(state / "mlflow") == before


def test_the_gate_does_not_decide_twice(state):
    register(state, "2021-01")
    register(state, "2021-03", "linear")
    (state / "2021-01" / "register.json").unlink()
    again = register(state, "2021-01")  # champion in its time, and not again
    assert (again.version, again.promoted) == (1, True)
    assert registry_of(state / "mlflow")["aliases"]["champion"] == 2


def test_a_model_that_changed_is_a_version_of_its_own(state):
    register(state, "2021-01")
    other = register(state, "2021-01", "rule_of_thumb")
    assert other.version == 2


def test_a_registry_that_was_emptied_is_filled_again(state):
    first = register(state, "2021-01")
    assert is_registered(state / "mlflow", first)
    shutil.rmtree(state / "mlflow")
    assert not is_registered(state / "mlflow", first)
    elsewhere = pipeline.run_month("2021-01", settings(rows=1500), folder=state, tracking=state / "other").checked()
    assert elsewhere.did["register"] == "ran"
    assert elsewhere.did["train"] == "unchanged"


def test_a_deleted_version_is_noticed(state):
    register(state, "2021-01")
    second = register(state, "2021-02", margin=1.0)
    tracking.remove_alias("taxi-duration", "challenger")
    tracking.delete_version("taxi-duration", second.version)
    assert not is_registered(state / "mlflow", second)
    assert register(state, "2021-02", margin=1.0).version == 3


def test_the_run_tells_where_the_model_comes_from(state):
    import mlflow

    register(state, "2021-03", "linear")
    run = mlflow.search_runs(output_format="list")[0]
    tables = pipeline.manifest(state, "2021-03", "features")
    assert run.data.params["train"] == "2021-03"
    assert run.data.params["model"] == "linear"
    assert run.data.tags["pipeline.learned_until"] == tables.result["split"] == "2021-03-25"
    assert run.data.tags["data.train_rows"] == str(tables.result["rows_train"])
    assert run.data.metrics["rmse"] < run.data.metrics["mean_rmse"]
    champion = tracking.load()
    rides = pd.read_parquet(state / "2021-03" / "evaluation.parquet")
    assert champion.predict(rides).shape == (len(rides),)
