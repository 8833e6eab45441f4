"""A kernel to talk to, for tests."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from jupyter_client.manager import KernelManager

from tests.grading.conftest import provisioner


@dataclass
class Ran:
    """What a cell gave: text printed, the last value's text, and the error's name and message."""

    text: str = ""
    value: str | None = None
    error: str | None = None
    message: str = ""
    outputs: list = field(default_factory=list)


class Kernel:
    """A kernel with a blocking client."""

    def __init__(self, manager: KernelManager, client) -> None:
        self.manager, self.client = manager, client
        self.provisioner = manager.provisioner
        self.process = manager.provisioner.process

    def run(self, code: str, timeout: float = 60) -> Ran:
        """Run a cell to its end and collect what it gave."""
        ran = Ran()

        def collect(message: dict) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                ran.text += content["text"]
            elif kind == "execute_result":
                ran.value = content["data"]["text/plain"]
            elif kind == "error":
                ran.error, ran.message = content["ename"], content["evalue"]
            ran.outputs.append(content)

        self.client.execute_interactive(code, output_hook=collect, timeout=timeout, allow_stdin=False)
        return ran

    def value(self, code: str, timeout: float = 60):
        """The value of an expression."""
        ran = self.run(code, timeout)
        assert ran.error is None, f"{ran.error}: {ran.message}"
        return eval(ran.value) if ran.value is not None else None

    def send(self, code: str) -> None:
        """Start a cell and don't wait for it."""
        self.client.execute(code)

    def wait_for_end(self, seconds: float = 20) -> int | None:
        """The exit code, once the process has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (code := self.process.poll()) is not None:
                return code
            time.sleep(0.02)
        return None


@contextmanager
def kernel(name: str = "warm", **options):
    """A kernel started by the provisioner ``name``; shut down afterwards."""
    # ipykernel doesn't capture what child processes print when it believes to be part of a test.
    env = {k: v for k, v in (options.pop("env", None) or os.environ).items() if k != "PYTEST_CURRENT_TEST"}
    options["env"] = env
    with provisioner(name):
        manager = KernelManager()
        try:
            manager.start_kernel(**options)
            client = manager.client()
            client.start_channels()
            try:
                client.wait_for_ready(timeout=60)
                yield Kernel(manager, client)
            finally:
                client.stop_channels()
        finally:
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


def sandboxed(**policy):
    """A kernel in a sandbox, with small limits unless ``policy`` says otherwise."""
    from course_lib.grading.sandbox.policy import SandboxPolicy

    small = {
        "memory_bytes": 256 * 2**20,
        "processes": 40,
        "disk_bytes": 16 * 2**20,
        "files": 200,
        "file_bytes": 8 * 2**20,
        "output_bytes": 2**20,
        "cpu_seconds": 60,
        "wall_seconds": 60,
    }
    return kernel("sandboxed", sandbox=SandboxPolicy(**{**small, **policy}))
