"""Callers who never finish: they are cut off in time, and nobody else notices them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import warnings
from collections import Counter

import numpy as np
import pytest
import requests
from sklearn.base import BaseEstimator

from course_lib.taxi import tracking
from course_lib.taxi.service import server
from course_lib.taxi.service.running import deployed
from tests.taxi.service.fakes import RIDE
from tests.taxi.service.faults.riders import Riders

WANTED = 500
_OWN = 150  # descriptors that this process needs for all else


BEGUN = [
    b"",  # never a word
    b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Never: ",
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{",
    b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
]


def as_many_as_allowed():
    allowed = server.lift_descriptors()
    count = min(WANTED, allowed - _OWN)
    if count < WANTED:
        warnings.warn(f"{count} callers instead of {WANTED}: this process may open {allowed} files", stacklevel=2)
    return count


def test_half_open_connections_are_cut_off(home, tmp_path):
    """Five hundred of four kinds; riders are answered all the time, and none of them stands long after its time."""
    with deployed(mlflow=home.folder, folder=tmp_path) as service, contextlib.ExitStack() as open_ones:
        host, port = service.url.removeprefix("http://").split(":")
        callers = []
        for number in range(as_many_as_allowed()):
            caller = open_ones.enter_context(socket.create_connection((host, int(port)), timeout=10))
            caller.sendall(BEGUN[number % len(BEGUN)])
            callers.append(caller)
        with Riders(service.url, home.minutes, threads=1) as riders:
            riders.more(50)
            assert "taxi_predictions_total" in requests.get(f"{service.url}/metrics", timeout=10).text
            end = time.monotonic() + 60
            endings = Counter()
            for number, caller in enumerate(callers):
                caller.settimeout(max(end - time.monotonic(), 0.1))
                said = caller.recv(100)  # a timeout here is a connection that was never cut off
                endings[number % len(BEGUN), said[:12]] += 1
        assert set(riders.statuses()) == {200}, riders.statuses()
        riders.check()
    # who never finished a request is left without a word, who never finished a body is told
    each = [len(callers[kind :: len(BEGUN)]) for kind in range(len(BEGUN))]
    assert [endings[0, b""], endings[1, b""]] == each[:2], endings
    assert [endings[2, b"HTTP/1.1 408"], endings[3, b"HTTP/1.1 408"]] == each[2:], endings


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_limit_of_open_files_is_lifted():
    code = """
import resource
from course_lib.taxi.service.server import lift_descriptors
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 3000 if most == resource.RLIM_INFINITY else min(most, 3000)))
print(lift_descriptors(), *resource.getrlimit(resource.RLIMIT_NOFILE), lift_descriptors(2000))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    lifted, now, most, again = map(int, done.stdout.split())
    assert lifted == now == most
    assert most > 64
    assert again == now, "it is never lowered"


class HangsOnLists(BaseEstimator):
    """Ten minutes for any ride; a list of 1500 is never answered."""

    def predict(self, trips):
        if len(trips) == 1500:
            time.sleep(3600)
        return np.full(len(trips), 10.0)


def test_requests_that_hang_take_nothing_from_others(tmp_path):
    """Nine lists hang for ever: each is told so, riders are answered, and a new worker takes the place of the old."""
    tracking.setup(tmp_path / "mlflow")
    tracking.register(HangsOnLists())
    with deployed(mlflow=tmp_path / "mlflow", folder=tmp_path, environment={server.SECONDS: "0.5"}) as service:
        endings = []
        for _ in range(9):
            try:
                answer = requests.post(f"{service.url}/predict", json=[RIDE] * 1500, timeout=30)
            except requests.ConnectionError:
                endings.append(0)  # the worker gave up itself
                time.sleep(1)
                continue
            endings.append(answer.status_code)
            assert answer.json()["errors"][0]["reason"] == "took_too_long"
            if 0 not in endings:
                assert requests.post(f"{service.url}/predict", json=RIDE, timeout=10).status_code == 200
        assert endings[:7] == [503] * 7
        assert 0 in endings[7:]
        with Riders(service.url, {1: np.full(300, 10.0)}, threads=1) as riders:
            riders.more(20)
        riders.check()
        said = service.log.read_text(encoding="utf-8")
    assert "8 requests hang: this process ends" in said
