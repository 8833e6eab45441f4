"""MLflow in a folder of its own: quick, quiet, and nothing left anywhere else."""

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.taxi import models, tracking
from course_lib.taxi.features import BOOKING_COLUMNS
from tests.taxi.samples import rides
from tests.taxi.tracking_home import tracked_in


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One tracking folder for all tests here (a new database takes 2 s), entered from an empty working directory."""
    with tracked_in(tmp_path_factory.mktemp("tracking")) as folder:
        yield folder


@pytest.fixture(scope="module")
def rule():
    return models.build("rule_of_thumb").fit(rides(), rides()["duration"])


@pytest.fixture(scope="module")
def boosting():
    return models.build("boosting").fit(rides(), rides()["duration"])


def mean_model(minutes):
    return models.build("mean").fit(rides(2), [minutes, minutes])


def test_everything_lies_in_the_folder_and_nothing_in_the_working_directory(home, rule):
    version = tracking.register(rule, "somewhere", example=rides(3))
    assert tracking.load("somewhere").predict(rides(3)).shape == (3,)
    assert version == 1
    assert (home / "mlflow.db").is_file()
    assert list(home.glob("artifacts/**/MLmodel"))
    assert list(Path.cwd().iterdir()) == []


def test_telemetry_is_off(home):  # noqa: ARG001
    from mlflow.telemetry import get_telemetry_client
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()
    assert get_telemetry_client() is None
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "true"


def test_setup_again_keeps_what_is_there(home, rule):
    version = tracking.register(rule, "kept")
    assert tracking.setup(home) == home
    assert tracking.version("kept") == version


@pytest.mark.parametrize("name", ["rule", "boosting"])
def test_a_loaded_model_answers_as_it_did(home, request, name):  # noqa: ARG001
    model = request.getfixturevalue(name)
    tracking.register(model, f"same-{name}", example=rides(5))
    loaded = tracking.load(f"same-{name}")
    np.testing.assert_array_equal(loaded.predict(rides(50, seed=1)), model.predict(rides(50, seed=1)))


def test_versions_count_up_and_the_alias_moves(home):  # noqa: ARG001
    assert [tracking.register(mean_model(minutes), "moves") for minutes in (10.0, 20.0)] == [1, 2]
    assert tracking.version("moves") == 2
    assert tracking.load("moves").predict(rides(1)).tolist() == [20.0]


def test_other_aliases_leave_the_champion_alone(home):  # noqa: ARG001
    tracking.register(mean_model(10.0), "aliases")
    tracking.register(mean_model(20.0), "aliases", alias="challenger")
    tracking.register(mean_model(30.0), "aliases", alias=None)
    assert tracking.load("aliases").predict(rides(1)).tolist() == [10.0]
    assert tracking.load("aliases", alias="challenger").predict(rides(1)).tolist() == [20.0]


def test_what_is_known_about_a_model_is_recorded(home, rule):  # noqa: ARG001
    import mlflow

    version = tracking.register(rule, "known", metrics={"rmse": 9.3}, params={"train": "2021-01"}, example=rides(4))
    run = mlflow.get_run(mlflow.MlflowClient().get_model_version("known", str(version)).run_id)
    assert run.data.metrics == {"rmse": 9.3}
    assert run.data.params == {"train": "2021-01"}
    assert run.info.status == "FINISHED"
    info = mlflow.models.get_model_info(f"models:/known/{version}")
    assert info.signature.inputs.input_names() == BOOKING_COLUMNS
    assert info.signature.outputs is not None


def test_the_generic_interface_answers_too(home, rule):  # noqa: ARG001
    """Other tools load models by MLflow's own interface, which checks the signature strictly."""
    import mlflow

    tracking.register(rule, "generic", example=rides(4))
    trips = rides(6, seed=1)[BOOKING_COLUMNS]
    answers = mlflow.pyfunc.load_model("models:/generic@champion").predict(trips)
    np.testing.assert_array_equal(answers, rule.predict(trips))


def test_requirements_are_pinned_not_guessed(home, rule):
    version = tracking.register(rule, "pinned")
    assert version == 1
    newest = max(home.glob("artifacts/**/requirements.txt"), key=lambda path: path.stat().st_mtime_ns)
    names = [line.split("==") for line in newest.read_text(encoding="utf-8").split()]
    assert {name for name, _ in names} >= {"scikit-learn", "pandas", "numpy", "cloudpickle"}
    assert all(version for _, version in names)


def test_an_active_run_is_used(home, rule):  # noqa: ARG001
    import mlflow

    with mlflow.start_run() as run:
        version = tracking.register(rule, "inside")
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.MlflowClient().get_model_version("inside", str(version)).run_id == run.info.run_id


def test_a_run_whose_model_cannot_be_stored_is_marked_as_failed(home):  # noqa: ARG001
    import mlflow

    unstorable = mean_model(10.0)
    unstorable.lock = threading.Lock()
    with pytest.raises(pickle.PicklingError, match="cannot pickle"):
        tracking.register(unstorable, "broken", params={"which": "broken"})
    assert mlflow.active_run() is None
    broken = mlflow.search_runs(filter_string="params.which = 'broken'", output_format="list")
    assert [run.info.status for run in broken] == ["FAILED"]


def test_registering_says_nothing(home, rule, capfd, recwarn):  # noqa: ARG001
    tracking.register(rule, "quiet", example=rides(3))
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn if "Hint" in str(warning.message)] == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match=r"tracking folder .* can't be made"):
        tracking.setup(tmp_path / "file" / "mlflow")
