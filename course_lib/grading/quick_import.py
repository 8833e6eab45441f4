"""Import nbgrader's gradebook without the second that nobody needs.

- nbgrader's own ``__init__`` loads its web extensions; the gradebook does without.
- Checking notebooks loads jsonschema, which compiles a grammar of internationalised web addresses at import where it
  finds ``rfc3987_syntax``. No notebook uses that format; the package is optional, so it is imported as if missing.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


_importing = threading.RLock()  # one thread imports, another may want the same: half a module is no use to it


def nbgrader_module(name: str) -> ModuleType:
    """Import one of nbgrader's modules."""
    with _importing:
        if name in sys.modules:
            return sys.modules[name]
        _prepare_package()
        with _without_web_addresses():
            return importlib.import_module(name)


@contextmanager
def _without_web_addresses() -> Iterator[None]:
    if "jsonschema" in sys.modules or "rfc3987_syntax" in sys.modules:
        yield
        return
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        with suppress(ImportError):
            importlib.import_module("jsonschema")
    finally:
        del sys.modules["rfc3987_syntax"]
    yield


def _prepare_package() -> None:
    """Put nbgrader's package in place; its ``__init__`` runs once anybody asks for what that defines."""
    spec = importlib.util.find_spec("nbgrader") if "nbgrader" not in sys.modules else None
    if spec is None or spec.loader is None:
        return
    package = importlib.util.module_from_spec(spec)
    package.__class__ = _Deferred
    sys.modules["nbgrader"] = package


class _Deferred(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if (name.startswith("__") and name not in ("__version__", "__all__")) or self._is_module(name):
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
        return getattr(self, name)

    def _is_module(self, name: str) -> bool:
        folder = Path(self.__path__[0])
        return (folder / name).is_dir() or (folder / f"{name}.py").is_file()
