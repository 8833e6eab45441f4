"""What a source holds for a month, as a short text that changes when the trips would."""

from __future__ import annotations

from course_lib.taxi import pipeline_files as files
from course_lib.taxi import simulator, sources
from course_lib.taxi.months import parse
from course_lib.taxi.pipeline_types import Ingested, Settings


def fingerprint(month: str, settings: Settings) -> str | None:
    """The hash of the month's file, or the simulator's version; None when there is no file to look at.

    Nothing is fetched or simulated for it. A file that was downloaded once and deleted since gives None.
    """
    chosen = sources.choose(settings.source)
    if isinstance(chosen, sources.Simulated):
        return f"simulator {simulator.VERSION}"
    holder = chosen.path if isinstance(chosen, sources.Folder) else chosen.cache
    file = holder / sources.monthfile.name_of(str(parse(month)))
    return files.sha256(file) if file.is_file() else None


def taken_in(raw: Ingested, settings: Settings) -> str:
    """The fingerprint of what ``ingest`` took in, whatever the source holds by now."""
    return f"simulator {simulator.VERSION}" if settings.source == "simulated" else raw.trips.sha256
