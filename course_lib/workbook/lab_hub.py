"""A student's server under JupyterHub: the workbook in their home, brought up to date, with the lab's settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError, UsageError
from course_lib.workbook.handout import hand_out
from course_lib.workbook.handout_note import told, write_note
from course_lib.workbook.lab import START, lab_environment, lab_folder

REPOSITORY, FOLDER, DROP = "COURSE_RELEASE", "COURSE_FOLDER", "COURSE_SUBMIT_TO"


@dataclass(frozen=True)
class HubServer:
    """What to start, where and with which environment, and what the update had to tell."""

    command: list[str]
    folder: Path
    environment: dict[str, str]
    told: list[str]


def hub_server(environment: Mapping[str, str] | None = None) -> HubServer:
    """Bring the workbook up to date and say how to start the server that JupyterHub waits for.

    The hub says who the student is; ``COURSE_RELEASE`` where the course is published, ``COURSE_FOLDER`` where the
    student's copy lies (default: ``workbook`` in their home). A release that can't be had keeps nobody from work
    that is there already. Raises UsageError where no hub started this, CourseError where there is nothing to open.
    """
    given = dict(os.environ if environment is None else environment)
    if not given.get("JUPYTERHUB_USER") or not given.get("JUPYTERHUB_API_TOKEN"):
        raise UsageError("--hub is for JupyterHub's configuration; on your own machine `course lab` opens the workbook")
    root = Path(given.get(FOLDER) or Path.home() / "workbook")
    news = _update(root, given.get(REPOSITORY))
    folder = lab_folder(root)
    command = [sys.executable, "-m", "jupyterhub.singleuser", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.extension_manager=readonly", f"--ServerApp.default_url=/lab/tree/{START}"]
    own = {"COURSE_ROOT": str(root), "COURSE_STUDENT": given["JUPYTERHUB_USER"]}
    return HubServer(command, folder, lab_environment({**given, **own}), news)


def _update(root: Path, repository: str | None) -> list[str]:
    if not repository and not (root / ".git").exists():
        return []
    try:
        done = hand_out(root, repository)
    except CourseError as error:
        if not (root / "modules" / START).is_file():
            raise
        return [f"The workbook stays as it is, because no newer one can be had: {error}"]
    write_note(root, done)
    return told(done)
