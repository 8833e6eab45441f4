"""A process that starts while the registry is away has the champion of yesterday; never a wrong one for longer."""

from __future__ import annotations

import stat

import pytest

from course_lib.taxi.service.lastchampion import LastChampion
from course_lib.taxi.service.live import LiveModels, Wanted
from tests.taxi.service.fakes import Constant, FakeRegistry


@pytest.fixture
def last(tmp_path):
    return LastChampion(tmp_path / "last.pkl")


@pytest.fixture
def registry():
    return FakeRegistry({1: Constant(10.0), 2: Constant(20.0)}, Wanted(1))


def started(registry, last):
    """A new process."""
    live = LiveModels(registry, last=last)
    live.refresh()
    return live


def test_kept_and_recalled(last):
    assert last.recall("taxi-duration") is None
    assert last.keep("taxi-duration", 7, Constant(12.0))
    version, model = last.recall("taxi-duration")
    assert (version, model.minutes) == (7, 12.0)
    assert last.recall("another") is None, "the model of another service"
    assert stat.S_IMODE(last.path.stat().st_mode) & 0o077 == 0
    assert [path.name for path in last.path.parent.iterdir()] == ["last.pkl"]


def test_what_can_not_be_kept_or_read_is_no_trouble(last, caplog):
    assert not last.keep("taxi-duration", 1, (n for n in range(3)))
    assert "version 1 of taxi-duration is not kept" in caplog.text
    assert list(last.path.parent.iterdir()) == []
    last.path.write_bytes(b"no pickle")
    assert last.recall("taxi-duration") is None
    assert "can't be read" in caplog.text


def test_a_start_without_a_registry(registry, last):
    started(registry, last)
    registry.down = True
    live = started(registry, last)
    assert (live.state.champion.version, live.state.registry_up) == (1, False)
    assert registry.loads == [1]
    for _ in range(3):
        (problem,) = live.refresh().problems
        assert problem.endswith("database is locked; version 1, the last champion here, answers meanwhile")
    registry.down = False
    live.refresh()
    assert live.state.problems == ()
    assert registry.loads == [1, 1], "the registry's own takes over"


def test_the_same_number_may_be_another_model(registry, last):
    """A registry that was made anew counts from 1 again: what was recalled must not answer in that one's name."""
    started(registry, last)
    registry.down = True
    live = started(registry, last)
    assert live.state.champion.minutes([(7, 138, None)] * 100) == [10.0] * 100
    registry.down, registry.models[1] = False, Constant(33.0)
    live.refresh()
    assert live.state.champion.minutes([(7, 138, None)] * 100) == [33.0] * 100
    registry.down = True
    assert started(registry, last).state.champion.minutes([(7, 138, None)] * 100) == [33.0] * 100


def test_the_newest_champion_is_kept_and_written_once(registry, last, monkeypatch):
    written = []
    keep = LastChampion.keep
    monkeypatch.setattr(LastChampion, "keep", lambda self, *given: written.append(given[1]) or keep(self, *given))
    live = started(registry, last)
    for version in (1, 2, 2, 1):
        registry.now = Wanted(version)
        live.refresh()
        live.refresh()
    assert written == [1, 2, 1]


def test_a_last_champion_that_answers_nonsense_never_answers(registry, last):
    last.keep(registry.name, 5, Constant(float("nan")))
    registry.down = True
    live = started(registry, last)
    assert live.state.champion is None
    assert live.refresh().problems == ("the registry can't be read: database is locked",)
    registry.down = False
    assert live.refresh().champion.version == 1


def test_without_a_champion_in_the_registry_nothing_is_recalled(registry, last):
    last.keep(registry.name, 5, Constant(12.0))
    registry.now = Wanted(None)
    assert started(registry, last).state.champion is None


def test_a_recalled_champion_stands_in_until_the_registry_gives_its_own(registry, last):
    """The registry is back, its files are not: each look says so, and the stand-in is not taken for it."""
    started(registry, last)
    registry.down = True
    live = started(registry, last)
    registry.down, registry.models[1] = False, OSError("no such file")
    for _ in range(3):
        state = live.refresh()
        assert state.champion.version == 1
        assert state.problems == (
            "version 1, the champion, can't be served: OSError: no such file; version 1 goes on answering",
        )
    registry.now = Wanted(2)
    assert live.refresh().champion.version == 2
    assert live.state.problems == ()


def test_after_one_that_was_of_no_use_the_next_is_kept(registry, last):
    last.keep(registry.name, 5, Constant(float("nan")))
    registry.down = True
    live = started(registry, last)
    registry.down = False
    live.refresh()
    assert last.recall(registry.name)[0] == 1
