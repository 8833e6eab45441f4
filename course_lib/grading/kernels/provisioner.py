"""What Jupyter asks for kernels: the provisioner named ``warm``.

``JUPYTER_DEFAULT_PROVISIONER_NAME=warm`` makes everything in a process that starts Jupyter kernels (papermill,
nbclient, nbval, nbgrader, JupyterLab) start them here. Where a kernel can't be forked, it is started the ordinary
way, by the class this one derives from.
"""

from __future__ import annotations

import asyncio
import os
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from course_lib.grading.kernels.client import NotWarm, Order, TemplateFailed, fork_is_safe, start_kernel
from course_lib.grading.kernels.identity import UnsafeDirectory, runtime_directory
from course_lib.grading.kernels.process import WarmProcess
from course_lib.grading.kernels.ready import see_at_once
from course_lib.grading.kernels.streams import Streams

_LONGEST_SOCKET_PATH = 100  # the system's limit is 104 on macOS and 108 on Linux, "-ipc-5" included
_warned = False


class WarmProvisioner(LocalProvisioner):
    """Kernels forked from a process that has imported the libraries already."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        if fork_is_safe() and self.parent is not None:
            _prefer_ipc(self.parent)
            see_at_once(self.parent)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        try:
            process = await in_thread(self._fork, cmd, kwargs)
        except NotWarm as reason:
            self.log.debug("An ordinary kernel: %s", reason)
            if isinstance(reason, TemplateFailed):
                _warn_once(f"Kernels start the slow, ordinary way: {reason}.")
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process
        self.pid = self.pgid = process.pid
        self.cwd = kwargs.get("cwd") or os.getcwd()
        return self.connection_info

    def _fork(self, cmd: list[str], kwargs: dict[str, Any]) -> WarmProcess:
        options = self._scrub_kwargs(kwargs)
        env = dict(options.pop("env", None) or os.environ)
        cwd = os.fspath(options.pop("cwd", None) or os.getcwd())
        independent = options.pop("independent", False)
        wanted = {name: options.pop(name, None) for name in ("stdin", "stdout", "stderr")}
        if options:
            raise NotWarm(f"started with {', '.join(options)}")
        if not independent:
            env["JPY_PARENT_PID"] = str(os.getpid())  # as in an ordinary kernel; only notebooks read it
        streams = Streams.open(**wanted)
        try:
            argv = [os.path.expanduser(part) for part in cmd]
            process = start_kernel(Order(argv, env, os.path.abspath(cwd), streams.fds, not independent))
        except BaseException:
            streams.abandon()
            raise
        streams.close()
        process.stdin, process.stdout, process.stderr = streams.ours
        return process

    async def send_signal(self, signum: int) -> None:
        if isinstance(self.process, WarmProcess):
            self.process.send_signal(signum)  # the keeper signals the whole group
            return
        await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        if isinstance(self.process, WarmProcess) and not restart:
            self.process.close()
        await super().cleanup(restart)


def _prefer_ipc(manager: Any) -> None:
    """Unix sockets instead of ports, so that kernels started at the same time can't be given the same port.

    Left alone when the configuration says what to use, when the kernel already has its ports, or when the path
    would be too long for a socket.
    """
    chosen = any("transport" in manager.config.get(name, {}) for name in ("KernelManager", "ConnectionFileMixin"))
    if manager.transport != "tcp" or chosen or any(manager.ports):
        return
    file = manager.connection_file
    if not file:
        try:
            file = str(runtime_directory() / f"kernel-{uuid.uuid4()}.json")
        except UnsafeDirectory:
            return
    base = os.path.realpath(file).removesuffix(".json") + "-ipc"
    if len(base) > _LONGEST_SOCKET_PATH or not Path(base).parent.is_dir():
        return
    manager.connection_file = file
    manager.transport = "ipc"
    manager.ip = base


async def in_thread(function: Any, *args: Any) -> Any:
    """Off the event loop, in a thread that is gone afterwards: a template takes seconds to start."""
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *args)


def _warn_once(message: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=3)
