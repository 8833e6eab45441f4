"""Import the notebook libraries without the seconds that none of us needs.

- nbformat checks notebooks with jsonschema, and jsonschema, where it finds ``rfc3987_syntax``, compiles a grammar
  of internationalised web addresses at import: about 0.9 s. No notebook schema uses that format.
- papermill, where it finds pyarrow, loads it to read notebooks from Hadoop: 0.4 s. Ours are files.

Both packages are optional there, so those libraries are imported once as if they were not installed.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from types import ModuleType


def notebook_library(name: str) -> ModuleType:
    """Import ``name`` (nbformat, papermill, nbconvert …) as plain ``import`` would, only sooner."""
    _import_without("jsonschema", "rfc3987_syntax")
    if name.partition(".")[0] == "papermill":
        _import_without("papermill", "pyarrow")
    return importlib.import_module(name)


def _import_without(library: str, package: str) -> None:
    """Import a library while a package it could use is hidden; whoever wants the package afterwards gets it.

    ``None`` in ``sys.modules`` is Python's own way to say "not installed".
    """
    if library in sys.modules or package in sys.modules:
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        with suppress(ImportError):
            importlib.import_module(library)
    finally:
        del sys.modules[package]
