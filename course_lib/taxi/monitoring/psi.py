"""The population stability index: how far apart two distributions are, as a size, whatever the number of rides.

    PSI = Σ over bins (current share − reference share) · ln(current share ÷ reference share)

It is 0 for equal shares, the same in both directions, and known from credit scoring (N. Siddiqi, *Credit Risk
Scorecards*, Wiley 2006), with its rule of thumb: below 0.1 nothing much happened, above 0.25 a great deal did. In
information theory it is Jeffreys' divergence (H. Jeffreys, 1946).

Two choices are ours, and others choose otherwise, so figures of two tools differ a little:

- The bins of numbers are tenths of the *reference*, with open ends, so that no current value falls outside. Values
  that repeat (a third of all hours are five o'clock) may leave fewer than ten. What is missing has a bin of its own.
- An empty bin would make the logarithm infinite, so every bin gets half a ride more on both sides. A category that
  the reference never saw is a bin, too: nearly empty there, and the index grows with its share.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.errors import CourseError, UsageError

BINS = 10
_HALF_A_RIDE = 0.5


@dataclass(frozen=True)
class Stability:
    """An index and what it is made of.

    ``bins`` has a row for each bin: ``reference`` and ``current`` (shares, 0…1, of what came) and ``part`` (its part of
    the index). ``by_chance`` is the value that 95 of 100 pairs of samples of these sizes from one and the same
    distribution stay below: (1/n + 1/m) · χ²₀.₉₅(bins − 1) (B. Yurdakul, *Statistical Properties of PSI*, 2018).
    """

    value: float
    by_chance: float
    bins: pd.DataFrame


def numeric(reference, current, bins: int = BINS) -> Stability:
    """PSI of numbers, in ``bins`` quantile bins of the reference. Raises CourseError when either side is empty."""
    if bins < 2:
        raise UsageError(f"A distribution needs at least 2 bins, not {bins}.")
    before, now = _numbers(reference, "reference"), _numbers(current, "current")
    known = before[~np.isnan(before)]
    if not len(known):
        raise CourseError("The reference has no value that isn't missing: there is nothing to make bins of.")
    inner = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
    if inner[0] == known.min():  # a tenth of the reference is its least value: what lies below is something new
        inner = np.insert(inner, 0, np.nextafter(inner[0], -np.inf))
    ends = np.concatenate([[-np.inf], inner, [np.inf]])
    names = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(ends)]
    counts = [np.bincount(_bin(values, inner), minlength=len(names) + 1) for values in (before, now)]
    return _index(pd.DataFrame(dict(zip(("reference", "current"), counts, strict=True)), index=[*names, "missing"]))


def categorical(reference, current) -> Stability:
    """PSI of categories; those of either side are bins, a missing value is one. Raises CourseError on an empty side."""
    sides = {}
    for name, values in (("reference", reference), ("current", current)):
        column = pd.Series(values, dtype=object).reset_index(drop=True)
        if column.empty:
            raise _empty(name)
        sides[name] = column.where(column.notna(), "missing").map(str).value_counts()
    return _index(pd.DataFrame(sides).fillna(0).sort_values(["reference", "current"], ascending=False))


def _index(counts: pd.DataFrame) -> Stability:
    from scipy.stats import chi2

    counts = counts[counts.sum(axis=1) > 0]  # a bin that nobody uses says nothing
    totals = counts.sum()
    filled = (counts + _HALF_A_RIDE) / (totals + _HALF_A_RIDE * len(counts))
    parts = (filled["current"] - filled["reference"]) * np.log(filled["current"] / filled["reference"])
    chance = float((1 / totals).sum() * chi2.ppf(0.95, len(counts) - 1)) if len(counts) > 1 else 0.0
    return Stability(float(parts.sum()), chance, (counts / totals).assign(part=parts).rename_axis("bin"))


def _bin(values: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The number of each value's bin; the last is that of missing ones. A value on an edge belongs below it."""
    found = np.searchsorted(inner, values, side="left")
    return np.where(np.isnan(values), len(inner) + 1, found)


def _numbers(values, name: str) -> np.ndarray:
    try:
        numbers = pd.Series(values).to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise UsageError(f"The {name} values aren't numbers: use psi.categorical for categories.") from None
    if not len(numbers):
        raise _empty(name)
    return numbers


def _empty(name: str) -> CourseError:
    return CourseError(f"The {name} side has no rides: an index needs some on both.")
