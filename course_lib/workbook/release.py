"""From solution notebooks to what students open, through nbgrader's own generate-assignment.

nbgrader_config.py names the same steps, so that `nbgrader generate_assignment`, formgrader and `course build`
make the same bytes. This module imports nbgrader (a second or so): import it inside functions.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.workbook import pristine
from course_lib.workbook.files import write_bytes
from course_lib.workbook.modules import Module
from course_lib.workbook.notebook_io import write_notebook
from course_lib.workbook.quick_import import notebook_library

notebook_library("nbconvert")
from nbgrader import preprocessors as nbgrader_steps  # noqa: E402
from nbgrader.converters import GenerateAssignment  # noqa: E402
from nbgrader.coursedir import CourseDirectory  # noqa: E402
from traitlets.config import Config  # noqa: E402
from traitlets.config.loader import PyFileConfigLoader  # noqa: E402

CONFIG_FILE = "nbgrader_config.py"
Resources = dict[str, Any]


class ReleaseError(CourseError):
    """nbgrader could not make a release of a module."""


class ClearAnswers(nbgrader_steps.ClearSolutions):
    """nbgrader's ClearSolutions, with a stub per cell where one is given (a quiz answer starts as ``name = None``)."""

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, cell_index: int) -> Any:
        """Put the cell's own stub, or else nbgrader's, in the place of its solution."""
        stub = cell.metadata.pop("course", {}).get("stub")
        usual = self.code_stub
        if stub:
            self.code_stub = {resources["language"]: stub}
        try:
            return super().preprocess_cell(cell, resources, cell_index)
        finally:
            self.code_stub = usual


class EmbedPristine(nbgrader_steps.NbGraderPreprocessor):
    """The last step: let the release remember its own graded cells (see `pristine`)."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Reduce the notebook's ``course`` entry to what students need, and embed the pristine cells."""
        names = resources["nbgrader"]
        nb.metadata[pristine.KEY] = {"module": names["assignment"], "notebook": names["notebook"]}
        return pristine.embed(nb), resources


def _steps() -> list[type]:
    usual = GenerateAssignment.preprocessors.default_args[0]
    return [*(ClearAnswers if step is nbgrader_steps.ClearSolutions else step for step in usual), EmbedPristine]


PREPROCESSORS = _steps()


def generate_release(module: Module, notebooks: Mapping[str, NotebookNode]) -> dict[str, bytes]:
    """Make a module's release from its solution notebooks, without touching ``modules/`` or the gradebook.

    Returns each file's content by its name inside the release folder: the notebooks, and the files beside the
    text that nbgrader_config.py does not ignore (pictures, say). Raises ReleaseError.
    """
    config = load_config(module.root)
    config.GenerateAssignment.preprocessors = [s for s in PREPROCESSORS if s is not nbgrader_steps.SaveCells]
    config.GenerateAssignment.no_database = True
    with tempfile.TemporaryDirectory(prefix="course-release-") as folder:
        root = Path(folder).resolve()
        source = root / config.CourseDirectory.source_directory / module.name
        for name, content in support_contents(module).items():
            write_bytes(source / name, content)
        for name, notebook in notebooks.items():
            write_notebook(source / f"{name}.ipynb", notebook)
        config.CourseDirectory.root = str(root)
        _run(module, config)
        release = root / config.CourseDirectory.release_directory / module.name
        files = sorted(path for path in release.rglob("*") if path.is_file())
        return {path.relative_to(release).as_posix(): _built_bytes(path) for path in files}


def load_config(root: Path) -> Config:
    """The course's nbgrader settings. Raises ReleaseError where the file is missing or wrong."""
    try:
        return PyFileConfigLoader(CONFIG_FILE, path=str(root)).load_config()
    except Exception as error:
        raise ReleaseError(f"cannot read {root / CONFIG_FILE}: {error}") from error


def support_contents(module: Module) -> dict[str, bytes]:
    """Files of a module's folder that nbgrader copies into the release beside the notebooks, by relative name."""
    from nbgrader.utils import find_all_files

    ignore = [*load_config(module.root).CourseDirectory.ignore, "*.ipynb"]
    paths = sorted(Path(path) for path in find_all_files(str(module.solutions), ignore))
    return {path.relative_to(module.solutions).as_posix(): path.read_bytes() for path in paths}


def _run(module: Module, config: Config) -> None:
    """Run nbgrader's converter, keeping its log for the error message."""
    log = logging.getLogger("course.release")
    log.propagate = False
    lines: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log.handlers = [handler]
    before = os.getcwd()
    try:
        coursedir = CourseDirectory(config=config, assignment_id=module.name, log=log)
        GenerateAssignment(coursedir=coursedir, config=config, log=log).start()
    except Exception as error:
        reason = next((line for line in lines if "Traceback" in line), str(error)).strip().splitlines()[-1]
        raise ReleaseError(f"nbgrader cannot make a release of {module.name}: {reason}") from error
    finally:
        os.chdir(before)


def _built_bytes(path: Path) -> bytes:
    """A file of the release; notebooks with the same line ends on every system."""
    content = path.read_bytes()
    return content.replace(b"\r\n", b"\n") if path.suffix == ".ipynb" else content
