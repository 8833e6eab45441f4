"""What a download must be before it takes its final name."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.taxi import contract, monthfile, months


class NotTrips(CourseError):
    """What came is no month of green-taxi trips: an error page, another file, a damaged one, another month."""


class WrongChecksum(CourseError):
    """What came differs from what was promised."""


def check_sum(path: Path, sha256: str | None, md5: str | None, address: str) -> None:
    """Raise WrongChecksum unless the file has the SHA-256 (hexadecimal) and MD5 (base64) asked for, if any."""
    content = path.read_bytes()
    if sha256 and (found := hashlib.sha256(content).hexdigest()) != sha256.lower():
        raise WrongChecksum(f"{address} has the SHA-256 {found}, not {sha256.lower()}. Nothing was saved.")
    if md5 and base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode() != md5:
        raise WrongChecksum(f"{address} arrived damaged: its MD5 is not the one the server sent. Nothing was saved.")


def check_content(path: Path, month: str, address: str) -> None:
    """A month of green-taxi trips: parquet, the contract's columns and types, and pickups of that month."""
    try:
        schema = monthfile.footer(path).schema.to_arrow_schema()
        contract.check_types(schema.empty_table().to_pandas(), what=address)
        pickups = monthfile.read(path, ["lpep_pickup_datetime"])["lpep_pickup_datetime"]
    except CourseError as error:
        raise NotTrips(f"{address} sent no month of green-taxi trips, so nothing was saved. {error}") from error
    wanted = months.parse(month)
    inside = (pickups >= wanted.start) & (pickups < wanted.end)
    if len(pickups) and inside.mean() < 0.9:
        raise NotTrips(
            f"{address} sent trips of another month: only {inside.mean():.0%} of its pickups are in {month}. "
            "Nothing was saved."
        )
