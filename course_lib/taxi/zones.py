"""The TLC's 265 taxi zones: names, boroughs and centroids, searchable by name.

Trips name places by zone number only. Two numbers are no place: 264 (unknown) and 265 (outside of New York
City); they have no centroid, so every distance to or from them is NaN.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import pandas as pd

from course_lib.errors import UsageError

#: Zones that are no place: unknown, and outside of the city.
UNKNOWN_ZONES = (264, 265)

_EARTH_RADIUS_MILES = 3958.8
_TEXT_COLUMNS = ("name", "borough", "service_zone")


class UnknownZone(UsageError):
    """No zone has this number or name; the message suggests the nearest ones."""


@dataclass(frozen=True)
class Zone:
    """One taxi zone; ``lon`` and ``lat`` (degrees) are its centroid, NaN for the zones that are no place."""

    id: int
    name: str
    borough: str
    service_zone: str
    lon: float
    lat: float


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    text = resources.files("course_lib.taxi").joinpath("data/zones.csv")
    with text.open(encoding="utf-8") as file:
        return pd.read_csv(file, index_col="zone_id", dtype=dict.fromkeys(_TEXT_COLUMNS, "str"))


def table() -> pd.DataFrame:
    """All zones: index ``zone_id`` 1…265; columns name, borough, service_zone, lon and lat (degrees)."""
    return _table().copy()


def zone(which: int | str) -> Zone:
    """The zone with this number, or with this name if the name leads to one place.

    ``zone(7)``, ``zone("Astoria")`` and ``zone("jfk")`` work. Capitals and punctuation don't matter. Where
    several numbers share one name and centroid (Corona), the lowest is returned.

    Raises UnknownZone for a number or name that no zone has, and for a name that several places match.
    """
    if isinstance(which, str) and not which.strip().isdecimal():
        return _zone_by_name(which)
    number = _as_number(which)
    known = _table()
    if number not in known.index:
        raise UnknownZone(
            f"There is no taxi zone {which}: zones have the numbers 1 to 265. "
            f"Nearest: {_listed(_nearest_numbers(number))}."
        )
    row = known.loc[number]
    return Zone(number, row["name"], row["borough"], row["service_zone"], float(row["lon"]), float(row["lat"]))


def find(text: str) -> pd.DataFrame:
    """All zones whose name holds every word of ``text``, in the form of :func:`table`.

    ``find("astoria")`` has Astoria, Astoria Park and Old Astoria. Raises UnknownZone, with the nearest
    names, if there is none.
    """
    words = _plain(text).split()
    if not words:
        raise UnknownZone("A search for a zone needs at least one word of its name, for example 'astoria'.")
    plain = _plain_names()
    hits = [i for i, name in plain.items() if all(word in name for word in words)]
    if not hits:
        nearest = suggest(text)
        hint = f"Nearest: {_listed(nearest)}." if nearest else "course_lib.taxi.zones.table() lists all names."
        raise UnknownZone(f"No taxi zone is called '{text}'. {hint}")
    return _table().loc[hits].copy()


def suggest(text: str, limit: int = 5) -> list[int]:
    """Numbers of the zones whose names look most like ``text``, best first; empty if none comes near."""
    wanted = _plain(text)
    closeness = {}
    for number, name in _plain_names().items():
        parts = [name, *name.split()]
        closeness[number] = max(difflib.SequenceMatcher(None, wanted, part).ratio() for part in parts)
    near = sorted((n for n, score in closeness.items() if score >= 0.6), key=lambda n: (-closeness[n], n))
    return near[:limit]


def distance_miles(
    pickup_ids: Iterable[int] | np.ndarray | pd.Series, dropoff_ids: Iterable[int] | np.ndarray | pd.Series
) -> np.ndarray:
    """Great-circle distance in miles between the centroids of zones, pair by pair.

    Takes two sequences of zone numbers of the same length n (or two numbers) and returns float64 of shape
    (n,); NaN where a zone is no place (264, 265) and 0 within one zone. Haversine formula, Earth radius
    3958.8 miles. Raises UnknownZone for numbers outside 1…265.
    """
    lon1, lat1 = _centroids(pickup_ids)
    lon2, lat2 = _centroids(dropoff_ids)
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_MILES * np.arcsin(np.sqrt(half))


def _centroids(ids: Iterable[int] | np.ndarray | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes in radians."""
    numbers = np.asarray(ids if isinstance(ids, np.ndarray | pd.Series) else np.array(ids))
    wrong = ~((numbers >= 1) & (numbers <= 265) & (numbers == np.floor(numbers)))
    if wrong.any():
        examples = ", ".join(str(value) for value in pd.unique(np.atleast_1d(numbers)[np.atleast_1d(wrong)])[:3])
        raise UnknownZone(f"Zones have the numbers 1 to 265; these are none: {examples}.")
    known = _table()
    rows = numbers.astype(np.int64) - 1
    return np.radians(known["lon"].to_numpy()[rows]), np.radians(known["lat"].to_numpy()[rows])


def _zone_by_name(text: str) -> Zone:
    wanted = _plain(text)
    hits = [number for number, name in _plain_names().items() if name == wanted]
    if not hits:
        found = find(text)
        places = found.drop_duplicates(["name", "lon", "lat"])
        if len(places) > 1:
            raise UnknownZone(f"Several taxi zones are called something like '{text}': {_listed(places.index)}.")
        hits = list(places.index)
    return zone(int(hits[0]))


def _as_number(which: int | str) -> int:
    try:
        number = int(which)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(which, bool) or (not isinstance(which, str) and number != which):
        raise UnknownZone(f"A taxi zone is a number from 1 to 265 or a name, not {which!r}.")
    return number


def _nearest_numbers(number: int) -> list[int]:
    """Numbers that a slip of the finger away (1320 for 132), else the nearest in value."""
    alike = difflib.get_close_matches(str(number), [str(i) for i in range(1, 266)], n=3, cutoff=0.75)
    return [int(i) for i in alike] or [min(max(number, 1), 265)]


def _listed(numbers: Iterable[int]) -> str:
    names = _table()["name"]
    return ", ".join(f"{number} {names[number]}" for number in numbers)


@lru_cache(maxsize=1)
def _plain_names() -> dict[int, str]:
    return {int(number): _plain(name) for number, name in _table()["name"].items()}


def _plain(text: str) -> str:
    """Lower case, without accents; apostrophes vanish and other punctuation becomes a space."""
    bare = unicodedata.normalize("NFKD", str(text)).casefold()
    bare = "".join(c for c in bare if not unicodedata.combining(c) and c not in "'’.")
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())
