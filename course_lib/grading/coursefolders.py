"""Where nbgrader keeps what is handed in, graded and given back, as this course's nbgrader_config.py says."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from course_lib.errors import CourseError

CONFIG_FILE = "nbgrader_config.py"


@dataclass(frozen=True)
class CourseFolders:
    """nbgrader's folders and gradebook of one course. ``config`` are its settings, None where there is no file."""

    root: Path
    submitted: Path
    autograded: Path
    feedback: Path
    db_url: str
    course_id: str = "default_course"
    config: Any = None

    @property
    def records(self) -> Path:
        """Our own: what was graded, and the class reports."""
        return self.autograded.parent / "results"


def plain_folders(root: Path) -> CourseFolders:
    """The folders as they are unless a config file says otherwise."""
    gradebook = root / "gradebook"
    url = f"sqlite:///{(gradebook / 'gradebook.db').as_posix()}"
    return CourseFolders(root, gradebook / "submitted", gradebook / "autograded", gradebook / "feedback", url)


def course_folders(root: Path) -> CourseFolders:
    """The folders by the course's own nbgrader_config.py. Raises CourseError where it cannot be read."""
    plain = plain_folders(root)
    if not (root / CONFIG_FILE).is_file():
        return plain
    try:
        config = _load(root / CONFIG_FILE)
    except Exception as error:
        raise CourseError(f"cannot read {root / CONFIG_FILE}: {error}") from error
    section = config.CourseDirectory

    def folder(name: str, otherwise: Path) -> Path:
        return root / section[f"{name}_directory"] if f"{name}_directory" in section else otherwise

    return CourseFolders(
        root,
        folder("submitted", plain.submitted),
        folder("autograded", plain.autograded),
        folder("feedback", plain.feedback),
        section.get("db_url") or plain.db_url,
        section.get("course_id") or plain.course_id,
        config,
    )


def _load(path: Path) -> Any:
    """Run the settings file, as nbgrader does, but for what it imports of the course's own.

    That is about making releases, and takes longer to import than a hand-in to grade.
    """
    from traitlets.config import Config

    def lean_import(name: str, *args: Any, **kwargs: Any) -> Any:
        return _Unneeded(name) if name.startswith("course_lib.") else __import__(name, *args, **kwargs)

    config = Config()
    namespace = {
        "__builtins__": {**vars(builtins), "__import__": lean_import},
        "__file__": str(path),
        "get_config": lambda: config,
    }
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    return config


class _Unneeded(ModuleType):
    def __getattr__(self, name: str) -> None:
        return None
