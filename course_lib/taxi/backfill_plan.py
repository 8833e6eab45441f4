"""What a backfill would do and why: each step of each month, looked at without running anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.errors import UsageError
from course_lib.taxi import pipeline_manifest as manifests
from course_lib.taxi import pipeline_run
from course_lib.taxi.months import months, parse
from course_lib.taxi.pipeline_run import Context
from course_lib.taxi.pipeline_types import STEPS, MonthResult

#: What a step can be: done as it should be; never done; done otherwise than now; its files changed; after one of these.
STATUSES = ("fresh", "missing", "stale", "damaged", "follows")


@dataclass(frozen=True)
class Planned:
    """One step of one month, its status (one of STATUSES) and why, for people."""

    month: str
    step: str
    status: str
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """All steps of all months, in order; prints as a text of a line for each month."""

    steps: list[Planned]
    done: dict[str, MonthResult]

    @property
    def months(self) -> list[str]:
        """The months, in order."""
        return list(dict.fromkeys(one.month for one in self.steps))

    @property
    def todo(self) -> list[str]:
        """Months that have a step to run."""
        return list(dict.fromkeys(one.month for one in self.steps if one.status != "fresh"))

    def statuses(self) -> dict[tuple[str, str], str]:
        """The status by (month, step)."""
        return {(one.month, one.step): one.status for one in self.steps}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "todo": self.todo,
            "steps": [
                {"month": one.month, "step": one.step, "status": one.status, "why": one.why} for one in self.steps
            ],
        }

    def __str__(self) -> str:
        lines = []
        for month in self.months:
            first = next((one for one in self.steps if one.month == month and one.status != "fresh"), None)
            if first is None:
                lines.append(f"{month}: up to date")
                continue
            after = STEPS[STEPS.index(first.step) + 1 :]
            rest = f", then {', '.join(after)}" if after else ""
            lines.append(f"{month}: {first.step} is {first.status} ({first.why}){rest}")
        return "\n".join(lines)


def parse_months(text: str | Sequence[str]) -> list[str]:
    """The months that ``text`` names, each once, in order: ``2021-03``, ``2021-01:2021-05``, or several with commas.

    Raises MonthNotFound for a misspelt month and UsageError for a range that runs backwards, or for nothing.
    """
    parts = [part.strip() for part in (text.split(",") if isinstance(text, str) else text)]
    named: set[str] = set()
    for part in filter(None, parts):
        first, *last = re.split(r":|\.\.", part)
        if len(last) > 1:
            raise UsageError(f"'{part}' is no range of months: it has the form 2021-01:2021-05.")
        if last and parse(last[0]) < parse(first):
            raise UsageError(f"The months run backwards: {first} comes after {last[0]}. Write {last[0]}:{first}.")
        named.update(months(first, last[0]) if last else [str(parse(first))])
    if not named:
        raise UsageError("Name at least one month, such as 2021-03, or a range, such as 2021-01:2021-05.")
    return sorted(named)


def make_plan(names: Sequence[str], about: Context) -> Plan:
    """Look at every step of these months. Reads manifests and hashes files; changes nothing."""
    steps: list[Planned] = []
    done: dict[str, MonthResult] = {}
    for month in names:
        planned, result = _look_at(month, about)
        steps += planned
        if all(one.status == "fresh" for one in planned):
            done[month] = result
    return Plan(steps, done)


def _look_at(month: str, about: Context) -> tuple[list[Planned], MonthResult]:
    """The month's steps, and its result as far as it is done."""
    planned: list[Planned] = []
    result = MonthResult(month)
    if about.mirror:
        about.mirror.bring_month(month, (pipeline_run.FAILURE,))
    for step in STEPS:
        if planned and planned[-1].status != "fresh":
            first = next(one for one in planned if one.status != "fresh")
            planned.append(Planned(month, step, "follows", f"after {first.step}"))
            continue
        found = manifests.read(about.folder, month, step)
        status, why = _status(step, result, found, about)
        planned.append(Planned(month, step, status, why))
        if status == "fresh":
            result = result.with_step(step, "unchanged", found.output())
    return planned, result


def _status(step: str, result: MonthResult, found: manifests.Manifest | None, about: Context) -> tuple[str, str]:
    if failed := pipeline_run.last_failure(about.folder, result.month):
        before = f"failed at {failed.get('at', 'an unknown time')}" if failed.get("step") == step else ""
    else:
        before = ""
    if found is None:
        return "missing", before or "never done"
    extra = pipeline_run.outside_inputs(step, result.month, about)
    key = manifests.key(step, result.month, about.settings, result.outputs, extra)
    if found.key != key.digest:
        return "stale", "; ".join(key.differences(found)) or before or "it was written otherwise"
    if about.force:
        return "stale", "asked to run again"
    if not pipeline_run.is_done(found, about):
        return "damaged", _damage(found, about)
    return "fresh", ""


def _damage(found: manifests.Manifest, about: Context) -> str:
    from course_lib.taxi.pipeline_files import is_intact

    if found.step == "register":
        return f"version {found.result['version']} is not in the registry"
    if about.mirror:
        trouble = about.mirror.broken(found)
        gone = [name for name, what in trouble.items() if what == "gone"]
        changed = [name for name, what in trouble.items() if what == "changed"]
    else:
        broken = [file.path for file in found.outputs.values() if not is_intact(file)]
        gone = [path.name for path in broken if not path.exists()]
        changed = [path.name for path in broken if path.exists()]
    words = [f"{', '.join(gone)} is gone"] if gone else []
    return " and ".join(words + ([f"{', '.join(changed)} was changed"] if changed else []))
