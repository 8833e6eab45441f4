"""A graded hand-in in nbgrader's directories, beside its grades in the gradebook."""

from __future__ import annotations

import shutil
from pathlib import Path

from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.outcome import SubmissionResult
from course_lib.grading.records import write_whole
from course_lib.grading.submissions import Submission


def write_files(folders: CourseFolders, result: SubmissionResult, submission: Submission, release: Path | None) -> None:
    """Put a hand-in as it came, and as it was graded, where nbgrader looks for both.

    ``release`` is the folder of what students get: what lies beside the notebooks there lies beside the graded ones.
    """
    submitted = folders.submitted / result.student / result.module
    autograded = folders.autograded / result.student / result.module
    if autograded.exists():
        shutil.rmtree(autograded)
    autograded.mkdir(parents=True)
    for path in sorted(release.rglob("*")) if release else []:
        if path.is_file() and path.suffix != ".ipynb":
            copy = autograded / path.relative_to(release)  # type: ignore[arg-type]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    if result.timestamp:
        write_whole(autograded / "timestamp.txt", result.timestamp + "\n")
        write_whole(submitted / "timestamp.txt", result.timestamp + "\n")
    for name, file in submission.files.items():
        target = submitted / f"{name}.ipynb"
        if file.content and not (target.is_file() and target.read_bytes() == file.content):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
    for notebook in result.notebooks:
        write_whole(autograded / f"{notebook.name}.ipynb", notebook.document or "")
