"""Locked packages on top of the course's, installed once into a folder of `build/`, never into the environment."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 120


def packages(folder: str) -> Path:
    """The folder with what ``<folder>/requirements.lock`` names, for `PYTHONPATH`; skips where it can't be had."""
    lock = ROOT / folder / "requirements.lock"
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    target = ROOT / "build" / "packages" / key
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.is_dir():
            _install(lock, target)
    return target


def _install(lock: Path, target: Path) -> None:
    half = target.with_suffix(".part")
    shutil.rmtree(half, ignore_errors=True)
    uv = shutil.which("uv")
    start = [uv, "pip", "install", "--quiet", "--python", sys.executable] if uv else [*_pip(), "install", "-q"]
    command = [*start, "--target", str(half), "--no-deps", "--require-hashes", "-r", str(lock)]
    quick = {"UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "15", "PIP_RETRIES": "1"}
    try:
        done = subprocess.run(command, env=os.environ | quick, capture_output=True, text=True, timeout=_SECONDS)
        why = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except (OSError, subprocess.TimeoutExpired) as error:
        why = [str(error)]
    if why:
        pytest.skip(f"{lock.relative_to(ROOT)} can't be installed here (no network?): {why[0][:200]}")
    # students can't write here, and would compile all of it at every start
    compileall.compile_dir(half, quiet=2)
    half.rename(target)


def _pip() -> list[str]:
    """The pip of the Python that the environment was made from: an environment made by uv has none of its own."""
    base = getattr(sys, "_base_executable", sys.executable)
    return [base, "-m", "pip", "--python", sys.executable, "--disable-pip-version-check"]
