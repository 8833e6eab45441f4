"""Publish what students get as a Git repository: the course as committed, without what only its authors need."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError, UsageError

BRANCH = "main"
# Solutions and tests hold the answers; the rest serves those who keep the course.
KEPT_BACK = ("solutions", "tests", "deploy", ".ci", ".github/workflows", "nbgrader_config.py")
_SECONDS = 120


@dataclass(frozen=True)
class Published:
    """The repository, the commit that students get, and whether it is a new one."""

    repository: str
    commit: str
    new: bool


def publish(root: Path, repository: str) -> Published:
    """Add the committed state of the course in ``root`` to ``repository``, as one commit on its branch ``main``.

    ``repository`` is a path (a bare repository is made there when nothing is) or any address that Git can push to.
    What has the same files as the last publication is not published again. Raises UsageError where ``root`` is no
    Git checkout, CourseError with Git's own words where it refuses.
    """
    if not (root / ".git").exists():
        raise UsageError(f"{root} is no Git checkout: what students get is taken from its last commit")
    _make(repository)
    last = _last(root, repository)
    source = git(root, "rev-parse", "--short", "HEAD")
    with tempfile.TemporaryDirectory() as scratch:
        # an index of its own: the author's is not touched
        own = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git(root, "read-tree", "HEAD", env=own)
        git(root, "rm", "-r", "-q", "--cached", "--ignore-unmatch", "--", *KEPT_BACK, env=own)
        tree = git(root, "write-tree", env=own)
    if last and git(root, "rev-parse", f"{last}^{{tree}}") == tree:
        return Published(repository, last, new=False)
    parents = ["-p", last] if last else []
    commit = git(root, "commit-tree", tree, *parents, "-m", f"The course as of {source}", env=_author(root))
    git(root, "push", "-q", repository, f"{commit}:refs/heads/{BRANCH}")
    return Published(repository, commit, new=True)


def git(folder: Path, *words: str, env: dict[str, str] | None = None) -> str:
    """What a Git command in ``folder`` answers. It never asks for anything. Raises CourseError with its words."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(env or {})}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env={**os.environ, **quiet},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise CourseError("Git is not installed (git-scm.com, or your system's packages)") from error
    except subprocess.TimeoutExpired as error:
        raise CourseError(f"`git {words[0]}` did not answer within {_SECONDS} s") from error
    if done.returncode:
        raise CourseError(f"`git {words[0]}` failed: {done.stderr.strip() or 'it does not say why'}")
    return done.stdout.strip()


def _make(repository: str) -> None:
    """A bare repository, where a path was named and nothing is there yet; whoever publishes, everybody may read it."""
    path = Path(repository)
    if "::" in repository or "://" in repository or "@" in repository.split("/")[0]:
        return
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        path.mkdir(parents=True, exist_ok=True)
        git(path, "init", "-q", "--bare", "--shared=0644", "--initial-branch", BRANCH)
    elif not (path / "HEAD").is_file():
        raise UsageError(f"{repository} is there and is no bare Git repository; name one, or a path that is free")


def _last(root: Path, repository: str) -> str | None:
    """The commit that was published last, fetched into the author's checkout so that it can have a child."""
    if not git(root, "ls-remote", "--heads", repository, BRANCH):
        return None
    git(root, "fetch", "-q", "--no-tags", "--no-write-fetch-head", repository, f"+{BRANCH}:refs/course/published")
    return git(root, "rev-parse", "refs/course/published")


def _author(root: Path) -> dict[str, str]:
    """Who publishes, where Git doesn't know: in a fresh account it would refuse to commit."""
    try:
        git(root, "var", "GIT_COMMITTER_IDENT")
    except CourseError:
        names = {f"GIT_{role}_NAME": "Course" for role in ("AUTHOR", "COMMITTER")}
        return names | {f"GIT_{role}_EMAIL": "course@localhost" for role in ("AUTHOR", "COMMITTER")}
    return {}
