"""How far and how long rides are: what explains the metered miles and the minutes, and what is noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_lib.taxi.simulator_facts import (
    DETOUR_KNOTS,
    DISTANCE_EDGES,
    NOISE_EDGES,
    NOISE_PROBABILITIES,
    PACE_KNOTS,
    PLACES,
    SPREAD_EDGES,
    hats,
)

_LISTED_FROM = 60
_ROUNDS = 25


class Additive:
    """A weighted additive model of log values: group effects shrunk towards zero, and curves; by backfitting."""

    def __init__(self, y: np.ndarray, weights: np.ndarray) -> None:
        self.left, self.weights, self.parts = y.copy(), weights, {}

    def group(self, name: str, key: np.ndarray, size: int, prior: float) -> None:
        """One effect for each key; ``prior`` counts like that many weighted rides of effect zero."""
        self.parts[name] = ("group", key, np.zeros(size), np.bincount(key, self.weights, size) + prior)

    def curve(self, name: str, x: np.ndarray, knots: tuple[float, ...], kind: np.ndarray, on: np.ndarray) -> None:
        """A piecewise linear curve of log x for each of two kinds, on the rows where ``on``."""
        low, share = hats(x, knots)
        column = np.where(on, kind * len(knots) + low, 0)
        rows = [(column, np.where(on, 1 - share, 0.0)), (column + on, np.where(on, share, 0.0))]
        size = 2 * len(knots)
        gram = np.zeros((size, size))
        for a, va in rows:
            for b, vb in rows:
                gram += np.bincount(a * size + b, self.weights * va * vb, size * size).reshape(size, size)
        self.parts[name] = ("curve", rows, np.zeros(size), np.linalg.inv(gram + np.eye(size) * 1e-3))

    def value(self, name: str) -> np.ndarray:
        """What a part contributes to each row."""
        kind, key, effect, _ = self.parts[name]
        return effect[key] if kind == "group" else sum(effect[column] * v for column, v in key)

    def run(self, rounds: int = _ROUNDS) -> None:
        """Refit each part on what the others leave, in turn."""
        for _ in range(rounds):
            for name, (kind, key, effect, scale) in self.parts.items():
                self.left += self.value(name)
                if kind == "group":
                    effect[:] = np.bincount(key, self.weights * self.left, len(effect)) / scale
                else:
                    right = sum(np.bincount(c, self.weights * v * self.left, len(effect)) for c, v in key)
                    effect[:] = scale @ right
                self.left -= self.value(name)


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


def _path(rides: pd.DataFrame) -> tuple[Additive, dict]:
    """Metered miles of a ride from the distance between centroids."""
    kind = rides["dispatch"].to_numpy().astype(int)
    miles = rides["miles"].to_numpy()
    same = (rides["PULocationID"] == rides["DOLocationID"]).to_numpy()
    spread_bin = np.digitize(np.where(same, 0, np.maximum(miles, 0.1)), SPREAD_EDGES)
    weights = np.array([0.4, 0.14, 0.12, 0.06, 0.03, 0.02])[spread_bin] ** -1 * 0.1
    model = Additive(np.log(rides["trip_distance"].to_numpy()), weights)
    model.curve("detour", np.maximum(miles, 0.1), DETOUR_KNOTS, kind, ~same)
    model.group("same", np.where(same, 1 + kind, 0), 3, 1e-6)
    model.group("zone", np.where(same, rides["PULocationID"], 0), PLACES + 1, 5)
    model.group("pickup", np.where(same, 0, rides["PULocationID"]), PLACES + 1, 10)
    model.group("dropoff", np.where(same, 0, rides["DOLocationID"]), PLACES + 1, 10)
    model.group("pair", rides["cell"].to_numpy(), PLACES**2, 0.1 / 0.13**2)
    model.run()
    width, spread_facts = _spread(rides, model.left, same)
    scaled = model.left / width
    return model, {
        "detour": model.parts["detour"][2].round(3).reshape(2, -1).tolist(),
        "same": model.parts["same"][2][1:].round(3).tolist(),
        **{k: _percent(model.parts[k][2][1:]) for k in ("zone", "pickup", "dropoff")},
        **spread_facts,
        "pair_sd": _pair_sd(rides, model.left + model.value("pair"), spread_bin, len(SPREAD_EDGES) + 1),
        "noise": _quantiles(scaled, kind * (len(SPREAD_EDGES) + 1) + spread_bin, 2 * (len(SPREAD_EDGES) + 1)),
    }


def _spread(rides: pd.DataFrame, left: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, dict]:
    """Large zones have more scattered doors: how much a zone widens the spread of metered miles."""
    bins = np.digitize(np.where(same, 0, np.maximum(rides["miles"], 0.1)), SPREAD_EDGES)
    model = Additive(np.log(np.abs(left) + 0.01), np.ones(len(rides)))
    model.group("bin", bins * 2 + rides["dispatch"].to_numpy(), 12, 1e-6)
    model.group("spread", rides["PULocationID"].to_numpy(), PLACES + 1, 100)
    model.group("spread_dropoff", rides["DOLocationID"].to_numpy(), PLACES + 1, 100)
    model.run(10)
    width = np.exp(model.value("spread") + model.value("spread_dropoff"))
    return width, {k: _percent(model.parts[k][2][1:]) for k in ("spread", "spread_dropoff")}


def _pace(rides: pd.DataFrame, path: Additive) -> tuple[Additive, dict]:
    """Minutes of a ride from its metered miles, hour, place and day."""
    kind = rides["dispatch"].to_numpy().astype(int)
    metered = np.log(rides["trip_distance"].to_numpy())
    usual = metered - path.left
    bins = np.digitize(rides["miles"], DISTANCE_EDGES) * 2 + kind
    trust = np.ones(2 * (len(DISTANCE_EDGES) + 1))
    weights = np.array([2.5, 1.3, 0.75, 0.65, 0.75, 0.6])[np.digitize(rides["trip_distance"], NOISE_EDGES)] ** -1
    for _ in range(4):
        x = usual + trust[bins] * path.left
        model = Additive(np.log(rides["minutes"].to_numpy()), weights)
        model.curve("curve", np.exp(x), PACE_KNOTS, kind, np.ones(len(rides), bool))
        weekend = (rides["weekday"] >= 5).to_numpy()
        hour = rides["hour"].to_numpy()
        far = np.digitize(rides["miles"], (2, 6))
        model.group("clock", kind * 48 + weekend * 24 + hour, 96, 5)
        model.group("far_clock", kind * 72 + far * 24 + hour, 144, 20)
        model.group("pickup", rides["PULocationID"].to_numpy(), PLACES + 1, 15)
        model.group("dropoff", rides["DOLocationID"].to_numpy(), PLACES + 1, 15)
        model.group("stream", rides["stream"].to_numpy(), 4, 1)
        days = pd.factorize(rides["day"], sort=True)
        model.group("day", days[0], len(days[1]), 30)
        model.group("pair", rides["cell"].to_numpy(), PLACES**2, 1 / 0.12**2 * 0.065)
        model.run()
        trust = _trust(model, x, path.left, bins, trust, kind)
    day = pd.Series(model.parts["day"][2], index=days[1])
    month = day.groupby(day.index.strftime("%Y-%m")).agg(["mean", "std", "size"])
    noise_bin = kind * (len(NOISE_EDGES) + 1) + np.digitize(rides["trip_distance"], NOISE_EDGES)
    return model, {
        "curve": model.parts["curve"][2].round(3).reshape(2, -1).tolist(),
        "trust": trust.round(2).tolist(),
        "clock": _percent(model.parts["clock"][2], 1),
        "far_clock": _percent(model.parts["far_clock"][2], 1),
        "stream": model.parts["stream"][2].round(3).tolist(),
        **{k: _percent(model.parts[k][2][1:]) for k in ("pickup", "dropoff")},
        "day_sd": round(float(month["std"].median()), 4),
        "month": {m: round(float(v), 4) for m, v in month["mean"][month["size"] > 20].items()},
        "pair_sd": _pair_sd(
            rides, model.left + model.value("pair"), np.digitize(rides["trip_distance"], NOISE_EDGES), 6
        ),
        "noise": _quantiles(model.left, noise_bin, 2 * (len(NOISE_EDGES) + 1)),
    }


def _trust(
    model: Additive, x: np.ndarray, deviation: np.ndarray, bins: np.ndarray, trust: np.ndarray, kind: np.ndarray
) -> np.ndarray:
    """How much of a meter's deviation from the pair's usual miles is a longer ride, not a wrong meter."""
    knots, curve = np.log(np.array(PACE_KNOTS)), model.parts["curve"][2].reshape(2, -1)
    low, _ = hats(np.exp(x), PACE_KNOTS)
    slope = (curve[kind, low + 1] - curve[kind, low]) / (knots[low + 1] - knots[low])
    step = deviation * slope
    ok = np.abs(deviation) < 1.5
    top = np.bincount(bins[ok], (step * model.left)[ok], len(trust))
    return np.clip(trust + top / (np.bincount(bins[ok], (step**2)[ok], len(trust)) + 1), 0, 1.2)


def _pair_sd(rides: pd.DataFrame, left: np.ndarray, bins: np.ndarray, size: int) -> list[float]:
    """Standard deviation between pairs, free of noise: covariance of the means of odd and even rides."""
    odd = np.arange(len(rides)) % 2 == 1
    out = []
    for one in range(size):
        means = []
        for half in (odd, ~odd):
            chosen = (bins == one) & half
            grouped = pd.Series(left[chosen]).groupby(rides["cell"].to_numpy()[chosen])
            means.append(grouped.mean()[grouped.size() >= 4])
        both = pd.concat(means, axis=1, join="inner")
        out.append(round(float(np.sqrt(max(both.cov().iloc[0, 1], 0))), 3) if len(both) > 10 else 0.1)
    return out


def _quantiles(values: np.ndarray, bins: np.ndarray, size: int) -> list[list[int]]:
    return [_percent(np.quantile(values[bins == i], NOISE_PROBABILITIES), 1) for i in range(size)]


def _percent(values: np.ndarray, digits: int = 0) -> list[float]:
    rounded = (np.asarray(values) * 100).round(digits)
    return rounded.astype(int).tolist() if digits == 0 else rounded.tolist()
