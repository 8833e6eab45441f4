"""Somebody else's code, run in a copy of its folder: with a clean environment, a time limit, and an end.

This keeps accidents apart from the student's own files and processes. It is no wall against code that means harm.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib import paths
from course_lib.errors import UsageError
from course_lib.taxi.maturity.scan import SKIPPED

LARGEST = 200_000_000  # bytes that are copied
# What a program needs of its surroundings to start at all; nothing else is handed on.
_KEPT = (
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
    *("LANG", "LC_ALL", "LC_CTYPE", "TZ", "DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE"),
)


@dataclass(frozen=True)
class Ran:
    """How a program ended; ``code`` is None when it was stopped because its time was up."""

    code: int | None
    output: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.code == 0

    def how(self) -> str:
        """In words, with the last line that it printed."""
        last = next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")
        if self.code is None:
            return f"it was stopped after {self.seconds:.0f} seconds"
        return f"it ended with code {self.code}" + (f": {last[:300]}" if last else "")


class Workspace:
    """A copy of a student's folder, without what its runs wrote."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home

    def run(self, command: Sequence[str], *, limit: float, seed: str = "0") -> Ran:
        """Run a command in the copy. It and all that it started are gone when this returns."""
        started = time.monotonic()
        with tempfile.TemporaryFile(dir=self.home) as said:
            try:
                process = subprocess.Popen(
                    list(command),
                    cwd=self.root,
                    env=self._environment(seed),
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=os.name == "posix",
                )
            except (OSError, ValueError) as error:
                return Ran(127, f"{command[0]} can't be started: {error}", 0.0)
            code: int | None = None
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _end(process)
            said.seek(0)
            output = said.read()[-100_000:].decode("utf-8", errors="replace")
        return Ran(code, output, time.monotonic() - started)

    def copy(self, name: str) -> Workspace:
        """A copy of the copy, as it is now."""
        target = self.home / name
        shutil.copytree(self.root, target, symlinks=True)
        return Workspace(target, self.home)

    def _environment(self, seed: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = self.home / "home"
        own.mkdir(exist_ok=True)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        source = [str(self.root), *([str(self.root / "src")] if (self.root / "src").is_dir() else [])]
        return kept | {
            "PATH": path,
            "PYTHONPATH": os.pathsep.join(source),
            "PYTHONHASHSEED": seed,
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUTF8": "1",
            "HOME": str(own),
            "USERPROFILE": str(own),
            "TMPDIR": str(own),
            "TEMP": str(own),
            "TMP": str(own),
            "COURSE_ROOT": str(self.root),  # the library's own state, too, belongs into the copy
            "COURSE_DATA_DIR": str(paths.data_dir()),
            "COURSE_USER": "capstone",
            "TAXI_DATA": "simulated",
            "MPLBACKEND": "Agg",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }


@contextlib.contextmanager
def copied(folder: Path, state: str) -> Iterator[Workspace]:
    """A workspace with all of ``folder`` but its ``state`` and environments. Raises UsageError for one too large."""
    with tempfile.TemporaryDirectory(prefix="capstone-", ignore_cleanup_errors=True) as place:
        home = Path(place).resolve()
        left_out = (folder / state).resolve() if state else None
        size = 0

        def ignore(where: str, names: list[str]) -> set[str]:
            nonlocal size
            skipped = {name for name in names if _is_left_out(Path(where) / name, left_out)}
            files = (Path(where) / name for name in names if name not in skipped)
            size += sum(file.lstat().st_size for file in files if file.is_file())
            if size > LARGEST:
                raise UsageError(f"{folder} holds more than {LARGEST // 1_000_000} MB: is this the capstone's folder?")
            return skipped

        shutil.copytree(folder, home / "project", ignore=ignore, symlinks=True)
        yield Workspace(home / "project", home)


def _is_left_out(path: Path, state: Path | None) -> bool:
    if path.name == ".git":
        return False  # runs record the commit
    return path.name in SKIPPED or path.resolve() == state or (path / "pyvenv.cfg").exists()


def _end(process: subprocess.Popen) -> None:
    """End a process, and all that it has started."""
    import psutil

    family = []
    if process.poll() is None:
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(process.pid).children(recursive=True)
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    for one in family:
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
