"""The model behind the calibration: log values as a sum of effects of places and times, and curves."""

from __future__ import annotations

import numpy as np

from course_lib.taxi.simulator_facts import STREAMS, hats

_ROUNDS = 25


class Additive:
    """A weighted additive model of log values: group effects shrunk towards zero, and curves; by backfitting."""

    def __init__(self, y: np.ndarray, weights: np.ndarray) -> None:
        self.left, self.weights, self.parts = y.copy(), weights, {}

    def group(self, name: str, key: np.ndarray, size: int, prior: float) -> None:
        """One effect for each key; ``prior`` counts like that many weighted rides of effect zero."""
        self.parts[name] = ("group", key, np.zeros(size), np.bincount(key, self.weights, size) + prior)

    def curve(self, name: str, x: np.ndarray, knots: tuple[float, ...], stream: np.ndarray, on: np.ndarray) -> None:
        """A piecewise linear curve of log x for each of the four streams, on the rows where ``on``."""
        low, share = hats(x, knots)
        column = np.where(on, stream * len(knots) + low, 0)
        rows = [(column, np.where(on, 1 - share, 0.0)), (column + on, np.where(on, share, 0.0))]
        size = len(STREAMS) * len(knots)
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


def percent(values: np.ndarray, digits: int = 0) -> list[float]:
    """Values times 100, rounded: how effects are written down."""
    rounded = (np.asarray(values) * 100).round(digits)
    return rounded.astype(int).tolist() if digits == 0 else rounded.tolist()
