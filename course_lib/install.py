"""``make setup``: the virtual environment, exactly as locked.

This is what runs before anything is installed, with whatever Python the reader has, so it uses the standard
library alone:  ``python3 -m course_lib.install``
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
STAMP = "course-setup.json"
LAB_SETTINGS = {
    # No news prompt over the first page a student sees, and no question to a server about updates.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    # Code fits a small screen: a long line goes on below instead of leaving it.
    "@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineWrap": True}},
}
# Kernels are started by many tools (papermill, nbval, nbgrader, JupyterLab): their specification is the one place
# that reaches all of them. mlflow reads the word true, not 1.
KERNEL_ENVIRONMENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


class SetupError(Exception):
    """Set-up can't go on; the message says why and what to type."""


def main(argv: list[str] | None = None) -> int:
    """Set the environment up and say what was done; 0 when it stands, 1 when it doesn't."""
    parser = argparse.ArgumentParser(prog="python3 -m course_lib.install", description=__doc__.splitlines()[0])
    parser.add_argument("--venv", type=Path, default=None, help="where to put it (default: .venv)")
    parser.add_argument("--force", action="store_true", help="install again even when nothing changed")
    parser.add_argument("--pip", action="store_true", help="use pip even where uv is found")
    options = parser.parse_args(argv)
    root = Path(__file__).resolve().parent.parent
    try:
        return set_up(root, options.venv or root / ".venv", force=options.force, use_pip=options.pip)
    except SetupError as error:
        print(f"Error: {error}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"Error: `{' '.join(map(str, error.cmd))}` failed (exit code {error.returncode}); "
              "its own message stands above. Mend that and run set-up again: it picks up where it stopped.",
              file=sys.stderr)  # fmt: skip
    return 1


def set_up(root: Path, folder: Path, *, force: bool = False, use_pip: bool = False) -> int:
    """Make ``folder`` a virtual environment with the locked packages, this package and the Jupyter settings."""
    started = time.perf_counter()
    check_python()
    python = venv_python(folder)
    wanted = fingerprint(root)
    if not force and python.exists() and read_stamp(folder) == wanted:
        say(f"Environment in {folder.name} is up to date ({time.perf_counter() - started:.1f} s).")
        return 0
    uv = None if use_pip else shutil.which("uv")
    say(f"Setting up {folder.name} with {'uv' if uv else 'pip'} (Python {sys.version.split()[0]}) …")
    # The stamp goes first and comes back last: whatever stops set-up in between, the next run does it again.
    (folder / STAMP).unlink(missing_ok=True)
    if not python.exists() or force:
        make_venv(folder, with_pip=uv is None)
    installer = pip_command(python, uv)
    lock = str(root / "requirements.lock")
    run([*installer, "--no-deps", "--require-hashes", "-r", lock], folder)
    # The build backend is in the lock, so nothing unpinned is fetched to install the package itself.
    run([*installer, "--no-deps", "--no-build-isolation", "-e", str(root)], folder)
    write_jupyter_settings(folder)
    (folder / STAMP).write_text(json.dumps(wanted, indent=1), encoding="utf-8")
    say(f"Environment in {folder.name} is ready ({time.perf_counter() - started:.0f} s).")
    return 0


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Refuse a Python that the lock was not made for, naming one on this machine that would do."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return
    fitting = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = next((name for name in fitting if shutil.which(name)), None)
    advice = f"Type: make setup PYTHON={found}" if found else "Install one (python.org has them), then try again."
    raise SetupError(
        f"this is Python {version[0]}.{version[1]}; the course runs on "
        f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}. {advice}"
    )


def fingerprint(root: Path) -> dict[str, str]:
    """What the environment depends on: the lock, the project file, this file and the Python that runs it."""
    sources = {"lock": "requirements.lock", "project": "pyproject.toml", "installer": "course_lib/install.py"}
    try:
        digests = {name: hashlib.sha256((root / path).read_bytes()).hexdigest() for name, path in sources.items()}
    except FileNotFoundError as error:
        raise SetupError(f"{Path(error.filename).name} is missing: is this a whole checkout?") from error
    return {**digests, "python": sys.version, "root": str(root)}


def read_stamp(folder: Path) -> dict[str, str] | None:
    """What the environment in ``folder`` was made from, or None if that is not known."""
    try:
        return json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def venv_python(folder: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_venv(folder: Path, *, with_pip: bool) -> None:
    """Create the virtual environment, empty."""
    try:
        venv.EnvBuilder(with_pip=with_pip, clear=True, symlinks=os.name != "nt").create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            f"no virtual environment could be made in {folder} ({error}). On Debian and Ubuntu Python's venv "
            "is a package of its own: sudo apt install python3-venv"
        ) from error


def pip_command(python: Path, uv: str | None) -> list[str]:
    """The start of an install command for that interpreter."""
    if uv:
        return [uv, "pip", "install", "--python", str(python)]
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
        run([str(python), "-m", "ensurepip", "--upgrade"], python.parent)
    return [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off", "-q"]


def run(command: list[str], folder: Path) -> None:
    """Run one step; its output goes to stderr, where progress belongs."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    environment["VIRTUAL_ENV"] = str(folder)
    subprocess.run(command, check=True, stdout=sys.stderr, env=environment)


def write_jupyter_settings(folder: Path) -> None:
    """JupyterLab without prompts or telemetry, for this environment only: nothing of the user's is touched."""
    share = folder / "share" / "jupyter"
    overrides = share / "lab" / "settings" / "overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(LAB_SETTINGS, indent=2), encoding="utf-8")
    kernel = share / "kernels" / "python3" / "kernel.json"
    spec = json.loads(kernel.read_text(encoding="utf-8"))
    spec["env"] = {**spec.get("env", {}), **KERNEL_ENVIRONMENT}
    kernel.write_text(json.dumps(spec, indent=1), encoding="utf-8")


def say(message: str) -> None:
    """Progress is for people: stderr."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
