"""When, where, how far and how long: the rides of one kind of customer in one month, before any dirt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_lib.taxi.simulator_facts import (
    ASTRAY_EDGES,
    DAY_PARTS,
    HOUR_BLOCKS,
    NOISE_EDGES,
    NOISE_PROBABILITIES,
    PACE_KNOTS,
    PLACES,
    STREAMS,
    facts,
    hats,
)
from course_lib.taxi.simulator_months import MonthFacts, holidays
from course_lib.taxi.simulator_world import World, world

# How far months differ by chance: log sd of a zone's and a pair's popularity, and of a day's number of rides.
_ZONE_DRIFT, _PAIR_DRIFT, _DAY_SPREAD = 0.07, 0.12, 0.04
_HOLIDAY_RIDES, _HOLIDAY_PACE = 0.62, -0.13
#: Rides longer than this are dirt, and the business of :mod:`simulator_dirt`.
_LONGEST_MINUTES = 178.0
_FASTEST_MPH = 54.0
# The tables take what neighbourhoods do at different hours for noise; the city's rush hours have it already.
_NOISE_LEFT = 0.955
# Part of the noise tables for each stream; there are too few dispatched rides of 2022 for one of their own.
_NOISE_GROUP = (0, 1, 2, 1)


@dataclass
class Rides:
    """Columns of n rides: seconds since the month began, places (1…263), true and metered miles, minutes."""

    dispatch: bool
    pickup_second: np.ndarray
    pickup: np.ndarray
    dropoff: np.ndarray
    miles: np.ndarray
    minutes: np.ndarray

    @property
    def hour(self) -> np.ndarray:
        """Hour of the day of the pickup, 0…23."""
        return self.pickup_second // 3600 % 24


@dataclass(frozen=True)
class Calendar:
    """Days of a month: weekday (0 is Monday), whether it is a holiday, popularity, and traffic (log minutes)."""

    weekday: np.ndarray
    holiday: np.ndarray
    rides: np.ndarray
    pace: np.ndarray


def calendar(month: MonthFacts) -> Calendar:
    """The month's days; both kinds of customer meet the same traffic."""
    rng = month.generator("calendar")
    days = (month.month.end - month.month.start).days
    weekday = (month.month.start.dayofweek + np.arange(days)) % 7
    closed = np.isin(np.arange(days), [(day - month.month.start).days for day in holidays(month.month)])
    snow = month.month.number in (1, 2, 3, 12) and rng.random() < 0.4
    storm = (np.arange(days) == rng.integers(0, days)) & snow
    rides = np.exp(_DAY_SPREAD * rng.standard_normal(days)) * np.where(closed, _HOLIDAY_RIDES, 1.0)
    pace = facts()["rides"]["pace"]["day_sd"] * rng.standard_normal(days)
    # the mean over days is the month's own pace
    pace += np.where(closed, _HOLIDAY_PACE, 0.0) + 0.12 * storm
    return Calendar(weekday, closed, rides * np.where(storm, 0.3, 1.0), pace - pace.mean())


def draw(month: MonthFacts, days: Calendar, dispatch: bool, n: int, rows: int) -> Rides:
    """``n`` clean rides of hailing or of booking customers."""
    stream = int(dispatch) + 2 * month.late
    rng = month.generator("dispatch" if dispatch else "hail", rows)
    known = facts()["streams"][STREAMS[stream]]
    second = _moments(rng, np.array(known["hours"]).reshape(7, 24), days, n)
    hour = second // 3600 % 24
    city = world()
    cell = _pairs(rng, _popularity(month, city, stream), known, city, hour)
    metered, likely = _miles(rng, city, cell, stream)
    day = second // 86400
    minutes = _minutes(rng, month, city, cell, stream, metered, likely, hour, days.weekday[day] >= 5)
    minutes = minutes * np.exp(month.pace + days.pace[day])
    if dispatch:  # a dispatcher writes down whole minutes
        second = second // 60 * 60
        minutes = np.maximum(np.floor(minutes + 0.5), 1.0)
    return Rides(
        dispatch=dispatch,
        pickup_second=second,
        pickup=city.pickup[cell] + 1,
        dropoff=city.dropoff[cell] + 1,
        miles=metered,
        minutes=np.minimum(minutes, _LONGEST_MINUTES),
    )


def _moments(rng: np.random.Generator, profile: np.ndarray, days: Calendar, n: int) -> np.ndarray:
    """Seconds since the month began: day and hour from the weekly profile, sloping within the hour."""
    weekday = np.where(days.holiday, 6, days.weekday)  # a holiday keeps Sunday's hours
    level = profile.sum(axis=1)[days.weekday] * days.rides
    cells = (profile[weekday] / profile[weekday].sum(axis=1, keepdims=True) * level[:, None]).ravel()
    chosen = _choose(rng, cells, n)
    before, after = np.roll(cells, 1), np.roll(cells, -1)
    slope = np.clip((after - before) / (4 * cells), -0.5, 0.5)[chosen]
    u = rng.random(n)
    flat = np.abs(slope) < 1e-6
    safe = np.where(flat, 1.0, slope)
    inside = np.where(flat, u, (safe - 1 + np.sqrt((1 - safe) ** 2 + 4 * safe * u)) / (2 * safe))
    return chosen * 3600 + np.minimum((inside * 3600).astype(np.int64), 3599)


def _popularity(month: MonthFacts, city: World, stream: int) -> np.ndarray:
    """This month's weight of each pair: the city's, drifting a little, and tilted to short rides later on."""
    rng = month.generator("drift")
    zone = np.exp(_ZONE_DRIFT * rng.standard_normal((2, PLACES)))
    pair = np.exp(_PAIR_DRIFT * rng.standard_normal(PLACES**2))
    shorter = np.maximum(city.miles, 0.5) ** -month.shorter
    return city.weight[stream] * zone[0][city.pickup] * zone[1][city.dropoff] * pair * shorter


def _pairs(rng: np.random.Generator, weight: np.ndarray, known: dict, city: World, hour: np.ndarray) -> np.ndarray:
    """A pair for each ride: at five in the morning people go further, and elsewhere, than at noon."""
    far, flow = np.array(known["hour_distance"]), np.array(known["hour_flow"])
    cell = np.empty(len(hour), np.int64)
    order = np.argsort(hour, kind="stable")
    starts = np.searchsorted(hour[order], np.arange(25))
    for h in range(24):
        mine = order[starts[h] : starts[h + 1]]
        tilt = far[h][city.distance_bin] * flow[HOUR_BLOCKS[h]][city.flow]
        cell[mine] = _choose(rng, weight * tilt, len(mine))
    return cell


def _miles(rng: np.random.Generator, city: World, cell: np.ndarray, stream: int) -> tuple[np.ndarray, np.ndarray]:
    """Metered miles, and the log miles that are usual between these two places."""
    noise = facts()["rides"]["path"]["noise"]
    spread_bin = city.spread_bin[cell]
    spread = noise_of(rng.random(len(cell)), noise, _NOISE_GROUP[stream], spread_bin) * city.width[cell]
    usual = city.path[stream][cell]
    return np.clip(np.exp(usual + spread), 0.05, 98.0), usual


def _minutes(
    rng: np.random.Generator,
    month: MonthFacts,
    city: World,
    cell: np.ndarray,
    stream: int,
    miles: np.ndarray,
    usual: np.ndarray,
    hour: np.ndarray,
    weekend: np.ndarray,
) -> np.ndarray:
    known, kind = facts()["rides"]["pace"], stream % 2
    astray = np.log(miles) - usual
    trust_bin, astray_bin = city.distance_bin[cell] * 2 + kind, np.digitize(astray, ASTRAY_EDGES)
    driven = np.exp(usual + np.array(known["trust"])[trust_bin] * astray)
    far = np.digitize(city.miles[cell], (2, 6))
    log_minutes = (
        pace_curve(driven, stream)
        + np.array(known["clock"])[kind * 48 + weekend * 24 + hour] / 100
        + np.array(known["late_clock"])[(1 + weekend * 24 + hour) * month.late] / 100
        + np.array(known["far_clock"])[((kind * 2 + weekend) * 3 + far) * 24 + hour] / 100
        + _place_and_time(city, cell, hour, weekend)
        + city.pace[cell]
        + np.array(known["flow_far"])[city.flow[cell], far] / 100
        + np.array(known["astray"])[trust_bin, astray_bin] / 100
        + np.array(month.pace_far)[far]
    )
    noise = noise_of(rng.random(len(cell)), known["noise"], _NOISE_GROUP[stream], np.digitize(miles, NOISE_EDGES))
    noise *= np.array(known["astray_scale"])[trust_bin, astray_bin] / 100 * month.noise * _NOISE_LEFT
    return np.maximum(np.exp(log_minutes + noise), miles * 60 / _FASTEST_MPH)


def _place_and_time(city: World, cell: np.ndarray, hour: np.ndarray, weekend: np.ndarray) -> np.ndarray:
    """Log minutes: places have rush hours of their own, and bridges jam one way at a time."""
    known = facts()["rides"]["pace"]
    part, time = np.array(DAY_PARTS)[hour], np.array(HOUR_BLOCKS)[hour] * 2 + weekend
    own = city.rush[0][city.pickup[cell], time] + city.rush[1][city.dropoff[cell], time]
    return (
        own
        + (
            np.array(known["pickup_part"])[part, city.pickup[cell]]
            + np.array(known["dropoff_part"])[part, city.dropoff[cell]]
            + np.array(known["flow_part"])[time, city.flow[cell]]
        )
        / 100
    )


def pace_curve(miles: np.ndarray, stream: int) -> np.ndarray:
    """Log minutes that so many metered miles take at an average hour and place."""
    curve = np.array(facts()["rides"]["pace"]["curve"][stream])
    low, share = hats(miles, PACE_KNOTS)
    return curve[low] * (1 - share) + curve[low + 1] * share


def noise_of(u: np.ndarray, table: list[list[float]], group: int, row: np.ndarray) -> np.ndarray:
    """Noise by inverse distribution: each uniform number read off its row of the group's part of the table."""
    size = len(table) // 3
    out = np.empty(len(u))
    for i in range(size):
        mine = row == i
        out[mine] = np.interp(u[mine], NOISE_PROBABILITIES, table[group * size + i]) / 100
    return out


def _choose(rng: np.random.Generator, weight: np.ndarray, n: int) -> np.ndarray:
    cumulative = np.cumsum(weight)
    return np.minimum(np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right"), len(weight) - 1)
