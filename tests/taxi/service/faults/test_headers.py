"""Every answer, good or bad, carries what keeps a browser from harm; and the page needs nothing that this forbids."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course_lib.taxi.service import app as service_app
from course_lib.taxi.service.door import Door
from course_lib.taxi.service.gateway import Gateway
from course_lib.taxi.service.limiting import Limiter, rate
from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.patience import Patience
from tests.taxi.service.fakes import RIDE, Broken, Constant, FakeRegistry, service
from tests.taxi.service.test_gateway import Protocol, ask

PAGE = Path(service_app.__file__).parent / "page"
BODY = json.dumps(RIDE).encode()
JSON = {"content_type": "application/json"}


def policy(headers):
    return {name: words.split() for name, _, words in (p.strip().partition(" ") for p in headers.split(";"))}


def sized(body):
    return JSON | {"content_length": str(len(body))}


@pytest.mark.parametrize(
    ("status", "protocol", "options"),
    [
        (200, Protocol(BODY), sized(BODY)),
        (200, Protocol(), {"method": "GET", "path": "/"}),
        (200, Protocol(), {"method": "GET", "path": "/static/page.js"}),
        (200, Protocol(), {"method": "GET", "path": "/metrics"}),
        (400, Protocol(b"{"), sized(b"{")),
        (404, Protocol(), {"method": "GET", "path": "/none"}),
        (404, Protocol(), {"method": "GET", "path": "/static/../app.py"}),
        (405, Protocol(), {"method": "PUT", "path": "/predict"}),
        (408, Protocol(b"{", wait=1), {**JSON, "content_length": "2"}),
        (413, Protocol(), {**JSON, "content_length": "99999999"}),
        (415, Protocol(b"x"), {"content_length": "1", "content_type": "text/plain"}),
        (422, Protocol(b"{}"), sized(b"{}")),
    ],
)
def test_on_every_answer(ready, status, protocol, options):
    safe(ask(Gateway(ready.app, max_bytes=2_000_000, read_seconds=0.3), protocol, **options), status)


def test_on_those_that_are_turned_away(ready, tmp_path):
    gateway = Gateway(ready.app, max_bytes=100, door=Door(limiter=Limiter(rate("1/hour"))))
    ask(gateway, Protocol(), "GET", "/")
    safe(ask(gateway, Protocol(), "GET", "/"), 429)
    impatient = Gateway(ready.app, max_bytes=2_000_000, patience=Patience(0.0))
    safe(ask(impatient, Protocol(), "GET", "/zones"), 503)
    with service(tmp_path / "broken", FakeRegistry({1: Broken()}, Wanted(1))) as broken:
        safe(ask(Gateway(broken.app, max_bytes=2_000_000), Protocol(BODY), **sized(BODY)), 500)
    with service(tmp_path / "none", FakeRegistry({1: Constant(1.0)}, Wanted(None))) as none:
        safe(ask(Gateway(none.app, max_bytes=2_000_000), Protocol(BODY), **sized(BODY)), 503)


def safe(answer, status):
    assert answer.status == status, answer.body
    rules = policy(answer.headers["Content-Security-Policy"])
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Request-ID"]
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Traceback" not in answer.body.decode()


class Inline(HTMLParser):
    """Collects everything that the content policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in: str | None = None

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        self.found += [f"<{tag} {name}>" for name in names if name == "style" or name.startswith("on")]
        self.found += [f"{name}={value}" for name, value in attrs if (value or "").strip().startswith("javascript:")]
        self.found += [value for value in names.values() if re.match(r"(https?:)?//", value or "")]
        self._in = tag if tag == "style" or (tag == "script" and "src" not in names) else None
        if self._in:
            self.found.append(f"<{tag}> with text")

    def handle_endtag(self, _tag):
        self._in = None


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(ready):
    page = ready.client.get("/").get_data(as_text=True)
    parser = Inline()
    parser.feed(page)
    assert parser.found == []
    script = (PAGE / "static" / "page.js").read_text(encoding="utf-8")
    for word in (
        "eval(",
        "new Function",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "http://www.w3",
    ):
        assert word not in script.replace("http://www.w3.org/2000/svg", ""), word
    assert not re.search(r"setAttribute\(\s*['\"]style", script), "styles by attribute are refused, too"


def test_the_parser_finds_what_it_looks_for():
    parser = Inline()
    parser.feed('<p style="x" onclick="y"><script>z</script><style>a</style><a href="javascript:b"><img src="//c/d">')
    assert len(parser.found) == 6
