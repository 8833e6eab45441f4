"""Assess a directory: look for every practice, report each with its evidence. Nothing in the directory is run."""

from __future__ import annotations

import os
from collections.abc import Iterable

from course_lib.taxi.maturity.findings import Assessment, Evidence, Finding, Practice
from course_lib.taxi.maturity.practices import PRACTICES
from course_lib.taxi.maturity.scan import Project


def assess(directory: str | os.PathLike[str] = ".", practices: Iterable[Practice] = PRACTICES) -> Assessment:
    """How far the work in ``directory`` has come from heroics to habit, by what lies in it.

    Files are read and never run; environments and caches are left out, and so is what a link brings in from
    outside. Raises NothingToAssess (a UsageError) where there is no directory, or nothing in it.
    """
    project = Project.open(directory)
    findings = [_finding(practice, _look(practice, project)) for practice in practices]
    unreadable = [f"{name}: {why}" for name, why in sorted(project.unreadable.items())]
    return Assessment(project.root, findings, len(project.files), unreadable)


def _look(practice: Practice, project: Project) -> Evidence:
    """Files can be broken in more ways than anybody thinks of: one of them must not end the whole assessment."""
    try:
        return practice.look(project)
    except Exception as error:
        project.unreadable[f"({practice.name})"] = f"{type(error).__name__}: {error}"
        return Evidence(missing=f"it could not be looked for ({type(error).__name__}: {error})")


def _finding(practice: Practice, seen: Evidence) -> Finding:
    return Finding(
        practice.level,
        practice.name,
        seen.found,
        seen.where,
        seen.missing,
        "" if seen.found else practice.how,
        practice.effort,
    )
