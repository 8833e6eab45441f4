"""Many months: what is missing or stale is run, what fails is named, and nobody stands in another's way."""

import json
import shutil
import threading
import time

import pytest
from filelock import FileLock

from course_lib.errors import UsageError
from course_lib.taxi import backfill, backfill_engine, pipeline
from tests.taxi.pipelines import month_file, own_data, registry_of, settings, state_of

MONTHS = ["2021-01", "2021-02", "2021-03"]


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    with own_data(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory, data_dir):  # noqa: ARG001
    """A folder with three months; a fourth isn't there."""
    folder = tmp_path_factory.mktemp("source")
    for month in MONTHS:
        month_file(folder, month)
    return folder


@pytest.fixture(scope="module")
def wanted(source):
    return settings(source=str(source), rows=None)


@pytest.fixture(scope="module")
def done_once(tmp_path_factory, wanted):
    folder = tmp_path_factory.mktemp("once")
    result = backfill.run(MONTHS, wanted, folder=folder, tracking=folder / "mlflow", jobs=1)
    assert result.ok
    return folder


@pytest.fixture
def state(done_once, tmp_path):
    """A copy of a state folder with three months done; their registry stays where it was."""
    ignore = shutil.ignore_patterns("mlflow", ".lock", ".backfill.lock")
    return shutil.copytree(done_once, tmp_path / "state", ignore=ignore)


def statuses(plan, month):
    return [one.status for one in plan.steps if one.month == month]


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("2021-03", ["2021-03"]),
        ("2021-01:2021-03", MONTHS),
        ("2021-01..2021-03", MONTHS),
        ("2020-12:2021-01", ["2020-12", "2021-01"]),
        (" 2021-03 , 2021-01:2021-02,2021-03", MONTHS),
        (["2021-02", "2021-01"], ["2021-01", "2021-02"]),
    ],
)
def test_months_are_read(text, months):
    assert backfill.parse_months(text) == months


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2021-05:2021-01", "run backwards: 2021-05 comes after 2021-01. Write 2021-01:2021-05"),
        ("2021-1", "'2021-1' is not a month"),
        ("2021-01:2021-13", "'2021-13' is not a month: there is no month 13"),
        ("2021-01:2021-02:2021-03", "is no range of months"),
        ("", "Name at least one month"),
        (",", "Name at least one month"),
    ],
)
def test_months_that_cannot_be_meant(text, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        backfill.run(text, settings(), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_says_what_would_run_and_why_and_changes_nothing(state, done_once, wanted, source, tmp_path):
    (state / "2021-02" / "model.pkl").write_bytes(b"")
    (state / "2021-03" / "train.json").unlink()
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*")}
    other = settings(source=str(source), rows=None, evaluation_days=5)
    plan = backfill.plan("2021-01:2021-04", wanted, folder=state, tracking=done_once / "mlflow")
    assert plan.todo == ["2021-02", "2021-03", "2021-04"]
    assert statuses(plan, "2021-01") == ["fresh"] * 6
    assert statuses(plan, "2021-02") == ["fresh", "fresh", "fresh", "damaged", "follows", "follows"]
    assert statuses(plan, "2021-03") == ["fresh", "fresh", "fresh", "missing", "follows", "follows"]
    assert statuses(plan, "2021-04") == ["missing", "follows", "follows", "follows", "follows", "follows"]
    assert str(plan).splitlines() == [
        "2021-01: up to date",
        "2021-02: train is damaged (model.pkl was changed), then evaluate, register",
        "2021-03: train is missing (never done), then evaluate, register",
        "2021-04: ingest is missing (never done), then validate, features, train, evaluate, register",
    ]
    assert plan.statuses()["2021-02", "train"] == "damaged"
    assert json.loads(json.dumps(plan.as_dict()))["todo"] == plan.todo
    days = backfill.plan("2021-01", other, folder=state, tracking=done_once / "mlflow")
    assert [(one.step, one.status, one.why) for one in days.steps][2] == (
        "features",
        "stale",
        "setting evaluation_days: 7 → 5",
    )
    moved = backfill.plan("2021-01", wanted, folder=state, tracking=tmp_path / "elsewhere")
    assert statuses(moved, "2021-01") == ["fresh"] * 5 + ["stale"]
    forced = backfill.plan("2021-01", wanted, folder=state, tracking=done_once / "mlflow", force=True)
    assert forced.steps[0].why == "asked to run again"
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*")} == before
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_run_does_nothing_and_loads_nothing_heavy(done_once, wanted, monkeypatch):
    before = state_of(done_once)
    monkeypatch.setattr(pipeline.Settings, "check_model", lambda _: pytest.fail("scikit-learn isn't needed"))
    seen = []
    result = backfill.run(
        MONTHS, wanted, folder=done_once, tracking=done_once / "mlflow", progress=lambda *step: seen.append(step)
    )
    assert (result.ok, result.plan.todo, seen) == (True, [], [])
    assert [month.did for month in result.months] == [dict.fromkeys(pipeline.STEPS, "unchanged")] * 3
    assert [month.outputs["register"].version for month in result.months] == [1, 2, 3]
    assert state_of(done_once) == before


def test_side_by_side_comes_out_as_one_after_the_other_and_registers_in_order(done_once, wanted, tmp_path):
    seen = []
    result = backfill.run(
        MONTHS,
        wanted,
        folder=tmp_path,
        tracking=tmp_path / "mlflow",
        jobs=2,
        progress=lambda *step: seen.append(step),
    )
    assert result.ok, result.failed
    mine, theirs = state_of(tmp_path), state_of(done_once)
    for name in mine.keys() | theirs.keys():
        if not name.endswith("register.json"):  # its key holds the registry's folder
            assert mine[name] == theirs[name], name
    assert registry_of(tmp_path / "mlflow") == registry_of(done_once / "mlflow")
    assert [month for month, step, _ in seen if step == "register"] == MONTHS
    assert len(seen) == 18
    assert {did for _, _, did in seen} == {"ran"}
    assert not list(tmp_path.rglob("*.part"))


def test_a_month_that_fails_does_not_stop_the_others_and_is_named(source, tmp_path):
    """A broken month in the middle, a month that isn't there at the end."""
    mixed = shutil.copytree(source, tmp_path / "mixed")
    month_file(mixed, "2021-02", lambda frame: frame.assign(DOLocationID=0))
    wanted = settings(source=str(mixed), rows=None)
    result = backfill.run("2021-01:2021-04", wanted, folder=tmp_path, tracking=tmp_path / "mlflow", jobs=2)
    assert not result.ok
    assert list(result.failed) == ["2021-02", "2021-04"]
    assert "DOLocationID: zones have the numbers 1 to 265 (300 rows)" in result.failed["2021-02"]
    assert result.failed["2021-04"].startswith("ingest: The folder")
    assert "has no trips of 2021-04" in result.failed["2021-04"]
    assert [month.ok for month in result.months] == [True, False, True, False]
    assert [month for month, _ in registry_of(tmp_path / "mlflow")["versions"]] == ["2021-01", "2021-03"]
    month_file(mixed, "2021-02")
    plan = backfill.plan("2021-01:2021-04", wanted, folder=tmp_path, tracking=tmp_path / "mlflow")
    assert plan.todo == ["2021-02", "2021-04"]
    assert "failed at" in next(one.why for one in plan.steps if one.month == "2021-04")
    mended = backfill.run("2021-01:2021-03", wanted, folder=tmp_path, tracking=tmp_path / "mlflow", jobs=1)
    assert mended.ok
    february = mended.months[1].outputs["register"]
    assert february.version == 3


def test_one_changed_month_is_run_alone(state, done_once, source, tmp_path):
    changed = shutil.copytree(source, tmp_path / "changed")
    for path in state.glob("*/ingest.json"):  # as if it had always been this folder
        path.write_text(path.read_text(encoding="utf-8").replace(str(source), str(changed)), encoding="utf-8")
    wanted = settings(source=str(changed), rows=None)
    month_file(changed, "2021-02", lambda frame: frame.iloc[20:])
    plan = backfill.plan(MONTHS, wanted, folder=state, tracking=done_once / "mlflow")
    assert [one.why for one in plan.steps if (one.month, one.step) == ("2021-02", "ingest")] == [
        "its input changed: source"
    ]


def test_two_backfills_on_one_folder_one_is_told_who_is_at_work(done_once, wanted):
    before = state_of(done_once)
    with (
        FileLock(done_once / backfill.LOCK),
        pytest.raises(
            backfill.Busy, match=r"Another backfill \(process \d+ on .*, since 20.*\) is at work in .*--wait"
        ),
    ):
        backfill.run(MONTHS, wanted, folder=done_once, tracking=done_once / "mlflow", force=True)
    assert state_of(done_once) == before


def test_two_backfills_on_one_folder_one_waits_if_asked(done_once, wanted):
    lock = FileLock(done_once / backfill.LOCK, thread_local=False)
    lock.acquire()
    threading.Timer(0.4, lock.release).start()
    started = time.perf_counter()
    result = backfill.run(MONTHS, wanted, folder=done_once, tracking=done_once / "mlflow", wait=20)
    assert result.ok
    assert time.perf_counter() - started >= 0.4


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"jobs": 0}, "jobs must be a whole number of at least 1, not 0"),
        ({"jobs": True}, "jobs must be"),
        ({"scheduler": "slurm"}, "'slurm' is no scheduler: it is threads, processes, or an address"),
        ({"scheduler": "tcp://127.0.0.1:9", "jobs": 2}, "A cluster has the workers it has"),
        ({"settings": settings(model="forest")}, "There is no model 'forest'"),
    ],
)
def test_wrong_questions_raise_and_run_nothing(tmp_path, question, words):
    question = {"settings": settings(), **question}
    with pytest.raises(UsageError, match=words):
        backfill.run(["2021-01"], **question, folder=tmp_path)
    assert not list(tmp_path.glob("2021-*"))


def test_nobody_answers_at_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr(backfill_engine.cluster.__wrapped__, "__defaults__", (0.5,))
    with pytest.raises(backfill_engine.ClusterLost, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        backfill.run(["2021-01"], settings(), folder=tmp_path, scheduler="tcp://127.0.0.1:9")


def test_a_result_is_plain_for_json(done_once, wanted):
    result = backfill.run(MONTHS, wanted, folder=done_once, tracking=done_once / "mlflow")
    plain = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert (plain["ok"], plain["failed"], plain["ran"]) == (True, {}, [])
    assert [month["version"] for month in plain["months"]] == [1, 2, 3]
    for month in plain["months"]:
        assert month["rows_in"] == 300
