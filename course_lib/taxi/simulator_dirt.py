"""What goes wrong with rides before they become rows: meters, clocks and places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_lib.taxi import zones
from course_lib.taxi.simulator_facts import DISTANCE_EDGES, STREAMS, facts
from course_lib.taxi.simulator_months import MonthFacts
from course_lib.taxi.simulator_rides import Rides, pace_curve

_STEPS = np.linspace(0, 1, 21)
_DAY = 86400
#: Where a taxi with an unset clock stands: the depot's zone, or none.
_DEPOTS = (193, 193, 264)
_CLOCK_EPOCH = np.datetime64("2009-01-01T00:00:00", "s")


@dataclass
class Rows:
    """Rows before money: times in seconds since the month began, zone numbers, metered miles, and what kind."""

    dispatch: np.ndarray
    pickup_second: np.ndarray
    dropoff_second: np.ndarray
    pickup: np.ndarray
    dropoff: np.ndarray
    miles: np.ndarray
    vendor: np.ndarray
    aborted: np.ndarray
    outside: np.ndarray

    def __len__(self) -> int:
        return len(self.miles)

    @property
    def minutes(self) -> np.ndarray:
        """Minutes by the clock."""
        return (self.dropoff_second - self.pickup_second) / 60


def dirty(month: MonthFacts, rides: Rides, rows: int) -> Rows:
    """The rides as the TLC would get them."""
    known = facts()["dirt"]["streams"][STREAMS[int(rides.dispatch) + 2 * month.late]]
    rng = month.generator("dirtdisp" if rides.dispatch else "dirthail", rows)
    n = len(rides.miles)
    silent = _silent(rng, month, rides)
    first = np.where(silent, known["silent_vendor1"], known["speaking_vendor1"])
    vendor = np.where(rng.random(n) < first, 1, 2)
    kinds = (
        "aborted",
        "to_outside",
        "from_outside",
        "unknown",
        "moment",
        "until_midnight",
        "left_running",
        "three_hours",
    )
    edges = np.cumsum([known[kind] for kind in kinds])
    kind = np.digitize(rng.random(n), edges)
    is_kind = {name: kind == i for i, name in enumerate(kinds)}
    miles, minutes = rides.miles.copy(), rides.minutes.copy()
    pickup, dropoff = rides.pickup.copy(), rides.dropoff.copy()

    outside = is_kind["to_outside"] | is_kind["from_outside"]
    _leave_town(rng, rides.dispatch + 2 * month.late, outside, miles, minutes)
    dropoff[is_kind["to_outside"]], pickup[is_kind["from_outside"]] = 265, 265
    _forget_places(rng, is_kind["unknown"], pickup, dropoff)
    _abort(rng, known, is_kind["aborted"], pickup, dropoff, miles, minutes)
    minutes[is_kind["moment"]] = 0
    dropoff[is_kind["moment"]] = pickup[is_kind["moment"]]
    length = np.floor(minutes * 60 + 0.5).astype(np.int64)
    _forget_meters(rng, is_kind, rides.pickup_second, length)
    vendor[is_kind["until_midnight"] | is_kind["left_running"]] = 2
    miles = _metered(rng, month, rides.dispatch, silent & ~is_kind["aborted"], vendor, miles)
    return Rows(
        dispatch=np.full(n, rides.dispatch),
        pickup_second=rides.pickup_second,
        dropoff_second=rides.pickup_second + length,
        pickup=pickup,
        dropoff=dropoff,
        miles=miles,
        vendor=vendor,
        aborted=is_kind["aborted"],
        outside=outside,
    )


def _silent(rng: np.random.Generator, month: MonthFacts, rides: Rides) -> np.ndarray:
    """Rides whose meter sent no distance: most of them vendor 1's, and more of the long ones."""
    share = np.array(facts()["dirt"]["silent"][int(rides.dispatch) + 2 * month.late])
    gone = share[np.digitize(zones.distance_miles(rides.pickup, rides.dropoff), DISTANCE_EDGES)]
    scale = 1.0 if rides.dispatch or month.silent is None or not len(gone) else month.silent / gone.mean()
    return rng.random(len(gone)) < gone * scale


def steps(u: np.ndarray, name: str) -> np.ndarray:
    """Draws from a distribution tabulated in the calibration at 21 even probabilities."""
    return np.interp(u, _STEPS, facts()["dirt"][name])


def _leave_town(
    rng: np.random.Generator, stream: int, outside: np.ndarray, miles: np.ndarray, minutes: np.ndarray
) -> None:
    """Rides out of the city are long; how long has nothing to do with the zones drawn for them."""
    n = int(outside.sum())
    miles[outside] = steps(rng.random(n), "outside_miles")
    longer = np.exp(pace_curve(miles[outside], stream) + 0.28 * rng.standard_normal(n))
    minutes[outside] = np.clip(np.round(longer) if stream % 2 else longer, 2, 170)


def _forget_places(rng: np.random.Generator, unknown: np.ndarray, pickup: np.ndarray, dropoff: np.ndarray) -> None:
    which = rng.random(len(unknown))
    dropoff[unknown & (which < 0.8)] = 264
    pickup[unknown & ((which >= 0.8) | (which < 0.45))] = 264


def _abort(
    rng: np.random.Generator,
    known: dict,
    aborted: np.ndarray,
    pickup: np.ndarray,
    dropoff: np.ndarray,
    miles: np.ndarray,
    minutes: np.ndarray,
) -> None:
    """A meter that ran for seconds: nobody was driven, or somebody was at an agreed price, off the meter."""
    n = int(aborted.sum())
    seconds = steps(rng.random(n), "aborted_seconds")
    minutes[aborted] = np.where(rng.random(n) < known["aborted_instant"], 0.0, seconds) / 60
    crept = 0.01 / np.maximum(1 - rng.random(n), 1e-3) ** 1.6
    miles[aborted] = np.where(rng.random(n) < known["aborted_zero"], 0.0, np.minimum(crept, 12.0))
    where = rng.random(n)
    lost = where < known["aborted_unknown"]
    dropoff[aborted] = np.where(lost, 264, np.where(where < 0.985, pickup[aborted], dropoff[aborted]))
    pickup[aborted] = np.where(lost & (rng.random(n) < 0.33), 264, pickup[aborted])


def _forget_meters(rng: np.random.Generator, is_kind: dict, pickup_second: np.ndarray, length: np.ndarray) -> None:
    """Meters that nobody stopped: until midnight, for almost a day, or for hours. Changes ``length`` (seconds)."""
    early = is_kind["until_midnight"]
    length[early] = _DAY - pickup_second[early] % _DAY
    day = is_kind["left_running"]
    length[day] = _DAY - (steps(rng.random(int(day.sum())), "left_running_short_of_a_day") * 60).astype(np.int64)
    hours = is_kind["three_hours"]
    length[hours] = (180 + 700 * rng.random(int(hours.sum())) ** 2.5) * 60


def _metered(
    rng: np.random.Generator,
    month: MonthFacts,
    dispatch: bool,
    silent: np.ndarray,
    vendor: np.ndarray,
    miles: np.ndarray,
) -> np.ndarray:
    """What the meter reports: tenths of a mile (vendor 1) or hundredths, nothing, or nonsense."""
    n = len(miles)
    reported = np.where(vendor == 1, np.floor(miles * 10 + 0.5) / 10, np.floor(miles * 100 + 0.5) / 100)
    reported[silent] = 0.0
    if dispatch:
        absurd = rng.random(n) < month.absurd
        nonsense = steps(rng.random(int(absurd.sum())), "absurd_miles")
        reported[absurd] = np.floor(nonsense * 100 + 0.5) / 100
    return reported


def unset_clocks(month: MonthFacts, rows: Rows, n: int) -> None:
    """A few rows of other days: rides begun before midnight on the first, and clocks that say 2009."""
    rng = month.generator("clocks", n)
    scale = n / 75_000
    hailed = np.flatnonzero(~rows.dispatch & ~rows.aborted)
    if len(hailed) < 20:
        return
    large = n > 20_000  # a whole month has one of each for sure
    before, unset = rng.poisson(1.5 * scale) + large, rng.poisson(0.8 * scale) + large
    chosen = rng.permutation(hailed)[: before + unset]
    for i, row in enumerate(chosen):
        length = rows.dropoff_second[row] - rows.pickup_second[row]
        if i < before:
            rows.pickup_second[row] = -1 - rng.integers(0, 900)
        else:
            epoch = int((_CLOCK_EPOCH - np.datetime64(month.month.start, "s")).astype(np.int64))
            rows.pickup_second[row] = epoch + rng.integers(60, 7200)
            rows.pickup[row] = rows.dropoff[row] = _DEPOTS[rng.integers(0, 3)]
            rows.miles[row] = 0.0
        rows.dropoff_second[row] = rows.pickup_second[row] + length
