"""What a simulated month is like as a whole: its size, its customers, its traffic, its files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.taxi import months
from course_lib.taxi.simulator_facts import facts

#: The months that can be simulated.
FIRST, LAST = "2018-01", "2026-12"

# Rows of months that were not measured: a level by year and a season by month, both in thousands of rows.
# Before the pandemic real months were ten times as large; a course has no use for that by default.
_LEVEL = {2018: 78, 2019: 76, 2020: 78, 2021: 89, 2022: 70, 2023: 66, 2024: 57, 2025: 49, 2026: 45}
_SEASON = (0.96, 0.92, 1.04, 1.0, 1.03, 1.0, 0.94, 0.95, 1.0, 1.07, 1.03, 1.02)
_LOCKDOWN = {"2020-03": 0.8, "2020-04": 0.45, "2020-05": 0.62, "2020-06": 0.75, "2020-07": 0.9}
# Log minutes per mile against the average of the measured months: slow autumns, quick winters.
_PACE = (-0.05, -0.01, 0.0, 0.01, 0.03, 0.04, 0.0, -0.02, 0.04, 0.05, 0.06, 0.05)
_PACE_LOCKDOWN = {"2020-03": -0.06, "2020-04": -0.26, "2020-05": -0.2, "2020-06": -0.12, "2020-07": -0.08}


@dataclass(frozen=True)
class MonthFacts:
    """One month's parameters.

    ``dispatch`` is the share of rides booked with a dispatcher; ``late`` tells the regime after 2021;
    ``pace`` is added to the log of every duration, ``pace_far`` to those of rides under 2, 2 to 6 and over 6
    miles, and ``noise`` scales their spread; ``absurd`` is the share of dispatched rides whose meter
    sent nonsense, ``silent`` that of hailed rides whose meter sent no distance (None: as usual); ``shorter``
    tilts the choice of pairs towards short rides (log weight per log mile).
    """

    month: months.Month
    rows: int
    dispatch: float
    late: bool
    pace: float
    pace_far: tuple[float, float, float]
    noise: float
    absurd: float
    silent: float | None
    shorter: float

    def generator(self, stage: str, rows: int = 0) -> np.random.Generator:
        """Random numbers for one stage of this month: changing one stage leaves the others as they are.

        Rides depend on how many there are (``rows``); the month's weather and fashions don't.
        """
        stage_number = int.from_bytes(stage.encode()[:8].ljust(8), "big")
        seed = np.random.SeedSequence([self.month.year, self.month.number, rows, stage_number])
        return np.random.Generator(np.random.PCG64(seed))

    @property
    def new_tariff(self) -> bool:
        """Whether the fares of 19 December 2022 hold for the whole month."""
        return str(self.month) >= "2023-01"

    @property
    def new_types(self) -> bool:
        """Whether the file has the column types of 2023 and later."""
        return str(self.month) >= "2023-01"


def check_known(month: months.Month) -> None:
    """Raise MonthNotFound for a month outside of the simulator's years."""
    if not FIRST <= str(month) <= LAST:
        raise months.MonthNotFound(f"{month} can't be simulated: simulated months run from {FIRST} to {LAST}.")


def default_rows(month: str) -> int:
    """Rows of a month when nobody asks for another number: the real number where it was measured."""
    wanted = months.parse(month)
    check_known(wanted)
    if measured := facts()["months"].get(str(wanted)):
        return measured["rows"]
    level = _LEVEL[wanted.year] * _SEASON[wanted.number - 1] * _LOCKDOWN.get(str(wanted), 1.0)
    return round(1000 * level) + (wanted.year * 12 + wanted.number) * 37 % 997


def month_facts(month: str) -> MonthFacts:
    """The parameters of a month, measured where the calibration has it. Raises MonthNotFound."""
    wanted = months.parse(month)
    check_known(wanted)
    name, measured = str(wanted), facts()["months"].get(str(wanted), {})
    late = name >= "2022"
    pandemic = "2020-03" <= name < "2022"
    years_on = max(wanted.year - 2022 + (wanted.number - 1) / 12, 0) if late else 0.0
    pace = _PACE[wanted.number - 1] + _PACE_LOCKDOWN.get(name, 0.0) + (0.03 + 0.015 * years_on if late else 0.0)
    return MonthFacts(
        month=wanted,
        rows=default_rows(name),
        dispatch=measured.get("dispatch", _dispatch_share(wanted)),
        late=not pandemic,
        pace=measured.get("pace", pace),
        silent=measured.get("silent"),
        pace_far=tuple(measured.get("pace_far", (0.0, 0.0, 0.0))),
        noise=measured.get("noise", 1.03 if late else 1.0),
        absurd=measured.get("absurd", 0.0095 if late else 0.0019),
        shorter=min(0.06 * years_on, 0.15),
    )


def _dispatch_share(month: months.Month) -> float:
    """Dispatch firms came in 2019, carried the pandemic, and left with 2022."""
    name = str(month)
    if name < "2020-03":
        return 0.005 if name < "2019-07" else 0.12 + 0.02 * (month.number % 6)
    if name < "2022":
        return 0.44 + 0.02 * (month.number % 3)
    return 0.09 if month.year == 2022 else 0.065


def holidays(month: months.Month) -> set[pd.Timestamp]:
    """Public holidays in New York that empty the streets, as midnights."""
    start, year = month.start, month.year
    fixed = [(1, 1), (6, 19) if year > 2021 else (1, 1), (7, 4), (12, 25)]
    days = {pd.Timestamp(year, m, d) for m, d in fixed}
    monday = {m: _nth(year, m, 0, n) for m, n in ((1, 3), (2, 3), (9, 1))}
    days |= {*monday.values(), _nth(year, 11, 3, 4), _nth(year, 6, 0, 1) - pd.Timedelta(days=7)}
    return {day for day in days if start <= day < month.end}


def _nth(year: int, month: int, weekday: int, n: int) -> pd.Timestamp:
    first = pd.Timestamp(year, month, 1)
    return first + pd.Timedelta(days=(weekday - first.dayofweek) % 7 + 7 * (n - 1))
