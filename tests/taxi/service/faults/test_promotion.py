"""Promotion, roll-out, a champion that is none, and the way back, under load: not one failed request."""

from __future__ import annotations

from course_lib.taxi import tracking
from course_lib.taxi.service.registry import MLflowRegistry
from course_lib.taxi.service.rollout import Plan
from course_lib.taxi.service.running import deployed
from tests.taxi.service.faults.riders import Riders, check_store, health


def test_champions_come_and_go(home, tmp_path):
    """1, then 2, then 3 (which answers nonsense), then 1 again: each answer is what the version it names says."""
    with (
        deployed(mlflow=home.folder, folder=tmp_path) as service,
        Riders(service.url, home.minutes, threads=3) as riders,
    ):
        riders.more(30)
        home.champion(2)
        riders.until(lambda: health(service.url)["champion"] == 2)
        riders.more(30)
        home.champion(3)
        riders.until(lambda: health(service.url)["problems"] != [])
        told = health(service.url)
        assert (told["ready"], told["champion"]) == (True, 2)
        assert "version 3, the champion, can't be served" in told["problems"][0]
        assert "version 2 goes on answering" in told["problems"][0]
        riders.more(30)
        home.champion(1)
        riders.until(lambda: health(service.url)["champion"] == 1)
        riders.more(30)
        assert health(service.url)["problems"] == []
    assert set(riders.statuses()) == {200}, riders.statuses()
    riders.check()
    versions = riders.versions()
    assert set(versions) == {1, 2}, versions
    assert min(versions.values()) >= 30
    assert riders.check_store(tmp_path) == len(riders.good)


def test_a_challenger_is_tried_out_and_taken_back(home, tmp_path):
    """A canary for half of the requests, its promotion, and a roll-back with one command's function."""
    registry = MLflowRegistry(folder=home.folder)
    tracking.set_alias(tracking.MODEL_NAME, "challenger", 2)
    try:
        with (
            deployed(mlflow=home.folder, folder=tmp_path) as service,
            Riders(service.url, home.minutes, threads=3) as riders,
        ):
            registry.set_rollout(Plan("canary", 0.5))
            riders.until(lambda: riders.versions()[2] >= 30)
            before = riders.versions()
            riders.more(100)
            during = riders.versions() - before
            assert 0.25 < during[2] / during.total() < 0.75
            registry.set_rollout(Plan("shadow"))
            riders.until(lambda: health(service.url)["rollout"] == "shadow")
            riders.more(30)
            registry.set_rollout(Plan())
            riders.until(lambda: health(service.url)["rollout"] == "off")
            riders.more(30)
    finally:
        registry.set_rollout(Plan())
        tracking.remove_alias(tracking.MODEL_NAME, "challenger")
    assert set(riders.statuses()) == {200}, riders.statuses()
    riders.check()
    assert check_store([riders], tmp_path) == len(riders.good)
    roles = {(one.body["model"]["version"], one.body["model"]["role"]) for one in riders.good}
    assert roles == {(1, "champion"), (2, "challenger")}
