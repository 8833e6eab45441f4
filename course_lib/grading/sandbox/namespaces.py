"""System calls that Python 3.11 has no functions for: namespaces, mounts, privileges. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from pathlib import Path

CLONE_NEWUSER = 0x10000000
_KINDS = {
    "user": CLONE_NEWUSER,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "net": 0x40000000,
    "cgroup": 0x02000000,
    "pid": 0x20000000,
    "mnt": 0x00020000,
}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_MOVE, MS_REC = 4096, 8192, 16384
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 24, 38
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 36, 47, 4
_CAPABILITY_VERSION = 0x20080522
_LAST_CAPABILITY = 63

_libc: ctypes.CDLL | None = None


def _call(name: str, *args: object) -> int:
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    result = getattr(_libc, name)(*args)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def enter(pid: int, kinds: tuple[str, ...]) -> None:
    """Join the namespaces of process ``pid``. Its process namespace is for this process's future children only."""
    join(handles(pid, kinds))


def handles(pid: int, kinds: tuple[str, ...]) -> dict[str, int]:
    """Open the namespaces of process ``pid``, all before the first is joined: afterwards, /proc may be another's."""
    return {kind: os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in kinds}


def join(opened: dict[str, int]) -> None:
    """Join these namespaces, in this order. Who does is short-lived, or closes what it has by number, so an error need
    not close them."""
    for kind, fd in opened.items():
        _call("setns", fd, _KINDS[kind])
        os.close(fd)


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    _call("mount", text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))


def become_subreaper() -> None:
    """Adopt grandchildren whose parent ends."""
    _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def name_process(name: str) -> None:
    """Give this process the name that lists of processes show, of at most 15 characters."""
    _call("prctl", _PR_SET_NAME, name.encode(), 0, 0, 0)


def stay_on(processor: int | None) -> None:
    """Run on this processor only, with all that this process starts from now on (None: on any)."""
    if processor is not None:
        with contextlib.suppress(OSError):  # it may not be ours any more
            os.sched_setaffinity(0, {processor})


def become_user_in_new_namespace(uid: int) -> None:
    """Leave the present user, 0 of this user namespace, for ``uid`` of a new one that owns nothing at all."""
    _call("unshare", CLONE_NEWUSER)
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
    Path("/proc/self/uid_map").write_text(f"{uid} 0 1", encoding="utf-8")
    Path("/proc/self/gid_map").write_text(f"{uid} 0 1", encoding="utf-8")


def become_user(uid: int) -> None:
    """Leave root for a user that nobody else is."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def forbid_new_privileges() -> None:
    """No program may have more rights than the one that runs it."""
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_bounding_set() -> None:
    """Not even root could win a capability again."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return  # this kernel has no more


def drop_capabilities() -> None:
    """Give up every capability of this process, for good."""
    with contextlib.suppress(OSError):  # kernels before 4.3 have no ambient ones
        _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _call("capset", ctypes.byref(header), ctypes.byref(none))


def allow_own_inspection() -> None:
    """After a change of user, let the process read its own /proc files again, as every process may."""
    _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)
