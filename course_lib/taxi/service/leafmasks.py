"""An ensemble of trees without walking any: each feature says which leaves are still possible, and one is left.

A tree asks one question after another. They can as well be asked all at once, feature by feature: where miles are
between 2.5 and 2.8, say, some leaves of each tree are out of reach, whatever else is known of the ride. So for each
feature and each interval between its thresholds, a row of bits is worked out beforehand: 1 for every leaf, of all
trees, that a ride in that interval may still reach. A ride has as many rows as features. A leaf that is possible in
all of them is the leaf it ends in: one in each tree. That is an AND of a dozen rows, and a sum.

Source: C. Lucchese and others, QuickScorer: a fast algorithm to rank documents with additive ensembles of regression
trees, SIGIR 2015 (there for one tree at a time, in C++).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BITS = 64
_ALL = (1 << _BITS) - 1


class LeafMasks:
    """The rows of bits of ``trees``: node tables as HistGradientBoosting keeps them, splits by numbers only.

    ``features`` is how many a ride has; a node's ``feature_idx`` counts in them.
    """

    def __init__(self, trees: Sequence[np.ndarray], features: int) -> None:
        splits = np.concatenate([nodes[nodes["is_leaf"] == 0] for nodes in trees])
        self._thresholds = [
            np.unique(splits["num_threshold"][splits["feature_idx"] == feature]) for feature in range(features)
        ]
        # per feature: an interval below each threshold, one above the last, one for a missing value
        self._first = np.cumsum([0, *(len(own) + 2 for own in self._thresholds)])
        leaves = max(int(nodes["is_leaf"].sum()) for nodes in trees)
        self._words = -(-leaves // _BITS)
        columns = len(trees) * self._words
        self._rows = np.full((self._first[-1], columns), _ALL, dtype=np.uint64)
        # what a word of bits says: entry 0 for none, entry k + 1 for bit k
        self._values = np.zeros((columns, _BITS + 1))
        for number, nodes in enumerate(trees):
            self._enter(nodes, number * self._words)
        self._start = np.arange(columns) * (_BITS + 1)
        self._flat = self._values.ravel()

    def rows(self, feature: int, values: np.ndarray) -> np.ndarray:
        """The numbers of the rows for ``values`` of a feature: NaN is a missing value."""
        own, first = self._thresholds[feature], self._first[feature]
        interval = np.searchsorted(own, values, side="left")  # a value equal to a threshold goes left
        return first + np.where(np.isnan(values), len(own) + 1, interval)

    def total(self, rows: np.ndarray) -> float:
        """The sum over all trees for the ride that has these ``rows``, one for each feature."""
        possible = np.bitwise_and.reduce(self._rows.take(rows, axis=0), axis=0)
        _, bits = np.frexp(possible)  # of a power of 2, its exponent + 1; of 0, 0
        return float(self._flat.take(self._start + bits).sum())

    def _enter(self, nodes: np.ndarray, column: int) -> None:
        """One tree: its leaves are numbered from left to right, those below a node are then next to each other."""
        columns = slice(column, column + self._words)
        values = []

        def enter(at: int) -> int:
            """The leaves below a node, as bits."""
            node = nodes[at]
            if node["is_leaf"]:
                values.append(float(node["value"]))
                return 1 << (len(values) - 1)
            left, right = enter(int(node["left"])), enter(int(node["right"]))
            feature = int(node["feature_idx"])
            first, own = self._first[feature], self._thresholds[feature]
            beyond = first + int(np.searchsorted(own, node["num_threshold"])) + 1
            missing = first + len(own) + 1
            self._rows[first:beyond, columns] &= self._words_of(~right)
            self._rows[beyond:missing, columns] &= self._words_of(~left)
            self._rows[missing, columns] &= self._words_of(~right if node["missing_go_to_left"] else ~left)
            return left | right

        self._rows[:, columns] &= self._words_of(enter(0))  # there are no more leaves than these
        for leaf, value in enumerate(values):
            self._values[column + leaf // _BITS, leaf % _BITS + 1] = value

    def _words_of(self, leaves: int) -> np.ndarray:
        """A tree's bits, in words of 64."""
        return np.array([leaves >> (word * _BITS) & _ALL for word in range(self._words)], dtype=np.uint64)
