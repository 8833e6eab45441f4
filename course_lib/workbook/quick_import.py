"""Import the notebook libraries without the second that none of us needs.

nbformat checks notebooks with jsonschema, and jsonschema, where it finds ``rfc3987_syntax``, compiles a
grammar of internationalised web addresses at import: about 0.9 s of every command that touches a notebook.
No notebook schema uses that format, so jsonschema is imported once as if the optional package were not there.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from types import ModuleType

_GRAMMAR = "rfc3987_syntax"


def notebook_library(name: str) -> ModuleType:
    """Import ``name`` (nbformat, papermill, nbconvert …) as plain ``import`` would, only sooner.

    ``None`` in ``sys.modules`` is Python's own way to say "not installed"; it is taken out again at once, so
    that whoever wants the grammar later still gets it.
    """
    if "jsonschema" not in sys.modules and _GRAMMAR not in sys.modules:
        sys.modules[_GRAMMAR] = None  # type: ignore[assignment]
        try:
            with suppress(ImportError):
                importlib.import_module("jsonschema")
        finally:
            del sys.modules[_GRAMMAR]
    return importlib.import_module(name)
