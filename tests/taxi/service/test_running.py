"""A service for the length of a block: it always ends, and says why it did not begin."""

from __future__ import annotations

import sys
import time

import pytest
import requests
from flask import Flask

from course_lib.taxi.service.running import NotRunning, deployed, running


def app():
    made = Flask("student")

    @made.get("/hang")
    def hang():
        time.sleep(3600)

    @made.get("/crash")
    def crash():
        raise ZeroDivisionError("oh")

    @made.get("/")
    def hello():
        return "hello"

    return made


def closed(url):
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=2)


def test_it_answers_and_ends(capfd):
    with running(app) as service:
        assert requests.get(service.url, timeout=5).text == "hello"
        assert requests.get(service.url + "/crash", timeout=5).status_code == 500
    closed(service.url)
    assert "GET" not in capfd.readouterr().err


def test_views_that_hang_do_not_keep_it():
    started = time.monotonic()
    with running(app) as service:
        for _ in range(3):
            with pytest.raises(requests.Timeout):
                requests.get(service.url + "/hang", timeout=0.1)
        assert requests.get(service.url, timeout=5).text == "hello"
    closed(service.url)
    assert time.monotonic() - started < 30


def test_it_ends_when_the_block_fails():
    with pytest.raises(KeyError), running(app) as service:
        raise KeyError("in the block")
    closed(service.url)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: sys.exit("bye"), "SystemExit: bye"),
        (lambda: None, "no application came back, but None"),
        (lambda: time.sleep(3600), "not there after 0.2 seconds"),
    ],
)
def test_what_is_no_application(make, why):
    with pytest.raises(NotRunning, match=why), running(make, start_within=0.2):
        pass


def test_a_deployment_without_a_model_says_so(tmp_path):
    with (
        pytest.raises(NotRunning, match="no version of taxi-duration is the champion yet") as told,
        deployed(mlflow=tmp_path / "empty"),
    ):
        pass
    assert "granian" in str(told.value)  # the end of the log
