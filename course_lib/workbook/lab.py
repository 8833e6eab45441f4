"""JupyterLab on the modules, at the start page, without prompts and without telemetry."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.workbook.ports import find_free_port

START = "start.ipynb"
JUPYTER = Path(__file__).with_name("jupyter")
NBGRADER_CONFIG = "nbgrader_config.py"


def lab_folder(root: Path, *, formgrader: bool = False) -> Path:
    """The folder that JupyterLab shows: ``modules/``, or for Formgrader the whole course.

    Raises CourseError where what should be shown isn't there.
    """
    modules = root / "modules"
    if not (modules / START).is_file():
        raise CourseError(f"{modules / START} is missing: is this a whole checkout? Authors build it: course build")
    if not formgrader:
        return modules
    if not (root / NBGRADER_CONFIG).is_file() or not (root / "solutions").is_dir():
        raise CourseError(
            f"Formgrader needs {NBGRADER_CONFIG} and solutions/ in {root}: students' copies have neither. "
            "Without --formgrader the modules open."
        )
    return root


def lab_command(root: Path, *, port: int | None = None, browser: bool = True, formgrader: bool = False) -> list[str]:
    """The command that opens JupyterLab on ``modules/``, or on the whole course, to be run in `lab_folder`.

    Raises CourseError where there are no modules, and PortInUse for a port that is taken.
    """
    folder = lab_folder(root, formgrader=formgrader)
    page = "/lab" if formgrader else f"/lab/tree/{START}"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.default_url={page}", f"--ServerApp.port={find_free_port(port)}"]
    # Extensions come with the environment; the manager would ask a package registry what else there is.
    command += ["--LabApp.extension_manager=readonly"]
    # a port that we found free and somebody took since: the next one will do, unless one was asked for
    command += ["--ServerApp.port_retries=0"] if port else []
    # In a container everybody is root, and JupyterLab would refuse.
    command += ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    return command if browser else [*command, "--no-browser"]


def lab_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of JupyterLab and of every kernel it starts.

    The environment's own programs come first, so that ``!course check …`` works in a cell and nbgrader finds what
    it calls by name, also where nobody activated the environment.
    """
    base = dict(os.environ if environment is None else environment)
    programs = str(Path(sys.executable).parent)
    base["PATH"] = os.pathsep.join([programs, *filter(None, [base.get("PATH")])])
    base |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    # nbgrader's pages, without what they would fetch from other machines, and its settings for the Validate button
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        base[name] = os.pathsep.join(filter(None, [str(JUPYTER), base.get(name)]))
    return base
