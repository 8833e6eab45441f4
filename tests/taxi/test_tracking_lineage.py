"""Names for data, code and environment: the same for the same thing, another for another."""

import subprocess

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import environment, tracking
from tests.taxi.samples import rides


def table():
    return pd.DataFrame(
        {
            "zone": np.array([7, 74, 7], dtype="int64"),
            "time": pd.to_datetime(["2021-01-04 10:00", None, "2021-01-05 11:30"]).as_unit("us"),
            "miles": [1.5, np.nan, 0.0],
            "flag": ["N", None, "Y"],
            "paid": [True, False, True],
        }
    )


def test_the_same_rows_have_the_same_hash():
    assert tracking.data_hash(table()) == tracking.data_hash(table())
    assert len(tracking.data_hash(table())) == 64
    assert tracking.data_hash(rides(50)) == tracking.data_hash(rides(50))


def test_the_hash_is_the_same_on_every_system_and_in_every_version():
    """Held against a fixed value: a run of two years ago must still be found to have had this data."""
    assert tracking.data_hash(table()) == "5108e3d213c3097e706f1897391686bc6795d1a160cc39375aa98f392398a6e2"


@pytest.mark.parametrize(
    "same",
    [
        lambda t: t.set_index(pd.Index([5, 6, 7])),
        lambda t: t[["paid", "flag", "zone", "miles", "time"]],
        lambda t: t.astype({"zone": "int16"}),
        lambda t: t.astype({"zone": "Int64"}),
        lambda t: t.astype({"zone": "uint8"}),
        lambda t: t.astype({"time": "datetime64[ns]"}),
        lambda t: t.astype({"miles": "float32"}),  # these values are exact in both
        lambda t: t.astype({"flag": "object"}),
        lambda t: t.astype({"flag": "category"}),
        lambda t: t.astype({"paid": "boolean"}),
        lambda t: t.assign(miles=[1.5, np.nan, -0.0]),
        lambda t: t.assign(flag=["N", np.nan, "Y"]),
        lambda t: pd.concat([t.iloc[:1], t.iloc[1:]]),
    ],
)
def test_what_a_model_does_not_see_does_not_count(same):
    assert tracking.data_hash(same(table())) == tracking.data_hash(table())


@pytest.mark.parametrize(
    "other",
    [
        lambda t: t.assign(zone=[7, 74, 8]),
        lambda t: t.assign(miles=[1.5, np.nan, 1e-300]),
        lambda t: t.assign(miles=[1.5, 0.0, 0.0]),
        lambda t: t.assign(flag=["N", "", "Y"]),
        lambda t: t.assign(flag=["NY", None, ""]),
        lambda t: t.assign(time=t["time"] + pd.Timedelta(1, "us")),
        lambda t: t.assign(time=t["time"].astype(str)),
        lambda t: t.assign(paid=[True, False, False]),
        lambda t: t.assign(paid=[1, 0, 1]),
        lambda t: t.astype({"zone": "float64"}),
        lambda t: t.astype({"zone": "str"}),
        lambda t: t.iloc[::-1],
        lambda t: t.iloc[[0, 1]],
        lambda t: pd.concat([t, t.iloc[[2]]]),
        lambda t: t.rename(columns={"zone": "place"}),
        lambda t: t.rename(columns={"zone": "miles", "miles": "zone"}),
        lambda t: t.drop(columns="flag"),
        lambda t: t.assign(more=1),
        lambda t: t.iloc[:0],
    ],
)
def test_one_change_gives_another_hash(other):
    assert tracking.data_hash(other(table())) != tracking.data_hash(table())


def test_empty_tables_differ_by_their_columns():
    empty = table().iloc[:0]
    assert tracking.data_hash(empty) == tracking.data_hash(empty.copy())
    assert tracking.data_hash(empty) != tracking.data_hash(empty.drop(columns="flag"))
    assert tracking.data_hash(pd.DataFrame()) != tracking.data_hash(empty)


def test_a_month_that_was_written_and_read_has_the_same_hash(tmp_path):
    trips = rides(200)
    trips.to_parquet(tmp_path / "month.parquet")
    assert tracking.data_hash(pd.read_parquet(tmp_path / "month.parquet")) == tracking.data_hash(trips)


def test_odd_values_have_hashes_too():
    mixed = pd.DataFrame({"a": ["x", 1, (1, 2), None, "\ud800"]}, dtype=object)
    assert tracking.data_hash(mixed) == tracking.data_hash(mixed.copy())
    assert tracking.data_hash(mixed) != tracking.data_hash(mixed.assign(a=["x", "1", (1, 2), None, "\ud800"]))


@pytest.mark.parametrize("wrong", [[1, 2], rides(3)["duration"], pd.concat([table(), table()], axis=1)])
def test_what_has_no_rows_and_columns_has_no_hash(wrong):
    with pytest.raises(UsageError, match="data_hash"):
        tracking.data_hash(wrong)


# ---------------------------------------------------------------- code


@pytest.fixture
def repository(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True)

    git("init", "-q")
    (tmp_path / "code.py").write_text("1\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return tmp_path


def test_a_revision_names_the_commit_and_uncommitted_changes(repository):
    clean = tracking.code_revision(repository)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True)
    assert (clean.commit, clean.changes) == (head.stdout.strip(), "none")
    assert str(clean) == clean.commit[:10]
    (repository / "code.py").write_text("2\n", encoding="utf-8")
    two = tracking.code_revision(repository)
    (repository / "code.py").write_text("3\n", encoding="utf-8")
    three = tracking.code_revision(repository)
    assert two.commit == three.commit == clean.commit
    assert len({clean.changes, two.changes, three.changes}) == 3
    assert str(two) == f"{clean.commit[:10]} with uncommitted changes {two.changes}"
    (repository / "code.py").write_text("1\n", encoding="utf-8")
    assert tracking.code_revision(repository) == clean
    (repository / "new.py").write_text("", encoding="utf-8")
    assert tracking.code_revision(repository).changes != "none"


def test_without_git_or_repository_the_revision_is_unknown(tmp_path, repository, monkeypatch):
    outside = tmp_path.parent / "no repository here"
    outside.mkdir(exist_ok=True)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(outside.parent))
    unknown = tracking.CodeRevision("unknown", "unknown")
    assert tracking.code_revision(outside) == unknown
    assert tracking.code_revision(outside / "missing") == unknown
    monkeypatch.setenv("PATH", str(outside))
    assert tracking.code_revision(repository) == unknown
    assert str(unknown) == "unknown"


def test_a_repository_without_a_commit(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert tracking.code_revision(tmp_path).commit == "unknown"


# ---------------------------------------------------------------- all of it


def test_a_lineage_holds_data_code_and_environment():
    train, valid = rides(30), rides(10, seed=1)
    found = tracking.lineage(train, valid, {"alpha": 1.0})
    assert found.data["train"] == {"hash": tracking.data_hash(train), "rows": 30, "name": "trips of 2021-01"}
    assert found.data["valid"]["rows"] == 10
    assert found.environment == environment.fingerprint()
    assert found.packages == environment.installed_versions()
    assert found.python == found.packages["python"]
    assert found.params == {"alpha": 1.0}
    assert found.tags()["data.train"] == tracking.data_hash(train)


def test_a_lineage_comes_back_from_its_file():
    found = tracking.lineage(rides(5), None, {"n": np.int64(3), "rate": np.float64(0.5), "names": ["a"], "on": True})
    again = tracking.Lineage.from_json(found.to_json(), found.packages)
    assert again == found
    assert type(again.params["n"]) is int
    assert again.params["on"] is True


def test_tables_without_pickups_have_lineages_too():
    assert tracking.lineage(table()).data["train"]["name"] == "trips"
    assert tracking.lineage(rides(0)).data["train"]["rows"] == 0
