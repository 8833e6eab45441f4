"""What a sandboxed kernel may use, and the error for where there can be no sandbox."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.errors import CourseError, UsageError

POLICY_VARIABLE = "COURSE_SANDBOX_POLICY"
HOME, WORK = "/sandbox/home", "/sandbox/work"  # as the kernel sees them
_MIB = 2**20
_LEAST_MEMORY = 64 * _MIB
_BASE_ENV = {
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "LOGNAME": "student",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": "UTC",
    "USER": "student",
    # The order of a set must be the same in every submission's kernel.
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_THREAD_VARIABLES = (
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


class SandboxUnavailable(CourseError):
    """There can be no sandbox here. The message says why and what to type."""


class SandboxFailed(CourseError):
    """A sandbox is possible here, but this kernel did not start in it. Trying again may help."""


@dataclass(frozen=True)
class SandboxPolicy:
    """Limits of one kernel and everything it starts.

    Args:
        memory_bytes: on top of what the libraries occupy: a process that asks for more gets a MemoryError; all
            processes together that use more are ended.
        processes: processes and threads at one time.
        disk_bytes: everything written, home, /tmp and shared memory together. It is kept in memory, never on disk.
        files: files, folders and links at one time.
        file_bytes: the largest single file.
        output_bytes: what may be printed and shown in total; ``output.MeteredClient`` ends a kernel that sends
            more.
        cpu_seconds: processor time of any one process.
        wall_seconds: from start to end, whatever it does.
        threads: of numerical libraries. One gives the same sums on every machine.
        cpus: numbers of the processors to run on; None: all. A kernel can't leave them.
        workdir: a folder of which the kernel finds a copy as its working folder. None: an empty one.
        readable: files and folders that it can read, at their own paths, besides Python, its packages and the
            system's programs.
        env: variables besides the standard ones. Nothing of this process's environment is passed on.
    """

    memory_bytes: int = 2048 * _MIB
    processes: int = 128
    disk_bytes: int = 512 * _MIB
    files: int = 20_000
    file_bytes: int = 256 * _MIB
    output_bytes: int = 16 * _MIB
    cpu_seconds: int = 900
    wall_seconds: float = 900.0
    threads: int = 1
    cpus: tuple[int, ...] | None = None
    workdir: Path | None = None
    readable: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # a frozen class gives its fields their final types once
        set_(self, "readable", tuple(Path(os.path.abspath(p)) for p in self.readable))
        set_(self, "workdir", None if self.workdir is None else Path(os.path.abspath(self.workdir)))
        set_(self, "cpus", None if self.cpus is None else tuple(int(c) for c in self.cpus))
        set_(self, "env", {str(k): str(v) for k, v in self.env.items()})
        for name in ("processes", "disk_bytes", "files", "file_bytes", "output_bytes", "threads"):
            if int(getattr(self, name)) < 1:
                raise UsageError(f"A sandbox needs {name} of at least 1, not {getattr(self, name)}.")
        for name in ("cpu_seconds", "wall_seconds"):
            if not getattr(self, name) > 0:
                raise UsageError(f"A sandbox needs {name} above 0, not {getattr(self, name)}.")
        if self.memory_bytes < _LEAST_MEMORY:
            raise UsageError(f"A kernel can't run in {self.memory_bytes} bytes: give it {_LEAST_MEMORY} or more.")
        for path in (*self.readable, *([self.workdir] if self.workdir else [])):
            if not path.exists():
                raise UsageError(f"{path} should be visible in the sandbox, but it does not exist.")
        if self.workdir is not None and not self.workdir.is_dir():
            raise UsageError(f"The working folder {self.workdir} is not a folder.")

    def environment(self) -> dict[str, str]:
        """The kernel's whole environment."""
        threads = dict.fromkeys(_THREAD_VARIABLES, str(self.threads))
        return {**_BASE_ENV, **threads, **self.env}

    def as_dict(self) -> dict:
        """Values that JSON can hold; ``SandboxPolicy(**values)`` makes the same policy."""
        values = dataclasses.asdict(self)
        values["readable"] = [str(p) for p in self.readable]
        values["workdir"] = None if self.workdir is None else str(self.workdir)
        return values

    def to_json(self) -> str:
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> SandboxPolicy:
        """The policy that ``to_json`` wrote, or a part of it: what isn't named has its standard value.

        Raises:
            UsageError: for what is no JSON object, an unknown name, or a value that makes no sense.
        """
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UsageError(f"A sandbox policy is a JSON object, not {text[:80]!r}.")
        if unknown := values.keys() - {f.name for f in dataclasses.fields(cls)}:
            raise UsageError(f"A sandbox policy has no {', '.join(sorted(unknown))}.")
        try:
            return cls(**values)
        except (TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"A sandbox policy can't be made of {text[:200]!r}: {error}.") from error

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> SandboxPolicy:
        """The policy in COURSE_SANDBOX_POLICY, else the standard one."""
        text = env.get(POLICY_VARIABLE)
        return cls.from_json(text) if text else cls()
