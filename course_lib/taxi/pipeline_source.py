"""What a source holds for a month, as a short text that changes when the trips would."""

from __future__ import annotations

from course_lib.taxi import pipeline_files as files
from course_lib.taxi import simulator, sources, storage
from course_lib.taxi.months import MonthNotFound, parse
from course_lib.taxi.pipeline_types import Ingested, Settings


def fingerprint(month: str, settings: Settings) -> str | None:
    """The hash of the month's file, or the simulator's version; None when there is no file to look at.

    Nothing is fetched or simulated for it. A file that was downloaded once and deleted since gives None; so does a
    month that a store doesn't have (any more). Of a store's file it is the version, as the store tells it.
    """
    chosen = sources.choose(settings.source)
    if isinstance(chosen, sources.Stored):
        try:
            return chosen.version(parse(month))
        except MonthNotFound:
            return None
    if isinstance(chosen, sources.Simulated):
        return f"simulator {simulator.VERSION}"
    holder = chosen.path if isinstance(chosen, sources.Folder) else chosen.cache
    file = holder / sources.monthfile.name_of(str(parse(month)))
    return files.sha256(file) if file.is_file() else None


def taken_in(raw: Ingested, settings: Settings, before: str | None = None) -> str:
    """The fingerprint of what ``ingest`` took in, whatever the source holds by now; ``before`` is what it held then.

    Where a store's file was replaced meanwhile nobody can say, so the answer is none of both: it is taken in again.
    """
    if settings.source == "simulated":
        return f"simulator {simulator.VERSION}"
    if not storage.is_url(settings.source):
        return raw.trips.sha256
    return before if before and fingerprint(raw.month, settings) == before else "replaced meanwhile"
