"""Read and write notebooks, and say in plain words what is wrong with a file that is none.

Every tool of the workbook reads notebooks through here, so a student meets the same message wherever a broken
file turns up. Nothing is repaired silently: duplicate cell ids, for one, stay for ``course check`` to report.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError, UsageError
from course_lib.workbook.files import write_text
from course_lib.workbook.quick_import import notebook_library

if TYPE_CHECKING:
    from nbformat import NotebookNode

FORMAT = 4
KERNEL = "python3"


class NotebookNotFound(UsageError):
    """There is no file of that name."""


class NotANotebook(CourseError):
    """The file is there, and it is not a notebook that can be read."""


class OldFormat(NotANotebook):
    """A notebook of a format from before 2015, which must be converted first."""


class WrongKernel(CourseError):
    """A notebook in a language that the workbook cannot run."""


def read_notebook(path: str | Path, *, upgrade: bool = False) -> NotebookNode:
    """Read a notebook of format 4.

    ``upgrade=True`` also takes one of format 2 or 3 and converts it in memory (the file stays as it is); it then
    has ``metadata.orig_nbformat``. Raises NotebookNotFound, NotANotebook or OldFormat.
    """
    path = Path(path)
    return parse_notebook(_read_text(path), path, upgrade=upgrade)


def parse_notebook(text: str, path: Path, *, upgrade: bool = False) -> NotebookNode:
    """Read a notebook from its file's text, as `read_notebook` does; ``path`` stands in messages."""
    data = _load_json(path, text)
    major = data.get("nbformat")
    if not isinstance(major, int) or (major >= FORMAT and not isinstance(data.get("cells"), list)):
        raise NotANotebook(
            f"{path} is JSON, but not a notebook: it has no list of cells. "
            "Perhaps another file was saved under the notebook's name."
        )
    if major > FORMAT:
        raise NotANotebook(
            f"{path} is a notebook of format {major}, newer than this workbook reads (format {FORMAT}). "
            "Save it again with the JupyterLab that `make lab` starts."
        )
    if major < FORMAT and not (upgrade and major >= 2):
        raise OldFormat(
            f"{path} is a notebook of the old format {major}; this workbook reads format {FORMAT}. Convert it:\n"
            f'    jupyter nbconvert --to notebook --nbformat {FORMAT} --inplace "{path}"\n'
            "or open it in JupyterLab and save it."
        )
    try:
        return _to_node(data, major)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotANotebook(f"{path} is damaged, its cells cannot be read ({error}). {_fresh(path)}") from error


def write_notebook(path: str | Path, notebook: NotebookNode) -> None:
    """Write a notebook whole or not at all, the same notebook always as the same bytes.

    UTF-8, one ``\\n`` a line, keys sorted, a line break at the end: as JupyterLab saves it. Cells without an id
    get one made from their place and text. Raises CourseError when the folder or the disk refuses.
    """
    write_text(path, notebook_text(notebook))


def notebook_text(notebook: NotebookNode) -> str:
    """The text that `write_notebook` writes."""
    nbformat = notebook_library("nbformat")
    needs_ids = (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    if needs_ids and any("id" not in cell for cell in notebook.cells):
        notebook = nbformat.from_dict(notebook)
        for index, cell in enumerate(notebook.cells):
            cell.setdefault("id", hashlib.sha256(f"{index}\n{cell.source}".encode()).hexdigest()[:8])
    return nbformat.v4.writes(notebook) + "\n"


def kernel_name(notebook: NotebookNode, path: str | Path) -> str:
    """The kernel that can run this notebook: ours, whatever its Python kernel was called on another computer.

    Raises WrongKernel for a notebook of another language.
    """
    spec, info = (_mapping(notebook.metadata.get(key)) for key in ("kernelspec", "language_info"))
    language = str(spec.get("language") or info.get("name") or "python").lower()
    if language not in ("python", "python3", "ipython"):
        name = spec.get("display_name") or spec.get("name") or language
        raise WrongKernel(
            f"{path} wants the kernel “{name}” for {language}, and the workbook runs on Python. "
            "In JupyterLab: menu Kernel → Change Kernel… → Python 3, then save."
        )
    return KERNEL


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _fresh(path: Path) -> str:
    return (
        "If you have no copy of your own (look for one beginning with the same name), "
        f'`git checkout -- "{path}"` brings back the notebook as it was released, without your answers.'
    )


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise NotebookNotFound(f"{path} is a folder; name a notebook in it, such as {path / 'exercises.ipynb'}.")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        others = sorted(p.name for p in path.parent.glob("*.ipynb")) if path.parent.is_dir() else []
        there = f" Notebooks in that folder: {', '.join(others)}." if others else ""
        raise NotebookNotFound(f"there is no file {path}.{there}") from error
    except OSError as error:
        raise NotANotebook(f"cannot read {path}: {error.strerror or error}.") from error
    if not content.strip():
        raise NotANotebook(f"{path} is empty. {_fresh(path)}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "a zip archive: unpack it first" if content[:2] == b"PK" else "a file that is not text (UTF-8)"
        raise NotANotebook(f"{path} is not a notebook but {kind}.") from error


def _load_json(path: Path, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotANotebook(f"{path} {_why_not_json(path, text, error)}") from error
    except RecursionError as error:
        raise NotANotebook(f"{path} is not a notebook: its JSON is nested too deeply.") from error
    if not isinstance(data, dict):
        raise NotANotebook(f"{path} is JSON, but not a notebook: a {type(data).__name__}, not an object.")
    return data


def _why_not_json(path: Path, text: str, error: json.JSONDecodeError) -> str:
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        return (
            "is a web page, not a notebook: the page around the notebook was saved instead of the file. "
            "Use the site's download (or Raw) button, or take the notebook from your copy of the project."
        )
    if any(line.startswith("<<<<<<<") for line in text.splitlines()):
        return (
            "holds the marks of a Git conflict (<<<<<<< and >>>>>>>): two versions were merged halfway. "
            f'`git checkout --ours -- "{path}"` keeps your version, --theirs takes the other one.'
        )
    cut = " It ends too early: cut off while it was saved or copied." if error.pos >= len(text.rstrip()) else ""
    return (
        f"is not a notebook: it is no valid JSON (line {error.lineno}, column {error.colno}: {error.msg}).{cut} "
        + _fresh(path)
    )


def _to_node(data: dict[str, Any], major: int) -> NotebookNode:
    nbformat = notebook_library("nbformat")
    if not isinstance(data.setdefault("metadata", {}), dict):
        data["metadata"] = {}
    if major == FORMAT:
        for number, cell in enumerate(data["cells"], 1):
            _complete_cell(cell, number)
    notebook = nbformat.versions[major].to_notebook_json(data, minor=data.get("nbformat_minor", 0))
    if major < FORMAT:
        notebook = nbformat.convert(notebook, FORMAT)
        notebook.metadata["orig_nbformat"] = major
    notebook.setdefault("nbformat_minor", 0)
    return notebook


def _complete_cell(cell: Any, number: int) -> None:
    """Add the fields that a cell may lack and still be understood; ValueError when it can't be."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise ValueError(f"cell {number} is neither code nor text")
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError(f"cell {number} has no text")
    if not isinstance(cell.setdefault("metadata", {}), dict):
        cell["metadata"] = {}
    if cell["cell_type"] == "code":
        if not isinstance(cell.setdefault("outputs", []), list):
            cell["outputs"] = []
        cell.setdefault("execution_count", None)
