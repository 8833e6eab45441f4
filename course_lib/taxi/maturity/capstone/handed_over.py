"""Step 1: somebody else can run it."""

from __future__ import annotations

import re

from course_lib.taxi.maturity import locks, managed
from course_lib.taxi.maturity.capstone.questions import Question, Wrong
from course_lib.taxi.maturity.capstone.settings import NotSettled, Settings
from course_lib.taxi.maturity.capstone.trial import Trial
from course_lib.taxi.maturity.findings import Evidence
from course_lib.taxi.maturity.scan import Project

_SECRET = re.compile(
    r"(?i)(?:\b|_)((?:\w*(?:password|passwd|secret|api_?key|token)))\\?[\"']?\s*[=:]\s*\\?[\"']([^\"'\\\s]{3,})\\?[\"']"
)
_PATH = re.compile(r"[\"'](?:[A-Za-z]:[\\/]|~/|/(?:home|Users|root|mnt|media|tmp|Volumes)/)[^\"'\n]*[\"']")


def _project(trial: Trial) -> Project:
    return Project.open(trial.folder)


def _settings(trial: Trial) -> Settings:
    """The entries of capstone.toml, or the usual ones while there is none."""
    try:
        return trial.settings
    except NotSettled:
        return Settings()


def _held(found: Evidence) -> str:
    if not found.found:
        raise Wrong(found.missing)
    return found.where


def version_control(trial: Trial) -> str:
    """A repository of the folder's own, with the code in it, and neither data nor what runs write."""
    project = _project(trial)
    found = managed.repository_of(project)
    if isinstance(found, str):
        raise Wrong(found)
    if found.root.resolve() != project.root:
        raise Wrong(f"the repository is that of the folder {found.root.name} above: this one needs its own")
    entries = _settings(trial)
    for name in sorted(found.tracked):
        if name == entries.data or name.startswith(f"{entries.state}/") or name.endswith(".csv"):
            raise Wrong(f"Git tracks {name}: data and what runs write do not belong there")
    code = [file.name for file in project.ending(".py") if not file.name.startswith(f"{entries.state}/")]
    if loose := [name for name in code if name not in found.tracked]:
        raise Wrong(f"{loose[0]} is not in Git")
    return f"{_held(managed.version_control(project))}; {_held(managed.data_kept_out(project))}"


def lock(trial: Trial) -> str:
    """Exact versions of what the code imports."""
    return _held(locks.look(_project(trial)))


def readme(trial: Trial) -> str:
    """What it is, and the command that runs it."""
    return _held(managed.how_to_run(_project(trial)))


def nothing_private(trial: Trial) -> str:
    """No password and no path of one machine in anything that is written by hand."""
    project, state = _project(trial), _settings(trial).state
    written = [
        file
        for file in project.ending(".py", ".ipynb", ".toml", ".yml", ".yaml", ".sh", ".cfg", ".ini", ".env")
        if not file.name.startswith(f"{state}/")
    ]
    for file in written:
        text = project.notebook_code(file) if file.suffix == ".ipynb" else project.text(file)
        if match := _SECRET.search(text):
            raise Wrong(f"{file.name} has a value written out for “{match[1]}”")
        if match := _PATH.search(text):
            raise Wrong(f"{file.name} has a path that only one machine has: {match[0][:60]}")
        if hit := managed.secret_in(project, file):
            raise Wrong(f"{file.name}: {hit}")
    if not any(file.suffix == ".py" for file in written):
        raise Wrong("there is no code but notebooks yet")
    return f"neither in {len(written)} files"


QUESTIONS = (
    Question(
        "version control",
        "a Git repository of this folder: its code committed, data and what runs write ignored",
        "write .gitignore (data/, state/) and move trips.csv to data/; then git init, git add ., git commit",
        version_control,
    ),
    Question(
        "locked environment",
        "a lock file with an exact version of every package, those that the code imports among them",
        "`pip freeze > requirements.lock` (or uv pip compile): every line name==version",
        lock,
    ),
    Question(
        "README",
        "a README.md that says what this is, where its data comes from, and which command runs it",
        "write it for somebody who has only this folder; put the commands in a code block",
        readme,
    ),
    Question(
        "nothing private",
        "code in .py files; no password and no path of your own machine in code or notebooks",
        "passwords from os.environ (or drop them), files relative to the folder; mend the notebook or delete it",
        nothing_private,
    ),
)
