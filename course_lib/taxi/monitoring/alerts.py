"""Alerts that people keep believing: one bad window is weather, and an alert that flickers is switched off.

rule = Rule("ratio", raise_at=1.14, clear_at=1.08, windows=3, …)
story = follow(rule, observations)       # pure: the same observations, the same story
story.standing                           # the alert that stands at the end, or None
print(story.standing)                    # what, since when, how far, on which data, what to do

An alert is raised when a value lies above ``raise_at`` in ``windows`` windows one after the other, and cleared when it
lies below ``clear_at``, which is lower (hysteresis, as in a thermostat), in ``clear_windows`` of them. In between
nothing changes. A window with too few rides, or none at all, is no news, good or bad: it begins the counting again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from course_lib.errors import UsageError

QUIET, PENDING, STANDING = "quiet", "pending", "standing"


@dataclass(frozen=True)
class Rule:
    """When an alert is raised and cleared; ``unit`` is written behind values; ``what``, ``why``, ``do`` are words.

    ``name`` is the column of observed values. Raises UsageError for thresholds or windows that make no sense.
    """

    name: str
    raise_at: float
    clear_at: float
    windows: int = 2
    clear_windows: int = 1
    unit: str = ""
    what: str = ""
    why: str = ""
    do: str = ""

    def __post_init__(self) -> None:
        if not self.clear_at <= self.raise_at:
            raise UsageError(
                f"The rule '{self.name}' is raised above {self.raise_at} and cleared below {self.clear_at}: "
                "the threshold to clear must not be the higher one."
            )
        for name in ("windows", "clear_windows"):
            if getattr(self, name) < 1:
                raise UsageError(f"The rule '{self.name}' needs at least 1 window, not {getattr(self, name)}.")


@dataclass(frozen=True)
class Observation:
    """One window, from ``start`` until before ``end``: a value (NaN: unknown) from ``n`` rides, and a ``note``."""

    start: pd.Timestamp
    end: pd.Timestamp
    value: float
    n: int = 0
    note: str = ""


@dataclass(frozen=True)
class Alert:
    """An alert with its history; ``cleared`` is None while it stands.

    ``since`` is the start of the first window that was too high, ``raised`` the end of the one that raised it: nobody
    could know before. ``last`` is the newest window with a value, ``worst`` the highest, ``windows`` how many it stood.
    """

    rule: Rule
    since: pd.Timestamp
    raised: pd.Timestamp
    worst: Observation
    last: Observation
    windows: int = 0
    cleared: pd.Timestamp | None = None

    def __str__(self) -> str:
        rule, last, worst = self.rule, self.last, self.worst
        until = f", cleared {self.cleared:%Y-%m-%d}" if self.cleared is not None else ""
        lines = [
            f"{rule.what or rule.name}.",
            f"Since the window from {self.since:%Y-%m-%d}; raised {self.raised:%Y-%m-%d} after {rule.windows} "
            f"window{'s' if rule.windows > 1 else ''} in a row{until}.",
            f"Last {_said(last, rule)}; worst {_said(worst, rule)}. "
            f"Raised above {rule.raise_at:g}{rule.unit}, cleared below {rule.clear_at:g}{rule.unit}.",
        ]
        return "\n".join([*lines, *(text for text in (rule.why, rule.do) if text)])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rule": self.rule.name,
            "what": self.rule.what,
            "since": f"{self.since:%Y-%m-%d}",
            "raised": f"{self.raised:%Y-%m-%d}",
            "cleared": None if self.cleared is None else f"{self.cleared:%Y-%m-%d}",
            "last": self.last.value,
            "worst": self.worst.value,
            "worst_window": f"{self.worst.start:%Y-%m-%d}",
            "rides": self.last.n,
            "note": self.last.note,
            "windows": self.windows,
            "raise_at": self.rule.raise_at,
            "clear_at": self.rule.clear_at,
            "why": self.rule.why,
            "do": self.rule.do,
        }


@dataclass(frozen=True)
class Story:
    """What a rule made of a series of windows: ``states`` (a word each), and all alerts, oldest first."""

    rule: Rule
    observations: tuple[Observation, ...]
    states: tuple[str, ...]
    alerts: tuple[Alert, ...]

    @property
    def standing(self) -> Alert | None:
        """The alert that stands at the end."""
        return self.alerts[-1] if self.alerts and self.alerts[-1].cleared is None else None


@dataclass(frozen=True)
class State:
    """Where a rule stands between two windows: how many windows in a row spoke for a change, and the standing alert."""

    streak: tuple[Observation, ...] = field(default=())
    alert: Alert | None = None
    seen: Observation | None = None

    @property
    def word(self) -> str:
        """``quiet``, ``pending`` (too high, but not for long enough) or ``standing``."""
        return STANDING if self.alert else PENDING if self.streak else QUIET


def step(rule: Rule, state: State, seen: Observation) -> tuple[State, Alert | None]:
    """The state after one more window, and the alert if this window cleared it. Pure.

    Raises UsageError for a window that begins before the last one ended.
    """
    if state.seen is not None and seen.start < state.seen.end:
        raise UsageError(f"Windows come in order, and {seen.start:%Y-%m-%d %H:%M} lies before the end of the last one.")
    gap = state.seen is not None and seen.start > state.seen.end
    streak = () if gap else state.streak
    if math.isnan(seen.value):
        return State((), state.alert, seen), None
    if state.alert is None:
        streak = (*streak, seen) if seen.value > rule.raise_at else ()
        if len(streak) < rule.windows:
            return State(streak, None, seen), None
        worst = max(streak, key=lambda one: one.value)
        return State((), Alert(rule, streak[0].start, seen.end, worst, seen, 1), seen), None
    worst = max(state.alert.worst, seen, key=lambda one: one.value)
    alert = replace(state.alert, worst=worst, last=seen, windows=state.alert.windows + 1)
    streak = (*streak, seen) if seen.value < rule.clear_at else ()
    if len(streak) < rule.clear_windows:
        return State(streak, alert, seen), None
    return State((), None, seen), replace(alert, cleared=seen.end)


def follow(rule: Rule, observations: Iterable[Observation]) -> Story:
    """Go through windows in order; an empty series is a quiet story."""
    state, told, words, cleared = State(), [], [], []
    for seen in observations:
        state, over = step(rule, state, seen)
        cleared += [over] if over else []
        told.append(seen)
        words.append(state.word)
    return Story(rule, tuple(told), tuple(words), (*cleared, *([state.alert] if state.alert else [])))


def _said(seen: Observation, rule: Rule) -> str:
    note = f" ({seen.note})" if seen.note else ""
    return f"{seen.value:.2f}{rule.unit}{note} in the window from {seen.start:%Y-%m-%d}, {seen.n:,} rides"
