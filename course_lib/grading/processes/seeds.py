"""Luck, taken out of grading."""

from __future__ import annotations

import random
import sys


def seed() -> None:
    """The same random numbers for everybody, so that a grade does not depend on luck or on the order of grading."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
