"""A machine of its own for a hub: accounts, homes and `/srv`, in namespaces that leave nothing behind on this one.

It shares this machine's programs and its network, so that a test can be the students' browser.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.deploy.packages import ROOT

_TOOLS = ("unshare", "nsenter", "mount", "setpriv", "useradd", "groupadd", "chpasswd", "git")


class Machine:
    """Namespaces for files and processes. End it with `stop`: every process in it ends, too."""

    def __init__(self, folder: Path) -> None:
        _possible()
        self.home = folder / "home"
        for part in ("home", "srv", "stage"):
            (folder / part).mkdir(mode=0o755)
        shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
        # one rule on every distribution: the password of the account (a wrong one is usually answered late)
        (folder / "etc/pam.d/login").write_text("auth required pam_unix.so nodelay\naccount required pam_unix.so\n")
        lines = ["set -e", *_open_paths([Path(sys.base_prefix), Path(sys.prefix), ROOT], folder / "stage")]
        lines += [f"mount --bind {shlex.quote(str(folder / part))} /{part}" for part in ("etc", "home", "srv")]
        lines += ["echo ready", "exec sleep infinity"]
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=private"]
        self._holder = subprocess.Popen(
            [*command, "sh", "-c", "\n".join(lines)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if self._holder.stdout.readline().strip() != "ready":
            why = self._holder.stderr.read().strip()
            self.stop()
            pytest.skip(f"no machine of its own can be made here: {why[-200:]}")
        (inside,) = psutil.Process(self._holder.pid).children()
        self._enter = ["nsenter", "--target", str(inside.pid), "--mount", "--pid"]

    def command(self, *words: str, user: str = "root", env: Mapping[str, str] | None = None) -> list[str]:
        """The command that runs ``words`` on the machine as ``user``, with that user's home and no other settings."""
        home = "/root" if user == "root" else f"/home/{user}"
        own = {
            "HOME": home,
            "USER": user,
            "LOGNAME": user,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            **(env or {}),
        }
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
        return [*self._enter, "env", "-i", *(f"{k}={v}" for k, v in own.items()), *become, *words]

    def run(self, *words: str, user: str = "root", env: Mapping[str, str] | None = None, text: str | None = None):
        """Run a command on the machine to its end; gives what `subprocess.run` gives."""
        command = self.command(*words, user=user, env=env)
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, cwd="/")

    def sure(self, *words: str, **options) -> str:
        """What a command prints that has to succeed."""
        done = self.run(*words, **options)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def processes(self) -> list[str]:
        """The command lines of what runs on the machine, but for its first process and this look at it."""
        script = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline && echo; done 2>/dev/null"
        lines = [line.strip() for line in self.run("sh", "-c", script).stdout.splitlines()]
        return [
            line
            for line in lines
            if line and "infinity" not in line and "/proc/[0-9]" not in line and line[:3] != "tr "
        ]

    def stop(self) -> None:
        """End everything that runs on the machine."""
        self._holder.kill()
        self._holder.wait(10)
        for pipe in (self._holder.stdout, self._holder.stderr):
            pipe.close()


def _possible() -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("a hub with accounts of its own needs Linux and root")
    if missing := [tool for tool in _TOOLS if not shutil.which(tool)]:
        pytest.skip(f"not installed: {', '.join(missing)}")


def _open_paths(paths: list[Path], stage: Path) -> list[str]:
    """Commands that let every account read these folders, where a folder above them is closed (as root's home is)."""
    closed: dict[Path, list[Path]] = {}
    for path in paths:
        resolved = path.resolve()
        if _is_closed(resolved):
            pytest.skip(f"{resolved} is closed to other accounts")
        above = next((parent for parent in reversed(resolved.parents) if _is_closed(parent)), None)
        if above and not any(path.is_relative_to(other) for other in closed.get(above, [])):
            closed.setdefault(above, []).append(resolved)
    lines = []
    for number, (above, inside) in enumerate(closed.items()):
        kept = [(path, stage / f"{number}-{index}") for index, path in enumerate(inside)]
        lines += [f"mkdir {held}; mount --bind {path} {held}" for path, held in kept]
        lines += [f"mount -t tmpfs -o mode=755 none {above}"]
        lines += [f"mkdir -p {path}; mount --move {held} {path}" for path, held in kept]
    return lines


def _is_closed(path: Path) -> bool:
    return path.stat().st_mode & 0o005 != 0o005
