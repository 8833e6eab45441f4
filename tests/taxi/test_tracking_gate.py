"""The gate: it promotes what is better and quick enough, says every reason against the rest, and loses no alias."""

import functools
import json
import threading

import numpy as np
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import tracking
from tests.taxi.samples import rides
from tests.taxi.tracking_home import Shifted, mlflow, tracked_in

TRIPS = rides(40, seed=3)


def quick(model, trips):  # noqa: ARG001
    return 2.0


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with tracked_in(tmp_path_factory.mktemp("gate")) as folder:
        yield folder
    logged.cache_clear()


@functools.cache
def logged(by, answers=None):
    """The run of a model that is wrong by so many minutes; logged once for all tests."""
    with tracking.run("logged") as run:
        run.log_model(Shifted(by, answers=answers))
    return run.id


def contest(name, champion, challenger):
    """Register two models that are wrong by so many minutes; return the name."""
    tracking.register_run(logged(champion), name, alias="champion")
    tracking.register_run(logged(challenger), name, alias="challenger")
    return name


@pytest.fixture
def name(home, request):  # noqa: ARG001
    return request.node.name.replace(":", " ").replace("/", " ")[:80]


def test_a_better_model_is_promoted(name):
    contest(name, 2.0, 1.0)
    decision = tracking.promote(name, trips=TRIPS, measure=quick)
    assert decision
    assert (decision.promoted, decision.reasons) == (True, ())
    assert (decision.champion, decision.challenger, tracking.version(name)) == (1, 2, 2)
    assert decision.gain == pytest.approx(1.0)
    assert decision.scores["champion"]["rmse"] == pytest.approx(2.0)
    assert decision.scores["challenger"]["mae"] == pytest.approx(1.0)
    assert (decision.latency_ms, decision.rides) == (2.0, 40)
    assert decision.data == tracking.data_hash(TRIPS)
    words = f"Version 2 of '{name}' is now the champion in place of version 1"
    assert str(decision) == f"{words}: rmse better by 1.000, 2.0 ms a ride."
    assert json.loads(json.dumps(decision.as_dict()))["reasons"] == []


def test_the_decision_is_kept_with_the_version(name):
    contest(name, 2.0, 1.9)
    assert not tracking.promote(name, trips=TRIPS, margin=0.5, measure=quick)
    tags = mlflow.MlflowClient().get_model_version(name, "2").tags
    assert (tags["gate"], tags["gate.champion"], tags["gate.metric"]) == ("refused", "1", "rmse")
    assert float(tags["gate.gain"]) == pytest.approx(0.1)
    assert tags["gate.data"] == tracking.data_hash(TRIPS)
    assert json.loads(tags["gate.reasons"]) == [
        "its rmse of 1.900 is better by 0.100 only against the champion's 2.000; the margin is 0.5"
    ]
    tracking.promote(name, trips=TRIPS, margin=0.05, measure=quick)
    row = tracking.versions(name).loc[2]
    assert (row["tags.gate"], row["tags.gate.reasons"]) == ("promoted", "[]")
    assert row["aliases"] == ("challenger", "champion")


@pytest.mark.parametrize(
    ("champion", "challenger", "margin", "promoted", "words"),
    [
        (1.0, 2.0, 0.05, False, "worse by 1.000 against the champion's 1.000; the margin is 0.05"),
        (1.0, 1.0, 0.0, False, "not better against the champion's 1.000; it must be better"),
        (1.0, 0.9, 0.1, True, ""),  # exactly the margin, in decimals
        (6.1, 6.0, 0.1, True, ""),
        (1.0, 0.95, 0.1, False, "better by 0.050 only"),
        (1.0, 0.999, 0.0, True, ""),
        (-1.0, 0.5, 0.1, True, ""),
    ],
)
def test_the_margin(name, champion, challenger, margin, promoted, words):
    contest(name, champion, challenger)
    decision = tracking.promote(name, trips=TRIPS, margin=margin, measure=quick)
    assert decision.promoted is promoted
    assert words in str(decision)
    assert tracking.version(name) == (2 if promoted else 1)


@pytest.mark.parametrize(("metric", "promoted"), [("within_5", True), ("bias", True), ("r2", True), ("mae", True)])
def test_other_metrics_know_which_way_is_better(name, metric, promoted):
    contest(name, -6.0, 4.0)
    assert tracking.promote(name, trips=TRIPS, metric=metric, margin=0.01, measure=quick).promoted is promoted


def test_a_slow_model_is_refused_however_good(name):
    contest(name, 2.0, 0.0)
    decision = tracking.promote(name, trips=TRIPS, budget_ms=50, measure=lambda _model, _trips: 50.1)
    assert decision.reasons == ("it takes 50.1 ms for one ride, and the budget is 50 ms",)
    assert tracking.promote(name, trips=TRIPS, budget_ms=50, measure=lambda _model, _trips: 50.0)


def test_every_reason_is_given(name):
    for by, alias in ((1.0, "champion"), (2.0, "challenger")):
        tracking.register(Shifted(by), name, alias=alias, trips=TRIPS)
    decision = tracking.promote(name, trips=TRIPS, budget_ms=1, measure=quick)
    assert [reason.split(" (")[0].split(" for one")[0][:30] for reason in decision.reasons] == [
        "the champion",
        "the challenger",
        "it takes 2.0 ms",
        "its rmse of 2.000 is worse by ",
    ]
    assert "learned from these very trips" in decision.reasons[0]
    assert str(decision).count("\n  - ") == 4


def test_the_measured_latency_is_that_of_the_model(name):
    contest(name, 2.0, 1.0)
    decision = tracking.promote(name, trips=TRIPS, budget_ms=1000)
    assert decision
    assert 0 < decision.latency_ms < 1000


@pytest.mark.parametrize("answers", [np.nan, np.inf])
def test_nonsense_is_a_reason_and_not_a_crash(name, answers):
    tracking.register_run(logged(1.0), name, alias="champion")
    tracking.register_run(logged(0.0, answers), name, alias="challenger")
    decision = tracking.promote(name, trips=TRIPS, measure=quick)
    assert not decision
    assert "challenger (version 2) can't be scored: BadPredictions: predicted has 40 missing" in decision.reasons[0]
    assert decision.gain is None
    assert mlflow.MlflowClient().get_model_version(name, "2").tags["gate.gain"] == "unknown"


def test_the_champion_itself_is_no_challenger(name):
    contest(name, 1.0, 2.0)
    tracking.set_alias(name, "challenger", 1)
    assert tracking.promote(name, trips=TRIPS, measure=quick).reasons == ("version 1 is the champion already",)


def test_a_challenger_by_its_number(name):
    contest(name, 2.0, 1.0)
    tracking.remove_alias(name, "challenger")
    with pytest.raises(tracking.NoSuchAlias, match="no alias 'challenger'"):
        tracking.promote(name, trips=TRIPS)
    with pytest.raises(tracking.NoSuchVersion, match="no version 5"):
        tracking.promote(name, 5, trips=TRIPS)
    assert tracking.promote(name, 2, trips=TRIPS, measure=quick, dry_run=True)
    assert tracking.version(name) == 1
    assert "gate" not in mlflow.MlflowClient().get_model_version(name, "2").tags
    assert tracking.promote(name, "2", trips=TRIPS, measure=quick)


def test_without_a_champion_it_must_be_said(name):
    tracking.register_run(logged(1.0), name, alias="challenger")
    with pytest.raises(tracking.NoChampion, match=r"no champion .* first=True"):
        tracking.promote(name, trips=TRIPS)
    assert tracking.aliases(name) == {"challenger": 1}
    slow = tracking.promote(name, trips=TRIPS, first=True, budget_ms=1, measure=quick)
    assert [reason[:8] for reason in slow.reasons] == ["it takes"]
    decision = tracking.promote(name, trips=TRIPS, first=True, measure=quick)
    assert (decision.promoted, decision.champion, decision.gain) == (True, None, None)
    assert str(decision) == f"Version 1 of '{name}' is now the champion: 2.0 ms a ride."
    assert mlflow.MlflowClient().get_model_version(name, "1").tags["gate.champion"] == "none"


def test_first_does_not_spare_the_comparison_where_there_is_a_champion(name):
    contest(name, 1.0, 2.0)
    assert not tracking.promote(name, trips=TRIPS, first=True, measure=quick)


# ---------------------------------------------------------------- by what was logged


def test_logged_metrics_count_when_both_were_scored_on_the_same_data(name):
    for by, alias in ((2.0, "champion"), (1.0, "challenger")):
        tracking.register(Shifted(by), name, alias=alias, metrics={"rmse": by, "predict_ms": 2.0}, valid=TRIPS)
    decision = tracking.promote(name)
    assert decision
    assert (decision.gain, decision.latency_ms, decision.data) == (1.0, 2.0, tracking.data_hash(TRIPS))


def test_logged_metrics_of_other_data_are_refused(name):
    tracking.register(Shifted(2.0), name, metrics={"rmse": 2.0}, valid=rides(9))
    tracking.register(Shifted(1.0), name, alias="challenger", metrics={"rmse": 1.0, "predict_ms": 1.0}, valid=TRIPS)
    (reason,) = tracking.promote(name).reasons
    assert reason.startswith("the two were scored on different data (champion ")
    assert tracking.version(name) == 1


def test_what_was_not_logged_is_asked_for(name):
    tracking.register(Shifted(2.0), name, metrics={"mae": 2.0})
    tracking.register(Shifted(1.0), name, alias="challenger", metrics={"rmse": 1.0})
    assert tracking.promote(name).reasons == (
        "nobody recorded which trips the champion (version 1) was scored on: give trips=…",
        "the champion (version 1) has no logged rmse: give trips=…",
        "nobody recorded which trips the challenger (version 2) was scored on: give trips=…",
        "the challenger has no logged predict_ms to hold against the latency budget: give trips=…",
    )


# ---------------------------------------------------------------- asked wrongly, or two at once


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trips": TRIPS.drop(columns="duration")}, "no column 'duration'"),
        ({"trips": TRIPS.iloc[:0]}, "no trips"),
        ({"metric": "mape"}, "no metric 'mape'"),
        ({"margin": -0.1}, "margin must be 0 or more"),
        ({"margin": float("nan")}, "margin must be 0 or more"),
        ({"budget_ms": 0}, "budget must be more than 0"),
    ],
)
def test_a_question_that_makes_no_sense(name, options, message):
    contest(name, 2.0, 1.0)
    with pytest.raises(UsageError, match=message):
        tracking.promote(name, **{"trips": TRIPS, **options})
    assert tracking.version(name) == 1


def test_a_champion_that_changed_meanwhile_is_not_overwritten(name):
    contest(name, 3.0, 2.0)
    tracking.register_run(logged(1.0), name)

    def somebody_else_promotes(_model, _trips):
        tracking.set_alias(name, "champion", 3)
        return 1.0

    decision = tracking.promote(name, trips=TRIPS, measure=somebody_else_promotes)
    assert decision.reasons == ("while it was compared with version 1, version 3 became the champion: compare again",)
    assert tracking.version(name) == 3


def test_of_two_promotions_at_once_one_wins_and_the_other_says_why(name):
    contest(name, 3.0, 2.0)
    tracking.register_run(logged(1.0), name)
    both_compared = threading.Barrier(2, timeout=60)
    decisions = []

    def compare(_model, _trips):
        both_compared.wait()
        return 1.0

    def promote(version):
        decisions.append(tracking.promote(name, version, trips=TRIPS, measure=compare))

    threads = [threading.Thread(target=promote, args=(version,)) for version in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (decision for decision in decisions if decision)
    (loser,) = (decision for decision in decisions if not decision)
    assert tracking.version(name) == winner.challenger
    assert f"version {winner.challenger} became the champion: compare again" in loser.reasons[0]
