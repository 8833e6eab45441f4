"""What libraries do when they are first used, done once before processes are forked."""

from __future__ import annotations

import sys
from contextlib import suppress


def warm_up_mlflow() -> None:
    """Where MLflow is imported, have it look up which package each module belongs to, as it does for its first model.

    That takes up to a second. It is MLflow's own affair: a version that does it in another way is just less warm.
    """
    if "mlflow" in sys.modules:
        with suppress(Exception):
            from mlflow.utils.requirements_utils import _init_modules_to_packages_map

            _init_modules_to_packages_map()
