"""Import nbgrader without the second that nobody needs.

nbgrader loads jsonschema, which compiles a grammar of internationalised web addresses at import where it finds
``rfc3987_syntax``. No notebook uses that format; the package is optional, so it is imported as if it were missing.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from types import ModuleType


def nbgrader_module(name: str) -> ModuleType:
    """Import one of nbgrader's modules."""
    if "jsonschema" not in sys.modules and "rfc3987_syntax" not in sys.modules:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
        try:
            with suppress(ImportError):
                importlib.import_module("jsonschema")
        finally:
            del sys.modules["rfc3987_syntax"]
    return importlib.import_module(name)
