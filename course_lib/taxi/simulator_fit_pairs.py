"""Where rides go and when: gravity between zones, with the pairs that gravity does not explain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_lib.taxi.simulator_facts import BOROUGHS, DISTANCE_EDGES, HOUR_BLOCKS, PLACES, pair_grid

#: A pair is listed by name when it has at least this many rides in a stream.
_LISTED_FROM = 40


def fit(data: pd.DataFrame) -> dict:
    """Facts per stream, and the listed pairs: {(pickup, drop-off): [residual of hail, of dispatch]}."""
    cells = pair_grid()
    places = data[(data["PULocationID"] <= PLACES) & (data["DOLocationID"] <= PLACES) & ~data["aborted"]]
    streams, residuals = [], []
    for stream in range(4):
        rides = places[places["stream"] == stream]
        one, residual = _stream(rides, cells)
        streams.append(one)
        residuals.append(residual)
    return {"streams": streams, "pairs": residuals}


def _stream(rides: pd.DataFrame, cells: dict[str, np.ndarray]) -> tuple[dict, dict[tuple[int, int], float]]:
    cell = ((rides["PULocationID"] - 1) * PLACES + rides["DOLocationID"] - 1).to_numpy()
    counts = np.bincount(cell, minlength=PLACES**2).astype(float)
    factors = _gravity(counts, cells)
    expected = _expected(factors, cells) * counts.sum()
    listed = np.flatnonzero(counts >= _LISTED_FROM)
    rest = np.flatnonzero((expected > 0.01) & (expected < 15))
    excess = ((counts[rest] - expected[rest]) ** 2 - counts[rest]).sum() / (expected[rest] ** 2).sum()
    hours = np.bincount(rides["weekday"] * 24 + rides["hour"], minlength=168) + 0.5
    facts = {
        "rides": len(rides),
        "hours": _shares(hours, 1e5),
        "pickups": _shares(factors[0], 1e5),
        "dropoffs": _shares(factors[1], 1e5),
        "distance": (factors[2] / factors[2].max() * 1000).round(2).tolist(),
        "flow": (factors[3] * 100).round(1).tolist(),
        "excess": round(float(excess), 2),
        **_tilts(rides["hour"].to_numpy(), cells["bin"][cell], cells["flow"][cell]),
    }
    residual = (counts[listed] + 3) / (expected[listed] + 3)
    pairs = {(int(c // PLACES + 1), int(c % PLACES + 1)): float(r) for c, r in zip(listed, residual, strict=True)}
    return facts, pairs


def _gravity(counts: np.ndarray, cells: dict[str, np.ndarray], rounds: int = 60) -> list[np.ndarray]:
    """Factors of pickup, drop-off, distance bin and borough flow whose product fits the counts (IPF)."""
    keys = [cells[k] for k in ("pickup", "dropoff", "bin", "flow")]
    sizes = [PLACES, PLACES, len(DISTANCE_EDGES) + 1, len(BOROUGHS) ** 2]
    prior = [1.5, 1.5, 1.0, 3.0]  # keeps places that nobody went to possible
    factors = [np.ones(size) for size in sizes]
    share = counts / counts.sum()
    seen = [np.bincount(key, share, size) for key, size in zip(keys, sizes, strict=True)]
    for _ in range(rounds):
        for i, (key, size) in enumerate(zip(keys, sizes, strict=True)):
            product = np.prod([f[k] for f, k in zip(factors, keys, strict=True)], axis=0)
            model = np.bincount(key, product / product.sum(), size)
            weak = prior[i] / counts.sum()
            factors[i] *= (seen[i] + weak) / (model + weak)
    return factors


def _expected(factors: list[np.ndarray], cells: dict[str, np.ndarray]) -> np.ndarray:
    product = np.prod([f[cells[k]] for f, k in zip(factors, ("pickup", "dropoff", "bin", "flow"), strict=True)], axis=0)
    return product / product.sum()


def _tilts(hour: np.ndarray, distance: np.ndarray, flow: np.ndarray, prior: float = 60) -> dict:
    """How much likelier a distance (by hour) and a flow (by block of hours) is than overall, in percent.

    Fitted together, since far rides cross boroughs; shrunk towards 100 where rides are few.
    """
    bins, flows, block = len(DISTANCE_EDGES) + 1, len(BOROUGHS) ** 2, np.array(HOUR_BLOCKS)
    usual = np.bincount(distance * flows + flow, minlength=bins * flows).reshape(bins, flows) / len(hour)
    by_hour = np.bincount(hour, minlength=24)
    seen = {
        "far": np.bincount(hour * bins + distance, minlength=24 * bins).reshape(24, bins),
        "where": np.bincount(block[hour] * flows + flow, minlength=8 * flows).reshape(8, flows),
    }
    weak = {"far": prior * usual.sum(axis=1), "where": prior * usual.sum(axis=0)}
    tilt = {name: np.ones(table.shape) for name, table in seen.items()}
    for _ in range(20):
        for name in seen:
            model = tilt["far"][:, :, None] * tilt["where"][block][:, None, :] * usual
            model *= (by_hour / model.sum(axis=(1, 2)))[:, None, None]
            by_flow = np.array([model[block == b].sum(axis=(0, 1)) for b in range(8)])
            expected = model.sum(axis=2) if name == "far" else by_flow
            tilt[name] *= (seen[name] + weak[name] + 1e-9) / (expected + weak[name] + 1e-9)
    return {
        "hour_distance": (tilt["far"] * 100).round().astype(int).tolist(),
        "hour_flow": (tilt["where"] * 100).round().astype(int).tolist(),
    }


def _shares(values: np.ndarray, scale: float) -> list[float]:
    return [float(f"{v:.3g}") for v in values / values.sum() * scale]


def merged(residuals: list[dict], listed: dict[tuple[int, int], tuple[float, float]]) -> list[list[int]]:
    """A line for each listed pair: pickup, drop-off, residual by stream (percent), path and pace effect (percent).

    0 and -999 stand for a pair that isn't listed there.
    """
    keys = sorted(set().union(*residuals, listed))
    lines = []
    for key in keys:
        shares = [round(r[key] * 100) if key in r else 0 for r in residuals]
        effects = [round(e * 100) for e in listed[key]] if key in listed else [-999, -999]
        lines.append([*key, *shares, *effects])
    return lines
