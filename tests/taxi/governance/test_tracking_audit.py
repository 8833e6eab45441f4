"""What is done to the registry stands in the audit log first, or isn't done."""

import json
import multiprocessing
import time

import pytest

from course_lib.taxi import tracking, tracking_audit
from course_lib.taxi.governance import audit
from course_lib.taxi.service import rollout
from course_lib.taxi.service.registry import MLflowRegistry
from tests.taxi.samples import rides
from tests.taxi.tracking_home import Shifted, mlflow, tracked_in

TRIPS = rides(40, seed=3)


def quick(model, trips):  # noqa: ARG001
    return 2.0


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with tracked_in(tmp_path_factory.mktemp("audited")) as folder:
        yield folder


@pytest.fixture(scope="module")
def logged(home):  # noqa: ARG001
    """Runs of models that are wrong by two minutes and by one."""
    found = {}
    for by in (2.0, 1.0):
        with tracking.run("logged") as run:
            run.log_model(Shifted(by))
        found[by] = run.id
    return found


@pytest.fixture
def log(home, monkeypatch):
    """The log, begun anew for this test."""
    monkeypatch.setenv("COURSE_USER", "ana")
    found = audit.of(home)
    found.path.unlink(missing_ok=True)
    return found


@pytest.fixture
def name(logged, log, request):
    """A model whose champion is version 1, with a better version 2; the log knows it."""
    name = request.node.name.replace(":", " ").replace("/", " ")[:80]
    tracking.register_run(logged[2.0], name, alias="champion")
    tracking.register_run(logged[1.0], name, alias="challenger")
    assert [entry.action for entry in log.entries()] == ["alias set", "alias set"]
    return name


def broken(home):
    """Make the log one that can't be written to: a folder stands in its place."""
    path = audit.of(home).path
    path.rename(path.with_name("kept"))
    path.mkdir()


@pytest.fixture
def mended(home):
    yield
    path = audit.of(home).path
    if path.is_dir():
        path.rmdir()


def test_a_promotion_is_written_down_with_who_and_why(name, log):
    assert tracking.promote(name, trips=TRIPS, measure=quick, by="bo")
    entry = log.entries()[-1]
    assert (entry.action, entry.subject, entry.by) == ("promoted", f"{name}/2", "bo")
    assert {key: entry.details[key] for key in ("alias", "from", "to", "metric", "rides")} == {
        "alias": "champion", "from": 1, "to": 2, "metric": "rmse", "rides": 40
    }  # fmt: skip
    assert entry.details["gain"] == pytest.approx(1.0)
    assert entry.details["data"] == tracking.data_hash(TRIPS)
    assert log.verify(tracking_audit.noted(name))


def test_a_refusal_is_written_down_too_and_a_dry_run_is_not(name, log):
    assert tracking.promote(name, trips=TRIPS, measure=quick, dry_run=True)
    assert not tracking.promote(name, trips=TRIPS, measure=quick, margin=5, dry_run=True)
    assert len(log.entries()) == 2
    assert not tracking.promote(name, trips=TRIPS, measure=quick, margin=5)
    entry = log.entries()[-1]
    assert (entry.action, entry.by, entry.details["to"]) == ("refused", "ana", 1)
    assert "the margin is 5" in entry.details["reasons"][0]


def test_scores_that_are_no_numbers_can_be_written_down(name, log, logged):  # noqa: ARG001
    with tracking.run("nonsense") as run:
        run.log_model(Shifted(answers=float("nan")))
    tracking.register_run(run.id, name, alias="challenger")
    assert not tracking.promote(name, trips=TRIPS, measure=lambda _m, _t: float("nan"))
    assert log.entries()[-1].details["latency_ms"] is None
    assert log.verify()


@pytest.mark.usefixtures("mended")
def test_what_cannot_be_recorded_is_not_done(name, home):
    broken(home)
    decision = tracking.promote(name, trips=TRIPS, measure=quick)
    assert not decision
    assert len(decision.reasons) == 1
    assert "what isn't recorded isn't done: The audit log" in decision.reasons[0]
    assert tracking.version(name) == 1
    with pytest.raises(audit.AuditError, match="can't be written"):
        tracking.set_alias(name, "champion", 2)
    with pytest.raises(audit.AuditError, match="can't be written"):
        tracking.remove_alias(name, "challenger")
    assert tracking.aliases(name) == {"champion": 1, "challenger": 2}
    refused = tracking.promote(name, trips=TRIPS, measure=quick, margin=5)
    assert "nor can this refusal be recorded" in refused.reasons[-1]


def test_a_log_that_was_tampered_with_stops_promotions(name, log):
    log.path.write_bytes(log.path.read_bytes().replace(b'"ana"', b'"eve"'))
    decision = tracking.promote(name, trips=TRIPS, measure=quick)
    assert not decision
    assert "is not what was written" in decision.reasons[0]
    assert tracking.version(name) == 1


def test_a_change_that_fails_is_followed_by_failed(name, log, monkeypatch):
    def refuse(*_):
        raise mlflow.exceptions.MlflowException("database is locked")

    monkeypatch.setattr(mlflow.MlflowClient, "set_registered_model_alias", refuse)
    with pytest.raises(tracking.TrackingLocked):
        tracking.set_alias(name, "champion", 2)
    announced, failed = log.entries()[-2:]
    assert (announced.action, failed.action) == ("alias set", "failed")
    assert failed.details["entry"] == announced.number
    assert "TrackingLocked" in failed.details["why"]


def test_aliases_moved_by_hand_are_written_down(name, log):
    tracking.set_alias(name, "champion", 2, by="bo")
    tracking.remove_alias(name, "challenger", by="bo")
    first, second = log.entries()[-2:]
    assert (first.action, first.subject, first.by) == ("alias set", f"{name}/2", "bo")
    assert first.details == {"alias": "champion", "from": 1, "to": 2}
    assert (second.action, second.details) == ("alias removed", {"alias": "challenger", "from": 2, "to": None})


def test_a_rollback_and_roll_outs_are_written_down(name, log, home):
    tracking.promote(name, trips=TRIPS, measure=quick)
    registry = MLflowRegistry(name, str(home))
    registry.set_rollout(rollout.parse("shadow"), by="bo")
    registry.set_rollout(rollout.parse("shadow"), by="bo")  # nothing changes, nothing is written
    assert registry.rollback(by="cy") == (2, 1)
    told = [(entry.action, entry.subject, entry.by) for entry in log.entries()[3:]]
    assert told == [
        ("roll-out set", name, "bo"),
        ("rolled back", f"{name}/1", "cy"),
        ("roll-out set", name, "cy"),
    ]
    assert log.entries()[-1].details["from"] == "shadow"
    assert log.entries()[-1].details["to"] == "off"
    assert log.verify(tracking_audit.noted(name))


@pytest.mark.usefixtures("mended")
def test_a_rollback_that_cannot_be_recorded_leaves_the_champion(name, home):
    tracking.promote(name, trips=TRIPS, measure=quick)
    registry = MLflowRegistry(name, str(home))
    broken(home)
    with pytest.raises(audit.AuditError):
        registry.rollback()
    with pytest.raises(audit.AuditError):
        registry.set_rollout(rollout.parse("shadow"))
    assert tracking.version(name) == 2
    assert str(registry.wanted().rollout) == "off"


def test_a_tail_that_is_cut_off_no_longer_fits_the_registry(name, log):
    tracking.promote(name, trips=TRIPS, measure=quick)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:-1]))
    assert log.verify()  # the chain itself can't know
    found = log.verify(tracking_audit.noted(name))
    assert (found.kind, found.first_bad) == ("cut off", 3)


def test_a_model_that_nothing_was_done_to_has_no_note(logged, log):  # noqa: ARG001
    tracking.register_run(logged[1.0], "quiet")
    assert tracking_audit.noted("quiet") is None


def promote_there(folder, name, by, results):
    """In another process: promote, and say what came of it."""
    tracking.setup(folder)
    decision = tracking.promote(name, 2, trips=TRIPS, measure=quick, by=by)
    results.put((by, bool(decision), list(decision.reasons)))


def test_two_processes_promote_and_the_chain_holds(name, log, home):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    both = [context.Process(target=promote_there, args=(str(home), name, by, results)) for by in ("bo", "cy")]
    for process in both:
        process.start()
    said = {by: (promoted, reasons) for by, promoted, reasons in (results.get(timeout=120) for _ in both)}
    for process in both:
        process.join(60)
    assert sorted(promoted for promoted, _ in said.values()) == [False, True], json.dumps(said)
    assert log.verify(tracking_audit.noted(name))
    told = [(entry.by, entry.action) for entry in log.entries()[2:]]
    assert sorted(told) == sorted((by, "promoted" if promoted else "refused") for by, (promoted, _) in said.items())


def test_the_log_costs_a_promotion_little(name, log):
    started = time.perf_counter()
    for _ in range(20):
        log.append("promoted", f"{name}/2", "ana", {"gain": 1.0})
    assert (time.perf_counter() - started) / 20 < 0.1
