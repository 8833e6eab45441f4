"""Between the server and Flask: whole requests in, whole answers out, and nobody's slowness is another's wait.

Granian's own interface (RSGI) hands requests to an event loop. There a body is awaited without a thread being held, so
five hundred callers who send a byte a minute cost five hundred small objects; behind WSGI each would hold one of a
few threads, and a handful starves everybody. A single ride's answer takes a fraction of a millisecond and is made
right there; what may take longer (lists, the page, numbers) goes to threads.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

from course_lib.taxi.service.around import Answer
from course_lib.taxi.service.door import Door
from course_lib.taxi.service.patience import Patience

#: Seconds in which a request's body must have come.
READ_SECONDS = 10.0
#: A body up to this size is one ride, or a few.
SMALL_BYTES = 4096
TOO_SLOW = "taxi.too_slow"  # in environ: the body did not come in time

Environ = dict[str, Any]


class Gateway:
    """A WSGI application ``app`` as granian's RSGI wants it.

    Bodies over ``max_bytes`` are not read to their end: the application is told of a length that it refuses. A body
    that isn't there within ``read_seconds`` is marked in ``environ`` by TOO_SLOW. ``express(scope, body)`` is asked
    first, in the event loop, whenever the body is small; None means that the application shall answer. ``door`` turns
    callers away who ask too often; ``patience`` says how long the application may take. ``ending()`` is called when the
    server ends in an orderly way.
    """

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        *,
        max_bytes: int,
        read_seconds: float = READ_SECONDS,
        express: Callable[[Any, bytes], Answer | None] = lambda _scope, _body: None,
        door: Door | None = None,
        patience: Patience | None = None,
        ending: Callable[[], Any] = lambda: None,
    ) -> None:
        self.app, self.max_bytes, self.read_seconds, self.express = app, max_bytes, read_seconds, express
        self.door, self.patience, self.ending = door or Door(), patience or Patience(), ending

    def __rsgi_del__(self, _loop: Any) -> None:
        """Granian has answered its last request."""
        self.ending()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        if (refusal := self.door.too_often(scope)) is not None:
            protocol.response_bytes(*refusal)
            return
        try:
            async with asyncio.timeout(self.read_seconds):
                body, size = await self._body(scope, protocol)
        except TimeoutError:
            body, size = None, 0
        except RuntimeError:  # granian's ProtocolClosed: the caller hung up, nobody waits for an answer
            return
        answer = self.express(scope, body) if body is not None and size <= SMALL_BYTES else None
        if answer is None:
            try:
                answer = await self.patience.result(self.by_application, scope, body, size)
            except TimeoutError:
                answer = self.door.too_long(scope, self.patience.seconds)
        protocol.response_bytes(*answer)

    async def _body(self, scope: Any, protocol: Any) -> tuple[bytes, int]:
        """The body, or what came of it before it grew too large, and how long it is said to be."""
        length = scope.headers.get("content-length") or ""
        if length.isdecimal():
            return (b"", int(length)) if int(length) > self.max_bytes else (await protocol(), int(length))
        parts, size = [], 0
        if scope.method not in ("GET", "HEAD"):
            async for part in protocol:
                parts.append(part)
                size += len(part)
                if size > self.max_bytes:
                    break
        return b"".join(parts), size

    def by_application(self, scope: Any, body: bytes | None, size: int) -> Answer:
        """What the application says, whole; ``body`` None: it did not come in time."""
        begun: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            begun.append((int(status[:3]), headers))

        parts = self.app(_environ(scope, body, size), start_response)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        status, headers = begun[-1]
        return status, headers, body


def _environ(scope: Any, body: bytes | None, size: int) -> Environ:
    """A request as WSGI has it (PEP 3333); without a body, TOO_SLOW says so."""
    name, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # WSGI wants bytes spelt as Latin-1
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body or b""),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if body is None:
        environ[TOO_SLOW] = True
    for key, value in scope.headers.items():
        key = key.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if body is not None and (size or scope.method not in ("GET", "HEAD")):
        environ["CONTENT_LENGTH"] = str(size)
    return environ
