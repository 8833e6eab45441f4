"""Whether submissions can be shut in a sandbox here, found out by shutting something in one."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading.sandbox.bubblewrap import find, open_room
from course_lib.grading.sandbox.policy import SandboxFailed, SandboxPolicy, SandboxUnavailable

_PATIENCE = 60


@dataclass(frozen=True)
class Probe:
    """What ``course doctor`` says. ``problem`` is None, or why there can be no sandbox and what to type.

    ``checks`` names each wall that was leaned against, and whether it held.
    """

    problem: str | None
    bubblewrap: str | None = None
    checks: dict[str, bool] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.problem is None


def probe() -> Probe:
    """Try a sandbox, without a kernel: a fraction of a second. Never raises."""
    try:
        version = subprocess.run([find(), "--version"], capture_output=True, text=True, timeout=_PATIENCE).stdout
        answer = _forked() if threading.active_count() == 1 and len(os.listdir("/proc/self/task")) == 1 else _started()
    except SandboxUnavailable as error:
        return Probe(str(error))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Probe(f"The sandbox could not be tried: {error}.")
    checks = answer.get("checks", {})
    problem = answer.get("problem")
    if problem is None and not all(checks.values()):
        failed = ", ".join(name for name, held in checks.items() if not held)
        problem = f"The sandbox does not hold here ({failed}): don't grade with it, and please report this."
    return Probe(problem, version.strip() or None, checks)


def _forked() -> dict:
    """The trial in a copy of this process, which saves what a new Python takes. Only where no other thread runs."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told)
            os.write(tell, json.dumps(_rehearse()).encode())
        finally:
            os._exit(0)
    os.close(tell)
    answer = b""
    with os.fdopen(told, "rb") as pipe:
        if select.select([pipe], [], [], _PATIENCE)[0]:
            answer = pipe.read()
        else:
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(answer or b'{"problem": "The trial of the sandbox ended without a word."}')


def _started() -> dict:
    """The trial in a new Python."""
    done = subprocess.run(
        [sys.executable, "-m", "course_lib.grading.sandbox.probe"],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        cwd=Path(__file__).parent,
    )
    return json.loads(done.stdout) if done.stdout else {"problem": _last_line(done.stderr)}


def _last_line(text: str) -> str:
    return f"The trial of the sandbox ended with: {(text.strip().splitlines() or ['no word'])[-1]}"


def require() -> None:
    """Do nothing where a sandbox is possible.

    Raises:
        SandboxUnavailable: where it isn't.
    """
    if (found := probe()).problem:
        raise SandboxUnavailable(found.problem)


def _rehearse() -> dict:
    """Make a room, go in as a kernel would, and lean against the walls."""
    from course_lib.grading.sandbox import inside, namespaces
    from course_lib.grading.sandbox.keeper import send_in

    identity = inside.Identity.choose(os.getpid())
    room = None
    try:
        namespaces.become_subreaper()
        room = open_room([], None, identity.uid)
        answer, tell = os.pipe()
        doorman = send_in(room.init, identity)
        if doorman is None:
            os.close(answer)
            try:
                said = _lean(identity)
            except Exception as error:
                said = {"problem": f"A kernel can't settle in the sandbox: {error}."}
            os.write(tell, json.dumps(said).encode())
            os._exit(0)
        os.close(tell)
        doorman.dismiss()
        with os.fdopen(answer, "rb") as told:
            said = told.read()
        os.waitpid(doorman.kernel, 0)
        return json.loads(said or b'{"problem": "The trial process ended without a word."}')
    except (OSError, CourseError) as error:
        return {"problem": str(error)}
    finally:
        if room is not None:
            room.empty()


def _lean(identity: object) -> dict:
    from course_lib.grading.sandbox import inside

    policy = SandboxPolicy()
    inside.furnish(policy, identity)
    inside.give_up_rights(identity)
    inside.accept_limits(policy, 0)
    inside.filter_calls()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    return {
        "checks": {
            "no rights": "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status,
            "system calls filtered": "Seccomp:\t2" in status and _refused(lambda: os.memfd_create("x")),
            "no other processes": len(processes) <= 3,
            "no network": _refused(lambda: socket.create_connection(("192.0.2.1", 9), 1)),
            "system read-only": _refused(lambda: Path("/usr/x").touch()) and _refused(lambda: Path("/x").touch()),
            "writable where it should be": not _refused(lambda: Path("/tmp/x").touch()),
        }
    }


def _refused(act: Callable[[], object]) -> bool:
    with contextlib.suppress(OSError):
        act()
        return False
    return True


if __name__ == "__main__":
    print(json.dumps(_rehearse()))

__all__ = ["Probe", "SandboxFailed", "probe", "require"]
