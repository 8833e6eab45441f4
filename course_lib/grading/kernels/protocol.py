"""How a client, a template and a keeper talk: length-prefixed JSON over a unix socket, with file descriptors."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from collections.abc import Sequence

_LENGTH = struct.Struct("!I")
_LARGEST = 64 * 2**20  # an environment and a command line are a few kilobytes; more is a mistake
MAX_FDS = 4


class ProtocolError(Exception):
    """The other side closed the connection too early, or sent something that is no message."""


def send(conn: socket.socket, message: dict, fds: Sequence[int] = ()) -> None:
    """Send one message; ``fds`` arrive on the other side as descriptors of the same open files."""
    body = json.dumps(message).encode()
    if len(body) > _LARGEST:
        raise ProtocolError(f"a message of {len(body)} bytes is too long")
    header = _LENGTH.pack(len(body))
    if fds:
        socket.send_fds(conn, [header], list(fds))
    else:
        conn.sendall(header)
    conn.sendall(body)


def receive(conn: socket.socket) -> tuple[dict, list[int]]:
    """Wait for one message and return it with the descriptors that came along.

    Raises:
        ProtocolError: at the end of the stream, or when what came is no message.
    """
    header, fds, _flags, _address = socket.recv_fds(conn, _LENGTH.size, MAX_FDS)
    try:
        if len(header) < _LENGTH.size:
            header += _exactly(conn, _LENGTH.size - len(header))
        (size,) = _LENGTH.unpack(header)
        if size > _LARGEST:
            raise ProtocolError(f"a message of {size} bytes is too long")
        message = json.loads(_exactly(conn, size))
        if not isinstance(message, dict):
            raise ProtocolError("a message is a JSON object")
    except BaseException as error:
        close_all(fds)
        if isinstance(error, ValueError):
            raise ProtocolError("what came is no JSON") from error
        raise
    return message, fds


def _exactly(conn: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = conn.recv(min(size - len(parts), 2**20))
        if not part:
            raise ProtocolError("the connection was closed")
        parts += part
    return bytes(parts)


def close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)


def peer(conn: socket.socket) -> tuple[int, int] | None:
    """Process id and user id of whoever is on the other side, where the system tells (Linux)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _gid = struct.unpack("3i", raw)
    return pid, uid
