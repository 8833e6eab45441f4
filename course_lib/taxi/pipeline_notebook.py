"""The pipeline as a notebook: its text lies in ``data/pipeline.md``, papermill runs it with a month's parameters.

The executed notebook is the month's report: the same steps, their tables and a picture, and where it stopped if it did.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import pipeline_manifest
from course_lib.taxi.months import parse
from course_lib.taxi.pipeline_files import replacing
from course_lib.taxi.pipeline_run import context
from course_lib.taxi.pipeline_types import STEPS, Registered, Settings

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config

# A socket's path may have 108 bytes on Linux and 104 on macOS; jupyter adds "-ipc-12345".
_LONGEST_SOCKET = 90
TEXT = Path(__file__).with_name("data") / "pipeline.md"


class NotebookFailed(CourseError):
    """A cell of the pipeline's notebook failed; the message says why, and where the notebook up to there lies."""


@dataclass(frozen=True)
class NotebookResult:
    """An executed notebook at ``path``, and what its last step returned."""

    month: str
    path: Path
    registered: Registered


def notebook() -> NotebookNode:
    """The notebook, unexecuted, as its text says; cell ids are the cells' numbers, so that it is always the same."""
    import jupytext

    made = jupytext.reads(TEXT.read_text(encoding="utf-8"), fmt="md:myst")
    for number, cell in enumerate(made.cells, 1):
        cell["id"] = f"pipeline-{number:02d}"
    return made


def write_notebook(path: str | os.PathLike[str]) -> Path:
    """Write the notebook, unexecuted, to ``path`` (.ipynb), for papermill or for a look; returns the path."""
    import nbformat

    target = Path(path)
    with replacing(target) as part:
        part.write_text(nbformat.writes(notebook()) + "\n", encoding="utf-8", newline="\n")
    return target


def run_notebook(
    month: str,
    output: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> NotebookResult:
    """Execute the notebook for ``month`` with papermill and keep it at ``output``, also when it fails.

    ``parameters`` are the notebook's own (source, rows, model, evaluation_days, max_bad_share); ``folder`` and
    ``tracking`` as for run_month; ``progress`` shows a bar of cells on stderr. Raises UsageError for a parameter that
    the notebook doesn't have, MonthNotFound, and NotebookFailed.
    """
    import papermill

    about = context(Settings(source=(parameters or {}).get("source")), folder, tracking)
    name, target = str(parse(month)), Path(output).resolve()
    places = {"source": about.settings.source, "folder": str(about.folder), "tracking": str(about.tracking)}
    given = {"month": name, **(parameters or {}), **places}
    with tempfile.TemporaryDirectory(prefix="pipeline-") as temporary:
        text = write_notebook(Path(temporary) / "pipeline.ipynb")
        _check(given, sorted(papermill.inspect_notebook(str(text))))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            papermill.execute_notebook(
                str(text),
                str(target),
                parameters=given,
                progress_bar={"desc": name} if progress else False,
                request_save_on_cell_execute=False,
                shutdown_kernel="immediate",  # asked politely, a kernel on a busy machine complains on stderr
                config=_kernel(Path(temporary).resolve() / "kernel.json"),
            )
        except papermill.PapermillExecutionError as error:
            raise NotebookFailed(f"{error.evalue or error.ename} The notebook up to there: {target}") from error
    found = pipeline_manifest.read(about.folder, name, STEPS[-1])
    if found is None:
        raise NotebookFailed(f"The notebook ran, but {about.folder / name} has no registered model. See {target}.")
    return NotebookResult(name, target, found.output())


def _kernel(connection_file: Path) -> Config:
    """Settings for the kernel: sockets in the folder of its connection file, where there are such, and not ports."""
    from traitlets.config import Config

    config = Config()
    config.KernelManager.connection_file = str(connection_file)
    if os.name == "posix" and len(os.fsencode(connection_file)) <= _LONGEST_SOCKET:
        config.KernelManager.transport = "ipc"
    return config


def _check(given: Mapping[str, Any], known: list[str]) -> None:
    """papermill itself only warns, and runs on with the default."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            raise UsageError(f"The pipeline's notebook has no parameter '{name}'. {hint}It takes: {', '.join(known)}.")
