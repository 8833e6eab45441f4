"""The registry: versions, aliases that move, and a clear answer to every name that isn't there."""

import contextlib
import shutil
import sqlite3

import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import tracking
from tests.taxi.samples import rides
from tests.taxi.tracking_home import Shifted, mlflow, tracked_in


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with tracked_in(tmp_path_factory.mktemp("registry")) as folder:
        yield folder


@pytest.fixture(scope="module")
def logged(home):  # noqa: ARG001
    """The runs of two models."""
    ids = []
    for by in (1.0, 2.0):
        with tracking.run("logged", params={"by": by}) as run:
            run.log_metrics(rmse=by)
            run.log_model(Shifted(by))
        ids.append(run.id)
    return ids


def own_name(request):
    return request.node.name.replace("/", "-").replace(":", "-")[:80]


@pytest.fixture
def name(logged, request):
    """A registered model of the test's own with two versions: 1 is champion, 2 has no alias."""
    tracking.register_run(logged[0], own_name(request), alias="champion")
    tracking.register_run(logged[1], own_name(request))
    return own_name(request)


@pytest.fixture
def own_files(home, request):  # noqa: ARG001
    """The same, with runs and files that no other test needs."""
    tracking.register(Shifted(1.0), own_name(request), metrics={"rmse": 1.0}, trips=rides(9))
    tracking.register(Shifted(2.0), own_name(request), metrics={"rmse": 2.0}, alias=None)
    return own_name(request)


def test_versions_with_their_aliases_and_figures(name):
    tracking.set_alias(name, "challenger", 2)
    tracking.set_alias(name, "shadow", 2)
    table = tracking.versions(name)
    assert table.index.tolist() == [1, 2]
    assert table.index.name == "version"
    assert table["aliases"].tolist() == [("champion",), ("challenger", "shadow")]
    assert table["metrics.rmse"].tolist() == [1.0, 2.0]
    assert table.loc[1, "params.by"] == 1.0
    assert str(table["created"].dt.tz) == "UTC"


def test_a_model_that_is_registered_at_once_has_its_lineage(own_files):
    row = tracking.versions(own_files).loc[1]
    assert (row["aliases"], row["metrics.rmse"]) == (("champion",), 1.0)
    assert mlflow.get_run(row["run_id"]).data.tags["data.train"] == tracking.data_hash(rides(9))


def test_an_alias_is_set_moved_and_removed(name):
    tracking.set_alias(name, "champion", 2)
    tracking.set_alias(name, "challenger", 1)
    assert tracking.aliases(name) == {"challenger": 1, "champion": 2}
    assert tracking.load(name).by == 2.0
    assert tracking.load(name, "challenger").by == 1.0
    tracking.remove_alias(name, "challenger")
    assert tracking.aliases(name) == {"champion": 2}
    assert tracking.load(name, version=1).by == 1.0


def test_a_logged_model_is_registered_later(name):
    with tracking.run("later") as run:
        run.log_model(Shifted(3.0))
        run.log_metrics(rmse=3.0)
    assert tracking.register_run(run.id, name, alias="challenger", tags={"why": "new"}) == 3
    assert tracking.load(name, "challenger").by == 3.0
    row = tracking.versions(name).loc[3]
    assert (row["run_id"], row["metrics.rmse"], row["tags.why"]) == (run.id, 3.0, "new")
    assert tracking.version(name) == 1


def test_registering_says_nothing(name, capfd):
    with tracking.run("quiet") as run:
        run.log_model(Shifted(3.0))
    tracking.register_run(run.id, name)
    assert capfd.readouterr() == ("", "")


def test_a_run_without_a_model_cannot_be_registered(name):
    with tracking.run("no model") as run:
        pass
    with pytest.raises(UsageError, match="logged no model"):
        tracking.register_run(run.id, name)
    with pytest.raises(tracking.NoSuchRun):
        tracking.register_run("nonsense", name)


@pytest.mark.parametrize(
    "ask",
    [
        lambda wrong: tracking.load(wrong),
        lambda wrong: tracking.load(wrong, version=1),
        lambda wrong: tracking.version(wrong),
        lambda wrong: tracking.versions(wrong),
        lambda wrong: tracking.aliases(wrong),
        lambda wrong: tracking.set_alias(wrong, "champion", 1),
        lambda wrong: tracking.remove_alias(wrong, "champion"),
        lambda wrong: tracking.delete_version(wrong, 1),
        lambda wrong: tracking.promote(wrong),
    ],
)
def test_a_name_that_is_not_registered_suggests_the_nearest(logged, ask):
    tracking.register_run(logged[0], "quick-taxis")
    message = r"no model 'quick-taxi' in the registry .*mlflow\.db\. Nearest: .*quick-taxis.*course train --register"
    with pytest.raises(tracking.NotRegistered, match=message):
        ask("quick-taxi")


def test_an_empty_registry_says_so(tmp_path):
    with tracked_in(tmp_path):
        assert tracking.names() == []
        with pytest.raises(tracking.NotRegistered, match=r"It is empty\. `course train --register` trains and"):
            tracking.load()


def test_all_names(name):
    assert name in tracking.names()


def test_an_alias_that_points_nowhere_lists_those_that_do(name):
    tracking.set_alias(name, "challenger", 2)
    for ask in (tracking.load, tracking.version, tracking.remove_alias):
        with pytest.raises(tracking.NoSuchAlias, match=r"has: challenger \(version 2\), champion \(version 1\)"):
            ask(name, "chamipon")
    tracking.remove_alias(name, "challenger")
    tracking.remove_alias(name, "champion")
    with pytest.raises(tracking.NoSuchAlias, match=r"no alias at all\. Its versions: 1, 2\."):
        tracking.load(name)


def test_a_version_that_is_not_there(name):
    for ask in (lambda: tracking.load(name, version=9), lambda: tracking.set_alias(name, "champion", 9)):
        with pytest.raises(tracking.NoSuchVersion, match=r"no version 9 .* Its versions: 1, 2\."):
            ask()
    assert tracking.version(name) == 1


@pytest.mark.parametrize("wrong", ["latest", "v2", "two words", ""])
def test_an_alias_that_mlflow_reserves_or_refuses(name, wrong):
    with pytest.raises(CourseError):
        tracking.set_alias(name, wrong, 1)
    assert tracking.aliases(name) == {"champion": 1}


def test_a_version_with_an_alias_is_not_deleted(name):
    with pytest.raises(UsageError, match=r"is champion: point the alias to another version first"):
        tracking.delete_version(name, 1)
    tracking.delete_version(name, 2)
    assert tracking.versions(name).index.tolist() == [1]
    with pytest.raises(tracking.NoSuchVersion, match=r"no version 2 \(any more\)"):
        tracking.delete_version(name, 2)


def test_an_alias_to_a_deleted_version(name, home):
    """MLflow takes the alias away with the version; a database that others write to may still hold one."""
    tracking.delete_version(name, 2)
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE registered_model_aliases SET version = 2 WHERE name = ?", (name,))
    for ask in (tracking.load, tracking.version):
        with pytest.raises(tracking.NoSuchVersion, match=r"points to version 2, which was deleted\. Its versions: 1\."):
            ask(name)
    tracking.set_alias(name, "champion", 1)
    assert tracking.load(name).by == 1.0


def test_a_model_whose_files_are_gone(own_files, home):
    name = own_files
    run = mlflow.get_run(tracking.versions(name).loc[1, "run_id"])
    (folder,) = home.glob(f"artifacts/*/models/{run.outputs.model_outputs[0].model_id}")
    shutil.rmtree(folder)
    with pytest.raises(tracking.ModelFilesMissing, match=r"Version 1 of .* is registered, but its files"):
        tracking.load(name)


def test_a_version_whose_run_was_deleted_is_listed(own_files, home):
    name = own_files
    run_id = tracking.versions(name).loc[1, "run_id"]
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (run_id,))
    assert tracking.versions(name)["metrics.rmse"].isna().tolist() == [True, False]
    assert tracking.load(name).by == 1.0
