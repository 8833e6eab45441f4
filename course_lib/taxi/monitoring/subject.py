"""What is watched: which months, by which model, and its answers to them with the labels that came."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import cleaning, months, sources, trips
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.monitoring import labels


def checked(names: list[str], reference: str, source: trips.SourceName, stored: bool = False) -> str:
    """The reference month's name, after every month was found to come later and to be there (``stored``: only it)."""
    chosen = sources.choose(source)
    with trips.naming_available(chosen):
        before = months.parse(reference)
    for name in [str(before), *([] if stored else names)]:
        chosen.check(months.parse(name))
    if early := [name for name in names if months.parse(name) <= before]:
        raise UsageError(
            f"The model may have learned from {months.listed(early)}: only months after the reference, {before}, show "
            "how it does on rides it hasn't seen. Choose later months, or an earlier --reference."
        )
    return str(before)


def cleaned(month: str, source: trips.SourceName, rows: int | None) -> pd.DataFrame:
    """The cleaned trips of a month: what is known at booking, and the duration."""
    columns = [*BOOKING_COLUMNS, "lpep_dropoff_datetime"]
    return cleaning.clean(trips.load(month, source=source, rows=rows, columns=columns), month).trips


def model_of(
    model: str | Any, alias: str, known: pd.DataFrame, month: str, progress: Callable[[str], None]
) -> tuple[Any, str, int]:
    """The fitted model, what it is called, and its version (0: it is in no registry)."""
    if isinstance(model, str):
        from course_lib.taxi import models

        made = models.build(model)
        progress(f"training {model} on {len(known):,} rides of {month}")
        return made.fit(known, known["duration"]), f"{model}, trained on {month}", 0
    if model is not None:
        return model, type(model).__name__, 0
    from course_lib.taxi import tracking

    tracking.setup()
    try:
        version = tracking.version(alias=alias)
    except (tracking.NotRegistered, tracking.NoSuchAlias) as error:
        raise type(error)(f"{error} Or watch a model trained on the spot: --model boosting.") from error
    return tracking.load(version=version), f"{tracking.MODEL_NAME} version {version} ({alias})", version


def scored_month(
    name: str, model: Any, version: int, home: Path, source: Any, rows: int | None, now: Any, progress: Callable
) -> tuple[labels.Joined, int]:
    """A month's rides with their labels, and how many of its rows were picked up in another month."""
    from course_lib.taxi.service.batch import score_month

    progress(f"scoring {name}")
    scored = score_month(name, model, version, home / _key(model, source, rows), source=source, rows=rows)
    predictions = labels.from_batch(scored.read(), name)
    joined = labels.join(predictions, labels.of_month(name, source=source, rows=rows), now=now)
    return joined, scored.rows - len(predictions)


def _key(model: Any, source: Any, rows: int | None) -> str:
    """A folder for these answers alone: version 1 of another registry, or other data, must not be taken for them."""
    import joblib

    return joblib.hash((joblib.hash(model), sources.choose(source).name, rows))[:16]


@contextlib.contextmanager
def kept(folder: str | Path | None) -> Iterator[Path]:
    """``folder``, or one that is gone after the block."""
    if folder is not None:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix="scored-") as made:
        yield Path(made)
