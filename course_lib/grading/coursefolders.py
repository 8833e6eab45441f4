"""Where nbgrader keeps what is handed in, graded and given back, as this course's nbgrader_config.py says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
    from traitlets.config.loader import PyFileConfigLoader

    try:
        config = PyFileConfigLoader(CONFIG_FILE, path=str(root)).load_config()
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
