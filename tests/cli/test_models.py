"""`course models`: what people and programs read of the registry, and the gate from the command line."""

import json

import pytest

from course_lib.taxi import models, tracking
from tests.taxi.samples import rides
from tests.taxi.tracking_home import tracked_in


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A registry with a poor champion and a better version 2."""
    place = tmp_path_factory.mktemp("models")
    with tracked_in(place) as folder:
        for model, alias in (("mean", "champion"), ("linear", "challenger")):
            fitted = models.build(model).fit(rides(), rides()["duration"])
            tracking.register(fitted, alias=alias, metrics={"rmse": 9.0}, params={"model": model}, trips=rides())
        yield folder


@pytest.fixture
def ask(course, shared, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.getbasetemp() / "cli-taxi-data"))
    monkeypatch.delenv("TAXI_DATA", raising=False)
    with tracked_in(tmp_path_factory.mktemp("ask")):
        yield lambda *words: course("models", *words, "--tracking", str(shared))


MARCH = ["--month", "2021-03", "--rows", "400"]


def test_versions_for_people(ask):
    code, out, err = ask()
    assert code == 0
    assert "Audit log: The log holds: 2 entries. It agrees with the noted head." in err
    for words in ("version", "RMSE (min)", "champion", "challenger", "linear", "9.00"):
        assert words in out


def test_versions_for_programs(ask):
    code, out, err = ask("--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["audit"]["ok"] is True
    first, second = json.loads(out)["versions"]
    assert (first["version"], first["aliases"], first["params"]) == (1, ["champion"], {"model": "mean"})
    assert (second["aliases"], second["metrics"], second["tags"]) == (["challenger"], {"rmse": 9.0}, {})


def test_a_refused_version_is_exit_one_and_every_reason(ask):
    code, out, err = ask("--promote", "2", *MARCH, "--margin", "100", "--budget-ms", "0.001", "--dry-run", "--json")
    assert code == 1
    decision = json.loads(out)
    assert (decision["promoted"], len(decision["reasons"])) == (False, 2)
    assert "was refused against champion version 1" in err
    code, out, err = ask("--promote", "2")
    assert (code, out) == (1, "")
    assert "nobody recorded which trips" in err


def test_a_better_version_becomes_champion(ask):
    code, out, err = ask("--promote", "2", *MARCH, "--dry-run")
    assert (code, out) == (0, "")
    assert "would become the champion in place of version 1" in err
    code, _out, err = ask("--promote", "2", *MARCH)
    assert code == 0
    assert "is now the champion" in err
    assert "promoted" in ask()[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["taxi-duraton"], 1, "Nearest: taxi-duration"),
        (["taxi-duraton", "--promote", "1", *MARCH], 1, "Nearest: taxi-duration"),
        (["--promote", "77", *MARCH], 1, "no version 77"),
        (["--promote", "2", "--month", "2021-13"], 2, "2021-13"),
        (["--dry-run"], 2, "go with --promote"),
        (["--promote", "2", "--rows", "9"], 2, "name a month"),
        (["--promote", "2", *MARCH, "--margin", "-1"], 2, "margin must be 0 or more"),
    ],
)
def test_what_was_asked_wrongly(ask, words, code, message):
    ended, out, err = ask(*words)
    assert (ended, out) == (code, "")
    assert message in err
