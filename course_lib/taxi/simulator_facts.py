"""The simulator's calibration file: facts computed from real months, as arrays."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from course_lib.taxi import zones

PATH = Path(__file__).with_name("data") / "calibration.json"

#: Two kinds of customer (hailed in the street; booked with a dispatcher), before and after the regime
#: change between 2021 and 2022. A stream's number is dispatch + 2 * late.
STREAMS = ("hail 2021", "dispatch 2021", "hail 2022", "dispatch 2022")

#: Zones that are places: numbers 1…263.
PLACES = 263

#: Miles between centroids: bins of the distance a trip goes; the first is within one zone.
DISTANCE_EDGES = (1e-6, 1, 2, 3, 4.5, 6.5, 9, 13)
#: The same, coarser, for the spread of metered distances.
SPREAD_EDGES = (1e-6, 1, 2, 4, 8)
#: How far the meter strays from a pair's usual miles (log): bins.
ASTRAY_EDGES = (-1, -0.5, -0.3, -0.15, -0.05, 0.05, 0.15, 0.3, 0.5, 1)
#: Metered miles: bins for the noise of durations.
NOISE_EDGES = (0.5, 1, 2, 4, 8)
#: Miles: knots of the curves distance → metered miles and metered miles → minutes.
DETOUR_KNOTS = (0.3, 0.6, 1, 1.6, 2.5, 4, 6.5, 10, 16)
PACE_KNOTS = (0.05, 0.15, 0.4, 0.7, 1.2, 2, 3.5, 6, 10, 16, 26)
#: Probabilities at which noise is tabulated.
NOISE_PROBABILITIES = (
    *(0.0003, 0.001, 0.0025, 0.005, 0.01, 0.02),
    *(i / 25 for i in range(1, 25)),
    *(0.98, 0.99, 0.995, 0.9975, 0.999, 0.9997),
)
BOROUGHS = ("Bronx", "Brooklyn", "EWR", "Manhattan", "Queens", "Staten Island")
#: Hours are drawn together in eight blocks where numbers would be small.
HOUR_BLOCKS = tuple(h // 3 for h in range(24))

#: Night, morning, midday, afternoon and evening: when a zone's traffic differs from its usual.
DAY_PARTS = tuple(0 if h < 6 or h >= 21 else 1 if h < 10 else 2 if h < 14 else 3 for h in range(24))


@lru_cache(maxsize=1)
def facts() -> dict:
    """The calibration file as it is."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def hats(x: np.ndarray, knots: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Position of log(x) among log knots: lower knot and share of the upper one (linear, clipped at the ends)."""
    grid = np.log(np.asarray(knots))
    value = np.clip(np.log(x), grid[0], grid[-1])
    low = np.clip(np.searchsorted(grid, value, side="right") - 1, 0, len(grid) - 2)
    return low, (value - grid[low]) / (grid[low + 1] - grid[low])


@lru_cache(maxsize=1)
def pair_grid() -> dict[str, np.ndarray]:
    """For each pair of places (263 × 263): distance bin and borough flow (pickup × 6 + drop-off)."""
    ids = np.arange(1, PLACES + 1)
    pickups, dropoffs = (a.ravel() for a in np.meshgrid(ids, ids, indexing="ij"))
    miles = zones.distance_miles(pickups, dropoffs)
    miles[(miles == 0) & (pickups != dropoffs)] = 0.1  # zones that share a centroid are still two
    borough = zones.table()["borough"].map({b: i for i, b in enumerate(BOROUGHS)}).to_numpy()[:PLACES].astype(int)
    return {
        "pickup": pickups - 1,
        "dropoff": dropoffs - 1,
        "miles": miles,
        "bin": np.digitize(miles, DISTANCE_EDGES),
        "flow": borough[pickups - 1] * len(BOROUGHS) + borough[dropoffs - 1],
    }
