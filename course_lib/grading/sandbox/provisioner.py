"""The provisioner named ``sandboxed``: every kernel in a room of its own, or none at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo, write_connection_file

from course_lib.grading.kernels.identity import MODULES_VARIABLE, UnsafeDirectory, runtime_directory
from course_lib.grading.kernels.process import WarmProcess
from course_lib.grading.kernels.provisioner import WarmProvisioner, in_thread
from course_lib.grading.kernels.ready import see_at_once
from course_lib.grading.sandbox import bubblewrap
from course_lib.grading.sandbox.client import start_sandboxed
from course_lib.grading.sandbox.output import Meter, metered
from course_lib.grading.sandbox.policy import POLICY_VARIABLE, SandboxPolicy, SandboxUnavailable

_FILE, _NAME = "kernel.json", "k"


class SandboxedProvisioner(WarmProvisioner):
    """Kernels in a sandbox. There is no other way: where a sandbox can't be made, no kernel starts.

    The policy comes from ``start_kernel(sandbox=SandboxPolicy(…))``, else from the variable COURSE_SANDBOX_POLICY
    (JSON) in ``start_kernel(env=…)`` or in this process's environment, else it is the standard one. Other
    variables, the working folder and the standard streams of ``start_kernel`` are not for the kernel: what it
    gets is in the policy.

    ``ending`` tells how the kernel ended.
    """

    policy: SandboxPolicy = SandboxPolicy()
    _folder: Path | None = None
    _meter: Meter | None = None

    @property
    def ending(self) -> dict[str, Any] | None:
        """Once the kernel has ended: exit (code), reason (the name of the limit it broke, or None), said (the end of
        what its process printed past Jupyter), memory_bytes (most at one look), cpu_seconds, wall_seconds."""
        return self._report or None

    _report: dict[str, Any] = {}  # noqa: RUF012 - replaced as a whole, never changed

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        env = kwargs.get("env") or os.environ
        self.policy = kwargs.pop("sandbox", None) or SandboxPolicy.from_environment(env)
        self._modules = env.get(MODULES_VARIABLE)
        bubblewrap.find()
        self._use_own_folder()
        if self._meter is None:
            see_at_once(self.parent)
            self._meter = Meter(self.policy.output_bytes, self.stop_for)
            metered(self.parent, self._meter)
        self._meter.restart(self.policy.output_bytes)
        return await super().pre_launch(**kwargs)

    def _use_own_folder(self) -> None:
        """A folder for the connection, which both sides see, under different names."""
        manager = self.parent
        if self._folder is None:
            try:
                self._folder = Path(tempfile.mkdtemp(prefix="s-", dir=runtime_directory()))
            except UnsafeDirectory as error:
                raise SandboxUnavailable(str(error)) from error
        manager.cleanup_connection_file()
        manager.transport = "ipc"
        manager.connection_file = str(self._folder / "outside.json")
        manager.ip = str(self._folder / _NAME)
        for number, name in enumerate(("shell", "iopub", "stdin", "hb", "control"), 1):
            setattr(manager, f"{name}_port", number)

    def _write_inside(self) -> None:
        """The same connection as the kernel sees it."""
        assert self._folder is not None
        info = self.connection_info
        ports = {name: info[name] for name in info if name.endswith("_port")}
        write_connection_file(
            str(self._folder / _FILE), ip=f"{bubblewrap.SOCKETS}/{_NAME}", key=info["key"], transport="ipc", **ports
        )

    async def launch_kernel(self, cmd: list[str], **_kwargs: Any) -> KernelConnectionInfo:
        assert self._folder is not None
        self._write_inside()
        outside = os.path.realpath(self.parent.connection_file)
        argv = [f"{bubblewrap.SOCKETS}/{_FILE}" if part == outside else part for part in cmd]
        try:
            self.process = await in_thread(start_sandboxed, argv, self.policy, self._folder, self._modules)
        except BaseException:
            self._remove_folder()
            raise
        self._report = {}
        self.process.when_ended = self._ended
        self.pid = self.pgid = self.process.pid
        self.cwd = None
        return self.connection_info

    def _ended(self, report: dict[str, Any]) -> None:
        self._report = {name: value for name, value in report.items() if name != "pid"}

    def stop_for(self, reason: str) -> None:
        """End the kernel for breaking the limit named ``reason``."""
        if isinstance(self.process, WarmProcess):
            self.process.stop(reason)

    async def poll(self) -> int | None:
        if self._meter is not None and not self.parent.shutting_down:
            self._meter.look()
        return await super().poll()

    def resolve_path(self, path_str: str) -> str | None:  # noqa: ARG002
        """The kernel's files are not to be seen from outside."""
        return None

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if not restart:
            self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(self._folder)
            self._folder = None


__all__ = ["POLICY_VARIABLE", "SandboxedProvisioner"]
