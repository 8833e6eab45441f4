"""Where a model comes from: the data, the code and the environment, each as something that can be compared.

lineage = tracking.lineage(january, february)
lineage.data["train"], lineage.code, lineage.environment
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from course_lib import paths
from course_lib.taxi import environment
from course_lib.taxi.tracking_data import describe_data

UNKNOWN = "unknown"


@dataclass(frozen=True)
class CodeRevision:
    """The commit that the code was at, and ``changes``: "none", or 12 digits that stand for what wasn't committed.

    Both are "unknown" where there is no git, or no repository.
    """

    commit: str = UNKNOWN
    changes: str = UNKNOWN

    def __str__(self) -> str:
        if self.commit == UNKNOWN:
            return UNKNOWN
        return self.commit[:10] + ("" if self.changes == "none" else f" with uncommitted changes {self.changes}")


@dataclass(frozen=True)
class Lineage:
    """What a run was made from.

    ``data`` maps a role (``train``, ``valid``) to {hash, rows, name}; ``environment`` is environment.fingerprint() of
    ``packages``, name → version; ``params`` are the parameters with their types.
    """

    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    code: CodeRevision = field(default_factory=CodeRevision)
    environment: str = UNKNOWN
    python: str = UNKNOWN
    system: str = UNKNOWN
    packages: dict[str, str] = field(default_factory=dict, repr=False)
    params: dict[str, Any] = field(default_factory=dict)

    def tags(self) -> dict[str, str]:
        """The same as short texts, for a run's tags: all that can be compared, without the list of packages."""
        tags = {"code.commit": self.code.commit, "code.changes": self.code.changes}
        tags |= {"environment": self.environment, "python": self.python, "system": self.system}
        for role, facts in self.data.items():
            tags |= {f"data.{role}": facts["hash"], f"data.{role}_rows": str(facts["rows"])}
        return tags

    def to_json(self) -> str:
        """Everything but the packages, as the text of ``lineage.json``."""
        content = asdict(self)
        del content["packages"]
        return json.dumps(content, indent=2, default=_plain, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, packages: Mapping[str, str] | None = None) -> Lineage:
        """Read back what :meth:`to_json` wrote."""
        content = json.loads(text)
        return cls(**{**content, "code": CodeRevision(**content["code"]), "packages": dict(packages or {})})


def lineage(
    trips: pd.DataFrame | None = None,
    valid: pd.DataFrame | None = None,
    params: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
) -> Lineage:
    """What a run that began here and now with these trips would be made from. ``folder``: the code's (see below)."""
    frames = {"train": trips, "valid": valid}
    packages = _packages(tuple(sys.path))
    return Lineage(
        data={role: describe_data(frame) for role, frame in frames.items() if frame is not None},
        code=code_revision(folder),
        environment=environment.fingerprint(packages),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages=dict(packages),
        params=dict(params or {}),
    )


def code_revision(folder: Path | None = None) -> CodeRevision:
    """The commit and the uncommitted changes of the repository that ``folder`` (default: the project's) lies in.

    Never fails: whatever git can't say is "unknown". New files that git doesn't ignore count as changes.
    """
    folder = folder or paths.project_root()
    commit, status = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain")
    if commit is None or status is None:
        return CodeRevision(commit=(commit or UNKNOWN.encode()).decode().strip())
    if not status.strip():
        return CodeRevision(commit.decode().strip(), "none")
    difference = _git(folder, "diff", "HEAD", "--no-ext-diff", "--no-color") or b""
    return CodeRevision(commit.decode().strip(), hashlib.sha256(status + difference).hexdigest()[:12])


def _git(folder: Path, *words: str) -> bytes | None:
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # looking must not write
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(["git", *words], cwd=folder, env=quiet, capture_output=True, timeout=20, check=True)
        return done.stdout
    return None


@lru_cache(maxsize=4)
def _packages(path: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001  (another path finds other packages)
    return environment.installed_versions()


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's; whatever JSON has no word for as its text."""
    return value.item() if isinstance(value, np.generic) else str(value)
