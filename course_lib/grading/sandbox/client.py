"""Ask the warm template for a kernel in a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from course_lib.grading.kernels import client as warm
from course_lib.grading.kernels.identity import MODULES_VARIABLE, UnsafeDirectory, runtime_directory, template_for
from course_lib.grading.kernels.process import WarmProcess
from course_lib.grading.sandbox import bubblewrap
from course_lib.grading.sandbox.policy import SandboxFailed, SandboxPolicy, SandboxUnavailable


def start_sandboxed(argv: Sequence[str], policy: SandboxPolicy, sockets: Path, modules: str | None) -> WarmProcess:
    """Start a kernel in a sandbox of its own. Returns once it listens.

    Args:
        argv: the kernel's command, with paths as the kernel sees them.
        sockets: the folder that it finds as /run/kernel.
        modules: names of the libraries that its template has imported, separated by commas; None: the usual ones.

    Raises:
        SandboxUnavailable: there can be none here, and why, and what to type.
        SandboxFailed: this one did not start.
    """
    bubblewrap.find()
    if not warm.fork_is_safe():
        raise SandboxUnavailable("Sandboxed kernels are forked, which this system doesn't do. Grade on Linux.")
    try:
        command, arguments = warm.python_command(argv)
        template = template_for(command, _template_environment(policy, modules))
        request = {
            "argv": [*command, "-m", "ipykernel_launcher", *arguments],
            "arguments": arguments,
            "sandbox": {"policy": policy.as_dict(), "sockets": str(sockets)},
        }
        process = warm.ask(template, request, [])
    except UnsafeDirectory as error:
        raise SandboxUnavailable(str(error)) from error
    except warm.TemplateFailed as error:
        raise SandboxFailed(f"No sandboxed kernel: {error}.") from error
    except warm.NotWarm as error:
        raise SandboxUnavailable(f"Only kernels of this Python can be shut in a sandbox: {error}.") from error
    report = process.report
    if "error" in report:
        raise (SandboxUnavailable if report["kind"] == "SandboxUnavailable" else SandboxFailed)(report["error"])
    if process.returncode is not None:
        said = report.get("said", "").strip().splitlines()
        raise SandboxFailed(f"The kernel ended before its first cell: {said[-1] if said else process.returncode}.")
    return process


def _template_environment(policy: SandboxPolicy, modules: str | None) -> dict[str, str]:
    """What the template is started with: the kernels' environment, but folders that exist outside."""
    folder = runtime_directory()
    env = {**policy.environment(), "HOME": str(folder), "MPLCONFIGDIR": str(folder / "matplotlib")}
    if modules is not None:
        env[MODULES_VARIABLE] = modules
    return env
