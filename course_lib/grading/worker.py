"""A grading worker: one process that grades one submission at a time, and tells what came of it.

It is a copy of the process that grades the class, or, where there are no copies, started as ``python -m
course_lib.grading.worker FD [NURSERY]``, numbers of its ends of two connections. Its orders are pickled messages from
that process; both are ours, so pickle is safe here. Students' code runs in processes that are forked from the nursery,
never from here, where the tests are.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib import mlflow_database
from course_lib.grading import calibration
from course_lib.grading.assignment import Assignment
from course_lib.grading.channel import Channel, ChannelClosed
from course_lib.grading.grade_notebook import grade_notebook
from course_lib.grading.limits import Limits
from course_lib.grading.nurseries import readable_folders
from course_lib.grading.outcome import INFRA_ERROR, NotebookResult, SubmissionResult
from course_lib.grading.processes.starter import Starter
from course_lib.grading.sandbox.namespaces import name_process, stay_on
from course_lib.grading.submissions import Submission

NAME = "grading-worker"  # what `ps` and `top` call it


@dataclass
class Setting:
    """What a worker needs to know once."""

    assignments: list[Assignment]
    support: dict[str, Path]
    modules: list[str]
    limits: Limits
    sandboxed: bool


def main(argv: list[str]) -> None:
    """Be a worker in a Python of its own: the setting comes as two messages."""
    channel = Channel(_end(argv[0]))
    first = pickle.loads(channel.receive()[1])
    nursery = socket.socket(fileno=int(argv[1])) if len(argv) > 1 else None
    starter = _prepare(first["modules"], first["limits"], first["sandboxed"], nursery, first["processor"])
    _serve(channel, starter, None)


def live(channel: Channel, setting: Setting, nursery: socket.socket, processor: int | None) -> None:
    """Be a worker in a copy of the process that grades the class."""
    _serve(channel, _prepare(setting.modules, setting.limits, setting.sandboxed, nursery, processor), setting)


def _prepare(
    modules: list[str], limits: Limits, sandboxed: bool, nursery: socket.socket | None, processor: int | None
) -> Starter:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the class's process decides when to stop
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # cells and outputs are many objects, and hardly any is garbage that it finds
    if sys.platform == "linux":
        name_process(NAME)
        stay_on(processor)
    if mlflow_database.used_by(modules):
        mlflow_database.make()  # once for all students, while the libraries are imported
    return Starter(
        modules, limits, sandboxed=sandboxed, readable=readable_folders(), nursery=nursery, processor=processor
    )


def _serve(channel: Channel, starter: Starter, setting: Setting | None) -> None:
    """Do what is ordered until the other end is closed."""
    try:
        while True:
            head, body = channel.receive()
            order = pickle.loads(body)
            if head["kind"] == "setting":
                setting = order
                continue
            assert setting is not None
            starter.more = head["kind"] == "calibrate" or head["more"]
            answer = (
                _calibrated(order, setting, starter)
                if head["kind"] == "calibrate"
                else _graded(order, setting, starter)
            )
            starter.end_kept()
            channel.send({"kind": "done"}, pickle.dumps(answer))
    except ChannelClosed:
        pass
    finally:
        starter.close()


def _calibrated(order: dict[str, Any], setting: Setting, starter: Starter) -> Any:
    assignment = next(a for a in setting.assignments if (a.module, a.name) == order["notebook"])
    given = (assignment, starter, setting.limits, setting.support.get(assignment.module))
    try:
        if "modes" in order:
            return calibration.confirm(*given, order["modes"]) or True
        return calibration.whole_credit(*given, solved=order["solved"])
    except Exception as error:
        return error


def _graded(order: dict[str, Any], setting: Setting, starter: Starter) -> SubmissionResult:
    submission: Submission = order["submission"]
    notebooks = []
    for assignment in setting.assignments:
        if assignment.module != submission.module:
            continue
        try:
            notebook = grade_notebook(
                assignment,
                submission.files.get(assignment.name),
                starter,
                limits=setting.limits,
                modes=order["modes"][assignment.name],
                support=setting.support.get(assignment.module),
            )
        except Exception:  # a fault of ours must not cost a student anything
            notebook = NotebookResult(assignment.name, INFRA_ERROR, problem=traceback.format_exc(limit=-6))
        notebooks.append(notebook)
    result = SubmissionResult(
        submission.student, submission.module, notebooks, order["key"], submission.digest, submission.timestamp
    )
    for notebook in notebooks:
        notebook.repairs[:0] = submission.notes
    return result


def _end(argument: str) -> socket.socket:
    if os.name == "nt":
        return socket.fromshare(bytes.fromhex(sys.stdin.readline().strip()))  # type: ignore[attr-defined]
    return socket.socket(fileno=int(argument))


if __name__ == "__main__":
    main(sys.argv[1:])
