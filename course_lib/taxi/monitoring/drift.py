"""How far the data has moved between two sets of trips, feature by feature, judged by size and not by p-values.

drift.table(january, february)           # psi, ks, verdict … for what the model sees, what it says and what came true
drift.ks(january["duration"], february["duration"])
drift.p_values(0.02, [1_000, 10_000, 100_000])   # one and the same difference, ever more "significant"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import zones
from course_lib.taxi.feature_base import BOOKING_COLUMNS, check_trips, straight_miles, zone_numbers
from course_lib.taxi.monitoring import psi

#: PSI from which drift is "some" and "much" (the rule of thumb of credit scoring, see :mod:`.psi`).
SOME, MUCH = 0.1, 0.25
NONE, TOO_FEW = "none", "too few"
#: What is compared, and how. The zones themselves are 265 categories: for them it takes many rides to see anything.
FEATURES = {
    "miles": "numeric",
    "hour": "numeric",
    "weekday": "categorical",
    "pickup borough": "categorical",
    "dropoff borough": "categorical",
    "pickup zone": "categorical",
    "dropoff zone": "categorical",
    "predicted": "numeric",
    "duration": "numeric",
}


@dataclass(frozen=True)
class KS:
    """The largest distance between two cumulative distributions (0…1), and the chance of one as large by luck."""

    statistic: float
    p_value: float


def ks(reference, current) -> KS:
    """The two-sample Kolmogorov–Smirnov test, by SciPy. Missing values are left out. Raises CourseError when empty."""
    from scipy.stats import ks_2samp

    sides = [pd.Series(values).dropna().to_numpy(np.float64) for values in (reference, current)]
    if not all(len(side) for side in sides):
        raise CourseError("A comparison of two distributions needs rides on both sides, and one has none.")
    found = ks_2samp(*sides, method="asymp")
    return KS(float(found.statistic), float(found.pvalue))


def p_values(statistic: float, sizes: Iterable[int]) -> pd.Series:
    """What p-value a KS ``statistic`` (0…1) has if both samples hold so many rides; the index is the size.

    By the limit distribution of Kolmogorov (SciPy's ``kstwobign``) at √(n·n / (n + n)) · statistic: the same difference
    is nothing in a hundred rides and beyond doubt in a million. So a p-value says how many rides there were.
    """
    from scipy.stats import kstwobign

    if not 0 <= statistic <= 1:
        raise UsageError(f"A KS statistic lies between 0 and 1, not at {statistic}.")
    counts = np.array(list(sizes), dtype=np.int64)
    if (counts < 1).any():
        raise UsageError("A sample has at least 1 ride.")
    values = kstwobign.sf(np.sqrt(counts / 2) * statistic)
    return pd.Series(values, index=pd.Index(counts, name="rides on each side"), name="p-value")


def features(trips: pd.DataFrame) -> pd.DataFrame:
    """What is compared of each trip: the columns of FEATURES that ``trips`` can give.

    Needs BOOKING_COLUMNS; ``minutes`` becomes ``predicted``, and ``duration`` is taken along where they are there.
    Zones are text; a number that no zone has stays visible as it is, in no known borough.
    """
    check_trips(trips, BOOKING_COLUMNS)
    times = pd.DatetimeIndex(trips[BOOKING_COLUMNS[2]])
    made = {"miles": straight_miles(trips), "hour": times.hour + times.minute / 60, "weekday": times.day_name()}
    boroughs = zones.table()["borough"]
    for name, column in zip(("pickup", "dropoff"), BOOKING_COLUMNS[:2], strict=True):
        made[f"{name} borough"] = boroughs.reindex(zone_numbers(trips[column])).fillna("Unknown").to_numpy(str)
        made[f"{name} zone"] = trips[column].astype(str).to_numpy()
    for name, column in (("predicted", "minutes"), ("duration", "duration")):
        if column in trips:
            made[name] = trips[column].to_numpy(np.float64)
    return pd.DataFrame({name: made[name] for name in FEATURES if name in made})


def table(reference: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """How far ``current`` trips are from ``reference`` trips: a row for each feature both can give.

    Columns: ``psi``, ``by_chance`` (what PSI stays below in 95 of 100 pairs of samples without any drift), ``verdict``,
    and for numbers ``ks`` and ``p_value``; ``new`` is the share (0…1) of current rides in categories the reference
    never saw; ``n_reference`` and ``n_current`` count rides. The verdict is ``much``, ``some`` or ``none`` by the size
    of the PSI alone, and ``too few`` where chance could reach SOME: zone numbers need tens of thousands of rides.

    Raises BadTrips for columns that aren't there, and CourseError when either side is empty.
    """
    before, now = (trips if _is_features(trips) else features(trips) for trips in (reference, current))
    if not len(before) or not len(now):
        raise CourseError(f"Drift can't be measured: {'the reference' if not len(before) else 'the window'} is empty.")
    rows = {}
    for name in before.columns.intersection(now.columns, sort=False):
        sides = before[name], now[name]
        if not sides[0].notna().any() or not sides[1].notna().any():
            continue  # no labels yet, or no ride with a known distance
        rows[name] = _row(name, *sides)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("feature")


def _is_features(trips: pd.DataFrame) -> bool:
    return isinstance(trips, pd.DataFrame) and "pickup borough" in trips.columns


def _row(name: str, before: pd.Series, now: pd.Series) -> dict[str, object]:
    if FEATURES[name] == "numeric":
        if name in ("duration", "predicted"):  # a label that isn't there yet is no kind of ride
            before, now = before.dropna(), now.dropna()
        index, distance = psi.numeric(before, now), ks(before, now)
        new = 0.0
    else:
        index, distance = psi.categorical(before, now), KS(np.nan, np.nan)
        new = float((~now.isin(before.unique())).mean())
    return {
        "psi": index.value,
        "by_chance": index.by_chance,
        "verdict": verdict(index.value, index.by_chance),
        "ks": distance.statistic,
        "p_value": distance.p_value,
        "new": new,
        "n_reference": len(before),
        "n_current": len(now),
    }


def verdict(value: float, by_chance: float = 0.0) -> str:
    """``none``, ``some`` or ``much`` drift for a PSI; ``too few`` where chance alone reaches SOME."""
    if by_chance >= SOME:
        return TOO_FEW
    return "much" if value >= MUCH else "some" if value >= SOME else NONE
