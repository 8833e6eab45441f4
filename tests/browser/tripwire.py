"""A proxy that lets nothing through and notes who asked: programs under test get it for every address outside."""

from __future__ import annotations

import socket
import threading
from types import TracebackType


class Tripwire:
    """Listens on a free port while a ``with`` block lasts; ``caught`` has the first line of each request."""

    def __init__(self) -> None:
        self.caught: list[str] = []

    def __enter__(self) -> Tripwire:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that send a program's requests here, but for those to this machine."""
        proxy = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        proxies = dict.fromkeys((*names, *map(str.upper, names)), proxy)
        return proxies | dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # the block has ended
                return
            with connection:
                connection.settimeout(5)
                try:
                    self.caught.append(connection.recv(2000).decode(errors="replace").split("\r\n")[0])
                except OSError as error:
                    self.caught.append(f"a connection without words: {error}")
