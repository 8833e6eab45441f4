"""A file server of the tests' own, on 127.0.0.1, that can be told to behave badly."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What the server has and does, and the requests it saw.

    ``breaks`` holds, for each coming request in turn, after how many bytes the connection is cut (None: not).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = '"v1"'
    ranges: bool = True
    breaks: list[int | None] = field(default_factory=list)
    lies_about_length: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        """Where the files lie."""
        return f"http://127.0.0.1:{self.port}/trip-data"


class running:
    """``with running(Server()) as server``: serves on a free port until the end of the block."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def __enter__(self) -> Server:
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.server))
        self.http.daemon_threads = True
        self.server.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self.server

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            server.requests.append(dict(self.headers))
            name = self.path.rsplit("/", 1)[-1]
            if status := server.status.get(name):
                self._answer(status, b"<?xml version='1.0'?><Error/>", {})
                return
            if name not in server.files:
                self._answer(404, b"<html>not found</html>", {})
                return
            content, extra = server.files[name], {"ETag": server.etag, **server.headers}
            wanted = self.headers.get("Range")
            if wanted and server.ranges and self.headers.get("If-Range") == server.etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    self._answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                    return
                extra["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self._answer(206, content[start:], extra)
                return
            self._answer(200, content, extra)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body) + server.lies_about_length))
            self.end_headers()
            stop = server.breaks.pop(0) if server.breaks else None
            self.wfile.write(body if stop is None else body[:stop])
            self.wfile.flush()
            self.close_connection = True

    return Handler
