"""The simulated city: what is true of a pair of zones in every month.

All arrays have one entry for each of the 263 × 263 pairs of places (pickup-major). Pairs with many real
rides have their measured effects; the others get theirs from a fixed random state, so that a detour or a
popular pair stays what it is from month to month.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from course_lib.taxi import zones
from course_lib.taxi.simulator_facts import (
    DETOUR_KNOTS,
    PLACES,
    SPREAD_EDGES,
    STREAMS,
    facts,
    hats,
    pair_grid,
)

_SEED = 20210101
_LISTED_FROM = 40  # rides: a pair that is not listed stays below that in the measured months
_UNKNOWN = -999
# Log minutes: how much zones differ in their rush hours beyond what the calibration has.
_RUSH_SD = 0.03


@dataclass(frozen=True)
class World:
    """Facts of every pair: ``miles`` between centroids, bins, usual log metered miles by stream
    (``path``, shape (4, 69169)), log factor on minutes (``pace``), spread of doors (``width``), and the share
    of rides by stream (``weight``, shape (4, 69169), each row sums to 1).

    ``rush`` has log factors on minutes for zones at times of the week, shape (2, 263, 16): pickup and
    drop-off, zone, three-hour block × 2 + weekend."""

    pickup: np.ndarray
    dropoff: np.ndarray
    miles: np.ndarray
    distance_bin: np.ndarray
    spread_bin: np.ndarray
    flow: np.ndarray
    path: np.ndarray
    pace: np.ndarray
    width: np.ndarray
    rush: np.ndarray
    weight: np.ndarray


@lru_cache(maxsize=1)
def world() -> World:
    """The city, built once from the calibration (about 0.2 s)."""
    grid = pair_grid()
    rng = np.random.Generator(np.random.PCG64(_SEED))
    liking = [rng.random(PLACES**2), rng.random(PLACES**2)]  # of hailed and of dispatched rides
    same = grid["pickup"] == grid["dropoff"]
    spread_bin = np.where(same, 0, np.digitize(np.maximum(grid["miles"], 0.1), SPREAD_EDGES))
    listed = np.array(facts()["pairs"])
    cell = (listed[:, 0] - 1) * PLACES + listed[:, 1] - 1
    known = listed[:, 6] != _UNKNOWN
    path_sd = np.array(facts()["rides"]["path"]["pair_sd"])[spread_bin]
    usual = _usual_path(grid, same)
    pace_sd = np.array(facts()["rides"]["pace"]["pair_sd"])[spread_bin]
    path_effect = _pair_effects(rng, path_sd, cell[known], listed[known, 6] / 100)
    pace_effect = _pair_effects(rng, pace_sd, cell[known], listed[known, 7] / 100)
    weight = [_weights(i, grid, liking[i % 2], cell, listed[:, 2 + i]) for i in range(len(STREAMS))]
    return World(
        pickup=grid["pickup"],
        dropoff=grid["dropoff"],
        miles=grid["miles"],
        distance_bin=grid["bin"],
        spread_bin=spread_bin,
        flow=grid["flow"],
        path=usual + np.where(same & ~np.isin(np.arange(PLACES**2), cell[known]), 0.0, path_effect),
        pace=_zone_effects("pace", grid) + pace_effect,
        width=np.exp(_zone_effects("path", grid, "spread", "spread_dropoff")),
        rush=_RUSH_SD * np.stack([_near_alike(rng.standard_normal((PLACES, 16))) for _ in range(2)]),
        weight=np.array(weight),
    )


def _pair_effects(rng: np.random.Generator, sd: np.ndarray, cell: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Effects of all pairs: the known ones as they are, the others random, alike among neighbours and both ways.

    A detour is one because of a river or a park, and those lie between many pairs: so three quarters of the
    variance are smooth over the map (drawn, then corrected where neighbours are known: conditional
    simulation), and a quarter belongs to the pair alone.
    """
    one = rng.standard_normal((PLACES, PLACES))
    both = np.sqrt(0.6) * (one + one.T) / np.sqrt(2) + np.sqrt(0.4) * rng.standard_normal((PLACES, PLACES))
    smooth = _near_alike(_near_alike(both).T).T.ravel()
    pickup, dropoff = cell // PLACES, cell % PLACES
    near = _nearness()
    wrong = known / sd[cell] - np.sqrt(0.75) * smooth[cell]
    correction = (near[:, pickup] * wrong) @ near[:, dropoff].T / (near[:, pickup] @ near[:, dropoff].T + 0.3)
    own = rng.standard_normal(PLACES**2)
    effect = sd * (np.sqrt(0.75) * smooth + correction.ravel() + np.sqrt(0.25) * own)
    effect[cell] = known
    return effect


def _near_alike(values: np.ndarray) -> np.ndarray:
    """Averages over neighbours (first axis: zones), with the variance kept."""
    near = _nearness()
    return (near / np.sqrt((near**2).sum(axis=1, keepdims=True))) @ values


@lru_cache(maxsize=1)
def _nearness() -> np.ndarray:
    """How much two zones have in common, 0…1: falls by e every 0.7 miles."""
    ids = np.arange(1, PLACES + 1)
    miles = zones.distance_miles(np.repeat(ids, PLACES), np.tile(ids, PLACES)).reshape(PLACES, PLACES)
    return np.exp(-miles / 0.7)


def _zone_effects(part: str, grid: dict, pickup: str = "pickup", dropoff: str = "dropoff") -> np.ndarray:
    known = facts()["rides"][part]
    return (np.array(known[pickup])[grid["pickup"]] + np.array(known[dropoff])[grid["dropoff"]]) / 100


def _usual_path(grid: dict, same: np.ndarray) -> np.ndarray:
    """Log metered miles of an ordinary ride, by stream."""
    known = facts()["rides"]["path"]
    low, share = hats(np.maximum(grid["miles"], 0.1), DETOUR_KNOTS)
    between = _zone_effects("path", grid)
    within = np.array(known["zone"])[grid["pickup"]] / 100
    usual = []
    for curve, inside in zip(np.array(known["detour"]), known["same"], strict=True):
        usual.append(np.where(same, inside + within, curve[low] * (1 - share) + curve[low + 1] * share + between))
    return np.array(usual)


def _weights(stream: int, grid: dict, liking: np.ndarray, cell: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Share of each pair among a stream's rides: gravity times what gravity doesn't explain."""
    known = facts()["streams"][STREAMS[stream]]
    factors = [np.array(known[name]) for name in ("pickups", "dropoffs", "distance", "flow")]
    keys = [grid[name] for name in ("pickup", "dropoff", "bin", "flow")]
    gravity = np.ones(PLACES**2)
    for factor, key in zip(factors, keys, strict=True):
        gravity = gravity * factor[key]
    gravity /= gravity.sum()
    power = _power(known["excess"])
    surprise = (-np.log1p(-liking)) ** power
    surprise /= surprise.mean()
    expected = gravity * known["rides"]
    surprise = np.minimum(surprise, np.maximum(_LISTED_FROM / np.maximum(expected, 1e-9), 0.02))
    listed = residual > 0
    surprise[cell[listed]] = residual[listed] / 100
    return _balanced(gravity * surprise, gravity, keys[:3])


def _power(excess: float) -> float:
    """Exponent p for which E**p, with E exponential, has the relative variance ``excess`` (fitted, 0.1…4)."""
    return 1.06 * excess**0.52


def _balanced(weight: np.ndarray, gravity: np.ndarray, keys: list[np.ndarray], rounds: int = 6) -> np.ndarray:
    """Rescale so that pickups, drop-offs and distances keep the shares that gravity gives them (IPF)."""
    for _ in range(rounds):
        for key in keys:
            wanted, got = np.bincount(key, gravity), np.bincount(key, weight)
            weight = weight * np.divide(wanted, got, out=np.zeros_like(got), where=got > 0)[key]
    return weight / weight.sum()
