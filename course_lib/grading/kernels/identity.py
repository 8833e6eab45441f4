"""Which template fits: the interpreter, what shapes its imports, and the place where it listens.

Two kernels may share a template when nothing that is read at import time differs: the interpreter and its flags,
the list of modules, the installed packages, and those environment variables that libraries read once, when they
are loaded (threads, locale, search paths …). Everything else in the environment is set anew in each kernel.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# What MLflow imports when it first opens a database, which is more than `import mlflow` takes.
MLFLOW_STORES = ("mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store")
# Imported once, in this order. Names that aren't installed are passed over.
DEFAULT_MODULES = (
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction",
    "sklearn.inspection",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "matplotlib.pyplot",
    "pandera.pandas",
    "mlflow",
    "mlflow.sklearn",
    *MLFLOW_STORES,
    "nbformat",
)
MODULES_VARIABLE = "COURSE_WARM_MODULES"

_SHAPING_NAMES = {
    "CONDA_PREFIX", "DO_NOT_TRACK", "GLIBC_TUNABLES", "HOME", "LANG", "LANGUAGE", "LOGNAME", "MATPLOTLIBRC",
    "MLFLOW_CONFIGURE_LOGGING", "MLFLOW_DISABLE_TELEMETRY", "MLFLOW_LOGGING_LEVEL", "MPLCONFIGDIR", "TZ",
    "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
}  # fmt: skip
_SHAPING_PREFIXES = (
    "ARROW_", "BLIS_", "DYLD_", "GOMP_", "GOTO_", "JEMALLOC_", "KMP_", "LC_", "LD_", "MALLOC_", "MIMALLOC_", "MKL_",
    "NPY_", "NUMEXPR_", "NUMPY_", "OMP_", "OPENBLAS_", "PANDAS_", "PYARROW_", "PYTHON", "SCIPY_", "SKLEARN_",
    "VECLIB_",
)  # fmt: skip
# Libraries must not report anything when the template imports them, whatever the first client's environment says.
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


class UnsafeDirectory(OSError):
    """The folder for sockets belongs to somebody else, or others may write to it."""


@dataclass(frozen=True)
class Template:
    """A template process, running or not: how it is started and where it listens."""

    command: tuple[str, ...]  # the interpreter and its flags
    modules: tuple[str, ...]
    env: Mapping[str, str]
    directory: Path
    key: str = field(default="")

    @property
    def socket(self) -> Path:
        return self.directory / f"{self.key}.sock"

    @property
    def ready(self) -> Path:
        """Exists once the libraries are imported."""
        return self.directory / f"{self.key}.ready"

    @property
    def lock(self) -> Path:
        return self.directory / f"{self.key}.lock"

    @property
    def log(self) -> Path:
        return self.directory / f"{self.key}.log"


def template_for(
    command: Sequence[str],
    env: Mapping[str, str],
    modules: Sequence[str] | None = None,
    directory: Path | None = None,
) -> Template:
    """The template that kernels started by ``command`` (interpreter and flags) under ``env`` can be forked from.

    ``modules`` default to ``COURSE_WARM_MODULES`` in ``env`` (names separated by commas; after a ``+`` they are
    imported besides ``DEFAULT_MODULES``), else to ``DEFAULT_MODULES``; ``directory`` to the user's private runtime
    folder.
    """
    if modules is None:
        named = env.get(MODULES_VARIABLE, "+")
        own = [name.strip() for name in named.removeprefix("+").split(",") if name.strip()]
        modules = [*DEFAULT_MODULES, *own] if named.startswith("+") else own
    shaping = shaping_environment(env)
    described = {
        "command": list(command),
        "python": sys.version,
        "prefix": [sys.prefix, sys.base_prefix],
        "modules": list(modules),
        "env": shaping,
        "stamps": _stamps(modules),
    }
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    started_with = {**shaping, "PATH": env.get("PATH", os.defpath)}
    return Template(tuple(command), tuple(modules), started_with, directory or runtime_directory(), digest)


def shaping_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The part of ``env`` that is read when libraries are imported."""
    kept = {k: v for k, v in env.items() if k in _SHAPING_NAMES or k.startswith(_SHAPING_PREFIXES)}
    return {**kept, **_QUIET}


def _stamps(modules: Sequence[str]) -> dict[str, int]:
    """When each module, the installed packages and our own code last changed, in nanoseconds."""
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(Path(sys.prefix) / "pyvenv.cfg")}
    for name in {m.partition(".")[0] for m in (*modules, "IPython", "ipykernel")}:
        with contextlib.suppress(ImportError, ValueError):  # a top-level name: nothing is imported by looking
            if (spec := importlib.util.find_spec(name)) and spec.origin:
                paths.add(spec.origin)
    ours = Path(__file__).resolve().parent.parent
    paths.update(str(p) for folder in ("kernels", "sandbox") for p in (ours / folder).glob("*.py"))
    stamps = {}
    for path in paths:
        with contextlib.suppress(OSError):
            stamps[path] = os.stat(path).st_mtime_ns
    return stamps


def runtime_directory() -> Path:
    """The user's own folder for sockets: under XDG_RUNTIME_DIR where there is one, else under the temporary folder.

    Raises:
        UnsafeDirectory: when somebody else owns the folder or may write to it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.path.isdir(base) and os.access(base, os.W_OK):
        path = Path(base) / "course-kernels"
    else:
        path = Path(tempfile.gettempdir()) / f"course-kernels-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UnsafeDirectory(f"{path} must be a folder that only you can open: remove it, it will be made anew")
    return path
