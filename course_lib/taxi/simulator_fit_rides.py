"""How far and how long rides are: what explains the metered miles and the minutes, and what is noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_lib.taxi.simulator_facts import (
    ASTRAY_EDGES,
    DAY_PARTS,
    DETOUR_KNOTS,
    DISTANCE_EDGES,
    HOUR_BLOCKS,
    NOISE_EDGES,
    NOISE_PROBABILITIES,
    PACE_KNOTS,
    PLACES,
    SPREAD_EDGES,
    hats,
    pair_grid,
)
from course_lib.taxi.simulator_fit_additive import Additive, percent

# Rides of a pair from which it is listed with its own effects, and from which it tells noise from effect.
_LISTED_FROM, _ENOUGH = 60, 5
# Weighted rides of effect zero that a pair's own effect is shrunk by: noise variance over pair variance.
_PATH_PRIOR, _PACE_PRIOR = 0.1 / 0.17**2, 0.065 / 0.13**2


def fit(data: pd.DataFrame) -> dict:
    """Facts about metered miles and minutes; ``pairs`` has the effects of the pairs with many rides."""
    rides = data[
        ~data["aborted"]
        & data["minutes"].between(1, 180)
        & data["trip_distance"].between(0.05, 60)
        & (data["PULocationID"] <= PLACES)
        & (data["DOLocationID"] <= PLACES)
    ].reset_index(drop=True)
    rides["cell"] = ((rides["PULocationID"] - 1) * PLACES + rides["DOLocationID"] - 1).to_numpy()
    path, path_facts = _path(rides)
    pace, pace_facts = _pace(rides, path)
    many = np.flatnonzero(np.bincount(rides["cell"], minlength=PLACES**2) >= _LISTED_FROM)
    cells = [(int(c // PLACES + 1), int(c % PLACES + 1)) for c in many]
    effects = zip(path.parts["pair"][2][many], pace.parts["pair"][2][many], strict=True)
    return {
        "path": path_facts,
        "pace": pace_facts,
        "pairs": {cell: (float(a), float(b)) for cell, (a, b) in zip(cells, effects, strict=True)},
    }


def spread_bins(rides: pd.DataFrame) -> np.ndarray:
    """Bins of the distance between centroids; zones that share one are still two."""
    same = rides["PULocationID"] == rides["DOLocationID"]
    return np.digitize(np.where(same, 0, np.maximum(rides["miles"], 0.1)), SPREAD_EDGES)


def _path(rides: pd.DataFrame) -> tuple[Additive, dict]:
    """Metered miles of a ride from the distance between centroids."""
    stream = rides["stream"].to_numpy()
    miles = rides["miles"].to_numpy()
    same = (rides["PULocationID"] == rides["DOLocationID"]).to_numpy()
    spread_bin = spread_bins(rides)
    weights = np.array([0.4, 0.14, 0.12, 0.06, 0.03, 0.02])[spread_bin] ** -1 * 0.1
    model = Additive(np.log(rides["trip_distance"].to_numpy()), weights)
    model.curve("detour", np.maximum(miles, 0.1), DETOUR_KNOTS, stream, ~same)
    model.group("same", np.where(same, 1 + stream, 0), 5, 1e-6)
    model.group("zone", np.where(same, rides["PULocationID"], 0), PLACES + 1, 5)
    model.group("pickup", np.where(same, 0, rides["PULocationID"]), PLACES + 1, 10)
    model.group("dropoff", np.where(same, 0, rides["DOLocationID"]), PLACES + 1, 10)
    model.group("pair", rides["cell"].to_numpy(), PLACES**2, _PATH_PRIOR)
    model.run()
    within, enough = _within(rides, model.left + model.value("pair"))
    width, spread_facts = _spread(rides, within)
    return model, {
        "detour": model.parts["detour"][2].round(3).reshape(4, -1).tolist(),
        "same": model.parts["same"][2][1:].round(3).tolist(),
        **{k: percent(model.parts[k][2][1:]) for k in ("zone", "pickup", "dropoff")},
        **spread_facts,
        "pair_sd": _pair_sd(rides, model.left + model.value("pair"), within, spread_bin),
        "noise": _noise(rides[enough], (within / width)[enough], spread_bin[enough]),
    }


def _spread(rides: pd.DataFrame, left: np.ndarray) -> tuple[np.ndarray, dict]:
    """Large zones have more scattered doors: how much a zone widens the spread of metered miles."""
    bins = spread_bins(rides)
    model = Additive(np.log(np.abs(left) + 0.01), np.ones(len(rides)))
    model.group("bin", bins * 2 + rides["dispatch"].to_numpy(), 12, 1e-6)
    model.group("spread", rides["PULocationID"].to_numpy(), PLACES + 1, 100)
    model.group("spread_dropoff", rides["DOLocationID"].to_numpy(), PLACES + 1, 100)
    model.run(10)
    width = np.exp(model.value("spread") + model.value("spread_dropoff"))
    return width, {k: percent(model.parts[k][2][1:]) for k in ("spread", "spread_dropoff")}


def _pace(rides: pd.DataFrame, path: Additive) -> tuple[Additive, dict]:
    """Minutes of a ride from its metered miles, hour, place and day."""
    kind, stream = rides["dispatch"].to_numpy().astype(int), rides["stream"].to_numpy()
    metered = np.log(rides["trip_distance"].to_numpy())
    usual = metered - path.left
    bins = np.digitize(rides["miles"], DISTANCE_EDGES) * 2 + kind
    trust = np.ones(2 * (len(DISTANCE_EDGES) + 1))
    astray = bins * (len(ASTRAY_EDGES) + 1) + np.digitize(path.left, ASTRAY_EDGES)
    table = len(trust) * (len(ASTRAY_EDGES) + 1)
    months = pd.factorize(rides["month"], sort=True)
    weights = np.array([2.5, 1.3, 0.75, 0.65, 0.75, 0.6])[np.digitize(rides["trip_distance"], NOISE_EDGES)] ** -1
    for _ in range(4):
        x = usual + trust[bins] * path.left
        model = Additive(np.log(rides["minutes"].to_numpy()), weights)
        model.curve("curve", np.exp(x), PACE_KNOTS, stream, np.ones(len(rides), bool))
        weekend = (rides["weekday"] >= 5).to_numpy()
        hour = rides["hour"].to_numpy()
        far = np.digitize(rides["miles"], (2, 6))
        model.group("clock", kind * 48 + weekend * 24 + hour, 96, 5)
        late = rides["late"].to_numpy()
        model.group("late_clock", np.where(late, 1 + weekend * 24 + hour, 0), 49, 100)
        model.group("far_clock", ((kind * 2 + weekend) * 3 + far) * 24 + hour, 288, 30)
        model.group("astray", astray, table, 50)
        model.group("month_far", months[0] * 3 + far, len(months[1]) * 3, 100)
        block = np.array(DAY_PARTS)[hour]
        model.group("pickup_part", block * (PLACES + 1) + rides["PULocationID"].to_numpy(), 4 * (PLACES + 1), 40)
        model.group("dropoff_part", block * (PLACES + 1) + rides["DOLocationID"].to_numpy(), 4 * (PLACES + 1), 40)
        flow = pair_grid()["flow"][rides["cell"]]
        model.group("flow_far", flow * 3 + far, 36 * 3, 60)
        model.group("flow_part", (np.array(HOUR_BLOCKS)[hour] * 2 + weekend) * 36 + flow, 16 * 36, 60)
        model.group("pickup", rides["PULocationID"].to_numpy(), PLACES + 1, 15)
        model.group("dropoff", rides["DOLocationID"].to_numpy(), PLACES + 1, 15)
        days = pd.factorize(rides["day"], sort=True)
        model.group("day", days[0], len(days[1]), 30)
        model.group("pair", rides["cell"].to_numpy(), PLACES**2, _PACE_PRIOR)
        model.run()
        trust = _trust(model, x, path.left, bins, trust, stream)
    day = pd.Series(model.parts["day"][2], index=days[1])
    month = day.groupby(day.index.strftime("%Y-%m")).agg(["mean", "std", "size"])
    noise_bin = np.digitize(rides["trip_distance"], NOISE_EDGES)
    within, enough = _within(rides, model.left + model.value("pair"))
    alike = (kind * (len(NOISE_EDGES) + 1) + noise_bin)[enough]
    scale = _scale(within[enough], alike, astray[enough], table)
    calm = _spread_by(within[enough] / scale[astray][enough], months[0][enough])
    scaled = within / scale[astray] / calm[months[0]]
    return model, {
        "curve": model.parts["curve"][2].round(3).reshape(4, -1).tolist(),
        "trust": trust.round(2).tolist(),
        "clock": percent(model.parts["clock"][2], 1),
        "late_clock": percent(model.parts["late_clock"][2], 1),
        "far_clock": percent(model.parts["far_clock"][2], 1),
        **{k: percent(model.parts[k][2][1:]) for k in ("pickup", "dropoff")},
        **{k: [percent(v[1:]) for v in model.parts[k][2].reshape(4, -1)] for k in ("pickup_part", "dropoff_part")},
        "flow_far": [percent(v) for v in model.parts["flow_far"][2].reshape(36, 3)],
        "flow_part": [percent(v) for v in model.parts["flow_part"][2].reshape(16, -1)],
        "day_sd": round(float(month["std"].median()), 4),
        "astray": [percent(v) for v in model.parts["astray"][2].reshape(len(trust), -1)],
        "astray_scale": [percent(v) for v in scale.reshape(len(trust), -1)],
        "month_far": dict(zip(months[1], _rounded(model.parts["month_far"][2].reshape(-1, 3)), strict=True)),
        "month_noise": dict(zip(months[1], _rounded(calm), strict=True)),
        "month": {m: round(float(v), 4) for m, v in month["mean"][month["size"] > 20].items()},
        "pair_sd": _pair_sd(rides, model.left + model.value("pair"), within, spread_bins(rides)),
        "noise": _noise(rides[enough], scaled[enough], noise_bin[enough]),
    }


def _scale(left: np.ndarray, alike: np.ndarray, astray: np.ndarray, size: int) -> np.ndarray:
    """How much wider than usual the noise is where the meter strays from a pair's usual miles, by bin."""
    relative = (left**2) / (np.bincount(alike, left**2) / np.bincount(alike))[alike]
    return np.sqrt((np.bincount(astray, relative, size) + 30) / (np.bincount(astray, minlength=size) + 30))


def _spread_by(left: np.ndarray, key: np.ndarray) -> np.ndarray:
    sd = np.sqrt(np.bincount(key, left**2) / np.bincount(key))
    return sd / np.sqrt((left**2).mean())


def _rounded(values: np.ndarray) -> list:
    return values.round(3).tolist()


def _trust(
    model: Additive, x: np.ndarray, deviation: np.ndarray, bins: np.ndarray, trust: np.ndarray, stream: np.ndarray
) -> np.ndarray:
    """How much of a meter's deviation from the pair's usual miles is a longer ride, not a wrong meter."""
    knots, curve = np.log(np.array(PACE_KNOTS)), model.parts["curve"][2].reshape(4, -1)
    low, _ = hats(np.exp(x), PACE_KNOTS)
    slope = (curve[stream, low + 1] - curve[stream, low]) / (knots[low + 1] - knots[low])
    step = deviation * slope
    ok = np.abs(deviation) < 1.5
    top = np.bincount(bins[ok], (step * model.left)[ok], len(trust))
    return np.clip(trust + top / (np.bincount(bins[ok], (step**2)[ok], len(trust)) + 1), 0, 1.2)


def _within(rides: pd.DataFrame, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviations from the pair's own mean, as wide as the noise they come from, and where rides are enough."""
    n = np.bincount(rides["cell"], minlength=PLACES**2)[rides["cell"]]
    mean = (np.bincount(rides["cell"], values, PLACES**2)[rides["cell"]]) / n
    return (values - mean) * np.sqrt(n / np.maximum(n - 1, 1)), n >= _ENOUGH


def _pair_sd(rides: pd.DataFrame, values: np.ndarray, within: np.ndarray, bins: np.ndarray) -> list[float]:
    """Standard deviation between the pairs that are not listed, by bin: all variance minus that within pairs."""
    n = np.bincount(rides["cell"], minlength=PLACES**2)[rides["cell"]]
    some = (n >= _ENOUGH) & (n < _LISTED_FROM)
    variances = [values[some & (bins == i)].var() - within[some & (bins == i)].var() for i in range(bins.max() + 1)]
    return np.sqrt(np.maximum(variances, 0)).round(3).tolist()


def _noise(rides: pd.DataFrame, values: np.ndarray, bins: np.ndarray) -> list[list[float]]:
    """Quantiles of noise in percent: a row for each of three groups (hail, dispatch, hail 2022) and bin."""
    group = np.array([0, 1, 2, 1])[rides["stream"]]
    return [
        percent(np.quantile(values[(group == one) & (bins == i)], NOISE_PROBABILITIES), 1)
        for one in range(3)
        for i in range(bins.max() + 1)
    ]
