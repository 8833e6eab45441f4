"""What the checks find out by running a capstone; each fact once, when it is first asked for."""

from __future__ import annotations

import itertools
import json
import math
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.maturity import records
from course_lib.taxi.maturity.capstone import settings as settings_file
from course_lib.taxi.maturity.capstone.settings import NotSettled, Settings
from course_lib.taxi.maturity.capstone.workspace import Ran, Workspace
from course_lib.taxi.maturity.records import Records, Version

LIMIT = 180.0  # seconds for one program: plenty on a busy machine
RIDES = (
    {"pickup": 74, "dropoff": 75, "time": "2021-02-03T17:00:00-05:00"},
    {"pickup": 74, "dropoff": 132, "time": "2021-02-03T17:00:00-05:00"},
    {"pickup": 999, "dropoff": 75, "time": "2021-02-03T17:00:00-05:00"},
    {"pickup": 74, "dropoff": 75, "time": "soon"},
)


class Failed(CourseError):
    """Something could not be found out; the text says why."""


@dataclass(frozen=True)
class Tests:
    """What pytest said: how many tests there were, and how many of them failed or broke."""

    ran: Ran
    count: int
    failed: int
    skipped: int

    @property
    def passed(self) -> int:
        """Those that ran and held."""
        return self.count - self.failed - self.skipped


class Trial:
    """One folder under examination. ``later`` are raw trips of the month after; ``tell`` hears what is being run."""

    def __init__(
        self, folder: Path, workspace: Workspace, later: pd.DataFrame, tell: Callable[[str], None], limit: float = LIMIT
    ) -> None:
        self.folder, self.fresh, self.later, self.tell, self.limit = folder, workspace, later, tell, limit
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        later.to_parquet(workspace.home / "later.parquet")

    # ---- settings and plain facts

    @cached_property
    def settings(self) -> Settings:
        """capstone.toml. Raises NotSettled."""
        return settings_file.read(self.folder)

    @cached_property
    def rides(self) -> pd.DataFrame:
        """The later trips that are rides of 1 to 60 minutes, with ``duration``."""
        from course_lib.taxi import cleaning

        return cleaning.clean(self.later, "2021-02").trips

    # ---- step 2: functions and tests

    def _working(self, name: str) -> Workspace:
        with self._lock:
            return self.fresh.copy(f"{name}-{next(self._numbers)}")

    @cached_property
    def functions(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the functions gave, in two processes that have nothing in common. Raises Failed, NotSettled."""
        self.settings.need("split", "train", "predict")
        self._need_data()
        self.tell("your functions, in two fresh processes")
        place = self._working("functions")
        return self.ask(place, "functions", seed="1"), self.ask(place, "functions", seed="2", disorder=True)

    @cached_property
    def tests(self) -> Tests:
        """Your tests on your code."""
        self.tell("your tests")
        return self._pytest(self._working("tests"))

    @cached_property
    def broken_tests(self) -> dict[str, Tests]:
        """Your tests on code whose prediction is wrong, by what is wrong with it. Raises Failed, NotSettled."""
        found = {}
        for what, wrong in _BREAKAGES.items():
            self.tell(f"your tests, with a prediction that {what}")
            place = self._working("broken")
            self._break(place, wrong)
            found[what] = self._pytest(place, "-x")
        return found

    def _break(self, place: Workspace, wrong: str) -> None:
        """Append to the module that defines predict a line that spoils it."""
        facts = self.functions[0]
        file, name = Path(facts["predict_file"]), facts["predict_name"]
        for root in self.fresh.home.glob("functions-*"):
            if file.is_relative_to(root.resolve()):
                target = place.root / file.relative_to(root.resolve())
                break
        else:
            raise Failed(f"predict is defined outside of the folder, in {file.name}")
        spoiled = wrong.format(name=name)
        # in front of what runs when the module is the program
        target.write_text(target.read_text(encoding="utf-8") + f"\n\n{spoiled}\n", encoding="utf-8")

    def _pytest(self, place: Workspace, *options: str) -> Tests:
        report = place.home / f"tests-{place.root.name}.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *options]
        ran = place.run(command, limit=self.limit)
        try:
            suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
        except (OSError, ElementTree.ParseError, StopIteration):
            return Tests(ran, 0, 0, 0)
        numbers = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
        return Tests(ran, numbers["tests"], numbers["failures"] + numbers["errors"], numbers["skipped"])

    # ---- steps 3 to 5: one workspace in which the pipeline runs again and again

    @cached_property
    def place(self) -> Workspace:
        """Where the pipeline runs."""
        return self._working("pipeline")

    def pipeline(self, why: str) -> Ran:
        """Run the pipeline's command once more."""
        self.settings.need("pipeline")
        self.tell(f"your pipeline: {why}")
        return self.place.run(settings_file.command(self.settings.pipeline), limit=self.limit)

    @cached_property
    def first(self) -> Ran:
        """The pipeline in a fresh copy. Raises Failed when it does not end well."""
        self._need_data()
        ran = self.pipeline("in a fresh copy")
        if not ran.ok:
            raise Failed(f"“{self.settings.pipeline}” failed in a fresh copy of the folder: {ran.how()}")
        return ran

    @cached_property
    def after_first(self) -> Workspace:
        """What the first run left, kept as it was: later runs are made to go wrong. Raises Failed."""
        _ = self.first
        return self.place.copy("after-first")

    def records(self) -> Records:
        """What MLflow has on record now. Raises Failed when there is no database."""
        _ = self.after_first
        return self.records_in(self.place.root / self.settings.tracking)

    def records_in(self, folder: Path) -> Records:
        """What the database in ``folder`` holds. Raises Failed."""
        import sqlite3

        databases = sorted(folder.glob("*.db"))
        if not databases:
            raise Failed(f"after the pipeline there is no MLflow database in {self.settings.tracking}")
        try:
            found = records.read_database(databases[0])
        except (sqlite3.Error, OSError) as error:
            raise Failed(f"{databases[0].name} can't be read: {error}") from error
        if found is None:
            raise Failed(f"{databases[0].name} is no database of MLflow's")
        return found

    def champion_version(self, store: Records | None = None) -> Version:
        """The version that the alias champion points to. Raises Failed."""
        store = store or self.records()
        named = [one for one in store.versions if one.name == self.settings.model]
        found = next((one for one in named if "champion" in one.aliases), None)
        if found is None:
            names = sorted({one.name for one in store.versions})
            seen = f"registered: {', '.join(names)}" if names else "nothing is registered"
            raise Failed(f"no version of “{self.settings.model}” has the alias champion ({seen})")
        return found

    @cached_property
    def served(self) -> dict[str, Any]:
        """The champion and the service, asked in a process of their own. Raises Failed, NotSettled."""
        self.settings.need("predict")
        _ = self.champion_version()
        self.tell("your champion" + (" and your service" if self.settings.service else ""))
        actions = "champion+service" if self.settings.service else "champion"
        return self.ask_all(self.place, actions)

    def part(self, name: str) -> dict[str, Any]:
        """``champion`` or ``service`` of what was served. Raises Failed with what went wrong there."""
        if name == "service":
            self.settings.need("service")
        found = self.served.get(name, {"error": "it was not asked"})
        if "error" in found:
            raise Failed(found["error"])
        return found

    # ---- helpers

    def ask(self, place: Workspace, action: str, seed: str = "0", **more: Any) -> dict[str, Any]:
        """One answer of the probe. Raises Failed."""
        found = self.ask_all(place, action, seed, **more)[action]
        if "error" in found:
            raise Failed(found["error"])
        return found

    def ask_all(self, place: Workspace, actions: str, seed: str = "0", **more: Any) -> dict[str, dict[str, Any]]:
        """The answers of the probe in ``place``. Raises Failed when it gives none."""
        number = next(self._numbers)
        asked, answer = place.home / f"asked-{number}.json", place.home / f"answer-{number}.json"
        wanted = {**vars(self.settings), "later": str(place.home / "later.parquet"), "bodies": RIDES, **more}
        asked.write_text(json.dumps(wanted), encoding="utf-8")
        probe = "course_lib.taxi.maturity.capstone.probe"
        ran = place.run([sys.executable, "-m", probe, actions, str(asked), str(answer)], limit=self.limit, seed=seed)
        try:
            return json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise Failed(ran.how()) from None

    def _need_data(self) -> None:
        if not (self.fresh.root / self.settings.data).is_file():
            raise NotSettled(
                f"there is no {self.settings.data}: the trips belong there (or name the place in capstone.toml)"
            )


_WRONG = """
_right = {name}


def {name}(*given, **named):
    import numpy

    return numpy.full(len(_right(*given, **named)), %s)
"""
_BREAKAGES = {"is 0 minutes for every ride": _WRONG % "0.0", "is 13 minutes for every ride": _WRONG % "13.0"}


def rmse(actual: Any, predicted: Any) -> float:
    """Root of the mean squared error, in minutes."""
    squares = [(a - p) ** 2 for a, p in zip(actual, predicted, strict=True)]
    return math.sqrt(sum(squares) / len(squares)) if squares else math.nan
