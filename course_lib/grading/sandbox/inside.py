"""What a process does between walking into the room and becoming a kernel: furnish, give up rights, accept limits."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import resource
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.grading.sandbox import filter, namespaces
from course_lib.grading.sandbox.bubblewrap import SOCKETS
from course_lib.grading.sandbox.policy import HOME, WORK, SandboxFailed, SandboxPolicy

ORDINARY_UID = 1000
_SANDBOX = "/sandbox"
_DESCRIPTORS = 512
_KERNELS_OWN = 96 * 2**20  # the stacks of a dozen threads
_KINDS = ("ipc", "uts", "net", "pid", "mnt")
_OCTAL = re.compile(r"\\(\d{3})")  # as the kernel writes spaces and the like in paths


@dataclass(frozen=True)
class Identity:
    """Who the kernel is: ``uid`` inside; ``outside`` the same user as the rest of the machine sees it."""

    uid: int
    outside: int
    root: bool

    @classmethod
    def choose(cls, number: int) -> Identity:
        """For root, a user that nobody else is, made of ``number``, unique among what runs; else this user."""
        if os.geteuid() != 0:
            return cls.of(ORDINARY_UID)
        first, _, count = _mapped_users()
        # The upper half of the users there are: real ones are at the lower end.
        return cls.of(first + count // 2 + number % max(1, count // 2 - 1))

    @classmethod
    def of(cls, uid: int) -> Identity:
        """Who has this number inside."""
        return cls(uid, uid, True) if os.geteuid() == 0 else cls(uid, os.getuid(), False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The namespaces to join: the user's first, which gives the right to join the others."""
        return _KINDS if self.root else ("user", *_KINDS)


def _mapped_users() -> tuple[int, int, int]:
    """The largest range of users here (first, first outside, count): containers often have 65,536."""
    rows = Path("/proc/self/uid_map").read_text(encoding="utf-8").splitlines()
    first, outside, count = max((tuple(map(int, row.split())) for row in rows), key=lambda row: row[2])
    return first, outside, min(count, 2**31 - 1)


def unreadable(paths: Sequence[Path]) -> Path | None:
    """The first path that a user who is nobody in particular may not read, if any."""
    for path in paths:
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
        if path.stat().st_mode & wanted != wanted:
            return path
    return None


def furnish(policy: SandboxPolicy, identity: Identity) -> None:
    """One small file system in memory for everything that may be written: home, working folder, /tmp, /dev/shm."""
    os.umask(0o022)
    flags = namespaces.MS_NOSUID | namespaces.MS_NODEV
    size = f"size={policy.disk_bytes},nr_inodes={policy.files + 32},mode=0755"
    namespaces.mount("scratch", _SANDBOX, "tmpfs", flags, size)
    owner = identity.uid if identity.root else 0
    for folder, mode in ((HOME, 0o700), (WORK, 0o700), (f"{_SANDBOX}/tmp", 0o1777), (f"{_SANDBOX}/shm", 0o1777)):
        os.mkdir(folder)
        os.chmod(folder, mode)
        os.chown(folder, owner, owner)
    _over("/dev/shm", f"{_SANDBOX}/shm")
    _over("/tmp", f"{_SANDBOX}/tmp")


def _over(place: str, folder: str) -> None:
    """Show ``folder`` at ``place``, and again what was mounted below ``place`` (a virtual environment in /tmp)."""
    below = [m for m in _mounted() if m.startswith(place + "/")]
    outer = [m for m in below if not any(m.startswith(other + "/") for other in below if other != m)]
    aside = []
    for number, mounted in enumerate(outer):
        keep = f"{_SANDBOX}/.kept-{number}"
        (os.mkdir if os.path.isdir(mounted) else _touch)(keep)
        namespaces.mount(mounted, keep, None, namespaces.MS_BIND | namespaces.MS_REC)
        aside.append(keep)
    namespaces.mount(folder, place, None, namespaces.MS_BIND)
    for keep, mounted in zip(aside, outer, strict=True):
        target = Path(mounted)
        if os.path.isdir(keep):
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _touch(mounted)
        namespaces.mount(keep, mounted, None, namespaces.MS_MOVE)
        (os.rmdir if os.path.isdir(keep) else os.unlink)(keep)


def _mounted() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [_OCTAL.sub(lambda m: chr(int(m[1], 8)), line.split()[4]) for line in lines]


def _touch(path: str) -> None:
    Path(path).touch()


def protect_sockets() -> None:
    """Make the folder for the connection unwritable. The kernel listens already; what is there stays as it is."""
    flags = namespaces.MS_REMOUNT | namespaces.MS_BIND | namespaces.MS_RDONLY
    namespaces.mount(None, SOCKETS, None, flags | namespaces.MS_NOSUID | namespaces.MS_NODEV)


def give_up_rights(identity: Identity) -> None:
    """Become an ordinary user who can never be anything else."""
    if len(os.listdir("/proc/self/task")) != 1:
        raise SandboxFailed("A library has started a thread, which would keep its rights.")
    with contextlib.suppress(OSError):
        # Should the machine run out of memory, a submission goes first.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    if identity.root:
        namespaces.drop_bounding_set()
        namespaces.become_user(identity.uid)
    else:
        namespaces.become_user_in_new_namespace(identity.uid)
        namespaces.drop_bounding_set()
    namespaces.drop_capabilities()
    namespaces.forbid_new_privileges()
    namespaces.allow_own_inspection()


def accept_limits(policy: SandboxPolicy, users_processes: int) -> None:
    """Limits of the process and all that it starts; ``users_processes`` count against the same number (old kernels)."""
    size, _, _, _, _, data, _ = (int(n) * resource.getpagesize() for n in Path("/proc/self/statm").read_text().split())
    limits = {
        # Writable memory, beside what the libraries have taken already and ipykernel's threads will take.
        resource.RLIMIT_DATA: data + _KERNELS_OWN + policy.memory_bytes,
        # Address space is often reserved and never used (64 MiB for each thread that allocates); this holds memory
        # that processes share.
        resource.RLIMIT_AS: size + 2**30 + 4 * policy.memory_bytes,
        resource.RLIMIT_NPROC: policy.processes + users_processes,
        resource.RLIMIT_FSIZE: policy.file_bytes,
        resource.RLIMIT_CPU: max(1, int(policy.cpu_seconds)),
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 2**16,
    }
    for which, value in limits.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    if policy.cpus and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, policy.cpus)


def filter_calls() -> None:
    try:
        filter.install()
    except filter.UnknownMachine as error:
        raise SandboxFailed(f"There is no filter of system calls for this kind of processor ({error}).") from error


def processes_that_count(uid: int) -> int:
    """How many processes of this user outside count against the kernel's limit: none since Linux 5.14."""
    release = tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in platform.release().split(".")[:2])
    if release >= (5, 14):
        return 0
    count = 0
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                count += len(os.listdir(f"/proc/{entry.name}/task"))
    return count


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of the working folder: exactly one of ``content`` and ``link`` is set for the others."""

    path: str
    executable: bool = False
    content: bytes | None = None
    link: str | None = None


def pack(folder: Path | None, limit: int) -> list[Entry]:
    """The working folder's content, links as links, with at most ``limit`` bytes in its files.

    Raises:
        SandboxFailed: when it is larger.
    """
    entries: list[Entry] = []
    total = 0
    for path in sorted(folder.rglob("*")) if folder else ():
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            entries.append(Entry(name, link=os.readlink(path)))
        elif path.is_dir():
            entries.append(Entry(name))
        elif path.is_file():
            total += path.stat().st_size
            if total > limit:
                raise SandboxFailed(f"The working folder {folder} is larger than the sandbox's disk, {limit} bytes.")
            entries.append(Entry(name, os.access(path, os.X_OK), content=path.read_bytes()))
    return entries


def unpack(entries: list[Entry]) -> None:
    """Into the working folder, as the kernel's own user."""
    for entry in entries:
        place = Path(WORK, entry.path)
        if entry.link is not None:
            place.symlink_to(entry.link)
        elif entry.content is None:
            place.mkdir()
        else:
            place.write_bytes(entry.content)
            place.chmod(0o755 if entry.executable else 0o644)
