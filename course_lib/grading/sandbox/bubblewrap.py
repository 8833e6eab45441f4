"""The room: bubblewrap with everything that a kernel may see, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.grading.sandbox.policy import HOME, SandboxFailed, SandboxUnavailable

SOCKETS = "/run/kernel"  # where the kernel sees the folder for its connection
_SYSTEM = "/usr"
_OTHERS_WORK = ("/usr/local/share/nbgrader",)  # nbgrader's exchange lies there by default
_LINKED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")  # into /usr on most systems
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "fonts", "host.conf", "ld.so.cache",
    "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "os-release", "pki", "protocols",
    "services", "ssl", "timezone",
)  # fmt: skip
_INSTALL = (
    "Install bubblewrap: 'sudo apt-get install bubblewrap' (Debian, Ubuntu), 'sudo dnf install bubblewrap' "
    "(Fedora), 'sudo pacman -S bubblewrap' (Arch)."
)
_ALLOW = (
    "Allow user namespaces: on Ubuntu 24.04 and later 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0', "
    "elsewhere 'sudo sysctl kernel.unprivileged_userns_clone=1' or 'sudo sysctl user.max_user_namespaces=10000'; "
    "in a container, start the container with '--privileged', or grade outside it."
)
_PATIENCE = 30.0


@dataclass
class Room:
    """A running, empty sandbox. ``init`` is its first process as seen from outside: when it ends, all in it end;
    ``uid`` is the user that it is made for."""

    process: subprocess.Popen
    init: int
    uid: int

    def end(self) -> None:
        """Kill everything in it, without waiting until that has happened."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.init, signal.SIGKILL)

    def is_empty(self) -> bool:
        """Whether nothing in it runs any more. Where it is, everything that was kept for it is given back."""
        # bubblewrap waits for the first process, which ends only when all others have.
        if self.process.poll() is None:
            return False
        _close(self.process)
        return True

    def empty(self) -> None:
        """Kill everything in it, and wait until that has happened."""
        self.end()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _close(self.process)


def _close(process: subprocess.Popen) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def find() -> str:
    """Where the program is.

    Raises:
        SandboxUnavailable: on other systems than Linux, or where it isn't installed.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(
            "Submissions can be shut in a sandbox on Linux only. Grade on Linux (on Windows: in WSL 2)."
        )
    program = shutil.which("bwrap", path=os.environ.get("PATH", os.defpath) + ":/usr/bin:/usr/local/bin")
    if program is None:
        raise SandboxUnavailable(f"bubblewrap, which makes the sandbox, is not installed. {_INSTALL}")
    return program


def open_room(readable: Sequence[Path], sockets: Path | None, uid: int) -> Room:
    """Start a sandbox in which ``readable`` can be read at its own place, and ``sockets`` written at /run/kernel, and
    wait until it is furnished. Raises what `begin_room` and `Opening.furnished` do.
    """
    return begin_room(readable, sockets, lambda _: uid).furnished()


def begin_room(readable: Sequence[Path], sockets: Path | None, choose_uid: Callable[[int], int]) -> Opening:
    """Start a sandbox, without waiting for it. ``choose_uid`` gives its user, from a number unique among what runs.

    As root, bubblewrap needs no user namespace, and the kernel takes a user of its own later; as anybody else, it
    makes one, in which this user is 0 for as long as the room is furnished.

    Raises:
        SandboxUnavailable: where there is no bubblewrap.
    """
    cat = shutil.which("cat", path="/usr/bin:/bin") or "cat"
    info_read, info_write = os.pipe()
    files = {name: os.pipe() for name in _texts(0)}
    theirs = [info_write, *(read for read, _ in files.values())]
    try:
        command = [find(), *_namespaces(), "--info-fd", str(info_write)]
        command += _view(readable, sockets)
        for name, (read, _) in files.items():
            command += ["--ro-bind-data", str(read), name]
        # Last: nothing but what is mounted over it can be written. Then ``cat`` waits for us to go away.
        command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--", cat]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.defpath},
            cwd="/",
            pass_fds=theirs,
        )
        uid = choose_uid(process.pid)
        for name, text in _texts(uid).items():
            with contextlib.suppress(BrokenPipeError):  # it has ended already; `furnished` says why
                os.write(files[name][1], text.encode())
    except BaseException:
        os.close(info_read)
        raise
    finally:
        for fd in (*theirs, *(write for _, write in files.values())):
            os.close(fd)
    opening = Opening(process, info_read, uid)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"ready\n")
        process.stdin.flush()
    return opening


@dataclass(eq=False)
class Opening:
    """A sandbox that is being furnished. There is something to read from ``fileno`` when that has ended."""

    process: subprocess.Popen
    info: int
    uid: int

    def fileno(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def furnished(self) -> Room:
        """The room; waits until it is furnished: what ``cat`` is told comes back only then.

        Raises:
            SandboxUnavailable: when the system doesn't let bubblewrap do its work.
            SandboxFailed: when a file that should be visible isn't there.
        """
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        with os.fdopen(self.info, "rb") as info:
            if self.process.stdout.readline() != b"ready\n":
                self.process.kill()
                said = self.process.stderr.read().decode(errors="replace").strip()
                self.process.wait()
                _close(self.process)
                raise _failure(said)
            self.process.stdout.close()
            self.process.stderr.close()
            return Room(self.process, int(json.loads(info.read())["child-pid"]), self.uid)

    def give_up(self) -> None:
        """End it: once it is furnished, since what bubblewrap has started would otherwise wait for it forever."""
        with contextlib.suppress(SandboxFailed, SandboxUnavailable, OSError, ValueError):
            self.furnished().empty()


def _failure(said: str) -> Exception:
    if "Can't find source path" in said or "No such file" in said:
        return SandboxFailed(f"bubblewrap can't show a file in the sandbox: {said}.")
    return SandboxUnavailable(f"bubblewrap can't make a sandbox here; it says: {said or 'nothing'}. {_ALLOW}")


def _namespaces() -> list[str]:
    shared = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    shared += ["--hostname", "course", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    return shared if os.geteuid() == 0 else ["--unshare-user", "--uid", "0", "--gid", "0", *shared]


def _view(readable: Sequence[Path], sockets: Path | None) -> list[str]:
    view = ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp", "--dir", "/sandbox"]
    view += ["--dir", "/etc", "--dir", "/var/tmp"]
    view += ["--ro-bind", _SYSTEM, _SYSTEM]
    for folder in _OTHERS_WORK:
        if os.path.isdir(folder):
            view += ["--tmpfs", folder, "--remount-ro", folder]
    for folder in _LINKED:
        if os.path.islink(folder):
            view += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            view += ["--ro-bind", folder, folder]
    for name in _ETC:
        view += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    # libraries count processors there
    cpu = "/sys/devices/system/cpu"
    view += [*_above(Path(cpu)), "--ro-bind-try", cpu, cpu]
    for path in outermost([*python_folders(), *readable]):
        view += [*_above(path), "--ro-bind", str(path), str(path)]
    if sockets is not None:
        view += [*_above(Path(SOCKETS)), "--bind", str(sockets), SOCKETS]
    return view


def _above(path: Path) -> list[str]:
    """The folders that lead to ``path``: empty, and to be passed by everybody, whatever they are outside."""
    return [part for above in reversed(path.parents[:-1]) for part in ("--dir", str(above))]


def _texts(uid: int) -> dict[str, str]:
    """Files made for the sandbox."""
    return {
        "/etc/passwd": f"student:x:{uid}:{uid}:Student:{HOME}:/bin/sh\n",
        "/etc/group": f"student:x:{uid}:\n",
        "/etc/hosts": "127.0.0.1 localhost course\n::1 localhost\n",
    }


def python_folders() -> list[Path]:
    """Where this Python, its packages and the course's own package are."""
    import course_lib

    package = Path(course_lib.__file__).resolve().parent
    return [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent, package]


def outermost(paths: Sequence[Path]) -> list[Path]:
    """``paths`` without those inside another of them or inside what is shown anyway, each with its true place.

    A link on the way is followed, and both places are shown: programs know themselves by either.
    """
    wanted = {Path(os.path.abspath(p)) for p in paths} | {Path(p).resolve() for p in paths}
    kept: list[Path] = []
    for path in sorted(wanted, key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(other) for other in (Path(_SYSTEM), *kept)):
            kept.append(path)
    return kept
