"""Standard streams for a kernel, as ``subprocess.Popen`` understands them, but as descriptors to pass on."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import IO, Any


@dataclass
class Streams:
    """Three descriptors to send, and this side's ends of pipes."""

    fds: list[int] = field(default_factory=list)
    ours: list[IO | None] = field(default_factory=list)
    _opened: list[int] = field(default_factory=list)

    @classmethod
    def open(cls, stdin: Any = None, stdout: Any = None, stderr: Any = None) -> Streams:
        """A kernel's input is empty unless given; its output goes where this process's own goes."""
        streams = cls()
        streams._add(subprocess.DEVNULL if stdin is None else stdin, 0)
        streams._add(stdout, 1)
        streams._add(stderr, 2)
        return streams

    def _add(self, wanted: Any, number: int) -> None:
        ours: IO | None = None
        if wanted is None:
            wanted = number if _is_open(number) else subprocess.DEVNULL
        if wanted == subprocess.DEVNULL:
            fd = self._keep(os.open(os.devnull, os.O_RDWR))
        elif wanted == subprocess.STDOUT:
            fd = self.fds[1]
        elif wanted == subprocess.PIPE:
            read, write = os.pipe()
            fd, here, mode = (read, write, "wb") if number == 0 else (write, read, "rb")
            self._keep(fd)
            ours = os.fdopen(here, mode)
        else:
            fd = wanted if isinstance(wanted, int) else wanted.fileno()
        self.fds.append(fd)
        self.ours.append(ours)

    def _keep(self, fd: int) -> int:
        self._opened.append(fd)
        return fd

    def close(self) -> None:
        """Close what was opened here for the kernel; it has its own copies."""
        for fd in self._opened:
            os.close(fd)
        self._opened.clear()

    def abandon(self) -> None:
        """No kernel came of it: close this side's ends too."""
        self.close()
        for stream in self.ours:
            if stream is not None:
                stream.close()


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
