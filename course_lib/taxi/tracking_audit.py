"""What was done to the registry, written down before it is done: promotions, rollbacks, moved aliases, roll-outs.

The entry comes first and the change second. So a log that can't be written means that nothing is changed, and a crash
between the two leaves an entry too many, which shows (the alias doesn't point to where the log says), where the other
order would leave a champion that nobody let in. A change that fails gets an entry "failed" after its own.

The log is ``audit.jsonl`` beside the tracking database. How many entries it has, and the last one's hash, are noted in
the registry as well: a log whose end was cut off no longer fits that note.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from course_lib import paths
from course_lib.taxi.governance.audit import AuditError, AuditLog, Entry, Head, of
from course_lib.taxi.tracking_errors import current_database, translated

#: The tag of a registered model that holds the log's head.
HEAD = "audit.head"
#: What can stand as an entry's action.
PROMOTED, REFUSED, ROLLED_BACK, ROLL_OUT = "promoted", "refused", "rolled back", "roll-out set"
ALIAS_SET, ALIAS_REMOVED, FAILED = "alias set", "alias removed", "failed"


def log() -> AuditLog:
    """The log beside the tracking database; in the default tracking folder where MLflow uses a server."""
    database = current_database()
    if database is not None:
        return of(database.parent)
    return of(Path(os.environ.get("COURSE_STATE_DIR") or paths.build_dir() / "mlflow"))


def recorded(
    name: str,
    version: int | None,
    action: str,
    change: Callable[[], None],
    *,
    by: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """Write down that ``action`` is done to ``version`` (None: to the model itself), then do ``change``.

    To be called while tracking_store.exclusive is held. Raises AuditError, having changed nothing, when it can't be
    written down; what ``change`` raises goes on, after an entry "failed".
    """
    book = log()
    entry = book.append(action, _subject(name, version), by, plain(details or {}))
    try:
        with translated():
            change()
    except Exception as error:  # an interruption may have come after the change: the card sees which it was
        with contextlib.suppress(AuditError):
            why = {"entry": entry.number, "why": f"{type(error).__name__}: {error}"}
            book.append(FAILED, entry.subject, entry.by, why)
        raise
    _note(name, entry)
    return entry


def move(
    name: str,
    alias: str,
    version: int | None,
    action: str,
    *,
    by: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> Entry:
    """:func:`recorded` for an alias that is pointed to ``version`` (None: taken away)."""
    import mlflow

    client = mlflow.MlflowClient()
    with translated():
        before = client.get_registered_model(name).aliases.get(alias)
    was = None if before is None else int(before)

    def change() -> None:
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            client.set_registered_model_alias(name, alias, str(version))

    told = {"alias": alias, "from": was, "to": version, **(details or {})}
    return recorded(name, was if version is None else version, action, change, by=by, details=told)


def refusal(name: str, version: int, by: str | None, details: Mapping[str, Any]) -> None:
    """Write down that the gate refused ``version``. Raises AuditError."""
    _note(name, log().append(REFUSED, _subject(name, version), by, plain(details)))


def noted(name: str) -> Head | None:
    """The log's head when something was last done to the model ``name``, as the registry knows it."""
    import mlflow

    with translated():
        text = mlflow.MlflowClient().get_registered_model(name).tags.get(HEAD, "")
    count, _, digits = text.partition(" ")
    return Head(int(count), digits) if count.isdecimal() else None


def plain(value: Any) -> Any:
    """``value`` for JSON: a number that is none (NaN, infinity) as None, NumPy's as Python's, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _subject(name: str, version: int | None) -> str:
    return name if version is None else f"{name}/{version}"


def _note(name: str, entry: Entry) -> None:
    """Without this note the log still holds: what was done is done, so a failure is no reason to stop."""
    import mlflow
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException):
        mlflow.MlflowClient().set_registered_model_tag(name, HEAD, f"{entry.number} {entry.hash}")
