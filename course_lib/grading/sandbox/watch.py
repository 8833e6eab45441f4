"""Looking into a sandbox from outside: how much memory all its processes use together."""

from __future__ import annotations

import contextlib
import os
import resource

_PAGE = resource.getpagesize()


class Watch:
    """Counts what the processes of one sandbox use, through the sandbox's own /proc."""

    def __init__(self, init: int) -> None:
        # Held open: nothing that happens inside can put another folder in its place.
        self._proc = os.open(f"/proc/{init}/root/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._proc)

    def processes(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._proc) if name.isdigit()]
        except OSError:
            return []

    def memory(self, limit: int) -> int:
        """Bytes in use. Exact only above ``limit``: below, pages that processes share are counted several times."""
        pids = self.processes()
        quick = sum(self._resident(pid) for pid in pids)
        return quick if quick <= limit else sum(self._proportional(pid) for pid in pids)

    def _read(self, path: str) -> bytes:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
            try:
                return os.read(fd, 4096)
            finally:
                os.close(fd)
        return b""

    def _resident(self, pid: str) -> int:
        fields = self._read(f"{pid}/statm").split()
        return int(fields[1]) * _PAGE if len(fields) > 1 else 0

    def _proportional(self, pid: str) -> int:
        """Each shared page divided by the number of those who share it, the template among them."""
        for line in self._read(f"{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
        return self._resident(pid)


def own_memory() -> int:
    """Bytes that this process has in memory, shared ones included."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * _PAGE
