"""The population stability index: by hand, and where others divide by zero."""

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.monitoring import psi


def test_by_hand():
    """Shares 0.5/0.5 against 0.8/0.2: (0.3)·ln(1.6) + (−0.3)·ln(0.4) = 0.4159, or a hair less."""
    index = psi.categorical(["a"] * 5000 + ["b"] * 5000, ["a"] * 8000 + ["b"] * 2000)
    assert index.value == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4), abs=1e-3)
    assert index.bins["part"].sum() == pytest.approx(index.value)
    assert index.bins.loc["a", ["reference", "current"]].tolist() == [0.5, 0.8]


def test_nothing_changed_is_zero_and_direction_does_not_matter():
    values = np.random.default_rng(0).normal(size=500)
    assert psi.numeric(values, values).value == 0
    there = psi.categorical(list("aabbbc"), list("abbccc")).value
    assert there == pytest.approx(psi.categorical(list("abbccc"), list("aabbbc")).value)


def test_numbers_use_tenths_of_the_reference():
    index = psi.numeric(np.arange(1000), np.arange(1000))
    assert len(index.bins) == 10
    np.testing.assert_allclose(index.bins["reference"], 0.1, atol=0.002)


@pytest.mark.parametrize("current", [[4.0] * 100, [6.0] * 100])
def test_a_constant_reference_sees_values_below_and_above(current):
    assert psi.numeric([5.0] * 100, [5.0] * 100).value == 0
    assert psi.numeric([5.0] * 100, current).value > 1


def test_unseen_and_vanished_categories_are_finite_and_grow_with_their_share():
    before = ["a"] * 50 + ["b"] * 50
    little, much = (psi.categorical(before, ["a"] * (100 - n) + ["new"] * n).value for n in (10, 60))
    assert 0 < little < much < np.inf


def test_missing_values_are_a_bin_of_their_own():
    before = np.arange(100.0)
    half = np.where(np.arange(100) % 2, np.nan, before)
    index = psi.numeric(before, half)
    assert index.bins.loc["missing", "current"] == 0.5
    assert index.value > 1
    assert psi.categorical(["a", None], ["a", "a"]).bins.loc["missing", "reference"] == 0.5


def test_what_chance_alone_gives():
    rng = np.random.default_rng(1)
    found = [psi.numeric(rng.normal(size=400), rng.normal(size=300)) for _ in range(200)]
    above = np.mean([one.value > one.by_chance for one in found])
    assert 0.01 <= above <= 0.11


@pytest.mark.parametrize("measure", [psi.numeric, psi.categorical])
def test_an_empty_side(measure):
    with pytest.raises(CourseError, match="current side has no rides"):
        measure(pd.Series([1.0, 2.0]), pd.Series([], dtype=float))


def test_asked_wrongly():
    with pytest.raises(UsageError, match=r"psi\.categorical"):
        psi.numeric(["a", "b"], ["a"])
    with pytest.raises(UsageError, match="at least 2 bins"):
        psi.numeric([1, 2], [1], bins=1)
    with pytest.raises(CourseError, match="nothing to make bins of"):
        psi.numeric([np.nan], [1.0])
