"""The students' feedback pages, made by nbgrader's own converter from the autograded notebooks.

Those notebooks hold no hidden line, so neither does a page, whoever makes it: `nbgrader generate_feedback` and
formgrader's button come to the same. Pages are made by several processes, since each takes a third of a second.

Started as ``python -m course_lib.grading.feedback ROOT JSON`` for one share of the work.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook_address import checked, sqlite_file
from course_lib.grading.outcome import INFRA_ERROR, SubmissionResult
from course_lib.grading.quick_import import nbgrader_module


def write_feedback(folders: CourseFolders, results: Sequence[SubmissionResult], *, jobs: int | None = None) -> int:
    """Make the pages of all graded hand-ins whose page is older than their grade. Returns how many were made.

    Raises CourseError when nbgrader fails.
    """
    from course_lib.grading.nurseries import cores

    wanted = [(r.student, r.module) for r in results if r.status != INFRA_ERROR and is_stale(folders, r)]
    shares = [share for n in range(jobs or cores()) if (share := wanted[n :: jobs or cores()])]
    running = [_start(folders, share) for share in shares]
    failed = [process for process in running if process.wait() != 0]
    if failed:
        raise CourseError("not all feedback could be written; what nbgrader said about it is above")
    return sum(len(list((folders.feedback / student / module).glob("*.html"))) for student, module in wanted)


def is_stale(folders: CourseFolders, result: SubmissionResult) -> bool:
    """Whether a page is missing or older than the notebook, or than anything a person entered since."""
    pages = folders.feedback / result.student / result.module
    notebooks = list((folders.autograded / result.student / result.module).glob("*.ipynb"))
    changed = [path.stat().st_mtime for path in notebooks]
    if (file := sqlite_file(folders.db_url)) is None:
        return True  # a server doesn't say when somebody entered something
    changed.append(file.stat().st_mtime)
    made = [pages / f"{path.stem}.html" for path in notebooks]
    return not all(page.is_file() and page.stat().st_mtime >= max(changed) for page in made)


def _start(folders: CourseFolders, share: Sequence[tuple[str, str]]) -> subprocess.Popen[bytes]:
    order = {
        "root": str(folders.root),
        "autograded": str(folders.autograded),
        "feedback": str(folders.feedback),
        "db_url": checked(folders.db_url),
        "course_id": folders.course_id,
        "share": list(share),
    }
    command = [sys.executable, "-m", "course_lib.grading.feedback"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=folders.root)
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode())
    process.stdin.close()
    return process


def main() -> None:
    """Make one share of the pages."""
    order = json.loads(sys.stdin.buffer.read())
    warnings.simplefilter("ignore")  # they are for nbgrader's authors
    for student, module in order["share"]:
        _convert(order, student, module)


def _convert(order: dict[str, Any], student: str, module: str) -> None:
    from traitlets.config import Config

    converters = nbgrader_module("nbgrader.converters")
    coursedirs = nbgrader_module("nbgrader.coursedir")
    config = Config()
    config.CourseDirectory.root = order["root"]
    config.CourseDirectory.course_id = order["course_id"]
    config.CourseDirectory.db_url = order["db_url"]
    config.CourseDirectory.autograded_directory = order["autograded"]
    config.CourseDirectory.feedback_directory = order["feedback"]
    config.CourseDirectory.assignment_id = module
    log = logging.getLogger("feedback")
    log.setLevel(logging.ERROR)
    shutil.rmtree(Path(order["feedback"]) / student / module, ignore_errors=True)
    # nbgrader looks for folders by pattern, and a name may hold what a pattern means otherwise
    config.CourseDirectory.student_id = student.replace("[", "[[]")
    coursedir = coursedirs.CourseDirectory(config=config, log=log)
    converter = converters.GenerateFeedback(coursedir=coursedir, config=config, log=log)
    converter.force = True
    before = os.getcwd()
    try:
        converter.start()
    finally:
        os.chdir(before)


if __name__ == "__main__":
    main()
