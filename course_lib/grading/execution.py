"""Run one rebuilt notebook: the student's code in one process, the tests that judge it in another.

How a test is run is decided beforehand from the instructor's own solution (see `calibration`), never by what a
student hands in:

``data``     The test runs in a process that has never executed a line of the student's. It gets the student's
             names as data, and functions as stubs that run there and answer with data. Nothing that the
             student's code does to its own process, be it to equality, builtins, libraries, hooks, frames or
             memory, can reach the test or learn its text. What it can see are the arguments of its functions.

``guarded``  The test needs the student's own objects (a fitted model, a web application), so it runs beside
             them, compiled, without its text, after a look at whether Python, IPython or the libraries were
             tampered with; then it isn't run. This is a fence, not a wall: code in the same process that is out
             to cheat and clever enough can get past it, so what looks like an attempt is left to a person.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib import mlflow_database
from course_lib.grading import wire
from course_lib.grading.assignment import PLAIN, TEST, Assignment, Cell
from course_lib.grading.limits import Limits
from course_lib.grading.literals import LiteralSide, only_literals
from course_lib.grading.processes.cells import compiled, credit, packed
from course_lib.grading.processes.starter import Starter
from course_lib.grading.sides import ENDED, HUNG, Clock, Gone, JudgeSide, NoTimeLeft, StudentSide
from course_lib.grading.sourcecode import bound_names, global_names
from course_lib.paths import data_dir, project_root

DATA, GUARDED = "data", "guarded"
WITHHELD = "withheld"


@dataclass(frozen=True)
class Step:
    """One cell to run. ``cell`` is the instructor's, None for a cell that the student added."""

    source: str
    name: str
    cell: Cell | None


@dataclass
class Execution:
    """What came of it: each cell's reply by its place, each test's verdict by its grade id."""

    replies: dict[int, dict[str, Any]] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def execute(
    assignment: Assignment,
    steps: list[Step],
    starter: Starter,
    *,
    limits: Limits,
    modes: Mapping[str, str] | None = None,
    support: Path | None = None,
) -> Execution:
    """Run the steps in order. Raises CannotStart when the infrastructure fails.

    ``modes`` says for each test how it is run (DATA when it doesn't); ``support`` is a folder of files that
    students were given beside the notebook.
    """
    clock = Clock.start(limits)
    run = _Run(assignment, steps, modes or {})
    folder = StudentsFolder(support, tracks=assignment.uses_mlflow)
    student = LiteralSide() if run.needs_no_process() else StudentSide(starter, clock, folder)
    judge = JudgeSide(starter, clock, student)
    try:
        run.all(student, judge)
        run.result.changed = student.probe(thorough=False)
        run.result.notices = list(dict.fromkeys(student.notices))
        judge.leave()
        return run.result
    finally:
        student.end()
        judge.end()


class StudentsFolder:
    """Fills a student's working folder with the files that students were given beside the notebook.

    ``tracks``: with MLflow's database as well, empty, which takes MLflow two seconds to make.
    """

    def __init__(self, support: Path | None, *, tracks: bool = False) -> None:
        self.support, self.tracks, self.key = support, tracks, f"{support} {tracks}"

    def __call__(self, folder: Path, seen_as: Path) -> dict[str, str]:
        (folder / ".state").mkdir()
        state = seen_as / ".state"
        if self.tracks:
            mlflow_database.copy(folder / ".state" / "mlflow.db", mlflow_database.usual_artifacts(seen_as))
        for path in sorted(self.support.rglob("*")) if self.support else []:
            if path.is_file() and path.suffix != ".ipynb":
                copy = folder / path.relative_to(self.support)  # type: ignore[arg-type]
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
        return {
            **(mlflow_database.KEEP_OPEN if self.tracks else {}),
            "COURSE_STATE_DIR": str(state),
            "MLFLOW_TRACKING_URI": f"sqlite:///{(state / 'mlflow.db').as_posix()}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "MPLCONFIGDIR": str(state),
            "IPYTHONDIR": str(state),
            "NBGRADER_EXECUTION": "autograde",
            "COURSE_ROOT": str(project_root()),
            "COURSE_DATA_DIR": str(data_dir()),
        }


def tests_used_below(steps: list[Step]) -> set[str]:
    """The tests whose visible part defines something that the student's code uses and nothing else defines.

    In the notebook that students have, a helper of a test is there for the cells below it, so it must be here.
    """
    code = [step for step in steps if step.cell is None or step.cell.kind != TEST]
    defined = {name for step in code for name in bound_names(step.source)}
    wanted = {name for step in code for name in global_names(step.source)} - defined
    tests = [step.cell for step in steps if step.cell is not None and step.cell.kind == TEST]
    return {cell.name for cell in tests if wanted & bound_names(cell.released)}


class _Run:
    """One notebook on its way."""

    student: StudentSide | LiteralSide
    judge: JudgeSide

    def __init__(self, assignment: Assignment, steps: list[Step], modes: Mapping[str, str]) -> None:
        self.assignment, self.steps, self.modes = assignment, steps, modes
        self.result = Execution()
        self.also_beside = tests_used_below(steps)

    def needs_no_process(self) -> bool:
        """Whether all tests want data and all answers are values."""
        tests = [step.cell.name for step in self.steps if step.cell is not None and step.cell.kind == TEST]
        if self.also_beside or any(self.modes.get(name, DATA) != DATA for name in tests):
            return False
        return only_literals(s.source for s in self.steps if s.cell is None or s.cell.kind != TEST)

    def all(self, student: StudentSide | LiteralSide, judge: JudgeSide) -> None:
        """Run every step."""
        self.student, self.judge, steps = student, judge, self.steps
        last = max((place for place, step in enumerate(steps) if step.cell and step.cell.kind == TEST), default=-1)
        for place, step in enumerate(steps):
            try:
                self.one(place, step, judged=place < last)
            except NoTimeLeft:
                self.result.replies.setdefault(place, {"status": HUNG, "outputs": []})
                if step.cell is not None and step.cell.kind == TEST:
                    self.result.verdicts[step.cell.name] = {"status": HUNG, "notebook": True}

    def one(self, place: int, step: Step, *, judged: bool) -> None:
        cell = step.cell
        if cell is None or cell.kind != TEST:
            self.result.replies[place] = self.student.run(step.source, step.name)
            if cell is not None and cell.kind == PLAIN and judged:
                self._plain(cell)
        elif self.modes.get(cell.name, DATA) == DATA:
            if cell.name in self.also_beside:
                self.student.run(cell.released, cell.name)
            self.result.verdicts[cell.name] = self._judged(cell)
        else:
            self.result.verdicts[cell.name] = self._guarded(cell)

    def _plain(self, cell: Cell) -> None:
        try:
            self._at_judge("plain", cell)
        except Gone:
            self.judge.end()

    def _judged(self, cell: Cell) -> dict[str, Any]:
        for attempt in (1, 2):
            try:
                return self._at_judge("test", cell)
            except Gone as gone:
                if gone.how == HUNG or attempt == 2:
                    return {"status": gone.how}
        raise AssertionError("unreachable")

    def _at_judge(self, kind: str, cell: Cell) -> dict[str, Any]:
        head = {
            "kind": kind,
            "file": _file(cell),
            "names": self.assignment.names_read_by(cell),
            "modules": sorted(self.assignment.modules),
            "hidden": sorted(cell.hidden_lines),
        }
        return self.judge.do(head, packed(cell.source, _file(cell)))

    def _guarded(self, cell: Cell) -> dict[str, Any]:
        code, nonce = compiled(cell.source, _file(cell)), secrets.token_hex(8)
        for attempt in (1, 2):
            self.student.be_ready()
            if changed := self.student.probe():
                return {"status": WITHHELD, "changed": changed}
            self.student.be_ready()
            try:
                head, body = self.student.ask({"kind": "guarded", "nonce": nonce}, code, self.student.clock.deadline())
            except Gone as gone:
                if gone.how == HUNG or attempt == 2:
                    return {"status": gone.how}
                continue
            return _guarded_verdict(head, body, nonce)
        raise AssertionError("unreachable")


def _file(cell: Cell) -> str:
    """Where a test's lines come from, in tracebacks."""
    return f"<test {cell.name}>"


def _guarded_verdict(head: dict[str, Any], body: bytes, nonce: str) -> dict[str, Any]:
    if head.get("status") == "ok" and head.get("nonce") == nonce:
        try:
            return {"status": "ok", "printed": "", **credit(wire.decode(body))}
        except wire.WireError:
            return {"status": ENDED}
    if head.get("status") != "error":
        return {"status": ENDED}
    text = {key: str(head.get(key, ""))[:1500] for key in ("ename", "evalue")}
    return {"status": "error", "printed": "", "hidden": False, "student_lines": [], **text}
