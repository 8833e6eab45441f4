"""Nobody waits for ever, and what hangs takes nothing from others."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import numpy as np
import pytest

from course_lib.taxi.service import patience
from course_lib.taxi.service.gateway import Gateway
from course_lib.taxi.service.live import LiveModels, Wanted
from course_lib.taxi.service.patience import Patience, TookTooLong, go_on, within
from tests.taxi.service.fakes import RIDE, Constant, FakeRegistry, service
from tests.taxi.service.test_gateway import Protocol, ask


@pytest.fixture
def release():
    """Set at the end, so that no thread of a test outlives it."""
    event = threading.Event()
    yield event
    event.set()


def test_an_answer_in_time():
    assert asyncio.run(Patience(5).result(lambda a, b: a + b, 1, 2)) == 3
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Patience(5).result(lambda: 1 / 0))


def test_others_are_answered_while_some_hang(release):
    """Twice as many hang as there are threads: each is given up in time, and work goes on at once."""
    ended = []
    patient = Patience(0.2, threads=2, most_lost=100, end=lambda: ended.append(1))

    async def story():
        hanging = [asyncio.create_task(patient.result(release.wait)) for _ in range(2)]
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
        assert [type(one) for one in outcomes] == [TimeoutError] * 2
        return [await patient.result(lambda n=n: n) for n in range(10)]

    assert asyncio.run(story()) == list(range(10))
    assert patient.lost == 2
    assert ended == []
    release.set()
    end = time.monotonic() + 5
    while patient.lost and time.monotonic() < end:
        time.sleep(0.01)
    assert patient.lost == 0, "what came back is no longer counted"


def test_too_many_that_hang_end_the_process(release):
    ended = []
    patient = Patience(0.05, threads=2, most_lost=3, end=lambda: ended.append(1))

    async def story():
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await patient.result(release.wait)

    asyncio.run(story())
    assert ended == [1]


def test_work_that_never_began_is_called_off(release):
    """A request that waited in vain for a free thread takes none later, and is no thread that hangs."""
    begun = []
    patient = Patience(0.1, threads=1, end=lambda: None)

    async def story():
        first = asyncio.create_task(patient.result(release.wait))
        second = asyncio.create_task(patient.result(lambda: begun.append(1)))
        await asyncio.gather(first, second, return_exceptions=True)

    asyncio.run(story())
    release.set()
    time.sleep(0.1)
    assert begun == []
    assert patient.lost <= 1


def test_work_stops_by_itself_when_nobody_waits(monkeypatch):
    monkeypatch.setattr(patience, "_GRACE", 0.0)
    pieces, stopped = [], threading.Event()

    def work():
        try:
            for n in range(10**6):
                go_on()
                pieces.append(n)
                time.sleep(0.01)
        except TookTooLong:
            stopped.set()
            raise

    with pytest.raises(TimeoutError):
        asyncio.run(Patience(1.0).result(work))
    assert stopped.wait(30)
    assert 1 <= len(pieces) < 10**4
    go_on()  # no deadline in this thread


def test_work_that_notices_before_its_caller_is_out_of_time_too(monkeypatch):
    """A busy loop looks at its clock late: then the thread is the first to know."""
    monkeypatch.setattr(patience, "_GRACE", -60.0)
    patient = Patience(30.0)
    with pytest.raises(TimeoutError, match="nobody waits"):
        asyncio.run(patient.result(go_on))
    assert patient.lost == 0


def test_within():
    assert within(5, lambda: 7, "a sum") == 7
    with pytest.raises(KeyError):
        within(5, lambda: {}["x"], "a look")
    with pytest.raises(TimeoutError, match="own"):
        within(5, lambda: (_ for _ in ()).throw(TimeoutError("own")), "a look")


def test_within_gives_up(release):
    with pytest.raises(TookTooLong, match=r"a wait took longer than 0\.05 s"):
        within(0.05, release.wait, "a wait")


class Slow(Constant):
    """A tenth of a second for each call."""

    def __init__(self, minutes, seconds=0.1):
        super().__init__(minutes)
        self.seconds, self.calls, self.rides = seconds, 0, 0

    def predict(self, trips):
        self.calls, self.rides = self.calls + 1, self.rides + len(trips)
        time.sleep(self.seconds)
        return super().predict(trips)


def test_a_long_list_on_a_slow_model_is_given_up(tmp_path, monkeypatch):
    """The caller is told in time; the model is asked for the first pieces only, and nothing is stored."""
    monkeypatch.setattr(patience, "_GRACE", 0.0)
    model = Slow(10.0)
    with service(tmp_path, FakeRegistry({1: model}, Wanted(1))) as made:
        model.calls = model.rides = 0
        model.seconds = 0.3
        metrics = made.app.extensions["taxi"].metrics
        patient = Patience(0.4)
        gateway = Gateway(made.app, max_bytes=2_000_000, patience=patient)
        gateway.door.metrics = metrics
        body = json.dumps([RIDE] * 10_000).encode()
        answer = ask(gateway, Protocol(body), content_length=str(len(body)), content_type="application/json")
        assert answer.status == 503
        assert json.loads(answer.body)["errors"][0]["reason"] == "took_too_long"
        assert int(answer.headers["Retry-After"]) > 0
        end = time.monotonic() + 5
        while patient.lost and time.monotonic() < end:
            time.sleep(0.02)
        assert patient.lost == 0
        assert model.calls < 4
        assert made.number("taxi_requests_overdue_total") == 1
        assert len(made.stored()) == 0


def test_long_lists_in_pieces_are_whole(tmp_path):
    class ByPickup(Constant):
        def predict(self, trips):
            assert len(trips) <= 2500
            return trips["PULocationID"].to_numpy(float)

    with service(tmp_path, FakeRegistry({1: ByPickup(1.0)}, Wanted(1))) as made:
        rides = [RIDE | {"pickup": 1 + n % 137} for n in range(10_000)]
        told = made.predict(rides).json["predictions"]
    assert [one["minutes"] for one in told] == [float(ride["pickup"]) for ride in rides]
    assert np.unique([one["model"]["version"] for one in told]).tolist() == [1]


def test_a_champion_that_hangs_never_takes_over(release):
    class Hangs(Constant):
        def predict(self, trips):
            release.wait()
            return super().predict(trips)

    registry = FakeRegistry({1: Constant(10.0), 2: Hangs(20.0), 3: Constant(30.0)}, Wanted(1))
    live = LiveModels(registry, try_seconds=0.1)
    live.refresh()
    registry.now = Wanted(2)
    for _ in range(3):
        state = live.refresh()
        assert state.champion.version == 1
        assert "took longer than 0.1 s; version 1 goes on answering" in state.problems[0]
    assert registry.loads == [1, 2], "each try would keep another thread"
    registry.now = Wanted(3)
    assert live.refresh().champion.version == 3


def test_a_version_that_failed_is_tried_again_later(monkeypatch):
    """The disk may have been full, the registry locked: who mends it should not have to restart the service."""
    registry = FakeRegistry({1: Constant(10.0), 2: OSError("no space")}, Wanted(1))
    live = LiveModels(registry)
    live.refresh()
    registry.now = Wanted(2)
    now = time.monotonic()
    monkeypatch.setattr("course_lib.taxi.service.live.time.monotonic", lambda: now)
    tried = []
    for seconds in (0, 59, 2, 60, 61, 200, 50):
        now += seconds
        live.refresh()
        tried.append(registry.loads.count(2))
    assert tried == [1, 1, 2, 2, 3, 3, 4], "after 60 s, then 120, then 240"
    registry.models[2] = Constant(20.0)
    now += 1000
    assert live.refresh().champion.version == 2
    assert live.state.problems == ()
