"""The champion of yesterday, kept beside the spool: for a process that starts while the registry can't be read.

A service that runs has its model in memory and doesn't notice. But a worker that is killed in that hour, or a machine
that starts, would have nothing to answer with. It takes the model that was served here last, says so, and exchanges it
for the registry's own as soon as there is one again. The file is written and read by the service alone.
"""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

from course_lib.taxi.pipeline_files import replacing
from course_lib.taxi.service.logs import told

_log = logging.getLogger(__name__)


class LastChampion:
    """One model in one file."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def keep(self, name: str, version: int, model: Any) -> bool:
        """Write it, whole or not at all; False, and a line in the log, when that can't be done: nobody waits for it."""
        import cloudpickle

        try:
            with replacing(self.path) as part:
                part.touch(mode=0o600)
                part.write_bytes(cloudpickle.dumps((name, version, model)))
        except Exception as error:  # a full disk, or a model that can't be written: the service has it in memory
            _log.warning("version %d of %s is not kept for hard times: %s", version, name, told(error))
            return False
        return True

    def recall(self, name: str) -> tuple[int, Any] | None:
        """Version and model of the last champion of this ``name``, or None."""
        try:
            kept, version, model = pickle.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except Exception as error:  # damaged, or from another version of a library
            _log.warning("the last champion can't be read from %s: %s", self.path, told(error))
            return None
        return (version, model) if kept == name else None
