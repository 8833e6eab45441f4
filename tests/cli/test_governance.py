"""`course card`: three files, one object, and an exit code that means something."""

import json
from pathlib import Path

import pytest

from course_lib.taxi import models, tracking
from course_lib.taxi.governance import audit
from tests.taxi.samples import rides
from tests.taxi.tracking_home import tracked_in

MARCH = ["--months", "2021-03", "--source", "simulated", "--rows", "600"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    place = tmp_path_factory.mktemp("card")
    with pytest.MonkeyPatch.context() as patch, tracked_in(place) as folder:
        patch.setenv("COURSE_USER", "ana")
        fitted = models.build("linear").fit(rides(), rides()["duration"])
        params = {"model": "linear", "train": "2021-01", "source": "simulated"}
        tracking.register(fitted, metrics={"rmse": 3.0}, params=params, trips=rides(), example=rides())
        yield folder


@pytest.fixture
def ask(course, shared, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.getbasetemp() / "cli-taxi-data"))
    monkeypatch.delenv("TAXI_DATA", raising=False)
    with tracked_in(tmp_path / "elsewhere"):
        yield lambda *words: course("card", *words, "--tracking", str(shared), "--folder", str(tmp_path / "card"))


def test_a_card_for_people(ask, tmp_path):
    code, out, err = ask(*MARCH)
    assert (code, out) == (0, "")
    assert "missing: Promotion: gate: ana pointed the alias to this version by hand" in err
    assert "taxi-duration version 1 (champion). Card: " in err
    assert sorted(path.name for path in (tmp_path / "card").iterdir()) == [
        "model_card.html", "model_card.json", "model_card.md"
    ]  # fmt: skip


def test_a_card_for_programs(ask):
    code, out, _err = ask(*MARCH, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["name"], found["version"], found["alias"]) == ("taxi-duration", 1, "champion")
    assert found["metrics"]["measured"]["n"] > 500
    written = json.loads(Path(found["files"]["json"]).read_text(encoding="utf-8"))
    assert written == {key: value for key, value in found.items() if key != "files"}


def test_a_log_that_does_not_hold_is_exit_one_and_the_card_is_written(ask, shared, tmp_path):
    path = audit.of(shared).path
    kept = path.read_bytes()
    try:
        path.write_bytes(kept.replace(b'"ana"', b'"eve"'))
        code, _out, err = ask(*MARCH)
    finally:
        path.write_bytes(kept)
    assert code == 1
    assert "AUDIT: The log does not hold, from line 1 on (changed)" in err
    assert (tmp_path / "card" / "model_card.html").is_file()


def test_what_course_train_registers_has_its_evidence(course, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.getbasetemp() / "cli-taxi-data"))
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TAXI_DATA", "simulated")
    with tracked_in(tmp_path / "elsewhere"):
        assert course("train", "--rows", "800", "--register")[0] == 0
        code, out, _err = course("card", "--folder", str(tmp_path / "card"), "--json")
    assert code == 0
    found = json.loads(out)
    assert [found["data"][role]["same_as_recorded"] for role in ("train", "valid")] == [True, True]
    assert set(found["missing"]) <= {"Lineage: code", "Promotion: gate"}
    assert found["promotion"]["audit"]["ok"] is True


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--name", "taxi-duratio"], 1, "Nearest: taxi-duration"),
        (["--alias", "winner"], 1, "no alias 'winner'"),
        (["--months", "2021-1"], 2, "not a month"),
        (["--months", "2021-01"], 2, "learned from 2021-01"),
        (["--months", "2021-03", "--source", "nowhere"], 2, "nowhere isn't there"),
        (["--rows", "0"], 2, "greater than or equal to 1"),
    ],
)
def test_what_is_asked_wrongly_is_said(ask, words, code, message):
    found, out, err = ask(*words)
    assert (found, out) == (code, "")
    assert message in err
