"""The kernel's process in the sandbox, from its first step to its first cell."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.grading.kernels import child
from course_lib.grading.sandbox import inside
from course_lib.grading.sandbox.policy import WORK, SandboxFailed, SandboxPolicy

if TYPE_CHECKING:
    from course_lib.grading.kernels.template import Preloaded


@dataclass(frozen=True)
class Resident:
    """All that a kernel knows when it goes in."""

    request: dict
    policy: SandboxPolicy
    identity: inside.Identity
    entries: list[inside.Entry]
    users_processes: int
    ready: int
    go: int
    said: int


def live(resident: Resident, preloaded: Preloaded) -> None:
    """Settle, give up every right, and be a kernel. What goes wrong before is said on standard error."""
    os.setsid()
    os.dup2(resident.said, 1)
    os.dup2(resident.said, 2)
    inside.furnish(resident.policy, resident.identity)
    inside.give_up_rights(resident.identity)
    inside.unpack(resident.entries)
    if hiding := child.hidden_by(Path(WORK), preloaded.names):
        raise SandboxFailed(f"{hiding} in the working folder hides a library.")
    launch = child.Launch(
        argv=resident.request["argv"],
        arguments=resident.request["arguments"],
        env=resident.policy.environment(),
        cwd=WORK,
        umask=0o022,
        cpus=None,
        streams=[os.open(os.devnull, os.O_RDWR), resident.said, resident.said],
        ready=resident.ready,
    )
    ready = child.settle_process(launch, also=resident.go)
    inside.accept_limits(resident.policy, resident.users_processes)
    inside.filter_calls()
    child.settle_interpreter(launch, preloaded)
    child.run_kernel(launch.arguments, lambda: _wait_to_go(ready, ready + 1))


def _wait_to_go(ready: int, go: int) -> None:
    """Say that the kernel listens, and wait until its keeper has locked the folder for the connection."""
    os.write(ready, b"ready")
    os.close(ready)
    if os.read(go, 2) != b"go":
        os._exit(1)
    os.close(go)
