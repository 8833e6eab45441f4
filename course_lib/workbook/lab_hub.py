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
from course_lib.workbook.quick_import import notebook_library

REPOSITORY, FOLDER, IDLE = "COURSE_RELEASE", "COURSE_FOLDER", "COURSE_IDLE"


@dataclass(frozen=True)
class HubServer:
    """A student's server: its command line's options, folder and environment, and what the update had to tell."""

    options: list[str]
    folder: Path
    environment: dict[str, str]
    told: list[str]


def hub_server(environment: Mapping[str, str] | None = None) -> HubServer:
    """Bring the workbook up to date and say how to start the server that JupyterHub waits for.

    The hub says who the student is; ``COURSE_RELEASE`` where the course is published, ``COURSE_FOLDER`` where the
    student's copy lies (default: ``workbook`` in their home); after ``COURSE_IDLE`` seconds without a cell running
    kernels end, and a server without kernels ends, too. A release that can't be had keeps nobody from work
    that is there already. Raises UsageError where no hub started this, CourseError where there is nothing to open.
    """
    given = dict(os.environ if environment is None else environment)
    if not given.get("JUPYTERHUB_USER") or not given.get("JUPYTERHUB_API_TOKEN"):
        raise UsageError("--hub is for JupyterHub's configuration; on your own machine `course lab` opens the workbook")
    idle = _idle(given)
    root = Path(given.get(FOLDER) or Path.home() / "workbook")
    news = _update(root, given.get(REPOSITORY))
    folder = lab_folder(root)
    options = [f"--ServerApp.root_dir={folder}", f"--ServerApp.default_url=/lab/tree/{START}"]
    options += ["--LabApp.extension_manager=readonly", *idle]
    # Over TCP, whoever has an account on the machine could read what kernels print; a socket file is the student's.
    options += ["--KernelManager.transport=ipc"]
    own = {"COURSE_ROOT": str(root), "COURSE_STUDENT": given["JUPYTERHUB_USER"]}
    return HubServer(options, folder, lab_environment({**given, **own}), news)


def serve(server: HubServer) -> None:
    """Become that server, until the hub ends it. Raises CourseError where JupyterHub's part of it isn't installed."""
    os.environ.update(server.environment)
    os.chdir(server.folder)
    sys.argv = ["jupyterhub-singleuser", *server.options]
    notebook_library("jsonschema")  # a second of everybody's at the start of a class
    try:
        from jupyterhub.singleuser import main
    except ImportError as error:
        raise CourseError(
            f"JupyterHub's part of a student's server can't be imported ({error}). In the course's environment: "
            "pip install --no-deps --require-hashes -r deploy/requirements.lock"
        ) from error
    main()


def _update(root: Path, repository: str | None) -> list[str]:
    if not repository and not (root / ".git").exists():
        return []
    try:
        done = hand_out(root, repository)
        write_note(root, done)
    except (CourseError, OSError) as error:
        if not (root / "modules" / START).is_file():
            raise CourseError(f"the workbook can't be brought to {root}: {error}") from error
        return [f"The workbook stays as it is, because no newer one can be had: {error}"]
    return told(done)


def _idle(given: Mapping[str, str]) -> list[str]:
    """A browser left open overnight keeps no kernel; a cell that runs does."""
    text = given.get(IDLE)
    if not text:
        return []
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"{IDLE} is a number of seconds, not “{text}”")
    idle = int(text)
    culling = {"cull_idle_timeout": idle, "cull_interval": min(300, idle), "cull_connected": True}
    options = [f"--MappingKernelManager.{name}={value}" for name, value in culling.items()]
    return [f"--ServerApp.shutdown_no_activity_timeout={idle}", *options]
