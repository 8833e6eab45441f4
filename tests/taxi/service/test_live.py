"""Champions come and go while the service answers."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from course_lib.errors import UsageError
from course_lib.taxi.service import rollout
from course_lib.taxi.service.live import LiveModels, Wanted
from course_lib.taxi.service.rollout import Plan
from tests.taxi.service.fakes import Constant, FakeRegistry


@pytest.fixture
def registry():
    return FakeRegistry({1: Constant(10.0), 2: Constant(20.0), 3: Constant(30.0)}, Wanted(1))


def test_loaded_once(registry):
    live = LiveModels(registry)
    for _ in range(3):
        live.refresh()
    assert registry.loads == [1]


def test_a_new_champion_is_noticed_without_a_restart(registry):
    live = LiveModels(registry, poll_seconds=0.01).start()
    changed = threading.Event()
    try:
        registry.now = Wanted(2)
        for _ in range(500):
            if live.state.champion.version == 2:
                break
            changed.wait(0.01)
        assert live.state.champion.version == 2
    finally:
        live.stop()


def test_what_a_request_holds_does_not_change(registry):
    live = LiveModels(registry)
    held = live.refresh()
    registry.now = Wanted(2, 1, Plan("shadow"))
    live.refresh()
    assert (held.champion.version, held.rollout.mode) == (1, "off")
    assert (live.state.champion.version, live.state.challenger.version) == (2, 1)
    assert registry.loads == [1, 2]  # version 1 was there already


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (RuntimeError("the file is gone"), "RuntimeError: the file is gone"),
        (Constant(float("nan")), "it answered"),
        (Constant(1e9), "it answered"),
        (object(), "AttributeError"),
    ],
)
def test_a_champion_that_is_none_never_takes_over(registry, model, why):
    live = LiveModels(registry)
    live.refresh()
    registry.models[2] = model
    registry.now = Wanted(2)
    for _ in range(3):
        state = live.refresh()
        assert state.champion.version == 1
        assert why in state.problems[0]
        assert "version 1 goes on answering" in state.problems[0]
    assert registry.loads == [1, 2]  # not tried again and again
    registry.now = Wanted(3)
    assert live.refresh().champion.version == 3
    assert live.state.problems == ()


def test_the_wrong_number_of_answers(registry):
    class TooFew:
        def predict(self, _trips):
            return np.array([5.0])

    registry.models[1] = TooFew()
    state = LiveModels(registry).refresh()
    assert state.champion is None
    assert "it answered [5.]" in state.problems[0]


def test_a_registry_that_is_gone_changes_nothing(registry):
    live = LiveModels(registry)
    live.refresh()
    registry.down = True
    state = live.refresh()
    assert state.champion.version == 1
    assert state.problems == ("the registry can't be read: database is locked",)
    registry.down = False
    assert live.refresh().problems == ()


def test_an_alias_that_is_taken_away_leaves_the_last_champion(registry):
    live = LiveModels(registry)
    live.refresh()
    registry.now = Wanted(None)
    assert live.refresh().champion.version == 1


def test_a_roll_out_without_a_challenger_says_so(registry):
    registry.now = Wanted(1, None, Plan("canary", 0.1))
    state = LiveModels(registry).refresh()
    assert state.problems == ("the roll-out is canary 0.1, but no version is the challenger",)


@pytest.mark.parametrize("text", ["canary", "canary 0", "canary 1", "canary 1.5", "canary x", "shadow 0.1", "blue"])
def test_plans_that_are_none(text):
    with pytest.raises(UsageError, match="A roll-out is off, shadow, or canary with a share"):
        rollout.parse(text)


@pytest.mark.parametrize("plan", [Plan(), Plan("shadow"), Plan("canary", 0.25)])
def test_plans_survive_as_text(plan):
    assert rollout.parse(str(plan)) == plan
    assert rollout.parse("canary 25%") == Plan("canary", 0.25)
    assert rollout.parse(None) == Plan()
