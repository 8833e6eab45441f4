"""Between server and Flask: bodies that come slowly, are too large, or never end, cost nobody else anything."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from types import SimpleNamespace

import pytest
import requests
from flask import Flask, request

from course_lib.taxi.service import contract
from course_lib.taxi.service.gateway import SMALL_BYTES, Gateway
from course_lib.taxi.service.running import deployed
from tests.taxi.service.fakes import RIDE
from tests.taxi.service.test_server import mlflow_folder

__all__ = ["mlflow_folder"]


class Protocol:
    """What granian gives for one request: a body in parts, each after a while; keeps the answer."""

    def __init__(self, *parts: bytes, wait: float = 0.0) -> None:
        self.parts, self.wait, self.given, self.read = parts, wait, None, 0

    async def __call__(self) -> bytes:
        return b"".join([part async for part in self])

    async def __aiter__(self):
        for part in self.parts:
            await asyncio.sleep(self.wait)
            self.read += len(part)
            yield part

    def response_bytes(self, status, headers, body):
        self.given = SimpleNamespace(status=status, headers=dict(headers), body=body)


def ask(gateway, protocol, method="POST", path="/predict", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = SimpleNamespace(
        method=method, path=path, query_string="q=ä", client="127.0.0.1:4000", server="127.0.0.1:8000",
        http_version="1.1", scheme="http", headers=names,
    )  # fmt: skip
    asyncio.run(gateway.__rsgi__(scope, protocol))
    return protocol.given


@pytest.fixture
def seen():
    return {}


@pytest.fixture
def mirror(seen):
    """An application that says what reached it."""
    app = Flask(__name__)

    @app.route("/<path:_any>", methods=["GET", "POST"])
    def look(_any):
        seen.update(request.environ, thread=threading.current_thread(), body=request.get_data())
        return f"{request.path} {len(seen['body'])}"

    return app


def test_a_request_reaches_flask_whole(mirror, seen):
    body = b'{"a": 1}'
    answer = ask(Gateway(mirror, max_bytes=100), Protocol(body[:3], body[3:]), content_length="8", x_request_id="r-1")
    assert (answer.status, answer.body) == (200, b"/predict 8")
    assert answer.headers["Content-Length"] == "10"
    assert seen["body"] == body
    assert (seen["HTTP_X_REQUEST_ID"], seen["REMOTE_ADDR"], seen["SERVER_PORT"]) == ("r-1", "127.0.0.1", "8000")
    assert ask(Gateway(mirror, max_bytes=100), Protocol(), "GET", "/zürich").body.decode() == "/zürich 0"


def test_what_is_known_at_once_is_answered_in_the_loop_and_all_else_in_threads(mirror, seen):
    asked = []

    def express(scope, body):
        asked.append((scope.path, len(body)))
        return (200, [("X-Way", "express")], b"quick") if scope.path == "/predict" else None

    gateway = Gateway(mirror, max_bytes=10**6, express=express)
    for path, size, in_loop in (("/predict", 50, True), ("/predict", SMALL_BYTES + 1, False), ("/zones", 50, False)):
        answer = ask(gateway, Protocol(b"x" * size), path=path, content_length=str(size))
        assert answer.body == (b"quick" if in_loop else f"{path} {size}".encode())
    assert asked == [("/predict", 50), ("/zones", 50)], "a large body is nothing for the loop"
    assert seen["thread"] is not threading.current_thread()


def test_a_body_without_a_length(mirror):
    assert ask(Gateway(mirror, max_bytes=100), Protocol(b"x" * 40, b"y" * 40)).body == b"/predict 80"


def test_too_much_is_not_read(ready):
    gateway = Gateway(ready.app, max_bytes=contract.MAX_BYTES)
    said = Protocol(b"x" * 100)
    answer = ask(gateway, said, content_length=str(contract.MAX_BYTES + 1), content_type="application/json")
    assert (answer.status, said.read) == (413, 0)
    endless = Protocol(*[b"x" * 500_000] * 100)
    answer = ask(gateway, endless, content_type="application/json")
    assert answer.status == 413
    assert json.loads(answer.body)["errors"][0]["reason"] == "too_large"
    assert endless.read <= contract.MAX_BYTES + 500_000


def test_a_body_that_does_not_come(ready):
    gateway = Gateway(ready.app, max_bytes=contract.MAX_BYTES, read_seconds=0.05)
    answer = ask(gateway, Protocol(b"{", b"}", wait=5), content_length="2", content_type="application/json")
    assert answer.status == 408
    assert json.loads(answer.body)["errors"][0]["reason"] == "too_slow"


def test_callers_who_hang_up_in_the_middle(mlflow_folder, tmp_path):
    with deployed(mlflow=mlflow_folder, folder=tmp_path) as service:
        host, port = service.url.removeprefix("http://").split(":")
        for _ in range(50):
            with socket.create_connection((host, int(port)), timeout=10) as caller:
                caller.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{")
        assert requests.post(f"{service.url}/predict", json=RIDE, timeout=5).status_code == 200
        assert "Traceback" not in service.log.read_text(encoding="utf-8")
